use super::*;
use crate::lucene::testing::{self, checkpoint, commit, elastic5, index, state, write};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
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
        [(json!({"template": "events-*"}), 5), (json!({"index_patterns": ["events-*"]}), 6), (json!({}), 5)]
    {
        let dir = five();
        fs::remove_dir_all(dir.path().join("nodes/0/indices")).unwrap();
        let global = json!({"meta-data": {"templates": {"events": template}}});
        write(&dir.path().join("nodes/0/_state/global-7.st"), &state(&global));
        match (identify(dir.path()).unwrap().kind, expected) {
            (Kind::Elastic5(data), 5) => assert_eq!(data.templates, ["events"]),
            (Kind::Elastic(6), 6) => {}
            other => panic!("{other:?}"),
        }
        // As Elasticsearch 5 leaves it when it has just been started for the first time.
        fs::remove_file(dir.path().join("nodes/0/_state/global-7.st")).unwrap();
        let fresh = identify(dir.path()).unwrap();
        assert!(matches!(&fresh.kind, Kind::Elastic5(data) if data.indices.is_empty()), "{fresh:?}");
        fs::remove_dir_all(dir.path().join("nodes/0/_state")).unwrap();
        assert_eq!(identify(dir.path()).unwrap().kind, Kind::Unknown, "nothing tells that it is a node's");
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
    write(&dir.path().join("eight/_state/segments_1"), &commit("1", 10, 9, &[], 1));
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
fn one_node_s_part_of_a_data_directory_is_not_taken_for_elasticsearch_8() {
    let dir = five();
    let node = dir.path().join("nodes/0");
    let told = |node: &Path, what: &str| {
        let Identified { kind, reason, instead } = identify(node).unwrap();
        assert_eq!(kind, Kind::NotADataDir, "{reason}");
        assert_eq!(reason, format!("{} is one node's part of a data directory{what}", node.display()));
        instead
    };
    let created = ", and the index events-log was created by 5.6.16";
    assert_eq!(told(&node, created).as_deref(), Some(dir.path()));
    fs::remove_file(node.join("_state/global-0.st")).unwrap();
    assert_eq!(told(&node, created).as_deref(), Some(dir.path()));
    // A node of 7 has the layout of 8, too, and says so. Moved elsewhere, nobody knows what it was a part of.
    write(&node.join("_state/node-1.st"), &state(&json!({"node_id": "x", "node_version": 7_060_299})));
    let says = ", and the node's own state says 7.6.2";
    assert_eq!(told(&node, says).as_deref(), Some(dir.path()));
    let alone = dir.path().join("copy");
    fs::rename(&node, &alone).unwrap();
    assert_eq!(told(&alone, says), None);
}

/// Directories called `indices` and `_state` are no evidence: a node of any version since 5 has them.
#[test]
fn names_alone_tell_no_version() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["copy/indices", "copy/_state", "nodes/0/indices", "nodes/0/_state"] {
        fs::create_dir_all(dir.path().join(name)).unwrap();
    }
    let unknown = identify(&dir.path().join("copy")).unwrap();
    assert_eq!(unknown.kind, Kind::Unknown);
    assert!(unknown.reason.ends_with("nothing in it tells a version"), "{}", unknown.reason);
    let part = identify(&dir.path().join("nodes/0")).unwrap();
    assert_eq!((part.kind, part.instead.as_deref()), (Kind::NotADataDir, Some(dir.path())));
    write(&dir.path().join("copy/_state/node-3.st"), &state(&json!({"node_id": "x"})));
    let part = identify(&dir.path().join("copy")).unwrap();
    assert_eq!(part.kind, Kind::NotADataDir);
    assert!(part.reason.contains("seems to be one node's part"), "{}", part.reason);
}

#[test]
fn elasticsearch_8_is_known_by_the_lucene_that_wrote_the_state_of_its_cluster() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("indices")).unwrap();
    write(&dir.path().join("_state/segments_2s"), &commit("2s", 10, 9, &[], 1));
    let identified = identify(dir.path()).unwrap();
    assert_eq!(identified.kind, Kind::Elastic(8));
    let state = dir.path().join("_state");
    let reason =
        format!("Lucene 9.6.1 wrote the last state of the cluster in {}, as in Elasticsearch 8", state.display());
    assert_eq!(identified.reason, reason);
}

#[test]
fn what_is_known_of_a_directory_is_told_and_no_more() {
    let dir = five();
    let told = |path: &Path| identify(path).unwrap().told(path).replace(&dir.path().display().to_string(), "DIR");
    assert_eq!(told(dir.path()), "DIR holds Elasticsearch 5 data");
    assert_eq!(told(&dir.path().join("nodes/0")), "DIR/nodes/0 is no data directory of Elasticsearch");
    write(&dir.path().join("nodes/0/_state/node-1.st"), &state(&json!({"node_id": "x", "node_version": 7_060_299})));
    assert_eq!(told(dir.path()), "DIR holds Elasticsearch 7 data, not 5");
    fs::create_dir_all(dir.path().join("new/nodes/0/x")).unwrap();
    assert_eq!(told(&dir.path().join("new")), "Nothing in DIR/new tells which Elasticsearch wrote it");
    fs::create_dir(dir.path().join("empty")).unwrap();
    assert_eq!(told(&dir.path().join("empty")), "DIR/empty holds no data");
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

#[test]
fn lucene_5_is_elasticsearch_2() {
    let dir = five();
    fs::remove_dir_all(dir.path().join("nodes/0/indices/kB80kyWbSLWGrhBASgmkrg")).unwrap();
    let index_dir = dir.path().join("nodes/0/indices/events-log");
    index(dir.path(), "events-log", "events-log", 2_040_699, &[]);
    fs::remove_file(index_dir.join("0/translog/translog.ckp")).unwrap();
    write(&index_dir.join("0/index/segments_6"), &commit("6", 6, 5, &[], 5));
    // Its directory is named by the index: with another id, nothing of it speaks for 5.
    let mut evidence = super::evidence::Evidence::default();
    super::index::inspect(&index_dir, "other", &mut Vec::new(), &mut evidence).unwrap();
    assert_eq!(evidence.newest(), Some((2, "the index events-log was created by 2.4.6")));
}

#[test]
fn the_version_that_a_node_says_is_told_before_what_is_only_since_some_version() {
    let dir = five();
    write(&dir.path().join("nodes/0/_state/manifest-1.st"), b"");
    let node = json!({"node_id": "x", "node_version": 7_060_299});
    write(&dir.path().join("nodes/0/_state/node-1.st"), &state(&node));
    assert!(identify(dir.path()).unwrap().reason.contains("7.6.2"));
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
