//! Documents of up to 99 MB: the old Elasticsearch takes requests of 100 MB.

use super::old_node::{COMPANY, OldNode};
use super::words::{from, plain};
use crate::harness::call::{Call, Outcome};
use crate::harness::elastic_data::ElasticData;
use crate::harness::node::Node;
use crate::harness::stopwatch::Stopwatch;
use serde_json::json;

/// More than all that is on its way at one time: a page, a batch, and what is made of them.
const MEMORY: u64 = 768 << 20;
const MB: usize = 1_000_000;

#[test]
fn huge_documents_pass_and_one_that_is_refused_is_named_and_can_be_given_up() {
    let data = ElasticData::none();
    let clock = Stopwatch::start();
    let index = format!("events-plot-{COMPANY}");
    let small: Vec<_> =
        (0..500).map(|n| (format!("small{n}"), None, json!({ "task": "t", "iter": n, "plot_str": "{}" }))).collect();
    OldNode::on(&data.source(), "2g", |node| {
        node.make(
            &index,
            &json!({ "settings": { "number_of_shards": 1 }, "mappings": { "event": {
            "properties": { "task": { "type": "keyword" }, "iter": { "type": "keyword" },
            "step": { "type": "keyword", "copy_to": "iter" },
            "plot_str": { "type": "text", "index": false } } } } }),
        );
        node.index(&index, "event", &small);
        for megabytes in [40, 90, 99] {
            let source = json!({ "task": "t", "plot_str": "x".repeat(megabytes * MB) }).to_string();
            node.curl("PUT", &format!("{index}/event/of{megabytes}mb"), &source);
        }
        // Elasticsearch 5 takes a field twice, 7 does not: it gets the last value.
        let twice = format!(r#"{{"task":"t","task":"u","plot_str":"{}"}}"#, "y".repeat(60 * MB));
        node.curl("PUT", &format!("{index}/event/twice"), &twice);
        // What is copied to this field is no number, as the new server's mapping wants one; only the node itself tells.
        let odd = format!(r#"{{"task":"t","step":"third","plot_str":"{}"}}"#, "z".repeat(60 * MB));
        node.curl("PUT", &format!("{index}/event/odd"), &odd);
    });
    clock.tell("data made");

    let (refused, memory) = watched(data.elastic(&["--yes", "--no-backup"]));
    let refused = refused.with_code(1);
    let rejects = data.machine.home().join("data/.clearml-migrate/rejects.ndjson");
    insta::assert_snapshot!("a_huge_document_is_refused", plain(&data.machine, from(&refused.stderr, "Error:")));
    clock.tell(&format!("refused, with {} MiB at most", memory >> 20));
    assert!(memory < MEMORY, "{memory} bytes of memory");

    let file = refused.said();
    let file = file.split("--accept-rejects ").nth(1).unwrap().split_whitespace().next().unwrap();
    assert!(std::fs::metadata(file).unwrap().len() > 60 * MB as u64, "{} {file}", rejects.display());
    let (done, memory) = watched(data.elastic(&["--yes", "--no-backup", "--accept-rejects", file]));
    done.done().saying("Upgrade completed.");
    clock.tell(&format!("without it, with {} MiB at most", memory >> 20));
    assert!(memory < MEMORY, "{memory} bytes of memory");
    data.with_new_node(|_| assert_eq!(Node::ready().count(&index), 504));
}

/// Makes a call, and returns with its outcome the most memory that it had, in bytes.
fn watched(call: Call) -> (Outcome, u64) {
    let mut most = 0;
    let outcome = call.start().wait_looking(|id| {
        let text = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        // A process that has ended has no such line any more.
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        most = kib.map_or(most, |kib| kib << 10);
    });
    (outcome, most)
}
