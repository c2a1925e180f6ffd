//! `elastic` and `verify` on the data of a real 5.6 node: as upstream's script, safe where that was not.

use crate::harness::call::{Call, Outcome};
use crate::harness::deployment::OldServer;
use crate::harness::elastic_data::ElasticData;
use crate::harness::machine::Everything;
use crate::harness::stopwatch::Stopwatch;
use crate::harness::tree::Tree;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENTS: u64 = 5_000;

#[test]
fn data_are_moved_compared_used_and_taken_back() {
    let (data, old) = ElasticData::of_a_server(DOCUMENTS);
    let clock = Stopwatch::start();
    let original = Tree::of(&data.source());

    let before = Everything::on(&data.machine);
    data.elastic(&["--dry-run"]).run().done().saying("This was a dry run").saying("elastic_5.tar.gz");
    before.is_unchanged_on(&data.machine);

    let report = data.elastic(&["--yes"]).run().done();
    clock.tell("migration");
    says_what_upstream_s_script_said(&data, &report);
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

    let index = log_index(&old);
    data.with_new_node(|http| {
        old.assert_counts();
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
fn data_are_moved_to_the_elasticsearch_that_was_asked_for() {
    let (data, old) = ElasticData::of_a_server(DOCUMENTS);
    let original = Tree::of(&data.source());
    let asked = data.elastic(&["-y", "-n", "--target-version", "7.17.29"]);
    let report = asked.failpoints("step.verify_elastic.started=kill").run().killed();
    report.saying("7.17.29");
    let other = data.elastic(&["-y", "-n", "--target-version", "7.6.2"]).run().refused();
    other.saying("was begun to Elasticsearch 7.17.29, not to Elasticsearch 7.6.2");
    // As the hints have it, without the version: it is in the journal.
    let report = data.elastic(&["-y", "-n"]).run().done();
    report.saying("documents equal, byte for byte").saying("Upgrade completed.");
    data.verify().run().done().saying("are there, unchanged");
    data.with_new_node_of("7.17.29", |_| old.assert_counts());
    data.verify().run().done().saying("are there, unchanged");
    data.nothing_of_the_run_is_left(&["elastic_7"]);
    data.rollback().run().done();
    Tree::of(&data.source()).same_as(&original, "the old data after the rollback");
}

#[test]
fn a_difference_ends_the_run_by_name_and_the_same_command_copies_anew() {
    let (data, old) = ElasticData::of_a_server(DOCUMENTS);
    let original = Tree::of(&data.source());
    let index = log_index(&old);
    let copied = || data.elastic(&["-y", "-n"]).failpoints("step.verify_elastic.started=kill").run().killed();

    copied();
    let victim = data.with_new_node(|http| {
        let found = http.post(&format!("/{index}/_search"), &json!({ "size": 1 }));
        let id = found["hits"]["hits"][0]["_id"].as_str().unwrap().to_owned();
        http.post(&format!("/{index}/_delete_by_query"), &json!({ "query": { "ids": { "values": [id] } } }));
        id
    });
    let different =
        data.elastic(&["-y", "-n"]).run().with_code(4).saying("is not what it was in the old Elasticsearch");
    different.saying(&format!("{victim} is missing")).saying("the same command copies them anew");
    // Counted, that shows too.
    copied();
    let delete = json!({ "query": { "match_all": {} }, "max_docs": 1 });
    data.with_new_node(|http| http.post(&format!("/{index}/_delete_by_query"), &delete));
    data.elastic(&["-y", "-n", "--verify", "counts"]).run().with_code(4).saying(&index).saying("documents instead of");

    copied();
    let damaged = damage_documents(&data.target());
    let different = data.elastic(&["-y", "-n"]).run().with_code(4).saying("not on disk as they were written");
    different.saying(&damaged.display().to_string()).saying("dmesg");

    let report = data.elastic(&["-y", "-n"]).run().done();
    report.saying("documents equal, byte for byte").saying("Upgrade completed.");
    Tree::of(&data.retired().unwrap()).same_as(&original, "the old data");
    data.with_new_node(|_| old.assert_counts());
}

/// Flips a bit within a stored document of new data, as a failing disk does, and returns the file.
fn damage_documents(target: &Path) -> PathBuf {
    let mut directories = vec![target.join("nodes/0/indices")];
    while let Some(directory) = directories.pop() {
        for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let holds_documents = path.extension().is_some_and(|kind| kind == "cfs" || kind == "fdt");
            let mut bytes = if holds_documents { fs::read(&path).unwrap() } else { continue };
            if let Some(at) = bytes.windows(7).position(|window| window == b"\"task\":") {
                bytes[at + 2] ^= 1;
                fs::write(&path, bytes).unwrap();
                return path;
            }
        }
    }
    panic!("no documents in {}", target.display());
}

#[test]
fn data_without_any_index_are_moved_only_if_they_are_said_to_be_empty() {
    let (data, _) = ElasticData::of_a_server(DOCUMENTS);
    let indices = data.source().join("nodes/0/indices");
    data.elastic(&["-y", "-n", "--empty"]).run().refused().saying("is not empty: it holds");
    fs::rename(&indices, data.machine.path("opt/elsewhere")).unwrap();
    let refused = data.elastic(&["-y", "-n"]).run().refused().saying("holds no index of the server: nothing is in");
    refused.saying("though the node has the index templates").saying("Is a disk not mounted").saying("--empty");
    data.nothing_of_the_run_is_left(&["elastic"]);
    let report = data.elastic(&["-y", "-n", "--empty"]).run().done().saying("0 documents in 0 indices");
    let report = report.saying("held, but for what is noted below").saying("Please note");
    report.saying("The server is taken for empty: --empty was given.").saying("Upgrade completed.");
    data.verify().run().done().saying("All 0 documents in 0 indices are there");
}

#[test]
fn what_cannot_be_migrated_is_refused_by_name() {
    let (data, old) = ElasticData::of_a_server(DOCUMENTS);
    let refusal = |call: Call| call.in_directory(&data.machine.path("output")).run().refused();
    let machine = &data.machine;
    let [source, target] = [data.source(), data.target()].map(|path| path.display().to_string());
    let elastic = |arguments: &[&str]| machine.migrate(&[&["elastic", "--yes"], arguments].concat());
    let before = Tree::of(&machine.home());

    let nowhere = machine.path("nowhere").display().to_string();
    refusal(elastic(&["-s", &nowhere, "-t", &target])).saying("There is no directory").saying("--source DIR");
    let unmade = machine.path("none/elastic_7").display().to_string();
    refusal(elastic(&["-s", &source, "-t", &unmade])).saying("to make the new data in").saying("--target /");
    refusal(elastic(&["-s", &source, "-t", &format!("{source}/nodes")])).saying("lies in the source");
    let mongo = machine.home().join("data/mongo/db").display().to_string();
    refusal(elastic(&["-s", &mongo, "-t", &target])).saying("is no data directory of Elasticsearch");
    let redis = machine.home().join("data/redis").display().to_string();
    refusal(elastic(&["-s", &source, "-t", &redis])).saying("is there already and not empty");
    machine.migrate(&["elastic", "-s", &source, "-t", &target]).run().refused().saying("Give --yes");
    Tree::of(&machine.home()).same_as(&before, "the home after refusals");

    old.start();
    refusal(elastic(&["-s", &source, "-t", &target]))
        .saying("The container trains-elastic uses")
        .saying("docker compose -p trains down");
    assert!(!data.target().exists());
}

/// Returns the index of the console logs.
fn log_index(old: &OldServer) -> String {
    old.counts().into_keys().find(|name| name.starts_with("events-log-")).unwrap()
}

/// The two closing lines, the report as users read it, and all of it in the log.
#[track_caller]
fn says_what_upstream_s_script_said(data: &ElasticData, report: &Outcome) {
    let (source, retired) = (data.source(), data.retired().unwrap());
    let renaming = format!("Renaming the source directory {} to {}.", source.display(), retired.display());
    let end: Vec<&str> = report.stdout.trim_end().lines().rev().take(2).collect();
    assert_eq!(end, ["Upgrade completed.", renaming.as_str()], "{report}");
    let log = data.newest_log();
    let log = fs::read_to_string(&log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
    for line in report.stdout.lines().filter(|line| !line.trim().is_empty()) {
        assert!(log.contains(line), "the log has no line: {line}\n{log}");
    }
    assert!(log.contains("Retire the old data"), "the log has no steps:\n{log}");
    // A machine that reaches its containers does not speak to them through docker's published ports.
    let node = log.lines().find(|line| line.contains("The temporary node of the new Elasticsearch is")).unwrap();
    assert!(node.contains(" at http://") && !node.contains("127.0.0.1"), "{node}");
    let shown = report.stdout.split_once("Done: ").unwrap().1;
    let stamp = retired.file_name().unwrap().to_string_lossy().replace("elastic_migrated_", "");
    let shown = data.machine.redacted(shown).replace(&stamp, "[stamp]");
    insta::assert_snapshot!("report", without_times(&shown));
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
