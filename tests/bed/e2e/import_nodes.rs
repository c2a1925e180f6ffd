//! `import`: what was exported from real data of Elasticsearch 5, written into real nodes of 7 and 8 and read back from
//! them, document by document.

use crate::canonical;
use crate::golden::{Content, Documents, Golden, Name, assert_same};
use crate::harness::call::{Call, tool};
use crate::harness::deployment::Deployment;
use crate::harness::machine::Machine;
use crate::nodes::{LOG_INDEX, OddIndices, Old, Target};
use crate::side_by_side::two_at_once;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Each with a name and a port of its own, as both nodes run at once.
const VERSIONS: [(&str, &str, u16); 2] = [("new-node-7", "7.6.2", 9207), ("new-node-8", "8.17.0", 9208)];
const DOCUMENTS: u64 = 2_000;

/// A machine with an export, and a node to take it.
struct Pair<'a> {
    machine: &'a Machine,
    exported: PathBuf,
    node: &'a Target,
}

impl<'a> Pair<'a> {
    /// Exports a data directory.
    fn of(machine: &'a Machine, data: &Path, format: &str, node: &'a Target) -> Self {
        let exported = machine.path(&format!("exported-{}", data.file_name().unwrap().display()));
        let [source, output] = [data, &exported].map(|path| path.display().to_string());
        machine.migrate(&["export", "--source", &source, "--output", &output, "--format", format]).run().done();
        Self { machine, exported, node }
    }

    fn import(&self, arguments: &[&str]) -> Call {
        let [input, target] = [self.exported.display().to_string(), self.node.address()];
        self.machine.migrate(&[&["import", "--input", &input, "--target", &target], arguments].concat())
    }

    /// Imports all indices without the documents that newer versions cannot hold, and returns the others: left out are
    /// values that their fields do not take any more, and documents whose `_id` another one has under another type.
    fn import_what_can_be(&self, truth: &Documents) -> Documents {
        let first = self.import(&["--index", "*"]).run();
        if first.status.success() {
            first.saying(&format!("{} documents equal, byte for byte", truth.len()));
            return without_types(truth);
        }
        let said = first.with_code(1).saying("The new Elasticsearch refused").said();
        let file = said.split_whitespace().find(|word| word.contains("/rejects-")).unwrap();
        let file = file.trim_end_matches([',', '.']);
        let mut kept = truth.clone();
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let reject: Value = serde_json::from_str(line).unwrap();
            let reason = reject["reason"].as_str().unwrap();
            assert!(reason.contains("_parsing_exception") || reason.contains("has the same _id"), "{reason}");
            let name = ["index", "type", "id"].map(|part| reject[part].as_str().unwrap().to_owned());
            assert!(kept.remove(&name.into()).is_some(), "{line}");
        }
        let left_out = truth.len() - kept.len();
        let done = self.import(&["--index", "*", "--accept-rejects", file]).run().done();
        done.saying(&format!("{left_out} documents were left out")).saying("equal, byte for byte");
        without_types(&kept)
    }

    /// What is in the node's indices, as the truth has it: without types.
    fn documents(&self, indices: &BTreeSet<String>) -> Documents {
        let mut documents = Documents::new();
        for index in indices {
            let mut page = self.node.call("POST", &format!("/{index}/_search?scroll=1m"), r#"{"size":500}"#);
            loop {
                let hits = page["hits"]["hits"].as_array().unwrap().clone();
                if hits.is_empty() {
                    break;
                }
                for hit in hits {
                    let digest = format!("{:x}", md5::compute(canonical::text(&hit["_source"])));
                    let name = (index.clone(), String::new(), hit["_id"].as_str().unwrap().to_owned());
                    let routing = hit["_routing"].as_str().map(str::to_owned);
                    assert!(documents.insert(name, (routing, digest)).is_none(), "{hit} is there twice");
                }
                let next = json!({"scroll": "1m", "scroll_id": page["_scroll_id"]});
                page = self.node.call("POST", "/_search/scroll", &next.to_string());
            }
        }
        documents
    }

    /// Requires that nothing is left in the node but the indices themselves.
    fn nothing_is_unfinished(&self) {
        let aliases = self.node.call("GET", "/_cat/aliases?format=json&h=alias", "").to_string();
        assert!(!aliases.contains("clearml-migrate"), "{aliases}");
    }
}

/// Does this with a node of each version, both at once, each with a machine of its own to import from.
fn with_both_versions(work: impl Fn(&Machine, &str, &Target) + Sync) {
    two_at_once(VERSIONS, |(name, version, port)| {
        let machine = Machine::without_docker();
        let node = Target::beside(name, version, port, &machine.path("data"));
        work(&machine, version, &node);
    });
}

fn names(documents: &Documents) -> BTreeSet<String> {
    documents.keys().map(|(index, ..)| index.clone()).collect()
}

/// No document of these directories is routed by its task, so routing is kept.
fn without_types(truth: &Documents) -> Documents {
    let plain =
        |((index, _, id), content): (&Name, &Content)| ((index.clone(), String::new(), id.clone()), content.clone());
    let plain: Documents = truth.iter().map(plain).collect();
    assert_eq!(plain.len(), truth.len(), "no id is there under two types");
    plain
}

#[test]
fn both_versions_hold_what_the_old_node_held() {
    let _bed = Machine::new();
    with_both_versions(|machine, version, node| {
        for (name, format) in [("kinds", "ndjson.zst"), ("merged", "ndjson")] {
            let golden = Golden::new(name);
            let pair = Pair::of(machine, golden.directory.path(), format, node);
            let truth = pair.import_what_can_be(&golden.truth);
            assert_eq!(truth.len() < golden.truth.len(), name == "kinds", "{version}");
            pair.nothing_is_unfinished();
            if name == "kinds" {
                let state = node.call("GET", "/_cat/indices/closed?format=json&h=status", "");
                assert_eq!(state[0]["status"], "close", "{version}");
                node.call("POST", "/closed/_open?wait_for_active_shards=1", "");
                let described = node.call("GET", "/formats,types", "");
                assert!(described["formats"]["aliases"]["forms"].is_object(), "{described}");
                assert_eq!(described["types"]["settings"]["index"]["number_of_shards"], "1");
            }
            assert_same(&pair.documents(&names(&truth)), &truth);
            // Once more, there is nothing to do.
            let again = pair.import(&["--index", "*"]).run().done();
            assert_eq!(again.stderr.matches(" is there already").count(), names(&truth).len(), "{again}");
            // On another machine, nobody knows that these are ours.
            let stranger = pair.import(&["--index", "*"]).env("CLEARML_MIGRATE_STATE_DIR", machine.path("other"));
            stranger.run().refused().saying("has indices of these names already");
        }
    });
}

#[test]
fn killed_anywhere_it_goes_on_and_nothing_is_missing_or_mixed() {
    let old_machine = Machine::new();
    let old = Deployment::with_documents(DOCUMENTS).killed().on(&old_machine);
    let data = old_machine.home().join("data/elastic");
    with_both_versions(|machine, version, node| {
        let pair = Pair::of(machine, &data, "ndjson.zst", node);
        for failpoint in
            ["elastic.create_index=kill@2", "elastic.bulk=kill@3", "import.copied=kill@2", "import.finished=kill@2"]
        {
            pair.import(&[]).failpoints(failpoint).run().killed();
        }
        let said = pair.import(&[]).run().done();
        said.saying("every one compared").saying("Left out, as they are not the server's: .monitoring");
        pair.nothing_is_unfinished();
        let found: BTreeMap<String, u64> =
            old.counts().keys().map(|index| (index.clone(), node.count(index))).collect();
        assert_eq!(&found, &old.counts(), "{version}");
        // The new server's fields are those of its release.
        let mapping = node.call("GET", &format!("/{}/_mapping", LOG_INDEX), "");
        assert_eq!(mapping[LOG_INDEX]["mappings"]["properties"]["msg"], json!({"type": "text", "index": false}));
    });
}

#[test]
fn what_differs_is_named_and_made_anew_by_the_next_run() {
    let _bed = Machine::new();
    let golden = Golden::new("merged");
    with_both_versions(|machine, _, node| {
        let pair = Pair::of(machine, golden.directory.path(), "ndjson", node);
        pair.import(&["--index", "best"]).failpoints("import.copied=kill").run().killed();
        let truth = without_types(&golden.truth);
        let mut ids = truth.keys().filter(|(index, ..)| index == "best").map(|(.., id)| id);
        let (gone, altered) = (ids.find(|id| id.is_ascii()).unwrap(), ids.find(|id| id.is_ascii()).unwrap());
        let routed = |id: &str| {
            let routing = &truth[&("best".to_owned(), String::new(), id.to_owned())].0;
            routing.as_ref().map(|routing| format!("&routing={routing}")).unwrap_or_default()
        };
        node.call("DELETE", &format!("/best/_doc/{gone}?refresh=true{}", routed(gone)), "");
        // Nobody else writes to an index that may be deleted, unless on purpose.
        let another = |id: &str, routing: &str| (format!("/best/_doc/{id}?refresh=true{routing}"), r#"{"n":"other"}"#);
        let (path, body) = another("of-somebody", "");
        let said = node.refuses("PUT", &path, body);
        assert!(said.contains("clearml-migrate-is-still-importing-this-index"), "{said}");
        let (path, body) = another(altered, &format!("{}&pipeline=_none", routed(altered)));
        node.call("PUT", &path, body);
        let said = pair.import(&["--index", "best"]).run().with_code(4);
        said.saying(&format!("{gone} is missing")).saying(&format!("{altered} has another content"));
        pair.import(&["--index", "best"]).run().done();
        let best: Documents = truth.into_iter().filter(|((index, ..), _)| index == "best").collect();
        assert_same(&pair.documents(&["best".to_owned()].into()), &best);
        pair.nothing_is_unfinished();
        let (path, body) = another("of-somebody", "");
        node.call("PUT", &path, body);
    });
}

#[test]
fn odd_documents_arrive_as_a_migration_would_bring_them() {
    let old_machine = Machine::new();
    let data = old_machine.path("old");
    std::fs::create_dir(&data).unwrap();
    tool("chmod", &["0777", &data.display().to_string()]);
    Old::on(&data, |old| {
        old.add(&OddIndices);
        old.make_collisions("events-log-twice");
        old.make_weighted_index("library");
    })
    .stopped();
    with_both_versions(|machine, version, node| {
        let pair = Pair::of(machine, &data, "ndjson.zst", node);
        let said = pair.import(&[]).run();
        let said = said.with_code(1).saying("The new Elasticsearch refused 2 documents").saying("the same _id");
        let text = said.said();
        let file = text.split_whitespace().find(|word| word.contains("rejects-")).unwrap();
        let file = file.trim_end_matches([',', '.']);
        let rejects = std::fs::read_to_string(file).unwrap();
        let rejects = rejects.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let bytes = rejects.filter_map(|one| Some(STANDARD.decode(one["source_base64"].as_str()?).unwrap()));
        let whole = bytes.filter(|source| source.windows(6).any(|bytes| bytes == b"caf\xED\xB3\xA9"));
        assert!(whole.count() > 0, "{version}");
        let said = pair.import(&["--accept-rejects", file]).run().done();
        said.saying("2 documents were left out").saying("2 documents had a key twice");
        let twice = node.call("GET", "/events-log-odd/_doc/twice", "");
        assert_eq!(twice["_source"]["msg"], "two");
        assert_eq!(node.count("events-log-twice"), 2);
        // Not the whole index: one of its fields has a name that is not Unicode.
        let aliases = node.call("GET", "/events-log-odd/_alias", "");
        assert!(aliases["events-log-odd"]["aliases"]["plain"].is_object(), "{aliases}");
        let settings = node.call("GET", "/events-log-odd/_settings", "");
        assert_eq!(settings["events-log-odd"]["settings"]["index"]["refresh_interval"], "7s");
        // No index of the server, and with what 8 refuses.
        pair.import(&["--index", "library"]).run().done();
        assert_eq!(node.count("library"), 1);
        pair.nothing_is_unfinished();
    });
}

#[test]
fn another_version_is_refused_before_anything_is_written() {
    let machine = Machine::new();
    let golden = Golden::new("merged");
    let exported = machine.path("exported").display().to_string();
    let source = golden.directory.path().display().to_string();
    machine.migrate(&["export", "--source", &source, "--output", &exported]).run().done();
    let data = machine.path("old");
    std::fs::create_dir(&data).unwrap();
    tool("chmod", &["0777", &data.display().to_string()]);
    let old = Old::on(&data, |_| {});
    let arguments = ["import", "--input", &exported, "--target", &old.address(), "--index", "*"];
    machine.migrate(&arguments).run().refused().saying("is of version 5.6.16");
}
