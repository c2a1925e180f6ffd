//! The mapping types of an index as one: Elasticsearch 7 has no more than that.

use super::changes::{FieldChange, KEPT, below, not_indexed, type_of};
use super::date_format;
use super::modern::{modernise, modernise_all};
use crate::error::{Error, Result};
use serde_json::{Map, Value, json};

/// Types whose fields hold numbers, with what a field needs that takes the values of two of them: the greater.
const NUMBERS: [(&str, u8); 8] = [
    ("byte", 0),
    ("short", 1),
    ("integer", 2),
    ("long", 3),
    ("half_float", 4),
    ("float", 5),
    ("scaled_float", 6),
    ("double", 7),
];
/// From here on a type takes fractions; with a whole number, only the last takes both.
const FRACTIONS: u8 = 4;
/// Other types whose values have a text that can be searched for as it is.
const TEXTS: [&str; 5] = ["keyword", "text", "date", "boolean", "ip"];

/// Returns one mapping of all types, in words that Elasticsearch 7 understands.
///
/// # Errors
/// Refuses an index whose documents are not stored.
pub(super) fn merge(index: &str, source: &Value, changes: &mut Vec<FieldChange>) -> Result<Map<String, Value>> {
    let mut merged = Map::new();
    let types = source.as_object().into_iter().flatten().filter(|(name, _)| *name != "_default_");
    let types: Vec<(&str, &Map<String, Value>)> =
        types.filter_map(|(name, mapping)| Some((name.as_str(), mapping.as_object()?))).collect();
    for (name, mapping) in &types {
        if mapping.get("_source").and_then(|source| source.get("enabled")) == Some(&Value::Bool(false)) {
            return Err(Error::refused(format!(
                "The index {index} does not store its documents (_source is switched off for the type {name})."
            ))
            .hint("Such an index cannot be copied by any tool. Delete it, or ask whoever made it for the data."));
        }
        if let Some(Value::Object(properties)) = mapping.get("properties") {
            let own = merged.entry("properties").or_insert_with(|| json!({}));
            if let Value::Object(own) = own {
                merge_fields("", own, &modernise_all(properties), changes);
            }
        }
        for kept in KEPT {
            if let (Some(value), None) = (mapping.get(kept), merged.get(kept)) {
                merged.insert(kept.to_owned(), value.clone());
            }
        }
        if let Some(Value::Array(rules)) = mapping.get("dynamic_templates") {
            let own = merged.entry("dynamic_templates").or_insert_with(|| json!([]));
            if let Value::Array(own) = own {
                add_rules(own, rules);
            }
        }
    }
    if let Some(Value::Array(formats)) = merged.get_mut("dynamic_date_formats") {
        let modern = |format: &Value| Some(json!(date_format::modern(format.as_str()?)?));
        *formats = formats.iter().filter_map(modern).collect();
    }
    let dynamic: Vec<Option<&Value>> = types.iter().map(|(_, mapping)| mapping.get("dynamic")).collect();
    if dynamic.iter().any(|one| Some(one) != dynamic.first()) {
        // Each type may have fields without a mapping that no mapping would fit.
        merged.insert("dynamic".to_owned(), json!("false"));
    }
    Ok(merged)
}

/// Adds the fields of another type of the same index.
fn merge_fields(path: &str, own: &mut Map<String, Value>, theirs: &Map<String, Value>, changes: &mut Vec<FieldChange>) {
    for (name, field) in theirs {
        let path = below(path, name);
        let Some(Value::Object(old)) = own.get_mut(name) else {
            own.insert(name.clone(), field.clone());
            continue;
        };
        let Value::Object(new) = field else { continue };
        let (old_type, new_type) = (type_of(old).to_owned(), type_of(new).to_owned());
        if old_type == new_type || (is_object(&old_type) && is_object(&new_type)) {
            if new_type == "nested" {
                old.insert("type".to_owned(), json!("nested"));
            }
            if let Some(Value::Object(children)) = new.get("properties") {
                let own = old.entry("properties").or_insert_with(|| json!({}));
                if let Value::Object(own) = own {
                    merge_fields(&path, own, children, changes);
                }
            }
            continue;
        }
        let both = common(&old_type, &new_type);
        let types = format!("is {old_type} in one type of documents and {new_type} in another");
        let field = match both {
            Some(both) => {
                changes.push(FieldChange::new(&path, format!("{types}; it becomes {both}, which takes both")));
                json!({"type": both})
            }
            None => {
                changes
                    .push(FieldChange::new(&path, format!("{types}; it is kept in the documents and not searchable")));
                not_indexed()
            }
        };
        own.insert(name.clone(), field);
    }
}

fn is_object(kind: &str) -> bool {
    matches!(kind, "object" | "nested")
}

/// Returns the type that takes the values of both, if one does.
fn common(one: &str, other: &str) -> Option<&'static str> {
    let number = |kind: &str| NUMBERS.iter().find(|(name, _)| *name == kind).copied();
    match (number(one), number(other)) {
        (Some((_, one)), Some((_, other))) => {
            let (less, more) = (one.min(other), one.max(other));
            let takes_both = more < FRACTIONS || (less >= FRACTIONS && more == FRACTIONS + 1);
            let found = NUMBERS.iter().find(|(_, rank)| *rank == more).filter(|_| takes_both);
            Some(found.map_or("double", |(name, _)| *name))
        }
        (one_number, other_number) => {
            let has_text = |kind: &str, number: bool| number || TEXTS.contains(&kind);
            let both = has_text(one, one_number.is_some()) && has_text(other, other_number.is_some());
            both.then_some("keyword")
        }
    }
}

fn add_rules(own: &mut Vec<Value>, rules: &[Value]) {
    for rule in rules.iter().filter_map(Value::as_object) {
        for (name, definition) in rule {
            if own.iter().any(|known| known.get(name).is_some()) {
                continue;
            }
            let mut definition = definition.clone();
            if let Some(Value::Object(mapping)) = definition.get_mut("mapping") {
                *mapping = modernise(mapping);
                let format = mapping.get("format").and_then(Value::as_str).map(date_format::modern);
                match format {
                    Some(Some(format)) => {
                        mapping.insert("format".to_owned(), json!(format));
                    }
                    // What it would be the rule for is found as any other field is.
                    Some(None) => continue,
                    None => {}
                }
            }
            own.push(json!({ name.as_str(): definition }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(source: Value) -> (Value, Vec<String>) {
        let mut changes = Vec::new();
        let merged = merge("events-x", &source, &mut changes).unwrap();
        let told = changes.into_iter().map(|change| format!("{} {}", change.field, change.what)).collect();
        (Value::Object(merged), told)
    }

    #[test]
    fn all_types_of_an_index_are_merged() {
        let (mapping, told) = merged(json!({
            "_default_": {"properties": {"d": {"type": "long"}}},
            "a": {"properties": {"o": {"properties": {"x": {"type": "long"}}}}, "dynamic": "strict"},
            "b": {"properties": {"o": {"properties": {"y": {"type": "string", "index": "not_analyzed"}}}},
                "dynamic": "strict",
                "dynamic_templates": [{"s": {"match": "*", "mapping": {"type": "string", "include_in_all": false}}}]}
        }));
        let expected = json!({
            "properties": {"o": {"properties": {"x": {"type": "long"}, "y": {"type": "keyword"}}}},
            "dynamic": "strict",
            "dynamic_templates": [{"s": {"match": "*", "mapping": {"type": "text"}}}]
        });
        assert_eq!((mapping, told), (expected, Vec::new()));
    }

    #[test]
    fn a_field_of_two_types_becomes_one_that_takes_both() {
        for (one, other, becomes) in [
            ("long", "integer", Some("long")),
            ("byte", "short", Some("short")),
            ("float", "half_float", Some("float")),
            ("long", "float", Some("double")),
            ("scaled_float", "float", Some("double")),
            ("long", "keyword", Some("keyword")),
            ("text", "boolean", Some("keyword")),
            ("text", "object", None),
            ("geo_point", "keyword", None),
        ] {
            let field = |kind: &str| json!({"properties": {"o": {"properties": {"x": {"type": kind}}}}});
            for (one, other) in [(one, other), (other, one)] {
                let (mapping, told) = merged(json!({"a": field(one), "b": field(other)}));
                let expected = becomes.map_or_else(not_indexed, |kind| json!({"type": kind}));
                assert_eq!(mapping["properties"]["o"]["properties"]["x"], expected, "{one} {other}");
                assert!(told[0].starts_with(&format!("o.x is {one} in one type")), "{told:?}");
            }
        }
    }

    #[test]
    fn nested_objects_take_others() {
        let (mapping, told) = merged(json!({
            "a": {"properties": {"o": {"properties": {"x": {"type": "long"}}}}},
            "b": {"properties": {"o": {"type": "nested", "properties": {"y": {"type": "long"}}}}}
        }));
        let both = json!({"x": {"type": "long"}, "y": {"type": "long"}});
        assert_eq!(mapping["properties"]["o"], json!({"properties": both, "type": "nested"}));
        assert_eq!(told, Vec::<String>::new());
    }

    #[test]
    fn what_one_type_left_unmapped_stays_so() {
        for (one, other, becomes) in
            [(json!("strict"), json!(true), json!("false")), (json!(false), json!(false), json!(false))]
        {
            let (mapping, _) = merged(json!({"a": {"dynamic": one}, "b": {"dynamic": other}}));
            assert_eq!(mapping["dynamic"], becomes);
        }
        let (mapping, _) = merged(json!({"a": {"dynamic": false}, "b": {}}));
        assert_eq!(mapping["dynamic"], "false");
    }

    #[test]
    fn rules_for_new_dates_get_the_letters_of_java_or_go() {
        let rule = |format: &str| json!({"mapping": {"type": "date", "format": format}});
        let (mapping, _) = merged(json!({"a": {"dynamic_date_formats": ["yyyy/MM/dd", "CC"],
            "dynamic_templates": [{"d": rule("yyyy.MM.dd")}, {"c": rule("CC")}]}}));
        let expected =
            json!({"dynamic_date_formats": ["uuuu/MM/dd"], "dynamic_templates": [{"d": rule("uuuu.MM.dd")}]});
        assert_eq!(mapping, expected);
    }

    #[test]
    fn an_index_without_stored_documents_is_refused() {
        let source = json!({"a": {"_source": {"enabled": false}}});
        let error = merge("i", &source, &mut Vec::new()).unwrap_err();
        assert!(error.message().contains("does not store"));
    }
}
