//! The reader finds exactly the documents that the node itself served.

use crate::golden::{Found, Golden, assert_same, read};
use clearml_migrate::lucene::data_dir::Openness;
use clearml_migrate::lucene::directory::{DataDirectory, UnitKey};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

fn read_as_served(name: &str) -> Found {
    let golden = Golden::new(name);
    assert!(golden.truth.len() > 100);
    let found = read(golden.directory.path()).unwrap();
    assert_same(&found.documents, &golden.truth);
    found
}

#[test]
fn of_a_killed_node_nothing_is_lost_that_was_only_in_the_translog() {
    let found = read_as_served("killed");
    assert!(found.from_translog > 50, "{found:?}");
    assert!(found.tally.superseded > 20 && found.tally.deleted > 10, "{:?}", found.tally);
    assert!(found.documents.keys().any(|(_, _, id)| id == "\u{1F600}"));
}

#[test]
fn merged_segments_of_both_compressions_are_read_without_what_was_deleted_since() {
    let found = read_as_served("merged");
    assert_eq!(found.from_translog, 0);
    assert!(found.tally.deleted > 10, "{:?}", found.tally);
}

#[test]
fn nested_objects_types_parents_shards_closed_indices_and_other_formats_are_read() {
    let found = read_as_served("kinds");
    assert!(found.tally.nested > 1000, "{:?}", found.tally);
    assert_eq!(found.tally.converted, 3);
    let child = &found.documents[&("types".to_owned(), "child".to_owned(), "c3".to_owned())];
    assert_eq!(child.0.as_deref(), Some("t3"));
}

#[test]
fn metadata_tell_what_an_index_is() {
    let golden = Golden::new("kinds");
    let directory = DataDirectory::open(golden.directory.path()).unwrap();
    let names: Vec<_> = directory.indices().iter().map(|index| index.name.as_str()).collect();
    assert_eq!(names, ["closed", "formats", "nested", "single", "types"]);
    let [closed, formats, nested, single, types] = directory.indices() else { panic!() };
    assert_eq!((closed.openness, types.openness), (Openness::Closed, Openness::Open));
    assert!(formats.aliases.contains_key("forms"));
    assert_eq!(nested.mappings["doc"]["properties"]["steps"]["type"], "nested");
    assert_eq!((single.single_type(), types.single_type()), (Some("doc"), None));
    assert_eq!((types.shards, types.settings["index.number_of_shards"].as_str()), (5, Some("5")));
    assert_eq!(types.types().collect::<BTreeSet<_>>(), ["child", "other", "parent"].into());
}

#[test]
fn units_are_the_same_when_opened_again_and_others_when_the_data_changed() {
    let keys = |path: &Path| -> BTreeSet<UnitKey> {
        let directory = DataDirectory::open(path).unwrap();
        let shards = directory.indices().iter().flat_map(|index| directory.shards(index).unwrap());
        shards.flat_map(|shard| shard.units()).map(|unit| unit.key()).collect()
    };
    let (killed, again, merged) = (Golden::new("killed"), Golden::new("killed"), Golden::new("merged"));
    assert_eq!(keys(killed.directory.path()), keys(again.directory.path()));
    assert!(keys(killed.directory.path()).is_disjoint(&keys(merged.directory.path())));
}

#[test]
fn many_threads_find_what_one_finds() {
    let golden = Golden::new("killed");
    let directory = DataDirectory::open(golden.directory.path()).unwrap();
    let shards = directory.indices().iter().flat_map(|index| directory.shards(index).unwrap());
    let units: Vec<_> = shards.flat_map(|shard| shard.units()).collect();
    // The shards outlive their directory's handle, and so do its locks.
    drop(directory);
    let names = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for first in 0..4 {
            let (units, names) = (&units, &names);
            scope.spawn(move || {
                for unit in units.iter().skip(first).step_by(4) {
                    unit.read(|document| {
                        let name = (unit.index().name.clone(), document.kind.to_owned(), document.id.to_owned());
                        assert!(names.lock().unwrap().insert(name));
                        Ok(())
                    })
                    .unwrap();
                }
            });
        }
    });
    assert!(names.into_inner().unwrap().iter().eq(golden.truth.keys()));
}

#[test]
fn while_it_is_open_no_node_can_start_and_a_running_node_keeps_it_shut() {
    let golden = Golden::new("merged");
    let lock = golden.directory.path().join("nodes/0/node.lock");
    let directory = DataDirectory::open(golden.directory.path()).unwrap();
    let shards = directory.shards(&directory.indices()[0]).unwrap();
    drop(directory);
    assert!(clearml_migrate::files::locks::RunLock::acquire(&lock, "a node").is_err());
    drop(shards);
    let node = clearml_migrate::files::locks::RunLock::acquire(&lock, "a node").unwrap();
    let error = DataDirectory::open(golden.directory.path()).unwrap_err();
    assert!(error.message().contains("in use"), "{error}");
    drop(node);
}

/// Another directory of a real node, which is not part of this project: `CLEARML_SHARED_ELASTIC5` names the directory
/// that `killed-node.tar.gz` and `killed-node.truth.ndjson.gz` are in.
#[test]
fn a_larger_killed_node_is_read_as_it_served() {
    let Ok(shared) = std::env::var("CLEARML_SHARED_ELASTIC5") else {
        println!("skipped: CLEARML_SHARED_ELASTIC5 is not set");
        return;
    };
    let golden = Golden::at(Path::new(&shared), "killed-node");
    let found = read(golden.directory.path()).unwrap();
    assert_same(&found.documents, &golden.truth);
    println!(
        "{} documents equal, {} of them from the translog; {:?}",
        found.documents.len(),
        found.from_translog,
        found.tally
    );
}
