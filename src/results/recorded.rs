//! What the new server has recorded since the migration, in numbers.

use serde::{Deserialize, Serialize};

/// An index, or a collection, that has another number of documents than it had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its name; a collection's with its database, such as `backend.task`.
    pub name: String,
    /// Documents after the migration; none if it was not there.
    pub before: Option<u64>,
    /// Documents now; none if it is not there any more.
    pub now: Option<u64>,
}

/// What of a database can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// All that has another number of documents, by name.
    Changes(Vec<Change>),
    /// Not known, for this reason: a phrase.
    Unknown(String),
}

/// What the new server has recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// In Elasticsearch.
    pub elastic: Told,
    /// In MongoDB; none where only Elasticsearch's data were migrated.
    pub mongo: Option<Told>,
}
