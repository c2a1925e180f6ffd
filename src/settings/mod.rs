//! What was meant: the command line and the environment, fully resolved. Pure.

mod collisions;
mod compose;
mod elastic;
mod export;
mod import;
mod node_address;
mod reader;
mod verification;

pub use compose::ComposeArgs;
pub use elastic::Elastic;
pub use export::{Export, ExportTo};
pub use import::Import;
pub use node_address::NodeAddress;
pub use reader::ReaderWish;

use crate::cli::{BackupArg, Cli, Command, MigrationArgs, OnFailureArg, SessionArgs, Shell, SourceArg};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::invocation::{Call, DockerCli, Door};
use crate::plan::{OnIdCollision, Verification};
use crate::release::{self, Release};
use crate::text::quote;
use std::path::{Component, Path, PathBuf};

/// Overrides the directory that keeps the index of migrations.
pub const STATE_DIR: &str = "CLEARML_MIGRATE_STATE_DIR";

/// Where root's index of migrations is.
pub const STATE_DIR_OF_ROOT: &str = "/var/lib/clearml-migrate";

/// The release that `--to` means when it is not given.
pub const DEFAULT_RELEASE: &str = "1.1";

/// What is to be done, with all that it needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Find, check, plan, ask, migrate.
    Migrate(Migration),
    /// The checks alone.
    Check(Check),
    /// One Elasticsearch data directory.
    Elastic(Elastic),
    /// Documents as text.
    Export(Export),
    /// The same into an Elasticsearch that is given.
    Import(Import),
    /// Compare once more.
    Verify(Verify),
    /// Where a migration stands.
    Status(Session),
    /// Back to the old server.
    Rollback(Rollback),
    /// Print a shell function.
    ShellInit(Shell),
    /// Print the version.
    Version,
}

/// What every command that touches a server knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The name we were called by, for telling what to type next.
    pub door: Door,
    /// The docker to call, with its global options.
    pub docker: DockerCli,
    /// Which compose project, as far as it was said.
    pub compose: ComposeArgs,
    /// Absolute root directory of the old server, if it was said.
    pub home: Option<PathBuf>,
    /// Absolute path of the data directory that `elastic` is or was given, if it was said.
    pub source: Option<PathBuf>,
    /// Absolute working directory.
    pub current_dir: PathBuf,
    /// Absolute directory of the index of migrations.
    pub state_dir: PathBuf,
    /// Absolute path of the log file, if it was said.
    pub log_file: Option<PathBuf>,
    /// Questions are answered with yes.
    pub assume_yes: bool,
    /// What can be shown and asked.
    pub terminal: Terminal,
}

impl Session {
    /// Returns a command line for the user to type: the name we were called by, docker's global options, what is needed
    /// to find the same server again, and `arguments`.
    pub fn command(&self, arguments: &str) -> String {
        let globals = self.docker.globals.to_args();
        let mut words: Vec<String> = globals.iter().map(|word| quote(&word.to_string_lossy())).collect();
        let name = self.door.command();
        match name.strip_prefix("docker ") {
            Some(rest) => {
                words.insert(0, "docker".to_owned());
                words.push(rest.to_owned());
            }
            None => words.insert(0, name.to_owned()),
        }
        let mut option = |option: &str, value: &str| words.extend([option.to_owned(), quote(value)]);
        if let Some(home) = &self.home {
            option("--home", &home.to_string_lossy());
        }
        for file in &self.compose.files {
            option("-f", &file.to_string_lossy());
        }
        if let Some(name) = &self.compose.project_name {
            option("-p", name);
        }
        if !arguments.is_empty() {
            words.push(arguments.to_owned());
        }
        if let (Some(source), false) = (&self.source, arguments.is_empty()) {
            words.extend(["--source".to_owned(), quote(&source.to_string_lossy())]);
        }
        words.join(" ")
    }
}

impl Session {
    /// Returns the command line of `elastic` for the session's source and this target.
    pub fn elastic_command(&self, target: &Path) -> String {
        let command = self.command("elastic");
        match target == Path::new(Elastic::TARGET) {
            true => command,
            false => format!("{command} --target {}", quote(&target.to_string_lossy())),
        }
    }
}

/// What can be shown and asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Someone is there to answer: standard input and standard error are terminals.
    pub interactive: bool,
    /// Bars that move may be drawn on standard error.
    pub bars: bool,
    /// Colours are welcome on standard output.
    pub color_stdout: bool,
    /// Colours are welcome on standard error.
    pub color_stderr: bool,
}

impl Terminal {
    /// Finds out from the environment; `NO_COLOR` as in no-color.org.
    pub fn of(environment: &Environment) -> Self {
        let dumb = environment.variable("TERM").is_some_and(|term| term == "dumb");
        let color = !dumb && environment.variable("NO_COLOR").is_none();
        Self {
            interactive: environment.stdin_is_terminal && environment.stderr_is_terminal,
            bars: environment.stderr_is_terminal && !dumb,
            color_stdout: environment.stdout_is_terminal && color,
            color_stderr: environment.stderr_is_terminal && color,
        }
    }
}

/// A migration that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Where and how.
    pub session: Session,
    /// Stop after the plan; nothing is written.
    pub dry_run: bool,
    /// The release to migrate to, if it was said.
    pub release: Option<&'static Release>,
    /// What becomes of the server's directory.
    pub new_home: NewHome,
    /// What is backed up beside the configuration, if it was said.
    pub backup: Option<Backup>,
    /// Absolute directory for the backup, if it was said.
    pub backup_dir: Option<PathBuf>,
    /// Data that only a container holds are copied out of it, which is kept.
    pub rescue: bool,
    /// Bytes of memory for the temporary nodes, if it was said.
    pub memory: Option<u64>,
    /// What is to read the old Elasticsearch data.
    pub reader: ReaderWish,
    /// How the new data are compared, if it was said.
    pub verification: Option<Verification>,
    /// What becomes of documents that share their `_id`, if it was said.
    pub on_id_collision: Option<OnIdCollision>,
    /// It was said that the old server is empty.
    pub empty: bool,
    /// What to do when the new server does not come up.
    pub on_failure: OnFailure,
    /// Absolute path of the rejects file that the user has read and given back.
    pub accept_rejects: Option<PathBuf>,
}

/// Checks that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The migration that they are of.
    pub migration: Migration,
    /// Every document is looked at.
    pub documents: bool,
    /// Absolute path of the file for those that would be refused, if it was said.
    pub rejects: Option<PathBuf>,
}

/// What becomes of the server's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewHome {
    /// The usual: `/opt/trains` becomes `/opt/clearml` where that is possible.
    Usual,
    /// This absolute path.
    At(PathBuf),
    /// It keeps its name.
    Keep,
}

/// What is backed up; the configuration always is, unless nothing is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Backup {
    /// Every data directory.
    All,
    /// The Elasticsearch data.
    #[default]
    Elastic,
    /// Nothing at all.
    None,
}

/// What to do when the new server does not come up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// Ask. Only ever with a terminal.
    Ask,
    /// Go back to the old server.
    Rollback,
    /// Stop there.
    Stop,
}

/// A way back that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    /// Where and how.
    pub session: Session,
    /// Start the old server in the end.
    pub start: bool,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
}

/// A comparison that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verify {
    /// Where and how.
    pub session: Session,
    /// Absolute path of the rejects file that the migration was told to accept.
    pub accept_rejects: Option<PathBuf>,
}

/// Resolves a command line.
///
/// # Errors
/// Fails when the environment lacks what is needed, or a value makes no sense.
pub fn resolve(cli: Cli, call: Call, environment: &Environment) -> Result<Task> {
    let session = |arguments: &SessionArgs| resolve_session(arguments, &call, environment);
    let session_of = |which: &SourceArg| -> Result<Session> {
        let session = session(&cli.session)?;
        let source = which.source.as_ref().map(|path| absolute(path, &session.current_dir));
        Ok(Session { source, ..session })
    };
    Ok(match &cli.command {
        Some(Command::ShellInit { shell }) => Task::ShellInit(*shell),
        Some(Command::Version) => Task::Version,
        Some(Command::Status(which)) => Task::Status(session_of(which)?),
        Some(Command::Rollback(options)) => {
            let (start, dry_run) = (!options.no_start, options.dry_run);
            Task::Rollback(Rollback { session: session_of(&options.which)?, start, dry_run })
        }
        Some(Command::Elastic(options)) => Task::Elastic(elastic::resolve(options, session(&cli.session)?)?),
        Some(Command::Export(options)) => Task::Export(export::resolve(options, session(&cli.session)?)?),
        Some(Command::Import(options)) => Task::Import(import::resolve(options, session(&cli.session)?, environment)?),
        Some(Command::Verify(options)) => {
            let session = session_of(&options.which)?;
            let accept_rejects = options.accept_rejects.as_ref().map(|path| absolute(path, &session.current_dir));
            Task::Verify(Verify { session, accept_rejects })
        }
        Some(Command::Check(options)) => {
            let migration = resolve_migration(&options.migration, session(&cli.session)?)?;
            let rejects = options.rejects.as_ref().map(|path| absolute(path, &migration.session.current_dir));
            Task::Check(Check { migration, documents: options.documents, rejects })
        }
        None => Task::Migrate(resolve_migration(&cli.migration, session(&cli.session)?)?),
    })
}

fn resolve_session(arguments: &SessionArgs, call: &Call, environment: &Environment) -> Result<Session> {
    let current_dir = environment.current_dir.clone().ok_or_else(|| {
        Error::usage("The current directory cannot be read; perhaps it was removed.").hint("Type: cd /")
    })?;
    let absolute = |path: &PathBuf| absolute(path, &current_dir);
    Ok(Session {
        door: call.door,
        docker: call.docker.clone(),
        compose: ComposeArgs::resolve(arguments, environment, &current_dir)?,
        home: arguments.home.as_ref().map(absolute),
        source: None,
        state_dir: absolute(&state_dir(environment)?),
        log_file: arguments.log_file.as_ref().map(absolute),
        assume_yes: arguments.yes,
        terminal: Terminal::of(environment),
        current_dir,
    })
}

fn resolve_migration(arguments: &MigrationArgs, session: Session) -> Result<Migration> {
    let absolute = |path: &PathBuf| absolute(path, &session.current_dir);
    let new_home = match (&arguments.new_home, arguments.keep_home) {
        (Some(_), true) => {
            return Err(Error::usage("--new-home and --keep-home exclude each other.").hint("Give one of the two."));
        }
        (Some(path), false) => NewHome::At(absolute(path)),
        (None, true) => NewHome::Keep,
        (None, false) => NewHome::Usual,
    };
    let backup = match (arguments.no_backup, arguments.backup) {
        (true, _) | (false, Some(BackupArg::None)) => Some(Backup::None),
        (false, Some(BackupArg::All)) => Some(Backup::All),
        (false, Some(BackupArg::Elastic)) => Some(Backup::Elastic),
        (false, None) => None,
    };
    if backup == Some(Backup::None) && arguments.backup_dir.is_some() {
        return Err(Error::usage("--backup-dir has no meaning without a backup.")
            .hint("Leave out --backup-dir, or give --backup elastic."));
    }
    let on_failure = match arguments.on_failure {
        Some(OnFailureArg::Rollback) => OnFailure::Rollback,
        Some(OnFailureArg::Stop) => OnFailure::Stop,
        None if session.terminal.interactive && !session.assume_yes => OnFailure::Ask,
        None => OnFailure::Rollback,
    };
    Ok(Migration {
        dry_run: arguments.dry_run,
        release: arguments.to.as_deref().map(release::find).transpose()?,
        new_home,
        backup,
        backup_dir: arguments.backup_dir.as_ref().map(absolute),
        rescue: arguments.rescue,
        memory: arguments.copy.memory,
        reader: arguments.copy.reader.into(),
        verification: verification::resolve(arguments.copy.verify),
        on_id_collision: collisions::resolve(arguments.copy.on_id_collision, arguments.copy.reader.into())?,
        empty: arguments.copy.empty,
        on_failure,
        accept_rejects: arguments.copy.accept_rejects.as_ref().map(absolute),
        session,
    })
}

/// A fixed place, so that a migration is found again whatever has been renamed since.
fn state_dir(environment: &Environment) -> Result<PathBuf> {
    if let Some(directory) = environment.variable(STATE_DIR) {
        return Ok(directory.into());
    }
    if environment.root {
        return Ok(STATE_DIR_OF_ROOT.into());
    }
    // The base directory specification tells to ignore a relative path here.
    let state_home = environment.variable("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state_home = state_home.or_else(|| Some(environment.home_dir.as_ref()?.join(".local/state")));
    Ok(state_home
        .ok_or_else(|| {
            Error::usage("You have no home directory to remember the migration in.")
                .hint(format!("Name a directory that stays: {STATE_DIR}=DIR"))
        })?
        .join("clearml-migrate"))
}

/// Makes `path` absolute without asking the file system: it need not exist.
fn absolute(path: &Path, current_dir: &Path) -> PathBuf {
    let mut result = PathBuf::new();
    for component in current_dir.join(path).components() {
        match component {
            Component::CurDir => {}
            // Behind a name `..` stays: through a symbolic link it leads elsewhere than one component back.
            Component::ParentDir if result.parent().is_none() => {}
            other => result.push(other),
        }
    }
    result
}

#[cfg(test)]
mod tests;
