//! Paths as they are meant.

use crate::environment::Environment;
use crate::error::{Error, Result};
use std::path::{Component, Path, PathBuf};

/// Overrides the directory that keeps the index of migrations.
pub const STATE_DIR: &str = "CLEARML_MIGRATE_STATE_DIR";

/// Where root's index of migrations is.
pub const STATE_DIR_OF_ROOT: &str = "/var/lib/clearml-migrate";

/// A fixed place, so that a migration is found again whatever has been renamed since.
pub(super) fn state_dir(environment: &Environment) -> Result<PathBuf> {
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
pub(super) fn absolute(path: &Path, current_dir: &Path) -> PathBuf {
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
