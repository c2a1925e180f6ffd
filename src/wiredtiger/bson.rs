//! Documents: whether they are whole, and the few fields that are looked at (<https://bsonspec.org/spec.html>).
//!
//! A document is handed on as the bytes that lie there. Its structure is checked: lengths, types, and where it ends. Strings
//! are not: old servers have kept what is no UTF-8.

use super::integers::Reader;
use super::{Corrupt, Result};

/// Documents lie in documents up to 100 deep for users; a server's own go a little deeper.
const DEEPEST: usize = 200;

/// A document whose structure is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document<'a>(&'a [u8]);

/// The value of a field, of the types that are looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// A double.
    Double(f64),
    /// A string, of whatever bytes.
    String(&'a [u8]),
    /// A document.
    Document(Document<'a>),
    /// A list, which is a document with numbers as names.
    Array(Document<'a>),
    /// True or false.
    Boolean(bool),
    /// A whole number of 32 or 64 bits.
    Number(i64),
    /// A date, in milliseconds since 1970.
    Date(i64),
    /// Anything else, by the number of its type.
    Other(u8),
}

impl<'a> Document<'a> {
    /// Takes bytes for a document.
    ///
    /// # Errors
    /// Fails if they are none, or more than one.
    pub fn new(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        check(&mut reader, 0)?;
        if reader.is_at_end() { Ok(Self(bytes)) } else { Err(reader.corrupt("more than a document")) }
    }

    /// Returns the bytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Returns the first field of a name.
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        self.fields().find(|(field, _)| *field == name.as_bytes()).map(|(_, value)| value)
    }

    /// Returns the text of a field, if it has one.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        match self.get(name)? {
            Value::String(text) => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }

    /// Returns the document that a field holds.
    pub fn document(&self, name: &str) -> Option<Self> {
        match self.get(name)? {
            Value::Document(document) => Some(document),
            _ => None,
        }
    }

    /// Returns the documents of the list that a field holds.
    pub fn documents(&self, name: &str) -> impl Iterator<Item = Document<'a>> + use<'a> {
        let list = match self.get(name) {
            Some(Value::Array(list)) => Some(list),
            _ => None,
        };
        list.into_iter().flat_map(|list| list.fields().collect::<Vec<_>>()).filter_map(|(_, value)| match value {
            Value::Document(document) => Some(document),
            _ => None,
        })
    }

    /// Returns the fields with their names, in their order.
    pub fn fields(&self) -> impl Iterator<Item = (&'a [u8], Value<'a>)> + use<'a> {
        let mut reader = Reader::at(self.0, 4);
        std::iter::from_fn(move || field(&mut reader).ok().flatten())
    }

    /// Returns the fields as they lie there, in their order.
    pub fn elements(&self) -> impl Iterator<Item = Element<'a>> + use<'a> {
        let (bytes, mut reader) = (self.0, Reader::at(self.0, 4));
        std::iter::from_fn(move || {
            let kind = reader.u8().ok().filter(|kind| *kind != 0)?;
            let name = text(&mut reader).ok()?;
            let begin = reader.position();
            skip(&mut reader, kind, 0).ok()?;
            Some(Element { name, kind, value: bytes.get(begin..reader.position())? })
        })
    }
}

/// A field as it lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its name, of whatever bytes.
    pub name: &'a [u8],
    /// The number of its type.
    pub kind: u8,
    /// The bytes of its value.
    pub value: &'a [u8],
}

/// Reads a field whose structure was checked; nothing at the document's end.
fn field<'a>(reader: &mut Reader<'a>) -> Result<Option<(&'a [u8], Value<'a>)>> {
    let kind = reader.u8()?;
    if kind == 0 {
        return Ok(None);
    }
    let name = text(reader)?;
    let mut value = reader.clone();
    skip(reader, kind, 0)?;
    let value = match kind {
        0x01 => Value::Double(f64::from_bits(value.u64()?)),
        0x02 => {
            let length = value.u32()? as usize;
            Value::String(value.bytes(length.saturating_sub(1))?)
        }
        0x03 | 0x04 => {
            let length = value.clone().u32()? as usize;
            let document = Document(value.bytes(length)?);
            if kind == 0x03 { Value::Document(document) } else { Value::Array(document) }
        }
        0x08 => Value::Boolean(value.u8()? != 0),
        0x09 => Value::Date(value.u64()?.cast_signed()),
        0x10 => Value::Number(i64::from(value.u32()?.cast_signed())),
        0x12 => Value::Number(value.u64()?.cast_signed()),
        other => Value::Other(other),
    };
    Ok(Some((name, value)))
}

/// Goes to a document's end.
fn check(reader: &mut Reader<'_>, depth: usize) -> Result<()> {
    if depth > DEEPEST {
        return Err(reader.corrupt("a document that is too deep"));
    }
    let begin = reader.position();
    let length = usize::try_from(reader.u32()?.cast_signed()).unwrap_or(0);
    loop {
        match reader.u8()? {
            0 => break,
            kind => {
                text(reader)?;
                skip(reader, kind, depth)?;
            }
        }
    }
    match reader.position() - begin == length {
        true => Ok(()),
        false => Err(Corrupt::new(format!("a document of another length than it says at byte {begin}"))),
    }
}

/// Goes to the end of a value.
fn skip(reader: &mut Reader<'_>, kind: u8, depth: usize) -> Result<()> {
    match kind {
        // Undefined, null, least and greatest key.
        0x06 | 0x0A | 0xFF | 0x7F => Ok(()),
        0x08 => reader.u8().map(drop),
        0x10 => reader.u32().map(drop),
        0x01 | 0x09 | 0x11 | 0x12 => reader.u64().map(drop),
        0x07 => reader.bytes(12).map(drop),
        0x13 => reader.bytes(16).map(drop),
        // String, code, symbol.
        0x02 | 0x0D | 0x0E => string(reader),
        0x03 | 0x04 => check(reader, depth + 1),
        0x05 => {
            let length = reader.u32()? as usize;
            reader.u8()?;
            reader.bytes(length).map(drop)
        }
        // A regular expression with its options.
        0x0B => text(reader).and_then(|_| text(reader)).map(drop),
        // A pointer: a namespace and an id.
        0x0C => string(reader).and_then(|()| reader.bytes(12)).map(drop),
        // Code with what it sees.
        0x0F => {
            let begin = reader.position();
            let length = reader.u32()? as usize;
            string(reader)?;
            check(reader, depth + 1)?;
            match reader.position() - begin == length {
                true => Ok(()),
                false => Err(reader.corrupt("code of another length than it says")),
            }
        }
        other => Err(reader.corrupt(&format!("a value of type {other:#04x}"))),
    }
}

/// Bytes up to a zero, which ends them.
fn text<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8]> {
    let end = memchr::memchr(0, reader.rest()).ok_or_else(|| reader.corrupt("a text without an end"))?;
    let text = reader.bytes(end)?;
    reader.u8()?;
    Ok(text)
}

fn string(reader: &mut Reader<'_>) -> Result<()> {
    let length = reader.u32()? as usize;
    match reader.bytes(length)?.last() {
        Some(0) => Ok(()),
        _ => Err(reader.corrupt("a string without an end")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `{a: 1, b: "x", c: {d: true}, e: [{f: 2.5}]}`
    fn sample() -> Vec<u8> {
        let wrap = |fields: Vec<u8>| {
            let mut document = u32::try_from(fields.len() + 5).unwrap().to_le_bytes().to_vec();
            document.extend(fields);
            document.push(0);
            document
        };
        let mut fields = b"\x10a\0\x01\0\0\0\x02b\0\x02\0\0\0x\0".to_vec();
        fields.extend(b"\x03c\0");
        fields.extend(wrap(b"\x08d\0\x01".to_vec()));
        fields.extend(b"\x04e\0");
        let inner = wrap([&b"\x01f\0"[..], &2.5_f64.to_le_bytes()].concat());
        fields.extend(wrap([&b"\x030\0"[..], &inner].concat()));
        wrap(fields)
    }

    #[test]
    fn fields_are_found_by_name() {
        let bytes = sample();
        let document = Document::new(&bytes).unwrap();
        assert_eq!(document.get("a"), Some(Value::Number(1)));
        assert_eq!(document.text("b"), Some("x"));
        assert_eq!(document.document("c").unwrap().get("d"), Some(Value::Boolean(true)));
        let inner: Vec<_> = document.documents("e").collect();
        assert_eq!(inner[0].get("f"), Some(Value::Double(2.5)));
        assert_eq!(document.get("f"), None);
        assert_eq!(document.fields().map(|(name, _)| name).collect::<Vec<_>>(), [b"a", b"b", b"c", b"e"]);
    }

    #[test]
    fn fields_are_given_out_as_they_lie_there() {
        let bytes = sample();
        let elements: Vec<_> = Document::new(&bytes).unwrap().elements().collect();
        assert_eq!(elements.len(), 4);
        assert_eq!(elements[1], Element { name: b"b", kind: 2, value: b"\x02\0\0\0x\0" });
        let length = elements.iter().map(|one| one.name.len() + one.value.len() + 2).sum::<usize>();
        assert_eq!(length + 5, bytes.len(), "nothing is left out");
    }

    #[test]
    fn what_is_cut_off_or_longer_than_it_says_is_no_document() {
        let bytes = sample();
        for end in 0..bytes.len() {
            assert!(Document::new(&bytes[..end]).is_err(), "{end}");
        }
        assert!(Document::new(&[&bytes[..], &[0]].concat()).is_err());
        for at in 0..4 {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert!(Document::new(&other).is_err(), "{at}");
        }
        let deep: Vec<u8> = (0..300_u32).flat_map(|_| b"\xFF\0\0\0\x03a\0".to_vec()).collect();
        assert!(Document::new(&deep).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), place in 0_usize..100) {
            let _ = Document::new(&bytes);
            let mut whole = sample();
            let place = place % whole.len();
            whole[place] = bytes.pop().unwrap_or_default();
            if let Ok(document) = Document::new(&whole) {
                document.fields().for_each(drop);
                document.documents("e").for_each(drop);
            }
        }
    }
}
