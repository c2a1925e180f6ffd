//! A migration that was asked for.

use super::copying::{Backup, Copying};
use super::elastic::Data;
use super::paths::absolute;
use super::{ComposeArgs, Session};
use crate::cli::{BackupArg, ElasticArgs, MigrationArgs, OnFailureArg};
use crate::error::{Error, Result};
use crate::release::{self, Release};
use std::path::PathBuf;

/// A migration that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Where and how.
    pub session: Session,
    /// Stop after the plan; nothing is written.
    pub dry_run: bool,
    /// What is migrated.
    pub subject: Subject,
    /// How the data are backed up and copied.
    pub copying: Copying,
}

/// What is migrated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A server with all that belongs to it.
    Server(Server),
    /// One Elasticsearch data directory, which the session names too: the command `elastic`.
    Data(Data),
}

/// What was said of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The release to migrate to, if it was said.
    pub release: Option<&'static Release>,
    /// What becomes of the server's directory.
    pub new_home: NewHome,
    /// Data that only a container holds are copied out of it, which is kept.
    pub rescue: bool,
    /// What MongoDB's log has may be known from this program alone.
    pub replay: bool,
    /// What to do when the new server does not come up.
    pub on_failure: OnFailure,
}

impl Migration {
    /// Returns the command that it is of, as it is typed.
    pub fn command(&self) -> &'static str {
        match self.subject {
            Subject::Server(_) => "",
            Subject::Data(_) => "elastic",
        }
    }
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

/// Resolves what was typed without a command.
pub(super) fn resolve(arguments: &MigrationArgs, session: Session) -> Result<Migration> {
    let (server, copying) = resolve_server(arguments, &session)?;
    Ok(Migration { dry_run: arguments.dry_run, subject: Subject::Server(server), copying, session })
}

/// Resolves what was said of a server and its copy.
pub(super) fn resolve_server(arguments: &MigrationArgs, session: &Session) -> Result<(Server, Copying)> {
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
    let backup_dir = arguments.backup_dir.as_deref();
    let copying = Copying::resolve(&arguments.copy, backup, backup_dir, &session.current_dir)?;
    let release = arguments.to.as_deref().map(release::find).transpose()?;
    Ok((Server { release, new_home, rescue: arguments.rescue, replay: arguments.replay, on_failure }, copying))
}

/// Resolves what `elastic` was given.
pub(super) fn resolve_data(arguments: &ElasticArgs, session: Session) -> Result<Migration> {
    let data = Data::resolve(arguments, &session.current_dir);
    let backup = arguments.no_backup.then_some(Backup::None);
    Ok(Migration {
        dry_run: arguments.dry_run,
        copying: Copying::resolve(&arguments.copy, backup, arguments.backup_dir.as_deref(), &session.current_dir)?,
        // What says where a server is may be in the environment, and has no meaning here.
        session: Session { source: Some(data.source.clone()), home: None, compose: ComposeArgs::default(), ..session },
        subject: Subject::Data(data),
    })
}
