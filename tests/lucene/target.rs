//! The reader of targets finds exactly the documents that the node itself served.
//!
//! `CLEARML_TARGET_DATA` names the data directory of another node, for the tests that are ignored otherwise.

use crate::golden::{Golden, assert_same, parse_truth, read_target};
use clearml_migrate::lucene::target::{TargetDirectory, TargetShard};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The versions of which there are directories, and the codecs that their segments must have for the test to mean
/// something: the default one, and that of `best_compression` if it has one of its own.
const VERSIONS: [(&str, &[&str]); 8] = [
    ("7.6.2", &["Lucene84"]),
    // Stored fields with the index that came with Lucene 8.5, under the same name.
    ("7.8.1", &["Lucene84"]),
    ("7.9.3", &["Lucene86"]),
    // Stored fields of Lucene 8.8: an older version of their format, and chunks of another size.
    ("7.12.1", &["Lucene87"]),
    // Of Lucene 8.9: the newer version, and still that size.
    ("7.15.2", &["Lucene87"]),
    ("7.17.29", &["Lucene87"]),
    ("8.15.3", &["Lucene99"]),
    ("8.17.0", &["Lucene912", "Elasticsearch816"]),
];

/// The one index that was not flushed.
pub const UNFLUSHED: &str = "unflushed";

#[test]
fn what_a_node_served_is_found() {
    for (version, _) in VERSIONS {
        let golden = Golden::new(version);
        let found = read_target(golden.directory.path(), |index| index.name != UNFLUSHED).unwrap();
        assert!(golden.truth.len() > 500, "{version}: {}", golden.truth.len());
        assert_same(&found.documents, &golden.truth);
        // Overwritten and deleted ones, nested ones, several segments.
        assert!(found.tally.deleted > 200 && found.tally.nested > 500 && found.units > 5, "{version}: {found:?}");
        assert!(found.documents.keys().any(|(_, _, id)| id == "\u{1F600}"));
        let routed = found.documents.values().filter(|(routing, _)| routing.as_deref() == Some("größe"));
        assert!(routed.count() > 20, "{version}");
    }
}

#[test]
fn every_codec_is_among_the_segments() {
    for (version, codecs) in VERSIONS {
        let golden = Golden::new(version);
        let directory = TargetDirectory::open(golden.directory.path()).unwrap();
        let mut commits = Vec::new();
        for index in directory.indices() {
            let shard = directory.shard_path(&index.uuid, 0).join("index");
            let names = std::fs::read_dir(shard).unwrap().map(|entry| entry.unwrap().path());
            let commit = names.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("segments_"));
            commits.extend(commit.flat_map(|path| std::fs::read(path).unwrap()));
        }
        for codec in codecs {
            let found = commits.windows(codec.len()).any(|window| window == codec.as_bytes());
            assert!(found, "{version}: no segment of {codec}");
        }
    }
}

#[test]
fn operations_that_were_not_flushed_are_noticed() {
    for (version, _) in VERSIONS {
        let golden = Golden::new(version);
        let error = read_target(golden.directory.path(), |index| index.name == UNFLUSHED).unwrap_err();
        assert!(error.message().starts_with("3 operations of the shard are not in "), "{version}: {error}");
        assert!(error.hints().join(" ").contains("_flush"));
    }
}

#[test]
fn another_commit_than_the_expected_one_is_refused() {
    let golden = Golden::new("8.17.0");
    let directory = TargetDirectory::open(golden.directory.path()).unwrap();
    let index = directory.indices().iter().find(|index| index.name == "speed").unwrap();
    let path = directory.shard_path(&index.uuid, 0);
    let commit = TargetShard::open(&path, None).unwrap().commit().to_owned();
    assert_eq!(TargetShard::open(&path, Some(&commit)).unwrap().commit(), commit);
    let error = TargetShard::open(&path, Some("AAAAAAAAAAAAAAAAAAAAAA==")).unwrap_err();
    assert!(error.message().contains("segments_") && error.causes()[0].contains("another one"), "{error}");
}

#[test]
fn what_is_no_target_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    assert!(TargetDirectory::open(dir.path()).unwrap_err().message().contains("not the data of"));
    // Elasticsearch 5 keeps its indices where 7 does, but its commits are of another kind.
    let golden = Golden::new("merged");
    let error = read_target(golden.directory.path(), |_| true).unwrap_err();
    assert!(error.causes()[0].contains("older than that of Elasticsearch 7"), "{error:?}");
}

fn other_node() -> PathBuf {
    std::env::var_os("CLEARML_TARGET_DATA").unwrap().into()
}

/// `CLEARML_TARGET_TRUTH` names what that node serves, in the form that `tests/fixtures/lucene/target.py` prints.
#[test]
#[ignore = "needs the data of another node"]
fn what_another_node_served_is_found() {
    let truth = parse_truth(std::env::var_os("CLEARML_TARGET_TRUTH").unwrap().as_ref());
    let started = Instant::now();
    let found = read_target(&other_node(), |_| true).unwrap();
    println!("{:?}, {} documents in {:?}", found.tally, found.documents.len(), started.elapsed());
    let directory = TargetDirectory::open(&other_node()).unwrap();
    for index in directory.indices() {
        let started = Instant::now();
        let (mut documents, mut bytes) = (0, 0);
        for shard in directory.shards(index).unwrap() {
            // For a look at what the node says: `GET /<index>/_stats?level=shards`, `commit.id`.
            println!("commit of {}: {}", index.name, shard.commit());
            for unit in shard.units() {
                let tally = unit.read(|_| Ok(())).unwrap();
                documents += tally.documents;
                bytes += tally.source_bytes;
            }
        }
        println!("{documents} documents of {bytes} bytes in {}, reading alone: {:?}", index.name, started.elapsed());
    }
    assert_same(&found.documents, &truth);
}

#[test]
#[ignore = "needs the data of a node that is being written to"]
fn beside_a_node_that_writes_only_what_is_not_flushed_is_refused() {
    let (mut read, mut refused) = (0, 0);
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(60) {
        match read_target(&other_node(), |_| true) {
            Ok(_) => read += 1,
            Err(error) if error.message().contains(" operations of the shard are not in ") => refused += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    println!("{read} times read, {refused} times refused");
}
