//! How much was copied and compared: the accounts of all indices, as the journal has them.

use super::Run;
use super::copied::{CopiedIndex, VerifiedElastic, copied_indices, copy_result};
use crate::elastic::{Extent, require_all, settle};
use crate::error::{Error, Result};
use crate::plan::Action;
use crate::transfer::{Places, Proof};

/// Makes sure that every index of the plan is among those in the old data, or copied already.
///
/// # Errors
/// Fails, naming those that are not.
pub(super) fn require_planned<'a>(run: &'a Run, here: impl IntoIterator<Item = &'a str>) -> Result<()> {
    require_all("found in the old data", run.elastic()?.indices.iter().map(String::as_str), here)
}

/// Returns what is planned and what is copied. An index that came after the plan was made is copied as the others are.
pub(super) fn places<'a>(run: &'a Run, copied: &'a [CopiedIndex], proof: Option<Proof>) -> Result<Places<'a>> {
    let planned = run.elastic()?.indices.iter().chain(copied.iter().map(|one| &one.outcome.collection));
    let mut places = Places::new(proof, planned.map(String::as_str));
    copied.iter().for_each(|one| places.outcome(&one.outcome));
    Ok(places)
}

/// Settles what is copied: every index of the plan, every document of each.
///
/// # Errors
/// Fails, naming the index, when something is missing, and when a note on an index cannot be read.
pub(super) fn of_copies(run: &Run, copied: &[CopiedIndex]) -> Result<Extent> {
    settle("copied", &places(run, copied, None)?)
}

/// Settles a migration whose documents are copied and compared, by all that the journal has of it.
///
/// # Errors
/// Fails, naming the index, when something is missing or was not found as it was written, and when the journal has another
/// result of the copy than its notes.
pub fn extent(run: &Run) -> Result<Extent> {
    let (copy, copied) = (copy_result(run)?, copied_indices(run)?);
    let verified = run.output::<VerifiedElastic>(run.id_of(Action::VERIFY_ELASTIC)?)?;
    let verified = verified.ok_or_else(|| Error::internal("The journal holds no result of the comparison."))?.verified;
    // What was counted, as was asked for, is not called compared.
    let is_compared = verified.iter().any(|one| one.fingerprint.is_some());
    let proof = if is_compared { Proof::Documents } else { Proof::Counts };
    let mut places = places(run, &copied, Some(proof))?;
    copy.counts.iter().for_each(|(index, count)| places.plan(index, Some(*count)));
    verified.iter().for_each(|one| places.read(&one.collection, one.into()));
    settle("compared", &places)
}
