//! Documents as canonical Extended JSON, version 2, which keeps all types
//! (<https://github.com/mongodb/specifications/blob/master/source/extended-json.md>).
//!
//! What JSON cannot hold becomes something near it, and is counted: texts that are no UTF-8.

use super::bson::Document;
use super::integers::Reader;
use super::{Corrupt, Result, decimal};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::Write;

/// Appends a document to `out`; returns how many texts of it had to be changed, as they are no UTF-8.
///
/// # Errors
/// Fails for what is no document; what [`Document::new`] has taken is one.
pub fn push(document: &Document<'_>, out: &mut Vec<u8>) -> Result<u64> {
    let mut writer = Writer { out, changed: 0 };
    writer.fields(&mut Reader::new(document.bytes()), Brackets::Document)?;
    Ok(writer.changed)
}

#[derive(Clone, Copy, PartialEq)]
enum Brackets {
    Document,
    List,
}

struct Writer<'o> {
    out: &'o mut Vec<u8>,
    changed: u64,
}

impl Writer<'_> {
    /// A document, or a list, which is a document of which the names do not count.
    fn fields(&mut self, reader: &mut Reader<'_>, brackets: Brackets) -> Result<()> {
        let (open, close) = if brackets == Brackets::Document { (b'{', b'}') } else { (b'[', b']') };
        reader.u32()?;
        self.out.push(open);
        let mut first = true;
        loop {
            let kind = reader.u8()?;
            if kind == 0 {
                break;
            }
            if !first {
                self.out.push(b',');
            }
            first = false;
            let name = until_zero(reader)?;
            if brackets == Brackets::Document {
                self.text(name);
                self.out.push(b':');
            }
            self.value(reader, kind)?;
        }
        self.out.push(close);
        Ok(())
    }

    fn value(&mut self, reader: &mut Reader<'_>, kind: u8) -> Result<()> {
        match kind {
            0x01 => self.double(f64::from_bits(reader.u64()?)),
            0x02 => self.text(string(reader)?),
            0x03 => return self.fields(reader, Brackets::Document),
            0x04 => return self.fields(reader, Brackets::List),
            0x05 => return self.binary(reader),
            0x06 => self.raw("{\"$undefined\":true}"),
            0x07 => self.object_id(reader.bytes(12)?),
            0x08 => self.raw(if reader.u8()? == 0 { "false" } else { "true" }),
            0x09 => self.put(format_args!("{{\"$date\":{{\"$numberLong\":\"{}\"}}}}", reader.u64()?.cast_signed())),
            0x0A => self.raw("null"),
            0x0B => {
                self.named("{\"$regularExpression\":{\"pattern\":", until_zero(reader)?);
                self.named(",\"options\":", until_zero(reader)?);
                self.raw("}}");
            }
            0x0C => {
                self.named("{\"$dbPointer\":{\"$ref\":", string(reader)?);
                self.raw(",\"$id\":");
                self.object_id(reader.bytes(12)?);
                self.raw("}}");
            }
            0x0D => self.wrapped("{\"$code\":", string(reader)?),
            0x0E => self.wrapped("{\"$symbol\":", string(reader)?),
            0x0F => {
                reader.u32()?;
                self.named("{\"$code\":", string(reader)?);
                self.raw(",\"$scope\":");
                self.fields(reader, Brackets::Document)?;
                self.raw("}");
            }
            0x10 => self.put(format_args!("{{\"$numberInt\":\"{}\"}}", reader.u32()?.cast_signed())),
            0x11 => {
                let [increment, seconds] = [reader.u32()?, reader.u32()?];
                self.put(format_args!("{{\"$timestamp\":{{\"t\":{seconds},\"i\":{increment}}}}}"));
            }
            0x12 => self.put(format_args!("{{\"$numberLong\":\"{}\"}}", reader.u64()?.cast_signed())),
            0x13 => self.put(format_args!("{{\"$numberDecimal\":\"{}\"}}", decimal::text(reader.array()?))),
            0x7F => self.raw("{\"$maxKey\":1}"),
            0xFF => self.raw("{\"$minKey\":1}"),
            other => return Err(Corrupt::new(format!("a value of type {other:#04x}"))),
        }
        Ok(())
    }

    fn double(&mut self, number: f64) {
        let special = if number.is_nan() {
            Some("NaN")
        } else if number.is_infinite() {
            Some(if number > 0.0 { "Infinity" } else { "-Infinity" })
        } else {
            None
        };
        match special {
            Some(name) => self.put(format_args!("{{\"$numberDouble\":\"{name}\"}}")),
            // The fewest digits that mean this number, and a point or an exponent.
            None => self.put(format_args!("{{\"$numberDouble\":\"{number:?}\"}}")),
        }
    }

    fn binary(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let length = reader.u32()? as usize;
        let kind = reader.u8()?;
        let bytes = reader.bytes(length)?;
        // The old kind 2 has its length once more.
        let bytes = if kind == 2 { bytes.get(4..).unwrap_or_default() } else { bytes };
        let text = STANDARD.encode(bytes);
        self.put(format_args!("{{\"$binary\":{{\"base64\":\"{text}\",\"subType\":\"{kind:02x}\"}}}}"));
        Ok(())
    }

    fn object_id(&mut self, bytes: &[u8]) {
        self.raw("{\"$oid\":\"");
        bytes.iter().for_each(|byte| self.put(format_args!("{byte:02x}")));
        self.raw("\"}");
    }

    fn wrapped(&mut self, before: &str, text: &[u8]) {
        self.named(before, text);
        self.raw("}");
    }

    fn named(&mut self, before: &str, text: &[u8]) {
        self.raw(before);
        self.text(text);
    }

    /// A text in quotes.
    fn text(&mut self, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        self.changed += u64::from(matches!(text, std::borrow::Cow::Owned(_)));
        // A string always serialises, and a vector takes all.
        let _ = serde_json::to_writer(&mut *self.out, &text);
    }

    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // A vector takes all.
        let _ = self.out.write_fmt(text);
    }
}

/// Bytes up to a zero.
fn until_zero<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8]> {
    let end = memchr::memchr(0, reader.rest()).ok_or_else(|| reader.corrupt("a text without an end"))?;
    let text = reader.bytes(end)?;
    reader.u8()?;
    Ok(text)
}

/// Bytes behind their length, which counts a zero at their end.
fn string<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8]> {
    let length = reader.u32()? as usize;
    let bytes = reader.bytes(length)?;
    Ok(bytes.strip_suffix(&[0]).unwrap_or(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one field `a` of a document, with this type and value.
    fn field(kind: u8, value: &[u8]) -> (String, u64) {
        let length = u32::try_from(value.len() + 8).unwrap().to_le_bytes();
        let bytes = [&length[..], &[kind, b'a', 0], value, &[0]].concat();
        let mut out = Vec::new();
        let changed = push(&Document::new(&bytes).unwrap(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(parsed.get("a").is_some(), "{text}");
        (text, changed)
    }

    fn counted(text: &[u8]) -> Vec<u8> {
        let length = u32::try_from(text.len() + 1).unwrap().to_le_bytes();
        [&length[..], text, &[0]].concat()
    }

    #[test]
    fn every_type_has_its_canonical_form() {
        let id = [0x11; 12];
        let scope =
            [&25_u32.to_le_bytes()[..], &counted(b"x"), &[15, 0, 0, 0, 16, b'b', 0, 7, 0, 0, 0, 10, b'c', 0, 0]]
                .concat();
        for (kind, value, expected) in [
            (0x01, 2.5_f64.to_le_bytes().to_vec(), r#"{"$numberDouble":"2.5"}"#),
            (0x01, (-0.0_f64).to_le_bytes().to_vec(), r#"{"$numberDouble":"-0.0"}"#),
            (0x01, f64::INFINITY.to_le_bytes().to_vec(), r#"{"$numberDouble":"Infinity"}"#),
            (0x02, counted("ä\"\n".as_bytes()), r#""ä\"\n""#),
            (0x03, vec![5, 0, 0, 0, 0], "{}"),
            (0x04, vec![12, 0, 0, 0, 16, b'0', 0, 1, 0, 0, 0, 0], r#"[{"$numberInt":"1"}]"#),
            (0x05, vec![2, 0, 0, 0, 4, 1, 2], r#"{"$binary":{"base64":"AQI=","subType":"04"}}"#),
            (0x05, vec![6, 0, 0, 0, 2, 2, 0, 0, 0, 1, 2], r#"{"$binary":{"base64":"AQI=","subType":"02"}}"#),
            (0x06, vec![], r#"{"$undefined":true}"#),
            (0x07, id.to_vec(), r#"{"$oid":"111111111111111111111111"}"#),
            (0x08, vec![1], "true"),
            (0x09, (-5_i64).to_le_bytes().to_vec(), r#"{"$date":{"$numberLong":"-5"}}"#),
            (0x0A, vec![], "null"),
            (0x0B, b"^a\0im\0".to_vec(), r#"{"$regularExpression":{"pattern":"^a","options":"im"}}"#),
            (
                0x0C,
                [counted(b"db.c"), id.to_vec()].concat(),
                r#"{"$dbPointer":{"$ref":"db.c","$id":{"$oid":"111111111111111111111111"}}}"#,
            ),
            (0x0D, counted(b"f()"), r#"{"$code":"f()"}"#),
            (0x0E, counted(b"s"), r#"{"$symbol":"s"}"#),
            (0x0F, scope, r#"{"$code":"x","$scope":{"b":{"$numberInt":"7"},"c":null}}"#),
            (0x10, (-7_i32).to_le_bytes().to_vec(), r#"{"$numberInt":"-7"}"#),
            (0x11, vec![3, 0, 0, 0, 4, 0, 0, 0], r#"{"$timestamp":{"t":4,"i":3}}"#),
            (0x12, i64::MIN.to_le_bytes().to_vec(), r#"{"$numberLong":"-9223372036854775808"}"#),
            (0x13, (6176_u128 << 113 | 5).to_le_bytes().to_vec(), r#"{"$numberDecimal":"5"}"#),
            (0x7F, vec![], r#"{"$maxKey":1}"#),
            (0xFF, vec![], r#"{"$minKey":1}"#),
        ] {
            assert_eq!(field(kind, &value), (format!("{{\"a\":{expected}}}"), 0));
        }
    }

    #[test]
    fn texts_that_are_no_utf_8_are_counted() {
        assert_eq!(field(0x02, &counted(b"a\xFFb")), ("{\"a\":\"a\u{FFFD}b\"}".to_owned(), 1));
    }
}
