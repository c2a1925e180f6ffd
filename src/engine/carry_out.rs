//! Applies steps and undoes them, one after another, each with its record ahead of it and behind it.

use super::{World, is_clean, status};
use crate::error::{Error, Kind, Result};
use crate::events::Event;
use crate::failpoints;
use crate::journal::{Record, Status};
use crate::plan::Step;
use std::time::Instant;

pub(super) async fn apply_all(world: &impl World, steps: &[Step]) -> Result<()> {
    let all = world.steps();
    for step in steps {
        world.check_cancelled()?;
        let number = all.iter().position(|one| one == step).map_or(0, |position| position + 1);
        apply_one(world, *step, number, all.len()).await?;
    }
    Ok(())
}

async fn apply_one(world: &impl World, step: Step, number: usize, total: usize) -> Result<()> {
    let title = step.title().to_owned();
    if status(world, step) == Status::Finished {
        let reason = "done by an earlier run".to_owned();
        world.events().emit(Event::StepSkipped { number, total, title, reason });
        return Ok(());
    }
    let begun = Instant::now();
    world.events().emit(Event::StepStarted { number, total, title });
    world.record(Record::Started { step: step.name().into() })?;
    failpoints::reach(&format!("step.{}.started", step.name()))?;
    match world.apply(step).await {
        Ok(done) => {
            failpoints::reach(&format!("step.{}.applied", step.name()))?;
            world.record(Record::Finished { step: step.name().into(), output: done.output })?;
            world.events().emit(Event::StepFinished { summary: done.summary, elapsed: begun.elapsed() });
            Ok(())
        }
        // Cut off, not failed: nothing says that what it has done so far is no good.
        Err(error) if error.kind() == Kind::Cancelled => Err(error),
        Err(error) => {
            // On a full disk this fails too; the step then counts as cut off, and the first error tells why.
            if let Err(unwritten) = world.record(Record::Failed { step: step.name().into(), error: error.to_string() })
            {
                world.events().detail(format!("the failure is not in the journal: {unwritten}"));
            }
            Err(error)
        }
    }
}

pub(super) async fn undo_all(world: &impl World, steps: &[Step]) -> Result<()> {
    for step in steps.iter().rev() {
        if is_clean(world, *step) {
            continue;
        }
        if let Some(title) = undo_title(*step, world.stays_stopped()) {
            world.events().info(title);
        }
        world.record(Record::UndoStarted { step: step.name().into() })?;
        failpoints::reach(&format!("step.{}.undo", step.name()))?;
        match world.undo(*step).await {
            Ok(()) => world.record(Record::UndoFinished { step: step.name().into() })?,
            Err(error) if error.kind() == Kind::Cancelled => return Err(error),
            Err(error) => {
                world.record(Record::UndoFailed { step: step.name().into(), error: error.to_string() })?;
                return Err(stuck(*step, error));
            }
        }
    }
    Ok(())
}

fn stuck(step: Step, cause: Error) -> Error {
    let hints = cause.hints().to_vec();
    let error = Error::new(Kind::Stuck, format!("\"{}\" could not be taken back.", step.title())).because(cause);
    let error = hints.into_iter().fold(error, Error::hint);
    error.hint("Nothing of the old server was deleted. When the cause is gone, run the same rollback again.")
}

/// Returns what taking a step back does, for people.
pub(super) fn undo_title(step: Step, no_start: bool) -> Option<&'static str> {
    step.undo_title().filter(|_| !(step == Step::StopStack && no_start))
}
