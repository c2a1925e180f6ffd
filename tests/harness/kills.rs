//! In which step a run was killed, by its own journal, and what came of it: a table, and the proof that no step of the
//! plan was left out.

use super::call::Outcome;
use super::stopwatch::Stopwatch;
use clearml_migrate::journal::{Journal, State, Status};
use clearml_migrate::plan::{Plan, stored};
use std::path::PathBuf;

/// Which way the killed run was on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    There,
    Back,
}

struct Row {
    way: Way,
    step: String,
    place: String,
    typed: String,
    afterwards: String,
}

/// The rows so far. The journal moves with the home, so that there are several places for it.
pub struct Kills {
    journals: Vec<PathBuf>,
    rows: Vec<Row>,
    clock: Stopwatch,
}

impl Kills {
    /// Returns a table without rows, for the run whose journal is in one of these places.
    pub fn of(journals: Vec<PathBuf>) -> Self {
        Self { journals, rows: Vec::new(), clock: Stopwatch::start() }
    }

    /// Adds a run that must have been killed at a failpoint. `typed` tells how it was called.
    #[track_caller]
    pub fn add(&mut self, way: Way, place: &str, typed: &str, outcome: Outcome) {
        outcome.killed();
        let (state, _) = self.journal();
        let cut_off = |status: &Status| matches!(status, Status::Running | Status::Undoing);
        let step = state.steps().filter(|(_, step)| cut_off(&step.status)).map(|(name, _)| name.to_owned()).next_back();
        let step = step.unwrap_or_else(|| "(between two)".to_owned());
        self.clock.tell(&format!("{step}, {place}"));
        self.went_on(way, &format!("the same command went on to {step}"));
        let (place, typed) = (place.to_owned(), typed.to_owned());
        self.rows.push(Row { way, step, place, typed, afterwards: String::new() });
    }

    /// Notes that the run after the last that was killed came to its end.
    pub fn finished(&mut self, way: Way) {
        self.clock.tell("not killed");
        self.went_on(way, "the same command finished");
    }

    fn went_on(&mut self, way: Way, how: &str) {
        if let Some(last) = self.rows.last_mut().filter(|last| last.way == way) {
            last.afterwards = how.to_owned();
        }
    }

    /// Prints the table, and requires that the run was killed in each step of its plan.
    #[track_caller]
    pub fn print_and_require_every_step(&self, command: &str) {
        println!("\n{command}, killed with SIGKILL:");
        println!("{:<6} {:<16} {:<34} {:<8} afterwards", "way", "in the step", "at", "typed");
        for Row { way, step, place, typed, afterwards } in &self.rows {
            println!("{:<6} {step:<16} {place:<34} {typed:<8} {afterwards}", format!("{way:?}").to_lowercase());
        }
        let (_, plan) = self.journal();
        let killed = |step: &str| self.rows.iter().any(|row| row.way == Way::There && row.step == step);
        let left_out: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).filter(|step| !killed(step)).collect();
        assert!(left_out.is_empty(), "{command} was not killed in {}", left_out.join(", "));
        assert!(self.rows.iter().all(|row| !row.afterwards.is_empty()), "a killed run was not continued");
    }

    fn journal(&self) -> (State, Plan) {
        let file = self.journals.iter().find(|file| file.is_file());
        let file = file.unwrap_or_else(|| panic!("no journal: {:?}", self.journals));
        let state = Journal::peek(file).unwrap();
        let plan = stored::read(state.plan.as_ref().unwrap(), [], &state.opened.program).unwrap();
        (state, plan)
    }
}
