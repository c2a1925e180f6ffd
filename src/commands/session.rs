//! The daemon and the compose command of a session, and the migration that the index knows for it.

use super::Context;
use crate::deployment::Search;
use crate::docker::{ComposeCommand, Daemon, DockerCli, DockerEnvironment, Endpoint};
use crate::error::{Error, Kind, Result};
use crate::files::locks::RunLock;
use crate::files::{self, write_new};
use crate::journal::{Index, IndexEntry, Journal, Opened, Phase, Record, State, Status};
use crate::plan::{Plan, Step, work_dir};
use crate::settings::Session;
use crate::steps::{Options, Run};
use std::path::{Path, PathBuf};

/// What talks to docker.
pub(super) struct Tools {
    pub docker: Daemon,
    pub compose: ComposeCommand,
}

/// Connects to the daemon that docker itself would use, and finds compose.
///
/// # Errors
/// Refused for a daemon on another machine, and when docker or compose does not answer.
pub(super) async fn connect(session: &Session, context: &Context) -> Result<Tools> {
    tools(session, context).await.map_err(as_refusal)
}

/// Nothing has been changed yet, so whatever fails is a refusal.
pub(super) fn as_refusal(error: Error) -> Error {
    if error.kind() == Kind::Failed { error.with_kind(Kind::Refused) } else { error }
}

async fn tools(session: &Session, context: &Context) -> Result<Tools> {
    let endpoint = Endpoint::resolve(&session.docker.globals, &DockerEnvironment::from_process())?;
    endpoint.require_local()?;
    let docker = Daemon::connect(&endpoint).await?;
    let cli = DockerCli::new(&session.docker);
    // A rewritten file asks for CLEARML_ variables where the user's shell may still export TRAINS_ ones.
    let compose = ComposeCommand::probe(cli, &endpoint, &context.cancel).await?.with_both_names();
    Ok(Tools { docker, compose })
}

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

/// Returns the migration that is meant: by any old or new path that was named, else that of the current directory, else
/// the only one there is.
///
/// # Errors
/// Refused when several are possible; failed when a journal cannot be read.
pub(super) fn known(session: &Session) -> Result<Option<Known>> {
    let index = Index::new(session.state_dir.clone());
    let mut named: Vec<PathBuf> = session.compose.files.clone();
    named.extend(session.home.clone());
    named.extend(session.compose.project_directory.clone());
    let entry = if named.is_empty() { only_one(index.all()?, session)? } else { index.find(&named)? };
    match entry.map(open).transpose()?.flatten() {
        Some(known) => Ok(Some(known)),
        None => not_in_the_index(session, &named),
    }
}

/// The journal lies in the home. Where the index does not know it, since it is another user's or was lost, it is found
/// all the same.
fn not_in_the_index(session: &Session, named: &[PathBuf]) -> Result<Option<Known>> {
    let parents = named.iter().filter_map(|path| path.parent().map(Path::to_owned));
    let mut homes: Vec<PathBuf> = named.iter().cloned().chain(parents).collect();
    if named.is_empty() {
        homes.push(session.current_dir.clone());
        homes.extend(Search::WELL_KNOWN.map(PathBuf::from));
    }
    for home in homes {
        let journal = journal_of(&home);
        if !journal.is_file() {
            continue;
        }
        let opened = Journal::peek(&journal)?.opened;
        let mut entry = IndexEntry::new(opened.run_id, opened.created, opened.home, home);
        entry.journals = vec![journal];
        return open(entry);
    }
    Ok(None)
}

fn journal_of(home: &Path) -> PathBuf {
    work_dir(home).join("journal")
}

fn only_one(entries: Vec<IndexEntry>, session: &Session) -> Result<Option<IndexEntry>> {
    let mut newest: Vec<IndexEntry> = Vec::new();
    for entry in entries {
        // The list is newest first; an older run of the same deployment is history.
        if !newest.iter().any(|known| known.key == entry.key) && entry.journal().is_some() {
            newest.push(entry);
        }
    }
    let here = |entry: &&IndexEntry| entry.paths.contains(&session.current_dir);
    if let Some(entry) = newest.iter().find(here) {
        return Ok(Some(entry.clone()));
    }
    if newest.len() > 1 {
        let homes: Vec<String> = newest.iter().map(|entry| entry.old_home.display().to_string()).collect();
        return Err(Error::refused(format!("Several migrations were begun on this machine: {}.", homes.join(", ")))
            .hint(format!("Say which one is meant: --home {}", homes.first().cloned().unwrap_or_default())));
    }
    Ok(newest.pop())
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

/// Takes the lock of a deployment that no run knows yet.
///
/// # Errors
/// Refused while another run has it.
pub(super) fn lock_new(session: &Session, plan: &Plan) -> Result<RunLock> {
    let key = crate::journal::index::key_of(&plan.home.from);
    Index::new(session.state_dir.clone()).lock(&key, &holder())
}

fn holder() -> String {
    format!("process {}", std::process::id())
}

/// Begins a run: the index first, so that nothing is ever made that cannot be found again, then the journal.
///
/// # Errors
/// Fails when they cannot be written.
pub(super) fn begin(session: &Session, plan: Plan, options: Options, tools: Tools, context: &Context) -> Result<Run> {
    let dir = work_dir(&plan.home.from);
    files::create_private_dir(&dir)?;
    let path = journal_of(&plan.home.from);
    if files::exists(&path)? {
        // Of an attempt that was taken back, or that ended before it had a plan.
        files::rename(&path, &dir.join(format!("journal_before_{}", plan.stamp)))?;
    }
    let created = jiff::Timestamp::now();
    let mut entry = IndexEntry::new(plan.run_id.clone(), created, plan.home.from.clone(), plan.new_home().to_owned());
    entry.journals = vec![path.clone(), plan.home.after(&path)];
    entry.paths.extend(paths(&plan));
    Index::new(session.state_dir.clone()).put(&entry)?;
    write_new(&dir.join(format!("{}.run", plan.run_id)), b"", None)?;
    let opened = Opened {
        run_id: plan.run_id.clone(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        created,
        home: plan.home.from.clone(),
    };
    let mut journal = Journal::create(&path, opened)?;
    let value =
        serde_json::to_value(&plan).map_err(|cause| Error::internal("The plan cannot be written.").because(cause))?;
    journal.append(Record::Planned { plan: value, fingerprints: Default::default() })?;
    Ok(run(plan, journal, options, tools, context))
}

/// Returns every path by which the deployment can be named, before and after.
fn paths(plan: &Plan) -> Vec<PathBuf> {
    let project = &plan.deployment.project;
    let mut paths: Vec<PathBuf> = project.files.clone();
    paths.push(project.directory.clone());
    paths.extend(plan.replacements.iter().map(|one| one.source.clone()));
    let after: Vec<PathBuf> = paths.iter().map(|path| plan.home.after(path)).collect();
    paths.extend(after);
    // Users name things through symbolic links too.
    let real: Vec<PathBuf> = paths.iter().filter_map(|path| files::canonical(path).ok()).collect();
    paths.extend(real);
    paths
}

/// Opens the journal of a known migration and returns its run.
///
/// # Errors
/// Fails when the journal cannot be opened.
pub(super) fn resume(known: Known, options: Options, tools: Tools, context: &Context) -> Result<Run> {
    let journal = Journal::open(&known.journal_path)?;
    Ok(run(known.plan, journal, options, tools, context))
}

fn run(plan: Plan, journal: Journal, options: Options, tools: Tools, context: &Context) -> Run {
    Run::new(plan, options, tools.docker, tools.compose, journal, context.events.clone(), context.cancel.clone())
}

/// Opens the log file of a run: where it was said, else beside the journal.
///
/// # Errors
/// Fails when it cannot be made.
pub(super) fn open_log(session: &Session, home: &Path, stamp: &str, context: &Context) -> Result<()> {
    let path = match &session.log_file {
        Some(path) => path.clone(),
        None => {
            let dir = work_dir(home).join("log");
            files::create_private_dir(&dir)?;
            dir.join(format!("{stamp}.log"))
        }
    };
    context.display.open_log(&path)
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
