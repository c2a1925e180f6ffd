//! Fields of which values are kept and not found by searches.

use serde::{Deserialize, Serialize};

/// A field with values that the target would not take, and what is done about it. All documents are copied as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unindexed {
    /// The dotted name.
    pub field: String,
    /// What is done.
    pub how: How,
    /// Documents that have such a value.
    pub documents: u64,
    /// Whether there may be fewer, because the field's format is not known to this program.
    #[serde(default)]
    pub at_most: bool,
    /// One of the values, perhaps its beginning.
    pub example: String,
}

/// What is done about a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The values are no numbers or dates of the field's kind: they are not indexed (`ignore_malformed`).
    Malformed,
    /// The texts are longer than any term: they are not indexed (`ignore_above`).
    TooLong(u64),
    /// The values are neither true nor false: the field becomes `keyword`.
    Words,
    /// There are objects and values: nothing of the field is indexed.
    NotIndexed,
}
