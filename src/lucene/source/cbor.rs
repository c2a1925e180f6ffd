//! CBOR as Jackson writes it, to JSON. Numbers of 16 and 32 bits are told from those of 64, which most libraries'
//! value types forget.

use super::{Corrupt, binary, float32, float64};
use minicbor::data::Type;
use minicbor::decode::{Decoder, Error};
use serde_json::{Map, Value};

/// Deeper ones are refused, to be safe from a full stack.
const MAX_DEPTH: u32 = 100;

/// Reads one value, and nothing behind it.
pub(super) fn parse(body: &[u8]) -> Result<Value, Corrupt> {
    let mut decoder = Decoder::new(body);
    let value = value(&mut decoder, MAX_DEPTH)?;
    if decoder.position() == body.len() { Ok(value) } else { Err(Corrupt::new("there is more than one value")) }
}

fn value(decoder: &mut Decoder<'_>, depth: u32) -> Result<Value, Corrupt> {
    let depth = depth.checked_sub(1).ok_or_else(|| Corrupt::new("it is nested too deep"))?;
    Ok(match decoder.datatype().map_err(broken)? {
        Type::Bool => Value::Bool(decoder.bool().map_err(broken)?),
        Type::Null | Type::Undefined => {
            decoder.skip().map_err(broken)?;
            Value::Null
        }
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => decoder.u64().map_err(broken)?.into(),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => decoder.i64().map_err(broken)?.into(),
        Type::F16 => float32(decoder.f16().map_err(broken)?)?,
        Type::F32 => float32(decoder.f32().map_err(broken)?)?,
        Type::F64 => float64(decoder.f64().map_err(broken)?)?,
        Type::String | Type::StringIndef => Value::String(text(decoder)?),
        Type::Bytes | Type::BytesIndef => {
            let pieces = decoder.bytes_iter().map_err(broken)?.collect::<Result<Vec<_>, _>>().map_err(broken)?;
            binary(&pieces.concat())
        }
        Type::Array | Type::ArrayIndef => {
            let count = decoder.array().map_err(broken)?;
            let mut values = Vec::new();
            while more(decoder, count, values.len())? {
                values.push(value(decoder, depth)?);
            }
            Value::Array(values)
        }
        Type::Map | Type::MapIndef => {
            let count = decoder.map().map_err(broken)?;
            let mut pairs = Map::new();
            let mut read = 0;
            while more(decoder, count, read)? {
                let key = text(decoder)?;
                pairs.insert(key, value(decoder, depth)?);
                read += 1;
            }
            Value::Object(pairs)
        }
        // The mark that says that this is CBOR.
        Type::Tag if decoder.tag().map_err(broken)?.as_u64() == 55_799 => value(decoder, depth)?,
        other => return Err(Corrupt::new(format!("JSON has nothing for {other}"))),
    })
}

/// Tells whether there is another element, and takes the mark of the end if there is none.
fn more(decoder: &mut Decoder<'_>, count: Option<u64>, read: usize) -> Result<bool, Corrupt> {
    match count {
        Some(count) => Ok((read as u64) < count),
        None if decoder.datatype().map_err(broken)? == Type::Break => {
            decoder.set_position(decoder.position() + 1);
            Ok(false)
        }
        None => Ok(true),
    }
}

fn text(decoder: &mut Decoder<'_>) -> Result<String, Corrupt> {
    decoder.str_iter().map_err(broken)?.collect::<Result<String, _>>().map_err(broken)
}

fn broken(cause: Error) -> Corrupt {
    Corrupt::new(cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_jackson_writes_becomes_json() {
        let body = b"\xD9\xD9\xF7\xBF\x61n\x19\x01\x00\x61m\x20\x61f\xFA\x3F\x8C\xCC\xCD\x61d\xFB\x3F\xB9\x99\x99\x99\x99\x99\x9A\
                     \x61l\x9F\x01\xF5\xF6\xFF\x61a\x82\x01\x61x\x61b\x42\x01\x02\x61t\x7F\x61y\x61z\xFF\xFF";
        let expected =
            json!({"n": 256, "m": -1, "f": 1.1, "d": 0.1, "l": [1, true, null], "a": [1, "x"], "b": "AQI=", "t": "yz"});
        assert_eq!(parse(body), Ok(expected));
    }

    #[test]
    fn bombs_and_what_json_has_no_word_for_are_refused() {
        assert!(parse(&[0x9F; 100_000]).unwrap_err().to_string().contains("deep"));
        // An array of 2^63 elements, of which none is there.
        assert!(parse(b"\x9B\x80\0\0\0\0\0\0\0").is_err());
        assert!(parse(b"\xA1\x01\x02").is_err());
        assert!(parse(b"\xC2\x42\x01\x02").is_err());
        assert!(parse(b"\xFA\x7F\x80\0\0").is_err());
        assert!(parse(b"\x01\x01").is_err());
    }
}
