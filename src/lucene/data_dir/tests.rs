use super::*;
use crate::lucene::testing::{self, checkpoint, commit, elastic5, index, state, write};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

mod kinds;

const SHARD: &str = "nodes/0/indices/kB80kyWbSLWGrhBASgmkrg/0";

fn five() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    elastic5(dir.path());
    dir
}

fn data(path: &Path) -> DataDir {
    match identify(path).unwrap() {
        Identified { kind: Kind::Elastic5(data), .. } => *data,
        other => panic!("{other:?}"),
    }
}

#[test]
fn data_of_elasticsearch_5_are_told_with_all_that_is_in_them() {
    let dir = five();
    index(dir.path(), "an-older-one", "AAAAAAAAAAAAAAAAAAAAAA", 2_040_699, &[]);
    let data = data(dir.path());
    assert_eq!(data.findings, []);
    assert_eq!(data.cluster_uuid.as_deref(), Some("MtD2YVEcRyWoEl9a-2yjAQ"));
    assert_eq!(data.created(), Some((VersionId(2_040_699), VersionId(5_061_699))));
    let [_, events] = &data.indices[..] else { panic!("{:?}", data.indices) };
    assert_eq!((events.name.as_str(), events.uuid.as_str()), ("events-log", "kB80kyWbSLWGrhBASgmkrg"));
    assert_eq!((events.openness, events.created.to_string().as_str()), (Openness::Open, "5.6.16"));
    assert_eq!(events.types, ["event"]);
    assert_eq!(events.lucene_documents(), Some(12));
    assert_eq!(events.shards[0].translog_operations, 4);
    assert_eq!(data.translog_operations(), 8);
    assert!(data.bytes() > 400);
}

#[test]
fn of_each_segment_the_share_of_its_live_documents_counts_and_what_no_commit_names_does_not() {
    let dir = five();
    let lucene = dir.path().join(SHARD).join("index");
    let length = |name: &str| fs::metadata(lucene.join(name)).unwrap().len();
    for (name, bytes) in [("_0.fdt", 1_000), ("_0_1.liv", 100), ("_1_Lucene50_0.doc", 500), ("_10.cfs", 7_000)] {
        write(&lucene.join(name), &vec![0; bytes]);
    }
    let of_segments = (length("_0.si") + 1_100) * 7 / 10 + length("_1.si") + 500;
    assert_eq!(data(dir.path()).live_bytes(), of_segments + 60 + 90);
}

#[test]
fn what_is_damaged_or_missing_is_found_by_path() {
    type Change = fn(&Path);
    let cases: [(&str, Change); 11] = [
        ("kB80kyWbSLWGrhBASgmkrg/_state/state-4.st", |root| {
            fs::copy(root.join("../CCCCCCCCCCCCCCCCCCCCCC/_state/state-4.st"), root.join("_state/state-4.st"))
                .map(drop)
                .unwrap();
        }),
        ("0/index/corrupted_x", |root| write(&root.join("0/index/corrupted_x"), b"")),
        ("_state/state-4.st", |root| damage(&root.join("_state/state-4.st"))),
        ("0/_state/state-0.st", |root| damage(&root.join("0/_state/state-0.st"))),
        ("0/index/segments_6", |root| damage(&root.join("0/index/segments_6"))),
        ("0/index/segments_N", |root| fs::remove_file(root.join("0/index/segments_6")).unwrap()),
        ("0/index/_1.si", |root| fs::remove_file(root.join("0/index/_1.si")).unwrap()),
        ("0/translog/translog.ckp", |root| damage(&root.join("0/translog/translog.ckp"))),
        ("0/translog/translog-5.ckp", |root| fs::remove_file(root.join("0/translog/translog-5.ckp")).unwrap()),
        ("0/translog/translog-6.tlog", |root| write(&root.join("0/translog/translog-6.tlog"), &[0; 89])),
        ("kB80kyWbSLWGrhBASgmkrg/0", |root| fs::remove_dir_all(root.join("0")).unwrap()),
    ];
    for (place, change) in cases {
        let dir = five();
        // A second index keeps the version told whatever happens to the first.
        index(dir.path(), "other", "CCCCCCCCCCCCCCCCCCCCCC", 5_061_699, &[]);
        change(&dir.path().join("nodes/0/indices/kB80kyWbSLWGrhBASgmkrg"));
        let data = data(dir.path());
        let blocking: Vec<String> = data.blocking().map(ToString::to_string).collect();
        assert_eq!(blocking.len(), 1, "{place}: {blocking:?}");
        assert!(blocking[0].contains(place), "{place}: {blocking:?}");
    }
}

fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn the_copy_of_a_shard_that_others_have_left_behind_is_no_primary() {
    let current = |ids: Value, own: Value| {
        let dir = five();
        let index = dir.path().join("nodes/0/indices/kB80kyWbSLWGrhBASgmkrg");
        let path = index.join("_state/state-4.st");
        let mut content = crate::lucene::state::parse(&fs::read(&path).unwrap()).unwrap().content;
        content["events-log"]["in_sync_allocations"] = ids;
        write(&path, &testing::state(&content));
        let shard =
            json!({"version": 3, "primary": true, "index_uuid": "kB80kyWbSLWGrhBASgmkrg", "allocation_id": own});
        write(&index.join("0/_state/state-0.st"), &testing::state(&shard));
        let data = data(dir.path());
        let found: Vec<String> = data.blocking().map(ToString::to_string).collect();
        assert!(found.iter().all(|found| found.contains("0/_state/state-0.st is of an old copy")), "{found:?}");
        found.is_empty()
    };
    assert!(current(json!({"0": ["other", "own"]}), json!({"id": "own"})));
    assert!(!current(json!({"0": ["other"]}), json!({"id": "own"})));
    // An index of 2.x that was never allocated anew, and a shard that was never.
    assert!(current(json!({"0": []}), json!({"id": "own"})));
    assert!(current(json!({"0": ["other"]}), Value::Null));
}

#[test]
fn deleted_and_foreign_directories_are_ignored_but_told() {
    let dir = five();
    index(dir.path(), "deleted", "DDDDDDDDDDDDDDDDDDDDDD", 5_061_699, &[]);
    fs::create_dir_all(dir.path().join("nodes/0/indices/no-index")).unwrap();
    let graveyard =
        json!({"tombstones": [{"index": {"index_name": "deleted", "index_uuid": "DDDDDDDDDDDDDDDDDDDDDD"}}]});
    let global = json!({"meta-data": {"templates": {}, "index-graveyard": graveyard}});
    write(&dir.path().join("nodes/0/_state/global-9.st"), &state(&global));
    write(&dir.path().join("nodes/0/indices/.DS_Store"), b"");
    fs::create_dir_all(dir.path().join("nodes/0/indices/lost+found")).unwrap();
    let data = data(dir.path());
    assert_eq!(data.indices.len(), 1);
    assert_eq!(data.blocking().count(), 0);
    let foreign: Vec<String> = data.foreign().map(ToString::to_string).collect();
    assert!(
        matches!(&foreign[..], [file, dir] if file.contains(".DS_Store") && dir.contains("no-index")),
        "{foreign:?}"
    );
}

#[test]
fn templates_are_told_in_one_order_whatever_the_nodes_own_is() {
    let dir = five();
    let of = |pattern: &str| json!({ "template": pattern });
    let global = json!({"meta-data": {"templates": {"worker_stats": of("worker*"), "events": of("events*"), "queue": of("q*")}}});
    write(&dir.path().join("nodes/0/_state/global-9.st"), &state(&global));
    assert_eq!(data(dir.path()).templates, ["events", "queue", "worker_stats"]);
}

/// What may lie among the indices in the place of one.
const STRAY: &str = "EEEEEEEEEEEEEEEEEEEEEE";

#[test]
fn everything_among_the_indices_is_an_index_or_is_told_by_name() {
    type Make = fn(&Path);
    let cases: [(&str, Problem, Make); 8] = [
        ("nowhere (is a disk not mounted?)", Problem::LeadsNowhere, |stray| symlink("/mnt/gone/index", stray).unwrap()),
        ("nowhere (is a disk not mounted?)", Problem::LeadsNowhere, |stray| symlink(stray, stray).unwrap()),
        ("is empty (is a disk not mounted?)", Problem::Vacant, |stray| fs::create_dir(stray).unwrap()),
        ("is empty (is a disk not mounted?)", Problem::Vacant, |stray| {
            fs::create_dir(stray.with_file_name("mount-point")).unwrap();
            symlink("mount-point", stray).unwrap();
        }),
        ("neither a state nor a shard", Problem::Stateless, |stray| write(&stray.join("_state/readme"), b"")),
        ("neither a state nor a shard", Problem::Stateless, |stray| {
            write(&stray.join("0/index/_0.cfs"), b"documents without a commit");
        }),
        ("holds a shard, but no state", Problem::Nameless, |stray| {
            let root = stray.ancestors().nth(4).unwrap();
            index(root, "nameless", STRAY, 5_061_699, &[]);
            fs::remove_file(stray.join("_state/state-2.st")).unwrap();
            fs::remove_file(stray.join("_state/state-4.st")).unwrap();
        }),
        ("is a file", Problem::NoDirectory, |stray| write(stray, b"/mnt/gone/index")),
    ];
    for (told, problem, make) in cases {
        let dir = five();
        let stray = dir.path().join("nodes/0/indices").join(STRAY);
        make(&stray);
        let data = data(dir.path());
        assert_eq!(data.indices.len(), 1, "{told}");
        let blocking: Vec<&Finding> = data.blocking().collect();
        let [finding] = blocking[..] else { panic!("{told}: {blocking:?}") };
        assert_eq!((&finding.path, &finding.problem), (&stray, &problem), "{told}");
        assert!(finding.is_stray() && finding.to_string().contains(told), "{finding}");
        let ways = finding.ways_out().unwrap();
        assert!(ways.contains(&format!("mv {} ", stray.display())), "{ways}");
        assert!(ways.ends_with(&format!("_without_{STRAY}")), "{ways}");
    }
}

#[test]
fn whatever_the_way_leads_to_the_indices_through_must_lead_somewhere() {
    for link in ["", "nodes", "nodes/0", "nodes/0/indices"] {
        let dir = five();
        let (data, elsewhere) = (dir.path().join("data"), dir.path().join("disk"));
        fs::create_dir(&data).unwrap();
        fs::rename(dir.path().join("nodes"), data.join("nodes")).unwrap();
        // Joining nothing would add a slash, which leads through links.
        let at = if link.is_empty() { data.clone() } else { data.join(link) };
        fs::rename(&at, &elsewhere).unwrap();
        symlink(&elsewhere, &at).unwrap();
        let told = |identified: &Identified| match &identified.kind {
            Kind::Elastic5(data) => data.blocking().map(ToString::to_string).collect::<String>(),
            Kind::Unknown | Kind::NotADataDir => identified.reason.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(told(&identify(&data).unwrap()), "", "mounted");
        fs::remove_dir_all(&elsewhere).unwrap();
        let lost = told(&identify(&data).unwrap());
        assert!(lost.contains("leads nowhere (is a disk not mounted?)"), "{link}: {lost}");
        if link.starts_with("nodes") && link != "nodes/0/indices" {
            fs::create_dir(&elsewhere).unwrap();
            let empty = told(&identify(&data).unwrap());
            assert!(empty.contains("is empty (is a disk not mounted?)"), "{link}: {empty}");
        }
    }
}

#[test]
fn every_file_that_a_segment_names_must_be_there() {
    for name in ["_0.cfs", "_0.cfe", "_0_1.liv"] {
        let dir = five();
        let index = dir.path().join(SHARD).join("index");
        let segment = testing::TestSegment { name: "_0", max_doc: 10, deleted: 3 };
        write(&index.join("_0.si"), &testing::segment_info_with_files(&segment, &["_0.cfe", "_0.si", "_0.cfs"]));
        for name in ["_0.cfs", "_0.cfe", "_0_1.liv"] {
            write(&index.join(name), b"");
        }
        assert_eq!(data(dir.path()).blocking().count(), 0, "whole");
        fs::remove_file(index.join(name)).unwrap();
        let found: Vec<String> = data(dir.path()).blocking().map(ToString::to_string).collect();
        assert_eq!(found, [format!("{} is missing", index.join(name).display())]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_garbage_in_any_file_makes_it_panic(
        file in 0_usize..9,
        place in 0_usize..400,
        garbage in proptest::collection::vec(any::<u8>(), 0..40),
        whole in any::<bool>(),
    ) {
        let dir = five();
        let shard = dir.path().join(SHARD);
        let path = match file {
            0 => dir.path().join("nodes/0/_state/global-0.st"),
            1 => dir.path().join("nodes/0/_state/node-0.st"),
            2 => shard.join("../_state/state-4.st"),
            3 => shard.join("_state/state-0.st"),
            4 => shard.join("index/segments_6"),
            5 => shard.join("index/_0.si"),
            6 => shard.join("translog/translog.ckp"),
            7 => shard.join("translog/translog-5.ckp"),
            _ => shard.join("index/segments_zzzzzzzzzzzzz"),
        };
        let mut bytes = fs::read(&path).unwrap_or_default();
        if whole {
            bytes = garbage;
        } else {
            let start = place.min(bytes.len());
            let end = (start + garbage.len()).min(bytes.len().saturating_sub(16)).max(start);
            bytes.splice(start..end, garbage);
            bytes.truncate(bytes.len().saturating_sub(16));
        }
        // With a right checksum, so that the content itself is what is read.
        fs::write(&path, testing::footer(bytes)).unwrap();
        let _ = identify(dir.path()).unwrap();
    }
}
