//! Keys that occur twice in an object. Elasticsearch 5 stores such documents and takes the last value for the one that
//! counts; Elasticsearch 7 refuses them ("Duplicate field", elastic/elasticsearch#36629).

use super::json_text::without_mark;
use crate::json::{self, Malformed, Part, Parts};
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::HashMap;

/// Deeper documents are left as they are. Elasticsearch accepts 20 levels of fields.
const MAX_DEPTH: u32 = 100;

/// Returns the document with only the last of the values of each key, every other value byte for byte as it was.
/// Nothing if no key occurs twice, or if it is not JSON.
pub fn without_duplicate_keys(source: &[u8]) -> Option<Bytes> {
    let mut repair = Repair { out: Vec::with_capacity(source.len()), dropped: false };
    repair.value(without_mark(source).trim_ascii(), 0).ok()?;
    repair.dropped.then(|| repair.out.into())
}

struct Repair {
    out: Vec<u8>,
    dropped: bool,
}

impl Repair {
    fn value(&mut self, text: &[u8], depth: u32) -> Result<(), Malformed> {
        match text.first() {
            Some(b'{') if depth < MAX_DEPTH => {
                let entries = all(Parts::of_object(text)?)?;
                let names: Vec<Cow<'_, [u8]>> = entries.iter().filter_map(|entry| json::name(entry.key)).collect();
                let last: HashMap<&[u8], usize> =
                    names.iter().enumerate().map(|(at, name)| (name.as_ref(), at)).collect();
                self.dropped |= last.len() < names.len();
                let entries = entries.iter().zip(&names).enumerate();
                let kept = entries.filter(|(at, (_, name))| last.get(name.as_ref()) == Some(at));
                self.list(b'{', b'}', kept, |own, (_, (entry, name))| {
                    own.name(name, entry.key);
                    own.out.push(b':');
                    own.value(entry.value, depth + 1)
                })
            }
            Some(b'[') if depth < MAX_DEPTH => {
                let values = all(Parts::of_array(text)?)?;
                self.list(b'[', b']', values, |own, part| own.value(part.value, depth + 1))
            }
            _ => {
                self.out.extend_from_slice(text);
                Ok(())
            }
        }
    }

    /// Writes a name without escapes that it can do without; one that is not Unicode as it was.
    fn name(&mut self, name: &[u8], key: &[u8]) {
        let plain = std::str::from_utf8(name).is_ok_and(|name| serde_json::to_writer(&mut self.out, name).is_ok());
        if !plain {
            self.out.extend_from_slice(key);
        }
    }

    fn list<T>(
        &mut self,
        open: u8,
        close: u8,
        items: impl IntoIterator<Item = T>,
        mut put: impl FnMut(&mut Self, T) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
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

fn all<'a>(mut parts: Parts<'a>) -> Result<Vec<Part<'a>>, Malformed> {
    let mut all = Vec::new();
    while let Some(part) = parts.next()? {
        all.push(part);
    }
    parts.end().map(|()| all)
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
    fn what_is_not_unicode_stays_as_it_is() {
        let twice =
            b"{\"a\":1,\"k\xED\xB3\xA9\":1,\"m\":\"\xC0\xAF\xED\xA0\xBD\",\"k\\uDCE9\":2,\"a\":\"\xED\xB3\xA9\"}";
        let once = b"{\"m\":\"\xC0\xAF\xED\xA0\xBD\",\"k\\uDCE9\":2,\"a\":\"\xED\xB3\xA9\"}";
        assert_eq!(without_duplicate_keys(twice).unwrap(), &once[..]);
        assert_eq!(without_duplicate_keys(once), None);
        assert_eq!(without_duplicate_keys(b"\xEF\xBB\xBF{\"a\":1,\"a\":2}").unwrap(), &b"{\"a\":2}"[..]);
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
