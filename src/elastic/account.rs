//! The documents of each index at every place that they pass, held against each other: what the source says there is, what
//! came out of it, what was written, what was found afterwards.
//!
//! One function for every command that moves documents, and the numbers of their reports are its: nothing can be called
//! done that is not accounted for.

use crate::error::{Error, Result};
use std::collections::BTreeSet;

/// An index at the places that its documents have passed so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account<'a> {
    /// The index.
    pub index: &'a str,
    /// Documents that there are by the source's own numbers: by the commits of the files (the largest number less the
    /// deleted ones, as `.si`, `.liv` and `segments_N` have them, less what are parts of other documents), by the node's
    /// count, or by the manifest of an export. Nothing where an earlier version has not kept it.
    pub there: Option<u64>,
    /// Documents that came out.
    pub read: u64,
    /// Of these, those that were not written, with a reason that was told.
    pub left_out: u64,
    /// Documents that were written.
    pub written: u64,
    /// Documents that were found when it was compared or counted; nothing where that comes later.
    pub found: Option<u64>,
}

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

/// Settles the accounts of all indices that were `done` something with, such as "copied": none of those that were `planned`
/// is missing, and no document is lost from one place to the next.
///
/// # Errors
/// Fails, naming the index: a difference where another number was found than was written, failed for everything else.
pub fn settle<'a>(done: &str, planned: impl IntoIterator<Item = &'a str>, accounts: &[Account<'a>]) -> Result<Extent> {
    require_all(done, planned, accounts.iter().map(|account| account.index))?;
    let names: BTreeSet<&str> = accounts.iter().map(|account| account.index).collect();
    if names.len() != accounts.len() {
        return Err(Error::internal("An index was counted twice."));
    }
    accounts.iter().try_for_each(Account::settle)?;
    let documents = accounts.iter().map(|account| account.found.unwrap_or(account.written)).sum();
    let left_out = accounts.iter().map(|account| account.left_out).sum();
    Ok(Extent { indices: accounts.len() as u64, documents, left_out })
}

impl Account<'_> {
    fn settle(&self) -> Result<()> {
        let Self { index, there, read, left_out, written, found } = *self;
        let kept = "Nothing has been changed in the old data.";
        if let Some(there) = there.filter(|there| *there != read) {
            return Err(Error::failed(format!(
                "The index {index} has {there} documents by the numbers of its own data, and {read} came out."
            ))
            .hint("Make sure that nothing else uses the old data, then run the same command again.")
            .hint(kept));
        }
        if written.checked_add(left_out) != Some(read) {
            return Err(Error::failed(format!(
                "Of {read} documents of the index {index}, {written} were written and {left_out} left out: that is not all."
            ))
            .hint("This is a bug. Please report it with the log file.")
            .hint(kept));
        }
        match found {
            Some(found) if found != written => Err(Error::difference(format!(
                "The index {index} holds {found} documents, and {written} were written to it."
            ))
            .hint(kept)),
            _ => Ok(()),
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

    const LOG: Account<'_> =
        Account { index: "events-log-x", there: Some(9), read: 9, left_out: 1, written: 8, found: Some(8) };
    const PLOT: Account<'_> =
        Account { index: "events-plot-x", there: None, read: 3, left_out: 0, written: 3, found: None };

    #[test]
    fn what_adds_up_is_counted() {
        let extent = settle("copied", ["events-log-x", "events-plot-x"], &[LOG, PLOT]).unwrap();
        assert_eq!(extent, Extent { indices: 2, documents: 11, left_out: 1 });
        // One that came after the plan was made.
        assert_eq!(settle("copied", ["events-log-x"], &[LOG, PLOT]).unwrap().indices, 2);
        assert_eq!(settle("copied", [], &[]).unwrap(), Extent::default());
    }

    #[test]
    fn an_index_that_was_planned_is_not_forgotten() {
        let error = settle("copied", ["events-log-x", "events-plot-x"], &[LOG]).unwrap_err();
        assert_eq!(error.message(), "The index events-plot-x was planned and not copied.");
        assert!(error.hints()[0].contains("rollback"), "{error:?}");
        let error = settle("compared", ["events-log-x", "events-plot-x"], &[]).unwrap_err();
        assert_eq!(error.message(), "The indices events-log-x, events-plot-x were planned and not compared.");
    }

    #[test]
    fn no_document_is_lost_from_one_place_to_the_next() {
        let lost = [
            (
                Account { there: Some(10), ..LOG },
                Kind::Failed,
                "10 documents by the numbers of its own data, and 9 came out",
            ),
            (Account { left_out: 0, ..LOG }, Kind::Failed, "8 were written and 0 left out"),
            (Account { found: Some(7), ..LOG }, Kind::Difference, "holds 7 documents, and 8 were written"),
            // More is as wrong as less.
            (Account { there: Some(8), ..LOG }, Kind::Failed, "8 documents by the numbers"),
            (Account { found: Some(9), ..LOG }, Kind::Difference, "holds 9 documents"),
            (Account { written: u64::MAX, ..LOG }, Kind::Failed, "that is not all"),
        ];
        for (account, kind, said) in lost {
            let error = settle("copied", [], &[PLOT, account]).unwrap_err();
            assert_eq!(error.kind(), kind, "{error:?}");
            assert!(error.message().contains(said) && error.message().contains("events-log-x"), "{error:?}");
        }
    }
}
