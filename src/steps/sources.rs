//! Sources as they were when they were copied: what has changed since is copied again, never mixed.

use super::Run;
use crate::engine::Change;
use crate::error::{Error, Result};
use crate::files::blocking;
use crate::files::locks::{self, HeldLocks, Holding};
use crate::files::{self, Fingerprint, fingerprint};
use crate::plan::{Action, Replacement, Stage};
use crate::role::Role;
use std::path::{Path, PathBuf};

/// Keeps everybody else from starting on a source while it is read, as far as locks on this machine reach.
///
/// # Errors
/// Fails when somebody has it open.
pub(super) async fn hold(run: &Run, one: &Replacement) -> Result<HeldLocks> {
    hold_path(run, &one.source).await
}

/// [`hold`] for any data directory.
///
/// # Errors
/// As [`hold`].
pub(super) async fn hold_path(run: &Run, path: &Path) -> Result<HeldLocks> {
    let (held, cancel) = (path.to_owned(), run.cancel.clone());
    match blocking(move || locks::hold(&held, &cancel)).await? {
        Holding::Held(held) => Ok(held),
        Holding::InUse(in_use) => Err(Error::failed(format!("{} is in use: {in_use}.", path.display()))
            .hint("Stop the program or container that uses it, then run the same command again.")),
    }
}

/// Takes the fingerprint of a source where it lies now.
///
/// # Errors
/// Fails when the source cannot be read or changes meanwhile.
pub(super) async fn take(run: &Run, one: &Replacement) -> Result<Fingerprint> {
    take_of(run, one.role, &whereabouts(run, one)?).await
}

/// Takes the fingerprint of data of a service, wherever they are.
///
/// # Errors
/// As [`take`].
pub(super) async fn take_of(run: &Run, role: Role, path: &Path) -> Result<Fingerprint> {
    let kind = if role == Role::Elasticsearch { fingerprint::Source::Elastic } else { fingerprint::Source::Tree };
    let (path, cancel) = (path.to_owned(), run.cancel.clone());
    blocking(move || Fingerprint::take(kind, &path, &cancel)).await
}

/// Notes what a source was like, before it is copied.
///
/// # Errors
/// As [`take`], and when the note cannot be written.
pub(super) async fn note(run: &Run, step: &str, one: &Replacement) -> Result<Fingerprint> {
    let taken = take(run, one).await?;
    run.note(step, &key(one), &taken)?;
    Ok(taken)
}

/// Makes sure that a source was let be while something was `done` with it.
///
/// # Errors
/// Fails, naming what changed.
pub(super) fn require_unchanged(before: &Fingerprint, after: &Fingerprint, path: &Path, done: &str) -> Result<()> {
    let changes = before.compare(after);
    if changes.is_empty() {
        return Ok(());
    }
    Err(Error::failed(format!("{} was written to while it was {done} ({changes}).", path.display()))
        .hint("Stop whatever uses it, then run the same command again: it is done anew."))
}

/// Returns the sources that were copied and are not any more what they were then.
///
/// # Errors
/// Fails when a source cannot be read.
pub(super) async fn changes(run: &Run) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let data = || run.plan.replacements();
    for (step, one) in run.plan.steps.iter().flat_map(|step| data().map(move |one| (step, one))) {
        let Some(then) = run.noted::<Fingerprint>(&step.id, &key(one))? else { continue };
        if was_deleted(run, one)? {
            continue;
        }
        let paths = then.compare(&take(run, one).await?);
        if paths.is_empty() {
            continue;
        }
        // What was archived would be something else than what is migrated.
        let is_of_store = |action: Action| action.about().store == step.action.about().store;
        let others = run
            .plan
            .steps
            .iter()
            .filter(|other| other.id != step.id && (is_of_store(other.action) || other.action == Action::BackUp));
        changes.push(Change {
            what: format!("{} ({paths})", one.source.display()),
            told: "changed since it was copied, so it is copied again",
            again: others.rev().chain([step]).map(|one| one.id.clone()).collect(),
        });
    }
    Ok(changes)
}

/// Returns whether the old data are gone behind the start of the new server: their owner may delete them then, and what has
/// their name is the new server's.
fn was_deleted(run: &Run, one: &Replacement) -> Result<bool> {
    Ok(new_server_was_started(run) && !files::exists(&run.now(one.retired()))?)
}

/// Returns whether the new server was started, or its start was begun, and that has not been taken back.
pub(super) fn new_server_was_started(run: &Run) -> bool {
    run.plan.stage(Stage::Serve).any(|step| !run.journal().state().step(&step.id).is_clean())
}

fn key(one: &Replacement) -> String {
    format!("fingerprint {}", one.source.display())
}

/// Returns where the old data are now: under their own name, or retired, in a home that may have moved.
pub(super) fn whereabouts(run: &Run, one: &Replacement) -> Result<PathBuf> {
    let retired = run.now(one.retired());
    Ok(if files::exists(&retired)? { retired } else { run.now(&one.source) })
}
