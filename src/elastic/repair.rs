//! Keys that occur twice in an object. Elasticsearch 5 stores such documents and takes the last value for the one that
//! counts; Elasticsearch 7 refuses them ("Duplicate field", elastic/elasticsearch#36629).

use super::routing::Text;
use bytes::Bytes;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

/// Deeper documents are left as they are. Elasticsearch accepts 20 levels of fields.
const MAX_DEPTH: u32 = 100;

/// Returns the document with only the last of the values of each key, every other value byte for byte as it was.
/// Nothing if no key occurs twice, or if it is not JSON.
pub fn without_duplicate_keys(source: &[u8]) -> Option<Bytes> {
    let mut repair = Repair { out: Vec::with_capacity(source.len()), dropped: false };
    let text = std::str::from_utf8(source).ok()?;
    repair.value(text.trim_ascii(), 0).ok()?;
    repair.dropped.then(|| repair.out.into())
}

struct Repair {
    out: Vec<u8>,
    dropped: bool,
}

impl Repair {
    fn value(&mut self, text: &str, depth: u32) -> serde_json::Result<()> {
        match text.as_bytes().first() {
            Some(b'{') if depth < MAX_DEPTH => {
                let Entries(entries) = serde_json::from_str(text)?;
                let last: HashMap<&str, usize> =
                    entries.iter().enumerate().map(|(at, (key, _))| (key.as_ref(), at)).collect();
                self.dropped |= last.len() < entries.len();
                let kept = entries.iter().enumerate().filter(|(at, (key, _))| last.get(key.as_ref()) == Some(at));
                self.list(b'{', b'}', kept, |own, (_, (key, value))| {
                    serde_json::to_writer(&mut own.out, key)?;
                    own.out.push(b':');
                    own.value(value.get(), depth + 1)
                })
            }
            Some(b'[') if depth < MAX_DEPTH => {
                let values: Vec<&RawValue> = serde_json::from_str(text)?;
                self.list(b'[', b']', values, |own, value| own.value(value.get(), depth + 1))
            }
            _ => {
                self.out.extend_from_slice(text.as_bytes());
                Ok(())
            }
        }
    }

    fn list<T>(
        &mut self,
        open: u8,
        close: u8,
        items: impl IntoIterator<Item = T>,
        mut put: impl FnMut(&mut Self, T) -> serde_json::Result<()>,
    ) -> serde_json::Result<()> {
        self.out.push(open);
        for (number, item) in items.into_iter().enumerate() {
            if number > 0 {
                self.out.push(b',');
            }
            put(self, item)?;
        }
        self.out.push(close);
        Ok(())
    }
}

/// The keys of an object with their values, in order, as often as they occur.
struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(Text(key)) = map.next_key()? {
                    entries.push((key, map.next_value()?));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(All)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_key_stays_and_other_values_keep_their_bytes() {
        let twice = br#"{ "a":1.10, "o":{"x":[{"k":1,"k":{"z":1e400}}], "\u006f":2}, "a" : "\u00e4", "b":[ 1 ] }"#;
        let once = r#"{"o":{"x":[{"k":{"z":1e400}}],"o":2},"a":"\u00e4","b":[1]}"#;
        assert_eq!(without_duplicate_keys(twice).unwrap(), once);
        assert_eq!(without_duplicate_keys(once.as_bytes()), None);
        // The same key, once with and once without an escape.
        assert_eq!(without_duplicate_keys(br#"{"a":1,"\u0061":2}"#).unwrap(), r#"{"a":2}"#);
    }

    #[test]
    fn what_is_no_json_is_left_alone() {
        for text in ["", "{", r#"{"a":1,"a":2"#, "[1,2]", "/* c */ {\"a\":1,\"a\":2}"] {
            assert_eq!(without_duplicate_keys(text.as_bytes()), None, "{text}");
        }
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(without_duplicate_keys(deep.as_bytes()), None);
    }
}
