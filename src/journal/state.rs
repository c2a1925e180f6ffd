//! What follows from a journal: every legal transition is in [`State::apply`], and anything else is a typed error.

use super::record::{Opened, Record};
use crate::files::Fingerprint;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Where a run as a whole stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Up to the commit: the old server's files are as they were.
    Preparing,
    /// The switch is under way.
    Committed,
    /// Migrated.
    Completed,
    /// Steps are being undone; this must be finished before anything else.
    RollingBack,
    /// All is undone. A new plan begins the next attempt.
    RolledBack,
    /// An undo failed: a human must help, then the undo can be tried again.
    Stuck,
}

/// Where a step stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Status {
    /// Not begun, so there is nothing to undo.
    #[default]
    Pending,
    /// Begun. After a restart: cut off somewhere.
    Running,
    /// Done.
    Finished,
    /// Could not do its work.
    Failed {
        /// Why.
        error: String,
    },
    /// What it did no longer holds.
    Invalidated {
        /// Why.
        reason: String,
    },
    /// Its undo has begun.
    Undoing,
    /// Nothing is left of it.
    Undone,
    /// Its undo failed.
    Stuck {
        /// Why.
        error: String,
    },
}

/// A step with what it has kept. Notes and output stay until the step is undone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StepState {
    /// Where it stands.
    pub status: Status,
    /// What it has kept while acting.
    pub notes: BTreeMap<String, Value>,
    /// What it gave when it finished last.
    pub output: Option<Value>,
    /// It was started after the commit.
    pub after_commit: bool,
    /// Which of the attempt's starts was its last, counted over all steps from 1; 0 if it was never started.
    pub begun: u64,
}

impl StepState {
    /// Returns whether the step has left nothing behind.
    pub fn is_clean(&self) -> bool {
        matches!(self.status, Status::Pending | Status::Undone)
    }
}

/// Why the last run ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// The user wished it.
    Cancelled,
    /// A step failed, or its undo.
    Failed {
        /// The step.
        step: String,
        /// Why.
        error: String,
    },
}

/// A run as its journal tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// How it began.
    pub opened: Opened,
    /// Number of the attempt, from 1; each rollback followed by a new plan adds one.
    pub attempt: u32,
    /// The plan, once the user has agreed to one.
    pub plan: Option<Value>,
    /// The sources as they were at planning.
    pub fingerprints: BTreeMap<String, Fingerprint>,
    /// Where the run stands.
    pub phase: Phase,
    /// Why the last run ended early; nothing once work has gone on.
    pub stopped: Option<Stopped>,
    /// The steps that were ever started in this attempt, by order of their first start.
    steps: Vec<(String, StepState)>,
    /// The commit has happened and not been taken back.
    committed: bool,
    /// How many starts of steps there were in this attempt.
    starts: u64,
}

/// A record that cannot follow from the state.
#[derive(Debug, Clone, PartialEq)]
pub struct IllegalRecord {
    /// The record.
    pub record: Box<Record>,
    /// Where the run stood.
    pub phase: Phase,
    /// Where the record's step stood, if it has one.
    pub status: Option<Status>,
}

impl fmt::Display for IllegalRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the record {:?} cannot follow in the phase {:?}", self.record, self.phase)?;
        self.status.as_ref().map_or(Ok(()), |status| write!(f, " with the step at {status:?}"))
    }
}

impl std::error::Error for IllegalRecord {}

impl State {
    /// Returns the state after the first record.
    pub fn new(opened: Opened) -> Self {
        Self {
            opened,
            attempt: 1,
            plan: None,
            fingerprints: BTreeMap::new(),
            phase: Phase::Preparing,
            stopped: None,
            steps: Vec::new(),
            committed: false,
            starts: 0,
        }
    }

    /// Returns a step; one never started is pending.
    pub fn step(&self, name: &str) -> StepState {
        self.steps.iter().find(|(step, _)| step == name).map(|(_, state)| state.clone()).unwrap_or_default()
    }

    /// Returns the steps started in this attempt, by order of their first start. To undo, go backwards.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = (&str, &StepState)> {
        self.steps.iter().map(|(name, state)| (name.as_str(), state))
    }

    /// Returns whether the commit has happened and not been taken back.
    pub fn is_committed(&self) -> bool {
        self.committed
    }

    /// Returns whether the step `later` was started since the step `earlier` was, even if both are undone by now.
    pub fn started_since(&self, later: &str, earlier: &str) -> bool {
        self.step(later).begun > self.step(earlier).begun
    }

    /// Takes in the next record. On an error the state is as before.
    ///
    /// # Errors
    /// Fails if the record cannot follow.
    pub fn apply(&mut self, record: &Record) -> Result<(), IllegalRecord> {
        use Phase::{Committed, Completed, Preparing, RolledBack, RollingBack, Stuck};
        let illegal =
            |status: Option<Status>| IllegalRecord { record: Box::new(record.clone()), phase: self.phase, status };
        let all_clean = self.steps.iter().all(|(_, step)| step.is_clean());
        let all_finished = self.steps.iter().all(|(_, step)| step.is_clean() || step.status == Status::Finished);
        let switch_undone = self.steps.iter().all(|(_, step)| step.is_clean() || !step.after_commit);
        match (record, self.phase) {
            (Record::Planned { plan, fingerprints }, Preparing | RolledBack) if all_clean => {
                self.attempt += u32::from(self.phase == RolledBack);
                self.plan = Some(plan.clone());
                self.fingerprints.clone_from(fingerprints);
                self.steps.clear();
                self.phase = Preparing;
                self.starts = 0;
                self.stopped = None;
            }
            (Record::Committed, Preparing) if self.plan.is_some() && all_finished => {
                self.phase = Committed;
                self.committed = true;
            }
            (Record::Uncommitted, Committed | RollingBack) if self.committed && switch_undone => {
                self.phase = Preparing;
                self.committed = false;
            }
            (Record::Completed, Committed) if all_finished => self.phase = Completed,
            (Record::RolledBack, Preparing | RollingBack | Committed) if all_clean => {
                self.phase = RolledBack;
                self.committed = false;
            }
            (Record::Cancelled, Preparing | Committed | RollingBack | Stuck) => self.stopped = Some(Stopped::Cancelled),
            (
                Record::Started { step }
                | Record::Finished { step, .. }
                | Record::Failed { step, .. }
                | Record::Invalidated { step, .. },
                Preparing | Committed,
            )
            | (Record::Note { step, .. }, Preparing | Committed | RollingBack)
            | (Record::UndoStarted { step }, Preparing | Committed | Completed | RollingBack | Stuck)
            | (Record::UndoFinished { step } | Record::UndoFailed { step, .. }, Preparing | RollingBack) => {
                let before = self.step(step);
                let after = advance(&before, record, self.committed).filter(|_| self.plan.is_some());
                let mut after = after.ok_or_else(|| illegal(Some(before.status.clone())))?;
                if matches!(record, Record::Started { .. }) {
                    self.starts += 1;
                    after.begun = self.starts;
                }
                self.phase = phase_after(self.phase, &before.status, &after.status);
                self.stopped = match record {
                    Record::Failed { error, .. } | Record::UndoFailed { error, .. } => {
                        Some(Stopped::Failed { step: step.clone(), error: error.clone() })
                    }
                    _ => None,
                };
                self.put(step, after);
            }
            _ => return Err(illegal(None)),
        }
        Ok(())
    }

    fn put(&mut self, name: &str, state: StepState) {
        match self.steps.iter_mut().find(|(step, _)| step == name) {
            Some((_, there)) => *there = state,
            None => self.steps.push((name.to_owned(), state)),
        }
    }
}

/// Undoing a step whose work no longer holds is part of preparing; undoing any other begins the way back.
fn phase_after(phase: Phase, before: &Status, after: &Status) -> Phase {
    match (after, before, phase) {
        (Status::Undoing, Status::Invalidated { .. }, Phase::Preparing) => Phase::Preparing,
        (Status::Undoing, Status::Undoing, phase) => phase,
        (Status::Undoing, ..) => Phase::RollingBack,
        (Status::Stuck { .. }, ..) => Phase::Stuck,
        (_, _, phase) => phase,
    }
}

/// Returns the step after the record, or nothing if it cannot follow.
fn advance(step: &StepState, record: &Record, committed: bool) -> Option<StepState> {
    use Status::{Failed, Finished, Invalidated, Pending, Running, Stuck, Undoing, Undone};
    let mut next = step.clone();
    match (record, &step.status) {
        // Running: cut off before, and begun again.
        (Record::Started { .. }, Pending | Running | Failed { .. } | Invalidated { .. } | Undone) => {
            next.status = Running;
            next.output = None;
            next.after_commit = committed;
        }
        (Record::Note { key, value, .. }, Running | Undoing) => {
            next.notes.insert(key.clone(), value.clone());
        }
        (Record::Finished { output, .. }, Running) => {
            next.status = Finished;
            next.output = Some(output.clone());
        }
        (Record::Failed { error, .. }, Running) => next.status = Failed { error: error.clone() },
        // After the commit too, ahead of an undo of the switch that may be cut off.
        (Record::Invalidated { reason, .. }, Running | Finished | Failed { .. } | Invalidated { .. })
            if !step.after_commit =>
        {
            next.status = Invalidated { reason: reason.clone() };
        }
        (
            Record::UndoStarted { .. },
            Running | Finished | Failed { .. } | Invalidated { .. } | Undoing | Stuck { .. },
        ) => next.status = Undoing,
        (Record::UndoFinished { .. }, Undoing) => {
            let StepState { after_commit, begun, .. } = *step;
            next = StepState { status: Undone, after_commit, begun, ..StepState::default() };
        }
        (Record::UndoFailed { error, .. }, Undoing) => next.status = Stuck { error: error.clone() },
        _ => return None,
    }
    Some(next)
}

#[cfg(test)]
mod tests;
