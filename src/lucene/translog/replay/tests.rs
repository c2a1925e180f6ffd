use super::*;
use crate::lucene::testing::{checkpoint, put_delete, put_index, translog, write};
use proptest::prelude::*;
use std::collections::BTreeMap;

const UUID: &str = "aGuOc7HbTqy5reBleuqjQw";

/// Writes generations from 5 on, each of some operations, and returns the error or what they come to.
fn replayed(generations: &[Vec<u8>], counts: &[i32]) -> (tempfile::TempDir, Result<Replay>) {
    let dir = tempfile::tempdir().unwrap();
    for ((generation, operations), count) in (5_i64..).zip(generations).zip(counts) {
        let file = translog(operations);
        let newest = generation == 4 + generations.len() as i64;
        let name = if newest { CURRENT.to_owned() } else { closed_name(generation) };
        write(&dir.path().join(name), &checkpoint(1, file.len() as i64, *count, generation));
        write(
            &dir.path().join(operations_name(generation)),
            &[&file[..], b"a tail that was never acknowledged"].concat(),
        );
    }
    let replay = Replay::open(dir.path(), UUID, 5);
    (dir, replay)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_last_operation_on_a_document_wins(
        operations in proptest::collection::vec((0..3, "[ab]", "[a-d#\u{1F600}]{1,2}", 0_u32..1000), 0..120),
        split in 0_usize..120,
    ) {
        let mut expected = BTreeMap::new();
        let mut generations = [Vec::new(), Vec::new()];
        let split = split.min(operations.len());
        for (number, (action, kind, id, value)) in operations.iter().enumerate() {
            let out = &mut generations[usize::from(number >= split)];
            if *action == 0 {
                put_delete(out, 3, kind, id);
                expected.insert((kind.clone(), id.clone()), None);
            } else {
                put_index(out, 7, kind, id, None, format!("{{\"v\":{value}}}").as_bytes());
                expected.insert((kind.clone(), id.clone()), Some(*value));
            }
        }
        let counts = [split, operations.len() - split].map(|count| i32::try_from(count).unwrap());
        let (_dir, replay) = replayed(&generations, &counts);
        let replay = replay.unwrap();
        let mut found = BTreeMap::new();
        replay
            .for_each(|_, kind, id, written| {
                let value: serde_json::Value = serde_json::from_slice(written.source).unwrap();
                let before = found.insert((kind.to_owned(), id.to_owned()), value["v"].as_u64().unwrap() as u32);
                assert_eq!(before, None);
                Ok(())
            })
            .unwrap();
        for ((kind, id), value) in &expected {
            prop_assert!(replay.supersedes(kind, id));
            prop_assert_eq!(found.remove(&(kind.clone(), id.clone())), *value);
        }
        prop_assert!(found.is_empty());
        prop_assert!(!replay.supersedes("a", "absent") && !replay.supersedes("c", "a"));
        prop_assert_eq!(replay.is_empty(), operations.is_empty());
    }
}

#[test]
fn what_is_missing_or_does_not_fit_is_refused_by_path() {
    let mut operations = Vec::new();
    put_index(&mut operations, 7, "log", "id", Some("r"), b"{}");
    let two = [operations.clone(), operations.clone()];
    type Change = fn(&Path);
    let cases: [(&str, Change); 6] = [
        ("translog-5.ckp", |dir| fs::remove_file(dir.join("translog-5.ckp")).unwrap()),
        ("translog-5.tlog", |dir| fs::remove_file(dir.join("translog-5.tlog")).unwrap()),
        ("translog-6.tlog", |dir| fs::write(dir.join("translog-6.tlog"), b"short").unwrap()),
        ("translog-5.ckp", |dir| fs::write(dir.join("translog-5.ckp"), checkpoint(1, 60, 1, 4)).unwrap()),
        ("translog.ckp", |dir| fs::write(dir.join("translog.ckp"), checkpoint(1, 60, 1, 4)).unwrap()),
        ("translog.ckp", |dir| fs::write(dir.join("translog.ckp"), checkpoint(2, 60, 1, 6)).unwrap()),
    ];
    for (name, change) in cases {
        let (dir, replay) = replayed(&two, &[1, 1]);
        assert_eq!(replay.unwrap().position().generation, 6);
        change(dir.path());
        let error = Replay::open(dir.path(), UUID, 5).unwrap_err();
        assert!(error.message().contains(name), "{name}: {error}");
    }
    let (dir, _) = replayed(&two, &[1, 1]);
    assert!(
        Replay::open(dir.path(), "BBBBBBBBBBBBBBBBBBBBBB", 5).unwrap_err().causes()[0].contains("not the translog")
    );
    let (_dir, more) = replayed(&two, &[1, 2]);
    assert!(more.unwrap_err().message().contains("translog-6.tlog"));
    let (_dir, fewer) = replayed(&two, &[1, 0]);
    assert!(fewer.unwrap_err().causes()[0].contains("more than the checkpoint"));
}

#[test]
fn the_copy_that_a_killed_node_was_about_to_make_of_the_newest_checkpoint_is_not_needed() {
    let mut operations = Vec::new();
    put_index(&mut operations, 7, "log", "id", None, b"{}");
    let (dir, _) = replayed(&[operations.clone(), operations], &[1, 1]);
    fs::write(dir.path().join("translog-6.ckp"), b"").unwrap();
    let replay = Replay::open(dir.path(), UUID, 5).unwrap();
    assert!(replay.position().generation == 6 && replay.supersedes("log", "id"));
}
