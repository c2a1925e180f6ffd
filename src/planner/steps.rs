//! Decides on the steps of a plan, their order and their names, which the journal will have.

use crate::plan::{Action, Plan, Stage, Step, Store, Way};
use crate::role::Role;

/// Returns the steps that a plan needs which has everything else.
pub(super) fn decide(plan: &Plan) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut add = |is_needed: bool, id: &str, stage, action| {
        steps.extend(is_needed.then(|| Step::new(id, stage, action)));
    };
    let has_server = plan.server().is_some();
    add(true, "pull_images", Stage::Prepare, Action::PullImages);
    add(has_server, "stop_stack", Stage::Prepare, Action::StopStack);
    add(!plan.rescues.is_empty(), "rescue", Stage::Prepare, Action::Rescue);
    add(!plan.archives.is_empty(), "back_up", Stage::Prepare, Action::BackUp);
    for Store { role: store, way, .. } in &plan.stores {
        let store = *store;
        match (way, store) {
            (Way::Reindexing(_), _) => {
                add(true, "copy_elastic", Stage::Prepare, Action::CopyDocuments { store });
                add(true, "verify_elastic", Stage::Prepare, Action::VerifyDocuments { store });
            }
            (Way::CopyingFiles, Role::Mongo) => add(true, "copy_mongo", Stage::Prepare, Action::CopyFiles { store }),
            (Way::CopyingFiles, _) => add(true, "copy_redis", Stage::Prepare, Action::CopyFiles { store }),
        }
    }
    add(true, "retire_sources", Stage::Switch, Action::RetireSources);
    add(plan.home.to.is_some(), "move_home", Stage::Switch, Action::MoveHome);
    add(has_server, "rewrite_compose", Stage::Switch, Action::RewriteCompose);
    add(has_server, "start_stack", Stage::Serve, Action::StartStack);
    add(has_server, "check_health", Stage::Serve, Action::CheckHealth);
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample;

    #[test]
    fn a_plan_has_the_steps_that_follow_from_it_by_the_names_that_journals_know() {
        let plan = sample::plan();
        assert_eq!(decide(&plan), plan.steps);
        let mut less = sample::plan();
        (less.home.to, less.archives) = (None, Vec::new());
        less.stores.truncate(1);
        let left_out = ["back_up", "copy_mongo", "copy_redis", "move_home"];
        let expected = plan.steps.into_iter().filter(|step| !left_out.contains(&step.id.as_str()));
        assert_eq!(decide(&less), expected.collect::<Vec<_>>());
    }
}
