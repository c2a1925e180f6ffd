//! `elastic` and `verify` on the data of a real 5.6 node: as upstream's script, safe where that was not.
//!
//! Runs in the test bed: `tests/run.sh e2e`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic as tests may"
)]

mod harness;

use harness::call::{Call, Outcome};
use harness::deployment::{Deployment, OldServer};
use harness::docker::{self, docker};
use harness::machine::{Everything, Machine};
use harness::node::Node;
use harness::server::Http;
use harness::stopwatch::Stopwatch;
use harness::tree::Tree;
use harness::{on_the_bed, say};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENTS: u64 = 5_000;
const NEW_NODE: &str = "docker.elastic.co/elasticsearch/elasticsearch:7.6.2";

/// Where `elastic` is killed, in the order in which it comes there.
const FORWARD: [&str; 10] = [
    "step.pull_images.started=kill",
    "files.archive.entry=kill@9",
    "files.archive.verify=kill",
    "files.clone.file=kill@9",
    "docker.start=kill@2",
    "elastic.bulk=kill@2",
    "step.copy_elastic.applied=kill",
    "step.verify_elastic.started=kill",
    "step.retire_sources.started=kill",
    "step.retire_sources.applied=kill",
];

/// Where its rollback is killed.
const BACK: [&str; 5] = [
    "step.retire_sources.undo=kill",
    "files.rename=kill",
    "step.verify_elastic.undo=kill",
    "files.remove_tree=kill",
    "step.copy_elastic.undo=kill",
];

#[test]
fn data_are_moved_compared_used_and_taken_back() {
    if !on_the_bed() {
        return;
    }
    let data = Data::new();
    let clock = Stopwatch::start();
    let original = Tree::of(&data.source());

    let before = Everything::on(&data.machine);
    data.elastic(&["--dry-run"]).run().done().saying("This was a dry run").saying("elastic_5.tar.gz");
    before.is_unchanged_on(&data.machine);

    let report = data.elastic(&["--yes"]).run().done();
    clock.tell("migration");
    data.says_what_upstream_s_script_said(&report);
    let retired = data.retired().unwrap();
    Tree::of(&retired).same_as(&original, "the old data");
    data.nothing_of_the_run_is_left(&["elastic_5.tar.gz", "elastic_7"]);
    data.elastic(&["--yes"]).run().done().saying("was migrated to Elasticsearch 7.6.2 already");
    data.machine.migrate(&["status"]).run().done().saying("the new data are in");

    let new = Tree::of(&data.target());
    data.verify().run().done().saying("are there, unchanged");
    Tree::of(&data.target()).same_as(&new, "the new data after a comparison");
    Tree::of(&retired).same_as(&original, "the old data after a comparison");
    data.nothing_of_the_run_is_left(&["elastic_5.tar.gz", "elastic_7"]);
    clock.tell("comparison");

    let index = data.log_index();
    data.with_new_node(|http| {
        data.old.assert_counts();
        data.verify().run().refused().saying("is used by the container new-node").saying("docker stop new-node");
        http.post(&format!("/{index}/_doc/of-the-new-server?refresh=true"), &json!({ "task": "new" }));
    });
    data.verify().run().done().saying("Added since: 1 document.").saying(&format!("{index}: 1 added"));
    let victim = data.with_new_node(|http| {
        let found = http.post(
            &format!("/{index}/_search"),
            &json!({ "size": 2, "query": { "bool": { "must_not": { "ids": { "values": ["of-the-new-server"] } } } } }),
        );
        let ids: Vec<String> = found["hits"]["hits"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| hit["_id"].as_str().unwrap().to_owned())
            .collect();
        http.post(
            &format!("/{index}/_delete_by_query?refresh=true"),
            &json!({ "query": { "ids": { "values": [ids[0]] } } }),
        );
        http.post(&format!("/{index}/_doc/{}?refresh=true", ids[1]), &json!({ "task": "changed" }));
        ids
    });
    let different = data.verify().run().with_code(4).saying("1 missing, 1 changed").saying("Added since: 1 document.");
    different.saying(&format!("{} is missing", victim[0])).saying(&format!("{} has another content", victim[1]));
    data.nothing_of_the_run_is_left(&["elastic_5.tar.gz", "elastic_7"]);
    clock.tell("what was added, deleted and changed since");

    let back = data.rollback().run().done().saying("The new data were used meanwhile");
    Tree::of(&data.source()).same_as(&original, "the old data after a rollback");
    assert!(!data.target().exists() && data.retired().is_none(), "{back}");
    data.verify().run().refused().saying("was taken back");

    // Again, several at once and without a backup; nobody uses the new data, so that nothing of them is left.
    data.elastic(&["-p", "-n", "-y"]).run().done().saying("Upgrade completed.");
    data.rollback().run().done();
    assert!(!data.target().exists() && data.retired().is_none());
    Tree::of(&data.source()).same_as(&original, "the old data after another rollback");
    clock.tell("there and back again");
}

#[test]
fn killed_in_every_step_it_goes_on_and_so_does_the_way_back() {
    if !on_the_bed() {
        return;
    }
    let data = Data::new();
    let clock = Stopwatch::start();
    let original = Tree::of(&data.source());
    for place in FORWARD {
        data.elastic(&["--yes"]).failpoints(place).run().killed();
        clock.tell(place);
    }
    let report = data.elastic(&["--yes"]).run().done();
    data.says_what_upstream_s_script_said(&report);
    Tree::of(&data.retired().unwrap()).same_as(&original, "the old data");
    data.nothing_of_the_run_is_left(&["elastic_5.tar.gz", "elastic_7"]);
    data.with_new_node(|_| data.old.assert_counts());

    // A comparison that is cut off leaves clones, which the next one takes away.
    data.verify().failpoints("docker.start=kill@2").run().killed();
    data.verify().run().done().saying("are there, unchanged");
    data.nothing_of_the_run_is_left(&["elastic_5.tar.gz", "elastic_7"]);

    // A server was started on the new data, so that they are set aside.
    for place in BACK {
        let outcome = data.rollback().failpoints(place).run();
        say(&format!("{place}: {}", outcome.status));
        assert!(outcome.was_killed() || outcome.status.success(), "{outcome}");
    }
    data.rollback().run().done();
    Tree::of(&data.source()).same_as(&original, "the old data after a rollback");
    assert!(!data.target().exists());
}

#[test]
fn what_cannot_be_migrated_is_refused_by_name() {
    if !on_the_bed() {
        return;
    }
    let data = Data::new();
    let refusal = |call: Call| call.in_directory(&data.machine.path("output")).run().refused();
    let machine = &data.machine;
    let [source, target] = [data.source(), data.target()].map(|path| path.display().to_string());
    let elastic = |arguments: &[&str]| machine.migrate(&[&["elastic", "--yes"], arguments].concat());
    let before = Tree::of(&machine.home());

    let nowhere = machine.path("nowhere").display().to_string();
    refusal(elastic(&["-s", &nowhere, "-t", &target])).saying("There is no directory").saying("--source DIR");
    let unmade = machine.path("none/elastic_7").display().to_string();
    refusal(elastic(&["-s", &source, "-t", &unmade])).saying("to make the new data in").saying("--target DIR");
    refusal(elastic(&["-s", &source, "-t", &format!("{source}/nodes")])).saying("lies in the source");
    let mongo = machine.home().join("data/mongo/db").display().to_string();
    refusal(elastic(&["-s", &mongo, "-t", &target])).saying("is no Elasticsearch data directory that is understood");
    let redis = machine.home().join("data/redis").display().to_string();
    refusal(elastic(&["-s", &source, "-t", &redis])).saying("is there already and not empty");
    machine.migrate(&["elastic", "-s", &source, "-t", &target]).run().refused().saying("Give --yes");
    Tree::of(&machine.home()).same_as(&before, "the home after refusals");

    data.old.start();
    refusal(elastic(&["-s", &source, "-t", &target]))
        .saying("The container trains-elastic uses")
        .saying("docker stop trains-elastic");
    assert!(!data.target().exists());
}

/// Data of a stopped old server, in a machine of their own.
struct Data {
    machine: Machine,
    old: OldServer,
}

impl Data {
    fn new() -> Self {
        let machine = Machine::new();
        let old = Deployment::with_documents(DOCUMENTS).killed().on(&machine);
        Self { machine, old }
    }

    fn source(&self) -> PathBuf {
        self.machine.home().join("data/elastic")
    }

    fn target(&self) -> PathBuf {
        self.machine.home().join("data/elastic_7")
    }

    fn elastic(&self, arguments: &[&str]) -> Call {
        let [source, target] = [self.source(), self.target()].map(|path| path.display().to_string());
        self.machine.migrate(&[&["elastic", "-s", &source, "-t", &target], arguments].concat())
    }

    fn verify(&self) -> Call {
        self.machine.migrate(&["verify", "--source", &self.source().display().to_string()])
    }

    fn rollback(&self) -> Call {
        self.machine.migrate(&["rollback", "--yes", "--source", &self.source().display().to_string()])
    }

    /// Returns the name that the old data have after the migration.
    fn retired(&self) -> Option<PathBuf> {
        names_in(&self.machine.home().join("data"))
            .into_iter()
            .find(|name| name.starts_with("elastic_migrated_"))
            .map(|name| self.machine.home().join("data").join(name))
    }

    fn log_index(&self) -> String {
        self.old.counts().into_keys().find(|name| name.starts_with("events-log-")).unwrap()
    }

    /// The two closing lines, the report as users read it, and all of it in the log.
    fn says_what_upstream_s_script_said(&self, report: &Outcome) {
        let (source, retired) = (self.source(), self.retired().unwrap());
        let renaming = format!("Renaming the source directory {} to {}.", source.display(), retired.display());
        let end: Vec<&str> = report.stdout.trim_end().lines().rev().take(2).collect();
        assert_eq!(end, ["Upgrade completed.", renaming.as_str()], "{report}");
        let log = self.newest_log();
        let log = fs::read_to_string(&log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        for line in report.stdout.lines().filter(|line| !line.trim().is_empty()) {
            assert!(log.contains(line), "the log has no line: {line}\n{log}");
        }
        assert!(log.contains("Retire the old data"), "the log has no steps:\n{log}");
        let shown = report.stdout.split_once("Done: ").unwrap().1;
        let stamp = retired.file_name().unwrap().to_string_lossy().replace("elastic_migrated_", "");
        let shown = self.machine.redacted(shown).replace(&stamp, "[stamp]");
        insta::assert_snapshot!("report", without_times(&shown));
    }

    fn newest_log(&self) -> PathBuf {
        let work = self.machine.work_dir();
        let logs =
            names_in(&work).into_iter().filter(|name| name.starts_with("upgrade_to_7_") && name.ends_with(".log"));
        work.join(logs.max().unwrap())
    }

    #[track_caller]
    fn nothing_of_the_run_is_left(&self, made: &[&str]) {
        assert_eq!(docker::left_by_runs(), Vec::<String>::new());
        let usual = ["mongo", "redis", "fileserver", ".clearml-migrate"];
        let names = names_in(&self.machine.home().join("data"));
        let left = |name: &String| {
            !usual.contains(&name.as_str()) && !made.contains(&name.as_str()) && !name.starts_with("elastic_migrated_")
        };
        assert_eq!(names.into_iter().filter(left).collect::<Vec<_>>(), Vec::<String>::new());
    }

    /// Lets a node of the new Elasticsearch run on the new data, as a new server does.
    fn with_new_node<T>(&self, work: impl FnOnce(&Http) -> T) -> T {
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
            "ES_JAVA_OPTS=-Xms512m -Xmx512m",
            NEW_NODE,
        ]);
        Node::ready();
        let result = work(&Http::new("http://localhost:9200"));
        docker(&["stop", "--time", "120", "new-node"]);
        docker(&["rm", "new-node"]);
        result
    }
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Replaces how long it took, and the log: each run has its own.
fn without_times(text: &str) -> String {
    let line = |line: &str| match line.split_once("This run took ") {
        Some((before, _)) => format!("{before}This run took [time]."),
        None if line.contains("upgrade_to_7_") => "  [log]".to_owned(),
        None => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
