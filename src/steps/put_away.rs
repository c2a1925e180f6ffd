//! What becomes of new data when the migration is undone: a copy that no one has worked with is removed; what the
//! new server may have recorded since is set aside.

use super::run::blocking;
use super::{Run, sources};
use crate::docker::RunLabels;
use crate::error::{Error, Result};
use crate::files::{self, Fingerprint};
use crate::journal::{Phase, State};
use crate::plan::{Plan, Replacement, Step, Switch};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The note that says that a copy was found unused and is being removed.
const REMOVING: &str = "removing the unused copy";
/// The note that names the volume that takes what a volume of the new server holds.
const ASIDE: &str = "set aside in the volume";

/// Returns whether a server may have worked on what a step has copied, since it did: people may have recorded something
/// with it, even where it was never found healthy.
pub fn may_have_been_used(plan: &Plan, state: &State, step: Step) -> bool {
    let last = match plan.server() {
        Some(_) => Step::StartStack,
        // Here the user starts one, as soon as the data have their names.
        None => Step::RetireSources,
    };
    state.started_since(last.name(), step.name())
}

/// Notes what a copy is like before any server is started on it.
///
/// # Errors
/// Fails when it cannot be read, or the note cannot be written.
pub(super) async fn note_copy(run: &Run, step: Step, one: &Replacement) -> Result<()> {
    run.note(step, &copy_key(one), &sources::take_of(run, one.role, &one.target).await?)
}

/// Removes or sets aside the new data of one replacement.
///
/// # Errors
/// Fails when they cannot be removed or renamed.
pub(super) async fn put_away(run: &Run, step: Step, one: &Replacement) -> Result<()> {
    let used = may_have_been_used(&run.plan, run.journal().state(), step);
    if used && !is_as_copied(run, step, one).await? {
        return match &one.switch {
            Switch::Volume { name, .. } => keep_volume(run, step, one, name).await,
            _ => keep_directory(run, one).await,
        };
    }
    match &one.switch {
        Switch::Volume { name, .. } => run.docker.remove_volume(name, &RunLabels::new(&run.plan.run_id)).await,
        _ => run.remove_claimed(step, &one.target).await,
    }
}

/// Returns whether a copy is what was copied: then it holds nothing of its own.
async fn is_as_copied(run: &Run, step: Step, one: &Replacement) -> Result<bool> {
    if run.noted::<bool>(step, REMOVING) == Some(true) {
        return Ok(true);
    }
    if run.noted::<String>(step, ASIDE).is_some() {
        return Ok(false);
    }
    // Of Elasticsearch, an unused copy was removed where its verification was taken back.
    let nothing = !files::exists(&one.target)? || (one.target.is_dir() && files::is_empty(&one.target)?);
    let unchanged = match run.noted::<Fingerprint>(step, &copy_key(one)) {
        Some(then) if !nothing => then.compare(&sources::take_of(run, one.role, &one.target).await?).is_empty(),
        _ => nothing,
    };
    if unchanged && !nothing {
        // Cut off half-way, it would look as if it had been used.
        run.note(step, REMOVING, &true)?;
    }
    Ok(unchanged)
}

async fn keep_directory(run: &Run, one: &Replacement) -> Result<()> {
    let Some(to) = places(run, one).find(|place| !place.exists()) else {
        return Err(Error::internal(format!("There is no name left to set {} aside.", one.target.display())));
    };
    let from = one.target.clone();
    let kept = to.clone();
    blocking(move || files::rename(&from, &kept)).await?;
    tell(run, one, &to.display().to_string());
    Ok(())
}

/// On the way back a volume of its own name is in nobody's way, and the next attempt finds its claim gone and says so.
/// Where the new server gets a fresh copy, what the volume holds moves into another one.
async fn keep_volume(run: &Run, step: Step, one: &Replacement, name: &str) -> Result<()> {
    if run.journal().state().phase != Phase::Preparing {
        return Ok(());
    }
    let aside = match run.noted::<String>(step, ASIDE) {
        Some(aside) => aside,
        None => {
            let volumes = run.docker.volume_names().await?;
            let names = numbered(format!("{name}_{}", run.plan.stamp));
            let Some(free) = names.into_iter().find(|name| !volumes.contains(name)) else {
                return Err(Error::internal(format!("There is no name left to set the volume {name} aside.")));
            };
            run.note(step, ASIDE, &free)?;
            free
        }
    };
    let volume = run.docker.create_volume(&aside, &RunLabels::new(&run.plan.run_id), &BTreeMap::new()).await?;
    let from = one.target.clone();
    blocking(move || files::move_content(&from, &volume.mountpoint)).await?;
    tell(run, one, &format!("the volume {aside}"));
    Ok(())
}

/// A rollback tells in its end.
fn tell(run: &Run, one: &Replacement, place: &str) {
    if run.journal().state().phase != Phase::Preparing {
        return;
    }
    run.events.warn(format!(
        "What the new server has recorded in {} is kept: {place}. Delete it when you do not need it.",
        one.role.title()
    ));
}

/// Returns where what the new server recorded may be kept by a rollback, or was by an earlier try of this run.
pub fn set_aside(run: &Run) -> Vec<PathBuf> {
    let in_directories = run.plan.replacements.iter().filter(|one| !matches!(one.switch, Switch::Volume { .. }));
    in_directories.flat_map(|one| places(run, one)).collect()
}

/// The names under which data are set aside, in the order in which they are taken: each try of a run that starts the new
/// server may need one.
fn places(run: &Run, one: &Replacement) -> impl Iterator<Item = PathBuf> {
    let name = format!("{}_clearml_{}", file_name(&one.source), run.plan.stamp);
    let parent = one.source.parent().unwrap_or(Path::new("/")).to_owned();
    numbered(name).into_iter().map(move |name| parent.join(name))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn numbered(name: String) -> Vec<String> {
    let more: Vec<String> = (2..100).map(|number| format!("{name}_{number}")).collect();
    [vec![name], more].concat()
}

fn copy_key(one: &Replacement) -> String {
    format!("copy {}", one.target.display())
}
