//! Journals of earlier versions, cut off behind every record as a kill would have left them: each is gone on with and taken
//! back, on a machine that is as its steps had left it.

use super::fake::Fake;
use super::machine::{Machine, Trouble};
use super::{Story, World, execute, roll_back};
use crate::journal::sample::Golden;
use crate::journal::{Phase, Record, State, Status};
use crate::plan::{Plan, stored};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

/// Returns the records of a journal behind the first, each as a line of JSON.
fn records(journal: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(journal).unwrap();
    let record = |line: &str| -> Value { serde_json::from_str(line.splitn(4, ' ').last().unwrap()).unwrap() };
    text.lines().skip(1).map(|line| record(line)["record"].to_string()).collect()
}

fn state(records: &[String]) -> State {
    let mut state = State::new(crate::journal::sample::opened());
    records.iter().for_each(|record| state.apply(serde_json::from_str(record).unwrap()).unwrap());
    state
}

fn plan(records: &[String]) -> Plan {
    let state = state(records);
    stored::read(state.plan.as_ref().unwrap(), state.steps().map(|(step, _)| step), "0.1.0").unwrap()
}

/// Returns the machine before the run.
fn before(plan: &Plan) -> Machine {
    Machine { old_server_runs: plan.server().is_some(), ..Machine::new() }
}

/// Returns the machine as the steps of a journal have left it. Half of a step that was cut off is done.
async fn left_by(plan: &Plan, state: &State) -> Machine {
    let (machine, journal) = (RefCell::new(before(plan)), RefCell::default());
    for step in &plan.steps {
        let id = || step.id.clone();
        let trouble = match state.step(&step.id).status {
            Status::Pending | Status::Undone => continue,
            Status::Running | Status::Failed { .. } => Trouble::Fails(id()),
            Status::Finished | Status::Invalidated { .. } | Status::Undoing | Status::Stuck { .. } => Trouble::None,
        };
        let life = Fake::new(&plan.steps, &machine, &journal, trouble);
        life.record(Record::Started { step: id() }).unwrap();
        let end = match life.apply(step).await {
            Ok(done) => Record::Finished { step: id(), output: done.output },
            Err(error) => Record::Failed { step: id(), error: error.to_string() },
        };
        life.record(end).unwrap();
    }
    machine.into_inner()
}

#[tokio::test]
async fn journals_of_earlier_versions_are_gone_on_with_and_taken_back_wherever_they_were_cut_off() {
    let (mut phases, mut cut_off_in) = (Vec::new(), BTreeSet::new());
    for journal in Golden::new().all() {
        let (name, all) = (journal.file_stem().unwrap().display().to_string(), records(&journal));
        let plan = plan(&all);
        let mut state = State::new(crate::journal::sample::opened());
        for (end, record) in (1..).zip(&all) {
            state.apply(serde_json::from_str(record).unwrap()).unwrap();
            let how = format!("{name}, cut off behind record {}", end + 1);
            let story = async || Story {
                steps: &plan.steps,
                machine: RefCell::new(left_by(&plan, &state).await),
                journal: RefCell::new(all[..end].to_vec()),
            };
            phases.push(state.phase);
            let is_cut_off = |status: &Status| matches!(status, Status::Running | Status::Undoing);
            cut_off_in.extend(
                state
                    .steps()
                    .filter(|(_, step)| is_cut_off(&step.status))
                    .map(|(id, step)| (plan.server().is_some(), id.to_owned(), step.status == Status::Undoing)),
            );
            let back = story().await;
            roll_back(&back.life(Trouble::None)).await.unwrap_or_else(|error| panic!("{how}: {error:?}"));
            back.require_as(&before(&plan), &how);
            if matches!(state.phase, Phase::RollingBack | Phase::RolledBack) {
                continue;
            }
            let on = story().await;
            let gone_on = execute(&on.life(Trouble::None)).await;
            gone_on.unwrap_or_else(|failure| panic!("{how}: {:?}", failure.error));
            match plan.server() {
                Some(_) => on.require_migrated(&how),
                None => {
                    let machine = on.machine.borrow();
                    assert_eq!(on.phase(), Phase::Completed, "{how}");
                    assert!(machine.file("new elastic").is_some() && machine.file("elastic").is_none(), "{how}");
                    assert_eq!(machine.file("new elastic"), machine.file("elastic_migrated"), "{how}");
                }
            }
        }
    }
    let seen = |phase| phases.iter().filter(|one| **one == phase).count();
    for phase in [Phase::Preparing, Phase::Committed, Phase::Completed, Phase::RollingBack, Phase::RolledBack] {
        assert!(seen(phase) > 0, "{phase:?} is not among them");
    }
    // Each step of a server's plan, and of one of Elasticsearch's data alone, there and back; no backup was taken back, and
    // of Elasticsearch's data alone none was killed while it was made.
    let of =
        |is_server, way| cut_off_in.iter().filter(|(server, _, back)| (*server, *back) == (is_server, way)).count();
    assert_eq!([of(true, false), of(true, true), of(false, false), of(false, true)], [12, 11, 4, 4], "{cut_off_in:?}");
}
