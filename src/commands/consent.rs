//! What comes before a run is begun or continued, whatever is migrated: the plan, the checks, the question.

use super::existing_run::{ExistingRun, progress};
use super::prepare::Prepared;
use super::{Context, findings_text};
use crate::error::{Error, Kind, Result};
use crate::preflight;
use crate::report::plan_text;

/// What a dry run says in the end.
pub(super) const DRY_RUN: &str = "This was a dry run: nothing was changed.";

/// Shows a plan with what the checks found, and asks. Returns false after a dry run.
///
/// # Errors
/// Refused when a check refuses; cancelled when the answer is no.
pub(super) async fn ask(prepared: &Prepared, dry_run: bool, go_back: &str, context: &Context) -> Result<bool> {
    let findings = findings_text(&prepared.findings, context.display.paint());
    if let Some(refusal) = preflight::refusal(&prepared.findings) {
        // The plan would only bury the reason.
        context.display.print(&findings);
        return Err(refusal);
    }
    context.display.print(&plan_text(&prepared.plan, context.display.paint(), go_back));
    context.display.print(&findings);
    if dry_run {
        context.display.print(DRY_RUN);
        return Ok(false);
    }
    require_yes("Migrate now?", context).await?;
    Ok(true)
}

/// Asks, before anything is changed; without a yes the command ends here.
///
/// # Errors
/// Cancelled for any other answer, and when stopped; refused when nobody can be asked.
pub(super) async fn require_yes(question: &str, context: &Context) -> Result<()> {
    match context.display.confirm(question, &context.cancel).await {
        Ok(true) => Ok(()),
        Err(error) if error.kind() != Kind::Cancelled => Err(error),
        Ok(false) | Err(_) => Err(Error::new(Kind::Cancelled, "Nothing was changed.")),
    }
}

/// Tells which migration is continued, and asks. Returns false after a dry run, which shows the plan.
///
/// # Errors
/// Cancelled when the answer is no.
pub(super) async fn go_on(existing: &ExistingRun, dry_run: bool, go_back: &str, context: &Context) -> Result<bool> {
    let (done, all) = progress(existing);
    context.display.print(&format!(
        "Going on with the migration of {} to {}: {done} of {all} steps are done.",
        existing.plan.subject().display(),
        existing.plan.goal()
    ));
    if dry_run {
        context.display.print(&plan_text(&existing.plan, context.display.paint(), go_back));
        context.display.print(DRY_RUN);
        return Ok(false);
    }
    require_yes("Go on now?", context).await?;
    Ok(true)
}

/// Adds to the refusal of another choice than that of the beginning what to type.
pub(super) fn of_another_choice(error: Error, go_on: &str, go_back: &str) -> Error {
    error.hint(format!("Go on with it: {go_on}")).hint(format!("Or take it back first: {go_back}"))
}

/// Returns the error of a migration whose rollback must be finished first.
pub(super) fn unfinished_rollback(go_back: &str) -> Error {
    Error::refused("The way back was begun and is not finished.").hint(format!("Finish it first: {go_back}"))
}
