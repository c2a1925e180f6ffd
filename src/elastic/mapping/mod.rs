//! The mapping of a target index: the types of the release's templates, and the fields of the source that they do not
//! name. Fields, types of the same index merged; nothing of what Elasticsearch 7 no longer has.

mod changes;
mod date_format;
mod modern;
mod own_fields;
mod reserved;
mod types;

pub use changes::FieldChange;
pub(super) use changes::not_indexed;
pub(super) use reserved::{is_refused_by, refused_names};

use crate::error::Result;
use changes::{below, type_of};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A mapping for the target, and which fields are not in it as the source has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetMapping {
    /// The mapping, without types.
    pub mapping: Value,
    /// The fields, in no order.
    pub changes: Vec<FieldChange>,
}

/// Returns the mapping for the target: `template` (`{"properties": …}`) with the fields of `source` added.
///
/// `source` is the mapping of an index before Elasticsearch 7: `{TYPE: {"properties": …}, …}`. Where both name a
/// field, the template's type holds, as it would in a new index of the new server; unless that cannot hold what the
/// documents have there.
///
/// # Errors
/// Refuses an index whose documents are not stored.
pub fn target_mapping(index: &str, source: &Value, template: &Value) -> Result<TargetMapping> {
    let mut changes = Vec::new();
    let mut merged = types::merge(index, source, &mut changes)?;
    if let Some(Value::Object(fields)) = merged.get_mut("properties") {
        own_fields::leave_reserved(fields, &mut changes);
    }
    let mut target = template.as_object().cloned().unwrap_or_default();
    for (name, value) in &merged {
        match (name.as_str(), target.get_mut(name)) {
            ("properties", Some(Value::Object(own))) => {
                if let Value::Object(theirs) = value {
                    add_missing("", own, theirs, &mut changes);
                }
            }
            (_, None) => {
                target.insert(name.clone(), value.clone());
            }
            _ => {}
        }
    }
    if let Some(Value::Object(fields)) = target.get_mut("properties") {
        own_fields::settle("", fields, &mut changes);
    }
    Ok(TargetMapping { mapping: Value::Object(target), changes })
}

/// Returns the names of the types of a mapping before Elasticsearch 7, without `_default_`.
pub fn types(source: &Value) -> Vec<&str> {
    let types = source.as_object().into_iter().flatten();
    types.map(|(name, _)| name.as_str()).filter(|name| *name != "_default_").collect()
}

/// Adds what is missing, at every depth. Objects of the documents do not fit where the template has a value; anything
/// fits where nothing is indexed.
fn add_missing(path: &str, own: &mut Map<String, Value>, theirs: &Map<String, Value>, changes: &mut Vec<FieldChange>) {
    let is_object = |field: &Map<String, Value>| matches!(type_of(field), "object" | "nested");
    for (name, field) in theirs {
        let path = below(path, name);
        let (old, new) = match (own.get_mut(name), field) {
            (None, _) => {
                own.insert(name.clone(), field.clone());
                continue;
            }
            (Some(Value::Object(old)), Value::Object(new)) => (old, new),
            _ => continue,
        };
        // Whatever was decided among the types of the source, the template decides.
        changes.retain(|change| change.field != path);
        if is_object(new) && !is_object(old) {
            let kept = type_of(old);
            changes.push(FieldChange::new(
                &path,
                format!(
                    "holds objects where the new server has {kept}; it is kept in the documents, and in this index not \
                     searchable, so that the new server does not find these documents by it"
                ),
            ));
            own.insert(name.clone(), not_indexed());
        } else if type_of(new) == "text" && type_of(old) != "text" {
            // As dynamic mapping made it, where the old server's template came too late.
            let what = format!("is text in the old data; it becomes {}, as the new server has it", type_of(old));
            changes.push(FieldChange::new(&path, what));
        } else if let (Some(Value::Object(old)), Some(Value::Object(new))) =
            (old.get_mut("properties"), new.get("properties"))
        {
            add_missing(&path, old, new, changes);
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

/// Returns how many fields Elasticsearch counts in a mapping: objects and multi-fields count, too.
pub(super) fn field_count(mapping: &Value) -> u64 {
    let children = ["properties", "fields"].into_iter().filter_map(|key| mapping.get(key)?.as_object());
    children.flat_map(|fields| fields.values()).map(|field| 1 + field_count(field)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elastic::Templates;
    use serde_json::json;

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
        let TargetMapping { mapping, changes } = target_mapping("worker_stats_x_2020-05", &source, &template).unwrap();
        let text = mapping.to_string();
        for gone in ["_all", "include_in_all", "_default_", "_routing", "_parent", "stat\""] {
            assert!(!text.contains(gone), "{gone} in {text}");
        }
        assert_eq!(mapping["properties"]["value"]["type"], "float");
        assert_eq!(mapping["properties"]["company"]["fields"]["keyword"]["type"], "keyword");
        assert_eq!(changes, []);
        let added: Vec<String> = field_paths(&mapping).difference(&field_paths(&template)).cloned().collect();
        assert_eq!(added, ["company", "gpu", "gpu.id"]);
    }

    #[test]
    fn objects_where_the_template_has_a_value_are_kept_and_not_indexed() {
        let template = json!({"properties": {"metric": {"type": "keyword"}, "value": {"type": "float"},
            "task": {"type": "keyword"}, "msg": {"type": "text", "index": false}}});
        let source = json!({
            "a": {"properties": {"metric": {"properties": {"name": {"type": "text"}}}, "value": {"type": "text"}}},
            "b": {"properties": {"value": {"type": "long"}, "task": {"type": "text"}, "msg": {"type": "text"}}}
        });
        let TargetMapping { mapping, changes } = target_mapping("events-x", &source, &template).unwrap();
        let expected = json!({"properties": {"metric": not_indexed(), "value": {"type": "float"},
            "task": {"type": "keyword"}, "msg": {"type": "text", "index": false}}});
        assert_eq!(mapping, expected);
        let told: Vec<_> = changes.iter().map(|change| change.field.as_str()).collect();
        assert_eq!(told, ["metric", "task"], "the template decides what the two types of value do not agree on");
        assert!(changes[0].what.starts_with("holds objects where the new server has keyword;"), "{changes:?}");
        assert_eq!(changes[1].what, "is text in the old data; it becomes keyword, as the new server has it");
    }

    #[test]
    fn a_field_that_two_types_disagree_on_in_kind_is_as_the_template_has_it_only_if_that_fits() {
        let template = json!({"properties": {"task": {"type": "keyword"}}});
        let source = json!({"a": {"properties": {"task": {"properties": {"id": {"type": "long"}}}}},
            "b": {"properties": {"task": {"type": "keyword"}}}});
        let TargetMapping { mapping, changes } = target_mapping("events-x", &source, &template).unwrap();
        assert_eq!(mapping["properties"]["task"], not_indexed());
        assert_eq!(changes.len(), 1);
    }
}
