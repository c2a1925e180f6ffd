//! A migration of a server that was asked for.

use super::paths::absolute;
use super::{ReaderWish, Session, collisions, verification};
use crate::cli::{BackupArg, MigrationArgs, OnFailureArg};
use crate::error::{Error, Result};
use crate::plan::{OnIdCollision, Verification};
use crate::release::{self, Release};
use std::path::PathBuf;

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

pub(super) fn resolve(arguments: &MigrationArgs, session: Session) -> Result<Migration> {
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
