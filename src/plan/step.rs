//! The steps that a plan is made of, as values: they are stored with the plan, in the order in which they are applied.

use super::Plan;
use crate::role::Role;
use serde::{Deserialize, Serialize};

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name in the journal, which no other step of the plan has.
    pub id: String,
    /// When it is taken.
    pub stage: Stage,
    /// What it does. Several steps may do the same, each under its own id.
    pub action: Action,
}

/// The parts of a run, one after another. The commit record lies behind the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Everything is made beside the old server's files, which stay as they are.
    Prepare,
    /// They are renamed and rewritten. What fails here is taken back at once.
    Switch,
    /// The new server is started, which is the first step of this stage, and looked at.
    Serve,
}

/// What a step does, with what it has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "does", rename_all = "snake_case")]
pub enum Action {
    /// Pull every image, before any downtime.
    PullImages,
    /// Take the old stack down.
    StopStack,
    /// Copy data out of containers that hold the only ones.
    Rescue,
    /// Archive data and configuration.
    BackUp,
    /// Copy every document of a store into data of the new server's version.
    CopyDocuments {
        /// The service that owns the data.
        store: Role,
    },
    /// Read the copied documents back and compare.
    VerifyDocuments {
        /// The service that owns the data.
        store: Role,
    },
    /// Copy a store's files as they are.
    CopyFiles {
        /// The service that owns the data.
        store: Role,
    },
    /// Rename the old data directories.
    RetireSources,
    /// Rename the home, `/opt/trains` to `/opt/clearml`.
    MoveHome,
    /// Edit the compose files and `.env`.
    RewriteCompose,
    /// Bring the new stack up.
    StartStack,
    /// Ask the new server for what the old one had.
    CheckHealth,
}

/// What is said of an action, and what the rules of a run have to know of it. How it is done and taken back is in the table
/// of `steps`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// What it does, for people.
    pub title: String,
    /// What taking it back does, for people; nothing where it leaves nothing to take back.
    pub undo_title: Option<String>,
    /// It leaves the old server and its data alone, so that a refusal behind it has changed nothing.
    pub is_harmless: bool,
    /// The new server changes what this has made as it starts, before it can be known whether it comes up.
    pub is_used_by_start: bool,
    /// The store that it works on.
    pub store: Option<Role>,
}

impl Action {
    /// Copies the documents of Elasticsearch.
    pub const COPY_ELASTIC: Self = Self::CopyDocuments { store: Role::Elasticsearch };
    /// Compares the documents of Elasticsearch.
    pub const VERIFY_ELASTIC: Self = Self::VerifyDocuments { store: Role::Elasticsearch };

    /// Returns what there is to know of the action.
    pub fn about(self) -> About {
        let says = |title: &str| About { title: title.to_owned(), ..About::default() };
        let undoes = |title: &str, undo: &str| About { undo_title: Some(undo.to_owned()), ..says(title) };
        match self {
            Self::PullImages => About { is_harmless: true, ..says("Get the images") },
            Self::StopStack => undoes("Stop the old server", "Start the old server"),
            Self::Rescue => undoes("Rescue data out of containers", "Take what was copied out of containers away"),
            Self::BackUp => says("Back up"),
            Self::CopyDocuments { store } => {
                let name = store.title();
                About {
                    store: Some(store),
                    ..undoes(&format!("Copy {name}"), &format!("Take the new {name} data away"))
                }
            }
            Self::VerifyDocuments { store } => {
                About { store: Some(store), ..says(&format!("Verify {}", store.title())) }
            }
            Self::CopyFiles { store } => {
                let name = store.title();
                About {
                    store: Some(store),
                    is_used_by_start: true,
                    ..undoes(&format!("Copy {name}"), &format!("Take the copy of {name} away"))
                }
            }
            Self::RetireSources => undoes("Retire the old data", "Give the old data their names back"),
            Self::MoveHome => undoes("Move the home directory", "Give the home directory its name back"),
            Self::RewriteCompose => undoes("Rewrite the compose file", "Put the old compose file back"),
            Self::StartStack => undoes("Start the new server", "Stop the new server"),
            Self::CheckHealth => says("Check the new server"),
        }
    }
}

impl Step {
    /// Returns a step of this name.
    pub fn new(id: &str, stage: Stage, action: Action) -> Self {
        Self { id: id.to_owned(), stage, action }
    }

    /// Returns what the step does, for people.
    pub fn title(&self) -> String {
        self.action.about().title
    }

    /// Returns what taking the step back does, for people; nothing for steps that leave nothing to take back, and for the
    /// stop of an old server that is to stay stopped.
    pub fn undo_title(&self, stays_stopped: bool) -> Option<String> {
        self.action.about().undo_title.filter(|_| !(stays_stopped && self.action == Action::StopStack))
    }

    /// Returns whether the step comes after the commit record: whether it changes what the old server is made of.
    pub fn is_after_commit(&self) -> bool {
        self.stage != Stage::Prepare
    }
}

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
