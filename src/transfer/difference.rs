//! A difference between source and target, and the documents in which it is.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A target collection that does not hold what it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The collection.
    #[serde(rename = "index")]
    pub collection: String,
    /// Documents that should be there.
    pub expected: u64,
    /// Documents that are there.
    pub found: u64,
    /// Buckets of the digest that differ, of [`super::digest::BUCKETS`].
    pub buckets: usize,
    /// Some of the documents that differ, at most [`Difference::NAMED`].
    pub named: Vec<Named>,
    /// Fields that the target does not know.
    pub uncovered: Vec<String>,
}

/// A document that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// In what way.
    pub how: How,
}

/// In what way a document differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum How {
    /// It is not in the target.
    Missing,
    /// It is in the target only, or there more than once.
    Extra,
    /// Its content is another.
    Altered,
    /// Its content is the same, its routing another.
    Routing {
        /// The routing it should have.
        expected: Option<String>,
        /// The routing it has.
        found: Option<String>,
    },
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let none_or = |routing: &Option<String>| routing.clone().unwrap_or_else(|| "none".to_owned());
        match &self.how {
            How::Missing => write!(f, "{} is missing", self.id),
            How::Extra => write!(f, "{} should not be there", self.id),
            How::Altered => write!(f, "{} has another content", self.id),
            How::Routing { expected, found } => {
                write!(f, "{} has the routing {} instead of {}", self.id, none_or(found), none_or(expected))
            }
        }
    }
}

impl Difference {
    /// How many documents are named one by one.
    pub const NAMED: usize = 20;
}
