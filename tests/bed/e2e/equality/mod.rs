//! The readers against living nodes: directories are made by real Elasticsearch 5.0, 5.2, 5.4 and 5.6 and by 7.6, 7.17
//! and 8.17, stopped or killed, read, and compared with what the same node serves when it is started again.
//!
//! | directory | made by | ended |
//! |---|---|---|
//! | kinds and merged | types, parents, nested objects, five shards, SMILE, CBOR, YAML, an alias, a closed index; force merges in both compressions, with deletes and updates before and after | stopped |
//! | killed | the same, restarted; operations of all kinds that are in no commit, and bulk requests from several sides | killed in the middle of bulk requests, with copies of checkpoints that are still empty |
//! | huge | the same once more; documents of 40 MB, updated documents | killed |
//! | target | writes, overwrites, updates, deletes in all sorts of indices | running, flushed; and stopped |
//!
//! Nodes come from their distributions (`tests/fixtures/lucene/node.sh`), without docker.

mod node;

use crate::golden::{Documents, Found, assert_same, read, read_target};
use crate::harness::require_the_bed;
use crate::side_by_side::two_at_once;
use node::{Node, Place};
use std::time::{Duration, Instant};

/// The index that is not flushed.
const UNFLUSHED: &str = "unflushed";
/// As long as this bulk requests come in before the node is killed.
const BULKS: Duration = Duration::from_secs(4);

fn say(version: &str, what: &str, documents: &Documents, from_translog: u64, begun: Instant) {
    let (count, seconds) = (documents.len(), begun.elapsed().as_secs());
    println!("{version:8} {what:40} {count:6} documents, {from_translog:5} from the translog, after {seconds} s");
}

/// Reads a directory of Elasticsearch 5, starts its node again and compares. The node goes on running.
fn read_as_served<'a>(place: &'a Place, what: &str, begun: Instant) -> (Found, Node<'a>) {
    let found = read(&place.data()).unwrap();
    let node = Node::start(place);
    assert_same(&found.documents, &node.served());
    say(place.version(), what, &found.documents, found.from_translog, begun);
    (found, node)
}

fn directories_of_5(version: &'static str, port: u16) {
    let begun = Instant::now();
    let place = Place::new(version, port);
    let node = Node::start(&place);
    node.fill("kinds");
    node.fill("merged");
    node.stop();
    let (found, node) = read_as_served(&place, "kinds and merged, stopped", begun);
    assert!(found.documents.len() > 700 && found.tally.nested > 1000 && found.tally.deleted > 20, "{found:?}");
    assert_eq!((found.tally.converted, found.from_translog), (3, 0), "{found:?}");
    let has = |index: &str| found.documents.keys().any(|(name, ..)| name == index);
    assert!(["nested", "types", "single", "formats", "closed", "fast", "best"].into_iter().all(has));

    node.fill("killed");
    let bulks = node.write_without_end();
    std::thread::sleep(BULKS);
    node.kill();
    bulks.ended();
    // Now and then the kill itself does this, and the node cannot read what it left.
    place.interrupt_closing();
    let (found, node) = read_as_served(&place, "killed in the middle of bulk requests", begun);
    assert!(found.from_translog > 50 && found.tally.superseded > 20, "{found:?}");
    let bulked = found.documents.keys().filter(|(index, ..)| index == "bulks").count();
    assert!(bulked > 100, "{bulked}");

    node.fill("huge");
    node.kill();
    let (found, node) = read_as_served(&place, "documents of 40 MB and updates, killed", begun);
    assert!(found.tally.source_bytes > 110_000_000, "{:?}", found.tally);
    node.stop();
}

fn directories_of_targets(version: &'static str, port: u16) {
    let begun = Instant::now();
    let place = Place::new(version, port);
    let node = Node::start(&place);
    let truth = node.fill_target();
    assert!(truth.len() > 500, "{}", truth.len());
    let found = read_target(&place.data(), |index| index.name != UNFLUSHED).unwrap();
    assert_same(&found.documents, &truth);
    assert!(found.tally.deleted > 200 && found.tally.nested > 500, "{:?}", found.tally);
    say(version, "target, beside its running node", &found.documents, 0, begun);
    node.stop();
    // A node that stops flushes what it has.
    let found = read_target(&place.data(), |_| true).unwrap();
    let node = Node::start(&place);
    assert_same(&found.documents, &node.served_by_target());
    say(version, "target, stopped", &found.documents, 0, begun);
    node.stop();
}

#[test]
fn of_elasticsearch_5_exactly_what_the_restarted_node_serves_is_read() {
    require_the_bed();
    let versions = [("5.0.0", 19510), ("5.2.2", 19520), ("5.4.3", 19530), ("5.6.16", 19540)];
    two_at_once(versions, |(version, port)| directories_of_5(version, port));
}

#[test]
fn of_elasticsearch_7_and_8_exactly_what_the_node_serves_is_read() {
    require_the_bed();
    let versions = [("7.6.2", 19550), ("7.17.29", 19560), ("8.17.0", 19570)];
    two_at_once(versions, |(version, port)| directories_of_targets(version, port));
}
