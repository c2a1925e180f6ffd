//! `import`: exports of what real nodes held, into a node that is none; `tests/bed/e2e/import_nodes.rs` has real ones.

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
mod golden;
mod harness;
#[path = "import/node.rs"]
mod node;

use golden::{Documents, Golden};
use harness::call::{Call, Outcome};
use harness::machine::Machine;
use harness::tree::Tree;
use node::Node;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;

/// An export on a machine without docker, and a node to take it.
struct Import {
    machine: Machine,
    golden: Golden,
    node: Node,
}

impl Import {
    async fn new(name: &str, format: &str, version: &'static str) -> Self {
        let import =
            Self { machine: Machine::without_docker(), golden: Golden::new(name), node: Node::start(version).await };
        import.export(&["--format", format]).run().done();
        import
    }

    fn exported(&self) -> PathBuf {
        self.machine.path("exported")
    }

    fn export(&self, arguments: &[&str]) -> Call {
        let [source, output] = [self.golden.directory.path(), &self.exported()].map(|path| path.display().to_string());
        self.machine.migrate(&[&["export", "--source", &source, "--output", &output], arguments].concat())
    }

    fn import(&self, arguments: &[&str]) -> Call {
        self.import_to(&self.node.address(), arguments)
    }

    fn import_to(&self, target: &str, arguments: &[&str]) -> Call {
        let input = self.exported().display().to_string();
        self.machine.migrate(&[&["import", "--input", &input, "--target", target], arguments].concat())
    }

    /// What the node holds, as the truth has it.
    fn found(&self) -> Documents {
        let state = self.node.state();
        let all = state.indices.iter().flat_map(|(name, index)| {
            index.documents.iter().map(move |(id, (routing, source))| {
                let value: Value = serde_json::from_str(source).unwrap();
                let digest = format!("{:x}", md5::compute(canonical::text(&value)));
                ((name.clone(), String::new(), id.clone()), (routing.clone(), digest))
            })
        });
        all.collect()
    }

    /// What of the truth can be in indices without types: of two documents with one `_id`, the first one.
    fn expected(&self) -> Documents {
        let truth = self.golden.truth.iter();
        truth.map(|((index, _, id), content)| ((index.clone(), String::new(), id.clone()), content.clone())).collect()
    }

    fn changes(&self) -> Vec<String> {
        self.node.state().changes.clone()
    }

    /// What was said, with the names of this run replaced.
    fn told(&self, outcome: &Outcome) -> String {
        self.machine.redacted(&outcome.stderr).replace(&self.node.address(), "[node]")
    }
}

fn paths_of(changes: &[String], end: &str) -> usize {
    changes.iter().filter(|change| change.ends_with(end)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_document_is_in_the_node_as_the_old_one_held_it() {
    for (format, version) in [("ndjson", "7.17.29"), ("ndjson.zst", "8.17.0")] {
        let import = Import::new("merged", format, version).await;
        let before = Tree::of(&import.exported());
        let said = import.import(&["--index", "*"]).run().done();
        assert_eq!(import.found(), import.expected());
        said.saying(&format!("documents in 2 indices are in Elasticsearch {version}")).saying("every one compared");
        for index in import.node.state().indices.values() {
            assert_eq!(index.created["settings"]["index"]["number_of_shards"], 1);
            assert!(index.created["mappings"]["properties"].is_object() && index.aliases.is_empty());
        }
        Tree::of(&import.exported()).same_as(&before, "the export");
        // Nothing but these indices was changed, no template in particular.
        let changes = import.changes();
        let ours =
            |change: &String| ["/best", "/fast", "/_aliases", "/_search/"].iter().any(|name| change.contains(name));
        assert!(changes.iter().all(ours), "{changes:?}");

        let again = import.import(&["--index", "*"]).run().done();
        assert_eq!(again.stderr.matches(" is there already").count(), 2, "{again}");
        assert_eq!(import.changes(), changes);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closed_indices_are_closed_again_and_aliases_are_kept() {
    let import = Import::new("kinds", "ndjson.zst", "8.17.0").await;
    import.import(&["--index", "[cf]*"]).run().done();
    let state = import.node.state();
    assert!(state.indices["closed"].closed && !state.indices["formats"].closed);
    assert_eq!(state.indices["formats"].aliases.keys().collect::<Vec<_>>(), ["forms"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_server_s_indices_are_meant_unless_others_are_named() {
    let import = Import::new("merged", "ndjson", "7.6.2").await;
    let refused = import.import(&[]).run().refused();
    insta::assert_snapshot!("import_nothing_meant", import.told(&refused));
    import.import(&["--index", "b*"]).run().done();
    assert_eq!(import.node.state().indices.keys().collect::<Vec<_>>(), ["best"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_anywhere_it_goes_on_and_an_index_that_was_half_written_is_made_anew() {
    let import = Import::new("merged", "ndjson.zst", "7.6.2").await;
    for kill in ["elastic.create_index=kill@2", "elastic.bulk=kill", "elastic.flush=kill"] {
        import.import(&["--index", "*"]).failpoints(kill).run().killed();
    }
    import.import(&["--index", "*"]).failpoints("import.copied=kill").run().killed();
    let copied = import.changes();
    let marked = |index: &&node::Index| !index.aliases.is_empty() && index.pipeline.is_some();
    let half = import.node.state().indices.values().filter(marked).count();
    assert_eq!(half, 2, "both bear the mark, and are closed to others");
    import.import(&["--index", "*"]).failpoints("import.finished=kill").run().killed();
    import.import(&["--index", "*"]).failpoints("elastic.remove_mark=kill@2").run().killed();
    import.import(&["--index", "*"]).run().done();
    assert_eq!(import.found(), import.expected());
    assert!(import.node.state().indices.values().all(|index| index.aliases.is_empty() && index.pipeline.is_none()));
    // The one that was copied whole was not sent again.
    let after = import.changes().split_off(copied.len());
    assert_eq!(paths_of(&after, "DELETE /best") + paths_of(&after, "DELETE /fast"), 1, "{after:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_already_is_refused_by_name_and_never_touched() {
    let import = Import::new("kinds", "ndjson", "8.17.0").await;
    let made =
        ["single", "nested"].map(|name| reqwest::Url::parse(&import.node.address()).unwrap().join(name).unwrap());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for url in made {
        http.put(url).json(&json!({"aliases": {"types": {}}})).send().await.unwrap();
    }
    let before = import.changes();
    let refused = import.import(&["--index", "*"]).run().refused();
    insta::assert_snapshot!("import_exists", import.told(&refused));
    // Of one that bears the name of an alias of ours, too.
    http.put(format!("{}/forms", import.node.address())).json(&json!({})).send().await.unwrap();
    import.import(&["--index", "formats"]).run().refused().saying("has an index of that name");
    assert_eq!(import.changes().len(), before.len() + 1);
    assert_eq!(import.node.state().indices.len(), 3);
    import.import(&["--index", "closed"]).run().done();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_take_an_import_is_refused_before_anything_is_written() {
    for (version, part) in
        [("5.6.16", "is of version 5.6.16"), ("6.8.0", "6.8.0"), ("9.1.0", "only Elasticsearch 7 and 8")]
    {
        let import = Import::new("merged", "ndjson", version).await;
        import.import(&["--index", "*"]).run().refused().saying(part);
        assert!(import.changes().is_empty());
    }
    let import = Import::new("merged", "ndjson", "8.17.0").await;
    // What answers with something else is no node that is starting.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
        }
    });
    let nobody = import.import_to(&address, &["--index", "*"]).run().refused();
    nobody.saying("does not answer");
    import
        .import_to("https://es:9200", &["--index", "*"])
        .run()
        .with_code(2)
        .saying("no TLS")
        .saying("OPENSSL:es:9200");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_asked_for_taken_from_the_environment_and_never_written_down() {
    let import = Import::new("merged", "ndjson", "8.17.0").await;
    // `ann` and `p@ss word`.
    import.node.state().login = Some("Basic YW5uOnBAc3Mgd29yZA==");
    let refused = import.import(&["--index", "*"]).run().refused();
    insta::assert_snapshot!("import_login", import.told(&refused));
    let target = import.node.address().replace("http://", "http://ann@");
    let log = import.machine.path("log");
    let arguments = ["--index", "*", "--log-file", &log.display().to_string()];
    let call = import.import_to(&target, &arguments).env("CLEARML_MIGRATE_PASSWORD", "p@ss word");
    let said = call.run().done();
    assert_eq!(import.found(), import.expected());
    let logged = fs::read_to_string(log).unwrap();
    assert!(![&said.said(), &logged].iter().any(|text| text.contains("p@ss") || text.contains("p%40ss")), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_export_is_refused_by_the_file_s_name_before_anything_is_written() {
    let import = Import::new("merged", "ndjson.zst", "8.17.0").await;
    let path = import.exported().join("best@doc.ndjson.zst");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let refused = import.import(&["--index", "*"]).run().refused();
    insta::assert_snapshot!("import_damaged", import.told(&refused));
    assert!(import.changes().is_empty());
    import.import(&["--index", "fast"]).run().done();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_was_cut_off_is_refused_with_what_finishes_it() {
    let import = Import::new("kinds", "ndjson", "8.17.0").await;
    fs::remove_dir_all(import.exported()).unwrap();
    import.export(&[]).failpoints("export.unit=kill@2").run().killed();
    let refused = import.import(&["--index", "*"]).run().refused();
    let source = import.golden.directory.path().display().to_string();
    insta::assert_snapshot!("import_unfinished", import.told(&refused).replace(&source, "[source]"));
    assert!(import.changes().is_empty());
    import.export(&[]).run().done();
    import.import(&["--index", "closed"]).run().done();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_says_what_would_be_made_and_writes_nothing() {
    let import = Import::new("merged", "ndjson", "8.17.0").await;
    let files = import.machine.files();
    let said = import.import(&["--index", "*", "--dry-run"]).run().done();
    let told = said.stdout.replace(&import.node.address(), "[node]");
    insta::assert_snapshot!("import_dry_run", told);
    assert!(import.changes().is_empty());
    for ((name, before), (_, now)) in files.iter().zip(import.machine.files()) {
        now.same_as(before, name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_difference_names_documents_and_the_next_run_makes_the_index_anew() {
    for verify in ["api", "counts"] {
        let import = Import::new("merged", "ndjson", "8.17.0").await;
        let arguments = ["--index", "best", "--verify", verify];
        import.import(&arguments).failpoints("import.copied=kill").run().killed();
        let gone = {
            let mut state = import.node.state();
            let best = state.indices.get_mut("best").unwrap();
            let (gone, _) = best.documents.pop_first().unwrap();
            if verify == "api" {
                best.documents.first_entry().unwrap().get_mut().1 = "{}".to_owned();
            }
            gone
        };
        let different = import.import(&arguments).run().with_code(4);
        match verify {
            "api" => different.saying(&format!("{gone} is missing")).saying("has another content"),
            _ => different.saying("documents instead of"),
        };
        import.import(&arguments).run().done();
        let best: Documents = import.expected().into_iter().filter(|((index, ..), _)| index == "best").collect();
        assert_eq!(import.found(), best);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_documents_of_one_id_are_reported_and_can_be_left_out() {
    let import = Import::new("kinds", "ndjson.zst", "8.17.0").await;
    let twice = import.golden.truth.len() - import.expected().len();
    assert!(twice > 1);
    let refused = import.import(&["--index", "types"]).run().with_code(1);
    let refused = refused.saying(&format!("refused {twice} documents")).saying("has the same _id in this index");
    let said = refused.said();
    let file = said.split_whitespace().find(|word| word.contains("/rejects-")).unwrap();
    let accepting = ["--index", "types", "--accept-rejects", file.trim_end_matches([',', '.'])];
    let done = import.import(&accepting).run().done().saying(&format!("{twice} documents were left out"));
    done.saying(&format!("Not among them: {twice} documents that were left out, as accepted with --accept-rejects."));
}

/// What is in memory does not depend on what is in a file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_is_imported_in_little_memory() {
    let (machine, node) = (Machine::without_docker(), Node::start("8.17.0").await);
    node.state().keeps_sources = false;
    let directory = machine.path("exported");
    fs::create_dir(&directory).unwrap();
    // 240 MiB of sources in one frame.
    let (documents, padding) = (60_000_u64, "x".repeat(4 * 1024));
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    for number in 0..documents {
        write!(encoder, "{{\"create\":{{\"_index\":\"events-log\",\"_id\":\"{number}\"}}}}\n{{\"n\":\"{padding}\"}}\n")
            .unwrap();
    }
    let bytes = encoder.finish().unwrap();
    let sha256 = |bytes: &[u8]| format!("{:x}", Sha256::digest(bytes));
    let description = json!({"events-log": {"aliases": {}, "mappings": {"event": {}},
        "settings": {"index": {"number_of_shards": "1"}}}})
    .to_string();
    let name = "events-log@event.ndjson.zst";
    let file = json!({"name": name, "documents": documents, "source_bytes": documents * 4096, "bytes": bytes.len(),
        "sha256": sha256(&bytes)});
    let manifest = json!({"format": 1, "made_by": "a test", "source": "/data", "encoding": "ndjson.zst",
        "indices": {"events-log": {"uuid": "u", "content": "c", "complete": true, "units": 1, "converted": 0,
            "description": "events-log.json", "files": {"event": file}}}})
    .to_string();
    let all =
        [(name, bytes.as_slice()), ("events-log.json", description.as_bytes()), ("manifest.json", manifest.as_bytes())];
    let mut sums = String::new();
    for (name, bytes) in all {
        fs::write(directory.join(name), bytes).unwrap();
        sums.push_str(&format!("{}  {name}\n", sha256(bytes)));
    }
    fs::write(directory.join("SHA256SUMS"), sums).unwrap();

    let [input, target] = [directory.display().to_string(), node.address()];
    let call = machine.migrate(&["import", "--input", &input, "--target", &target, "--verify", "counts"]);
    let mut most = 0;
    let said = call.start().wait_looking(|process| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        most = most.max(kilobytes.unwrap_or_default());
    });
    said.done().saying("60,000 documents counted");
    assert!(most > 0 && most < 160 * 1024, "{most} KiB");
}
