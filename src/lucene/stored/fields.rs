//! The fields of one document.
//!
//! ```text
//! field   VLong number << 3 | type, value
//! type    0 text: VInt length and UTF-8   1 bytes: VInt length and bytes   2 ZInt   3 ZFloat   4 TLong   5 ZDouble
//! ```

use super::super::Corrupt;
use super::super::field_infos::FieldNumbers;
use super::super::input::Input;
use super::chunk::Stored;

/// The fields in which Elasticsearch keeps a document. All others are copies of what is in `_source`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fields<'a> {
    /// `_uid`: type, `#`, id.
    pub uid: Option<&'a str>,
    /// `_id` in an index of Elasticsearch 5 for a single type.
    pub id: Option<&'a str>,
    /// `_id` since Elasticsearch 6, encoded as in [`id`](super::super::id).
    pub encoded_id: Option<&'a [u8]>,
    /// `_routing`, if it has one.
    pub routing: Option<&'a str>,
    /// `_source`.
    pub source: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// Reads the fields of a document.
    ///
    /// # Errors
    /// Fails if they are not exactly as many as there are, one is there twice, or a value is broken.
    pub fn parse(stored: Stored<'a>, numbers: &FieldNumbers) -> Result<Self, Corrupt> {
        let mut fields = Self::default();
        let mut input = Input::new(stored.bytes);
        for _ in 0..stored.fields {
            let info = input.vlong()?;
            let number = u32::try_from(info >> 3).ok();
            let is = |field: Option<u32>| field.is_some() && field == number;
            let before = match info & 7 {
                0 => {
                    let length = input.count()?;
                    let text = input.bytes(length)?;
                    let place = match () {
                        () if is(numbers.uid) => &mut fields.uid,
                        () if is(numbers.id) => &mut fields.id,
                        () if is(numbers.routing) => &mut fields.routing,
                        () => continue,
                    };
                    let text = std::str::from_utf8(text).map_err(|_| input.corrupt("a string is not UTF-8"))?;
                    place.replace(text).map(drop)
                }
                1 => {
                    let length = input.count()?;
                    let bytes = input.bytes(length)?;
                    let place = match () {
                        () if is(numbers.source) => &mut fields.source,
                        () if is(numbers.id) => &mut fields.encoded_id,
                        () => continue,
                    };
                    place.replace(bytes).map(drop)
                }
                2 => input.vint().map(|_| None)?,
                3 => skip_float(&mut input).map(|()| None)?,
                4 => skip_long(&mut input).map(|()| None)?,
                5 => skip_double(&mut input).map(|()| None)?,
                _ => return Err(input.corrupt("a field of an unknown type")),
            };
            if before.is_some() {
                return Err(input.corrupt("a field that is there twice"));
            }
        }
        if input.rest().is_empty() { Ok(fields) } else { Err(input.corrupt("there is more than the fields")) }
    }
}

/// Small whole numbers take a byte, other positive numbers 4 in all, negative ones 5.
fn skip_float(input: &mut Input<'_>) -> Result<(), Corrupt> {
    let more = match input.u8()? {
        0xFF => 4,
        small if small & 0x80 != 0 => 0,
        _ => 3,
    };
    input.bytes(more).map(drop)
}

/// Small whole numbers take a byte, what fits into a float 5, other positive numbers 8, negative ones 9.
fn skip_double(input: &mut Input<'_>) -> Result<(), Corrupt> {
    let more = match input.u8()? {
        0xFF => 8,
        0xFE => 4,
        small if small & 0x80 != 0 => 0,
        _ => 7,
    };
    input.bytes(more).map(drop)
}

/// A byte with 5 bits of the number, and a VLong if they are not all.
fn skip_long(input: &mut Input<'_>) -> Result<(), Corrupt> {
    let more = input.u8()? & 0x20 != 0;
    if more { zlong(input) } else { Ok(()) }
}

/// The upper bits of a zig-zag number: unlike other VLongs they may fill 64 bits, in 10 bytes.
fn zlong(input: &mut Input<'_>) -> Result<(), Corrupt> {
    for _ in 0..10 {
        if input.u8()? & 0x80 == 0 {
            return Ok(());
        }
    }
    Err(input.corrupt("a VLong is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::{put_text_field, put_vlong};
    use proptest::prelude::*;

    const NUMBERS: FieldNumbers = FieldNumbers { source: Some(7), uid: Some(1), id: None, routing: Some(300) };

    fn parse(fields: u32, bytes: &[u8]) -> Result<Fields<'_>, Corrupt> {
        Fields::parse(Stored { doc: 0, fields, bytes }, &NUMBERS)
    }

    #[test]
    fn ours_are_found_between_others_of_all_types() {
        let mut bytes = Vec::new();
        put_text_field(&mut bytes, 7, 1, "{}");
        for (kind, value) in [
            (2, &[0x81, 0x01][..]),
            (3, &[0xFF, 1, 2, 3, 4]),
            (3, &[0x81]),
            (3, &[0x40, 1, 2, 3]),
            (4, &[0x1F]),
            (4, &[0xE0, 0x80, 0x01]),
            (5, &[0xFF, 1, 2, 3, 4, 5, 6, 7, 8]),
            (5, &[0xFE, 1, 2, 3, 4]),
            (5, &[0x90]),
            (5, &[0x40, 1, 2, 3, 4, 5, 6, 7]),
            (0, &[2, 0xFF, 0xFE]),
        ] {
            put_vlong(&mut bytes, 9 << 3 | kind);
            bytes.extend(value);
        }
        put_text_field(&mut bytes, 300, 0, "größe");
        put_text_field(&mut bytes, 1, 0, "log#a#b");
        let fields = parse(14, &bytes).unwrap();
        let expected =
            Fields { uid: Some("log#a#b"), routing: Some("größe"), source: Some(&b"{}"[..]), ..Fields::default() };
        assert_eq!(fields, expected);
        assert!(parse(13, &bytes).is_err());
        assert!(parse(15, &bytes).is_err());
        assert!(parse(14, &bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn a_field_that_is_there_twice_is_refused() {
        let mut bytes = Vec::new();
        put_text_field(&mut bytes, 7, 1, "{}");
        put_text_field(&mut bytes, 7, 1, "{\"a\":1}");
        assert!(parse(2, &bytes).unwrap_err().to_string().contains("twice"));
    }

    proptest! {
        #[test]
        fn garbage_gives_errors(fields: u32, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(fields, &bytes);
        }
    }
}
