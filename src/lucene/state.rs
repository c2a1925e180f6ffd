//! `*.st`: metadata of the cluster, the node, an index or a shard, as
//! `org.elasticsearch.gateway.MetaDataStateFormat` writes it.
//!
//! ```text
//! Header "state" version 1 (0 in Elasticsearch 2: an Int64 more behind the format; 2 in 8: the format is little-endian)
//! Int32 format: 0 JSON, 1 SMILE, 2 YAML, 3 CBOR
//! content, Footer
//! ```
//!
//! In an index state each mapping is binary: `DFL\0`, then raw deflate of JSON. It is given back as that JSON, without the
//! fields whose names are not Unicode ([`Named`]).

use super::Corrupt;
use super::header::{check_footer, header};
use super::input::{ByteOrder, Input};
use crate::json::Named;
use flate2::read::DeflateDecoder;
use serde_json::{Map, Number, Value};
use serde_smile::value::Value as Smile;
use std::io::Read;

/// What compressed JSON begins with (`org.elasticsearch.common.compress.DeflateCompressor`).
const DEFLATED: &[u8] = b"DFL\0";
/// More than this is no mapping: a cluster refuses such a one long before.
const MAX_INFLATED: u64 = 256 << 20;

/// The content of a state file.
#[derive(Debug, Clone, PartialEq)]
pub struct StateFile {
    /// 0 for Elasticsearch 2, 1 for 5 to 7, 2 for 8.
    pub version: i32,
    /// The content, with binary mappings as JSON objects.
    pub content: Value,
}

/// Returns the newest state file among `names`: `<prefix><number>.st` with the largest number.
pub fn newest<'a>(names: impl Iterator<Item = &'a str>, prefix: &str) -> Option<&'a str> {
    let number = |name: &'a str| Some((name.strip_prefix(prefix)?.strip_suffix(".st")?.parse::<u64>().ok()?, name));
    names.filter_map(number).max().map(|(_, name)| name)
}

/// Reads a state from a whole file.
///
/// # Errors
/// Fails if the checksum is wrong, the format is not JSON or SMILE, or the content does not fit.
pub fn parse(file: &[u8]) -> Result<StateFile, Corrupt> {
    let mut input = Input::new(check_footer(file)?);
    let version = header(&mut input, "state", 0..=2)?;
    let mut input = input.ordered(if version == 2 { ByteOrder::Little } else { ByteOrder::Big });
    let format = input.i32()?;
    if version == 0 {
        let _version_of_the_state = input.i64()?;
    }
    let content = match format {
        0 => serde_json::from_slice(input.rest())
            .map_err(|cause| Corrupt::new(format!("its JSON is broken: {cause}")))?,
        1 => {
            let smile: Smile = serde_smile::from_slice(input.rest())
                .map_err(|cause| Corrupt::new(format!("its SMILE is broken: {cause}")))?;
            to_json(smile)?
        }
        other => return Err(Corrupt::new(format!("its content is of the unknown format {other}"))),
    };
    Ok(StateFile { version, content })
}

fn to_json(smile: Smile) -> Result<Value, Corrupt> {
    let float = |number: f64| Number::from_f64(number).ok_or_else(|| Corrupt::new("a number is infinite or none"));
    Ok(match smile {
        Smile::Null => Value::Null,
        Smile::Boolean(value) => Value::Bool(value),
        Smile::Integer(value) => Value::Number(value.into()),
        Smile::Long(value) => Value::Number(value.into()),
        Smile::Float(value) => Value::Number(float(value.into())?),
        Smile::Double(value) => Value::Number(float(value)?),
        Smile::BigInteger(_) | Smile::BigDecimal(_) => return Err(Corrupt::new("a number of more than 64 bits")),
        Smile::String(value) => Value::String(value),
        Smile::Binary(bytes) => inflate(&bytes)?,
        Smile::Array(values) => Value::Array(values.into_iter().map(to_json).collect::<Result<_, _>>()?),
        Smile::Object(values) => {
            let pairs = values.into_iter().map(|(key, value)| Ok((key, to_json(value)?)));
            Value::Object(pairs.collect::<Result<Map<_, _>, Corrupt>>()?)
        }
    })
}

fn inflate(bytes: &[u8]) -> Result<Value, Corrupt> {
    let deflated = bytes.strip_prefix(DEFLATED).ok_or_else(|| Corrupt::new("a binary value is no compressed JSON"))?;
    let mut json = Vec::new();
    let inflated = DeflateDecoder::new(deflated).take(MAX_INFLATED).read_to_end(&mut json);
    inflated.map_err(|cause| Corrupt::new(format!("a compressed mapping is broken: {cause}")))?;
    let Named(mapping) =
        serde_json::from_slice(&json).map_err(|cause| Corrupt::new(format!("a mapping's JSON is broken: {cause}")))?;
    Ok(mapping)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::{footer, index_state, put_header, state};
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_mapping_comes_out_as_json() {
        let mapping = json!({"event": {"properties": {"ts": {"type": "date"}}}});
        let file = index_state("events-log", "uuid", 5_061_699, 1, std::slice::from_ref(&mapping));
        let index = &parse(&file).unwrap().content["events-log"];
        assert_eq!(index["settings"]["index.version.created"], "5061699");
        assert_eq!(index["mappings"], json!([mapping]));
    }

    #[test]
    fn a_field_whose_name_is_not_unicode_does_not_hide_the_others() {
        let mapping = br#"{"event":{"properties":{"k\uDCE9":{"type":"text"},"ts":{"type":"date"}}}}"#;
        let mut deflater = flate2::read::DeflateEncoder::new(&mapping[..], flate2::Compression::fast());
        let mut binary = DEFLATED.to_vec();
        deflater.read_to_end(&mut binary).unwrap();
        assert_eq!(inflate(&binary), Ok(json!({"event": {"properties": {"ts": {"type": "date"}}}})));
    }

    #[test]
    fn states_of_elasticsearch_2_and_of_other_formats_are_told() {
        let mut bytes = Vec::new();
        put_header(&mut bytes, "state", 0);
        bytes.extend([0; 4]);
        bytes.extend([0; 8]);
        bytes.extend(br#"{"a":1}"#);
        assert_eq!(parse(&footer(bytes)), Ok(StateFile { version: 0, content: json!({"a": 1}) }));
        let mut bytes = Vec::new();
        put_header(&mut bytes, "state", 1);
        bytes.extend([0, 0, 0, 3]);
        assert!(parse(&footer(bytes)).unwrap_err().to_string().contains("format 3"));
        let mut bytes = Vec::new();
        put_header(&mut bytes, "state", 2);
        bytes.extend([3, 0, 0, 0]);
        assert!(parse(&footer(bytes)).unwrap_err().to_string().contains("format 3"));
    }

    #[test]
    fn the_newest_state_has_the_largest_number() {
        let names = ["state-9.st", "state-10.st", "state-11.st.tmp", "node-12.st", "state-x.st"];
        assert_eq!(newest(names.into_iter(), "state-"), Some("state-10.st"));
        assert_eq!(newest(names.into_iter(), "global-"), None);
    }

    proptest! {
        #[test]
        fn garbage_with_a_right_checksum_gives_errors(
            place in 0_usize..2000,
            bytes in proptest::collection::vec(any::<u8>(), 1..20)
        ) {
            let whole = state(&json!({"a": {"b": [1, 2.5, "text", null, true], "c": "d".repeat(80)}}));
            let mut body = whole[..whole.len() - 16].to_vec();
            let place = 18 + place % (body.len() - 18);
            let end = (place + bytes.len()).min(body.len());
            body.splice(place..end, bytes);
            let _ = parse(&footer(body));
        }
    }
}
