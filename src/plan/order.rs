//! The steps of a plan: which it has, in which order, and which of them do what.

use super::{Action, Plan, Stage, Step};
use crate::role::Role;

impl Plan {
    /// Returns the steps that do this, in their order.
    pub fn steps_that(&self, action: Action) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.action == action)
    }

    /// Returns the id of the first step that does this, if the plan has one.
    pub fn id_of(&self, action: Action) -> Option<&str> {
        self.steps_that(action).next().map(|step| step.id.as_str())
    }

    /// Returns the steps of a stage, in their order.
    pub fn stage(&self, stage: Stage) -> impl DoubleEndedIterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.stage == stage)
    }

    /// Returns the step with which a server may begin to work on the new data: the start of the new one or, where the user
    /// starts one, the last of the switch, which gives the data their names.
    pub fn hands_over(&self) -> Option<&Step> {
        self.stage(Stage::Serve).next().or_else(|| self.stage(Stage::Switch).next_back())
    }

    /// Returns the steps that follow from the rest of the plan, by the names that journals know: those that are planned, and
    /// those of plans that were stored without any. Where other ones are planned, the list of these stays.
    pub fn usual_steps(&self) -> Vec<Step> {
        let has_server = self.server().is_some();
        let copies = |store| self.stores.iter().any(|one| one.role == store);
        let files = |store| Action::CopyFiles { store };
        [
            (true, "pull_images", Stage::Prepare, Action::PullImages),
            (has_server, "stop_stack", Stage::Prepare, Action::StopStack),
            (!self.rescues.is_empty(), "rescue", Stage::Prepare, Action::Rescue),
            (!self.archives.is_empty(), "back_up", Stage::Prepare, Action::BackUp),
            (true, "copy_elastic", Stage::Prepare, Action::COPY_ELASTIC),
            (true, "verify_elastic", Stage::Prepare, Action::VERIFY_ELASTIC),
            (copies(Role::Mongo), "copy_mongo", Stage::Prepare, files(Role::Mongo)),
            (copies(Role::Redis), "copy_redis", Stage::Prepare, files(Role::Redis)),
            (true, "retire_sources", Stage::Switch, Action::RetireSources),
            (self.home.to.is_some(), "move_home", Stage::Switch, Action::MoveHome),
            (has_server, "rewrite_compose", Stage::Switch, Action::RewriteCompose),
            (has_server, "start_stack", Stage::Serve, Action::StartStack),
            (has_server, "check_health", Stage::Serve, Action::CheckHealth),
        ]
        .into_iter()
        .filter(|(is_needed, ..)| *is_needed)
        .map(|(_, id, stage, action)| Step::new(id, stage, action))
        .collect()
    }
}
