use super::*;
use crate::lucene::source::Format;
use crate::lucene::stored::Mode;
use crate::lucene::testing::{self, TestDocument, directory, elastic5, put_delete, put_index};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Instant;

fn units(path: &Path) -> Vec<Unit> {
    let directory = DataDirectory::open(path).unwrap();
    let shards = directory.shards(&directory.indices()[0]).unwrap();
    shards.iter().flat_map(Shard::units).collect()
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Fast), Just(Mode::High)]
}

/// Nested objects, deleted ones and live ones. Live ones get different ids later.
fn documents() -> impl Strategy<Value = Vec<(bool, bool, Option<String>, usize)>> {
    let length = prop_oneof![30 => 0_usize..300, 1 => 10_000_usize..140_000];
    let document = (prop::bool::weighted(0.8), prop::bool::weighted(0.7), proptest::option::of("[a-zö]{1,5}"), length);
    proptest::collection::vec(document, 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn segments_and_translog_come_to_what_was_written(
        segments in proptest::collection::vec((mode(), any::<bool>(), documents()), 0..=3),
        operations in proptest::collection::vec((any::<bool>(), 0_usize..200), 0..60),
    ) {
        let mut expected = BTreeMap::new();
        let mut number = 0;
        let mut segments_written = Vec::new();
        for (mode, is_compound, drawn) in segments {
            let documents = drawn.into_iter().map(|(named, live, routing, length)| {
                number += 1;
                let source = format!("{{\"n\":{number},\"t\":\"{}\"}}", "loss ".repeat(length / 5));
                if named && live {
                    expected.insert(format!("id#{number}"), (routing.clone(), source.clone()));
                }
                TestDocument { uid: named.then(|| format!("log#id#{number}")), routing, source, live }
            });
            segments_written.push((mode, is_compound, documents.collect()));
        }
        let mut log = Vec::new();
        for (delete, number) in &operations {
            let id = format!("id#{number}");
            if *delete {
                put_delete(&mut log, 3, "log", &id);
                expected.remove(&id);
            } else {
                put_index(&mut log, 7, "log", &id, None, b"{\"new\":1}");
                expected.insert(id, (None, "{\"new\":1}".to_owned()));
            }
        }
        let dir = directory(&segments_written, &log, operations.len());
        let opened = DataDirectory::open(dir.path()).unwrap();
        let shards = opened.shards(&opened.indices()[0]).unwrap();
        let mut counted = 0;
        let mut found = BTreeMap::new();
        for unit in shards.iter().flat_map(Shard::units) {
            let tally = unit.read(|document| {
                assert_eq!((document.kind, document.sent_as), ("log", Format::Json));
                let source = String::from_utf8(document.source.to_vec()).unwrap();
                let before = found.insert(document.id.to_owned(), (document.routing.map(str::to_owned), source));
                assert_eq!(before, None);
                Ok(())
            }).unwrap();
            counted += tally.documents + tally.nested + tally.superseded;
            if unit.key().segment.is_some() {
                prop_assert_eq!(tally.documents + tally.deleted + tally.nested + tally.superseded, unit.documents());
            }
        }
        prop_assert_eq!(found, expected);
        // The commit's own numbers, against what came out.
        prop_assert_eq!(shards.iter().map(Shard::live_documents).sum::<u64>(), counted);
    }
}

#[test]
fn beside_what_nobody_can_tell_only_an_index_that_is_named_is_opened() {
    let dir = directory(&[], &[], 0);
    let stray = dir.path().join("nodes/0/indices/EEEEEEEEEEEEEEEEEEEEEE");
    std::os::unix::fs::symlink("/mnt/gone", &stray).unwrap();
    std::fs::write(dir.path().join("nodes/0/indices/.DS_Store"), "").unwrap();
    let open = |meant: Meant<'_>| DataDirectory::open_indices(dir.path(), meant);
    for meant in [Meant::All, Meant::Such(&|name| name == "events-log"), Meant::One("events-plot")] {
        let refused = open(meant).unwrap_err();
        assert!(refused.causes()[0].contains("EEEEEEEEEEEEEEEEEEEEEE is a link that leads nowhere"), "{refused:?}");
        assert!(refused.hints()[1].contains(&format!("mv {} ", stray.display())), "{refused:?}");
    }
    let opened = open(Meant::One("events-log")).unwrap();
    assert_eq!((opened.indices().len(), opened.left_out().len()), (1, 2), "{:?}", opened.left_out());
    std::fs::remove_file(&stray).unwrap();
    let all = open(Meant::All).unwrap();
    assert!(matches!(all.left_out(), [one] if one.ends_with(".DS_Store is no index and is left out")), "{all:?}");
}

#[test]
fn a_large_segment_is_read_in_parts() {
    let mut random = fastrand::Rng::with_seed(16);
    let document = |number: u32| {
        let noise: String = std::iter::repeat_with(|| random.alphanumeric()).take(20_000).collect();
        let source = format!("{{\"t\":\"{noise}\"}}");
        TestDocument { uid: Some(format!("log#{number}")), routing: None, source, live: true }
    };
    let documents: Vec<_> = (0..1800).map(document).collect();
    let dir = directory(&[(Mode::Fast, false, documents.clone())], &[], 0);
    let units = units(dir.path());
    assert!(units.len() >= 2, "{}", units.len());
    // Backwards: each part stands alone.
    for unit in units.iter().rev() {
        unit.read(|document| {
            let expected = &documents[document.id.parse::<usize>().unwrap()];
            assert_eq!(document.source, expected.source.as_bytes());
            Ok(())
        })
        .unwrap();
    }
    assert_eq!(units.iter().map(Unit::documents).sum::<u64>(), 1800);
    let keys: std::collections::BTreeSet<_> = units.iter().map(Unit::key).collect();
    assert_eq!(keys.len(), units.len());
}

#[test]
fn the_longest_document_that_lives_is_told_by_the_beginnings_of_chunks() {
    const MIB: usize = 1 << 20;
    let document = |number: usize, length: usize, live: bool| TestDocument {
        uid: Some(format!("log#{number}")),
        routing: None,
        // The most that can be made of it by compression.
        source: format!("{{\"t\":\"{}\"}}", "a".repeat(length)),
        live,
    };
    let longest = |segments: &[(Mode, bool, Vec<TestDocument>)], log: &[u8], count| {
        let dir = directory(segments, log, count);
        let opened = DataDirectory::open(dir.path()).unwrap();
        let shards = opened.shards(&opened.indices()[0]).unwrap();
        shards[0].longest_document().unwrap().map(|bytes| usize::try_from(bytes).unwrap() / MIB)
    };
    let short = || (Mode::Fast, true, (0..300).map(|number| document(number, 500, true)).collect::<Vec<_>>());
    assert_eq!(longest(&[short()], &[], 0), None);
    for mode in [Mode::Fast, Mode::High] {
        let long = vec![document(1, 10, true), document(2, 9 * MIB, true), document(3, 12 * MIB, false)];
        assert_eq!(longest(&[short(), (mode, false, long)], &[], 0), Some(9), "{mode:?}");
    }
    let mut log = Vec::new();
    put_index(&mut log, 7, "log", "id", None, document(1, 11 * MIB, true).source.as_bytes());
    assert_eq!(longest(&[short()], &log, 1), Some(11));
}

#[test]
fn an_error_of_the_caller_stops_the_reading_and_comes_back() {
    let named = |id: &str, source: &str| TestDocument {
        uid: Some(format!("log#{id}")),
        routing: None,
        source: source.to_owned(),
        live: true,
    };
    let dir = directory(&[(Mode::Fast, true, vec![named("a", "{}"), named("b", "{}")])], &[], 0);
    let mut calls = 0;
    let error = units(dir.path())[0].read(|_| {
        calls += 1;
        Err(Error::cancelled())
    });
    assert_eq!((error.unwrap_err().kind(), calls), (crate::error::Kind::Cancelled, 1));
    let dir = directory(&[(Mode::Fast, true, vec![named("odd", "what is this?")])], &[], 0);
    let error = units(dir.path())[0].read(|_| Ok(())).unwrap_err();
    assert!(error.causes()[0].contains("log/odd") && error.message().contains("_0.cfs"), "{error:?}");
}

#[test]
fn a_translog_that_may_lack_its_last_operations_is_left_to_a_node() {
    let mut log = Vec::new();
    put_index(&mut log, 7, "log", "id", None, b"{}");
    for (durability, log, count, refused) in
        [("ASYNC", &log, 1, true), ("request", &log, 1, false), ("async", &Vec::new(), 0, false)]
    {
        let dir = directory(&[], log, count);
        let path = dir.path().join("nodes/0/indices/kB80kyWbSLWGrhBASgmkrg/_state/state-4.st");
        let mut content = state::parse(&fs::read(&path).unwrap()).unwrap().content;
        content["events-log"]["settings"]["index.translog.durability"] = durability.into();
        fs::write(&path, testing::state(&content)).unwrap();
        let directory = DataDirectory::open(dir.path()).unwrap();
        let shards = directory.shards(&directory.indices()[0]);
        assert_eq!(shards.is_err(), refused, "{durability} {count}");
        assert!(shards.err().is_none_or(|error| error.message().contains("index.translog.durability")));
    }
}

#[test]
fn other_directories_are_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |path: &Path| DataDirectory::open(path).unwrap_err();
    assert!(refused(&dir.path().join("nowhere")).message().contains("does not exist"));
    assert!(refused(dir.path()).causes()[0].contains("is empty"));
    elastic5(&dir.path().join("data"));
    assert!(refused(dir.path()).causes()[0].contains("one level deeper"));
}

/// Returns for how long this thread has had a core, which does not count what else the machine does.
fn cpu_seconds() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// Run it alone: `cargo test --release --lib lucene::directory -- --ignored --nocapture`.
#[test]
#[ignore = "measures speed: for a release build"]
fn how_fast_documents_are_read() {
    const DOCUMENTS: u32 = 600_000;
    let mut random = fastrand::Rng::with_seed(600);
    let document = |number: u32| {
        let (task, worker, metric) = (random.u32(..50), random.u32(..8), random.u32(..20));
        let source = format!(
            "{{\"timestamp\":{},\"type\":\"training_stats_scalar\",\"task\":\"8f0c9d3b5a7e4c21b6d{task:013}\",\
             \"iter\":{},\"metric\":\"metric {metric}\",\"variant\":\"series {metric}\",\"value\":{},\
             \"worker\":\"gpu-machine-{worker}:0\",\"@timestamp\":\"2020-07-14T12:{:02}:{:02}.{:03}Z\",\"company_id\":\
             \"d1bd92a3b039400cbafc60a7a5b1e52b\"}}",
            1_594_729_000_000_u64 + u64::from(number) * 37,
            number / 50,
            random.f64(),
            random.u32(..60),
            random.u32(..60),
            random.u32(..1000),
        );
        let uid = format!("event#{:016x}{:016x}", random.u64(..), random.u64(..));
        TestDocument { uid: Some(uid), routing: Some(format!("{task:032}")), source, live: !number.is_multiple_of(50) }
    };
    let documents: Vec<_> = (0..DOCUMENTS).map(document).collect();
    for mode in [Mode::Fast, Mode::High] {
        let dir = directory(&[(mode, false, documents.clone())], &[], 0);
        for round in 0..3 {
            let (started, used_before) = (Instant::now(), cpu_seconds());
            let units = units(dir.path());
            let opened = started.elapsed();
            let mut sum = 0_u64;
            let (mut documents, mut bytes) = (0, 0);
            for unit in &units {
                let tally = unit.read(|document| {
                    // Something must look at the bytes.
                    sum = sum.wrapping_add(u64::from(document.source.last().copied().unwrap_or_default()));
                    Ok(())
                });
                let tally = tally.unwrap();
                documents += tally.documents;
                bytes += tally.source_bytes;
            }
            let (wall, seconds) = (started.elapsed(), cpu_seconds() - used_before);
            assert_eq!(documents, u64::from(DOCUMENTS / 50 * 49));
            assert_eq!(sum, documents * u64::from(b'}'));
            println!(
                "{mode:?}, round {round}: {documents} documents of {} bytes in {} units, opened in {opened:?}, \
                 {wall:?}, {seconds:.3} s of a core: {:.2} million documents/s, {:.0} MB/s",
                bytes / documents,
                units.len(),
                documents as f64 / seconds / 1e6,
                bytes as f64 / seconds / 1e6,
            );
        }
    }
}
