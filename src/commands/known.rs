//! The migration that is meant by what was typed, as the index and its journal tell it, and the lock on it.

use super::session::settled;
use crate::deployment::Search;
use crate::docker::ProjectArgs;
use crate::error::{Error, Result};
use crate::files::locks::RunLock;
use crate::journal::{Index, IndexEntry, Journal, Phase, Scope, State, Status};
use crate::plan::{Plan, Step, journal_file};
use crate::settings::Session;
use crate::steps::project_args;
use std::path::{Path, PathBuf};

/// A migration that was begun on this machine, as its journal tells it. Nothing is changed by looking.
pub(super) struct Known {
    pub entry: IndexEntry,
    pub journal_path: PathBuf,
    pub state: State,
    pub plan: Plan,
}

impl Known {
    /// Returns the home as it is called now: the journal lies in it.
    pub fn home_now(&self) -> PathBuf {
        let home = self.journal_path.parent().and_then(Path::parent);
        home.map_or_else(|| self.plan.home.from.clone(), Path::to_owned)
    }

    /// Returns whether what is being undone is the switch alone, as after a failure in it: then the migration goes on.
    pub fn only_the_switch_is_undone(&self) -> bool {
        let untouched = |step: &Step| self.state.step(step.name()).status == Status::Finished;
        self.state.is_committed() && self.plan.steps().iter().filter(|step| !step.is_after_commit()).all(untouched)
    }
}

/// Returns the migration that is meant, of a scope if one is given: by any old or new path that was named, else that of
/// the current directory, else the only one there is.
///
/// # Errors
/// Refused when several are possible; failed when a journal cannot be read.
pub(super) fn known(session: &Session, scope: Option<Scope>) -> Result<Option<Known>> {
    let index = Index::new(session.state_dir.clone());
    let mut named: Vec<PathBuf> = session.compose.files.clone();
    named.extend(session.home.clone());
    named.extend(session.compose.project_directory.clone());
    named.extend(session.source.iter().flat_map(|source| [source.clone(), settled(source)]));
    let entry = match named.is_empty() {
        true => only_one(index.all()?, scope, session)?,
        false => index.find(&named, scope)?,
    };
    match entry.map(open).transpose()?.flatten() {
        Some(known) => Ok(Some(known)),
        None => not_in_the_index(session, scope, &named),
    }
}

/// The journal lies in the home. Where the index does not know it, since it is another user's or was lost, it is found
/// all the same.
fn not_in_the_index(session: &Session, scope: Option<Scope>, named: &[PathBuf]) -> Result<Option<Known>> {
    if let (Some(source), None | Some(Scope::Elastic)) = (&session.source, scope) {
        return match journal_of_data(&settled(source)) {
            Some(journal) if is_there(&journal)? => open_unknown(Scope::Elastic, source, journal),
            _ => Ok(None),
        };
    }
    if scope == Some(Scope::Elastic) {
        return Ok(None);
    }
    let parents = named.iter().filter_map(|path| path.parent().map(Path::to_owned));
    let mut homes: Vec<PathBuf> = named.iter().cloned().chain(parents).collect();
    if named.is_empty() {
        homes.push(session.current_dir.clone());
        homes.extend(Search::WELL_KNOWN.map(PathBuf::from));
    }
    for home in homes {
        let journal = journal_of(&home);
        if is_there(&journal)? {
            return open_unknown(Scope::Server, &home, journal);
        }
    }
    Ok(None)
}

/// Returns whether there is a journal.
///
/// # Errors
/// Refused where this user may not look: "none" would be the wrong answer.
fn is_there(journal: &Path) -> Result<bool> {
    match std::fs::metadata(journal) {
        Err(cause) if cause.kind() == std::io::ErrorKind::PermissionDenied => {
            let dir = journal.parent().unwrap_or(journal);
            Err(Error::refused(format!("{} cannot be looked into by this user.", dir.display())).because(cause).hint(
                "A migration was begun here by another user, most likely by root: run the same command with sudo.",
            ))
        }
        found => Ok(found.is_ok_and(|meta| meta.is_file())),
    }
}

fn open_unknown(scope: Scope, now: &Path, journal: PathBuf) -> Result<Option<Known>> {
    let opened = Journal::peek(&journal)?.opened;
    let mut entry = IndexEntry::new(opened.run_id, scope, opened.created, opened.home, now.to_owned());
    entry.journals = vec![journal];
    open(entry)
}

fn journal_of_data(source: &Path) -> Option<PathBuf> {
    Some(journal_file(source.parent()?, Some(source.file_name()?)))
}

fn journal_of(home: &Path) -> PathBuf {
    journal_file(home, None)
}

fn only_one(entries: Vec<IndexEntry>, scope: Option<Scope>, session: &Session) -> Result<Option<IndexEntry>> {
    let mut newest: Vec<IndexEntry> = Vec::new();
    for entry in entries.into_iter().filter(|entry| scope.is_none_or(|scope| entry.scope == scope)) {
        // The list is newest first; an older run of the same deployment is history.
        if !newest.iter().any(|known| known.key == entry.key) && entry.journal().is_some() {
            newest.push(entry);
        }
    }
    let here = |entry: &&IndexEntry| entry.paths.contains(&session.current_dir);
    if let Some(entry) = newest.iter().find(here) {
        return Ok(Some(entry.clone()));
    }
    match newest.as_slice() {
        [] | [_] => Ok(newest.pop()),
        [first, ..] => {
            let homes: Vec<String> = newest.iter().map(|entry| entry.old_home.display().to_string()).collect();
            let option = match first.scope {
                Scope::Server => "--home",
                Scope::Elastic => "--source",
            };
            Err(Error::refused(format!("Several migrations were begun on this machine: {}.", homes.join(", ")))
                .hint(format!("Say which one is meant: {option} {}", first.old_home.display())))
        }
    }
}

/// Returns the compose project that a migration tells of.
pub(super) fn projects(known: Option<&Known>) -> Vec<ProjectArgs> {
    let server = known.and_then(|known| known.plan.server());
    server.map(|server| project_args(&server.deployment.project)).into_iter().collect()
}

fn open(entry: IndexEntry) -> Result<Option<Known>> {
    let Some(journal_path) = entry.journal().map(Path::to_owned) else { return Ok(None) };
    let state = Journal::peek(&journal_path)?;
    let Some(plan) = state.plan.clone() else { return Ok(None) };
    let plan: Plan = serde_json::from_value(plan).map_err(|cause| {
        Error::failed(format!("The plan in {} cannot be read by this version.", journal_path.display()))
            .because(cause)
            .hint("Use the version of this tool that began the migration.")
    })?;
    Ok(Some(Known { entry, journal_path, state, plan }))
}

/// Takes the lock of a known deployment (one run at a time, wherever it was started) and reads again what is known:
/// another run may have gone on until just now.
///
/// # Errors
/// Refused while another run has it; failed when the journal cannot be read.
pub(super) fn lock(session: &Session, known: Known) -> Result<(RunLock, Known)> {
    let lock = Index::new(session.state_dir.clone()).lock(&known.entry.key, &holder())?;
    let home = known.plan.home.from.clone();
    let known = open(known.entry)?.ok_or_else(|| {
        Error::refused(format!("The journal of the migration of {} was moved or removed just now.", home.display()))
            .hint("Another run may have moved the home. Run the same command again.")
    })?;
    Ok((lock, known))
}

/// As [`lock`], for going on with the migration.
///
/// # Errors
/// As [`lock`], and refused when another run has brought it to where it cannot go on.
pub(super) fn lock_to_go_on(session: &Session, known: Known) -> Result<(RunLock, Known)> {
    let (lock, known) = lock(session, known)?;
    if can_go_on(&known) {
        return Ok((lock, known));
    }
    Err(Error::refused("Another run has gone on with this migration until just now.")
        .hint(format!("See where it stands: {}", session.command("status"))))
}

/// Takes the lock of a deployment that no run knows yet.
///
/// # Errors
/// Refused while another run has it.
pub(super) fn lock_new(session: &Session, plan: &Plan) -> Result<RunLock> {
    let key = crate::journal::index::key_of(plan.subject());
    Index::new(session.state_dir.clone()).lock(&key, &holder())
}

fn holder() -> String {
    format!("process {}", std::process::id())
}

/// Returns how many steps are done, of how many.
pub(super) fn progress(known: &Known) -> (usize, usize) {
    let steps = known.plan.steps();
    let done = steps.iter().filter(|step| known.state.step(step.name()).status == Status::Finished).count();
    (done, steps.len())
}

/// Returns whether a phase means that the migration can go on with the same command.
pub(super) fn can_go_on(known: &Known) -> bool {
    match known.state.phase {
        Phase::Preparing | Phase::Committed => true,
        Phase::RollingBack => known.only_the_switch_is_undone(),
        Phase::Completed | Phase::RolledBack | Phase::Stuck => false,
    }
}
