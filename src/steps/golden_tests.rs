//! Journals that earlier versions have left, read by this one: nothing in them is passed over.

use super::Checked;
use super::copied::{CopiedElastic, VerifiedElastic, copied_by, partly_copied};
use crate::error::Result;
use crate::files::{Fingerprint, Owned, archive};
use crate::journal::sample::{Golden, cut_off_everywhere};
use crate::journal::{Journal, Kept, Phase, Record, State, Status};
use crate::plan::{Plan, stored};
use crate::transfer::{Places, Proof};
use std::path::Path;

const COPY: &str = "copy_elastic";

fn state(name: &str) -> State {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/journals").join(name);
    Journal::peek(&path).unwrap()
}

fn plan(state: &State) -> Plan {
    stored::read(state.plan.as_ref().unwrap(), state.steps().map(|(step, _)| step), &state.opened.program).unwrap()
}

/// Reads all that the steps have kept in the form that whoever needs it expects.
fn read_all(state: &State) -> Result<()> {
    copied_by(state, COPY)?;
    for (step, _) in state.steps() {
        state.all_noted::<Owned>(step, "claim ")?;
        state.all_noted::<Fingerprint>(step, "fingerprint ")?;
        state.all_noted::<Fingerprint>(step, "copy ")?;
        state.all_noted::<bool>(step, "removing the unused ")?;
        state.all_noted::<archive::Archived>(step, "archived ")?;
    }
    state.output::<CopiedElastic>(COPY)?;
    state.output::<VerifiedElastic>("verify_elastic")?;
    state.output::<Checked>("check_health").map(drop)
}

#[test]
fn a_migration_that_is_done_can_be_compared_and_taken_back() {
    for (name, steps, documents) in [("elastic-completed.journal", 4, 11), ("server-completed.journal", 12, 150)] {
        let state = state(name);
        assert_eq!((state.phase, plan(&state).steps.len()), (Phase::Completed, steps), "{name}");
        read_all(&state).unwrap();
        let copied: CopiedElastic = state.output(COPY).unwrap().unwrap();
        assert_eq!(copied.counts.values().sum::<u64>(), documents, "{name}");
        let noted = copied_by(&state, COPY).unwrap();
        let counts = noted.iter().map(|one| (one.outcome.collection.clone(), one.outcome.written)).collect();
        assert_eq!(copied.counts, counts, "{name}");
        let verified: VerifiedElastic = state.output("verify_elastic").unwrap().unwrap();
        let mut places = Places::new(Some(Proof::Documents), []);
        copied.counts.iter().for_each(|(index, count)| places.plan(index, Some(*count)));
        noted.iter().for_each(|one| places.outcome(&one.outcome));
        verified.verified.iter().for_each(|one| places.read(&one.collection, one.into()));
        assert_eq!((places.discrepancies(), places.extent().1), (Vec::new(), documents), "{name}");
    }
}

#[test]
fn a_copy_that_was_cut_off_is_gone_on_with() {
    let state = state("elastic-copy-cut-off.journal");
    read_all(&state).unwrap();
    assert_eq!(state.step(COPY).status, Status::Running);
    let partial = partly_copied(&state, COPY, "events-log-d1bd").unwrap().unwrap();
    assert!((1..8).contains(&partial.documents()), "{partial:?}");
    assert_eq!(partly_copied(&state, COPY, "events-plot-d1bd").unwrap(), None);
}

#[test]
fn a_copy_that_was_not_compared_yet_is_known_by_index() {
    let state = state("elastic-copied.journal");
    read_all(&state).unwrap();
    let names: Vec<String> = copied_by(&state, COPY).unwrap().into_iter().map(|one| one.outcome.collection).collect();
    assert_eq!(names, ["events-log-d1bd", "events-training_stats_scalar-d1bd", "worker_stats_d1bd_2020-06"]);
    assert_eq!(plan(&state).elastic().unwrap().indices, names);
}

#[test]
fn what_is_known_of_an_index_is_read_from_the_file_that_it_has() {
    let state = state("elastic-notes-in-files.journal");
    assert_eq!((state.phase, plan(&state).steps.len()), (Phase::Completed, 4));
    let in_files = state.step(COPY).notes.values().filter(|kept| matches!(kept, Kept::File(_)));
    assert_eq!(in_files.count(), 3, "the fingerprint of the source, and two indices");
    read_all(&state).unwrap();
    let copied: CopiedElastic = state.output(COPY).unwrap().unwrap();
    let noted = copied_by(&state, COPY).unwrap();
    let counts = noted.iter().map(|one| (one.outcome.collection.clone(), one.outcome.written)).collect();
    assert_eq!(copied.counts, counts);
    assert!(noted.iter().all(|one| one.outcome.digest.documents() == one.outcome.written));
}

#[test]
fn a_migration_that_was_taken_back_begins_anew() {
    let state = state("elastic-rolled-back.journal");
    assert_eq!(state.phase, Phase::RolledBack);
    plan(&state);
    read_all(&state).unwrap();
}

#[test]
fn all_that_the_program_of_7fc5be1_has_left_is_read_wherever_it_was_cut_off() {
    let golden = Golden::new();
    let (mut partial, mut whole, mut verified) = (0, 0, 0);
    for journal in golden.of_7fc5be1() {
        let place = tempfile::tempdir().unwrap();
        cut_off_everywhere(&journal, &place.path().join("journal"), |cut, how| {
            let state = Journal::peek(cut).unwrap();
            let plan = plan(&state);
            read_all(&state).unwrap_or_else(|error| panic!("{how}: {error:?}"));
            // Each index that is noted is there whole, or as far as it has come; none is passed over.
            let copied = copied_by(&state, COPY).unwrap();
            let half = plan.elastic().unwrap().indices.iter();
            let half = half.filter(|index| partly_copied(&state, COPY, index).unwrap().is_some()).count();
            let noted = state.step(COPY).notes.keys().filter(|key| key.starts_with("index ")).count();
            assert_eq!(copied.len() + half, noted, "{how}");
            (partial, whole) = (partial.max(half), whole.max(copied.len()));
            if let Some(output) = state.output::<VerifiedElastic>("verify_elastic").unwrap() {
                assert_eq!(output.verified.len(), copied.len(), "{how}");
                verified = verified.max(output.verified.len());
            }
        });
    }
    assert!(partial > 0 && whole > 5 && verified == whole, "{partial}, {whole}, {verified}");
}

#[test]
fn a_journal_of_7fc5be1_that_tells_of_a_step_that_is_not_known_is_refused_by_its_name() {
    let golden = Golden::new();
    let (place, mut refused) = (tempfile::tempdir().unwrap(), 0);
    for journal in golden.of_7fc5be1() {
        cut_off_everywhere(&journal, &place.path().join("journal"), |cut, how| {
            let mut state = Journal::peek(cut).unwrap();
            if state.apply(Record::Started { step: "raise_mongo".to_owned() }).is_ok() {
                let begun = state.steps().map(|(step, _)| step);
                let error = stored::read(state.plan.as_ref().unwrap(), begun, &state.opened.program).unwrap_err();
                assert!(error.message().contains("raise_mongo"), "{how}: {error:?}");
                assert!(error.hints()[0].contains("version 0.1.0 of this program began the migration"), "{error:?}");
                refused += 1;
            }
        });
    }
    assert!(refused > 50, "{refused}");
}

#[test]
fn a_note_on_an_index_that_cannot_be_understood_is_named_and_not_left_out() {
    use serde_json::json;

    let whole = state("elastic-copied.journal");
    let good: serde_json::Value = whole.noted(COPY, "index events-log-d1bd").unwrap().unwrap();
    let read = |value: serde_json::Value| {
        let (step, key) = (COPY.to_owned(), "index events-log-d1bd".to_owned());
        let mut state = State::new(crate::journal::sample::opened());
        let planned = Record::Planned { plan: json!({}), fingerprints: Default::default() };
        let note =
            |key: &str, value| Record::Note { step: step.clone(), key: key.to_owned(), value: Kept::Here(value) };
        // Notes of another kind under the same step are known by their keys.
        let others = [note("reader", good.clone()), note("claim /x", json!({ "path": "/x", "was_directory": false }))];
        let records = [planned, Record::Started { step: step.clone() }, note(&key, value)].into_iter().chain(others);
        records.for_each(|record| state.apply(record).unwrap());
        copied_by(&state, COPY)
    };
    assert_eq!(read(good.clone()).unwrap().len(), 1);
    let mut of_the_future = good.clone();
    of_the_future["outcome"]["digest"] = json!({ "of another kind": 1 });
    for unknown in [of_the_future, json!({ "partial": 7 }), json!({})] {
        let error = read(unknown).unwrap_err();
        assert_eq!(
            error.message(),
            "In the journal, the note \"index events-log-d1bd\" of the step copy_elastic cannot be understood."
        );
    }
}
