//! The plans that the fake machine is given, and what their steps make.

use crate::plan::{Action, Stage, Step};
use crate::role::Role;

/// The stores that are copied, and the names of their data.
pub(super) const STORES: [(Role, &str); 3] =
    [(Role::Elasticsearch, "elastic"), (Role::Mongo, "mongo"), (Role::Redis, "redis")];

/// Returns the name of a store's data.
pub(super) fn name(store: Role) -> &'static str {
    STORES.iter().find(|(role, _)| *role == store).unwrap().1
}

/// The steps that the migration of a server has by now.
pub(super) fn usual() -> Vec<Step> {
    let prepare = |id, action| Step::new(id, Stage::Prepare, action);
    vec![
        prepare("pull_images", Action::PullImages),
        prepare("stop_stack", Action::StopStack),
        prepare("rescue", Action::Rescue),
        prepare("back_up", Action::BackUp),
        prepare("copy_elastic", Action::COPY_ELASTIC),
        prepare("verify_elastic", Action::VERIFY_ELASTIC),
        prepare("copy_mongo", Action::CopyFiles { store: Role::Mongo }),
        prepare("copy_redis", Action::CopyFiles { store: Role::Redis }),
        Step::new("retire_sources", Stage::Switch, Action::RetireSources),
        Step::new("move_home", Stage::Switch, Action::MoveHome),
        Step::new("rewrite_compose", Stage::Switch, Action::RewriteCompose),
        Step::new("start_stack", Stage::Serve, Action::StartStack),
        Step::new("check_health", Stage::Serve, Action::CheckHealth),
    ]
}

/// A plan in which some actions occur twice, and in another order: MongoDB in two rungs, two archives, a second look at the
/// new server.
pub(super) fn with_rungs() -> Vec<Step> {
    let mut steps = usual();
    let again = |step: &Step| Step { id: format!("{}_2", step.id), ..step.clone() };
    let (archive, rung, look) = (again(&steps[3]), again(&steps[6]), again(&steps[12]));
    // The archives are made last, the second of them behind the rungs.
    let first_archive = steps.remove(3);
    steps.splice(6..6, [rung]);
    steps.splice(8..8, [first_archive, archive]);
    steps.push(look);
    steps
}

/// Returns the stores that these steps work on, and the names of their data.
pub(super) fn stores(steps: &[Step]) -> impl DoubleEndedIterator<Item = (Role, &'static str)> {
    STORES.into_iter().filter(move |(role, _)| of_store(steps, *role).next().is_some())
}

/// Returns the steps that work on a store, in their order.
pub(super) fn of_store(steps: &[Step], store: Role) -> impl Iterator<Item = &Step> {
    steps.iter().filter(move |step| step.action.about().store == Some(store))
}

/// Returns the steps that copy a store, in their order.
pub(super) fn copies(steps: &[Step], store: Role) -> impl Iterator<Item = &Step> {
    of_store(steps, store).filter(|step| !matches!(step.action, Action::VerifyDocuments { .. }))
}

/// Returns the name of what a copying step makes: the first one of a store is just new.
pub(super) fn made(steps: &[Step], step: &Step) -> String {
    let store = step.action.about().store.unwrap();
    match copies(steps, store).position(|one| one.id == step.id).unwrap() {
        0 => format!("new {}", name(store)),
        rung => format!("new {} of rung {rung}", name(store)),
    }
}

/// Returns the name of the archive that a step makes.
pub(super) fn archive(step: &Step) -> String {
    format!("archive of {}", step.id)
}
