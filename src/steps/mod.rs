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
mod new_redis;
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
mod world;

pub use check_health::Checked;
pub use collisions::require_same_collisions;
pub use compare::{Comparison, compare_again};
pub use copy_elastic::CopiedElastic;
pub use extent::extent;
pub use old_data_there::require_old_data;
pub use put_away::{may_have_been_used, set_aside};
pub use recorded::{Change, Migrated, Recorded, Told, may_have_recorded, recorded};
pub use run::{Options, Run, project_args};
pub use verify_elastic::VerifiedElastic;

pub(crate) use crate::engine::Done;
