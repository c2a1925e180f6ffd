//! Indices of every kind in one directory, made by a real 5.6 node: open and closed, full and empty, with replicas that
//! no node holds, of one shard and of five, with and without aliases; and what is done about a shard that is missing.

use super::old_node::{COMPANY, OldNode};
use super::words::{command, plain, reasons};
use crate::harness::call::tool;
use crate::harness::docker;
use crate::harness::elastic_data::ElasticData;
use crate::harness::node::Node;
use crate::harness::server::Http;
use crate::harness::stopwatch::Stopwatch;
use crate::harness::tree::Tree;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What an index is, and how it is named: `@` stands for the company.
struct Kind {
    name: &'static str,
    shards: u32,
    documents: u32,
    closed: bool,
    aliases: fn() -> Value,
}

const fn open(name: &'static str, shards: u32, documents: u32) -> Kind {
    Kind { name, shards, documents, closed: false, aliases: || json!({}) }
}

/// Before 0.13 every index had five shards, as Elasticsearch 5 makes them; and all have a replica that nobody asked for.
const KINDS: [Kind; 9] = [
    Kind {
        aliases: || json!({ "logs": {}, "logs-of-w1": { "filter": { "term": { "worker": "w1" } }, "index_routing": "a" } }),
        ..open("events-log-@", 1, 600)
    },
    open("events-training_stats_scalar-@", 5, 900),
    open(LOST, 5, 300),
    open(SAVED, 5, 300),
    open("events-training_debug_image-@", 1, 0),
    Kind { closed: true, aliases: || json!({ "queues": {} }), ..open("queue_metrics_@_2020-05", 1, 200) },
    Kind { closed: true, ..open("worker_stats_@_2020-04", 1, 0) },
    open("worker_stats_@_2020-05", 5, 400),
    open(".monitoring-es-6-2020.05.04", 1, 10),
];
/// One of its shards is missing, and the index is done without.
const LOST: &str = "events-training_stats_vector-@";
/// One of its shards is missing, and what the others hold is kept.
const SAVED: &str = "events-plot-@";

fn full(name: &str) -> String {
    name.replace('@', COMPANY)
}

#[test]
fn every_kind_of_index_arrives_as_it_was_and_a_missing_shard_is_named() {
    let data = ElasticData::none();
    let clock = Stopwatch::start();
    let lost = OldNode::on(&data.source(), "512m", |node| {
        KINDS.iter().for_each(|kind| make(node, kind));
        assert_eq!(node.http.get("/_cluster/health")["status"], "yellow");
        [LOST, SAVED].map(|name| directory(&data.source(), node, &full(name)))
    });
    clock.tell("data made");

    fs::remove_dir_all(lost[0].join("3")).unwrap();
    fs::remove_dir_all(lost[1].join("2")).unwrap();
    let refused = data.elastic(&["--yes"]).run().refused();
    let ids = lost.each_ref().map(|dir| dir.file_name().unwrap().to_string_lossy().into_owned());
    let said = reasons(&data.machine, &refused).replace(&ids[0], "[lost]").replace(&ids[1], "[saved]");
    insta::assert_snapshot!("a_shard_is_missing", said);

    // What the message says is typed: an empty shard for the one index, and without the other.
    let said = refused.said();
    let reroute = said.lines().find(|line| line.contains(&full(SAVED)) && line.contains("curl")).unwrap();
    tool("sh", &["-c", &command(&said, &format!("mv {}", lost[0].display()))]);
    let saved = OldNode::on(&data.source(), "512m", |node| {
        tool("sh", &["-c", &command(reroute, "curl")]);
        node.http.wait(&format!("/_cluster/health/{}", full(SAVED)), |health| health["status"] == "yellow");
        node.count(&full(SAVED))
    });
    assert!((1..300).contains(&saved), "{saved} documents are left of 300");
    clock.tell("damage repaired");

    let original = Tree::of(&data.source());
    let done = data.elastic(&["--yes"]).run().done();
    Tree::of(&data.retired().unwrap()).same_as(&original, "the old data");
    let shown = done.stderr.lines().filter(|line| line.contains("losed")).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!("closed_indices_are_told", plain(&data.machine, &shown));
    clock.tell("migrated");
    data.verify().run().done().saying("are there, unchanged");
    clock.tell("compared again");

    let expected: BTreeMap<String, u64> = KINDS
        .iter()
        .filter(|kind| kind.name != LOST && !kind.name.starts_with('.'))
        .map(|kind| (full(kind.name), if kind.name == SAVED { saved } else { kind.documents.into() }))
        .collect();
    data.with_new_node(|http| check(http, &expected));
    assert_eq!(docker::left_by_runs(), Vec::<String>::new());
    clock.tell("looked at by a node of the new Elasticsearch");
}

fn make(node: &OldNode, kind: &Kind) {
    let name = full(kind.name);
    let mapping = json!({ "properties": { "task": { "type": "keyword" }, "worker": { "type": "keyword" } } });
    let settings = json!({ "number_of_shards": kind.shards, "number_of_replicas": 1 });
    node.make(&name, &json!({ "settings": settings, "mappings": { "event": mapping }, "aliases": (kind.aliases)() }));
    let document = |number: u32| {
        let task = format!("task{}", number % 17);
        let body = json!({ "task": task, "worker": format!("w{}", number % 3), "timestamp": 1_588_586_400_000_u64 + u64::from(number),
            "metric": "loss", "variant": "train", "value": f64::from(number) / 7.0, "iter": number });
        (format!("{number:08x}"), Some(task), body)
    };
    let documents: Vec<_> = (0..kind.documents).map(document).collect();
    if !documents.is_empty() {
        node.index(&name, "event", &documents);
    }
    if kind.closed {
        node.http.post(&format!("/{name}/_close"), &Value::Null);
    }
}

/// Returns the directory of an index.
fn directory(data: &Path, node: &OldNode, index: &str) -> PathBuf {
    let settings = node.http.get(&format!("/{index}/_settings"));
    data.join("nodes/0/indices").join(settings[index]["settings"]["index"]["uuid"].as_str().unwrap())
}

fn check(http: &Http, expected: &BTreeMap<String, u64>) {
    let listed = http.get("/_cat/indices?format=json");
    let state = |one: &Value| (one["index"].as_str().unwrap().to_owned(), one["status"] == "close");
    let listed: BTreeMap<String, bool> = listed.as_array().unwrap().iter().map(state).collect();
    assert_eq!(listed.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for kind in KINDS.iter().filter(|kind| listed.contains_key(&full(kind.name))) {
        let name = full(kind.name);
        assert_eq!(listed[&name], kind.closed, "{name}");
        assert_eq!(
            http.get(&format!("/{name}/_alias?expand_wildcards=all"))[&name]["aliases"],
            aliases(kind),
            "{name}"
        );
        if kind.closed {
            http.post(&format!("/{name}/_open"), &Value::Null);
        }
        let settings = http.get(&format!("/{name}/_settings"));
        let settings = &settings[&name]["settings"]["index"];
        assert_eq!(
            (&settings["number_of_shards"], &settings["number_of_replicas"]),
            (&json!("1"), &json!("0")),
            "{name}"
        );
        assert_eq!(Node::ready().count(&name), expected[&name], "{name}");
    }
    assert_eq!(http.get("/_cluster/health")["status"], "green");
    assert_eq!(http.post("/logs-of-w1/_count", &json!({}))["count"], 200);
}

/// As Elasticsearch shows them.
fn aliases(kind: &Kind) -> Value {
    (kind.aliases)()
}
