//! Runs, continues and undoes a plan, with the journal ahead of every act.
//!
//! Before the commit record nothing of the old server is changed but that it is stopped: a failure leaves the work
//! done so far for the next try. After it and before the new server starts, a failure undoes the switch by itself.
//! From the start of the new server on, the caller decides.

mod asked;
mod carry_out;
mod prepare;
#[cfg(test)]
mod tests;
mod world;

pub use world::{Change, Done, World};

use crate::error::{Error, Kind, Result};
use crate::journal::{Phase, Record, State, Status};
use crate::message::{Code, Message};
use crate::plan::{Action, Plan, Stage};
use asked::{is_clean, stage, status};
use carry_out::{apply_all, undo_all, undo_switch};
use prepare::{has_come_round, has_failed_to_come_up, invalidate_used_copies, prepare};

/// How far a run got when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// The old server is as it was, but stopped.
    Preparation,
    /// The new server was started.
    NewServer,
}

/// A failure and how far the run had got.
#[derive(Debug)]
pub struct Failure {
    /// What happened.
    pub error: Error,
    /// How far the run got.
    pub reached: Reached,
}

/// Applies every step that is not done yet.
///
/// # Errors
/// The first failure of a step; what it leaves behind is told by [`Failure::reached`].
pub async fn execute(world: &impl World) -> Result<(), Failure> {
    let mut result = execute_steps(world).await.map_err(|failure| failed_if_acted(world, failure));
    if let Err(failure) = &mut result
        && failure.error.kind() == Kind::Cancelled
    {
        // Only for `status`; where the journal is in no state to take it, the error itself says all.
        let _ = world.record(Record::Cancelled);
        failure.error = cancelled_in(world);
    }
    // Nothing of ours is left when we end, not even a network. What cannot be removed now, the next run removes.
    if let Err(error) = world.remove_leftovers().await {
        world.events().warn(Message::new(Code::ContainersLeft, format!("Temporary containers may be left: {error}")));
    }
    result
}

/// A refusal says that nothing was changed. Once a step was begun that does more than getting images, the old server is
/// stopped, or something new is made.
fn failed_if_acted(world: &impl World, failure: Failure) -> Failure {
    let acted = world.steps().iter().any(|step| !step.action.about().is_harmless && !is_clean(world, step));
    let Failure { error, reached } = failure;
    match error.kind() {
        Kind::Refused if acted => Failure { error: error.with_kind(Kind::Failed), reached },
        _ => Failure { error, reached },
    }
}

/// Returns the error of a run that was stopped, with the place where.
fn cancelled_in(world: &impl World) -> Error {
    let steps = world.steps();
    let mut numbered = (1..).zip(steps);
    let Some((number, step)) = numbered.find(|(_, step)| status(world, step) != Status::Finished) else {
        return Error::cancelled();
    };
    let (total, title) = (steps.len(), step.title());
    Error::new(
        Kind::Cancelled,
        format!("Stopped on request in step {number} of {total}, \"{title}\"; what is done so far is kept."),
    )
}

async fn execute_steps(world: &impl World) -> Result<(), Failure> {
    if world.look(|state| state.phase) == Phase::Completed {
        return Ok(());
    }
    prepare(world).await.map_err(|error| Failure { error, reached: Reached::Preparation })?;
    if let Err(error) = apply_all(world, stage(world, Stage::Switch)).await {
        let error = undo_switch(world).await.err().unwrap_or(error);
        return Err(Failure { error, reached: Reached::Preparation });
    }
    let started = apply_all(world, stage(world, Stage::Serve)).await;
    started.map_err(|error| Failure { error, reached: Reached::NewServer })?;
    world.record(Record::Completed).map_err(|error| Failure { error, reached: Reached::NewServer })
}

/// Undoes everything, last step first.
///
/// # Errors
/// Refused, before anything is changed, when the old data are not there any more; [`Kind::Stuck`] when a step cannot be
/// undone; the message says what is left to do by hand.
pub async fn roll_back(world: &impl World) -> Result<()> {
    if world.look(|state| state.phase) == Phase::RolledBack {
        return Ok(());
    }
    world.go_back();
    world.require_old_data().await?;
    world.remove_leftovers().await?;
    let committed = world.look(|state| state.phase) == Phase::Committed;
    if committed && has_failed_to_come_up(world) && !has_come_round(world).await? {
        // Who stops this, and goes on with the migration after all, must still know it.
        invalidate_used_copies(world)?;
    }
    undo_all(world, world.steps().iter()).await?;
    world.record(Record::RolledBack)
}

/// Returns what a rollback would do, in its order, for people.
pub fn what_rollback_does(plan: &Plan, state: &State, no_start: bool) -> Vec<String> {
    let begun = plan.steps.iter().rev().filter(|step| !state.step(&step.id).is_clean());
    begun.filter_map(|step| step.undo_title(no_start)).collect()
}

/// Returns whether a step that does this was begun and is not undone.
pub fn has_begun(plan: &Plan, state: &State, action: Action) -> bool {
    plan.steps_that(action).any(|step| !state.step(&step.id).is_clean())
}
