//! A difference between old and new data, as users read it.

use crate::error::{Error, Result};
use crate::transfer::{BUCKETS, Difference, Verdict, Verified};

impl Difference {
    /// Returns the difference as the error that ends the run.
    pub fn into_error(self) -> Error {
        let mut lines: Vec<String> = self.named.iter().map(ToString::to_string).collect();
        if !self.uncovered.is_empty() {
            lines.push(format!("the mapping lacks the fields {}", self.uncovered.join(", ")));
        }
        if self.named.is_empty() && self.buckets > 0 {
            lines.push(format!("{} of {} groups of documents differ", self.buckets, BUCKETS));
        }
        let (found, expected) = (self.found, self.expected);
        let numbers = if found == expected {
            format!("both have {found} documents, but not the same")
        } else {
            format!("{found} documents instead of {expected}")
        };
        let error = Error::difference(format!(
            "The index {} is not what it was in the old Elasticsearch: {numbers}.",
            self.collection
        ));
        let error = if lines.is_empty() { error } else { error.because(anyhow::Error::msg(lines.join("\n"))) };
        error.hint("The old data are as they were, and the same command copies them anew.")
    }
}

impl Verdict {
    /// Returns the good result, or the difference as an error that names documents.
    ///
    /// # Errors
    /// See above.
    pub fn require_equal(self) -> Result<Verified> {
        match self {
            Self::Equal(verified, _) => Ok(verified),
            Self::Different(difference) => Err(difference.into_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::{How, Named};

    #[test]
    fn the_error_names_documents_and_has_its_own_exit_code() {
        let difference = Difference {
            collection: "events-log-x".into(),
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
