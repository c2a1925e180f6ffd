//! `export` of a server's home: both databases, or what is left of the experiments where one of them is lost. Without any
//! server and without docker.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "helpers of tests may panic as tests may; other tests use the rest of what is shared"
)]

#[path = "lucene/canonical.rs"]
mod canonical;
#[path = "lucene/golden.rs"]
mod elastic;
mod harness;
#[path = "wiredtiger/golden.rs"]
mod mongo;
#[path = "lucene/written.rs"]
mod written;

use harness::call::Call;
use harness::machine::Machine;
use harness::tree::Tree;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// A home with the data directories of both databases, on a machine without docker.
struct Home {
    machine: Machine,
    path: PathBuf,
}

impl Home {
    fn new() -> Self {
        let machine = Machine::without_docker();
        let path = machine.path("home");
        fs::create_dir_all(path.join("data/mongo")).unwrap();
        // The temporary directories are of the same file system as the machine's.
        let elastic = elastic::Golden::new("killed").directory.keep();
        let mongo = mongo::Golden::new("compressed").directory.keep();
        rename(&elastic, &path.join("data/elastic"));
        rename(&mongo, &path.join("data/mongo/db"));
        Self { machine, path }
    }

    fn output(&self) -> PathBuf {
        self.machine.path("exported")
    }

    fn export(&self, arguments: &[&str]) -> Call {
        let [source, output] = [&self.path, &self.output()].map(|path| path.display().to_string());
        self.machine.migrate(&[&["export", "--source", &source, "--output", &output], arguments].concat())
    }

    fn manifest(&self, of: &str) -> Value {
        serde_json::from_slice(&fs::read(self.output().join(of).join("manifest.json")).unwrap()).unwrap()
    }
}

fn rename(from: &Path, to: &Path) {
    fs::rename(from, to).unwrap();
}

#[test]
fn both_databases_are_exported_each_into_a_directory_of_its_own() {
    let home = Home::new();
    let before = Tree::of(&home.path);
    let said = home.export(&[]).run().done();
    said.saying("documents in").saying("mongorestore");
    let (elastic, mongo) = (home.manifest("elastic"), home.manifest("mongo"));
    assert!(!elastic["indices"].as_object().unwrap().is_empty());
    let truth = mongo::Golden::new("compressed").truth;
    let names: Vec<&String> = mongo["collections"].as_object().unwrap().keys().collect();
    assert_eq!(names, truth.keys().collect::<Vec<_>>());
    Tree::of(&home.path).same_as(&before, "the home");
    let listed = home.export(&["--list"]).run().done().said();
    assert!(listed.contains("backend.snappy") && listed.contains("documents at most"), "{listed}");
    home.machine.migrate(&["export", "-s", &home.path.display().to_string(), "-o", "/dev/null"]).run().done();
}

#[test]
fn what_is_of_one_database_only_is_asked_for_by_its_directory() {
    let home = Home::new();
    home.export(&["--index", "backend.*"]).run().with_code(2).saying("data/mongo/db").saying("data/elastic");
    let source = home.path.display().to_string();
    home.machine.migrate(&["export", "-s", &source, "-o", "-"]).run().with_code(2).saying("here are two");
    assert!(!home.output().exists());
}

#[test]
fn a_home_with_one_database_left_is_an_export_of_that_one() {
    let home = Home::new();
    fs::remove_dir_all(home.path.join("data/elastic/nodes")).unwrap();
    home.export(&[]).run().done().saying("Not exported").saying("data/elastic");
    assert_eq!(home.manifest(".")["complete"], true);
    fs::remove_dir_all(home.output()).unwrap();
    fs::remove_dir_all(home.path.join("data/mongo")).unwrap();
    home.export(&[]).run().refused();
}

/// Renames an index of a node and lets it hold these events.
fn with_events(data: &Path) {
    let index = written::index(data, "best");
    written::rename_index(&index, "best", "events-training_stats_scalar-d1bd");
    let event = |task: &str, metric: &str, variant: &str, time: u64, iteration: u64| {
        json!({"task": task, "metric": metric, "variant": variant, "timestamp": time, "iter": iteration, "value": 0.5})
            .to_string()
    };
    let sources = [
        event("b7", "loss", "train", 1_590_000_000_000, 1),
        event("b7", "loss", "validation", 1_590_000_060_000, 2),
        event("b7", "accuracy", "train", 1_589_999_000_000, 7),
        event("a1", ":monitor:gpu", "gpu_0_utilization", 1_600_000_000_000, 0),
    ];
    let documents = sources.into_iter().enumerate().map(|(id, source)| ("event", id.to_string(), source));
    written::write_translog(&index.join("0/translog"), documents);
}

#[test]
fn tasks_that_events_speak_of_are_told_with_their_metrics_and_times() {
    let machine = Machine::without_docker();
    let golden = elastic::Golden::new("merged");
    let data = golden.directory.path();
    with_events(data);
    let (source, output) = (data.display().to_string(), machine.path("tasks"));
    let export = |output: &Path| {
        machine.migrate(&["export", "-s", &source, "-o", &output.display().to_string(), "--tasks-from-events"])
    };
    let said = export(&output).run().done().saying("2 tasks in").saying("tasks.ndjson").saying("no task");
    let text = fs::read_to_string(output.join("tasks.ndjson")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected = [
        json!({"task": "a1", "company": "d1bd", "first": "2020-09-13T12:26:40Z", "last": "2020-09-13T12:26:40Z",
            "last_iteration": 0, "events": {"training_stats_scalar": 1},
            "metrics": {":monitor:gpu": ["gpu_0_utilization"]}}),
        json!({"task": "b7", "company": "d1bd", "first": "2020-05-20T18:23:20Z", "last": "2020-05-20T18:41:00Z",
            "last_iteration": 7, "events": {"training_stats_scalar": 3},
            "metrics": {"accuracy": ["train"], "loss": ["train", "validation"]}}),
    ];
    assert_eq!(lines, expected, "{said}");
    export(&output).run().refused().saying("is not empty");
    assert_eq!(export(Path::new("-")).run().done().stdout, text);
    // From a home, too, whatever has become of MongoDB.
    let home = machine.path("home/data");
    fs::create_dir_all(&home).unwrap();
    std::os::unix::fs::symlink(data, home.join("elastic")).unwrap();
    let home = machine.path("home").display().to_string();
    let said = machine.migrate(&["export", "-s", &home, "-o", "-", "--tasks-from-events"]).run().done();
    assert_eq!(said.stdout, text);
}

#[test]
fn data_without_events_and_mongodb_s_data_have_no_tasks_of_this_kind() {
    let machine = Machine::without_docker();
    let ask = |data: &Path| {
        machine.migrate(&["export", "-s", &data.display().to_string(), "-o", "-", "--tasks-from-events"]).run()
    };
    ask(elastic::Golden::new("merged").directory.path()).refused().saying("no index of events");
    ask(mongo::Golden::new("noted").path()).with_code(2).saying("events are in Elasticsearch's data");
}
