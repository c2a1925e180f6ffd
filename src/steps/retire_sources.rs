//! Retire the sources: the old data directories get a new name, the copies for the new server take their places.
//!
//! Every rename refuses to replace anything, and each one's state can be told from what is there, since the retired
//! names carry the run's time stamp: so a switch that was cut off anywhere goes on, or back.

use super::{Done, Run};
use crate::error::{Error, Result};
use crate::files;
use crate::files::blocking;
use crate::plan::{Placement, Replacement};
use crate::text::plural;
use std::path::Path;

pub(super) async fn apply(run: &Run) -> Result<Done> {
    let plan = run.plan.clone();
    blocking(move || plan.replacements().try_for_each(retire)).await?;
    let renamed = run.plan.replacements().filter(|one| one.retired() != one.source).count();
    Ok(Done::line(format!("{} renamed", plural(renamed as u64, "directory", "directories"))))
}

pub(super) async fn undo(run: &Run) -> Result<()> {
    let plan = run.plan.clone();
    blocking(move || plan.replacements().rev().try_for_each(bring_back)).await
}

fn retire(one: &Replacement) -> Result<()> {
    match &one.placement {
        Placement::Retire { retired } => rename_once(&one.source, retired),
        Placement::Swap { retired } => {
            if !files::exists(retired)? {
                files::rename(&one.source, retired)?;
            }
            rename_once(&one.target, &one.source)
        }
        Placement::Stay | Placement::Volume { .. } => Ok(()),
    }
}

fn bring_back(one: &Replacement) -> Result<()> {
    match &one.placement {
        Placement::Retire { retired } => return_home(retired, &one.source),
        Placement::Swap { retired } => {
            if files::exists(retired)? && files::exists(&one.source)? && !files::exists(&one.target)? {
                files::rename(&one.source, &one.target)?;
            }
            return_home(retired, &one.source)
        }
        Placement::Stay | Placement::Volume { .. } => Ok(()),
    }
}

/// Renames unless that was done before.
fn rename_once(from: &Path, to: &Path) -> Result<()> {
    if !files::exists(from)? && files::exists(to)? {
        return Ok(());
    }
    files::rename(from, to)
}

/// Gives a retired directory its own name back. Docker makes an empty directory where a bind mount's source is
/// missing, such as when somebody started the old server in between: an empty one gives way.
fn return_home(retired: &Path, source: &Path) -> Result<()> {
    if !files::exists(retired)? {
        return if files::exists(source)? { Ok(()) } else { Err(lost(retired, source)) };
    }
    if files::exists(source)? {
        files::remove_empty_dir(source)?;
    }
    files::rename(retired, source)
}

fn lost(retired: &Path, source: &Path) -> Error {
    Error::failed(format!("Neither {} nor {} is there.", source.display(), retired.display()))
        .hint("If the directory was moved by hand, move it back to the first of these names, then run rollback again.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::Role;
    use std::fs;

    fn swap(dir: &Path) -> Replacement {
        fs::create_dir(dir.join("db")).unwrap();
        fs::write(dir.join("db/old"), "").unwrap();
        fs::create_dir(dir.join("db.copy")).unwrap();
        fs::write(dir.join("db.copy/new"), "").unwrap();
        Replacement {
            role: Role::Mongo,
            mounted_at: "/data/db".into(),
            source: dir.join("db"),
            target: dir.join("db.copy"),
            placement: Placement::Swap { retired: dir.join("db_migrated") },
            bytes: 0,
        }
    }

    #[test]
    fn a_swap_goes_on_from_wherever_it_was_cut_off_and_comes_back_from_anywhere() {
        // What the crash left done: nothing, the first rename, both.
        for done in 0..=2 {
            let dir = tempfile::tempdir().unwrap();
            let one = swap(dir.path());
            if done >= 1 {
                fs::rename(&one.source, dir.path().join("db_migrated")).unwrap();
            }
            if done >= 2 {
                fs::rename(&one.target, &one.source).unwrap();
            }
            retire(&one).unwrap();
            retire(&one).unwrap();
            assert!(dir.path().join("db/new").exists() && dir.path().join("db_migrated/old").exists());
            bring_back(&one).unwrap();
            bring_back(&one).unwrap();
            assert!(dir.path().join("db/old").exists() && dir.path().join("db.copy/new").exists());
        }
    }

    #[test]
    fn coming_back_is_possible_after_each_rename() {
        for done in 0..=1 {
            let dir = tempfile::tempdir().unwrap();
            let one = swap(dir.path());
            if done >= 1 {
                fs::rename(&one.source, dir.path().join("db_migrated")).unwrap();
            }
            bring_back(&one).unwrap();
            assert!(dir.path().join("db/old").exists() && dir.path().join("db.copy/new").exists());
        }
    }

    #[test]
    fn a_directory_that_somebody_made_in_between_is_replaced_only_if_empty() {
        let dir = tempfile::tempdir().unwrap();
        let (source, retired) = (dir.path().join("elastic"), dir.path().join("elastic_migrated"));
        fs::create_dir(&retired).unwrap();
        fs::create_dir(&source).unwrap();
        fs::write(source.join("theirs"), "").unwrap();
        assert!(return_home(&retired, &source).is_err());
        fs::remove_file(source.join("theirs")).unwrap();
        return_home(&retired, &source).unwrap();
        assert!(source.exists() && !retired.exists());
    }
}
