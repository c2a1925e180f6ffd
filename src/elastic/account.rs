//! What does not fit between the places that the documents of an index pass, as users read it; see [`Places`].

use crate::error::{Error, Result};
use crate::transfer::{Discrepancy, Gap, Places};
use std::collections::BTreeSet;
use std::fmt;

/// How much it is in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// Indices.
    pub indices: u64,
    /// Documents in them.
    pub documents: u64,
    /// Documents that came out and were left out, with a reason that was told.
    pub left_out: u64,
}

/// Makes sure that all indices that were `planned` are among those that are `here`.
///
/// # Errors
/// Fails, naming those that are not `done`.
pub fn require_all<'a>(
    done: &str,
    planned: impl IntoIterator<Item = &'a str>,
    here: impl IntoIterator<Item = &'a str>,
) -> Result<()> {
    let here: BTreeSet<&str> = here.into_iter().collect();
    let missing: Vec<&str> = planned.into_iter().filter(|name| !here.contains(name)).collect();
    if missing.is_empty() { Ok(()) } else { Err(not_done(done, &missing)) }
}

/// Settles the accounts of all indices that were `done` something with, such as "copied": nothing is missing at any place,
/// and no document is lost from one to the next.
///
/// # Errors
/// Fails, naming the index: a difference where something else was found than was written, failed for everything else.
pub fn settle(done: &str, places: &Places<'_>) -> Result<Extent> {
    let discrepancies = places.discrepancies();
    let is_missing = |one: &&Discrepancy| matches!(one.gap, Gap::NotCopied | Gap::NotRead);
    let missing: Vec<&str> = discrepancies.iter().filter(is_missing).map(|one| one.collection.as_str()).collect();
    if !missing.is_empty() {
        return Err(not_done(done, &missing));
    }
    match discrepancies.first() {
        Some(one) => Err(explain(one)),
        None => {
            let (indices, documents, left_out) = places.extent();
            Ok(Extent { indices, documents, left_out })
        }
    }
}

fn explain(discrepancy: &Discrepancy) -> Error {
    let said = discrepancy.to_string();
    let error = match discrepancy.gap {
        Gap::OtherNumber { .. } | Gap::OtherContent | Gap::NeverWritten => Error::difference(said),
        Gap::OtherThanThere { .. } => {
            Error::failed(said).hint("Make sure that nothing else uses the old data, then run the same command again.")
        }
        Gap::OtherThanPlanned { .. } | Gap::NotCompared => Error::failed(said)
            .hint("Another version of this program may have written it: use the one that began the migration."),
        Gap::Twice => return Error::internal(said),
        _ => Error::failed(said).hint("This is a bug. Please report it with the log file."),
    };
    error.hint("Nothing has been changed in the old data.")
}

impl fmt::Display for Discrepancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = &self.collection;
        match self.gap {
            Gap::NotCopied => write!(f, "The index {index} was planned and not copied."),
            Gap::NeverCopied => write!(f, "The index {index} was written, and did not come out of the old data."),
            Gap::NotPlanned => write!(f, "The index {index} was copied and not planned."),
            Gap::NotWritten => write!(f, "The index {index} came out of the old data and was not written."),
            Gap::NotRead => write!(f, "The index {index} was copied and is not in the new data."),
            Gap::NeverWritten => write!(f, "The index {index} is in the new data, and was not written to them."),
            Gap::Twice => write!(f, "The index {index} was counted twice."),
            Gap::OtherThanPlanned { planned, written } => write!(
                f,
                "The journal says that {planned} documents of {index} were copied, and its note on that index that {written} were."
            ),
            Gap::OtherThanThere { there, read } => {
                write!(
                    f,
                    "The index {index} has {there} documents by the numbers of its own data, and {read} came out."
                )
            }
            Gap::OtherThanCopied { read, written, left_out } => write!(
                f,
                "Of {read} documents of the index {index}, {written} were written and {left_out} left out: that is not all."
            ),
            Gap::OtherDigest { written, digest } => {
                write!(f, "Of the index {index} {written} documents were written, and the digest is of {digest}.")
            }
            Gap::OtherNumber { written, read } => {
                write!(f, "The index {index} holds {read} documents, and {written} were written to it.")
            }
            Gap::OtherContent => {
                write!(f, "The index {index} holds as many documents as were written to it, and not the same.")
            }
            Gap::NotCompared => write!(f, "The documents of the index {index} were counted, and not compared."),
        }
    }
}

fn not_done(done: &str, missing: &[&str]) -> Error {
    let (first, were) = match missing {
        [one] => (format!("The index {one}"), "was"),
        _ => (format!("The indices {}", missing.join(", ")), "were"),
    };
    Error::failed(format!("{first} {were} planned and not {done}."))
        .hint("If that was deleted in the old server since the plan was made, and you want to do without: take the migration back (rollback), and begin it again.")
        .hint("If not: is a disk not mounted any more?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::transfer::{Content, Copied, Proof, ReadBack, Stored};

    /// Places where `events-log-x` has nine documents, of which one was left out.
    fn places(copied: Copied, read: u64, planned: &[&'static str]) -> Places<'static> {
        let mut places = Places::new(Some(Proof::Counts), planned.iter().copied());
        places.copied("events-log-x", copied);
        places.written("events-log-x", Stored { documents: 8, digest: None });
        places.read("events-log-x", ReadBack { documents: read, content: Content::Unknown });
        places
    }

    const LOG: Copied = Copied { there: Some(9), read: 9, left_out: 1 };

    #[test]
    fn what_adds_up_is_counted() {
        let extent = settle("compared", &places(LOG, 8, &["events-log-x"])).unwrap();
        assert_eq!(extent, Extent { indices: 1, documents: 8, left_out: 1 });
        assert_eq!(settle("copied", &Places::new(None, [])).unwrap(), Extent::default());
    }

    #[test]
    fn an_index_that_was_planned_is_not_forgotten() {
        let error = settle("copied", &places(LOG, 8, &["events-log-x", "events-plot-x"])).unwrap_err();
        assert_eq!(error.message(), "The index events-plot-x was planned and not copied.");
        assert!(error.hints()[0].contains("rollback"), "{error:?}");
        let error =
            settle("compared", &Places::new(Some(Proof::Counts), ["events-log-x", "events-plot-x"])).unwrap_err();
        assert_eq!(error.message(), "The indices events-log-x, events-plot-x were planned and not compared.");
    }

    #[test]
    fn no_document_is_lost_from_one_place_to_the_next() {
        let lost = [
            (
                Copied { there: Some(10), ..LOG },
                8,
                Kind::Failed,
                "10 documents by the numbers of its own data, and 9 came out",
            ),
            (Copied { left_out: 0, ..LOG }, 8, Kind::Failed, "8 were written and 0 left out"),
            (LOG, 7, Kind::Difference, "holds 7 documents, and 8 were written"),
        ];
        for (copied, read, kind, said) in lost {
            let error = settle("copied", &places(copied, read, &["events-log-x"])).unwrap_err();
            assert_eq!(error.kind(), kind, "{error:?}");
            assert!(error.message().contains(said) && error.message().contains("events-log-x"), "{error:?}");
        }
        let error = settle("copied", &places(LOG, 8, &[])).unwrap_err();
        assert_eq!(error.message(), "The index events-log-x was copied and not planned.");
    }
}
