//! The mapping of a target index: the types of the release's templates, and the fields of the source that they do not
//! name. Fields, types of the same index merged; nothing of what Elasticsearch 7 no longer has.

use super::fields::{modernise, modernise_all};
use crate::error::{Error, Result};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Parts of a type's mapping besides its fields that still mean the same.
const KEPT: [&str; 5] = ["dynamic", "date_detection", "numeric_detection", "dynamic_date_formats", "_meta"];

/// Returns the mapping for the target: `template` (`{"properties": …}`) with the fields of `source` added.
///
/// `source` is the mapping of an index before Elasticsearch 7: `{TYPE: {"properties": …}, …}`. Where both name a
/// field, the template's type holds, as it would in a new index of the new server.
///
/// # Errors
/// Refuses an index whose documents are not stored, and one whose types give the same field two types.
pub fn target_mapping(index: &str, source: &Value, template: &Value) -> Result<Value> {
    let merged = merge_types(index, source)?;
    let mut target = template.as_object().cloned().unwrap_or_default();
    for (name, value) in &merged {
        match (name.as_str(), target.get_mut(name)) {
            ("properties", Some(Value::Object(own))) => {
                if let Value::Object(theirs) = value {
                    add_missing(own, theirs);
                }
            }
            (_, None) => {
                target.insert(name.clone(), value.clone());
            }
            _ => {}
        }
    }
    Ok(Value::Object(target))
}

/// Returns the names of the types of a mapping before Elasticsearch 7, without `_default_`.
pub fn types(source: &Value) -> Vec<&str> {
    let types = source.as_object().into_iter().flatten();
    types.map(|(name, _)| name.as_str()).filter(|name| *name != "_default_").collect()
}

fn merge_types(index: &str, source: &Value) -> Result<Map<String, Value>> {
    let mut merged = Map::new();
    for (name, mapping) in source.as_object().into_iter().flatten().filter(|(name, _)| *name != "_default_") {
        let Value::Object(mapping) = mapping else { continue };
        if mapping.get("_source").and_then(|source| source.get("enabled")) == Some(&Value::Bool(false)) {
            return Err(Error::refused(format!(
                "The index {index} does not store its documents (_source is switched off for the type {name})."
            ))
            .hint("Such an index cannot be copied by any tool. Delete it, or ask whoever made it for the data."));
        }
        if let Some(Value::Object(properties)) = mapping.get("properties") {
            let own = merged.entry("properties").or_insert_with(|| json!({}));
            if let Value::Object(own) = own {
                merge_fields(index, "", own, &modernise_all(properties))?;
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
    Ok(merged)
}

/// Adds the fields of another type of the same index.
fn merge_fields(index: &str, path: &str, own: &mut Map<String, Value>, theirs: &Map<String, Value>) -> Result<()> {
    for (name, field) in theirs {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let Some(Value::Object(old)) = own.get_mut(name) else {
            own.insert(name.clone(), field.clone());
            continue;
        };
        let Value::Object(new) = field else { continue };
        let (old_type, new_type) = (type_of(old).to_owned(), type_of(new));
        if old_type != new_type {
            return Err(Error::refused(format!(
                "The index {index} has the field {path} as {old_type} in one type and as {new_type} in another."
            ))
            .hint("Elasticsearch 7 has one type per index. Export and delete the documents of one of the types."));
        }
        if let Some(Value::Object(children)) = new.get("properties") {
            let own = old.entry("properties").or_insert_with(|| json!({}));
            if let Value::Object(own) = own {
                merge_fields(index, &path, own, children)?;
            }
        }
    }
    Ok(())
}

fn type_of(field: &Map<String, Value>) -> &str {
    field.get("type").and_then(Value::as_str).unwrap_or("object")
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
            }
            own.push(json!({ name.as_str(): definition }));
        }
    }
}

/// Adds what is missing, at every depth, and changes nothing.
fn add_missing(own: &mut Map<String, Value>, theirs: &Map<String, Value>) {
    for (name, field) in theirs {
        match (own.get_mut(name), field) {
            (None, _) => {
                own.insert(name.clone(), field.clone());
            }
            (Some(Value::Object(old)), Value::Object(new)) => {
                if let (Some(Value::Object(old)), Some(Value::Object(new))) =
                    (old.get_mut("properties"), new.get("properties"))
                {
                    add_missing(old, new);
                }
            }
            _ => {}
        }
    }
}

/// Returns the dotted paths of all fields of `{"properties": …}`, objects included, multi-fields not: those hold no
/// data of their own.
pub fn field_paths(mapping: &Value) -> BTreeSet<String> {
    fn walk(mapping: &Value, prefix: &str, paths: &mut BTreeSet<String>) {
        for (name, field) in mapping.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let path = format!("{prefix}{name}");
            walk(field, &format!("{path}."), paths);
            paths.insert(path);
        }
    }
    let mut paths = BTreeSet::new();
    walk(mapping, "", &mut paths);
    paths
}

/// Returns the fields of the source mapping (with types) that the target mapping (without) does not have.
pub fn uncovered_fields(source: &Value, target: &Value) -> Vec<String> {
    let covered = field_paths(target);
    let types = source.as_object().into_iter().flatten().filter(|(name, _)| *name != "_default_");
    let wanted: BTreeSet<String> = types.flat_map(|(_, mapping)| field_paths(mapping)).collect();
    wanted.difference(&covered).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elastic::Templates;

    #[test]
    fn the_template_s_types_hold_and_unknown_fields_are_added() {
        let source = json!({
            "_default_": {"_all": {"enabled": false}, "_routing": {"required": true}, "properties": {"x": {"type": "long"}}},
            "stat": {
                "_all": {"enabled": false}, "_routing": {"required": true}, "_parent": {"type": "p"},
                "properties": {
                    "company": {"type": "text", "include_in_all": true, "fields": {"keyword": {"type": "keyword"}}},
                    "value": {"type": "double"},
                    "gpu": {"properties": {"id": {"type": "long"}}}
                }
            }
        });
        let template = Templates::release_1_1().unwrap().mapping_for("worker_stats_x_2020-05");
        let mapping = target_mapping("worker_stats_x_2020-05", &source, &template).unwrap();
        let text = mapping.to_string();
        for gone in ["_all", "include_in_all", "_default_", "_routing", "_parent", "stat\""] {
            assert!(!text.contains(gone), "{gone} in {text}");
        }
        assert_eq!(mapping["properties"]["value"]["type"], "float");
        assert_eq!(mapping["properties"]["company"]["fields"]["keyword"]["type"], "keyword");
        assert_eq!(uncovered_fields(&source, &mapping), Vec::<String>::new());
        assert_eq!(uncovered_fields(&source, &template), ["company", "gpu", "gpu.id"]);
    }

    #[test]
    fn all_types_of_an_index_are_merged() {
        let source = json!({
            "a": {"properties": {"o": {"properties": {"x": {"type": "long"}}}}, "dynamic": "strict"},
            "b": {"properties": {"o": {"properties": {"y": {"type": "string", "index": "not_analyzed"}}}},
                "dynamic_templates": [{"s": {"match": "*", "mapping": {"type": "string", "include_in_all": false}}}]}
        });
        let mapping = target_mapping("i", &source, &json!({})).unwrap();
        let expected = json!({
            "properties": {"o": {"properties": {"x": {"type": "long"}, "y": {"type": "keyword"}}}},
            "dynamic": "strict",
            "dynamic_templates": [{"s": {"match": "*", "mapping": {"type": "text"}}}]
        });
        assert_eq!(mapping, expected);
        assert_eq!(types(&source), ["a", "b"]);
    }

    #[test]
    fn a_field_of_two_types_is_refused_by_name() {
        let source = json!({"a": {"properties": {"o": {"properties": {"x": {"type": "long"}}}}},
            "b": {"properties": {"o": {"properties": {"x": {"type": "keyword"}}}}}});
        let error = target_mapping("events-x", &source, &json!({})).unwrap_err();
        assert_eq!(
            error.message(),
            "The index events-x has the field o.x as long in one type and as keyword in another."
        );
    }

    #[test]
    fn an_index_without_stored_documents_is_refused() {
        let source = json!({"a": {"_source": {"enabled": false}}});
        assert!(target_mapping("i", &source, &json!({})).unwrap_err().message().contains("does not store"));
    }
}
