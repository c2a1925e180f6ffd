//! Rescue: data that only a stopped container holds are copied out of it into a directory of their own, owners and modes
//! kept, and compared with a second reading of the container, byte for byte.
//!
//! The container stays as it is: it holds the original, and the way back starts it again.

use super::preserve::may_have_been_used;
use super::sources::new_server_was_started;
use super::{Done, Run, containers, keep};
use crate::engine::Change;
use crate::error::{Error, Result};
use crate::files::blocking;
use crate::files::unpack::{self, Reading, Unpacked};
use crate::files::{self, space};
use crate::message::{About, Code, Message};
use crate::plan::{Action, Rescue, Stage, Step};
use crate::preflight;
use crate::role::Role;
use crate::text::bytes;
use crate::text::plural;
use serde::{Deserialize, Serialize};
use tokio_util::io::{StreamReader, SyncIoBridge};

/// A directory that is whole, and the state of the container that it was copied from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Rescued {
    files: u64,
    bytes: u64,
    /// When the container's process had ended.
    stopped: String,
}

pub(super) async fn apply(run: &Run, step: &str) -> Result<Done> {
    containers::require_stopped(run).await?;
    let mut all = Unpacked::default();
    for rescue in &run.plan.rescues {
        run.check_cancelled()?;
        let rescued = one(run, step, rescue).await?;
        all.files += rescued.files;
        all.bytes += rescued.bytes;
    }
    let places = plural(run.plan.rescues.len() as u64, "directory", "directories");
    Ok(Done::line(format!("{} in {places}, equal to what the containers hold", bytes(all.bytes))))
}

/// A rescued directory that the new server has worked in holds what people have recorded since: it stays where it is.
pub(super) async fn undo(run: &Run, step: &str) -> Result<()> {
    for rescue in &run.plan.rescues {
        let used = may_have_been_used(&run.plan, run.journal().state(), step);
        if rescue.is_used_directly() && used && files::exists(&rescue.to)? {
            run.events.warn(Message::new(Code::RecordedKept, format!(
                "What the new server has recorded in {} is kept, with a copy of what was there before. Delete it when you do not need it.",
                rescue.to.display()
            )).about(About::path(&rescue.to)));
            continue;
        }
        run.remove_claimed(step, &rescue.to).await?;
    }
    Ok(())
}

/// Returns what was rescued and has changed in its container since: somebody started it in between.
///
/// # Errors
/// Fails when the container is gone or docker does not answer.
pub(super) async fn changes(run: &Run) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let rescues = &run.plan.rescues;
    let all = run.plan.steps_that(Action::Rescue).flat_map(|step| rescues.iter().map(move |one| (step, one)));
    for (step, rescue) in all {
        let Some(then) = run.noted::<Rescued>(&step.id, &key(rescue))? else { continue };
        if new_server_was_started(run) && run.platform.container(&rescue.container).await?.is_none() {
            // Its owner may delete it then.
            continue;
        }
        if keep::require(run, rescue).await?.state.finished_at != then.stopped {
            changes.push(Change {
                what: format!("{} (it has run since)", rescue.place()),
                told: "changed since it was copied out, so it is copied out again",
                again: from_the_last_to(run, step),
            });
        }
    }
    Ok(changes)
}

/// Returns the steps that have worked with what a step has made, and that step, which is the last.
fn from_the_last_to(run: &Run, step: &Step) -> Vec<String> {
    let behind = run.plan.stage(Stage::Prepare).rev().take_while(|one| one.id != step.id);
    behind.chain([step]).map(|one| one.id.clone()).collect()
}

async fn one(run: &Run, step: &str, rescue: &Rescue) -> Result<Rescued> {
    let stopped = keep::require(run, rescue).await?.state.finished_at;
    let done = run.noted::<Rescued>(step, &key(rescue))?.filter(|then| then.stopped == stopped);
    if let Some(done) = done.filter(|_| rescue.to.is_dir()) {
        return Ok(done);
    }
    require_room(run, rescue).await?;
    let owned = run.claim(step, &rescue.to)?;
    let (target, to_compare) = (owned.clone(), rescue.to.clone());
    blocking(move || files::remove_tree(&owned)).await?;
    let unpacked = read(run, rescue, move |stream, reading| unpack::unpack(stream, &target, reading)).await?;
    read(run, rescue, move |stream, reading| unpack::compare(stream, &to_compare, reading)).await?;
    require_something(run, rescue, unpacked).await?;
    let rescued = Rescued { files: unpacked.files, bytes: unpacked.bytes, stopped };
    run.note(step, &key(rescue), &rescued)?;
    Ok(rescued)
}

/// Reads the container's files once.
async fn read<T: Send + 'static>(
    run: &Run,
    rescue: &Rescue,
    work: impl FnOnce(&mut dyn std::io::Read, &Reading<'_>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let stream = run.platform.files_of(&rescue.container, &rescue.path);
    let mut stream = SyncIoBridge::new(StreamReader::new(stream));
    let (events, cancel) = (run.events.clone(), run.cancel.clone());
    // By the name that it has by now.
    let (what, bytes) = (format!("{}:{}", rescue.kept_as, rescue.path), rescue.bytes.unwrap_or_default());
    blocking(move || work(&mut stream, &Reading { what: &what, bytes, events: &events, cancel: &cancel })).await
}

async fn require_room(run: &Run, rescue: &Rescue) -> Result<()> {
    let needed = rescue.bytes.unwrap_or_default();
    let to = rescue.to.clone();
    let systems = blocking(move || space::file_systems(&[to])).await?;
    match systems.first().filter(|system| system.free_bytes < needed) {
        None => Ok(()),
        Some(system) => {
            run.events.detail(format!("{} of {} are free", bytes(system.free_bytes), bytes(system.total_bytes)));
            Err(Error::failed(format!(
                "The disk of {} has {} free; what is in {} needs {}.",
                rescue.to.display(),
                bytes(system.free_bytes),
                rescue.place(),
                bytes(needed)
            ))
            .hint("Free some space, then run the same command again."))
        }
    }
}

/// What held something when the plan was made holds something now, and the data of Elasticsearch are whole.
async fn require_something(run: &Run, rescue: &Rescue, unpacked: Unpacked) -> Result<()> {
    if unpacked.files == 0 && rescue.bytes.is_none_or(|bytes| bytes > 0) && rescue.role != Role::Redis {
        return Err(Error::failed(format!("There is nothing in {}.", rescue.place()))
            .hint("If the data are somewhere else, say so in the compose file; to take this back, run rollback."));
    }
    if rescue.role != Role::Elasticsearch {
        return Ok(());
    }
    let (to, plan) = (rescue.to.clone(), run.plan.clone());
    match blocking(move || preflight::data::judge(&to, &plan)).await?.first() {
        None => Ok(()),
        Some(first) => Err(Error::failed(first.what.clone()).hint(first.remedy.clone())),
    }
}

fn key(rescue: &Rescue) -> String {
    format!("rescued {}", rescue.to.display())
}
