//! Servers that docker-compose 1.x brought up, on machines that have nothing newer and on machines that have both.
//!
//! The bed has the real docker-compose 1.29.2.

use crate::harness::call::Call;
use crate::harness::deployment::{Deployment, OldServer};
use crate::harness::docker;
use crate::harness::machine::Machine;
use crate::harness::server::{Server, assert_shows_the_same};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const DOCUMENTS: u64 = 5_000;
const VERSION_LABEL: &str = "com.docker.compose.version";
const FILES_LABEL: &str = "com.docker.compose.project.config_files";

#[test]
fn a_server_moves_and_comes_back_where_only_version_1_is_installed() {
    let host = Host::with_a_server_of_version_1();
    host.without_version_2();

    // Compose's own way to ask for an API version stands for a daemon that has none in common with it.
    let before = docker::Objects::now();
    let refused = host.migrate(&["--yes"]).env("COMPOSE_API_VERSION", "1.99").run().refused();
    refused.saying("docker-compose 1.29.2 and this docker daemon have no API version in common").saying("too new");
    docker::Objects::now().same_as(&before);

    let plan = host.migrate(&["--dry-run"]).run().done();
    let plan = plan.saying("with docker-compose 1.29.2, because docker has no `docker compose` here");
    plan.saying("docker-compose up -d (project clearml)").saying("runs as the compose project trains");

    host.migrate(&["--yes"]).run().done();
    host.shows_the_same("1.1.1", "the new server");
    host.runs("clearml", "1.29.2");
    assert_eq!(docker::running("trains"), Vec::<String>::new());
    // The user's own command, without options, means the same project.
    let known = host.compose_v1(&host.machine.new_home(), &["ps", "--quiet"]);
    assert_eq!(known.lines().count(), docker::running("clearml").len(), "{known}");

    let said = host.migrate(&["rollback", "--yes"]).run().done();
    host.shows_the_same("0.15.1", "the old server after a rollback");
    host.runs("trains", "1.29.2");
    assert!(!said.said().contains("docker compose up"), "{said}");
}

#[test]
fn a_server_of_version_1_is_continued_with_version_2() {
    let host = Host::with_a_server_of_version_1();
    let plan = host.migrate(&["--dry-run"]).run().done();
    plan.saying("with docker compose 2.").saying("it goes on with the project that compose 1.29.2 made");

    host.migrate(&["--yes"]).run().done();
    host.shows_the_same("1.1.1", "the new server");
    host.runs("clearml", "2.");
    assert_eq!(left_of("trains"), Vec::<String>::new(), "containers and networks that version 1 made");

    host.migrate(&["rollback", "--yes"]).run().done();
    host.shows_the_same("0.15.1", "the old server after a rollback");
    host.runs("trains", "2.");
    assert_eq!(left_of("clearml"), Vec::<String>::new());
}

/// A machine with docker-compose 1.29.2 on PATH and an old server that it brought up.
struct Host {
    machine: Machine,
    old: OldServer,
    path: OsString,
}

impl Host {
    fn with_a_server_of_version_1() -> Self {
        let bed = PathBuf::from(std::env::var_os("CLEARML_BED").expect("the bed sets CLEARML_BED"));
        let directory = bed.join("compose-v1/bin");
        assert!(directory.join("docker-compose").is_file(), "the bed has no docker-compose 1.x");
        let machine = Machine::new();
        let old = Deployment::with_documents(DOCUMENTS).killed().on(&machine);
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(directory).chain(std::env::split_paths(&inherited))).unwrap();
        let host = Self { machine, old, path };
        // As the instructions of the time say, so that the labels are relative.
        host.compose_v1(&host.machine.home(), &["-f", "docker-compose.yml", "up", "-d"]);
        Server::ready("0.15.1");
        host.runs("trains", "1.29.2");
        assert_eq!(label("trains", FILES_LABEL), ["docker-compose.yml"]);
        host
    }

    /// Takes version 2 away, and makes sure that docker has no other.
    fn without_version_2(&self) {
        fs::remove_file(self.machine.docker_config().join("cli-plugins/docker-compose")).unwrap();
        let mut command = Command::new("docker");
        command.args(["compose", "version"]).env("DOCKER_CONFIG", self.machine.docker_config());
        let found = command.output().unwrap();
        let said = String::from_utf8_lossy(&found.stdout).into_owned();
        assert!(!found.status.success(), "docker has a compose for all users: {said}");
    }

    /// Returns a call from a directory that has nothing to do with the server, which is found by what runs.
    fn migrate(&self, arguments: &[&str]) -> Call {
        self.machine.docker_clearml_migrate(arguments).env("PATH", self.path.clone())
    }

    #[track_caller]
    fn compose_v1(&self, directory: &Path, arguments: &[&str]) -> String {
        let mut command = Command::new("docker-compose");
        command.args(arguments).current_dir(directory).env("PATH", &self.path);
        for name in ["COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "DOCKER_CONTEXT"] {
            command.env_remove(name);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "docker-compose {}: {said}", arguments.join(" "));
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn shows_the_same(&self, version: &str, who: &str) {
        let server = Server::ready(version);
        self.old.assert_counts();
        assert_shows_the_same(&self.old.shown(), &server.shown(&self.old.sample()), who);
    }

    /// Requires that a project runs, created by a compose of this version.
    #[track_caller]
    fn runs(&self, project: &str, version: &str) {
        let versions = label(project, VERSION_LABEL);
        assert!(docker::running(project).len() > 5, "{project}: {:?}", docker::running(project));
        assert!(versions.iter().all(|one| one.starts_with(version)), "{project}: {versions:?}");
    }
}

/// Returns the different values of a label on a project's containers that run.
fn label(project: &str, label: &str) -> Vec<String> {
    let filter = format!("label=com.docker.compose.project={project}");
    let format = format!("{{{{.Label \"{label}\"}}}}");
    let said = docker::docker(&["ps", "--filter", &filter, "--format", &format]);
    let mut values: Vec<String> = said.lines().map(str::to_owned).collect();
    values.sort();
    values.dedup();
    values
}

/// Returns the containers, running or not, and networks of a project.
fn left_of(project: &str) -> Vec<String> {
    let filter = format!("label=com.docker.compose.project={project}");
    let containers = docker::docker(&["ps", "--all", "--filter", &filter, "--format", "container {{.Names}}"]);
    let networks = docker::docker(&["network", "ls", "--filter", &filter, "--format", "network {{.Name}}"]);
    containers.lines().chain(networks.lines()).map(str::to_owned).collect()
}
