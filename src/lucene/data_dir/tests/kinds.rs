use super::*;

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
