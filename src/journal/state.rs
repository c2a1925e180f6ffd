//! What follows from a journal: every legal transition is in [`State::apply`], and anything else is a typed error.

use super::kept::Kept;
use super::place::Place;
use super::record::{Opened, Record};
use crate::files::Fingerprint;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

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
    pub notes: BTreeMap<String, Kept>,
    /// What it gave when it finished last.
    pub output: Option<Value>,
    /// It was started after the commit.
    pub after_commit: bool,
    /// Which of the attempt's starts was its last, counted over all steps from 1; 0 if it was never started.
    pub begun: u64,
}

static NEVER_STARTED: StepState =
    StepState { status: Status::Pending, notes: BTreeMap::new(), output: None, after_commit: false, begun: 0 };

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
    /// Where its journal is.
    pub(super) place: Place,
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
            place: Place::default(),
        }
    }

    /// Returns the state after the first record of a journal that is at `path`.
    pub(super) fn of_journal(path: &Path, opened: Opened) -> Self {
        let place = Place::new(path, &opened.run_id);
        Self { place, ..Self::new(opened) }
    }

    /// Returns a step; one never started is pending.
    pub fn step(&self, name: &str) -> &StepState {
        self.steps.iter().find(|(step, _)| step == name).map_or(&NEVER_STARTED, |(_, state)| state)
    }

    /// Returns the steps started in this attempt, by order of their first start. To undo, go backwards.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = (&str, &StepState)> {
        self.steps.iter().map(|(name, state)| (name.as_str(), state))
    }

    /// Returns the names of the files that notes are in.
    pub(super) fn note_files(&self) -> BTreeSet<&str> {
        let notes = self.steps.iter().flat_map(|(_, step)| step.notes.values());
        notes.filter_map(|kept| if let Kept::File(file) = kept { Some(file.name.as_str()) } else { None }).collect()
    }

    /// Says where the journal is by now.
    pub(super) fn moved_to(&mut self, path: &Path) {
        self.place = Place::new(path, &self.opened.run_id);
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
    pub fn apply(&mut self, record: Record) -> Result<(), IllegalRecord> {
        let status = self.require(&record)?;
        self.take(record, status);
        Ok(())
    }

    /// Makes sure that a record can follow.
    ///
    /// # Errors
    /// Fails if it cannot.
    pub fn allows(&self, record: &Record) -> Result<(), IllegalRecord> {
        self.require(record).map(drop)
    }

    /// Returns where the record's step stands after it, if it has one.
    fn require(&self, record: &Record) -> Result<Option<Status>, IllegalRecord> {
        use Phase::{Committed, Completed, Preparing, RolledBack, RollingBack, Stuck};
        let illegal = |status| IllegalRecord { record: Box::new(record.clone()), phase: self.phase, status };
        let all_clean = || self.steps.iter().all(|(_, step)| step.is_clean());
        let all_finished = || self.steps.iter().all(|(_, step)| step.is_clean() || step.status == Status::Finished);
        let switch_undone = || self.steps.iter().all(|(_, step)| step.is_clean() || !step.after_commit);
        let is_legal = match (record, self.phase) {
            (Record::Planned { .. }, Preparing | RolledBack) => all_clean(),
            (Record::Committed, Preparing) => self.plan.is_some() && all_finished(),
            (Record::Uncommitted, Committed | RollingBack) => self.committed && switch_undone(),
            (Record::Completed, Committed) => all_finished(),
            (Record::RolledBack, Preparing | RollingBack | Committed) => all_clean(),
            (Record::Cancelled, Preparing | Committed | RollingBack | Stuck) => true,
            (
                Record::Started { step }
                | Record::Finished { step, .. }
                | Record::Failed { step, .. }
                | Record::Invalidated { step, .. },
                Preparing | Committed,
            )
            | (Record::Note { step, .. } | Record::NoteInFile { step, .. }, Preparing | Committed | RollingBack)
            | (Record::UndoStarted { step }, Preparing | Committed | Completed | RollingBack | Stuck)
            | (Record::UndoFinished { step } | Record::UndoFailed { step, .. }, Preparing | RollingBack) => {
                let before = self.step(step);
                let after = status_after(before, record).filter(|_| self.plan.is_some());
                return after.map(Some).ok_or_else(|| illegal(Some(before.status.clone())));
            }
            _ => false,
        };
        if is_legal { Ok(None) } else { Err(illegal(None)) }
    }

    /// Takes in a record that can follow; `status` is what [`State::require`] has returned for it.
    fn take(&mut self, record: Record, status: Option<Status>) {
        match record {
            Record::Planned { plan, fingerprints } => {
                self.attempt += u32::from(self.phase == Phase::RolledBack);
                self.plan = Some(plan);
                self.fingerprints = fingerprints;
                self.steps.clear();
                self.phase = Phase::Preparing;
                self.starts = 0;
                self.stopped = None;
            }
            Record::Committed => (self.phase, self.committed) = (Phase::Committed, true),
            Record::Uncommitted => (self.phase, self.committed) = (Phase::Preparing, false),
            Record::Completed => self.phase = Phase::Completed,
            Record::RolledBack => (self.phase, self.committed) = (Phase::RolledBack, false),
            Record::Cancelled => self.stopped = Some(Stopped::Cancelled),
            // Only ever the first one.
            Record::Opened(_) => {}
            Record::Started { step } => {
                self.starts += 1;
                let (starts, committed) = (self.starts, self.committed);
                self.enter(&step, status, |there| {
                    (there.output, there.after_commit, there.begun) = (None, committed, starts);
                });
            }
            Record::Note { step, key, value } => {
                self.enter(&step, status, |there| drop(there.notes.insert(key, value)));
            }
            Record::NoteInFile { step, key, file } => {
                self.enter(&step, status, |there| drop(there.notes.insert(key, Kept::File(file))));
            }
            Record::Finished { step, output } => self.enter(&step, status, |there| there.output = Some(output)),
            Record::Failed { step, error } | Record::UndoFailed { step, error } => {
                self.enter(&step, status, |_| ());
                self.stopped = Some(Stopped::Failed { step, error });
            }
            Record::Invalidated { step, .. } | Record::UndoStarted { step } => self.enter(&step, status, |_| ()),
            Record::UndoFinished { step } => {
                self.enter(&step, status, |there| (there.notes, there.output) = (BTreeMap::new(), None));
            }
        }
    }

    /// Brings a step to where it stands after a record, and the run with it.
    fn enter(&mut self, name: &str, status: Option<Status>, change: impl FnOnce(&mut StepState)) {
        let before = self.step(name).status.clone();
        let after = status.unwrap_or_else(|| before.clone());
        self.phase = phase_after(self.phase, &before, &after);
        self.stopped = None;
        if let Some((_, there)) = self.steps.iter_mut().find(|(step, _)| step == name) {
            there.status = after;
            return change(there);
        }
        let mut there = StepState { status: after, ..StepState::default() };
        change(&mut there);
        self.steps.push((name.to_owned(), there));
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

/// Returns where a step stands after the record, or nothing if it cannot follow.
fn status_after(step: &StepState, record: &Record) -> Option<Status> {
    use Status::{Failed, Finished, Invalidated, Pending, Running, Stuck, Undoing, Undone};
    match (record, &step.status) {
        // Running: cut off before, and begun again.
        (Record::Started { .. }, Pending | Running | Failed { .. } | Invalidated { .. } | Undone) => Some(Running),
        (Record::Note { .. } | Record::NoteInFile { .. }, Running) => Some(Running),
        (Record::Note { .. } | Record::NoteInFile { .. } | Record::UndoStarted { .. }, Undoing) => Some(Undoing),
        (Record::Finished { .. }, Running) => Some(Finished),
        (Record::Failed { error, .. }, Running) => Some(Failed { error: error.clone() }),
        // After the commit too, ahead of an undo of the switch that may be cut off.
        (Record::Invalidated { reason, .. }, Running | Finished | Failed { .. } | Invalidated { .. })
            if !step.after_commit =>
        {
            Some(Invalidated { reason: reason.clone() })
        }
        (Record::UndoStarted { .. }, Running | Finished | Failed { .. } | Invalidated { .. } | Stuck { .. }) => {
            Some(Undoing)
        }
        (Record::UndoFinished { .. }, Undoing) => Some(Undone),
        (Record::UndoFailed { error, .. }, Undoing) => Some(Stuck { error: error.clone() }),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
