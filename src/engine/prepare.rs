//! Everything before the commit record, and what a run that was cut off behind it must do again.

use super::asked::{is_clean, is_committed, stage, status};
use super::carry_out::{apply_all, undo_all, undo_switch};
use super::{Change, World};
use crate::error::{Error, Kind, Result};
use crate::journal::{Phase, Record, Status};
use crate::message::{Code, Message};
use crate::plan::{Stage, Step};

/// Everything before the commit record, again and again until no source has changed since it was copied.
pub(super) async fn prepare(world: &impl World) -> Result<()> {
    if world.look(|state| state.phase) == Phase::RollingBack {
        // Cut off while the switch was taken back.
        undo_switch(world).await?;
    }
    if is_committed(world) {
        return recheck_committed(world).await;
    }
    begin_invalidated_again(world).await?;
    world.remove_leftovers().await?;
    loop {
        invalidate_changed(world).await?;
        if let Err(error) = apply_all(world, stage(world, Stage::Prepare)).await {
            if error.kind() == Kind::Difference {
                invalidate_refuted(world)?;
            }
            return Err(error);
        }
        world.require_switchable().await?;
        if changes(world).await?.is_empty() {
            return world.record(Record::Committed);
        }
        world.events().warn(Message::new(Code::SourceChanged, "A source changed while the others were copied."));
    }
}

async fn changes(world: &impl World) -> Result<Vec<Change>> {
    Ok([world.changed_sources().await?, world.changed_archives().await?].concat())
}

/// A run that was cut off after the commit goes on, with two exceptions: somebody used the old server before the new one
/// was started, so that what changed is copied again; or the new server was started and failed, so that it may have
/// left MongoDB half-migrated, and gets fresh copies. One that has come round since is left to work.
async fn recheck_committed(world: &impl World) -> Result<()> {
    let begun = used_copies(world).any(|step| matches!(status(world, step), Status::Invalidated { .. }));
    if begun || (has_failed_to_come_up(world) && !has_come_round(world).await?) {
        world.events().info(Message::new(
            Code::FreshCopies,
            "The new server did not come up the last time, so it gets fresh copies of the databases.",
        ));
        // Before the switch is undone: who goes on after a cut-off in that must still know it.
        invalidate_used_copies(world)?;
        undo_switch(world).await?;
        return Box::pin(prepare(world)).await;
    }
    let Some(change) = world.changed_sources().await?.into_iter().next() else { return Ok(()) };
    if stage(world, Stage::Serve).any(|step| !is_clean(world, step)) {
        return Err(both_have_changed(&change));
    }
    undo_switch(world).await?;
    Box::pin(prepare(world)).await
}

/// What the old server has recorded is not in the copy, and what the new one has is not in the old data.
fn both_have_changed(change: &Change) -> Error {
    Error::refused(format!(
        "{} changed since it was copied, and the new server was started on the copy: going on would leave out what was recorded there since.",
        change.what
    ))
    .hint("Nobody but you can say which is worth more. The old server has it once the migration is taken back, which keeps what the new server has recorded; then migrate again.")
}

/// What a new server changes when it starts, before it can be known whether it comes up.
fn used_copies(world: &impl World) -> impl Iterator<Item = &Step> {
    stage(world, Stage::Prepare).filter(|step| step.action.about().is_used_by_start)
}

pub(super) fn invalidate_used_copies(world: &impl World) -> Result<()> {
    used_copies(world).try_for_each(|step| invalidate(world, step, "a server that failed to start has worked on it"))
}

pub(super) fn has_failed_to_come_up(world: &impl World) -> bool {
    stage(world, Stage::Serve).any(|step| matches!(status(world, step), Status::Failed { .. }))
}

/// A server that was started, and found wanting, may work by now.
pub(super) async fn has_come_round(world: &impl World) -> Result<bool> {
    let was_started = stage(world, Stage::Serve).next().is_some_and(|step| status(world, step) == Status::Finished);
    Ok(was_started && world.new_server_works().await?)
}

/// What a comparison found to be wrong is not gone on with: the steps ahead of it that made this store are done anew.
fn invalidate_refuted(world: &impl World) -> Result<()> {
    let failed = stage(world, Stage::Prepare).find(|step| matches!(status(world, step), Status::Failed { .. }));
    let Some((failed, store)) = failed.and_then(|step| Some((step, step.action.about().store?))) else { return Ok(()) };
    let ahead = stage(world, Stage::Prepare).take_while(|step| step.id != failed.id);
    let mut refuted = ahead.filter(|step| step.action.about().store == Some(store));
    refuted.try_for_each(|step| invalidate(world, step, "the new data are not what was copied"))
}

/// Marks as not done what must be done again: copies of sources that changed, and the stop of a server that runs.
async fn invalidate_changed(world: &impl World) -> Result<()> {
    // What an old server that was started again has written shows only once it has stopped.
    if let Some(change) = world.started_again().await? {
        apply_all(world, invalidate_all(world, &change)?).await?;
    }
    for change in changes(world).await? {
        invalidate_all(world, &change)?;
    }
    begin_invalidated_again(world).await
}

/// Clears away what invalidated steps have made, so that they begin from nothing; also where that was cut off.
async fn begin_invalidated_again(world: &impl World) -> Result<()> {
    let invalidated = |step: &&Step| matches!(status(world, step), Status::Invalidated { .. } | Status::Undoing);
    undo_all(world, world.steps().iter().filter(invalidated)).await
}

/// Tells of a change, marks as not done what must be done again, and returns it in the order of the plan.
fn invalidate_all<'a>(world: &'a impl World, change: &Change) -> Result<Vec<&'a Step>> {
    world.events().warn(Message::new(Code::SourceChanged, format!("{} {}.", change.what, change.told)));
    let of = |id: &String| world.steps().iter().find(|step| step.id == *id);
    change.again.iter().filter_map(of).try_for_each(|step| invalidate(world, step, &change.what))?;
    Ok(world.steps().iter().filter(|step| change.again.contains(&step.id)).collect())
}

fn invalidate(world: &impl World, step: &Step, reason: &str) -> Result<()> {
    if is_clean(world, step) {
        return Ok(());
    }
    world.record(Record::Invalidated { step: step.id.clone(), reason: reason.into() })
}
