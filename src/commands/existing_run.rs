//! A migration as the index and its journal tell it, and the lock on it.

use crate::docker::ProjectArgs;
use crate::error::{Error, Result};
use crate::files::locks::RunLock;
use crate::journal::{Journal, Phase, RegistryEntry, RunRegistry, State, Status};
use crate::plan::{Plan, Stage, Step, stored, work_dir};
use crate::settings::Session;
use std::path::{Path, PathBuf};

/// A migration that was begun on this machine, as its journal tells it. Nothing is changed by looking.
pub(super) struct ExistingRun {
    pub entry: RegistryEntry,
    pub journal_path: PathBuf,
    pub state: State,
    pub plan: Plan,
}

impl ExistingRun {
    /// Returns the directory that the journal lies in, with everything else that belongs to the migration.
    pub fn dir(&self) -> PathBuf {
        self.journal_path.parent().map_or_else(|| work_dir(&self.plan.home.from), Path::to_owned)
    }

    /// Returns the home as it is called now: the journal lies in it.
    pub fn home_now(&self) -> PathBuf {
        let home = self.journal_path.parent().and_then(Path::parent);
        home.map_or_else(|| self.plan.home.from.clone(), Path::to_owned)
    }
}

/// Returns the compose project that a migration tells of.
pub(super) fn projects(existing: Option<&ExistingRun>) -> Vec<ProjectArgs> {
    let server = existing.and_then(|existing| existing.plan.server());
    server.map(|server| ProjectArgs::of(&server.deployment.project)).into_iter().collect()
}

/// Opens the journal that an entry of the index tells of; nothing where there is none, or no plan in it.
///
/// # Errors
/// Failed when the journal, or its plan, cannot be read.
pub(super) fn open(entry: RegistryEntry) -> Result<Option<ExistingRun>> {
    let Some(journal_path) = entry.journal().map(Path::to_owned) else { return Ok(None) };
    let state = Journal::peek(&journal_path)?;
    let Some(plan) = &state.plan else { return Ok(None) };
    let begun = state.steps().map(|(step, _)| step);
    let plan = stored::read(plan, begun, &state.opened.program)
        .map_err(|error| error.hint(format!("The journal is {}.", journal_path.display())))?;
    Ok(Some(ExistingRun { entry, journal_path, state, plan }))
}

/// Takes the lock of a known deployment (one run at a time, wherever it was started) and reads again what is known:
/// another run may have gone on until just now.
///
/// # Errors
/// Refused while another run has it; failed when the journal cannot be read.
pub(super) fn lock(session: &Session, existing: ExistingRun) -> Result<(RunLock, ExistingRun)> {
    let lock = RunRegistry::new(session.state_dir.clone()).lock(&existing.entry.key, &holder())?;
    let home = existing.plan.home.from.clone();
    let existing = open(existing.entry)?.ok_or_else(|| {
        Error::refused(format!("The journal of the migration of {} was moved or removed just now.", home.display()))
            .hint("Another run may have moved the home. Run the same command again.")
    })?;
    Ok((lock, existing))
}

/// As [`lock`], for going on with the migration.
///
/// # Errors
/// As [`lock`], and refused when another run has brought it to where it cannot go on.
pub(super) fn lock_to_go_on(session: &Session, existing: ExistingRun) -> Result<(RunLock, ExistingRun)> {
    let (lock, existing) = lock(session, existing)?;
    if goes_on(&existing.plan, &existing.state) {
        return Ok((lock, existing));
    }
    Err(Error::refused("Another run has gone on with this migration until just now.")
        .hint(format!("See where it stands: {}", session.command("status"))))
}

/// Takes the lock of a deployment that no run knows yet.
///
/// # Errors
/// Refused while another run has it.
pub(super) fn lock_new(session: &Session, plan: &Plan) -> Result<RunLock> {
    let key = crate::journal::registry::key_of(plan.subject());
    RunRegistry::new(session.state_dir.clone()).lock(&key, &holder())
}

fn holder() -> String {
    format!("process {}", std::process::id())
}

/// Returns how many steps are done, of how many.
pub(super) fn progress(existing: &ExistingRun) -> (usize, usize) {
    let steps = &existing.plan.steps;
    let done = steps.iter().filter(|step| existing.state.step(&step.id).status == Status::Finished).count();
    (done, steps.len())
}

/// Returns whether the migration can go on with the same command.
pub(super) fn goes_on(plan: &Plan, state: &State) -> bool {
    match state.phase {
        Phase::Preparing | Phase::Committed => true,
        Phase::RollingBack => only_the_switch_is_undone(plan, state),
        Phase::Completed | Phase::RolledBack | Phase::Stuck => false,
    }
}

/// Returns whether what is being undone is the switch alone, as after a failure in it or behind it. Copies that are to be
/// made anew then are no part of the way back either.
fn only_the_switch_is_undone(plan: &Plan, state: &State) -> bool {
    let stands = |step: &Step| matches!(state.step(&step.id).status, Status::Finished | Status::Invalidated { .. });
    state.is_committed() && plan.stage(Stage::Prepare).all(stands)
}
