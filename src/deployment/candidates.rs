//! Compose projects that may be the server, by the labels that compose puts on containers.
//!
//! Source of the labels: docker/compose `pkg/api/labels.go`; for compose v1 `compose/cli/command.py`, which writes
//! file names as they were typed, so that they are often relative ([`super::label_paths`]), and before 1.25 not at all.

use super::label_paths::{CONFIG_FILES, LabelPaths, WORKING_DIR};
use super::renamed;
use crate::compose::roles::image_name;
use crate::docker::{Container, ProjectArgs};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const VERSION: &str = "com.docker.compose.version";
const PROJECT: &str = "com.docker.compose.project";
const ENVIRONMENT_FILE: &str = "com.docker.compose.project.environment_file";

/// Groups containers by compose project, without those of `compose run`.
pub(super) fn by_project(containers: Vec<Container>) -> BTreeMap<String, Vec<Container>> {
    let mut projects: BTreeMap<String, Vec<Container>> = BTreeMap::new();
    for container in containers {
        if let Some(project) = container.label(PROJECT).filter(|_| !container.is_one_off()).map(str::to_owned) {
            projects.entry(project).or_default().push(container);
        }
    }
    projects
}

/// Returns the version of the compose that created a container.
pub(super) fn compose_version_of(container: &Container) -> Option<&str> {
    container.label(VERSION)
}

/// Whether a project's containers are those of a Trains or ClearML server: a server image, or a container of any image
/// that runs one of the server's commands beside an Elasticsearch.
pub(super) fn is_server(containers: &[Container]) -> bool {
    let image = |container: &Container| image_name(&container.image).to_owned();
    let servers = ["trains", "clearml", "trains-server", "clearml-server"];
    let commands = ["apiserver", "fileserver", "webserver"];
    let runs_command = |container: &Container| container.command.iter().any(|word| commands.contains(&word.as_str()));
    containers.iter().any(|one| servers.contains(&image(one).as_str()) || one.image.contains("clearml/server"))
        || (containers.iter().any(runs_command) && containers.iter().any(|one| image(one).contains("elasticsearch")))
}

/// Why the labels of a project's containers do not say which files it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct NoUse {
    /// A sentence without its capital and its full stop.
    pub(super) why: String,
    /// What to do about it, where that can be said.
    pub(super) remedy: Option<String>,
}

impl From<String> for NoUse {
    fn from(why: String) -> Self {
        Self { why, remedy: None }
    }
}

/// Returns the arguments that mean a project, read from the labels of its containers.
///
/// # Errors
/// Why the labels are no use.
pub(super) fn from_labels(name: &str, containers: &[Container]) -> Result<ProjectArgs, NoUse> {
    // All containers of a project carry the same labels, unless some were created by another call than others.
    let label = |label: &str| containers.iter().find_map(|container| container.label(label));
    let Some(listed) = label(CONFIG_FILES).filter(|files| !files.is_empty()) else {
        return Err(NoUse::from(format!(
            "the project {name} runs a server, but was started by an old docker-compose that does not say from which file"
        )));
    };
    if containers.iter().filter_map(|one| one.label(CONFIG_FILES)).any(|other| other != listed) {
        return Err(NoUse::from(format!(
            "the containers of the project {name} were created from different sets of compose files"
        )));
    }
    let working_dir = label(WORKING_DIR).map(PathBuf::from).filter(|dir| dir.is_absolute());
    if listed.split(',').any(is_standard_input) {
        return Err(from_standard_input(name, working_dir.as_deref()));
    }
    let paths = LabelPaths::new(working_dir.as_deref(), listed);
    let files = paths.files().map_err(|why| {
        let why = format!("the project {name} runs a server, but {why}");
        NoUse { why, remedy: renamed::remedy(containers) }
    })?;
    let env_files = match label(ENVIRONMENT_FILE) {
        None => Vec::new(),
        Some(listed) => paths
            .environment_files(listed)
            .map_err(|why| NoUse::from(format!("the project {name} was started with --env-file, but {why}")))?,
    };
    let beside = files.first().and_then(|file| file.parent());
    let directory = working_dir.filter(|dir| Some(dir.as_path()) != beside);
    Ok(ProjectArgs { files, name: Some(name.to_owned()), directory, env_files })
}

/// Whether a label means what was written to compose's standard input (`-f -`). Version 2 makes a path of it.
fn is_standard_input(file: &str) -> bool {
    Path::new(file).file_name().is_some_and(|name| name == "-") && !Path::new(file).is_file()
}

/// There is no file to rewrite, and nobody but the user knows what compose was given.
fn from_standard_input(name: &str, working_dir: Option<&Path>) -> NoUse {
    let directory = working_dir.unwrap_or(Path::new("DIRECTORY")).display();
    NoUse {
        why: format!(
            "the project {name} runs a server, but was started from standard input (-f -), so there is no file of it that could be rewritten"
        ),
        remedy: Some(format!(
            "Write what compose was given on standard input to {directory}/docker-compose.yml, start the server from that file, and run this command again: docker compose -p {name} -f {directory}/docker-compose.yml up -d"
        )),
    }
}

/// Whether containers have data in a directory, or were made from a compose file in it.
pub(super) fn has_something_in(containers: &[Container], directory: &Path) -> bool {
    let names = [directory.to_owned(), std::fs::canonicalize(directory).unwrap_or_default()];
    let inside = |path: &Path| names.iter().any(|name| !name.as_os_str().is_empty() && path.starts_with(name));
    containers.iter().any(|one| {
        one.mounts.iter().any(|mount| inside(&mount.source))
            || one.label(WORKING_DIR).is_some_and(|dir| inside(Path::new(dir)))
            || one
                .label(CONFIG_FILES)
                .into_iter()
                .flat_map(|files| files.split(','))
                .any(|file| inside(Path::new(file)))
    })
}

/// Returns the projects whose containers were created from these files, or bear names that are fixed in them.
pub(super) fn created_from<'a>(
    projects: &'a BTreeMap<String, Vec<Container>>,
    files: &[PathBuf],
    container_names: &[&str],
) -> Vec<&'a str> {
    let of_these = |name: &str, containers: &[Container]| match from_labels(name, containers) {
        Ok(args) => args.files.iter().any(|file| files.contains(file)),
        Err(_) => containers.iter().any(|one| container_names.contains(&one.name.as_str())),
    };
    projects.iter().filter(|(name, containers)| of_these(name, containers)).map(|(name, _)| name.as_str()).collect()
}

#[cfg(test)]
#[path = "candidates_tests.rs"]
mod tests;
