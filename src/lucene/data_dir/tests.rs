use super::*;
use crate::lucene::testing::{self, checkpoint, commit, elastic5, index, state, write};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

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
fn a_newer_elasticsearch_that_wrote_to_old_indices_is_told_by_what_it_wrote() {
    type Change = fn(&Path);
    let changes: [(u32, Change, &str); 6] = [
        (6, |root| write(&root.join(SHARD).join("index/segments_7"), &commit("7", 7, 7, &[], 1)), "Lucene 7.6.1"),
        (7, |root| write(&root.join(SHARD).join("index/segments_7"), &commit("7", 9, 8, &[], 1)), "Lucene 8.6.1"),
        (6, |root| write(&root.join(SHARD).join("translog/translog.ckp"), &checkpoint(2, 90, 3, 6)), "since 6.0"),
        (7, |root| write(&root.join("nodes/0/_state/manifest-1.st"), b""), "since 7.0"),
        (
            7,
            |root| {
                let node = json!({"node_id": "x", "node_version": 7_060_299});
                write(&root.join("nodes/0/_state/node-1.st"), &state(&node));
            },
            "7.6.2",
        ),
        (6, |root| index(root, "new", "BBBBBBBBBBBBBBBBBBBBBB", 6_082_399, &[]), "created by 6.8.23"),
    ];
    for (major, change, reason) in changes {
        let dir = five();
        change(dir.path());
        let identified = identify(dir.path()).unwrap();
        assert_eq!(identified.kind, Kind::Elastic(major), "{reason}");
        assert!(identified.reason.contains(reason), "{}", identified.reason);
    }
}

#[test]
fn without_indices_the_templates_tell_or_nothing_does() {
    for (template, expected) in
        [(json!({"template": "events-*"}), 5), (json!({"index_patterns": ["events-*"]}), 6), (json!({}), 0)]
    {
        let dir = five();
        fs::remove_dir_all(dir.path().join("nodes/0/indices")).unwrap();
        let global = json!({"meta-data": {"templates": {"events": template}}});
        write(&dir.path().join("nodes/0/_state/global-7.st"), &state(&global));
        match (identify(dir.path()).unwrap().kind, expected) {
            (Kind::Elastic5(_), 5) | (Kind::Elastic(6), 6) | (Kind::Unknown, 0) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn other_layouts_are_told_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let kind = |path: &str| identify(&dir.path().join(path)).unwrap().kind;
    assert_eq!(kind("nowhere"), Kind::Missing);
    fs::create_dir_all(dir.path().join("empty/lost+found")).unwrap();
    assert_eq!(kind("empty"), Kind::Empty);
    write(&dir.path().join("two/my-cluster/nodes/0/indices/events/_state/state-1.st"), b"");
    assert_eq!(kind("two"), Kind::Elastic(2));
    write(&dir.path().join("eight/nodes"), b"written by Elasticsearch");
    write(&dir.path().join("eight/_state/segments_1"), b"");
    fs::create_dir_all(dir.path().join("eight/indices")).unwrap();
    assert_eq!(kind("eight"), Kind::Elastic(8));
    write(&dir.path().join("mongo/WiredTiger"), b"");
    assert_eq!(kind("mongo"), Kind::NotADataDir);
    assert!(identify(&dir.path().join("mongo")).unwrap().reason.contains("MongoDB"));
    assert_eq!(kind("mongo/WiredTiger"), Kind::NotADataDir);
    elastic5(&dir.path().join("data/elastic"));
    let above = identify(&dir.path().join("data")).unwrap();
    assert_eq!(above.kind, Kind::NotADataDir);
    assert!(above.reason.contains("data/elastic"), "{}", above.reason);
    fs::create_dir_all(dir.path().join("data/elastic/nodes/1")).unwrap();
    assert_eq!(kind("data/elastic"), Kind::SeveralNodes(vec![0, 1]));
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
    // Half of a copy, perhaps: nothing says which index it was.
    index(dir.path(), "nameless", "EEEEEEEEEEEEEEEEEEEEEE", 5_061_699, &[]);
    fs::remove_dir_all(dir.path().join("nodes/0/indices/EEEEEEEEEEEEEEEEEEEEEE/_state")).unwrap();
    let data = data(dir.path());
    assert_eq!(data.indices.len(), 1);
    assert_eq!(data.findings.len(), 3);
    assert_eq!(data.blocking().count(), 0);
    let nameless: Vec<String> = data.nameless().map(ToString::to_string).collect();
    assert!(matches!(&nameless[..], [one] if one.contains("EEEEEEEEEEEEEEEEEEEEEE holds a shard")), "{nameless:?}");
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
