//! Applies steps and undoes them, one after another, each with its record ahead of it and behind it.

use super::World;
use super::asked::{is_clean, status};
use crate::error::{Error, Kind, Result};
use crate::events::Event;
use crate::failpoints;
use crate::journal::{Record, Status};
use crate::message::{Code, Message};
use crate::plan::Step;
use std::time::Instant;

pub(super) async fn apply_all<'a>(world: &impl World, steps: impl IntoIterator<Item = &'a Step>) -> Result<()> {
    let all = world.steps();
    for step in steps {
        world.check_cancelled()?;
        let number = all.iter().position(|one| one.id == step.id).map_or(0, |position| position + 1);
        apply_one(world, step, number, all.len()).await?;
    }
    Ok(())
}

async fn apply_one(world: &impl World, step: &Step, number: usize, total: usize) -> Result<()> {
    let (title, id) = (step.title(), || step.id.clone());
    if status(world, step) == Status::Finished {
        let reason = "done by an earlier run".to_owned();
        world.events().emit(Event::StepSkipped { step: id(), number, total, title, reason });
        return Ok(());
    }
    let begun = Instant::now();
    world.events().emit(Event::StepStarted { step: id(), number, total, title });
    world.record(Record::Started { step: id() })?;
    failpoints::reach(&format!("step.{}.started", step.id))?;
    match world.apply(step).await {
        Ok(done) => {
            failpoints::reach(&format!("step.{}.applied", step.id))?;
            world.record(Record::Finished { step: id(), output: done.output })?;
            world.events().emit(Event::StepFinished { step: id(), summary: done.summary, elapsed: begun.elapsed() });
            Ok(())
        }
        // Cut off, not failed: nothing says that what it has done so far is no good.
        Err(error) if error.kind() == Kind::Cancelled => Err(error),
        Err(error) => {
            // On a full disk this fails too; the step then counts as cut off, and the first error tells why.
            if let Err(unwritten) = world.record(Record::Failed { step: id(), error: error.to_string() }) {
                world.events().detail(format!("the failure is not in the journal: {unwritten}"));
            }
            Err(error)
        }
    }
}

/// Takes steps back that are given in the order in which they were applied.
pub(super) async fn undo_all<'a>(world: &impl World, steps: impl DoubleEndedIterator<Item = &'a Step>) -> Result<()> {
    for step in steps.rev() {
        if is_clean(world, step) {
            continue;
        }
        if let Some(title) = step.undo_title(world.stays_stopped()) {
            world.events().info(Message::new(Code::Undoing, title));
        }
        let id = || step.id.clone();
        world.record(Record::UndoStarted { step: id() })?;
        failpoints::reach(&format!("step.{}.undo", step.id))?;
        match world.undo(step).await {
            Ok(()) => world.record(Record::UndoFinished { step: id() })?,
            Err(error) if error.kind() == Kind::Cancelled => return Err(error),
            Err(error) => {
                world.record(Record::UndoFailed { step: id(), error: error.to_string() })?;
                return Err(stuck(step, error));
            }
        }
    }
    Ok(())
}

fn stuck(step: &Step, cause: Error) -> Error {
    let hints = cause.hints().to_vec();
    let error = Error::new(Kind::Stuck, format!("\"{}\" could not be taken back.", step.title())).because(cause);
    let error = hints.into_iter().fold(error, Error::hint);
    error.hint("Nothing of the old server was deleted. When the cause is gone, run the same rollback again.")
}

/// Takes back everything after the commit record; afterwards the run stands before it again.
pub(super) async fn undo_switch(world: &impl World) -> Result<()> {
    world.require_old_data().await?;
    world
        .events()
        .warn(Message::new(Code::SwitchTakenBack, "The switch is taken back, so that everything is as it was."));
    undo_all(world, world.steps().iter().filter(|step| step.is_after_commit())).await?;
    world.record(Record::Uncommitted)
}
