//! The plan: what a migration of this deployment will do, as a plain value.
//!
//! It is built from real checks, printed by `--dry-run`, printed again before the question, stored whole in the
//! journal, executed step by step and undone in reverse. Everything that a step needs to know is in it, so that a
//! run that is continued months later, by a newer program, does what the user agreed to.

mod elastic;
mod heaps;
mod order;
mod places;
mod replacement;
mod rescue;
mod room;
#[cfg(test)]
pub(crate) mod sample;
mod step;
mod store;
pub mod stored;
mod whole;

pub use elastic::{ElasticPlan, Heaps, OnIdCollision, Reader, Verification};
pub use heaps::{heaps, memory_for, memory_needed, with_source};
pub use replacement::{Placement, Replacement};
pub use rescue::Rescue;
pub use room::{heap_for, peak_bytes};
pub use step::{About, Action, Stage, Step};
pub use store::{Store, Way};
pub use whole::{Archive, FileEdit, HomeMove, InPlace, InTheWay, Migrated, Plan, ServerPlan, journal_file, work_dir};
