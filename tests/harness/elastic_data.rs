//! One Elasticsearch data directory, migrated by the command `elastic`.

use super::call::Call;
use super::deployment::{Deployment, OldServer, QUICK_START};
use super::docker::{self, docker};
use super::machine::Machine;
use super::node::Node;
use super::server::Http;
use std::fs;
use std::path::{Path, PathBuf};

/// The version of the new node.
const NEW_VERSION: &str = "7.6.2";

/// Elasticsearch data in a machine of their own, where a server keeps them.
pub struct ElasticData {
    pub machine: Machine,
}

impl ElasticData {
    /// Returns those of an old server that is stopped; its Elasticsearch was killed.
    pub fn of_a_server(documents: u64) -> (Self, OldServer) {
        let machine = Machine::new();
        let old = Deployment::with_documents(documents).killed().on(&machine);
        (Self { machine }, old)
    }

    /// Returns a place for them, with nothing in it.
    pub fn none() -> Self {
        let machine = Machine::new();
        fs::create_dir_all(machine.home().join("data")).unwrap();
        Self { machine }
    }

    /// Puts those of a server into it.
    pub fn filled_with_a_server(self, documents: u64) -> (Self, OldServer) {
        let old = Deployment::with_documents(documents).killed().on(&self.machine);
        (self, old)
    }

    /// Returns the old data's directory.
    pub fn source(&self) -> PathBuf {
        self.machine.home().join("data/elastic")
    }

    /// Returns the new data's directory.
    pub fn target(&self) -> PathBuf {
        self.machine.home().join("data/elastic_7")
    }

    /// Returns a call of `elastic`.
    pub fn elastic(&self, arguments: &[&str]) -> Call {
        let [source, target] = [self.source(), self.target()].map(|path| path.display().to_string());
        self.machine.migrate(&[&["elastic", "-s", &source, "-t", &target], arguments].concat())
    }

    /// Returns a call of `verify`.
    pub fn verify(&self) -> Call {
        self.machine.migrate(&["verify", "--source", &self.source().display().to_string()])
    }

    /// Returns a call of `rollback`.
    pub fn rollback(&self) -> Call {
        self.machine.migrate(&["rollback", "--yes", "--source", &self.source().display().to_string()])
    }

    /// Returns the name that the old data have after the migration.
    pub fn retired(&self) -> Option<PathBuf> {
        names_in(&self.machine.home().join("data"))
            .into_iter()
            .find(|name| name.starts_with("elastic_migrated_"))
            .map(|name| self.machine.home().join("data").join(name))
    }

    /// Returns the journal's file.
    pub fn journal(&self) -> PathBuf {
        self.machine.home().join("data/.clearml-migrate/elastic.journal")
    }

    /// Returns the log file of the last call.
    pub fn newest_log(&self) -> PathBuf {
        let work = self.machine.work_dir();
        let logs =
            names_in(&work).into_iter().filter(|name| name.starts_with("upgrade_to_7_") && name.ends_with(".log"));
        work.join(logs.max().unwrap())
    }

    /// Requires that there is nothing beside the data but what a server has there, old data, and what is `made`.
    #[track_caller]
    pub fn nothing_of_the_run_is_left(&self, made: &[&str]) {
        assert_eq!(docker::left_by_runs(), Vec::<String>::new());
        let usual = ["mongo", "redis", "fileserver", ".clearml-migrate"];
        let names = names_in(&self.machine.home().join("data"));
        let left = |name: &String| {
            !usual.contains(&name.as_str()) && !made.contains(&name.as_str()) && !name.starts_with("elastic_migrated_")
        };
        assert_eq!(names.into_iter().filter(left).collect::<Vec<_>>(), Vec::<String>::new());
    }

    /// Lets a node of the new Elasticsearch run on the new data, as a new server does.
    pub fn with_new_node<T>(&self, work: impl FnOnce(&Http) -> T) -> T {
        self.with_new_node_of(NEW_VERSION, work)
    }

    /// The same with another version.
    pub fn with_new_node_of<T>(&self, version: &str, work: impl FnOnce(&Http) -> T) -> T {
        self.new_node(version, work, &["stop", "--time", "120", "new-node"])
    }

    /// The same, and the node is killed.
    pub fn with_killed_new_node<T>(&self, work: impl FnOnce(&Http) -> T) -> T {
        self.new_node(NEW_VERSION, work, &["kill", "new-node"])
    }

    fn new_node<T>(&self, version: &str, work: impl FnOnce(&Http) -> T, end: &[&str]) -> T {
        let mount = format!("{}:/usr/share/elasticsearch/data", self.target().display());
        let label = format!("{}=trains", "com.docker.compose.project");
        docker(&[
            "run",
            "--detach",
            "--name",
            "new-node",
            "--label",
            &label,
            "--publish",
            "9200:9200",
            "--volume",
            &mount,
            "--env",
            "discovery.type=single-node",
            "--env",
            &format!("ES_JAVA_OPTS=-Xms512m -Xmx512m {QUICK_START}"),
            &format!("docker.elastic.co/elasticsearch/elasticsearch:{version}"),
        ]);
        Node::ready();
        let result = work(&Http::new("http://localhost:9200"));
        docker(end);
        docker(&["rm", "new-node"]);
        result
    }
}

/// Returns the names in a directory.
pub fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}
