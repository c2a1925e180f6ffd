//! What the rules of a run ask of its steps and its journal.

use super::World;
use crate::journal::{State, Status};
use crate::plan::{Stage, Step};

/// Returns the steps of a stage, in their order.
pub(super) fn stage(world: &impl World, stage: Stage) -> impl DoubleEndedIterator<Item = &Step> {
    world.steps().iter().filter(move |step| step.stage == stage)
}

pub(super) fn status(world: &impl World, step: &Step) -> Status {
    world.look(|state| state.step(&step.id).status.clone())
}

pub(super) fn is_clean(world: &impl World, step: &Step) -> bool {
    world.look(|state| state.step(&step.id).is_clean())
}

pub(super) fn is_committed(world: &impl World) -> bool {
    world.look(State::is_committed)
}
