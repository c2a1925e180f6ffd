//! Field definitions of Elasticsearch 5 (and of indices made by 2.x) in words that Elasticsearch 7 accepts.
//!
//! Source: "Breaking changes" of the mapping section in the reference manuals of 5.0, 6.0 and 7.0.

use serde_json::{Map, Value, json};

/// Parameters that newer versions refuse or that mean nothing there.
const DROPPED: [&str; 10] = [
    "include_in_all",
    "precision_step",
    "fielddata_frequency_filter",
    "lat_lon",
    "geohash",
    "geohash_prefix",
    "geohash_precision",
    "numeric_resolution",
    "_timestamp",
    "_parent",
];

/// Returns a field definition that newer versions accept: sub-fields and object properties included.
pub(super) fn modernise(field: &Map<String, Value>) -> Map<String, Value> {
    let mut new = Map::new();
    let was_string = field.get("type").and_then(Value::as_str) == Some("string");
    for (name, value) in field {
        match (name.as_str(), value) {
            (dropped, _) if DROPPED.contains(&dropped) => {}
            ("properties" | "fields", Value::Object(children)) => {
                new.insert(name.clone(), Value::Object(modernise_all(children)));
            }
            // 2.x wrote an object; the newer values are booleans.
            ("norms", Value::Object(norms)) => {
                new.insert(name.clone(), norms.get("enabled").cloned().unwrap_or(Value::Bool(true)));
            }
            ("fielddata", Value::Object(_)) => {}
            ("similarity", Value::String(similarity)) if !matches!(similarity.as_str(), "BM25" | "boolean") => {}
            ("index", Value::String(index)) if !was_string => {
                new.insert(name.clone(), Value::Bool(index != "no"));
            }
            _ => {
                new.insert(name.clone(), value.clone());
            }
        }
    }
    if was_string { modern_string(field, new) } else { new }
}

pub(super) fn modernise_all(fields: &Map<String, Value>) -> Map<String, Value> {
    fields
        .iter()
        .map(|(name, field)| match field {
            Value::Object(field) => (name.clone(), Value::Object(modernise(field))),
            other => (name.clone(), other.clone()),
        })
        .collect()
}

/// Turns the `string` of 2.x into `keyword` (not analysed) or `text`, as Elasticsearch 5 itself does.
fn modern_string(old: &Map<String, Value>, mut new: Map<String, Value>) -> Map<String, Value> {
    let index = old.get("index").and_then(Value::as_str).unwrap_or("analyzed");
    let keyword = index == "not_analyzed" || (index == "no" && old.get("doc_values") == Some(&Value::Bool(true)));
    new.remove("index");
    let refused: &[&str] = if keyword {
        &["analyzer", "search_analyzer", "search_quote_analyzer", "position_increment_gap", "term_vector", "fielddata"]
    } else {
        &["doc_values", "ignore_above", "null_value"]
    };
    for name in refused {
        new.remove(*name);
    }
    new.insert("type".to_owned(), json!(if keyword { "keyword" } else { "text" }));
    if index == "no" {
        new.insert("index".to_owned(), Value::Bool(false));
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modern(field: Value) -> Value {
        Value::Object(modernise(field.as_object().unwrap()))
    }

    #[test]
    fn parameters_that_newer_versions_refuse_are_dropped_at_every_depth() {
        let old = json!({"type": "text", "include_in_all": false, "norms": {"enabled": false}, "similarity": "classic",
            "fields": {"raw": {"type": "keyword", "include_in_all": true, "ignore_above": 256}}});
        let new = json!({"type": "text", "norms": false, "fields": {"raw": {"type": "keyword", "ignore_above": 256}}});
        assert_eq!(modern(old), new);
        let object =
            json!({"properties": {"a": {"properties": {"include_in_all": {"type": "long", "precision_step": 4}}}}});
        assert_eq!(modern(object), json!({"properties": {"a": {"properties": {"include_in_all": {"type": "long"}}}}}));
    }

    #[test]
    fn strings_of_2_become_keyword_or_text() {
        assert_eq!(modern(json!({"type": "string"})), json!({"type": "text"}));
        assert_eq!(modern(json!({"type": "string", "index": "no"})), json!({"type": "text", "index": false}));
        let keyword =
            json!({"type": "string", "index": "not_analyzed", "ignore_above": 9, "norms": {"enabled": false}});
        assert_eq!(modern(keyword), json!({"type": "keyword", "ignore_above": 9, "norms": false}));
        assert_eq!(modern(json!({"type": "long", "index": "not_analyzed"})), json!({"type": "long", "index": true}));
    }
}
