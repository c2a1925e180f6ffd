//! Values that Elasticsearch 5 took and newer versions do not: foretold while the old server runs, copied whole into real
//! nodes of 7.6, 7.17 and 8.17, and not indexed there, as many as were foretold.

use crate::harness::elastic_data::ElasticData;
use crate::harness::node::Node;
use crate::harness::server::Http;
use crate::harness::stopwatch::Stopwatch;
use crate::nodes::Target;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

const DOCUMENTS: u64 = 2_000;
/// Newer targets, each with a name and a port of its own.
const NEWER: [(&str, &str, u16); 2] = [("node-7-17", "7.17.29", 9217), ("node-8-17", "8.17.0", 9227)];
const SCALARS: &str = "events-training_stats_scalar-odd";
const LATE: &str = "events-plot-late";
const DYNAMIC: &str = "events-log-dynamic";
const JODA: &str = "events-log-joda";
const OBJECTS: &str = "events-log-objects";
const RESERVED: &str = "events-log-reserved";

/// Documents of an index, as text: `1e400` is no number of ours.
fn odd() -> Vec<(&'static str, Vec<String>)> {
    let field = |name: &str, values: &[&str]| -> Vec<String> {
        values.iter().map(|value| format!(r#"{{"task":"t","{name}":{value}}}"#)).collect()
    };
    let word = "w".repeat(40_000);
    vec![
        (
            SCALARS,
            [
                field(
                    "value",
                    &["0.5", "3.4028236e38", "1e39", "1e300", "1e400", r#""NaN""#, r#""Infinity""#, r#""7""#],
                ),
                field(
                    "timestamp",
                    &["1592308800123", "-1", r#""2020-W25-2""#, r#""2020-168""#, r#""2020-06-16T10.5""#],
                ),
            ]
            .concat(),
        ),
        (
            DYNAMIC,
            [
                field(
                    "flag",
                    &["true", "0", "1", "1.0", r#""yes""#, r#""on""#, r#""off""#, r#""False""#, r#""banana""#],
                ),
                field("seen", &[r#""2020-06-16""#, "-5"]),
                field("day", &[r#""2020/06/16""#, r#""2020/6/1""#]),
            ]
            .concat(),
        ),
        (
            LATE,
            [field("worker", &[r#""w1""#, &format!(r#""{word}""#)]), field("value", &[r#""n/a""#, r#""0.5""#])]
                .concat(),
        ),
        (
            JODA,
            field(
                "when",
                &["+02:00", "+0200", "+02", "Z"]
                    .map(|zone| format!(r#""2020-06-16T10:00:00.123{zone}""#))
                    .each_ref()
                    .map(String::as_str),
            ),
        ),
        (OBJECTS, field("metric", &[r#"{"name":"loss"}"#, r#"{"name":"accuracy","n":1}"#])),
        (
            RESERVED,
            [
                field("_ignored", &[r#""x""#]),
                field("msg", &[r#""plain""#]),
                field("_tsid", &[r#""a field as any other""#]),
            ]
            .concat(),
        ),
    ]
}

/// Documents whose value of a field is not found, by index and field, in a version.
fn not_found(version: &str) -> BTreeMap<(&'static str, &'static str), u64> {
    let mut all = BTreeMap::from([
        ((SCALARS, "value"), 6),
        ((SCALARS, "timestamp"), 4),
        ((DYNAMIC, "seen"), 1),
        ((DYNAMIC, "day"), 1),
        ((LATE, "value"), 1),
        ((JODA, "when"), 1),
    ]);
    if version != "7.6.2" {
        // This one does not tell of texts that are too long.
        all.insert((LATE, "worker"), 1);
    }
    if version.starts_with("8.") {
        // Milliseconds before 1970 are numbers again.
        all.insert((SCALARS, "timestamp"), 3);
        all.remove(&(DYNAMIC, "seen"));
    }
    all
}

fn make() {
    // The templates of the old server name types of these fields, which came late here.
    send("DELETE", "/_template/*", "");
    let scalars = json!({"mappings": {"event": {"properties": {"value": {"type": "float"}, "timestamp": {"type": "date"},
        "task": {"type": "keyword"}}}}});
    let joda = json!({"mappings": {"event": {"properties": {
        "when": {"type": "date", "format": "yyyy-MM-dd'T'HH:mm:ss.SSSZZ"}}}}});
    put(SCALARS, &scalars);
    put(JODA, &joda);
    put(LATE, &json!({"mappings": {"event": {"properties": {"value": {"type": "text"}, "worker": {"type": "text"}}}}}));
    for (index, documents) in odd() {
        for (number, document) in documents.iter().enumerate() {
            let path = format!("/{index}/event/{number}?routing=t&refresh=true");
            assert_eq!(send("PUT", &path, document)["result"], "created", "{document}");
        }
    }
}

fn put(index: &str, body: &Value) {
    assert_eq!(send("PUT", &format!("/{index}"), &body.to_string())["acknowledged"], true);
}

fn send(method: &str, path: &str, body: &str) -> Value {
    let directory = tempfile::tempdir_in("/var/tmp").unwrap();
    let file = directory.path().join("body");
    std::fs::write(&file, body).unwrap();
    let (data, url) = (format!("@{}", file.display()), format!("http://localhost:9200{path}"));
    let header = ["--header", "Content-Type: application/json"];
    let said = crate::harness::call::tool(
        "curl",
        &[
            &["--silent", "--show-error", "--globoff"][..],
            &header,
            &["--request", method, "--data-binary", &data, &url],
        ]
        .concat(),
    );
    serde_json::from_str(&said).unwrap()
}

/// Writes and merges for as long as `work` takes: files vanish, and the node must not mind being looked at.
fn while_the_node_writes<T>(node: &Http, work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| {
            let mut written = 0_u64;
            while !done.load(Ordering::Relaxed) {
                let document = json!({"task": "t", "msg": format!("line {written}")});
                let made = node.post("/events-log-busy/event?routing=t&refresh=true", &document);
                assert_eq!(made["result"], "created");
                written += 1;
                if written.is_multiple_of(5) {
                    let merged = node.post("/events-log-busy/_forcemerge?max_num_segments=1", &Value::Null);
                    assert_eq!(merged["_shards"]["failed"], 0, "{merged}");
                }
            }
            written
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        assert!(busy.join().unwrap() > 0);
        result
    })
}

/// What is told of each field, line by line.
fn told(said: &str) -> Vec<String> {
    said.lines().filter_map(|line| line.strip_prefix("- ")).map(str::to_owned).collect()
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Requires that as many documents are without a value as were foretold, and that all others are found.
fn assert_found(version: &str, count: impl Fn(&str, &Value) -> u64) {
    for ((index, field), documents) in not_found(version) {
        let ignored = count(index, &json!({"term": {"_ignored": field}}));
        assert_eq!(ignored, documents, "{version} {index} {field}");
    }
    for (query, index, documents) in [
        (json!({"range": {"value": {"gte": 0}}}), SCALARS, 2),
        (json!({"exists": {"field": "value"}}), LATE, 1),
        (json!({"term": {"worker": "w1"}}), LATE, 1),
        (json!({"term": {"flag": "true"}}), DYNAMIC, 1),
        (json!({"term": {"flag": "banana"}}), DYNAMIC, 1),
        (json!({"range": {"when": {"gte": "2020-06-16T08:00:00.123Z"}}}), JODA, 3),
        (json!({"match_all": {}}), OBJECTS, 2),
        (json!({"match_all": {}}), RESERVED, 2),
    ] {
        assert_eq!(count(index, &query), documents, "{version} {index} {query}");
    }
}

#[test]
fn values_that_newer_versions_do_not_take_are_foretold_kept_whole_and_not_indexed() {
    let (data, _old) = ElasticData::of_a_server(DOCUMENTS);
    let clock = Stopwatch::start();
    let (machine, home) = (&data.machine, data.machine.home());
    // All that the check looks at.
    machine.compose(&home, &["up", "--detach", "elasticsearch"]);
    let node = Http::new("http://localhost:9200");
    Node::ready();
    make();
    clock.tell("the old node runs, with odd documents");

    let rejects = data.machine.path("rejects.ndjson").display().to_string();
    let check = ["check", "--documents", "--rejects", &rejects, "--home", &data.machine.home().display().to_string()];
    let checked = while_the_node_writes(&node, || data.machine.migrate(&check).run()).with_code(3);
    let foretold = told(&checked.stdout);
    insta::assert_snapshot!("foretold", foretold.join("\n"));
    assert_eq!(std::fs::read_to_string(&rejects).unwrap().lines().count(), 1);
    clock.tell("every document looked at beside the running node");
    machine.compose(&home, &["down"]);

    // These are not needed yet; all three start side by side.
    let newer = NEWER.map(|(name, version, port)| {
        let data = data.machine.path(&format!("data-{version}"));
        std::thread::spawn(move || Target::beside(name, version, port, &data))
    });
    // The file that the check wrote is all that is needed: nothing new comes to light when the server is down.
    let done = data.elastic(&["--yes", "--no-backup", "--accept-rejects", &rejects]).run().done();
    let said = on_one_line(&done.said());
    for line in foretold.iter().filter(|line| !line.contains("refuses them")) {
        assert!(said.contains(&on_one_line(line)), "{line}\n{done}");
    }
    assert!(!said.contains("were foretold"), "{done}");
    assert!(said.contains("but for 1 document that was left out, as accepted with --accept-rejects: "), "{done}");
    clock.tell("migrated");
    data.with_new_node(|node| {
        assert_found("7.6.2", |index, query| {
            node.post(&format!("/{index}/_count"), &json!({ "query": query }))["count"].as_u64().unwrap()
        });
    });
    clock.tell("7.6.2 has what was foretold");

    let (source, exported) = (data.retired().unwrap(), data.machine.path("exported"));
    let [source, exported] = [source, exported].map(|path| path.display().to_string());
    data.machine.migrate(&["export", "--source", &source, "--output", &exported, "--format", "ndjson"]).run().done();
    for ((_, version, _), target) in NEWER.into_iter().zip(newer) {
        let target = target.join().unwrap();
        let address = target.address();
        let import = ["import", "--input", &exported, "--target", &address, "--index", "events-*"];
        let state = data.machine.path(&format!("state-{version}"));
        let import = |arguments: &[&str]| {
            let call = data.machine.migrate(&[&import, arguments].concat());
            call.env("CLEARML_MIGRATE_STATE_DIR", state.clone()).run()
        };
        import(&[]).refused().saying("keeps for itself").saying("Nothing has been copied yet");
        let done = import(&["--accept-rejects", &rejects]).done();
        insta::assert_snapshot!(format!("told_of_{version}"), warned(&done.stderr));
        assert_found(version, |index, query| {
            target.call("POST", &format!("/{index}/_refresh"), "");
            let body = json!({ "query": query }).to_string();
            target.call("POST", &format!("/{index}/_count"), &body)["count"].as_u64().unwrap()
        });
        clock.tell(&format!("{version} has what was foretold"));
    }
}

/// The warnings about fields.
fn warned(said: &str) -> String {
    let lines = said.lines().filter_map(|line| Some(&line[line.find("In events-")?..]));
    lines.collect::<Vec<_>>().join("\n")
}
