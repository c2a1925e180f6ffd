//! What becomes of fields that the target cannot have as the source has them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Parts of a type's mapping besides its fields that still mean the same.
pub(super) const KEPT: [&str; 5] = ["dynamic", "date_detection", "numeric_detection", "dynamic_date_formats", "_meta"];

/// A field that is another one in the target. The documents are copied as they are all the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FieldChange {
    /// Its dotted path.
    pub field: String,
    /// What it was, and what it is, as the rest of a sentence.
    pub what: String,
}

impl FieldChange {
    pub(super) fn new(field: &str, what: impl Into<String>) -> Self {
        Self { field: field.to_owned(), what: what.into() }
    }
}

/// Returns the definition of a field that takes whatever a document has there, and indexes nothing of it.
pub(in super::super) fn not_indexed() -> Value {
    json!({"type": "object", "enabled": false})
}

/// Returns the path of a field.
pub(super) fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Returns the type of a field: an object has none of its own.
pub(super) fn type_of(field: &Map<String, Value>) -> &str {
    field.get("type").and_then(Value::as_str).unwrap_or("object")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_a_dot_between_names_only() {
        assert_eq!((below("", "a").as_str(), below("a", "b").as_str()), ("a", "a.b"));
    }
}
