//! `export`: what real nodes hold, as text that `_bulk` takes, without a node and without docker.

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

use golden::{Documents, Golden};
use harness::call::Call;
use harness::machine::Machine;
use harness::tree::Tree;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
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

    fn source(&self) -> &Path {
        self.golden.directory.path()
    }

    fn output(&self) -> PathBuf {
        self.machine.path("exported")
    }

    fn export(&self, arguments: &[&str]) -> Call {
        self.export_to(&self.output(), arguments)
    }

    fn export_to(&self, output: &Path, arguments: &[&str]) -> Call {
        let [source, output] = [self.source(), output].map(|path| path.display().to_string());
        self.machine.migrate(&[&["export", "--source", &source, "--output", &output], arguments].concat())
    }

    /// What the files hold, by the names that the manifest gives them.
    fn exported(&self) -> Documents {
        let manifest: Value = serde_json::from_slice(&fs::read(self.output().join("manifest.json")).unwrap()).unwrap();
        let mut documents = Documents::new();
        for (index, entry) in manifest["indices"].as_object().unwrap() {
            assert_eq!(entry["complete"], true);
            for (kind, file) in entry["files"].as_object().unwrap() {
                let mut bytes = fs::read(self.output().join(file["name"].as_str().unwrap())).unwrap();
                assert_eq!(file["bytes"], bytes.len());
                if manifest["encoding"] == "ndjson.zst" {
                    bytes = zstd::decode_all(bytes.as_slice()).unwrap();
                }
                let text = String::from_utf8(bytes).unwrap();
                let lines: Vec<&str> = text.lines().collect();
                assert_eq!(file["documents"], lines.len() / 2);
                documents.extend(parsed(&lines, |_| kind.clone()));
                assert!(documents.keys().any(|(name, ..)| name == index));
            }
        }
        documents
    }
}

/// Reads bulk requests; each document must be there once.
fn parsed(lines: &[&str], mut kind: impl FnMut(&str) -> String) -> Documents {
    let mut documents = Documents::new();
    for pair in lines.chunks(2) {
        let action: Value = serde_json::from_str(pair[0]).unwrap();
        let action = &action["create"];
        let text = |name: &str| action[name].as_str().map(str::to_owned);
        let source: Value = serde_json::from_str(pair[1]).unwrap();
        let digest = format!("{:x}", md5::compute(canonical::text(&source)));
        let id = text("_id").unwrap();
        let name = (text("_index").unwrap(), kind(&id), id);
        assert!(documents.insert(name, (text("routing"), digest)).is_none(), "{} is there twice", pair[0]);
    }
    documents
}

#[test]
fn what_is_about_a_log_of_mongodb_has_no_meaning_here() {
    let golden = Golden::new("kinds");
    let machine = Machine::without_docker();
    let source = golden.directory.path().display().to_string();
    for option in ["--replay", "--last-checkpoint"] {
        let said = machine.migrate(&["export", "--source", &source, "--output", "/dev/null", option]).run();
        said.with_code(2).saying("is about the log of MongoDB");
    }
}

#[test]
fn everything_that_a_node_holds_is_there_once_and_nothing_else() {
    for name in ["kinds", "killed", "merged"] {
        for format in ["ndjson", "ndjson.zst"] {
            let old = Old::new(name);
            let before = Tree::of(old.source());
            let said = old.export(&["--format", format]).run().done();
            assert_eq!(old.exported(), old.golden.truth, "{name} as {format}");
            Tree::of(old.source()).same_as(&before, "the data directory");
            let checked = std::process::Command::new("sha256sum")
                .args(["--check", "--strict", "--quiet", "SHA256SUMS"])
                .current_dir(old.output())
                .status();
            assert!(checked.unwrap().success(), "{said}");
        }
    }
}

#[test]
fn an_index_is_described_as_its_node_would() {
    let old = Old::new("kinds");
    old.export(&["--index", "types"]).run().done();
    let text = fs::read(old.output().join("types.json")).unwrap();
    let described: Value = serde_json::from_slice(&text).unwrap();
    let index = &described["types"];
    let kinds: BTreeSet<&str> = index["mappings"].as_object().unwrap().keys().map(String::as_str).collect();
    assert!(kinds.is_superset(&["child", "other", "parent"].into()), "{kinds:?}");
    assert!(index["settings"]["index"]["number_of_shards"].is_string() && index["aliases"].is_object());
    let names = fs::read_dir(old.output()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let expected = [
        "SHA256SUMS",
        "manifest.json",
        "types.json",
        "types@child.ndjson",
        "types@other.ndjson",
        "types@parent.ndjson",
    ];
    assert_eq!(names.collect::<BTreeSet<_>>(), expected.map(str::to_owned).into());
}

#[test]
fn killed_in_the_middle_it_goes_on_behind_the_last_checkpoint() {
    for format in ["ndjson", "ndjson.zst"] {
        let old = Old::new("kinds");
        // A checkpoint is taken behind the first unit of an index; the kill comes behind a later one.
        for kill in ["export.unit=kill@2", "export.unit=kill@3"] {
            let failpoints = format!("export.checkpoint_due=error;{kill}");
            old.export(&["--format", format]).failpoints(&failpoints).run().killed();
        }
        let said = old.export(&["--format", format]).run().done();
        assert!(said.stderr.contains(" is there already"), "{said}");
        assert_eq!(old.exported(), old.golden.truth, "{said}");
        let again = old.export(&["--format", format]).run().done();
        assert_eq!(again.stderr.matches(" is there already").count(), 5, "{again}");
    }
}

#[test]
fn a_stream_has_all_documents_one_behind_the_other() {
    let old = Old::new("killed");
    let said = old.export_to(Path::new("-"), &[]).run().done();
    let lines: Vec<&str> = said.stdout.lines().collect();
    // A stream does not name the types, and the same id may be there with several of them or several routings.
    let mut number = 0;
    let by_number = parsed(&lines, |_| {
        number += 1;
        number.to_string()
    });
    let content = |documents: &Documents| {
        let without_type =
            |(name, content): (&golden::Name, &golden::Content)| (name.0.clone(), name.2.clone(), content.clone());
        let mut all: Vec<_> = documents.iter().map(without_type).collect();
        all.sort();
        all
    };
    assert_eq!(content(&by_number), content(&old.golden.truth));
    let kinds = Old::new("kinds");
    let warned = kinds.export_to(Path::new("/dev/null"), &[]).run().done();
    assert!(warned.stderr.contains("types has several types (other, child, parent)"), "{warned}");
    assert!(said.stderr.contains("documents in"), "{said}");
    let nowhere = old.export_to(Path::new("/dev/null"), &[]).run().done();
    assert!(nowhere.stdout.contains("documents in"), "{nowhere}");
}

#[test]
fn indices_are_listed_without_being_read() {
    let old = Old::new("kinds");
    let said = old.export(&["--list"]).run().done();
    insta::assert_snapshot!(without_sizes(&said.stdout));
    assert!(!old.output().exists());
}

/// Sizes on disk are of no interest.
fn without_sizes(text: &str) -> String {
    let is_size = |word: &&str| *word != "KiB" && *word != "B" && !word.contains('.');
    text.lines().map(|line| line.split_whitespace().filter(is_size).collect::<Vec<_>>().join(" ") + "\n").collect()
}

#[test]
fn a_damaged_index_stops_its_own_export_and_no_other() {
    let old = Old::new("kinds");
    let nodes = old.source().join("nodes/0/indices");
    let single = fs::read_dir(nodes).unwrap().map(|entry| entry.unwrap().path()).find(|path| {
        let states = fs::read_dir(path.join("_state")).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
        states.into_iter().any(|state| state.windows(6).any(|window| window == b"single"))
    });
    fs::write(single.unwrap().join("0/index/corrupted_x"), "").unwrap();
    let said = old.export(&[]).run().refused();
    assert!(said.stderr.contains("corrupted_x"), "{said}");
    assert!(!old.output().exists(), "nothing is begun");
    old.export(&["--index", "nested"]).run().done();
    assert!(old.exported().keys().all(|(index, ..)| index == "nested"));
    let listed = old.export(&["--list"]).run().done();
    assert!(listed.stdout.contains("corrupted_x") && listed.stdout.contains("nested"), "{listed}");
}

/// Returns the directory of an index.
fn index_directory(old: &Old, name: &str) -> PathBuf {
    let holds = |path: &PathBuf| {
        let states = fs::read_dir(path.join("_state")).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
        states.into_iter().any(|state| state.windows(name.len()).any(|window| window == name.as_bytes()))
    };
    let indices = fs::read_dir(old.source().join("nodes/0/indices")).unwrap();
    indices.map(|entry| entry.unwrap().path()).find(holds).unwrap()
}

#[test]
fn an_index_of_which_nobody_can_tell_which_it_is_is_never_left_out_in_silence() {
    type Change = fn(&Path);
    let cases: [(&str, Change); 4] = [
        ("is a link that leads nowhere (is a disk not mounted?)", |index| {
            fs::remove_dir_all(index).unwrap();
            std::os::unix::fs::symlink("/mnt/gone/index", index).unwrap();
        }),
        ("is empty (is a disk not mounted?)", |index| {
            fs::remove_dir_all(index).unwrap();
            fs::create_dir(index).unwrap();
        }),
        ("holds a shard, but no state", |index| fs::remove_dir_all(index.join("_state")).unwrap()),
        ("neither a state nor a shard", |index| fs::remove_dir_all(index.join("_state")).unwrap()),
    ];
    for (told, change) in cases {
        let old = Old::new("kinds");
        let index = index_directory(&old, "single");
        change(&index);
        if told.starts_with("neither") {
            for shard in fs::read_dir(&index).unwrap() {
                fs::remove_dir_all(shard.unwrap().path().join("index")).unwrap();
            }
        }
        let refused = old.export(&[]).run().refused();
        refused.saying(told).saying(&format!("mv {}", index.display()));
        old.export(&["--index", "*nested*"]).run().refused().saying(told);
        old.export_to(Path::new("/dev/null"), &[]).run().refused().saying(told);
        assert!(!old.output().exists(), "nothing is begun");
        let listed = old.export(&["--list"]).run().refused();
        assert!(listed.stdout.contains("nested") && listed.stdout.contains(told), "{listed}");
        listed.saying("There may be more in").saying(told);
        // An index that is there by its name is no other; what is left out is told wherever the export is.
        let named = old.export(&["--index", "nested"]).run().done();
        named.saying(&format!("Please note: Not exported: {}", index.display()));
        let manifest: Value = serde_json::from_slice(&fs::read(old.output().join("manifest.json")).unwrap()).unwrap();
        assert!(manifest["warnings"][0].as_str().unwrap().contains(told), "{manifest}");
    }
}

#[test]
fn data_without_any_index_are_an_error_unless_it_is_said() {
    for missing in [true, false] {
        let old = Old::new("kinds");
        let indices = old.source().join("nodes/0/indices");
        old.export(&["--empty"]).run().refused().saying("is not empty: it holds").saying("Leave out --empty");
        fs::remove_dir_all(&indices).unwrap();
        if !missing {
            fs::create_dir(&indices).unwrap();
        }
        for arguments in [&["--list"][..], &[]] {
            let refused = old.export(arguments).run().refused().saying("holds no index: nothing is in");
            let refused = refused.saying("though the node has").saying("Is a disk not mounted").saying("--empty");
            assert_eq!(refused.stdout, "");
        }
        old.export(&["--list", "--empty"]).run().done();
        old.export(&["--empty"]).run().done().saying("0 documents in 0 indices");
        assert!(old.exported().is_empty());
    }
}

#[test]
fn what_cannot_be_exported_is_refused_by_name() {
    let old = Old::new("merged");
    let refused = |call: Call| old.machine.redacted(&call.run().refused().stderr);
    insta::assert_snapshot!(
        "no_such_index",
        refused(old.export(&["--index", "events-*"])).replace(&old.source().display().to_string(), "[source]")
    );
    let inside = old.source().join("nodes");
    assert!(refused(old.export_to(&inside, &[])).contains("nothing is ever written"));
    fs::create_dir(old.output()).unwrap();
    fs::write(old.output().join("thesis.tex"), "").unwrap();
    insta::assert_snapshot!("output_not_empty", refused(old.export(&[])));
    let nowhere = old.machine.path("nowhere").display().to_string();
    insta::assert_snapshot!("no_source", refused(old.machine.migrate(&["export", "--list", "--source", &nowhere])));
    let usage = old.export(&["--index", "[a"]).run().with_code(2);
    assert!(usage.stderr.contains("no pattern"), "{usage}");
}

#[test]
fn a_file_that_is_there_is_not_written_over() {
    let old = Old::new("merged");
    let file = old.machine.path("all.ndjson");
    fs::write(&file, "of an earlier export").unwrap();
    let refused = old.export_to(&file, &[]).run().refused();
    insta::assert_snapshot!("output_is_a_file", old.machine.redacted(&refused.stderr));
    assert_eq!(fs::read_to_string(&file).unwrap(), "of an earlier export");
}

#[test]
fn what_was_damaged_meanwhile_is_written_anew_and_not_gone_on_with() {
    let old = Old::new("kinds");
    old.export(&[]).failpoints("export.checkpoint_due=error;export.unit=kill@3").run().killed();
    let mut damaged = 0;
    for entry in fs::read_dir(old.output()).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        if path.extension().is_some_and(|end| end == "part") && !bytes.is_empty() {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(&path, bytes).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0);
    old.export(&[]).run().done();
    assert_eq!(old.exported(), old.golden.truth);
}

#[test]
fn of_data_that_have_changed_nothing_older_is_left() {
    let old = Old::new("kinds");
    old.export(&["--index", "types"]).run().done();
    let path = old.output().join("manifest.json");
    let mut manifest: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let types = &mut manifest["indices"]["types"];
    types["content"] = "of yesterday".into();
    let gone = types["files"]["other"].to_string().replace("@other", "@gone");
    types["files"]["gone"] = serde_json::from_str(&gone).unwrap();
    manifest["indices"]["vanished"] = types.clone();
    fs::write(&path, manifest.to_string()).unwrap();
    fs::write(old.output().join("types@gone.ndjson"), "{}").unwrap();
    let said = old.export(&["--index", "[tv]*"]).run().done();
    assert!(said.stderr.contains("vanished is no longer in the data"), "{said}");
    assert!(!old.output().join("types@gone.ndjson").exists());
}

#[test]
fn an_export_of_other_data_is_not_gone_on_with() {
    let (old, other) = (Old::new("merged"), Old::new("killed"));
    old.export(&[]).run().done();
    let [source, output] = [other.source(), &old.output()].map(|path| path.display().to_string());
    let refused = other.machine.migrate(&["export", "--source", &source, "--output", &output]).run().refused();
    assert!(refused.stderr.contains("holds an export of"), "{refused}");
    let format = old.export(&["--format", "ndjson.zst"]).run().refused();
    assert!(format.stderr.contains("in the format ndjson"), "{format}");
}
