//! A difference between source and target, as users read it.

use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A target index that does not hold what it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The index.
    pub index: String,
    /// Documents that should be there.
    pub expected: u64,
    /// Documents that are there.
    pub found: u64,
    /// Buckets of the digest that differ, of [`super::digest::BUCKETS`].
    pub buckets: usize,
    /// Some of the documents that differ, at most [`Difference::NAMED`].
    pub named: Vec<Named>,
    /// Fields that the target's mapping lacks.
    pub uncovered: Vec<String>,
}

/// A document that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its `_id`.
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

    /// Returns the difference as the error that ends the run.
    pub fn into_error(self) -> Error {
        let mut lines: Vec<String> = self.named.iter().map(ToString::to_string).collect();
        if !self.uncovered.is_empty() {
            lines.push(format!("the mapping lacks the fields {}", self.uncovered.join(", ")));
        }
        if self.named.is_empty() && self.buckets > 0 {
            lines.push(format!("{} of {} groups of documents differ", self.buckets, super::digest::BUCKETS));
        }
        let (found, expected) = (self.found, self.expected);
        let numbers = if found == expected {
            format!("both have {found} documents, but not the same")
        } else {
            format!("{found} documents instead of {expected}")
        };
        let error = Error::difference(format!(
            "The index {} is not what it was in the old Elasticsearch: {numbers}.",
            self.index
        ));
        let error = if lines.is_empty() { error } else { error.because(anyhow::Error::msg(lines.join("\n"))) };
        error.hint("The old data are as they were, and the same command copies them anew.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_names_documents_and_has_its_own_exit_code() {
        let difference = Difference {
            index: "events-log-x".into(),
            expected: 3,
            found: 2,
            buckets: 2,
            named: vec![
                Named { id: "a".into(), how: How::Missing },
                Named { id: "b".into(), how: How::Routing { expected: None, found: Some("t".into()) } },
            ],
            uncovered: vec!["msg".into()],
        };
        let error = difference.into_error();
        assert_eq!(error.kind().exit_code(), 4);
        assert!(error.message().ends_with("2 documents instead of 3."));
        assert_eq!(
            error.causes(),
            ["a is missing\nb has the routing t instead of none\nthe mapping lacks the fields msg"]
        );
    }
}
