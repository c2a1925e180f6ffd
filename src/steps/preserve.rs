//! What becomes of new data when the migration is undone: a copy that no one has worked with is removed; what the
//! new server may have recorded since is set aside.

use super::aside::{self, numbered};
use super::{Run, sources};
use crate::error::{Error, Result};
use crate::files::blocking;
use crate::files::{self, Fingerprint};
use crate::journal::{Phase, State};
use crate::message::{Code, Message};
use crate::plan::{Action, Placement, Plan, Replacement};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Returns whether a server may have worked on what a step has copied, since it did: people may have recorded something
/// with it, even where it was never found healthy.
pub(super) fn may_have_been_used(plan: &Plan, state: &State, step: &str) -> bool {
    plan.hands_over().is_some_and(|last| state.started_since(&last.id, step))
}

/// Returns whether a server may have worked on the new data.
pub fn may_have_been_in_use(plan: &Plan, state: &State) -> bool {
    plan.id_of(Action::COPY_ELASTIC).is_some_and(|copy| may_have_been_used(plan, state, copy))
}

/// Notes what a copy is like before any server is started on it.
///
/// # Errors
/// Fails when it cannot be read, or the note cannot be written.
pub(super) async fn note_copy(run: &Run, step: &str, one: &Replacement) -> Result<()> {
    run.note(step, &copy_key(one), &sources::take_of(run, one.role, &one.target).await?)
}

/// Removes or sets aside the new data of one replacement.
///
/// # Errors
/// Fails when they cannot be removed or renamed.
pub(super) async fn preserve(run: &Run, step: &str, one: &Replacement) -> Result<()> {
    let used = may_have_been_used(&run.plan, run.journal().state(), step);
    if used && !is_as_copied(run, step, one).await? {
        return match &one.placement {
            Placement::Volume { name, .. } => keep_volume(run, step, one, name).await,
            _ => keep_directory(run, one).await,
        };
    }
    match &one.placement {
        Placement::Volume { name, .. } => run.platform.remove_volume(name, &run.plan.run_id).await,
        _ => run.remove_claimed(step, &one.target).await,
    }
}

/// Returns whether a copy is what was copied: then it holds nothing of its own.
async fn is_as_copied(run: &Run, step: &str, one: &Replacement) -> Result<bool> {
    if run.noted(step, &removing_key(one))? == Some(true) {
        return Ok(true);
    }
    if run.noted::<String>(step, &aside_key(one))?.is_some() {
        return Ok(false);
    }
    // Of Elasticsearch, an unused copy was removed where its verification was taken back.
    let nothing = !files::exists(&one.target)? || (one.target.is_dir() && files::is_empty(&one.target)?);
    let unchanged = match run.noted::<Fingerprint>(step, &copy_key(one))? {
        Some(then) if !nothing => then.compare(&sources::take_of(run, one.role, &one.target).await?).is_empty(),
        _ => nothing,
    };
    if unchanged && !nothing {
        // Cut off half-way, it would look as if it had been used.
        run.note(step, &removing_key(one), &true)?;
    }
    Ok(unchanged)
}

async fn keep_directory(run: &Run, one: &Replacement) -> Result<()> {
    // A mount point cannot be renamed; what it holds is as good there.
    if files::is_mount_point(&one.target)? {
        return Ok(());
    }
    let Some(to) = places(one, &run.plan.stamp).find(|place| !place.exists()) else {
        return Err(no_name_left(&one.target.display().to_string()));
    };
    let (from, kept) = (one.target.clone(), to.clone());
    blocking(move || files::rename(&from, &kept)).await?;
    tell(run, one, &run.told(&to));
    Ok(())
}

/// On the way back a volume of its own name is in nobody's way: another attempt takes another name. Where the new server
/// gets a fresh copy, what the volume holds moves into another one.
async fn keep_volume(run: &Run, step: &str, one: &Replacement, name: &str) -> Result<()> {
    if run.is_going_back() && run.journal().state().phase != Phase::Preparing {
        return Ok(());
    }
    let aside = match run.noted::<String>(step, &aside_key(one))? {
        Some(aside) => aside,
        None => {
            let volumes = run.platform.volume_names().await?;
            let Some(free) = volume_names(run, name).find(|name| !volumes.contains(name)) else {
                return Err(no_name_left(&format!("the volume {name}")));
            };
            run.note(step, &aside_key(one), &free)?;
            free
        }
    };
    let files = run.platform.make_volume(&aside, &run.plan.run_id, None).await?;
    let from = one.target.clone();
    blocking(move || if files::exists(&from)? { files::move_content(&from, &files) } else { Ok(()) }).await?;
    run.platform.remove_volume(name, &run.plan.run_id).await?;
    tell(run, one, &format!("the volume {aside}"));
    Ok(())
}

fn no_name_left(of: &str) -> Error {
    Error::internal(format!("There is no name left to set {of} aside."))
}

/// A rollback tells in its end.
fn tell(run: &Run, one: &Replacement, place: &str) {
    if run.is_going_back() {
        return;
    }
    run.events.warn(Message::new(
        Code::RecordedKept,
        format!(
            "What the new server has recorded in {} is kept: {place}. Delete it when you do not need it.",
            one.role.title()
        ),
    ));
}

/// Returns where what the new server recorded is kept, for people, once all is taken back.
///
/// # Errors
/// Fails when docker does not answer.
pub async fn preserved(run: &Run) -> Result<Vec<String>> {
    let has_volumes = run.plan.replacements().any(|one| matches!(one.placement, Placement::Volume { .. }));
    let volumes = if has_volumes { run.platform.volume_names().await? } else { BTreeSet::new() };
    let mut kept = Vec::new();
    for one in run.plan.replacements() {
        if let Placement::Volume { name, .. } = &one.placement {
            let names = std::iter::once(name.clone()).chain(volume_names(run, name));
            kept.extend(names.filter(|name| volumes.contains(name)).map(|name| format!("the volume {name}")));
        } else {
            let places = std::iter::once(one.target.clone()).chain(places(one, &run.plan.stamp));
            kept.extend(places.filter(|place| holds_something(place)).map(|place| place.display().to_string()));
        }
    }
    if let Some(redis) = run.plan.server().and_then(|server| server.new_redis.as_ref()) {
        let places = aside::places(redis, &run.plan.stamp).filter(|place| holds_something(place));
        kept.extend(places.map(|place| place.display().to_string()));
    }
    Ok(kept)
}

fn holds_something(place: &Path) -> bool {
    place.is_dir() && !files::is_empty(place).unwrap_or(false)
}

/// The names under which data are set aside: beside the old ones, or beside the new ones where those are elsewhere.
fn places(one: &Replacement, stamp: &str) -> impl Iterator<Item = PathBuf> {
    let beside = if one.target.parent() == one.source.parent() { &one.source } else { &one.target };
    aside::places(beside, stamp)
}

fn volume_names(run: &Run, name: &str) -> impl Iterator<Item = String> {
    numbered(format!("{name}_{}", run.plan.stamp))
}

fn copy_key(one: &Replacement) -> String {
    format!("copy {}", one.target.display())
}

/// The note that says that a copy was found unused and is being removed.
fn removing_key(one: &Replacement) -> String {
    format!("removing the unused {}", one.target.display())
}

/// The note that names the volume that takes what a volume of the new server holds.
fn aside_key(one: &Replacement) -> String {
    format!("set aside {}", one.target.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::Role;

    fn first_places(source: &str, target: &str) -> Vec<PathBuf> {
        let one = Replacement {
            role: Role::Elasticsearch,
            mounted_at: "/usr/share/elasticsearch/data".into(),
            source: source.into(),
            target: target.into(),
            placement: Placement::Stay,
            bytes: 0,
        };
        places(&one, "now").take(2).collect()
    }

    #[test]
    fn data_are_set_aside_where_a_rename_reaches() {
        let beside_the_old = ["/data/elastic_clearml_now", "/data/elastic_clearml_now_2"].map(PathBuf::from);
        assert_eq!(first_places("/data/elastic", "/data/elastic_7"), beside_the_old);
        let beside_the_new = ["/disk/es7_clearml_now", "/disk/es7_clearml_now_2"].map(PathBuf::from);
        assert_eq!(first_places("/data/elastic", "/disk/es7"), beside_the_new);
    }
}
