//! Versions of Elasticsearch.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A version as Elasticsearch writes it into `index.version.created`: 5061699 is 5.6.16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionId(pub u32);

impl VersionId {
    /// Returns the major version.
    pub fn major(self) -> u32 {
        self.0 / 1_000_000
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major(), self.0 / 10_000 % 100, self.0 / 100 % 100)
    }
}
