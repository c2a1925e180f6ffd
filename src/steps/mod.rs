//! The steps of a migration, one file each: doing it, and taking it back. [`apply`] and [`undo`] are the table of them.
//!
//! Every step can be applied twice and undone twice: it looks at what is there instead of trusting what it remembers.
//! Undoing removes only what the step made. Steps are the only place that knows both docker and Elasticsearch.

mod aside;
mod back_up;
mod check_health;
mod clones;
mod collisions;
mod compare;
mod compare_mongo;
mod containers;
mod copied;
mod copy_data;
mod copy_elastic;
mod databases;
mod disk_watch;
mod extent;
#[cfg(test)]
mod golden_tests;
mod java;
mod keep;
mod mend_mongo;
mod mongo_files;
mod move_home;
mod new_data;
mod new_redis;
mod node;
mod old_data;
#[cfg(test)]
mod platform_tests;
mod preserve;
mod pull_images;
mod readable;
mod recorded;
mod rescue;
mod retire_sources;
mod rewrite_compose;
mod rollback_precheck;
mod run;
mod sources;
mod start_stack;
mod stop_containers;
mod stop_stack;
mod values;
mod verify_elastic;
mod verify_mongo;
mod world;

pub use check_health::Checked;
pub use collisions::require_same_collisions;
pub use compare::compare_again;
pub use copied::VerifiedElastic;
pub use extent::extent;
pub use preserve::{may_have_been_in_use, preserved};
pub use recorded::{Migrated, may_have_recorded, recorded};
pub use rollback_precheck::require_old_data;
pub use run::{Options, Run};

pub(crate) use crate::engine::Done;

use crate::error::Result;
use crate::plan::{Action, Step};

/// Does a step, or what is left of it.
async fn apply(run: &Run, step: &Step) -> Result<Done> {
    let id = &step.id;
    match step.action {
        Action::PullImages => pull_images::apply(run).await,
        Action::StopStack => stop_stack::apply(run, id).await,
        Action::Rescue => rescue::apply(run, id).await,
        Action::BackUp => back_up::apply(run, id).await,
        Action::CopyDocuments { .. } => copy_elastic::apply(run, id).await,
        Action::VerifyDocuments { .. } => verify_elastic::apply(run, id).await,
        Action::CopyFiles { store } => copy_data::apply(run, id, store).await,
        Action::RetireSources => retire_sources::apply(run).await,
        Action::MoveHome => move_home::apply(run).await,
        Action::RewriteCompose => rewrite_compose::apply(run).await,
        Action::StartStack => start_stack::apply(run, id).await,
        Action::CheckHealth => check_health::apply(run).await,
    }
}

/// Takes a step back.
async fn undo(run: &Run, step: &Step) -> Result<()> {
    let id = &step.id;
    match step.action {
        // Images and answers are nothing that the old server could mind.
        Action::PullImages | Action::CheckHealth => Ok(()),
        Action::StopStack => stop_stack::undo(run, id).await,
        Action::Rescue => rescue::undo(run, id).await,
        Action::BackUp => back_up::undo(run, id).await,
        Action::CopyDocuments { .. } => copy_elastic::undo(run, id).await,
        Action::VerifyDocuments { .. } => verify_elastic::undo(run, id).await,
        Action::CopyFiles { store } => copy_data::undo(run, id, store).await,
        Action::RetireSources => retire_sources::undo(run).await,
        Action::MoveHome => move_home::undo(run).await,
        Action::RewriteCompose => rewrite_compose::undo(run, id).await,
        Action::StartStack => start_stack::undo(run, id).await,
    }
}
