//! What a plan is made of: what was asked for of a server, what was measured, and what is decided of it.

use crate::deployment::Experiments;
use crate::docker::ComposeChoice;
use crate::elastic::{IndexPlan, Survey};
use crate::error::Error;
use crate::files::space::TreeSize;
use crate::plan::{Archive, HomeMove, Migrated, Replacement, Rescue};
use crate::release::Release;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What was asked for of a server.
#[derive(Debug, Clone)]
pub struct PlanOptions {
    /// The target release.
    pub release: &'static Release,
    /// `--new-home`.
    pub new_home: Option<PathBuf>,
    /// `--keep-home`.
    pub keep_home: bool,
}

/// What is decided of a subject, but for how its documents are copied.
pub(super) struct Parts {
    pub migrated: Migrated,
    pub home: HomeMove,
    pub replacements: Vec<Replacement>,
    pub archives: Vec<Archive>,
    /// Where a node that reads works on a clone.
    pub clone: PathBuf,
    pub source_image: String,
    pub target_image: String,
    /// What the new server runs.
    pub images: Vec<String>,
    pub notes: Vec<String>,
}

/// What was measured on this machine.
#[derive(Debug, Default)]
pub struct Measured {
    /// Size of each data and configuration directory.
    pub sizes: BTreeMap<PathBuf, TreeSize>,
    /// Memory of the machine (or docker's virtual machine) in bytes.
    pub memory: u64,
    /// What the old Elasticsearch data are, where they could be looked at.
    pub survey: Option<Survey>,
    /// What is to be copied out of containers; the deployment says already that it is where it will be copied to.
    pub rescues: Vec<Rescue>,
    /// Names of all volumes of the daemon.
    pub volumes: BTreeSet<String>,
    /// The compose that is there.
    pub compose: ComposeChoice,
    /// The old server's experiments.
    pub experiments: Experiments,
}

impl Measured {
    pub(super) fn bytes(&self, path: &Path) -> u64 {
        self.sizes.get(path).map_or(0, |size| size.apparent)
    }

    /// Returns the names of the server's indices, and those of others.
    pub(super) fn indices(&self) -> (Vec<String>, Vec<String>) {
        let names = self.survey.as_ref().map(Survey::names).unwrap_or_default();
        names.into_iter().partition(|name| crate::elastic::indices::is_ours(name))
    }

    /// Returns what the old indices will be, those aside that a check refuses.
    pub(super) fn plans(&self) -> impl Iterator<Item = &IndexPlan> {
        self.survey.iter().flat_map(|survey| survey.plans.iter().flatten())
    }

    /// Returns why this program cannot read the old data's files, if it cannot.
    pub(super) fn refusal(&self) -> Option<&Error> {
        self.survey.as_ref()?.refusal.as_ref()
    }

    pub(super) fn live_bytes(&self) -> Option<u64> {
        self.survey.as_ref()?.live_bytes()
    }

    pub(super) fn longest_document(&self) -> Option<u64> {
        self.survey.as_ref()?.longest_document
    }
}
