//! The real machine, as the engine sees it.

use super::{
    Done, Run, back_up, check_health, copy_data, copy_elastic, extent, move_home, node, old_data_there, pull_images,
    rescue, retire_sources, rewrite_compose, sources, start_stack, stop_stack, verify_elastic,
};
use crate::engine::{Change, World};
use crate::error::Result;
use crate::events::Events;
use crate::journal::{Record, State};
use crate::plan::Step;
use crate::role::Role;

impl World for Run {
    fn steps(&self) -> Vec<Step> {
        self.plan.steps()
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

    async fn apply(&self, step: Step) -> Result<Done> {
        match step {
            Step::PullImages => pull_images::apply(self).await,
            Step::StopStack => stop_stack::apply(self).await,
            Step::Rescue => rescue::apply(self).await,
            Step::BackUp => back_up::apply(self).await,
            Step::CopyElastic => copy_elastic::apply(self).await,
            Step::VerifyElastic => verify_elastic::apply(self).await,
            Step::CopyMongo => copy_data::apply(self, Role::Mongo).await,
            Step::CopyRedis => copy_data::apply(self, Role::Redis).await,
            Step::RetireSources => retire_sources::apply(self).await,
            Step::MoveHome => move_home::apply(self).await,
            Step::RewriteCompose => rewrite_compose::apply(self).await,
            Step::StartStack => start_stack::apply(self).await,
            Step::CheckHealth => check_health::apply(self).await,
        }
    }

    async fn undo(&self, step: Step) -> Result<()> {
        match step {
            // Images and answers are nothing that the old server could mind.
            Step::PullImages | Step::CheckHealth => Ok(()),
            Step::VerifyElastic => verify_elastic::undo(self).await,
            Step::Rescue => rescue::undo(self).await,
            Step::BackUp => back_up::undo(self).await,
            Step::StopStack => stop_stack::undo(self).await,
            Step::CopyElastic => copy_elastic::undo(self).await,
            Step::CopyMongo => copy_data::undo(self, Role::Mongo).await,
            Step::CopyRedis => copy_data::undo(self, Role::Redis).await,
            Step::RetireSources => retire_sources::undo(self).await,
            Step::MoveHome => move_home::undo(self).await,
            Step::RewriteCompose => rewrite_compose::undo(self).await,
            Step::StartStack => start_stack::undo(self).await,
        }
    }

    async fn remove_leftovers(&self) -> Result<()> {
        node::remove_leftovers(self).await
    }

    async fn old_server_runs(&self) -> Result<bool> {
        Ok(!stop_stack::running(self).await?.is_empty())
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
        stop_stack::require_stopped(self).await?;
        extent::extent(self)?;
        rewrite_compose::require_unedited(self).await
    }

    async fn require_old_data(&self) -> Result<()> {
        old_data_there::require_old_data(self).await
    }

    async fn new_server_works(&self) -> Result<bool> {
        check_health::works_by_now(self).await
    }
}
