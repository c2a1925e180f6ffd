//! Fields of the source that no template names: as they are, as far as newer versions know them.

use super::changes::{FieldChange, below, not_indexed, type_of};
use super::{date_format, reserved};
use serde_json::{Map, Value, json};

/// Types that every Elasticsearch 7 and 8 knows. Others came with plugins.
const KNOWN: &[&str] = &[
    "object",
    "nested",
    "text",
    "keyword",
    "long",
    "integer",
    "short",
    "byte",
    "double",
    "float",
    "half_float",
    "scaled_float",
    "date",
    "date_nanos",
    "boolean",
    "binary",
    "ip",
    "integer_range",
    "float_range",
    "long_range",
    "double_range",
    "date_range",
    "ip_range",
    "geo_point",
    "geo_shape",
    "completion",
    "token_count",
    "percolator",
    "join",
    "alias",
];

/// Takes names away at the top that newer versions keep for themselves.
pub(super) fn leave_reserved(fields: &mut Map<String, Value>, changes: &mut Vec<FieldChange>) {
    const KEEPS: &str = "is a name that newer versions keep for themselves";
    fields.retain(|name, _| {
        let refused = reserved::is_kept_by_the_node(name);
        if refused {
            changes.push(FieldChange::new(name, format!("{KEEPS}; it is left out of the mapping")));
        }
        !refused
    });
    for (name, field) in fields.iter_mut().filter(|(name, _)| reserved::is_written_besides(name)) {
        *field = not_indexed();
        changes.push(FieldChange::new(name, format!("{KEEPS}; it is kept in the documents and not searchable")));
    }
}

/// Changes what newer versions do not know, at every depth.
pub(super) fn settle(path: &str, fields: &mut Map<String, Value>, changes: &mut Vec<FieldChange>) {
    for (name, field) in fields {
        let path = below(path, name);
        let Value::Object(definition) = field else { continue };
        let kind = type_of(definition).to_owned();
        if !KNOWN.contains(&kind.as_str()) {
            changes.push(FieldChange::new(
                &path,
                format!("is {kind}, which newer versions do not know; it is kept in the documents and not searchable"),
            ));
            *field = not_indexed();
            continue;
        }
        let format = definition.get("format").and_then(Value::as_str).filter(|_| kind.starts_with("date"));
        match format.map(date_format::modern) {
            None => {}
            Some(Some(modern)) => {
                definition.insert("format".to_owned(), json!(modern));
            }
            Some(None) => {
                let format = format.unwrap_or_default();
                let what = format!("is a date of the format {format}, which newer versions do not know");
                let (becomes, field_now) = match kind.as_str() {
                    "date" => ("it becomes keyword", json!({"type": "keyword"})),
                    _ => ("it is kept in the documents and not searchable", not_indexed()),
                };
                changes.push(FieldChange::new(&path, format!("{what}; {becomes}")));
                *field = field_now;
                continue;
            }
        }
        for children in ["properties", "fields"] {
            if let Some(Value::Object(children)) = definition.get_mut(children) {
                settle(&path, children, changes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(mut fields: Value) -> (Value, Vec<String>) {
        let mut changes = Vec::new();
        if let Value::Object(fields) = &mut fields {
            leave_reserved(fields, &mut changes);
            settle("", fields, &mut changes);
        }
        (fields, changes.into_iter().map(|change| format!("{} {}", change.field, change.what)).collect())
    }

    #[test]
    fn reserved_names_have_no_mapping_or_none_that_indexes() {
        let (fields, told) = settled(json!({"_ignored": {"type": "text"}, "_soft_deletes": {"type": "long"},
            "o": {"properties": {"_ignored": {"type": "long"}}}}));
        let expected = json!({"_soft_deletes": not_indexed(), "o": {"properties": {"_ignored": {"type": "long"}}}});
        assert_eq!(fields, expected);
        assert_eq!(told.len(), 2);
        assert!(told[0].starts_with("_ignored is a name that newer versions keep"), "{told:?}");
    }

    #[test]
    fn dates_get_a_format_that_is_understood_or_become_words() {
        let date = |format: &str| json!({"type": "date", "format": format});
        let (fields, told) = settled(json!({"o": {"properties": {"t": date("yyyy/MM/dd"), "c": date("CC")}},
            "n": {"type": "keyword", "fields": {"d": date("yyyy")}}}));
        let expected = json!({"o": {"properties": {"t": date("uuuu/MM/dd"), "c": {"type": "keyword"}}},
            "n": {"type": "keyword", "fields": {"d": date("uuuu")}}});
        assert_eq!(fields, expected);
        assert_eq!(told, ["o.c is a date of the format CC, which newer versions do not know; it becomes keyword"]);
    }

    #[test]
    fn types_of_plugins_are_kept_and_not_indexed() {
        let (fields, told) = settled(json!({"h": {"type": "murmur3"}}));
        assert_eq!(fields["h"], not_indexed());
        assert!(told[0].starts_with("h is murmur3, which newer versions do not know"), "{told:?}");
    }
}
