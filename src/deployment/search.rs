//! What the search for the server starts from, and what it settles on.

use super::Role;
use crate::compose::model;
use crate::compose::name::Generation;
use crate::docker::{Container, ProjectArgs};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What is known ahead of the search. All paths are absolute.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// What was named: `-f`, `-p`, `--project-directory`, `--env-file`, or their variables (`COMPOSE_FILE`, …).
    pub named: ProjectArgs,
    /// Projects that journals of earlier runs tell of; asked when no named file exists.
    pub journals: Vec<ProjectArgs>,
    /// How the user calls this program, for what to type next.
    pub command: &'static str,
    /// `--home`.
    pub home: Option<PathBuf>,
    /// The directory that the command was called in.
    pub current_directory: PathBuf,
    /// Where servers are usually installed; [`Search::WELL_KNOWN`] but in tests.
    pub well_known: Vec<PathBuf>,
}

impl Search {
    /// Where the documentation of Trains and ClearML puts the server.
    pub const WELL_KNOWN: [&'static str; 2] = ["/opt/trains", "/opt/clearml"];
}

/// The project that was settled on, with everything the search has read of it.
pub(super) struct Found {
    pub(super) args: ProjectArgs,
    pub(super) model: model::Project,
    pub(super) roles: BTreeMap<String, Role>,
    pub(super) containers: Vec<Container>,
    pub(super) by: String,
    /// Which compose it was read with.
    pub(super) generation: Generation,
}

/// A place to look at: the arguments that mean a project, and how it came up.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) args: ProjectArgs,
    pub(super) by: String,
    /// Where compose is to take the same files by itself, with nothing named.
    pub(super) asked: Option<Asked>,
}

/// A directory in which compose takes files that nobody named.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) directory: PathBuf,
    pub(super) others: Vec<Vec<PathBuf>>,
}

/// Returns the compose files of a project, for people.
pub(super) fn file_list(args: &ProjectArgs) -> String {
    args.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
}
