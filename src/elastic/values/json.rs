//! JSON text, byte by byte: strings are not decoded, and what nobody asks for is skipped. With comments, as Elasticsearch
//! takes them. `None` where the text is no JSON.

use memchr::{memchr, memchr2, memmem};
use std::borrow::Cow;

/// A place in a text.
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

/// A string as it stands in the text, without its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw<'a> {
    pub bytes: &'a [u8],
    pub escaped: bool,
}

impl<'a> Raw<'a> {
    /// Returns its content, in UTF-8 if the text is. A half of a pair of surrogates has three bytes, too.
    pub fn content(self) -> Option<Cow<'a, [u8]>> {
        if self.escaped { unescape(self.bytes).map(Cow::Owned) } else { Some(Cow::Borrowed(self.bytes)) }
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
                return Some(Raw { bytes: self.text.get(start..end)?, escaped });
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

fn unescape(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr(b'\\', rest) {
        out.extend_from_slice(rest.get(..at)?);
        let escape = *rest.get(at + 1)?;
        rest = rest.get(at + 2..)?;
        match escape {
            b'u' => {
                let (unit, behind) = unit(rest)?;
                rest = behind;
                let low =
                    (0xD800..0xDC00).contains(&unit).then(|| rest.strip_prefix(b"\\u")).flatten().and_then(self::unit);
                match low.filter(|(low, _)| (0xDC00..0xE000).contains(low)) {
                    Some((low, behind)) => {
                        rest = behind;
                        let code = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                        let mut bytes = [0; 4];
                        out.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut bytes).as_bytes());
                    }
                    None => match char::from_u32(unit) {
                        Some(char) => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
                        None => out.extend([
                            0xE0 | (unit >> 12) as u8,
                            0x80 | ((unit >> 6) & 0x3F) as u8,
                            0x80 | (unit & 0x3F) as u8,
                        ]),
                    },
                }
            }
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            other => out.push(other),
        }
    }
    out.extend_from_slice(rest);
    Some(out)
}

/// Reads four hexadecimal digits.
fn unit(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_at_checked(4)?;
    Some((u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?, rest))
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
        let content = |text: &str| Raw { bytes: text.as_bytes(), escaped: true }.content().unwrap().into_owned();
        assert_eq!(content(r"\ud83d\ude00"), "😀".as_bytes());
        assert_eq!(content(r"\ud83dx"), b"\xED\xA0\xBDx");
        assert_eq!(content(r"\ude00\ud83d"), b"\xED\xB8\x80\xED\xA0\xBD");
        for broken in
            ["", r"\", r"\u12", r"\u12g4"].map(|text| Raw { bytes: text.as_bytes(), escaped: true }).into_iter().skip(1)
        {
            assert_eq!(broken.content(), None);
        }
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
