//! `elastic`, killed with SIGKILL in each of its steps and on its way back: the same command finishes.

use crate::harness::elastic_data::ElasticData;
use crate::harness::kills::{Kills, Way};
use crate::harness::tree::Tree;
use serde_json::json;

const DOCUMENTS: u64 = 5_000;
const MADE: [&str; 2] = ["elastic_5.tar.gz", "elastic_7"];

/// Where `elastic` is killed, in the order in which it comes there.
const FORWARD: [&str; 10] = [
    "step.pull_images.started=kill",
    "files.archive.entry=kill@9",
    "files.archive.verify=kill",
    "docker.start=kill",
    "transfer.checkpoint_due=error;transfer.checkpoint=kill",
    "elastic.bulk=kill@2",
    "step.copy_elastic.applied=kill",
    "step.verify_elastic.started=kill",
    "step.retire_sources.started=kill",
    "step.retire_sources.applied=kill",
];

/// Where it is killed besides, if a node reads the old data.
const BY_A_NODE: [&str; 3] = ["files.clone.file=kill@9", "docker.start=kill@2", "elastic.bulk=kill@2"];

/// Where its rollback is killed. A server was started on the new data before, so that they are set aside.
const BACK: [&str; 5] = [
    "step.retire_sources.undo=kill",
    "files.rename=kill",
    "step.verify_elastic.undo=kill",
    "files.rename=kill",
    "step.back_up.undo=kill",
];

#[test]
fn killed_in_every_step_it_goes_on_and_so_does_the_way_back() {
    let (data, old) = ElasticData::of_a_server(DOCUMENTS);
    let original = Tree::of(&data.source());
    let mut kills = Kills::of(vec![data.journal()]);
    for place in FORWARD {
        kills.add(Way::There, place, "", data.elastic(&["--yes"]).failpoints(place).run());
    }
    data.elastic(&["--yes"]).run().done().saying("Upgrade completed.");
    kills.finished(Way::There);
    Tree::of(&data.retired().unwrap()).same_as(&original, "the old data");
    data.nothing_of_the_run_is_left(&MADE);
    data.with_new_node(|_| old.assert_counts());

    data.verify().failpoints("files.remove_tree=kill").run().killed();
    data.verify().run().done().saying("are there, unchanged");
    // Where files do not hold everything, a node reads clones, which the next comparison takes away if one is cut off.
    let added = json!({ "task": "new" });
    data.with_killed_new_node(|http| http.post("/queue_metrics_added_2026-11/_doc/added", &added));
    data.verify().failpoints("docker.start=kill").run().killed();
    let compared = data.verify().run().done().saying("by a temporary Elasticsearch, not from their files");
    compared.saying("are there, unchanged").saying("queue_metrics_added_2026-11");
    data.nothing_of_the_run_is_left(&MADE);

    for place in BACK {
        kills.add(Way::Back, place, "", data.rollback().failpoints(place).run());
    }
    data.rollback().run().done();
    kills.finished(Way::Back);
    kills.print_and_require_every_step("elastic");
    Tree::of(&data.source()).same_as(&original, "the old data after a rollback");
    assert!(!data.target().exists());
}

#[test]
fn killed_while_a_node_reads_the_old_data_it_goes_on_with_that() {
    let (data, old) = ElasticData::of_a_server(DOCUMENTS);
    let original = Tree::of(&data.source());
    for place in BY_A_NODE {
        data.elastic(&["--yes", "--no-backup", "--reader", "scroll"]).failpoints(place).run().killed();
    }
    data.elastic(&["--yes"]).run().done().saying("Upgrade completed.");
    Tree::of(&data.retired().unwrap()).same_as(&original, "the old data");
    data.nothing_of_the_run_is_left(&["elastic_7"]);
    data.with_new_node(|_| old.assert_counts());
}
