use super::*;
use serde_json::json;

fn state() -> State {
    let opened = Opened {
        run_id: "r".into(),
        program: "0.1.0".into(),
        created: jiff::Timestamp::UNIX_EPOCH,
        home: "/opt/trains".into(),
    };
    State::new(opened)
}

fn planned() -> Record {
    Record::Planned { plan: json!({}), fingerprints: BTreeMap::new() }
}

/// One word per record: `+a` started, `=a` finished, `!a` failed, `~a` invalidated, `*a` note, `<a` undo started,
/// `-a` undo finished, `?a` undo failed; the others by name.
fn record(word: &str) -> Record {
    let named = |step: &str| step.to_owned();
    match word {
        "plan" => planned(),
        "commit" => Record::Committed,
        "uncommit" => Record::Uncommitted,
        "complete" => Record::Completed,
        "rolled-back" => Record::RolledBack,
        "cancel" => Record::Cancelled,
        _ => {
            let step = named(&word[1..]);
            match &word[..1] {
                "+" => Record::Started { step },
                "=" => Record::Finished { step, output: json!("output") },
                "!" => Record::Failed { step, error: "e".into() },
                "~" => Record::Invalidated { step, reason: "r".into() },
                "*" => Record::Note { step, key: "k".into(), value: json!(1).into() },
                "<" => Record::UndoStarted { step },
                "-" => Record::UndoFinished { step },
                "?" => Record::UndoFailed { step, error: "e".into() },
                other => panic!("unknown word {other}"),
            }
        }
    }
}

/// Applies the words; on a refusal returns the word that was refused.
fn play(words: &str) -> Result<State, String> {
    let mut state = state();
    for word in words.split_whitespace() {
        let before = state.clone();
        if state.apply(record(word)).is_err() {
            assert_eq!(state, before, "a refused record changed the state");
            return Err(word.to_owned());
        }
    }
    Ok(state)
}

#[test]
fn a_run_without_trouble_completes() {
    let state = play("plan +a *a =a +b =b commit +c =c complete").unwrap();
    assert_eq!(state.phase, Phase::Completed);
    assert_eq!(state.step("a").output, Some(json!("output")));
    assert!(state.step("c").after_commit && !state.step("a").after_commit);
    assert_eq!(state.steps().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(state.step("never").status, Status::Pending);
}

#[test]
fn what_was_cut_off_or_failed_starts_again_with_its_notes() {
    let state = play("plan +a *a +a !a cancel +a").unwrap();
    assert_eq!(state.step("a").status, Status::Running);
    assert_eq!(state.step("a").notes["k"], json!(1).into());
    assert_eq!(state.stopped, None);
    assert_eq!(play("plan +a !a").unwrap().stopped, Some(Stopped::Failed { step: "a".into(), error: "e".into() }));
    assert_eq!(play("plan +a cancel").unwrap().stopped, Some(Stopped::Cancelled));
}

#[test]
fn a_changed_source_makes_a_step_run_again_without_rolling_back_the_run() {
    let state = play("plan +a *a =a +b =b ~b <b -b +b =b commit").unwrap();
    assert_eq!(state.phase, Phase::Committed);
    let undone = play("plan +a *a =a ~a <a <a -a").unwrap();
    assert_eq!((undone.phase, undone.step("a").notes.len()), (Phase::Preparing, 0));
    assert_eq!(play("plan +a =a ~a commit").unwrap_err(), "commit");
    assert_eq!(play("plan +a *a =a ~a +a").unwrap().step("a").notes.len(), 1);
}

#[test]
fn copies_are_invalidated_ahead_of_the_undo_of_the_switch_so_that_a_cut_off_forgets_nothing() {
    let words = "plan +a =a commit +b =b +c !c ~a <c";
    let state = play(words).unwrap();
    assert!(matches!(state.step("a").status, Status::Invalidated { .. }) && state.phase == Phase::RollingBack);
    let state = play(&format!("{words} -c <b -b uncommit <a <a -a +a =a commit +b =b +c =c complete")).unwrap();
    assert_eq!(state.phase, Phase::Completed);
    assert_eq!(play("plan +a =a commit +b =b ~b").unwrap_err(), "~b", "the switch is undone, not invalidated");
    assert_eq!(play("plan +a =a commit +b =b ~a complete").unwrap_err(), "complete");
}

#[test]
fn which_step_was_started_later_is_known_even_when_both_are_undone() {
    let since = |words: &str| play(words).unwrap().started_since("b", "a");
    assert!(!since("plan"));
    assert!(!since("plan +a =a commit"));
    assert!(since("plan +a =a commit +b"));
    assert!(since("plan +a =a commit +b !b <b -b uncommit"));
    assert!(since("plan +a =a commit +b =b <b -b <a"));
    assert!(!since("plan +a =a commit +b !b ~a <b -b uncommit <a -a +a =a commit"), "the new copy was not used");
    assert!(!since("plan +a =a commit +b =b <b -b <a -a rolled-back plan +a"), "nor that of another attempt");
}

#[test]
fn a_switch_that_fails_is_undone_alone_and_tried_again() {
    let state = play("plan +a =a commit +b =b +c !c <c -c <b -b uncommit").unwrap();
    assert_eq!((state.phase, state.is_committed()), (Phase::Preparing, false));
    assert_eq!(state.step("a").status, Status::Finished);
    let state = play("plan +a =a commit +b =b +c !c <c -c <b -b uncommit commit +b =b +c =c complete").unwrap();
    assert_eq!(state.phase, Phase::Completed);
    assert_eq!(play("plan +a =a commit +b =b +c !c <c -c uncommit").unwrap_err(), "uncommit");
}

#[test]
fn after_a_rollback_a_new_plan_begins_the_next_attempt() {
    let state = play("plan +a =a commit +b =b complete <b -b <a -a rolled-back plan +a").unwrap();
    assert_eq!((state.phase, state.attempt, state.is_committed()), (Phase::Preparing, 2, false));
    assert_eq!(state.steps().count(), 1);
    assert_eq!(play("plan +a =a <a +a").unwrap_err(), "+a");
    assert_eq!(play("plan +a =a <a -a +a").unwrap_err(), "+a", "a rollback is finished before going forward");
    assert_eq!(play("plan +a =a +b <a -a rolled-back").unwrap_err(), "rolled-back");
}

#[test]
fn a_failed_undo_is_stuck_until_it_is_tried_again() {
    let state = play("plan +a =a <a ?a").unwrap();
    assert_eq!((state.phase, state.step("a").status.clone()), (Phase::Stuck, Status::Stuck { error: "e".into() }));
    assert_eq!(state.step("a").output, Some(json!("output")), "the undo still needs it");
    assert_eq!(play("plan +a =a <a ?a <a -a rolled-back").unwrap().phase, Phase::RolledBack);
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (words, refused) in [
        ("+a", "+a"),
        ("commit", "commit"),
        ("plan =a", "=a"),
        ("plan *a", "*a"),
        ("plan <a", "<a"),
        ("plan +a =a +a", "+a"),
        ("plan +a plan", "plan"),
        ("plan +a commit", "commit"),
        ("plan +a =a complete", "complete"),
        ("plan +a =a commit +b complete", "complete"),
        ("plan +a =a commit complete +b", "+b"),
        ("plan rolled-back <a", "<a"),
        ("plan uncommit", "uncommit"),
        ("plan +a -a", "-a"),
    ] {
        assert_eq!(play(words).unwrap_err(), refused, "{words}");
    }
    let mut state = state();
    let illegal = state.apply(Record::Opened(state.opened.clone())).unwrap_err();
    assert!(illegal.to_string().contains("cannot follow in the phase Preparing"));
}
