//! The steps that a plan is made of, as values: they are stored with the plan, in the order in which they are applied.

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
