//! The parts of an object or an array, each as it stands in the text (RFC 8259). Strings are skipped, not decoded: every
//! byte may be in them but control characters, be it UTF-8 or not.

use std::fmt;

/// What a text may begin with that says that it is UTF-8. Elasticsearch passes it on within its answers.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// Bytes of a string that are looked at together.
const STEP: usize = size_of::<u64>();
const ONES: u64 = u64::MAX / 0xFF;

/// A text that is no JSON from some byte on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// Counted from 0; the length of the text where that ends too early.
    at: usize,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no JSON from byte {} on", self.at + 1)
    }
}

impl std::error::Error for Malformed {}

/// One of the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// The name in an object: a string with its quotes and escapes. Empty in an array.
    pub key: &'a [u8],
    /// The value, without white space around it.
    pub value: &'a [u8],
}

/// Gives out the parts in order, as often as they occur.
#[derive(Debug)]
pub struct Parts<'a> {
    cursor: Cursor<'a>,
    closer: u8,
    place: Place,
}

/// What has been read of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Opened,
    Within,
    Closed,
}

impl<'a> Parts<'a> {
    /// Begins to read an object.
    ///
    /// # Errors
    /// Fails if the text begins with something else.
    pub fn of_object(text: &'a [u8]) -> Result<Self, Malformed> {
        Self::of(text, b'{', b'}')
    }

    /// Begins to read an array.
    ///
    /// # Errors
    /// Fails if the text begins with something else.
    pub fn of_array(text: &'a [u8]) -> Result<Self, Malformed> {
        Self::of(text, b'[', b']')
    }

    fn of(text: &'a [u8], opener: u8, closer: u8) -> Result<Self, Malformed> {
        let mut cursor = Cursor { text, at: 0, open: Vec::new() };
        cursor.skip_mark();
        cursor.skip_blanks();
        cursor.take(opener)?;
        cursor.skip_blanks();
        Ok(Self { cursor, closer, place: Place::Opened })
    }

    /// Returns the next part; nothing behind the last one.
    ///
    /// # Errors
    /// Fails where the text is no JSON.
    #[allow(clippy::should_implement_trait, reason = "an iterator would give errors for ever")]
    pub fn next(&mut self) -> Result<Option<Part<'a>>, Malformed> {
        let cursor = &mut self.cursor;
        if self.place == Place::Closed {
            return Ok(None);
        }
        if cursor.peek() == Some(self.closer) {
            cursor.at += 1;
            self.place = Place::Closed;
            return Ok(None);
        }
        if self.place == Place::Within {
            cursor.take(b',')?;
            cursor.skip_blanks();
        }
        self.place = Place::Within;
        let key = if self.closer == b'}' { cursor.key()? } else { &[] };
        let value = cursor.value()?;
        cursor.skip_blanks();
        Ok(Some(Part { key, value }))
    }

    /// Requires that nothing but white space is behind what was read.
    ///
    /// # Errors
    /// Fails if there is something else, or if not all was read.
    pub fn end(mut self) -> Result<(), Malformed> {
        self.cursor.skip_blanks();
        match (self.place, self.cursor.peek()) {
            (Place::Closed, None) => Ok(()),
            _ => Err(self.cursor.malformed()),
        }
    }
}

#[derive(Debug)]
struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    /// What closes the objects and arrays that are open within a value; kept for the next value.
    open: Vec<u8>,
}

impl<'a> Cursor<'a> {
    fn malformed(&self) -> Malformed {
        Malformed { at: self.at.min(self.text.len()) }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn since(&self, start: usize) -> &'a [u8] {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn take(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.peek() != Some(byte) {
            return Err(self.malformed());
        }
        self.at += 1;
        Ok(())
    }

    fn skip_mark(&mut self) {
        if self.rest().starts_with(BYTE_ORDER_MARK) {
            self.at += BYTE_ORDER_MARK.len();
            self.skip_blanks();
        }
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes a name and what divides it from its value.
    fn key(&mut self) -> Result<&'a [u8], Malformed> {
        let start = self.at;
        self.string()?;
        let key = self.since(start);
        self.skip_blanks();
        self.take(b':')?;
        self.skip_blanks();
        Ok(key)
    }

    /// Takes a value, however deep it is.
    fn value(&mut self) -> Result<&'a [u8], Malformed> {
        let start = self.at;
        self.skip_mark();
        self.open.clear();
        loop {
            match self.peek() {
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                Some(opener @ (b'{' | b'[')) => {
                    let closer = if opener == b'{' { b'}' } else { b']' };
                    self.at += 1;
                    self.skip_blanks();
                    if self.peek() != Some(closer) {
                        self.open.push(closer);
                        self.skip_key(closer)?;
                        continue;
                    }
                    self.at += 1;
                }
                _ => return Err(self.malformed()),
            }
            // Now a value has ended, and perhaps what it is in.
            loop {
                let Some(&closer) = self.open.last() else { return Ok(self.since(start)) };
                self.skip_blanks();
                if self.peek() == Some(closer) {
                    self.at += 1;
                    self.open.pop();
                } else {
                    self.take(b',')?;
                    self.skip_blanks();
                    self.skip_key(closer)?;
                    break;
                }
            }
        }
    }

    fn skip_key(&mut self, closer: u8) -> Result<(), Malformed> {
        if closer == b'}' { self.key().map(drop) } else { Ok(()) }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Malformed> {
        word.iter().try_for_each(|byte| self.take(*byte))
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(self.malformed()) }
    }

    fn number(&mut self) -> Result<(), Malformed> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        // No digit follows a zero in front.
        if self.peek() == Some(b'0') {
            self.at += 1
        } else {
            self.digits()?
        }
        if matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.malformed());
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), Malformed> {
        self.take(b'"')?;
        loop {
            self.at += plain_bytes(self.rest());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.escape()?;
                }
                _ => return Err(self.malformed()),
            }
        }
    }

    /// Takes what is behind a backslash. Of a surrogate pair there may be one half.
    fn escape(&mut self) -> Result<(), Malformed> {
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return Err(self.malformed());
                    }
                    self.at += 1;
                }
            }
            _ => return Err(self.malformed()),
        }
        Ok(())
    }
}

/// Returns the number of bytes before the next that means something in a string, or that must not be in one: a quote, a
/// backslash, a control character.
fn plain_bytes(text: &[u8]) -> usize {
    let (steps, rest) = text.as_chunks::<STEP>();
    for (number, step) in steps.iter().enumerate() {
        let bytes = u64::from_le_bytes(*step);
        // The highest bit of a byte that is 0 in what is subtracted from; above the first such byte, it may be wrong.
        let zeros = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
        let control = bytes.wrapping_sub(ONES * 0x20) & !bytes;
        let found = (zeros(bytes ^ (ONES * u64::from(b'"'))) | zeros(bytes ^ (ONES * u64::from(b'\\'))) | control)
            & (ONES << 7);
        if found != 0 {
            return number * STEP + (found.trailing_zeros() / 8) as usize;
        }
    }
    let ahead = text.len() - rest.len();
    ahead + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests;
