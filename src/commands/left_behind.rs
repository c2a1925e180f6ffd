//! What a run that ended early has left behind: said by what is, and not by what was meant to be.

use crate::engine::{Reached, has_begun};
use crate::journal::{Phase, State};
use crate::plan::{Action, Plan};
use crate::steps::Run;

/// What the containers of the old server do now.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Containers {
    /// None of them runs.
    Stopped,
    /// These run.
    Run(Vec<String>),
    /// Docker did not say.
    Unknown,
}

/// Says what a run that ended early has left behind, by what its journal and docker tell.
pub(super) async fn left_behind(run: &Run, reached: Reached, state: &State) -> String {
    let Some(server) = run.plan.server() else {
        return state_of_things(&run.plan, reached, state, &Containers::Stopped);
    };
    let containers = match run.platform.containers_of(&server.deployment.project.name).await {
        Err(_) => Containers::Unknown,
        Ok(all) => {
            let running = all.into_iter().filter(|one| one.state.running);
            let mut names: Vec<String> = running.map(|one| one.name).collect();
            names.sort();
            if names.is_empty() { Containers::Stopped } else { Containers::Run(names) }
        }
    };
    state_of_things(&run.plan, reached, state, &containers)
}

fn state_of_things(plan: &Plan, reached: Reached, state: &State, containers: &Containers) -> String {
    let stopping = has_begun(plan, state, Action::StopStack);
    let known = match (reached, state.phase) {
        (Reached::NewServer, _) => "The new server is left as it is; the old data are kept beside it.",
        (Reached::Preparation, Phase::RollingBack | Phase::Stuck) if state.is_committed() => {
            "The switch is being taken back, and not all of it is: the old data and files are kept, some of them still under the names that the switch gave them."
        }
        (Reached::Preparation, Phase::Committed) => {
            "The switch to the new server is as an earlier run left it; the old data and files are kept."
        }
        (Reached::Preparation, _) if !stopping => "The old server was not touched.",
        (Reached::Preparation, _) => match containers {
            Containers::Stopped => "The old server is stopped; its data and files are as they were.",
            Containers::Unknown => {
                "The old server was to be stopped, and docker does not say whether it is; its data and files are as they were."
            }
            Containers::Run(names) => {
                let (count, names) = (names.len(), names.join(", "));
                let (containers, run) = if count == 1 { ("container", "runs") } else { ("containers", "run") };
                return format!(
                    "{count} {containers} of the old server still {run} ({names}); its data and files are as they were."
                );
            }
        },
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Record;
    use crate::plan::sample;

    #[test]
    fn what_is_said_about_the_old_server_is_true_at_each_moment() {
        let mut state = State::new(crate::journal::sample::opened());
        let step = str::to_owned;
        let mut tell = |reached: Reached, records: &[Record]| {
            records.iter().for_each(|record| state.apply(record.clone()).unwrap());
            state_of_things(&sample::plan(), reached, &state, &Containers::Stopped)
        };
        let planned = Record::Planned { plan: serde_json::json!({}), fingerprints: Default::default() };
        assert_eq!(tell(Reached::Preparation, &[planned]), "The old server was not touched.");
        let stopped = Record::Started { step: step("stop_stack") };
        assert!(tell(Reached::Preparation, &[stopped]).starts_with("The old server is stopped;"));
        let output = serde_json::Value::Null;
        let finished = Record::Finished { step: step("stop_stack"), output };
        assert!(tell(Reached::Preparation, &[finished, Record::Committed]).contains("as an earlier run left it"));
        let retiring = Record::Started { step: step("retire_sources") };
        let undoing = Record::UndoStarted { step: step("retire_sources") };
        assert!(tell(Reached::Preparation, &[retiring, undoing]).starts_with("The switch is being taken back"));
        let stuck = Record::UndoFailed { step: step("retire_sources"), error: "e".into() };
        assert!(tell(Reached::Preparation, &[stuck]).starts_with("The switch is being taken back"));
        assert!(tell(Reached::NewServer, &[]).starts_with("The new server is left as it is;"));
    }

    #[test]
    fn a_server_that_could_not_be_stopped_is_not_told_to_be() {
        let mut state = State::new(crate::journal::sample::opened());
        let planned = Record::Planned { plan: serde_json::json!({}), fingerprints: Default::default() };
        let stopping = Record::Started { step: "stop_stack".to_owned() };
        let after = |state: &State, names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            state_of_things(&sample::plan(), Reached::Preparation, state, &Containers::Run(names))
        };
        state.apply(planned).unwrap();
        assert_eq!(after(&state, &["trains-mongo"]), "The old server was not touched.");
        state.apply(stopping).unwrap();
        insta::assert_snapshot!(after(&state, &["trains-elastic", "trains-mongo"]), @"2 containers of the old server still run (trains-elastic, trains-mongo); its data and files are as they were.");
        insta::assert_snapshot!(after(&state, &["trains-mongo"]), @"1 container of the old server still runs (trains-mongo); its data and files are as they were.");
        insta::assert_snapshot!(state_of_things(&sample::plan(), Reached::Preparation, &state, &Containers::Unknown), @"The old server was to be stopped, and docker does not say whether it is; its data and files are as they were.");
    }

    #[test]
    fn a_copy_that_cannot_be_removed_is_not_told_to_be_a_part_of_the_switch() {
        let mut state = State::new(crate::journal::sample::opened());
        let planned = Record::Planned { plan: serde_json::json!({}), fingerprints: Default::default() };
        let name = str::to_owned;
        let (stop, copy) = ("stop_stack", "copy_mongo");
        for record in [
            planned,
            Record::Started { step: name(stop) },
            Record::Finished { step: name(stop), output: serde_json::Value::Null },
            Record::Started { step: name(copy) },
            Record::Invalidated { step: name(copy), reason: "r".into() },
            Record::UndoStarted { step: name(copy) },
            Record::UndoFailed { step: name(copy), error: "e".into() },
        ] {
            state.apply(record).unwrap();
        }
        assert_eq!(state.phase, Phase::Stuck);
        assert!(
            state_of_things(&sample::plan(), Reached::Preparation, &state, &Containers::Stopped)
                .starts_with("The old server is stopped; its data")
        );
    }
}
