//! The real machine, as the engine sees it.

use super::{
    Done, Run, back_up, check_health, containers, extent, node, rescue, rewrite_compose, rollback_precheck, sources,
};
use crate::engine::{Change, World};
use crate::error::Result;
use crate::events::Events;
use crate::journal::{Record, State, Status};
use crate::plan::{Action, Step};

impl World for Run {
    fn steps(&self) -> &[Step] {
        &self.plan.steps
    }

    fn look<T>(&self, at: impl FnOnce(&State) -> T) -> T {
        at(self.journal().state())
    }

    fn record(&self, record: Record) -> Result<()> {
        self.journal().append(record)
    }

    fn events(&self) -> &Events {
        &self.events
    }

    fn check_cancelled(&self) -> Result<()> {
        Run::check_cancelled(self)
    }

    fn go_back(&self) {
        Run::go_back(self);
    }

    fn stays_stopped(&self) -> bool {
        self.options.no_start
    }

    async fn apply(&self, step: &Step) -> Result<Done> {
        super::apply(self, step).await
    }

    async fn undo(&self, step: &Step) -> Result<()> {
        super::undo(self, step).await
    }

    async fn remove_leftovers(&self) -> Result<()> {
        node::remove_leftovers(self).await
    }

    async fn started_again(&self) -> Result<Option<Change>> {
        let is_stopped = |step: &&Step| self.journal().state().step(&step.id).status == Status::Finished;
        let Some(step) = self.plan.steps_that(Action::StopStack).find(is_stopped) else { return Ok(None) };
        let change = Change {
            what: "The old server".to_owned(),
            told: "was started again since it was stopped; it is stopped once more",
            again: vec![step.id.clone()],
        };
        Ok((!containers::running(self).await?.is_empty()).then_some(change))
    }

    async fn changed_sources(&self) -> Result<Vec<Change>> {
        let mut changes = rescue::changes(self).await?;
        changes.extend(sources::changes(self).await?);
        Ok(changes)
    }

    async fn changed_archives(&self) -> Result<Vec<Change>> {
        back_up::changes(self).await.map(|change| change.into_iter().collect())
    }

    /// All that was planned is copied and compared, nothing runs, nobody edited the files that will be rewritten.
    async fn require_switchable(&self) -> Result<()> {
        containers::require_stopped(self).await?;
        extent::extent(self)?;
        rewrite_compose::require_unedited(self).await
    }

    async fn require_old_data(&self) -> Result<()> {
        rollback_precheck::require_old_data(self).await
    }

    async fn new_server_works(&self) -> Result<bool> {
        check_health::works_by_now(self).await
    }
}
