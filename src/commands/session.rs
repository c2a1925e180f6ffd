//! The daemon and the compose command of a session, and the migration that the index knows for it.

use super::Context;
use crate::deployment::Search;
use crate::docker::{
    ComposeCommand, Daemon, DockerCli, DockerEnvironment, Endpoint, ProjectArgs, is_installed, not_installed,
};
use crate::error::{Error, Kind, Result};
use crate::files::locks::RunLock;
use crate::files::{self, write_new};
use crate::journal::{Index, IndexEntry, Journal, Opened, Phase, Record, Scope, State, Status};
use crate::plan::{Migrated, Plan, Step, journal_file, work_dir};
use crate::settings::{ComposeArgs, Session};
use crate::steps::{Options, Run, project_args};
use std::path::{Path, PathBuf};

/// What talks to docker.
pub(super) struct Tools {
    pub docker: Daemon,
    /// None where no server is concerned: then compose need not even be installed.
    pub compose: Option<ComposeCommand>,
}

impl Tools {
    /// Returns the compose command.
    ///
    /// # Errors
    /// An internal one if [`connect`] was told to do without.
    pub fn compose(&self) -> Result<&ComposeCommand> {
        self.compose.as_ref().ok_or_else(|| Error::internal("No compose command was looked for."))
    }
}

/// Connects to the daemon that docker itself would use, and finds compose where a server is concerned.
///
/// # Errors
/// Refused for a daemon on another machine, and when docker or compose does not answer.
pub(super) async fn connect(session: &Session, for_server: bool, context: &Context) -> Result<Tools> {
    tools(session, for_server, context).await.map_err(as_refusal)
}

/// Nothing has been changed yet, so whatever fails is a refusal.
pub(super) fn as_refusal(error: Error) -> Error {
    if error.kind() == Kind::Failed { error.with_kind(Kind::Refused) } else { error }
}

async fn tools(session: &Session, for_server: bool, context: &Context) -> Result<Tools> {
    let endpoint = Endpoint::resolve(&session.docker.globals, &DockerEnvironment::from_process())?;
    endpoint.require_local()?;
    let docker = Daemon::connect(&endpoint).await.map_err(|error| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if is_installed(&session.docker.program, &path) { error } else { not_installed(error) }
    })?;
    if !for_server {
        return Ok(Tools { docker, compose: None });
    }
    let cli = DockerCli::new(&session.docker);
    // A rewritten file asks for CLEARML_ variables where the user's shell may still export TRAINS_ ones.
    let compose = ComposeCommand::probe(cli, &endpoint, &context.cancel).await?.with_both_names();
    Ok(Tools { docker, compose: Some(compose) })
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

/// Begins a run: the index first, so that nothing is ever made that cannot be found again, then the journal.
///
/// # Errors
/// Fails when they cannot be written.
pub(super) fn begin(session: &Session, plan: Plan, options: Options, tools: Tools, context: &Context) -> Result<Run> {
    let dir = work_dir(&plan.home.from);
    files::create_private_dir(&dir)?;
    let path = plan.journal_file();
    if files::exists(&path)? {
        // Of an attempt that was taken back, or that ended before it had a plan.
        let mut kept = path.clone().into_os_string();
        kept.push(format!("_before_{}", plan.stamp));
        files::rename(&path, Path::new(&kept))?;
    }
    let created = jiff::Timestamp::now();
    let (scope, new_home) = match &plan.migrated {
        Migrated::Server(_) => (Scope::Server, plan.new_home()),
        Migrated::Elastic { .. } => {
            (Scope::Elastic, plan.replacements.first().map_or(plan.subject(), |one| &one.target))
        }
    };
    let mut entry =
        IndexEntry::new(plan.run_id.clone(), scope, created, plan.subject().to_owned(), new_home.to_owned());
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
    let mut paths: Vec<PathBuf> = Vec::new();
    if let Some(server) = plan.server() {
        paths.extend(server.deployment.project.files.iter().cloned());
        paths.push(server.deployment.project.directory.clone());
    }
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
    open_log_at(&path, context)
}

/// Opens the log file at a path.
///
/// # Errors
/// Fails when it cannot be made.
pub(super) fn open_log_at(path: &Path, context: &Context) -> Result<()> {
    context.display.open_log(path)
}

/// Returns the time stamp for the names that a run makes, local time.
pub(super) fn stamp_now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d_%H-%M-%S").to_string()
}

/// Returns a path as it is indexed: its directory without symbolic links, its last name as it is, so that it is found
/// again when it has been renamed.
pub(super) fn settled(path: &Path) -> PathBuf {
    let parent = path.parent().and_then(|parent| files::canonical(parent).ok());
    match (parent, path.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    }
}

/// Returns a session that names a migration, so that what it tells to type finds that one.
pub(super) fn session_of(session: &Session, plan: &Plan) -> Session {
    match &plan.migrated {
        Migrated::Server(_) => session.clone(),
        Migrated::Elastic { .. } => Session {
            source: Some(plan.subject().to_owned()),
            home: None,
            compose: ComposeArgs::default(),
            ..session.clone()
        },
    }
}

/// Returns the command that a migration was begun with, and goes on with.
pub(super) fn go_on_command(session: &Session, plan: &Plan) -> String {
    let session = session_of(session, plan);
    match (&plan.migrated, plan.replacements.first()) {
        (Migrated::Elastic { .. }, Some(one)) => session.elastic_command(&one.target),
        _ => session.command(""),
    }
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
