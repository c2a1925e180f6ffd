//! Strings in which there may be halves of surrogate pairs, where only those are wanted that Unicode has.

use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::{Map, Number, Value};
use std::borrow::Cow;
use std::fmt;

/// A string that must be Unicode, borrowed where it has no escapes.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// The bytes of a string: UTF-8, but for halves of surrogate pairs, three bytes each, and for what else is in its text.
struct Bytes<'a>(Cow<'a, [u8]>);

impl<'de> Deserialize<'de> for Bytes<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Bytes<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Bytes(Cow::Borrowed(bytes)))
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Ok(Bytes(Cow::Owned(bytes.to_vec())))
            }
        }
        // Unlike as a string, serde_json gives it out whatever it holds.
        deserializer.deserialize_bytes(All)
    }
}

/// Returns the bytes of a name that stands in a text with quotes and escapes. Nothing if it is no string.
pub fn name(key: &[u8]) -> Option<Cow<'_, [u8]>> {
    let plain = key.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if !plain.contains(&b'\\') {
        return Some(Cow::Borrowed(plain));
    }
    serde_json::from_slice::<Bytes<'_>>(key).ok().map(|bytes| bytes.0)
}

/// Returns whether a name that stands in a text with quotes and escapes is this one.
pub fn is_named(key: &[u8], wanted: &str) -> bool {
    name(key).is_some_and(|name| *name == *wanted.as_bytes())
}

/// Reads words that are for people, or null: what Unicode does not have becomes U+FFFD.
///
/// # Errors
/// Fails if it is no string.
pub fn lossy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let bytes = Option::<Bytes<'de>>::deserialize(deserializer)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes.0).into_owned()))
}

/// A value without the entries of objects whose names are not Unicode.
///
/// For mappings. Elasticsearch makes fields of such names from documents, and will do so again from the same documents;
/// nobody can name them in a request, and no field of the server's has such a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Named(pub Value);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue).map(Self)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Named(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Map::new();
        while let Some(Bytes(name)) = map.next_key()? {
            match std::str::from_utf8(&name) {
                Ok(name) => {
                    let Named(value) = map.next_value()?;
                    entries.insert(name.to_owned(), value);
                }
                Err(_) => {
                    map.next_value::<de::IgnoredAny>()?;
                }
            }
        }
        Ok(Value::Object(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_name_is_the_same_with_and_without_escapes() {
        assert_eq!(name(br#""k\u002f\"""#).unwrap(), &br#"k/""#[..]);
        assert_eq!(name(b"\"k\xED\xB3\xA9\""), name(br#""k\uDCE9""#));
        assert!(
            is_named(br#""t\u0061sk""#, "task") && is_named(br#""task""#, "task") && !is_named(br#""tas""#, "task")
        );
        for none in [&b"\""[..], b"", b"task", br#""\x""#] {
            assert_eq!(name(none), None);
        }
    }

    #[test]
    fn words_of_a_node_that_quote_half_a_pair_can_be_read() {
        #[derive(Deserialize)]
        struct Said(#[serde(deserialize_with = "lossy")] Option<String>);
        let said = |text: &[u8]| serde_json::from_slice::<Said>(text).unwrap().0;
        assert_eq!(
            said(br#""For input string: \"caf\uDCE9\"""#).unwrap(),
            "For input string: \"caf\u{FFFD}\u{FFFD}\u{FFFD}\""
        );
        assert_eq!(said(b"\"caf\xE9 \\u00e4\"").unwrap(), "caf\u{FFFD} ä");
        assert_eq!(said(b"null"), None);
    }

    #[test]
    fn fields_that_cannot_be_named_are_left_out_of_a_mapping() {
        let mapping = br#"{"properties":{"msg":{"type":"text"},"k\uDCE9":{"properties":{"a":{}}},"o":{"properties":{"\uD83D":{}}}}}"#;
        assert!(serde_json::from_slice::<Value>(mapping).is_err());
        let Named(read) = serde_json::from_slice(mapping).unwrap();
        assert_eq!(read, json!({"properties": {"msg": {"type": "text"}, "o": {"properties": {}}}}));
        // A value of a setting is not changed in silence.
        assert!(serde_json::from_slice::<Named>(br#"{"null_value":"\uDCE9"}"#).is_err());
    }

    proptest! {
        #[test]
        fn of_all_that_unicode_has_nothing_is_left_out(keys in proptest::collection::vec("\\PC{0,3}", 0..6), number in any::<f64>()) {
            let mut whole = json!({"n": number, "l": [1, -1, null, true, u64::MAX]});
            for key in keys {
                whole = json!({ key.clone(): whole, "s": key });
            }
            let text = whole.to_string();
            prop_assert_eq!(&serde_json::from_str::<Named>(&text).unwrap().0, &serde_json::from_str::<Value>(&text).unwrap());
        }
    }
}
