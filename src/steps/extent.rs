//! How much was copied and compared: the accounts of all indices, as the journal has them.

use super::Run;
use super::copied::{CopiedElastic, CopiedIndex, VerifiedElastic, copied_indices};
use crate::elastic::{Account, Extent, require_all, settle};
use crate::error::{Error, Result};
use crate::plan::Action;
use crate::transfer::Verified;

/// Makes sure that every index of the plan is among those in the old data, or copied already.
///
/// # Errors
/// Fails, naming those that are not.
pub(super) fn require_planned<'a>(run: &'a Run, here: impl IntoIterator<Item = &'a str>) -> Result<()> {
    require_all("found in the old data", run.elastic()?.indices.iter().map(String::as_str), here)
}

/// Settles what is copied: every index of the plan, every document of each.
///
/// # Errors
/// Fails, naming the index, when something is missing, and when a note on an index cannot be read.
pub(super) fn of_copies(run: &Run, copied: &[CopiedIndex]) -> Result<Extent> {
    let accounts: Vec<Account<'_>> = copied.iter().map(|one| one.outcome.account(None)).collect();
    settle("copied", run.elastic()?.indices.iter().map(String::as_str), &accounts)
}

/// Settles what is copied and was found in the new data: every index that was copied, every document of each.
///
/// # Errors
/// As [`of_copies`], and a difference when another number was found than was copied.
pub(super) fn of_comparison(run: &Run, copied: &[CopiedIndex], verified: &[Verified]) -> Result<Extent> {
    let found = |index: &str| verified.iter().find(|one| one.collection == index).map(|one| one.documents);
    let compared = copied.iter().filter_map(|one| Some(one.outcome.account(Some(found(&one.outcome.collection)?))));
    let accounts: Vec<Account<'_>> = compared.collect();
    let copied = copied.iter().map(|one| one.outcome.collection.as_str());
    settle("compared", run.elastic()?.indices.iter().map(String::as_str).chain(copied), &accounts)
}

/// Settles a migration whose documents are copied and compared, by all that the journal has of it.
///
/// # Errors
/// As [`of_comparison`]; and fails when the journal has another result of the copy than its notes.
pub fn extent(run: &Run) -> Result<Extent> {
    let nothing = |step: &str| Error::internal(format!("The journal holds no result of the step {step}."));
    let (copying, verifying) = (run.id_of(Action::COPY_ELASTIC)?, run.id_of(Action::VERIFY_ELASTIC)?);
    let copy: CopiedElastic = run.output(copying)?.ok_or_else(|| nothing(copying))?;
    let verified: VerifiedElastic = run.output(verifying)?.ok_or_else(|| nothing(verifying))?;
    let copied = copied_indices(run)?;
    let noted = |index: &str| copied.iter().find(|one| one.outcome.collection == index).map(|one| one.outcome.written);
    if let Some((index, count)) = copy.counts.iter().find(|(index, count)| noted(index) != Some(**count)) {
        return Err(Error::failed(format!(
            "The journal says that {count} documents of {index} were copied, and has no such note on it."
        ))
        .hint("Another version of this program may have written it: use the one that began the migration."));
    }
    of_comparison(run, &copied, &verified.verified)
}
