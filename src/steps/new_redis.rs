//! The data directory of a Redis that the old server had none of: made before the new server starts, set aside with what
//! is in it when all is taken back. The image gives it to its own user.

use super::Run;
use super::aside::places;
use crate::error::{Context, Error, Result};
use crate::files;
use crate::files::blocking;
use std::path::Path;

/// The note that says that the directory is of this run.
const MADE: &str = "made the directory of redis";

/// Makes the directory.
///
/// # Errors
/// Fails when it cannot be made.
pub(super) async fn make_room(run: &Run, step: &str) -> Result<()> {
    let Some(path) = run.server()?.new_redis.as_ref().map(|path| run.now(path)) else { return Ok(()) };
    if run.noted(step, MADE)? != Some(true) {
        run.note(step, MADE, &true)?;
    }
    blocking(move || std::fs::create_dir_all(&path).context(|| format!("{} cannot be made.", path.display()))).await
}

/// Gives the directory another name, or removes it if nothing is in it. A new server that is started once more begins with
/// an empty one, as with fresh copies of the databases.
///
/// # Errors
/// Fails when it cannot be renamed.
pub(super) async fn preserve(run: &Run, step: &str) -> Result<()> {
    let Some(planned) = run.server()?.new_redis.clone() else { return Ok(()) };
    if run.noted(step, MADE)? != Some(true) {
        return Ok(());
    }
    let path = run.now(&planned);
    let stamp = run.plan.stamp.clone();
    blocking(move || move_aside(&path, &stamp)).await
}

fn move_aside(path: &Path, stamp: &str) -> Result<()> {
    if !files::exists(path)? {
        return Ok(());
    }
    if files::is_empty(path)? {
        return files::remove_empty_dir(path);
    }
    let Some(aside) = places(path, stamp).find(|place| !place.exists()) else {
        return Err(Error::internal(format!("There is no name left to set {} aside.", path.display())));
    };
    files::rename(path, &aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_redis_has_written_is_set_aside_and_an_empty_directory_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("redis");
        move_aside(&path, "now").unwrap();
        std::fs::create_dir(&path).unwrap();
        move_aside(&path, "now").unwrap();
        assert!(!path.exists());
        for name in ["redis_clearml_now", "redis_clearml_now_2"] {
            std::fs::create_dir(&path).unwrap();
            std::fs::write(path.join("dump.rdb"), name).unwrap();
            move_aside(&path, "now").unwrap();
            assert_eq!(std::fs::read_to_string(dir.path().join(name).join("dump.rdb")).unwrap(), name);
        }
        assert!(!path.exists());
    }
}
