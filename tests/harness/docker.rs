//! What docker has, as a value; and taking away what a test has left there.

use super::call::tool;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};

/// Label that everything carries which a run of the program creates.
const RUN_LABEL: &str = "org.clearml-migrate.run";
const PROJECT_LABEL: &str = "com.docker.compose.project";
/// The projects of the old and the new server: the names of their home directories.
const PROJECTS: [&str; 2] = ["trains", "clearml"];

/// Runs docker and returns what it says.
#[track_caller]
pub fn docker(arguments: &[&str]) -> String {
    tool("docker", arguments)
}

/// Containers with their state, networks, volumes and images, one line each.
#[derive(Debug, PartialEq, Eq)]
pub struct Objects(BTreeSet<String>);

impl Objects {
    /// Asks docker.
    pub fn now() -> Self {
        let lists = [
            ("container", vec!["container", "ls", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.State}}"]),
            ("network", vec!["network", "ls", "--no-trunc", "--format", "{{.ID}} {{.Name}}"]),
            ("volume", vec!["volume", "ls", "--format", "{{.Name}}"]),
            ("image", vec!["image", "ls", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"]),
        ];
        let lines = |(kind, arguments): (&str, Vec<&str>)| -> Vec<String> {
            docker(&arguments).lines().map(|line| format!("{kind} {line}")).collect()
        };
        Self(lists.into_iter().flat_map(lines).collect())
    }

    /// Requires that `self` is what there was `before`.
    #[track_caller]
    pub fn same_as(&self, before: &Self) {
        let new: Vec<_> = self.0.difference(&before.0).collect();
        let gone: Vec<_> = before.0.difference(&self.0).collect();
        assert!(new.is_empty() && gone.is_empty(), "docker has changed; new: {new:#?}, gone: {gone:#?}");
    }
}

/// Returns the containers and networks that runs of the program have created and not removed.
pub fn left_by_runs() -> Vec<String> {
    let filter = format!("label={RUN_LABEL}");
    let containers = docker(&["ps", "--all", "--filter", &filter, "--format", "container {{.Names}}"]);
    let networks = docker(&["network", "ls", "--filter", &filter, "--format", "network {{.Name}}"]);
    containers.lines().chain(networks.lines()).map(str::to_owned).collect()
}

/// Returns the names of a project's containers that run.
pub fn running(project: &str) -> Vec<String> {
    let filter = format!("label={PROJECT_LABEL}={project}");
    docker(&["ps", "--filter", &filter, "--format", "{{.Names}}"]).lines().map(str::to_owned).collect()
}

/// Removes every container, network and volume of both projects and of the program's runs. Says what goes wrong and
/// never panics: it runs while a failed test unwinds.
pub fn remove_everything() {
    let labels: Vec<String> =
        PROJECTS.iter().map(|name| format!("{PROJECT_LABEL}={name}")).chain([RUN_LABEL.to_owned()]).collect();
    for label in labels {
        let filter = format!("label={label}");
        remove(&["ps", "--all", "--quiet", "--filter", &filter], &["rm", "--force", "--volumes"]);
        remove(&["network", "ls", "--quiet", "--filter", &filter], &["network", "rm"]);
        remove(&["volume", "ls", "--quiet", "--filter", &filter], &["volume", "rm"]);
    }
}

fn remove(list: &[&str], remove: &[&str]) {
    let Ok(found) = Command::new("docker").args(list).stderr(Stdio::inherit()).output() else { return };
    let found = String::from_utf8_lossy(&found.stdout).into_owned();
    let names: Vec<&str> = found.split_whitespace().collect();
    if names.is_empty() {
        return;
    }
    let removed = Command::new("docker").args(remove).args(names).stdout(Stdio::null()).status();
    if !removed.is_ok_and(|status| status.success()) {
        eprintln!("docker {} did not succeed", remove.join(" "));
    }
}
