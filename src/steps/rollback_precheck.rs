//! Whether there is a way back: the old data, which the user may have deleted or moved since.
//!
//! Looked at before anything is put back. An old server that is started on what is left would begin with nothing, or work
//! on data of the new one.

use super::{Run, keep};
use crate::engine;
use crate::error::{Error, Result};
use crate::files;
use crate::files::blocking;
use crate::plan::{Action, Archive, Placement, Replacement};
use crate::role::Role;
use crate::text::quote;
use std::path::{Path, PathBuf};

/// Makes sure that all old data are there, under their own names or as they were retired.
///
/// # Errors
/// Refused, naming what is missing and where it could come from.
pub async fn require_old_data(run: &Run) -> Result<()> {
    let retiring = engine::has_begun(&run.plan, run.journal().state(), Action::RetireSources);
    // What was rescued is a copy: the original is in its container.
    keep::require_kept(run).await?;
    let replaced = run.plan.replacements().filter(|one| run.plan.rescue_to(&one.source).is_none());
    let old: Vec<Old> = replaced.map(|one| Old::new(run, one)).collect();
    blocking(move || old.iter().try_for_each(|one| one.require(retiring))).await
}

/// Old data and their names, wherever the home is now.
struct Old {
    role: Role,
    /// They hold something, or they are not what they were.
    never_empty: bool,
    placement: Placement,
    source: PathBuf,
    retired: PathBuf,
    target: PathBuf,
    archive: Option<PathBuf>,
}

impl Old {
    fn new(run: &Run, one: &Replacement) -> Self {
        let archive = run.plan.archives.iter().find(|archive: &&Archive| archive.source == one.source);
        Self {
            role: one.role,
            // Redis may have saved nothing yet, and a single MongoDB keeps nothing in its configdb.
            never_empty: match one.role {
                Role::Elasticsearch => true,
                Role::Mongo => one.mounted_at.trim_end_matches('/') != Role::MONGO_CONFIGDB,
                _ => false,
            },
            placement: one.placement.clone(),
            source: run.now(&one.source),
            retired: run.now(one.retired()),
            target: run.now(&one.target),
            archive: archive.map(|archive| run.now(&archive.file)),
        }
    }

    /// `retiring`: their names may have been changed.
    fn require(&self, retiring: bool) -> Result<()> {
        let there = match &self.placement {
            Placement::Stay | Placement::Volume { .. } => self.holds(&self.source)?,
            _ if !retiring => self.holds(&self.source)?,
            Placement::Retire { .. } => self.holds(&self.retired)? || self.holds(&self.source)?,
            // Once the copy has left its place, it is the copy that has the name of the old data.
            Placement::Swap { .. } => {
                self.holds(&self.retired)? || (files::exists(&self.target)? && self.holds(&self.source)?)
            }
        };
        if there { Ok(()) } else { Err(self.gone(retiring)) }
    }

    fn holds(&self, path: &Path) -> Result<bool> {
        Ok(files::exists(path)? && !(self.never_empty && path.is_dir() && files::is_empty(path)?))
    }

    fn gone(&self, retiring: bool) -> Error {
        let place = if retiring { &self.retired } else { &self.source };
        let (role, path) = (self.role.title(), place.display());
        let error = Error::refused(format!("The old {role} data are not there any more: {path} is missing or empty."))
            .hint(format!("If they were moved, move them back to {path}, then run the same command again."));
        let archive = self.archive.as_ref().filter(|file| file.is_file());
        match archive.map(|file| (quote(&file.to_string_lossy()), quote(&place.to_string_lossy()))) {
            Some((file, to)) => error.hint(format!(
                "They are in the backup: mkdir -p {to} && tar --numeric-owner -xpzf {file} --strip-components 1 -C {to}"
            )),
            None if retiring => error.hint(
                "If they were deleted, there is no way back. Nothing was changed: the new server and its data are as they were.",
            ),
            None => error.hint("Nothing was changed."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn swapped(dir: &Path) -> Old {
        for name in ["db", "db_migrated"] {
            fs::create_dir(dir.join(name)).unwrap();
            fs::write(dir.join(name).join("WiredTiger"), name).unwrap();
        }
        Old {
            role: Role::Mongo,
            never_empty: true,
            placement: Placement::Swap { retired: dir.join("db_migrated") },
            source: dir.join("db"),
            retired: dir.join("db_migrated"),
            target: dir.join("db.copy"),
            archive: None,
        }
    }

    #[test]
    fn the_new_data_are_never_taken_for_the_old_ones_that_were_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let old = swapped(dir.path());
        old.require(true).unwrap();
        fs::remove_file(old.retired.join("WiredTiger")).unwrap();
        old.require(true).unwrap_err();
        fs::remove_dir(&old.retired).unwrap();
        let error = old.require(true).unwrap_err();
        assert!(error.message().contains("The old MongoDB data are not there any more"), "{error}");
        assert!(error.hints().iter().any(|hint| hint.contains("there is no way back")), "{error}");
    }

    #[test]
    fn half_way_through_the_switch_or_back_the_old_data_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let old = swapped(dir.path());
        // Back under their own name, and the copy under its own, too.
        fs::rename(&old.source, &old.target).unwrap();
        old.require(true).unwrap();
        fs::rename(&old.retired, &old.source).unwrap();
        old.require(true).unwrap();
        // Not begun, or all undone: then the copy need not be there.
        fs::remove_dir_all(&old.target).unwrap();
        old.require(false).unwrap();
        old.require(true).unwrap_err();
        fs::remove_dir_all(&old.source).unwrap();
        let error = old.require(false).unwrap_err();
        assert!(error.message().contains(&format!("{} is missing", old.source.display())), "{error}");
    }

    #[test]
    fn an_empty_directory_that_docker_made_is_no_elasticsearch_data() {
        let dir = tempfile::tempdir().unwrap();
        let retired = dir.path().join("elastic_migrated");
        let old = Old {
            role: Role::Elasticsearch,
            placement: Placement::Retire { retired: retired.clone() },
            source: dir.path().join("elastic"),
            retired,
            target: dir.path().join("elastic_7"),
            ..swapped(dir.path())
        };
        fs::create_dir(&old.source).unwrap();
        old.require(true).unwrap_err();
        old.require(false).unwrap_err();
        fs::create_dir_all(old.retired.join("nodes")).unwrap();
        old.require(true).unwrap();
    }

    #[test]
    fn a_backup_is_named_where_there_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let old = Old { archive: Some(dir.path().join("mongo.tar.gz")), ..swapped(dir.path()) };
        fs::remove_dir_all(&old.retired).unwrap();
        assert!(old.require(true).unwrap_err().hints().iter().any(|hint| hint.contains("there is no way back")));
        fs::write(dir.path().join("mongo.tar.gz"), "").unwrap();
        let error = old.require(true).unwrap_err();
        assert!(error.hints().iter().any(|hint| hint.contains("--strip-components 1")), "{error}");
    }
}
