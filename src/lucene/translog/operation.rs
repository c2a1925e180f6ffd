//! One operation: `org.elasticsearch.index.translog.Translog.Operation` of 5.0 to 5.6 and 2.x, and the stream format
//! (`org.elasticsearch.common.io.stream.StreamInput`) in which it is written.
//!
//! ```text
//! operation   Int32 length of what follows, body, Int32 CRC-32 of the body
//! body        UInt8 type: 1 create (2.x), 2 index, 3 delete
//!   index     VInt format 6 or 7, String id, String type, bytes source, optional String routing, optional String parent,
//!             Int64 version, Int64 timestamp, Int64 time to live, UInt8 version type, from format 7 on Int64
//!   delete    VInt format: 3 String type, String id, String field, String uid
//!                          2 String field, String uid
//!             Int64 version, UInt8 version type
//! String      VInt number of UTF-16 units, each in 1 to 3 bytes: not UTF-8 where there are surrogates
//! ```

use super::super::Corrupt;
use super::super::input::Input;
use std::borrow::Cow;

/// What an operation did to a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation<'a> {
    /// Type of the document.
    pub kind: Cow<'a, str>,
    /// Id within the type.
    pub id: Cow<'a, str>,
    /// The document as it is from then on; nothing if it was deleted.
    pub document: Option<Written<'a>>,
}

/// A document that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<'a> {
    /// Its routing, which is its parent's id if it has one and no other routing.
    pub routing: Option<Cow<'a, str>>,
    /// The body as it was sent.
    pub source: &'a [u8],
}

/// Reads an operation with its length and checksum.
///
/// # Errors
/// Fails if the checksum is wrong or anything does not fit.
pub fn read<'a>(input: &mut Input<'a>) -> Result<Operation<'a>, Corrupt> {
    let length = input.count32()?;
    let whole = input.bytes(length)?;
    let (body, checksum) = whole.split_last_chunk().ok_or_else(|| input.corrupt("an operation that is too short"))?;
    if u32::from_be_bytes(*checksum) != crc32fast::hash(body) {
        return Err(input.corrupt("an operation with a wrong checksum ahead"));
    }
    parse(body).map_err(|why| input.corrupt(&format!("an operation ahead that cannot be read ({why})")))
}

fn parse(body: &[u8]) -> Result<Operation<'_>, Corrupt> {
    let mut input = Input::new(body);
    let operation = match input.u8()? {
        1 | 2 => index(&mut input)?,
        3 => delete(&mut input)?,
        other => return Err(Corrupt::new(format!("an operation of the unknown type {other}"))),
    };
    if input.rest().is_empty() { Ok(operation) } else { Err(input.corrupt("there is more than the operation")) }
}

fn index<'a>(input: &mut Input<'a>) -> Result<Operation<'a>, Corrupt> {
    let format = input.vint()?;
    if !(6..=7).contains(&format) {
        return Err(Corrupt::new(format!("the unknown format {format} of an index operation")));
    }
    let (id, kind) = (string(input)?, string(input)?);
    let length = input.count()?;
    let source = input.bytes(length)?;
    let (routing, parent) = (optional_string(input)?, optional_string(input)?);
    let _version_timestamp_and_time_to_live: [u8; 24] = input.array()?;
    let _version_type = input.u8()?;
    if format >= 7 {
        let _timestamp_of_the_id = input.i64()?;
    }
    Ok(Operation { kind, id, document: Some(Written { routing: routing.or(parent), source }) })
}

fn delete<'a>(input: &mut Input<'a>) -> Result<Operation<'a>, Corrupt> {
    let (kind, id) = match input.vint()? {
        2 => {
            let _field = string(input)?;
            split_uid(string(input)?).ok_or_else(|| input.corrupt("a uid without a type"))?
        }
        3 => {
            let names = (string(input)?, string(input)?);
            let _field_and_uid = (string(input)?, string(input)?);
            names
        }
        format => return Err(Corrupt::new(format!("the unknown format {format} of a delete operation"))),
    };
    let _version = input.i64()?;
    let _version_type = input.u8()?;
    Ok(Operation { kind, id, document: None })
}

/// Splits `type#id`. Types cannot contain the separator, ids can.
fn split_uid(uid: Cow<'_, str>) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    match uid {
        Cow::Borrowed(uid) => uid.split_once('#').map(|(kind, id)| (kind.into(), id.into())),
        Cow::Owned(uid) => uid.split_once('#').map(|(kind, id)| (kind.to_owned().into(), id.to_owned().into())),
    }
}

fn optional_string<'a>(input: &mut Input<'a>) -> Result<Option<Cow<'a, str>>, Corrupt> {
    match input.u8()? {
        0 => Ok(None),
        1 => string(input).map(Some),
        _ => Err(input.corrupt("neither a string nor none")),
    }
}

fn string<'a>(input: &mut Input<'a>) -> Result<Cow<'a, str>, Corrupt> {
    let units = input.count()?;
    let rest = input.rest();
    let mut length = 0_usize;
    for _ in 0..units {
        length += match rest.get(length) {
            Some(0..=0x7F) => 1,
            Some(0xC0..=0xDF) => 2,
            Some(0xE0..=0xEF) => 3,
            _ => return Err(input.corrupt("a broken string")),
        };
    }
    let bytes = input.bytes(length)?;
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(_) => Ok(Cow::Owned(from_units(bytes))),
    }
}

/// Puts surrogates together. One that has lost the other half becomes U+FFFD, as Lucene makes it in the id.
fn from_units(bytes: &[u8]) -> String {
    let mut rest = bytes;
    let units = std::iter::from_fn(move || {
        let tail = |byte: u8| u16::from(byte & 0x3F);
        let (unit, after) = match rest {
            [a @ 0..=0x7F, after @ ..] => (u16::from(*a), after),
            [a @ 0xC0..=0xDF, b, after @ ..] => (u16::from(a & 0x1F) << 6 | tail(*b), after),
            [a, b, c, after @ ..] => (u16::from(a & 0x0F) << 12 | tail(*b) << 6 | tail(*c), after),
            _ => return None,
        };
        rest = after;
        Some(unit)
    });
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::{put_delete, put_index};
    use proptest::prelude::*;

    fn read_all(bytes: &[u8]) -> Result<Operation<'_>, Corrupt> {
        let mut input = Input::new(bytes);
        let operation = read(&mut input)?;
        assert!(input.rest().is_empty());
        Ok(operation)
    }

    proptest! {
        #[test]
        fn operations_come_out_as_they_went_in(
            kind in "[a-z]{1,9}", id: String, routing: Option<String>, source in ".{0,80}", old: bool
        ) {
            let mut bytes = Vec::new();
            put_index(&mut bytes, if old { 6 } else { 7 }, &kind, &id, routing.as_deref(), source.as_bytes());
            let document = Written { routing: routing.map(Cow::Owned), source: source.as_bytes() };
            let expected = Operation { kind: (&*kind).into(), id: (&*id).into(), document: Some(document) };
            prop_assert_eq!(read_all(&bytes).unwrap(), expected);
            bytes.clear();
            put_delete(&mut bytes, if old { 2 } else { 3 }, &kind, &id);
            let expected = Operation { kind: (&*kind).into(), id: (&*id).into(), document: None };
            prop_assert_eq!(read_all(&bytes).unwrap(), expected);
        }

        #[test]
        fn no_flipped_bit_goes_unnoticed(place: usize, bit in 0_u8..8) {
            let mut bytes = Vec::new();
            put_index(&mut bytes, 7, "log", "id", None, b"{\"a\": 1}");
            let place = place % bytes.len();
            bytes[place] ^= 1 << bit;
            prop_assert!(read(&mut Input::new(&bytes)).is_err());
        }

        #[test]
        fn garbage_with_a_right_checksum_gives_errors(body in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse(&body);
        }
    }

    #[test]
    fn half_a_surrogate_becomes_what_lucene_makes_of_it() {
        assert_eq!(from_units(b"a\xED\xA0\xBDb"), "a\u{FFFD}b");
        assert_eq!(from_units(b"\xED\xA0\xBD\xED\xB8\x80"), "\u{1F600}");
    }
}
