//! `export` of MongoDB's directories: what the engine holds, as a dump or as Extended JSON, without a mongod and without
//! docker.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "helpers of tests may panic as tests may; other tests use the rest of what is shared"
)]

#[path = "wiredtiger/golden.rs"]
mod golden;
mod harness;

use golden::{Content, Contents, Golden, content_of};
use harness::call::Call;
use harness::machine::Machine;
use harness::tree::Tree;
use rustix::fs::FlockOperation;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// A data directory, and a machine without docker to export it on.
struct Old {
    machine: Machine,
    golden: Golden,
}

impl Old {
    fn new(name: &str) -> Self {
        Self { machine: Machine::without_docker(), golden: Golden::new(name) }
    }

    fn output(&self) -> PathBuf {
        self.machine.path("exported")
    }

    fn export(&self, arguments: &[&str]) -> Call {
        let [source, output] = [self.golden.path(), &self.output()].map(|path| path.display().to_string());
        self.machine.migrate(&[&["export", "--source", &source, "--output", &output], arguments].concat())
    }

    fn manifest(&self) -> Value {
        serde_json::from_slice(&fs::read(self.output().join("manifest.json")).unwrap()).unwrap()
    }

    /// What the dump holds, by the names that its manifest gives the files.
    fn dumped(&self) -> Contents {
        let manifest = self.manifest();
        assert_eq!(manifest["complete"], true);
        let collections = manifest["collections"].as_object().unwrap().iter().map(|(namespace, entry)| {
            let bytes = fs::read(self.output().join(entry["file"].as_str().unwrap())).unwrap();
            let content = content_of(&mut documents(&bytes));
            assert_eq!((&entry["documents"], &entry["bytes"]), (&content.documents.into(), &content.bytes.into()));
            (namespace.clone(), content)
        });
        collections.collect()
    }
}

/// Documents that lie one behind the other.
fn documents(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut documents = Vec::new();
    while !bytes.is_empty() {
        let length = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
        let (document, rest) = bytes.split_at(length);
        documents.push(document.to_vec());
        bytes = rest;
    }
    documents
}

#[test]
fn a_dump_has_every_document_once_and_the_data_directory_stays_as_it_was() {
    for (name, flags) in [("compressed", &[][..]), ("apart", &[]), ("deleted-for-some", &[]), ("killed", &["--replay"])]
    {
        let old = Old::new(name);
        let before = Tree::of(old.golden.path());
        let said = old.export(flags).run().done();
        assert_eq!(old.dumped(), old.golden.truth, "{name}: {said}");
        Tree::of(old.golden.path()).same_as(&before, "the data directory");
        let checked = std::process::Command::new("sha256sum")
            .args(["--check", "--strict", "--quiet", "SHA256SUMS"])
            .current_dir(old.output())
            .status();
        assert!(checked.unwrap().success(), "{said}");
    }
}

#[test]
fn files_are_named_and_described_as_mongorestore_expects_them() {
    let old = Old::new("apart");
    old.export(&["--index", "backend.dots*"]).run().done();
    let files = ["backend/dots.in.the.name.bson", "backend/dots.in.the.name.metadata.json"];
    assert!(files.iter().all(|file| old.output().join(file).is_file()));
    let described: Value = serde_json::from_slice(&fs::read(old.output().join(files[1])).unwrap()).unwrap();
    let expected = serde_json::json!({
        "options": {},
        "indexes": [{"v": {"$numberLong": "2"}, "key": {"_id": {"$numberLong": "1"}}, "name": "_id_"}],
        "collectionName": "dots.in.the.name",
        "type": "collection",
    });
    assert_eq!(described, expected);
    assert_eq!(old.dumped().keys().collect::<Vec<_>>(), ["backend.dots.in.the.name"]);
}

#[test]
fn extended_json_has_a_line_for_each_document() {
    for format in ["ndjson", "ndjson.zst"] {
        let old = Old::new("compressed");
        old.export(&["--format", format]).run().done();
        for (namespace, content) in &old.golden.truth {
            let file = old.manifest()["collections"][namespace]["file"].as_str().unwrap().to_owned();
            let mut text = fs::read(old.output().join(file)).unwrap();
            if format == "ndjson.zst" {
                text = zstd::decode_all(text.as_slice()).unwrap();
            }
            let text = String::from_utf8(text).unwrap();
            let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(lines.len() as u64, content.documents, "{namespace}");
            assert!(lines.iter().all(|line| line.get("_id").is_some()));
        }
    }
}

#[test]
fn a_killed_server_is_refused_until_it_is_said_what_becomes_of_its_log() {
    let old = Old::new("killed");
    let mut said = old.export(&[]).run().refused();
    for part in ["not stopped cleanly", "backend.task", "--replay", "--last-checkpoint", "docker stop --time 180"] {
        said = said.saying(part);
    }
    assert!(Tree::of(&old.output()).is_empty());
    // Of the collection that was dropped since, only the catalog is left.
    old.export(&["--last-checkpoint"]).run().refused().saying("collection-2--77.wt is missing");
    let names = ["--index", "backend.[it]*", "--last-checkpoint"];
    old.export(&names).run().done().saying("may be missing: the log has");
    let counts: BTreeMap<String, u64> = old.dumped().into_iter().map(|(name, one)| (name, one.documents)).collect();
    assert_eq!(
        counts,
        [("backend.idle", 300), ("backend.task", 300)].map(|(name, count)| (name.to_owned(), count)).into()
    );
    assert!(old.manifest()["warnings"][0].as_str().unwrap().contains("may be missing"));
}

#[test]
fn what_was_taken_from_the_log_is_told_at_the_end_and_in_the_manifest() {
    let old = Old::new("killed");
    let told = "were taken from its log (--replay), of ";
    old.export(&["--replay"]).run().done().saying(told);
    let warning = old.manifest()["warnings"][0].as_str().unwrap().to_owned();
    assert!(warning.contains(told) && warning.contains("backend.new"), "{warning}");
}

#[test]
fn a_directory_without_its_log_is_exported_as_of_its_checkpoint_only() {
    let old = Old::new("compressed");
    fs::remove_dir_all(old.golden.path().join("journal")).unwrap();
    let said = old.export(&[]).run().refused();
    said.saying("cannot be told").saying("is missing").saying("--last-checkpoint");
    old.export(&["--list"]).run().done().saying("As of the checkpoint of 20");
    old.export(&["--last-checkpoint"]).run().done();
    assert_eq!(old.dumped(), old.golden.truth);
}

#[test]
fn a_log_that_is_left_out_need_not_be_whole() {
    let old = Old::new("killed");
    let log = fs::read_dir(old.golden.path().join("journal")).unwrap().map(|one| one.unwrap().path());
    let log = log.filter(|path| path.display().to_string().contains("WiredTigerLog.")).min().unwrap();
    let mut bytes = fs::read(&log).unwrap();
    bytes[200] ^= 1;
    fs::write(&log, bytes).unwrap();
    old.export(&[]).run().refused();
    old.export(&["--list", "--last-checkpoint"]).run().saying("As of the checkpoint of 20");
    let names = ["--index", "backend.[it]*", "--last-checkpoint"];
    old.export(&names).run().done().saying("may be missing");
}

#[test]
fn a_list_has_a_line_for_each_collection_with_what_it_holds() {
    let old = Old::new("compressed");
    let listed = old.export(&["--list"]).run().done().saying("All that was ever written is in the checkpoint of 20");
    let said = listed.said();
    for (namespace, Content { documents, .. }) in &old.golden.truth {
        let line = said.lines().find(|line| line.split_whitespace().next() == Some(namespace));
        assert_eq!(line.unwrap().split_whitespace().nth(1), Some(documents.to_string().as_str()), "{said}");
    }
    assert!(Tree::of(&old.output()).is_empty());
}

#[test]
fn a_list_names_the_servers_and_an_export_leaves_out_what_is_theirs() {
    let old = Old::new("noted");
    old.export(&["--list"])
        .run()
        .done()
        .saying("Written by MongoDB 6.0.19, feature compatibility version 6.0 (WiredTiger 11.3.1")
        .saying("is 0.15.0.")
        .saying("the server's own");
    old.export(&[]).run().done();
    assert_eq!(old.dumped().keys().collect::<Vec<_>>(), ["backend.versions"]);
    fs::remove_dir_all(old.output()).unwrap();
    old.export(&["--index", "local.*"]).run().done();
    assert_eq!(old.dumped().keys().collect::<Vec<_>>(), ["local.startup_log"]);
}

#[test]
fn a_running_server_is_seen() {
    let old = Old::new("compressed");
    let lock = File::open(old.golden.path().join("mongod.lock")).unwrap();
    rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
    for arguments in [&[][..], &["--list"]] {
        old.export(arguments).run().refused().saying("is in use").saying("mongod.lock");
    }
}

#[test]
fn killed_in_the_middle_it_goes_on_behind_the_last_checkpoint() {
    for format in ["bson", "ndjson", "ndjson.zst"] {
        let (old, at_once) = (Old::new("compressed"), Old::new("compressed"));
        // In the middle of the first collection, which the next one ends; that is killed behind the one after it.
        let middle = "export.blocks_of_one=error@*;export.checkpoint_due=error@150;export.checkpoint=kill";
        old.export(&["--format", format]).failpoints(middle).run().killed();
        let begun = &old.manifest()["collections"]["backend.snappy"];
        assert_eq!((&begun["complete"], &begun["documents"]), (&false.into(), &150.into()));
        let said = old.export(&["--format", format]).failpoints("export.unit=kill@2").run().killed();
        assert!(!said.stderr.contains("is there already"), "{said}");
        assert_eq!(old.manifest()["complete"], false);
        let said = old.export(&["--format", format]).run().done();
        assert_eq!(said.stderr.matches(" is there already").count(), 2, "{said}");
        at_once.export(&["--format", format]).run().done();
        // Compressed, a frame is as long as what is written at once.
        if format != "ndjson.zst" {
            assert_eq!(old.manifest()["collections"], at_once.manifest()["collections"]);
        }
        if format == "bson" {
            assert_eq!(old.dumped(), old.golden.truth);
        }
        for (namespace, entry) in at_once.manifest()["collections"].as_object().unwrap() {
            let content = |of: &Old| {
                let bytes = fs::read(of.output().join(entry["file"].as_str().unwrap())).unwrap();
                if format == "ndjson.zst" { zstd::decode_all(bytes.as_slice()).unwrap() } else { bytes }
            };
            assert!(content(&old) == content(&at_once), "{format}: {namespace}");
        }
        old.export(&["--format", format]).run().refused().saying("holds an export already");
    }
}

#[test]
fn what_was_damaged_meanwhile_or_is_of_other_data_is_written_anew() {
    let middle = "export.blocks_of_one=error@*;export.checkpoint_due=error@150;export.checkpoint=kill";
    let old = Old::new("killed");
    old.export(&["--replay"]).failpoints(middle).run().killed();
    let part = old.output().join("backend/task.bson.part");
    let mut bytes = fs::read(&part).unwrap();
    bytes[7] ^= 1;
    fs::write(&part, bytes).unwrap();
    old.export(&["--replay"]).run().done();
    assert_eq!(old.dumped(), old.golden.truth);

    let old = Old::new("killed");
    old.export(&["--last-checkpoint"]).failpoints(middle).run().killed();
    assert!(old.output().join("backend/task.bson.part").exists());
    // With its log, it is another content.
    old.export(&["--replay"]).run().done();
    assert_eq!(old.dumped(), old.golden.truth);
    assert!(!old.output().join("backend/task.bson.part").exists());
}

#[test]
fn indexes_are_dumped_with_all_that_their_definitions_say() {
    let old = Old::new("clearml");
    old.export(&["--index", "backend.*"]).run().done();
    let indexes = |collection: &str| {
        let path = old.output().join(format!("backend/{collection}.metadata.json"));
        let described: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        described["indexes"].as_array().unwrap().clone()
    };
    let long = |number: &str| serde_json::json!({"$numberLong": number});
    let double = serde_json::json!({"$numberDouble": "1.0"});
    let of_task = indexes("task");
    let collated = &of_task[2];
    assert_eq!(collated["key"], serde_json::json!({"company": double, "project": double}));
    assert_eq!(collated["collation"]["locale"], "en_US");
    assert_eq!(
        (&collated["collation"]["numericOrdering"], &collated["collation"]["version"]),
        (&true.into(), &"57.1".into())
    );
    let text = &of_task[3];
    assert_eq!(text["name"], "backend-db.task.main_text_index");
    assert_eq!(text["key"], serde_json::json!({"_fts": "text", "_ftsx": long("1")}));
    assert_eq!((&text["weights"]["execution.model"], &text["textIndexVersion"]), (&long("1"), &long("3")));
    let sparse = &indexes("project")[1];
    assert_eq!((&sparse["unique"], &sparse["sparse"]), (&true.into(), &true.into()));
    assert_eq!(indexes("model")[1]["partialFilterExpression"], serde_json::json!({"uri": {"$gt": ""}}));
    assert_eq!(indexes("events.of.2020")[1]["key"], serde_json::json!({"task": "hashed"}));
}

#[test]
fn a_damaged_page_is_named_with_its_file_and_the_other_collections_can_be_had() {
    let old = Old::new("compressed");
    let path = old.golden.path().join("collection-2--77.wt");
    let mut bytes = fs::read(&path).unwrap();
    for place in (4096..bytes.len()).step_by(4096) {
        bytes[place + 100] ^= 1;
    }
    fs::write(&path, bytes).unwrap();
    old.export(&[]).run().refused().saying("collection-2--77.wt").saying("checksum");
    old.export(&["--list"]).run().refused().saying("cannot be read").saying("backend.zstd");
    // In the same directory, and nothing of the first try is among it: mongorestore would take half a collection for one.
    old.export(&["--index", "backend.snappy"]).run().done();
    assert_eq!(old.dumped()["backend.snappy"], old.golden.truth["backend.snappy"]);
    let mut files: Vec<_> =
        fs::read_dir(old.output().join("backend")).unwrap().map(|one| one.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["snappy.bson", "snappy.metadata.json"]);
}

/// See `tests/wiredtiger/wild.rs`.
#[test]
#[ignore = "needs other people's data: CLEARML_MONGO_WILD=DIR cargo test --test export_mongo real -- --ignored"]
fn directories_of_real_servers_are_exported_as_far_as_their_logs_prove() {
    let wild = std::env::var_os("CLEARML_MONGO_WILD").unwrap();
    let machine = Machine::without_docker();
    let mut with_a_log = 0;
    for entry in fs::read_dir(Path::new(&wild)).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        let source = entry.display().to_string();
        let export = |more: &[&str]| {
            machine.migrate(&[&["export", "-s", &source, "-o", "/dev/null", "--index", "local.*"], more].concat())
        };
        if entry.join("journal").is_dir() {
            export(&[]).run().done();
            with_a_log += 1;
        } else {
            export(&[]).run().refused().saying("--last-checkpoint");
            export(&["--last-checkpoint"]).run().done();
        }
    }
    assert_eq!(with_a_log, 4);
}
