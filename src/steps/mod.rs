//! The steps of a migration, one file each: doing it, and taking it back.
//!
//! Every step can be applied twice and undone twice: it looks at what is there instead of trusting what it remembers.
//! Undoing removes only what the step made. Steps are the only place that knows both docker and Elasticsearch.

mod back_up;
mod check_health;
mod collisions;
mod compare;
mod copy_data;
mod copy_elastic;
mod databases;
mod extent;
#[cfg(test)]
mod golden_tests;
mod java;
mod keep;
mod move_home;
mod new_data;
mod node;
mod old_data;
mod old_data_there;
mod pull_images;
mod put_away;
mod readable;
mod recorded;
mod rescue;
mod retire_sources;
mod rewrite_compose;
mod room;
mod run;
mod sources;
mod start_stack;
mod stop_containers;
mod stop_stack;
mod values;
mod verify_elastic;

pub use back_up::changed_archives;
pub use check_health::{Checked, works_by_now};
pub use collisions::require_same_collisions;
pub use compare::{Comparison, compare_again};
pub use copy_elastic::CopiedElastic;
pub use extent::extent;
pub use node::remove_leftovers;
pub use old_data_there::require_old_data;
pub use put_away::{may_have_been_used, set_aside};
pub use recorded::{Change, Migrated, Recorded, Told, may_have_recorded, recorded};
pub use rescue::changed_containers;
pub use run::{Options, Run, blocking, project_args};
pub use sources::changed_sources;
pub use verify_elastic::VerifiedElastic;

use crate::deployment::Role;
use crate::error::Result;
use crate::plan::Step;
use serde_json::Value;

/// Returns whether anything of the old server runs.
///
/// # Errors
/// Fails when docker does not answer.
pub async fn old_server_runs(run: &Run) -> Result<bool> {
    Ok(!stop_stack::running(run).await?.is_empty())
}

/// Makes sure, right before the commit record, that the switch can be carried out: all that was planned is copied and
/// compared, nothing runs, nobody edited the files that will be rewritten.
///
/// # Errors
/// Refused or failed, naming what is in the way.
pub async fn require_switchable(run: &Run) -> Result<()> {
    stop_stack::require_stopped(run).await?;
    extent(run)?;
    rewrite_compose::require_unedited(run).await
}

/// What a step leaves in the journal when it is done.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// One line for the user.
    pub summary: String,
    /// What later steps and the report need.
    pub output: Value,
}

impl Done {
    fn line(summary: impl Into<String>) -> Self {
        Self { summary: summary.into(), output: Value::Null }
    }
}

/// Does a step, or what is left of it.
///
/// # Errors
/// Fails as the step does; what it has made so far stays for the next try or for [`undo`].
pub async fn apply(step: Step, run: &Run) -> Result<Done> {
    match step {
        Step::PullImages => pull_images::apply(run).await,
        Step::StopStack => stop_stack::apply(run).await,
        Step::Rescue => rescue::apply(run).await,
        Step::BackUp => back_up::apply(run).await,
        Step::CopyElastic => copy_elastic::apply(run).await,
        Step::VerifyElastic => verify_elastic::apply(run).await,
        Step::CopyMongo => copy_data::apply(run, Role::Mongo).await,
        Step::CopyRedis => copy_data::apply(run, Role::Redis).await,
        Step::RetireSources => retire_sources::apply(run).await,
        Step::MoveHome => move_home::apply(run).await,
        Step::RewriteCompose => rewrite_compose::apply(run).await,
        Step::StartStack => start_stack::apply(run).await,
        Step::CheckHealth => check_health::apply(run).await,
    }
}

/// Takes a step back.
///
/// # Errors
/// Fails when the old state cannot be reached; the message says what is left to do by hand.
pub async fn undo(step: Step, run: &Run) -> Result<()> {
    match step {
        // Images and answers are nothing that the old server could mind.
        Step::PullImages | Step::CheckHealth => Ok(()),
        Step::VerifyElastic => verify_elastic::undo(run).await,
        Step::Rescue => rescue::undo(run).await,
        Step::BackUp => back_up::undo(run).await,
        Step::StopStack => stop_stack::undo(run).await,
        Step::CopyElastic => copy_elastic::undo(run).await,
        Step::CopyMongo => copy_data::undo(run, Role::Mongo).await,
        Step::CopyRedis => copy_data::undo(run, Role::Redis).await,
        Step::RetireSources => retire_sources::undo(run).await,
        Step::MoveHome => move_home::undo(run).await,
        Step::RewriteCompose => rewrite_compose::undo(run).await,
        Step::StartStack => start_stack::undo(run).await,
    }
}
