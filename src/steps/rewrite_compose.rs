//! Rewrite the compose files and `.env`: the original is kept byte for byte first, then replaced in one rename.

use super::{Done, Run};
use crate::error::{Context, Error, Result};
use crate::files;
use crate::files::blocking;
use crate::message::{About, Code, Message};
use crate::plan::FileEdit;
use std::path::{Path, PathBuf};

pub(super) async fn apply(run: &Run) -> Result<Done> {
    let edits = located(run);
    let count = edits.len();
    blocking(move || edits.iter().try_for_each(rewrite)).await?;
    Ok(Done::line(format!("{count} files, originals kept")))
}

pub(super) async fn undo(run: &Run, step: &str) -> Result<()> {
    let edits = located(run);
    let all_rewritten = run.output::<serde_json::Value>(step)?.is_some();
    let kept = blocking(move || edits.iter().map(|edit| restore(edit, all_rewritten)).collect::<Result<Vec<_>>>());
    for (path, edit) in kept.await?.into_iter().zip(run.plan.edits()) {
        let Some(name) = path.as_deref().and_then(Path::file_name) else { continue };
        // Whatever the home is called now: it has its other name when this is read.
        let path = run.told(&edit.kept_as.with_file_name(name));
        let file = edit.path.file_name().unwrap_or_default().display();
        run.events.warn(
            Message::new(
                Code::EditsKept,
                format!("What you have written into {file} since the migration is kept: {path}"),
            )
            .about(About::path(&edit.path)),
        );
    }
    Ok(())
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

/// Puts the old text back; returns where a text that the user has written since is kept. `all_rewritten`: the step had
/// come to its end. Else a file whose original is not kept may not have been reached yet.
fn restore(edit: &Located, all_rewritten: bool) -> Result<Option<PathBuf>> {
    let kept = files::exists(&edit.kept_as)?;
    let there = files::exists(&edit.path)?;
    let text = if there { Some(read(&edit.path)?) } else { None };
    let rewritten = kept || all_rewritten || text.as_ref() == Some(&edit.new);
    if !rewritten || (!kept && text.as_ref() == Some(&edit.old)) {
        return Ok(None);
    }
    let aside = match text.filter(|text| *text != edit.new && *text != edit.old) {
        Some(text) => Some(keep_text(edit, &text)?),
        None => None,
    };
    // The text comes from the journal: the user may have deleted what was kept.
    match there {
        true => files::write_atomic(&edit.path, edit.old.as_bytes())?,
        false => files::write_new(&edit.path, edit.old.as_bytes(), kept.then_some(&*edit.kept_as))?,
    }
    if kept {
        files::remove_file(&edit.kept_as)?;
    }
    Ok(aside)
}

/// Writes a text of the user's beside the file, under the first name that is free or holds that very text.
fn keep_text(edit: &Located, text: &str) -> Result<PathBuf> {
    let name = |number: u32| {
        let mut name = edit.kept_as.clone().into_os_string();
        name.push(if number == 1 { "_edited".to_owned() } else { format!("_edited_{number}") });
        PathBuf::from(name)
    };
    for aside in (1..100).map(name) {
        if !files::exists(&aside)? {
            files::write_new(&aside, text.as_bytes(), Some(&edit.path))?;
            return Ok(aside);
        }
        if read(&aside)? == text {
            return Ok(aside);
        }
    }
    Err(Error::failed(format!("There is no name left to keep what was written into {}.", edit.path.display()))
        .hint(format!("Move the files {}_edited* elsewhere.", edit.kept_as.display())))
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

    fn edited_name(edit: &Located) -> PathBuf {
        edit.kept_as.with_file_name("docker-compose.yml_migrated_x_edited")
    }

    #[test]
    fn rewriting_and_restoring_can_each_be_repeated() {
        let dir = tempfile::tempdir().unwrap();
        let edit = edit(dir.path());
        rewrite(&edit).unwrap();
        rewrite(&edit).unwrap();
        assert_eq!(read(&edit.path).unwrap(), "new");
        assert_eq!(read(&edit.kept_as).unwrap(), "old");
        restore(&edit, true).unwrap();
        restore(&edit, true).unwrap();
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
    fn an_original_that_the_user_deleted_comes_back_from_the_journal() {
        let dir = tempfile::tempdir().unwrap();
        let edit = edit(dir.path());
        rewrite(&edit).unwrap();
        std::fs::remove_file(&edit.kept_as).unwrap();
        restore(&edit, false).unwrap();
        assert_eq!(read(&edit.path).unwrap(), "old");

        rewrite(&edit).unwrap();
        std::fs::remove_file(&edit.kept_as).unwrap();
        std::fs::write(&edit.path, "new and more").unwrap();
        restore(&edit, true).unwrap();
        assert_eq!(read(&edit.path).unwrap(), "old");
        assert_eq!(read(&edited_name(&edit)).unwrap(), "new and more");

        rewrite(&edit).unwrap();
        std::fs::remove_file(&edit.path).unwrap();
        restore(&edit, true).unwrap();
        assert_eq!(read(&edit.path).unwrap(), "old");
        assert!(!edit.kept_as.exists());
    }

    #[test]
    fn a_file_that_was_not_reached_keeps_what_the_user_wrote_into_it() {
        let dir = tempfile::tempdir().unwrap();
        let edit = edit(dir.path());
        std::fs::write(&edit.path, "theirs").unwrap();
        restore(&edit, false).unwrap();
        assert_eq!(read(&edit.path).unwrap(), "theirs");
    }

    #[test]
    fn edits_made_while_the_new_server_ran_are_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let edit = edit(dir.path());
        rewrite(&edit).unwrap();
        std::fs::write(&edit.path, "new and more").unwrap();
        restore(&edit, true).unwrap();
        assert_eq!(read(&edit.path).unwrap(), "old");
        assert_eq!(read(&edited_name(&edit)).unwrap(), "new and more");

        rewrite(&edit).unwrap();
        std::fs::write(&edit.path, "new and other").unwrap();
        let second = restore(&edit, true).unwrap().unwrap();
        assert_ne!(second, edited_name(&edit), "the first is not lost");
        assert_eq!(read(&second).unwrap(), "new and other");
        assert_eq!(read(&edited_name(&edit)).unwrap(), "new and more");
    }
}
