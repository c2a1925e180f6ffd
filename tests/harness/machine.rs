//! A machine to migrate: a temporary place with a home, a state directory, a working directory and a docker
//! configuration that has the plugin, as `install.sh` leaves it.

use super::call::Call;
use super::tree::Tree;
use super::{docker, require_the_bed};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// Keeps the machine of a failed test, containers and all, to look at.
const KEEP: &str = "CLEARML_TEST_KEEP";
const PROGRAM: &str = env!("CARGO_BIN_EXE_docker-clearml-migrate");

/// Variables of the user that would lead the program elsewhere.
const LEADING_AWAY: [&str; 8] = [
    "COMPOSE_FILE",
    "COMPOSE_PROJECT_NAME",
    "COMPOSE_ENV_FILES",
    "COMPOSE_PROFILES",
    "DOCKER_CONTEXT",
    "CLEARML_MIGRATE_HOME",
    "CLEARML_MIGRATE_YES",
    "XDG_STATE_HOME",
];

/// A machine of its own for each test.
pub struct Machine {
    root: TempDir,
    has_docker: bool,
    calls: AtomicU32,
}

impl Machine {
    /// Returns a machine with docker, the bed's. Takes away what an earlier test that was killed has left there.
    pub fn new() -> Self {
        require_the_bed();
        docker::remove_everything();
        Self::make(true)
    }

    /// Returns a machine on which nobody has set up docker.
    pub fn without_docker() -> Self {
        Self::make(false)
    }

    fn make(has_docker: bool) -> Self {
        // Not below /tmp, which may be a small file system in memory.
        let root = tempfile::Builder::new().prefix("clearml-migrate-test-").tempdir_in("/var/tmp").unwrap();
        let machine = Self { root, has_docker, calls: AtomicU32::new(0) };
        for directory in [machine.work_dir(), machine.plugins(), machine.path("output"), machine.path("opt")] {
            fs::create_dir_all(directory).unwrap();
        }
        symlink(PROGRAM, machine.plugins().join("docker-clearml")).unwrap();
        if let Some(config) = std::env::var_os("DOCKER_CONFIG").filter(|_| has_docker) {
            let compose = Path::new(&config).join("cli-plugins/docker-compose");
            symlink(compose, machine.plugins().join("docker-compose")).unwrap();
        }
        machine
    }

    /// Returns a path of this machine.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Returns the old server's home.
    pub fn home(&self) -> PathBuf {
        self.path("opt/trains")
    }

    /// Returns the new server's home.
    pub fn new_home(&self) -> PathBuf {
        self.path("opt/clearml")
    }

    /// Returns the home's compose file.
    pub fn compose_file(&self) -> String {
        self.home().join("docker-compose.yml").display().to_string()
    }

    /// Returns the new home's compose file.
    pub fn new_compose_file(&self) -> String {
        self.new_home().join("docker-compose.yml").display().to_string()
    }

    /// Returns the directory in which the program keeps its index.
    pub fn state_dir(&self) -> PathBuf {
        self.path("state")
    }

    /// Returns the directory that the program is called from.
    pub fn work_dir(&self) -> PathBuf {
        self.path("somewhere")
    }

    /// Returns docker's configuration directory.
    pub fn docker_config(&self) -> PathBuf {
        self.path("docker-config")
    }

    fn plugins(&self) -> PathBuf {
        self.docker_config().join("cli-plugins")
    }

    /// Returns a call of `docker clearml migrate`.
    pub fn docker_clearml_migrate(&self, arguments: &[&str]) -> Call {
        let mut command = Command::new("docker");
        command.args(["clearml", "migrate"]).args(arguments);
        self.call(command)
    }

    /// Returns a call of `docker-clearml-migrate`: no docker between the test and the program, whose death it sees.
    pub fn migrate(&self, arguments: &[&str]) -> Call {
        let mut command = Command::new(PROGRAM);
        command.args(arguments);
        self.call(command)
    }

    fn call(&self, mut command: Command) -> Call {
        for name in LEADING_AWAY {
            command.env_remove(name);
        }
        command
            .env("CLEARML_MIGRATE_STATE_DIR", self.state_dir())
            .env("DOCKER_CONFIG", self.docker_config())
            .env("HOME", self.root.path())
            .env("NO_COLOR", "1")
            .current_dir(self.work_dir());
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        Call::new(command, self.path(&format!("output/{number:02}")))
    }

    /// Runs `docker compose` in a directory, as a user would; returns its standard output.
    #[track_caller]
    pub fn compose(&self, directory: &Path, arguments: &[&str]) -> String {
        let mut command = Command::new("docker");
        command.arg("compose").args(arguments);
        self.call(command).in_directory(directory).run().done().stdout
    }

    /// Returns everything that a call could change on the file system: the home and its surroundings, the state
    /// directory, the working directory, docker's configuration.
    pub fn files(&self) -> Vec<(String, Tree)> {
        let names = ["opt", "state", "somewhere", "docker-config"];
        names.into_iter().map(|name| (name.to_owned(), Tree::of(&self.path(name)))).collect()
    }

    /// Returns the text with this machine's paths replaced by a word that is the same on every machine.
    pub fn redacted(&self, text: &str) -> String {
        text.replace(&self.root.path().display().to_string(), "[machine]")
    }
}

/// All that a call could change, files and docker, at one moment.
pub struct Everything {
    files: Vec<(String, Tree)>,
    docker: Option<docker::Objects>,
}

impl Everything {
    /// Looks at all of it.
    pub fn on(machine: &Machine) -> Self {
        Self { files: machine.files(), docker: machine.has_docker.then(docker::Objects::now) }
    }

    /// Requires that nothing is different by now.
    #[track_caller]
    pub fn is_unchanged_on(&self, machine: &Machine) {
        for ((name, before), (_, now)) in self.files.iter().zip(machine.files()) {
            now.same_as(before, name);
        }
        if let Some(before) = &self.docker {
            docker::Objects::now().same_as(before);
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if std::thread::panicking() && std::env::var_os(KEEP).is_some() {
            self.root.disable_cleanup(true);
            eprintln!("kept: {}", self.root.path().display());
            return;
        }
        if self.has_docker {
            docker::remove_everything();
        }
    }
}
