//! The daemon and the compose command of a session, and its run: begun or continued, with its journal and its log.

use super::Context;
use super::existing_run::ExistingRun;
use crate::docker::{ComposeCommand, Daemon, DockerCli, DockerEnvironment, Endpoint, is_installed, not_installed};
use crate::environment;
use crate::error::{Error, Kind, Result};
use crate::files::{self, write_new};
use crate::journal::{Journal, Opened, Phase, Record, RegistryEntry, RunRegistry, Scope};
use crate::plan::{Migrated, Plan, work_dir};
use crate::platform::Docker;
use crate::settings::{ComposeArgs, Session};
use crate::steps::{Options, Run};
use std::path::{Component, Path, PathBuf};

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

    /// Returns the platform that they are.
    pub fn platform(self) -> Docker {
        Docker::new(self.docker, self.compose)
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
        let path = environment::variable("PATH").unwrap_or_default();
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

/// Begins a run: the index first, so that nothing is ever made that cannot be found again, then the journal.
///
/// # Errors
/// Refused where a migration of the same is not over; fails when they cannot be written.
pub(super) fn begin(session: &Session, plan: Plan, options: Options, tools: Tools, context: &Context) -> Result<Run> {
    let dir = work_dir(&plan.home.from);
    files::create_private_dir(&dir)?;
    let path = plan.journal_file();
    if files::exists(&path)? {
        require_over(&path, &plan, session)?;
        // Of an attempt that was taken back, or that ended before it had a plan.
        let mut kept = path.clone().into_os_string();
        kept.push(format!("_before_{}", plan.stamp));
        files::rename(&path, Path::new(&kept))?;
    }
    let created = jiff::Timestamp::now();
    let (scope, new_home) = match &plan.migrated {
        Migrated::Server(_) => (Scope::Server, plan.new_home()),
        Migrated::Elastic { .. } => {
            (Scope::Elastic, plan.replacements().next().map_or(plan.subject(), |one| &one.target))
        }
    };
    let mut entry =
        RegistryEntry::new(plan.run_id.clone(), scope, created, plan.subject().to_owned(), new_home.to_owned());
    entry.journals = vec![path.clone(), plan.home.after(&path)];
    entry.paths.extend(paths(&plan));
    RunRegistry::new(session.state_dir.clone()).put(&entry)?;
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

/// A journal gives way only when nothing depends on it any more.
fn require_over(journal: &Path, plan: &Plan, session: &Session) -> Result<()> {
    let state = Journal::peek(journal)?;
    // After `elastic` the name of the old data is free for others.
    let done = state.phase == Phase::Completed && plan.server().is_none();
    if state.plan.is_none() || state.phase == Phase::RolledBack || done {
        return Ok(());
    }
    let subject = plan.subject();
    let same = match plan.server() {
        Some(_) => session_at(session, subject),
        None => session_of(session, plan),
    };
    let begun = format!("A migration of {} was begun already: {} tells of it.", subject.display(), journal.display());
    Err(Error::refused(begun).hint(format!("See where it stands: {}", same.command("status"))))
}

/// Returns every path by which the deployment can be named, before and after.
fn paths(plan: &Plan) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = Vec::new();
    if let Some(server) = plan.server() {
        paths.extend(server.deployment.project.files.iter().cloned());
        paths.push(server.deployment.project.directory.clone());
    }
    paths.extend(plan.replacements().map(|one| one.source.clone()));
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
pub(super) fn resume(existing: ExistingRun, options: Options, tools: Tools, context: &Context) -> Result<Run> {
    let journal = Journal::open(&existing.journal_path)?;
    Ok(run(existing.plan, journal, options, tools, context))
}

fn run(plan: Plan, journal: Journal, options: Options, tools: Tools, context: &Context) -> Run {
    let platform = Box::new(tools.platform());
    Run::new(plan, options, platform, journal, context.events.clone(), context.cancel.clone())
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

/// Returns the new home that was named, without `..`: once the old one has its new name, a path through it leads nowhere.
///
/// # Errors
/// Refused when a directory on the way does not exist.
pub(super) fn settled_home(path: &Path) -> Result<PathBuf> {
    let leads_back = |path: &Path| path.components().any(|part| part == Component::ParentDir);
    if !leads_back(path) {
        return Ok(path.to_owned());
    }
    Some(settled(path)).filter(|path| !leads_back(path)).ok_or_else(|| {
        Error::refused(format!("It cannot be told where {} is.", path.display()))
            .hint("Name the new directory without `..`: --new-home /opt/clearml")
    })
}

/// Returns a session that names the server in a directory and nothing else, so that what it tells to type finds that
/// one.
pub(super) fn session_at(session: &Session, home: &Path) -> Session {
    Session { source: None, home: Some(home.to_owned()), compose: ComposeArgs::default(), ..session.clone() }
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
    match (&plan.migrated, plan.replacements().next()) {
        (Migrated::Elastic { .. }, Some(one)) => session.elastic_command(&one.target),
        _ => session.command(""),
    }
}

/// Returns the session of somebody who typed nothing but the command, in this directory.
#[cfg(test)]
pub(super) fn typed_in(current_dir: PathBuf, state_dir: PathBuf) -> Session {
    Session {
        door: crate::invocation::Door::Standalone,
        docker: crate::invocation::DockerCli { program: "docker".into(), globals: Default::default() },
        compose: ComposeArgs::default(),
        home: None,
        source: None,
        current_dir,
        state_dir,
        log_file: None,
        assume_yes: true,
        terminal: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample;

    #[test]
    fn the_journal_of_a_migration_that_is_not_over_gives_no_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let plan = sample::plan();
        let session = typed_in("/".into(), dir.path().into());
        let over = || require_over(&path, &plan, &session);
        let mut journal = Journal::create(&path, crate::journal::sample::opened()).unwrap();
        over().unwrap();
        let value = serde_json::to_value(&plan).unwrap();
        journal.append(Record::Planned { plan: value, fingerprints: Default::default() }).unwrap();
        let refused = over().unwrap_err();
        assert!(refused.message().contains("was begun already"));
        assert_eq!(
            refused.hints(),
            ["See where it stands: docker-clearml-migrate --home /opt/trains status"],
            "no other option that would name another server"
        );
        let step = || "stop_stack".to_owned();
        journal.append(Record::Started { step: step() }).unwrap();
        over().unwrap_err();
        journal.append(Record::UndoStarted { step: step() }).unwrap();
        over().unwrap_err();
        journal.append(Record::UndoFinished { step: step() }).unwrap();
        journal.append(Record::RolledBack).unwrap();
        over().unwrap();
    }

    #[test]
    fn a_new_home_is_named_without_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap();
        std::fs::create_dir(real.join("trains")).unwrap();
        assert_eq!(settled_home(&real.join("trains/../clearml")).unwrap(), real.join("clearml"));
        assert_eq!(settled_home(Path::new("/opt/clearml")).unwrap(), Path::new("/opt/clearml"));
        assert!(settled_home(&real.join("missing/../clearml")).is_err());
    }
}
