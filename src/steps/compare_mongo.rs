//! Compare again: the old and the new MongoDB data of a migration, by their files. Nothing is started or changed.
//!
//! Before the new server has started, every byte is compared. Later, the new server has brought its schema to the data, and
//! people have worked with it: every document is still to be there, and what the release does not rewrite, as it was.

use super::mongo_files::{self, Which};
use super::{Run, sources};
use crate::error::{Error, Result};
use crate::files::blocking;
use crate::files::same::different_files;
use crate::mongo::{ComparedMongo, Found, Later, Rule};
use crate::plan::Replacement;
use crate::release;
use crate::role::Role;
use std::path::{Path, PathBuf};

/// Returns the data directories that are compared, the old and the new one of each that a mongod has had for its data.
///
/// # Errors
/// Fails if one cannot be looked at.
pub(super) fn directories(run: &Run) -> Result<Vec<(PathBuf, PathBuf)>> {
    let pair = |one: &Replacement| Ok((sources::whereabouts(run, one)?, run.now(one.final_path())));
    run.plan.replacements_of(Role::Mongo).map(pair).collect()
}

/// Compares all of them. Nobody uses them meanwhile: whoever calls this has made sure of that.
///
/// # Errors
/// Refuses what is damaged, or was not left in order. Differences are no error.
pub(super) async fn compare(run: &Run) -> Result<Vec<ComparedMongo>> {
    let mut all = Vec::new();
    for (source, target) in directories(run)? {
        if let Some(found) = one(run, &source, &target).await? {
            all.push(ComparedMongo { source, target, found });
        }
    }
    Ok(all)
}

async fn one(run: &Run, source: &Path, target: &Path) -> Result<Option<Later>> {
    let nothing = |why: String| Ok(Some(Later::Nothing(why)));
    if !source.is_dir() {
        return nothing(format!("the old data are not in {} any more", source.display()));
    }
    let old = mongo_files::look(run, source).await?;
    if old == Found::Nothing {
        return Ok(None);
    }
    if !target.is_dir() {
        return Err(Error::refused(format!("The new data are not in {} any more.", target.display()))
            .hint("If the directory was moved, move it back for the comparison."));
    }
    let _held = (sources::hold_path(run, source).await?, sources::hold_path(run, target).await?);
    let was_started = sources::new_server_was_started(run);
    if !was_started && matches!(old, Found::InOrder | Found::Unknown) {
        let (left, right, cancel) = (source.to_owned(), target.to_owned(), run.cancel.clone());
        let different = blocking(move || different_files(&left, &right, &cancel)).await?;
        let collections = match old {
            Found::InOrder if different.is_empty() => {
                mongo_files::compare(run, source, target, Rule::Exact, Which::All).await?
            }
            _ => Vec::new(),
        };
        return Ok(Some(Later::Bytes { different, collections }));
    }
    let new = mongo_files::look(run, target).await?;
    for (path, found) in [(source, old), (target, new)] {
        match found {
            Found::InOrder | Found::ToReplay(_) => {}
            Found::WithoutLog(why) => return nothing(format!("{} was not left in order: {why}", path.display())),
            Found::Nothing | Found::Unknown => {
                return nothing(format!("{} has none of the files that MongoDB is known to make", path.display()));
            }
        }
    }
    let rule = match was_started {
        true => Rule::ButFor(release::find(&run.server()?.release)?.rewritten),
        // The image that has recovered it has written to it.
        false => Rule::Exact,
    };
    mongo_files::compare(run, source, target, rule, Which::Users).await.map(|found| Some(Later::Documents(found)))
}
