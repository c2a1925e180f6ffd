//! The body of a document as Elasticsearch keeps it, byte for byte as it was sent: JSON nearly always, but a client
//! may have sent SMILE, CBOR or YAML. What is not JSON is turned into JSON, as Elasticsearch itself would answer it.
//!
//! Told apart by the first bytes, as `org.elasticsearch.common.xcontent.XContentFactory.xContentType` does it.

mod cbor;

use super::Corrupt;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};
use serde_smile::value::Value as Smile;
use std::fmt;

/// A way to write a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Text, perhaps of several lines.
    Json,
    /// Binary JSON of the Jackson library.
    Smile,
    /// RFC 8949.
    Cbor,
    /// YAML.
    Yaml,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "JSON",
            Self::Smile => "SMILE",
            Self::Cbor => "CBOR",
            Self::Yaml => "YAML",
        })
    }
}

impl Format {
    /// Returns the format of a body; nothing if it is none of them.
    #[inline]
    pub fn of(body: &[u8]) -> Option<Self> {
        match body {
            [b'{', ..] => Some(Self::Json),
            [b':', b')', b'\n', ..] => Some(Self::Smile),
            [b'-', b'-', b'-', ..] => Some(Self::Yaml),
            // An object of unknown length; one of a length; the mark of CBOR and either of them.
            [0xBF | 0xA0..=0xBB, ..] | [0xD9, 0xD9, 0xF7, ..] => Some(Self::Cbor),
            _ => {
                // Elasticsearch skips white space, and takes comments for part of JSON.
                let text = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii_start();
                matches!(text, [b'{', ..] | [b'/', b'*' | b'/', ..]).then_some(Self::Json)
            }
        }
    }
}

/// Returns the body as JSON text.
///
/// # Errors
/// Fails if it is broken, has a number that JSON or 64 bits cannot hold, or is nested more than 100 deep.
pub fn to_json(body: &[u8], format: Format) -> Result<Vec<u8>, Corrupt> {
    let broken = |cause: &dyn fmt::Display| Corrupt::new(format!("its {format} is broken: {cause}"));
    let value = match format {
        Format::Json => return Ok(body.to_vec()),
        Format::Smile => from_smile(serde_smile::from_slice(body).map_err(|cause| broken(&cause))?)?,
        Format::Cbor => cbor::parse(body).map_err(|cause| broken(&cause))?,
        Format::Yaml => serde_saphyr::from_slice(body).map_err(|cause| broken(&cause))?,
    };
    serde_json::to_vec(&value).map_err(|cause| broken(&cause))
}

/// A number of 32 bits is written with as few digits as tell it from others of 32 bits, as Jackson does it: 1.1.
fn float32(value: f32) -> Result<Value, Corrupt> {
    float64(value.to_string().parse().unwrap_or(f64::NAN))
}

fn float64(value: f64) -> Result<Value, Corrupt> {
    Number::from_f64(value).map(Value::Number).ok_or_else(|| Corrupt::new("a number that JSON cannot hold"))
}

/// Bytes in JSON are base64, as Jackson writes them.
fn binary(bytes: &[u8]) -> Value {
    Value::String(STANDARD.encode(bytes))
}

fn from_smile(smile: Smile) -> Result<Value, Corrupt> {
    Ok(match smile {
        Smile::Null => Value::Null,
        Smile::Boolean(value) => Value::Bool(value),
        Smile::Integer(value) => value.into(),
        Smile::Long(value) => value.into(),
        Smile::Float(value) => float32(value)?,
        Smile::Double(value) => float64(value)?,
        Smile::BigInteger(_) | Smile::BigDecimal(_) => return Err(Corrupt::new("a number of more than 64 bits")),
        Smile::String(value) => Value::String(value),
        Smile::Binary(bytes) => binary(&bytes),
        Smile::Array(values) => Value::Array(values.into_iter().map(from_smile).collect::<Result<_, _>>()?),
        Smile::Object(values) => {
            let pairs = values.into_iter().map(|(key, value)| Ok((key, from_smile(value)?)));
            Value::Object(pairs.collect::<Result<Map<_, _>, Corrupt>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Serialize;
    use serde_json::json;

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        for (body, format) in [
            (&b"{}"[..], Some(Format::Json)),
            (b" \r\n\t{}", Some(Format::Json)),
            (b"\xEF\xBB\xBF{}", Some(Format::Json)),
            (b"/* why */ {}", Some(Format::Json)),
            (b":)\n\x00", Some(Format::Smile)),
            (b"---\na: 1", Some(Format::Yaml)),
            (b"\xBF\xFF", Some(Format::Cbor)),
            (b"\xA0", Some(Format::Cbor)),
            (b"[1]", None),
            (b"", None),
            (b"\x1F\x8B", None),
        ] {
            assert_eq!(Format::of(body), format, "{body:?}");
        }
    }

    #[test]
    fn smile_and_yaml_become_json() {
        let value = json!({"n": 7, "f": 0.1, "l": [null, true, "größe"], "o": {"deep": -1}});
        let mut smile = Vec::new();
        value.serialize(&mut serde_smile::Serializer::new(&mut smile)).unwrap();
        assert_eq!(Format::of(&smile), Some(Format::Smile));
        assert_eq!(to_json(&smile, Format::Smile).unwrap(), value.to_string().as_bytes());
        let yaml = "---\nn: 7\nf: 0.1\nl:\n- null\n- true\n- \"größe\"\no:\n  deep: -1\n";
        assert_eq!(to_json(yaml.as_bytes(), Format::Yaml).unwrap(), value.to_string().as_bytes());
        assert_eq!(float32(1.1).unwrap(), json!(1.1));
    }

    proptest! {
        #[test]
        fn garbage_gives_errors(garbage in proptest::collection::vec(any::<u8>(), 0..300)) {
            for (format, start) in [(Format::Smile, &b":)\n\x01"[..]), (Format::Cbor, b"\xBF"), (Format::Yaml, b"---\n")] {
                let _ = to_json(&[start, &garbage].concat(), format);
            }
        }
    }
}
