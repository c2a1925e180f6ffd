//! What is done to a mapping so that the target takes every document: to the one field of the one index, and no more.

use super::super::mapping::not_indexed;
use super::super::unindexed::{How, Unindexed};
use super::scan::{Scan, Seen, Times};
use super::schema::{Field, Is, SAFE_UNITS, Schema};
use serde_json::{Map, Value, json};

/// What follows from what was seen.
pub(super) struct Decision {
    /// Fields to be changed, with the keys that lead to their definitions.
    pub mends: Vec<(Vec<String>, Unindexed)>,
    /// Fields that no document may have, with the number of documents that do.
    pub refused: Vec<(String, u64)>,
}

/// Decides what must be done.
pub(super) fn decide(schema: &Schema, scan: &Scan) -> Decision {
    let (mut mends, mut refused) = (Vec::new(), Vec::new());
    for (field, seen) in schema.fields.iter().zip(&scan.seen) {
        if field.is == Is::Reserved {
            if seen.malformed.seen {
                refused.push((field.name.clone(), seen.malformed.documents));
            }
        } else if let Some(mend) = mend(field, seen) {
            mends.push((field.keys.clone(), mend));
        }
    }
    // What is not indexed at all has nothing below it.
    let whole: Vec<Vec<String>> =
        mends.iter().filter(|(_, mend)| mend.how == How::NotIndexed).map(|(keys, _)| keys.clone()).collect();
    mends.retain(|(keys, _)| !whole.iter().any(|above| keys.len() > above.len() && keys.starts_with(above)));
    Decision { mends, refused }
}

fn mend(field: &Field, seen: &Seen) -> Option<Unindexed> {
    let unindexed = |how, times: &Times| Unindexed {
        field: field.name.clone(),
        how,
        documents: times.documents,
        at_most: false,
        example: times.example.clone(),
    };
    if seen.misplaced.seen {
        return Some(unindexed(How::NotIndexed, &seen.misplaced));
    }
    if seen.long.seen {
        // As long as possible; where a text that fits is longer than one that does not, none of them.
        let shortest = seen.shortest_long.unwrap_or(SAFE_UNITS + 1);
        return Some(match seen.longest_short < shortest {
            true => unindexed(How::TooLong(shortest as u64 - 1), &seen.long),
            false => unindexed(How::TooLong(SAFE_UNITS as u64), &seen.maybe_long),
        });
    }
    if seen.unknown.seen {
        let mut all = seen.unknown.clone();
        all.documents += seen.malformed.documents;
        return Some(Unindexed { at_most: true, ..unindexed(How::Malformed, &all) });
    }
    if seen.malformed.seen {
        let how = if field.is == Is::Boolean { How::Words } else { How::Malformed };
        return Some(unindexed(how, &seen.malformed));
    }
    None
}

/// Changes the definition of a field, to which these keys lead.
pub(super) fn apply(mapping: &mut Value, keys: &[String], how: How) {
    let found = keys.iter().try_fold(mapping, |value, key| value.get_mut(key));
    let Some(definition) = found else { return };
    match how {
        How::NotIndexed => *definition = not_indexed(),
        How::Words => *definition = words(definition),
        How::Malformed => set(definition, "ignore_malformed", json!(true)),
        How::TooLong(above) => set(definition, "ignore_above", json!(above)),
    }
}

/// Returns whether a mapping as a node gives it has a field so changed.
pub(in super::super) fn is_applied(mapping: &Value, unindexed: &Unindexed) -> bool {
    let below = |value: &Value, name: &str| {
        ["properties", "fields"].into_iter().find_map(|key| value.get(key)?.get(name).cloned())
    };
    let definition = unindexed.field.split('.').try_fold(mapping.clone(), |value, name| below(&value, name));
    let parameter = |name: &str| definition.as_ref().and_then(|definition| definition.get(name)).cloned();
    match unindexed.how {
        How::NotIndexed => parameter("enabled") == Some(json!(false)),
        How::Words => parameter("type") == Some(json!("keyword")),
        How::Malformed => parameter("ignore_malformed") == Some(json!(true)),
        How::TooLong(above) => parameter("ignore_above") == Some(json!(above)),
    }
}

fn set(definition: &mut Value, name: &str, value: Value) {
    if let Value::Object(definition) = definition {
        definition.insert(name.to_owned(), value);
    }
}

/// Parameters of a boolean field that a keyword has too.
const OF_BOTH: [&str; 6] = ["index", "doc_values", "store", "copy_to", "fields", "boost"];

fn words(boolean: &Value) -> Value {
    let mut words = Map::from_iter([("type".to_owned(), json!("keyword"))]);
    for name in OF_BOTH {
        if let Some(value) = boolean.get(name) {
            words.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(value) = boolean.get("null_value") {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        words.insert("null_value".to_owned(), json!(text));
    }
    Value::Object(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_found_again_in_the_mapping_that_it_made() {
        let before = json!({"properties": {"o": {"properties": {"v": {"type": "float"}, "b": {"type": "boolean"}}},
            "t": {"type": "text", "fields": {"raw": {"type": "keyword"}}}}});
        for (keys, field, how) in [
            (&["properties", "o", "properties", "v"][..], "o.v", How::Malformed),
            (&["properties", "o", "properties", "b"], "o.b", How::Words),
            (&["properties", "o"], "o", How::NotIndexed),
            (&["properties", "t", "fields", "raw"], "t.raw", How::TooLong(10_922)),
        ] {
            let unindexed =
                Unindexed { field: field.into(), how, documents: 1, at_most: false, example: String::new() };
            assert!(!is_applied(&before, &unindexed), "{field}");
            let mut after = before.clone();
            apply(&mut after, &keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>(), how);
            assert!(is_applied(&after, &unindexed), "{field}: {after}");
        }
    }
}
