//! JSON text, byte by byte: strings are not decoded, and what nobody asks for is skipped. With comments, as Elasticsearch
//! takes them. `None` where the text is no JSON.

use crate::json;
use memchr::{memchr2, memmem};
use std::borrow::Cow;

/// A place in a text.
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

/// A string as it stands in the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw<'a> {
    /// Without its quotes.
    pub bytes: &'a [u8],
    quoted: &'a [u8],
    escaped: bool,
}

impl<'a> Raw<'a> {
    /// Returns its content, in UTF-8 if the text is. A half of a pair of surrogates has three bytes, too.
    pub fn content(self) -> Option<Cow<'a, [u8]>> {
        if self.escaped { json::name(self.quoted) } else { Some(Cow::Borrowed(self.bytes)) }
    }
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// Returns the next byte that is neither white space nor of a comment, and stays before it.
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.get(self.at)? {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                b'/' => self.comment()?,
                other => return Some(*other),
            }
        }
    }

    /// Takes a byte, if it is the next.
    pub fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn comment(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        self.at += match rest.get(1)? {
            b'/' => memchr2(b'\n', b'\r', rest).unwrap_or(rest.len()),
            b'*' => memmem::find(rest.get(2..)?, b"*/")? + 4,
            _ => return None,
        };
        Some(())
    }

    /// Takes a string, whose quote is next.
    pub fn string(&mut self) -> Option<Raw<'a>> {
        let start = self.at + 1;
        let (mut end, mut escaped) = (start, false);
        loop {
            end += memchr2(b'"', b'\\', self.text.get(end..)?)?;
            if self.text.get(end) == Some(&b'"') {
                self.at = end + 1;
                let (bytes, quoted) = (self.text.get(start..end)?, self.text.get(start - 1..=end)?);
                return Some(Raw { bytes, quoted, escaped });
            }
            escaped = true;
            end += 2;
        }
    }

    /// Takes a number or a word.
    pub fn word(&mut self) -> Option<&'a str> {
        let rest = self.text.get(self.at..)?;
        let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r' | b'/' | b':');
        let length = rest.iter().position(is_end).unwrap_or(rest.len());
        self.at += length;
        std::str::from_utf8(rest.get(..length)?).ok().filter(|word| !word.is_empty())
    }

    /// Skips a value.
    pub fn skip(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'{' | b'[' => self.skip_nested(),
            _ => self.word().map(|_| ()),
        }
    }

    fn skip_nested(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                    if depth == 0 {
                        return Some(());
                    }
                }
                b',' | b':' => self.at += 1,
                _ => {
                    self.word()?;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn comments_and_whatever_is_in_values_are_skipped() {
        let mut cursor = Cursor::new(
            br#" /* { */ {"a":["}",{"b\"":1e5}] // x
            , "c" : /**/ true}"#,
        );
        assert!(cursor.take(b'{'));
        assert_eq!(cursor.peek(), Some(b'"'));
        assert_eq!(cursor.string().unwrap().bytes, b"a");
        assert!(cursor.take(b':'));
        cursor.skip().unwrap();
        assert!(cursor.take(b','));
        assert_eq!(cursor.peek(), Some(b'"'));
        assert_eq!(cursor.string().unwrap().bytes, b"c");
        assert!(cursor.take(b':'));
        cursor.peek();
        assert_eq!(cursor.word(), Some("true"));
        assert!(cursor.take(b'}') && cursor.peek().is_none());
    }

    #[test]
    fn halves_of_pairs_have_three_bytes() {
        let content = |text: &str| {
            let quoted = format!("\"{text}\"");
            Cursor::new(quoted.as_bytes()).string().unwrap().content().map(Cow::into_owned)
        };
        assert_eq!(content(r"\ud83d\ude00").as_deref(), Some("😀".as_bytes()));
        assert_eq!(content(r"\ud83dx").as_deref(), Some(&b"\xED\xA0\xBDx"[..]));
        assert_eq!(content(r"\u12g4"), None);
    }

    proptest! {
        #[test]
        fn a_string_is_what_any_parser_reads(text: String) {
            let json = serde_json::to_string(&text).unwrap();
            let mut cursor = Cursor::new(json.as_bytes());
            prop_assert_eq!(cursor.peek(), Some(b'"'));
            let raw = cursor.string().unwrap();
            let content = raw.content().unwrap();
            prop_assert_eq!(content.as_ref(), text.as_bytes());
            prop_assert!(cursor.peek().is_none());
        }

        #[test]
        fn no_text_makes_it_fail(text in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut cursor = Cursor::new(&text);
            let _ = cursor.skip();
        }
    }
}
