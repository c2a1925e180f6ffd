//! Rewrite the compose files and `.env`: the original is kept byte for byte first, then replaced in one rename.

use super::run::blocking;
use super::{Done, Run};
use crate::error::{Context, Error, Result};
use crate::files;
use crate::plan::FileEdit;
use std::path::{Path, PathBuf};

pub(super) async fn apply(run: &Run) -> Result<Done> {
    let edits = located(run);
    let count = edits.len();
    blocking(move || edits.iter().try_for_each(rewrite)).await?;
    Ok(Done::line(format!("{count} files, originals kept")))
}

pub(super) async fn undo(run: &Run) -> Result<()> {
    let edits = located(run);
    blocking(move || edits.iter().try_for_each(restore)).await
}

/// Refuses a plan whose files were edited since it was made: the user's last edit must not be lost.
///
/// # Errors
/// Refused, naming the file.
pub(super) async fn require_unedited(run: &Run) -> Result<()> {
    let edits = located(run);
    blocking(move || {
        edits.iter().try_for_each(|edit| {
            let text = read(&edit.path)?;
            if text == edit.old || text == edit.new { Ok(()) } else { Err(edited(&edit.path)) }
        })
    })
    .await
}

/// One edit where its files are now.
struct Located {
    path: PathBuf,
    kept_as: PathBuf,
    old: String,
    new: String,
}

fn located(run: &Run) -> Vec<Located> {
    let at = |edit: &FileEdit| Located {
        path: run.now(&edit.path),
        kept_as: run.now(&edit.kept_as),
        old: edit.old.clone(),
        new: edit.new.clone(),
    };
    run.plan.edits().iter().map(at).collect()
}

fn rewrite(edit: &Located) -> Result<()> {
    let text = read(&edit.path)?;
    if text == edit.new {
        return Ok(());
    }
    if text != edit.old {
        return Err(edited(&edit.path));
    }
    if !files::exists(&edit.kept_as)? {
        files::write_new(&edit.kept_as, text.as_bytes(), Some(&edit.path))?;
    }
    files::write_atomic(&edit.path, edit.new.as_bytes())
}

fn restore(edit: &Located) -> Result<()> {
    if !files::exists(&edit.kept_as)? {
        return Ok(());
    }
    // The original itself comes back, with its own owner, mode and times; what the new server used is not lost.
    let text = read(&edit.path)?;
    if text != edit.new && text != edit.old {
        let aside = edit.kept_as.with_extension("edited");
        files::write_new(&aside, text.as_bytes(), Some(&edit.path))?;
    }
    files::write_atomic(&edit.path, edit.old.as_bytes())?;
    files::remove_file(&edit.kept_as)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).context(|| format!("{} cannot be read.", path.display()))
}

fn edited(path: &Path) -> Error {
    Error::refused(format!("{} was edited since the migration was planned.", path.display()))
        .hint("Give the command `rollback --no-start`, then migrate again: the plan is made anew from the edited file.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(dir: &Path) -> Located {
        let path = dir.join("docker-compose.yml");
        std::fs::write(&path, "old").unwrap();
        Located { path, kept_as: dir.join("docker-compose.yml_migrated_x"), old: "old".into(), new: "new".into() }
    }

    #[test]
    fn rewriting_and_restoring_can_each_be_repeated() {
        let dir = tempfile::tempdir().unwrap();
        let edit = edit(dir.path());
        rewrite(&edit).unwrap();
        rewrite(&edit).unwrap();
        assert_eq!(read(&edit.path).unwrap(), "new");
        assert_eq!(read(&edit.kept_as).unwrap(), "old");
        restore(&edit).unwrap();
        restore(&edit).unwrap();
        assert_eq!(read(&edit.path).unwrap(), "old");
        assert!(!edit.kept_as.exists());
    }

    #[test]
    fn a_file_that_the_user_edited_meanwhile_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let edit = edit(dir.path());
        std::fs::write(&edit.path, "theirs").unwrap();
        assert!(rewrite(&edit).is_err());
        assert_eq!(read(&edit.path).unwrap(), "theirs");
    }

    #[test]
    fn edits_made_while_the_new_server_ran_are_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let edit = edit(dir.path());
        rewrite(&edit).unwrap();
        std::fs::write(&edit.path, "new and more").unwrap();
        restore(&edit).unwrap();
        assert_eq!(read(&edit.path).unwrap(), "old");
        assert_eq!(read(&edit.kept_as.with_extension("edited")).unwrap(), "new and more");
    }
}
