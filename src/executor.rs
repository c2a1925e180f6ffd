//! Runs, continues and undoes a plan, with the journal ahead of every act.
//!
//! Before the commit record nothing of the old server is changed but that it is stopped: a failure leaves the work
//! done so far for the next try. After it and before the new server starts, a failure undoes the switch by itself.
//! From the start of the new server on, the caller decides.

use crate::error::{Error, Kind, Result};
use crate::events::Event;
use crate::failpoints;
use crate::journal::{Phase, Record, State, Status};
use crate::plan::{Plan, Step};
use crate::steps::{self, Run};
use std::time::Instant;

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
pub async fn execute(run: &Run) -> Result<(), Failure> {
    let mut result = execute_steps(run).await.map_err(|failure| failed_if_acted(run, failure));
    if let Err(failure) = &mut result
        && failure.error.kind() == Kind::Cancelled
    {
        // Only for `status`; where the journal is in no state to take it, the error itself says all.
        let _ = run.record(Record::Cancelled);
        failure.error = cancelled_in(run);
    }
    // Nothing of ours is left when we end, not even a network. What cannot be removed now, the next run removes.
    if let Err(error) = steps::remove_leftovers(run).await {
        run.events.warn(format!("Temporary containers may be left: {error}"));
    }
    result
}

/// A refusal says that nothing was changed. Once a step was begun that does more than getting images, the old server is
/// stopped, or something new is made.
fn failed_if_acted(run: &Run, failure: Failure) -> Failure {
    let acted = run.plan.steps().into_iter().any(|step| step != Step::PullImages && !is_clean(run, step));
    let Failure { error, reached } = failure;
    match error.kind() {
        Kind::Refused if acted => Failure { error: error.with_kind(Kind::Failed), reached },
        _ => Failure { error, reached },
    }
}

/// Returns the error of a run that was stopped, with the place where.
fn cancelled_in(run: &Run) -> Error {
    let steps = run.plan.steps();
    let Some(at) = steps.iter().position(|step| status(run, *step) != Status::Finished) else {
        return Error::cancelled();
    };
    let (number, total, title) = (at + 1, steps.len(), steps.get(at).map_or("", |step| step.title()));
    Error::new(
        Kind::Cancelled,
        format!("Stopped on request in step {number} of {total}, \"{title}\"; what is done so far is kept."),
    )
}

async fn execute_steps(run: &Run) -> Result<(), Failure> {
    prepare(run).await.map_err(|error| Failure { error, reached: Reached::Preparation })?;
    if let Err(error) = switch(run).await {
        let error = undo_switch(run).await.err().unwrap_or(error);
        return Err(Failure { error, reached: Reached::Preparation });
    }
    let last: Vec<Step> =
        run.plan.steps().into_iter().filter(|step| step.is_after_commit() && !step.is_switch()).collect();
    let started = apply_all(run, &last).await;
    started.map_err(|error| Failure { error, reached: Reached::NewServer })?;
    run.record(Record::Completed).map_err(|error| Failure { error, reached: Reached::NewServer })
}

/// Everything before the commit record, again and again until no source has changed since it was copied.
async fn prepare(run: &Run) -> Result<()> {
    if run.journal().state().phase == Phase::RollingBack {
        // Cut off while the switch was taken back.
        undo_switch(run).await?;
    }
    if is_committed(run) {
        return recheck_committed(run).await;
    }
    begin_invalidated_again(run).await?;
    steps::remove_leftovers(run).await?;
    loop {
        invalidate_changed(run).await?;
        let steps: Vec<Step> = run.plan.steps().into_iter().filter(|step| !step.is_after_commit()).collect();
        if let Err(error) = apply_all(run, &steps).await {
            if error.kind() == Kind::Difference {
                // What is wrong once is not gone on with.
                invalidate(run, Step::CopyElastic, "the new data are not what was copied")?;
            }
            return Err(error);
        }
        steps::require_switchable(run).await?;
        if !has_changed_source(run).await? && steps::changed_archives(run).await?.is_none() {
            return run.record(Record::Committed);
        }
        run.events.warn("A source changed while the others were copied.");
    }
}

async fn has_changed_source(run: &Run) -> Result<bool> {
    Ok(!steps::changed_containers(run).await?.is_empty() || !steps::changed_sources(run).await?.is_empty())
}

/// A run that was cut off after the commit goes on, with two exceptions: somebody used the old server before the new one
/// was started, so that what changed is copied again; or the new server was started and failed, so that it may have
/// left MongoDB half-migrated, and gets fresh copies. One that has come round since is left to work.
async fn recheck_committed(run: &Run) -> Result<()> {
    let begun = USED_COPIES.iter().any(|step| matches!(status(run, *step), Status::Invalidated { .. }));
    if begun || (has_failed_to_come_up(run) && !has_come_round(run).await?) {
        run.events.info("The new server did not come up the last time, so it gets fresh copies of the databases.");
        // Before the switch is undone: who goes on after a cut-off in that must still know it.
        invalidate_used_copies(run)?;
        undo_switch(run).await?;
        return Box::pin(prepare(run)).await;
    }
    if is_clean(run, Step::StartStack) && has_changed_source(run).await? {
        undo_switch(run).await?;
        return Box::pin(prepare(run)).await;
    }
    Ok(())
}

/// What a new server changes when it starts, before it can be known whether it comes up.
const USED_COPIES: [Step; 2] = [Step::CopyMongo, Step::CopyRedis];

fn invalidate_used_copies(run: &Run) -> Result<()> {
    USED_COPIES.iter().try_for_each(|step| invalidate(run, *step, "a server that failed to start has worked on it"))
}

fn has_failed_to_come_up(run: &Run) -> bool {
    [Step::StartStack, Step::CheckHealth].iter().any(|step| matches!(status(run, *step), Status::Failed { .. }))
}

/// A server that was started, and found wanting, may work by now.
async fn has_come_round(run: &Run) -> Result<bool> {
    Ok(status(run, Step::StartStack) == Status::Finished && steps::works_by_now(run).await?)
}

/// Marks as not done what must be done again: copies of sources that changed, and the stop of a server that runs.
async fn invalidate_changed(run: &Run) -> Result<()> {
    if status(run, Step::StopStack) == Status::Finished && steps::old_server_runs(run).await? {
        run.events.warn("The old server was started again since it was stopped; it is stopped once more.");
        invalidate(run, Step::StopStack, "the old server runs")?;
        // What it wrote shows only once it has stopped.
        apply_all(run, &[Step::StopStack]).await?;
    }
    for changed in steps::changed_containers(run).await? {
        run.events.warn(format!("{changed} changed since it was copied out, so it is copied out again."));
        for step in
            [Step::VerifyElastic, Step::BackUp, Step::CopyElastic, Step::CopyMongo, Step::CopyRedis, Step::Rescue]
        {
            invalidate(run, step, &changed)?;
        }
    }
    for changed in steps::changed_sources(run).await? {
        run.events.warn(format!("{} changed since it was copied, so it is copied again.", changed.what));
        // The copy last: it is by the copy's note that who goes on after a cut-off finds the change again.
        if changed.step == Step::CopyElastic {
            invalidate(run, Step::VerifyElastic, &changed.what)?;
        }
        // The archive would hold something else than what was migrated.
        invalidate(run, Step::BackUp, &changed.what)?;
        invalidate(run, changed.step, &changed.what)?;
    }
    if let Some(changed) = steps::changed_archives(run).await? {
        run.events.warn(format!("{changed} changed since it was backed up, so it is backed up again."));
        invalidate(run, Step::BackUp, &changed)?;
    }
    begin_invalidated_again(run).await
}

/// Clears away what invalidated steps have made, so that they begin from nothing; also where that was cut off.
async fn begin_invalidated_again(run: &Run) -> Result<()> {
    let invalidated = |step: &Step| matches!(status(run, *step), Status::Invalidated { .. } | Status::Undoing);
    let begin_again: Vec<Step> = run.plan.steps().into_iter().filter(invalidated).collect();
    undo_all(run, &begin_again).await
}

fn invalidate(run: &Run, step: Step, reason: &str) -> Result<()> {
    if is_clean(run, step) {
        return Ok(());
    }
    run.record(Record::Invalidated { step: step.name().into(), reason: reason.into() })
}

async fn switch(run: &Run) -> Result<()> {
    let steps: Vec<Step> = run.plan.steps().into_iter().filter(|step| step.is_switch()).collect();
    apply_all(run, &steps).await
}

/// Takes back everything after the commit record; afterwards the run stands before it again.
async fn undo_switch(run: &Run) -> Result<()> {
    steps::require_old_data(run).await?;
    run.events.warn("The switch is taken back, so that everything is as it was.");
    let steps: Vec<Step> = run.plan.steps().into_iter().filter(|step| step.is_after_commit()).collect();
    undo_all(run, &steps).await?;
    run.record(Record::Uncommitted)
}

/// Undoes everything, last step first.
///
/// # Errors
/// Refused, before anything is changed, when the old data are not there any more; [`Kind::Stuck`] when a step cannot be
/// undone; the message says what is left to do by hand.
pub async fn roll_back(run: &Run) -> Result<()> {
    run.go_back();
    steps::require_old_data(run).await?;
    steps::remove_leftovers(run).await?;
    let committed = run.journal().state().phase == Phase::Committed;
    if committed && has_failed_to_come_up(run) && !has_come_round(run).await? {
        // Who stops this, and goes on with the migration after all, must still know it.
        invalidate_used_copies(run)?;
    }
    undo_all(run, &run.plan.steps()).await?;
    run.record(Record::RolledBack)
}

/// Returns what a rollback would do, in its order, for people.
pub fn what_rollback_does(plan: &Plan, state: &State, no_start: bool) -> Vec<&'static str> {
    let steps = plan.steps();
    let begun = steps.iter().rev().filter(|step| !state.step(step.name()).is_clean());
    begun.filter_map(|step| undo_title(*step, no_start)).collect()
}

/// Returns what taking a step back does, for people.
fn undo_title(step: Step, no_start: bool) -> Option<&'static str> {
    step.undo_title().filter(|_| !(step == Step::StopStack && no_start))
}

async fn apply_all(run: &Run, steps: &[Step]) -> Result<()> {
    let all = run.plan.steps();
    for step in steps {
        run.check_cancelled()?;
        let number = all.iter().position(|one| one == step).map_or(0, |position| position + 1);
        apply_one(run, *step, number, all.len()).await?;
    }
    Ok(())
}

async fn apply_one(run: &Run, step: Step, number: usize, total: usize) -> Result<()> {
    let title = step.title().to_owned();
    if status(run, step) == Status::Finished {
        let reason = "done by an earlier run".to_owned();
        run.events.emit(Event::StepSkipped { number, total, title, reason });
        return Ok(());
    }
    let begun = Instant::now();
    run.events.emit(Event::StepStarted { number, total, title });
    run.record(Record::Started { step: step.name().into() })?;
    failpoints::reach(&format!("step.{}.started", step.name()))?;
    match steps::apply(step, run).await {
        Ok(done) => {
            failpoints::reach(&format!("step.{}.applied", step.name()))?;
            run.record(Record::Finished { step: step.name().into(), output: done.output })?;
            run.events.emit(Event::StepFinished { summary: done.summary, elapsed: begun.elapsed() });
            Ok(())
        }
        // Cut off, not failed: nothing says that what it has done so far is no good.
        Err(error) if error.kind() == Kind::Cancelled => Err(error),
        Err(error) => {
            // On a full disk this fails too; the step then counts as cut off, and the first error tells why.
            if let Err(unwritten) = run.record(Record::Failed { step: step.name().into(), error: error.to_string() }) {
                run.events.detail(format!("the failure is not in the journal: {unwritten}"));
            }
            Err(error)
        }
    }
}

async fn undo_all(run: &Run, steps: &[Step]) -> Result<()> {
    for step in steps.iter().rev() {
        if is_clean(run, *step) {
            continue;
        }
        if let Some(title) = undo_title(*step, run.options.no_start) {
            run.events.info(title);
        }
        run.record(Record::UndoStarted { step: step.name().into() })?;
        failpoints::reach(&format!("step.{}.undo", step.name()))?;
        match steps::undo(*step, run).await {
            Ok(()) => run.record(Record::UndoFinished { step: step.name().into() })?,
            Err(error) if error.kind() == Kind::Cancelled => return Err(error),
            Err(error) => {
                run.record(Record::UndoFailed { step: step.name().into(), error: error.to_string() })?;
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

fn status(run: &Run, step: Step) -> Status {
    run.journal().state().step(step.name()).status.clone()
}

fn is_clean(run: &Run, step: Step) -> bool {
    run.journal().state().step(step.name()).is_clean()
}

fn is_committed(run: &Run) -> bool {
    run.journal().state().is_committed()
}
