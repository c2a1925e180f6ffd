//! How data are backed up and copied, whatever they are of.

use super::paths::absolute;
use super::{ReaderChoice, collisions, verification};
use crate::cli::CopyArgs;
use crate::error::Result;
use crate::plan::{OnIdCollision, Verification};
use std::path::{Path, PathBuf};

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

/// What was said of the copy and the backup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copying {
    /// What is backed up beside the configuration, if it was said.
    pub backup: Option<Backup>,
    /// Absolute directory for the backup, if it was said.
    pub backup_dir: Option<PathBuf>,
    /// Bytes of memory for the temporary nodes, if it was said.
    pub memory: Option<u64>,
    /// What is to read the old Elasticsearch data.
    pub reader: ReaderChoice,
    /// How the new data are compared, if it was said.
    pub verification: Option<Verification>,
    /// What becomes of documents that share their `_id`, if it was said.
    pub on_id_collision: Option<OnIdCollision>,
    /// It was said that the old server is empty.
    pub empty: bool,
    /// Absolute path of the rejects file that the user has read and given back.
    pub accept_rejects: Option<PathBuf>,
}

impl Copying {
    /// Resolves what was typed.
    ///
    /// # Errors
    /// Fails where options exclude each other.
    pub(super) fn resolve(
        arguments: &CopyArgs,
        backup: Option<Backup>,
        backup_dir: Option<&Path>,
        current_dir: &Path,
    ) -> Result<Self> {
        let reader = arguments.reader.into();
        Ok(Self {
            backup,
            backup_dir: backup_dir.map(|path| absolute(path, current_dir)),
            memory: arguments.memory,
            reader,
            verification: verification::resolve(arguments.verify),
            on_id_collision: collisions::resolve(arguments.on_id_collision, reader)?,
            empty: arguments.empty,
            accept_rejects: arguments.accept_rejects.as_ref().map(|path| absolute(path, current_dir)),
        })
    }
}
