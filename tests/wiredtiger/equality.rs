//! The reader finds exactly what the engine finds; in the directory of a server that was killed, what it recovers.

use crate::golden::{Golden, contents, open};
use clearml_migrate::wiredtiger::directory::{ReadUpTo, State};
use clearml_migrate::wiredtiger::log::record;

fn state_of(name: &str) -> State {
    let golden = Golden::new(name);
    let directory = open(golden.path(), ReadUpTo::Newest).unwrap();
    assert_eq!(contents(&directory).unwrap(), golden.truth, "{name}");
    directory.state().clone()
}

#[test]
fn every_compression_and_pages_on_several_floors_are_read() {
    assert_eq!(state_of("compressed"), State::Complete);
}

#[test]
fn a_database_as_clearml_has_it_is_read_with_documents_of_16_mib() {
    assert_eq!(state_of("clearml"), State::Complete);
    let golden = Golden::new("clearml");
    assert!(golden.truth["backend.task"].bytes > 16 << 20);
    let directory = open(golden.path(), ReadUpTo::Newest).unwrap();
    let indexes = |namespace| {
        let collection = directory.collection(namespace).unwrap();
        collection.indexes.iter().map(|index| index.name.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(
        indexes("backend.task"),
        ["_id_", "company_1_name_1", "company_1_project_1", "backend-db.task.main_text_index"]
    );
    assert_eq!(indexes("backend.events.of.2020"), ["_id_", "task_hashed"]);
}

/// Pages without time windows, and the log that MongoDB 3.6.0 to 3.6.2 have.
#[test]
fn what_the_engine_of_mongodb_3_6_wrote_is_read_and_its_log_put_over_it() {
    assert_eq!(state_of("mongodb-3.6"), State::Complete);
    let State::Replayed(changed) = state_of("mongodb-3.6-killed") else { panic!("it needs its log") };
    assert_eq!(changed.keys().collect::<Vec<_>>(), ["_mdb_catalog", "backend.new", "backend.task"]);
    for name in ["mongodb-3.6", "mongodb-3.6-killed"] {
        let golden = Golden::new(name);
        let turtle = open(golden.path(), ReadUpTo::Newest).unwrap().turtle().clone();
        assert!(turtle.engine.starts_with("WiredTiger 3.0.0"), "{}", turtle.engine);
        let catalog = std::fs::read(golden.path().join("_mdb_catalog.wt")).unwrap();
        assert_eq!(catalog[4096 + 27], 0, "{name}: the version of a page");
        let log = std::fs::read(golden.path().join("journal/WiredTigerLog.0000000001")).unwrap();
        assert_eq!(record::header(&log).unwrap().unwrap().version, 2, "{name}");
    }
}

#[test]
fn directories_for_databases_and_documents_on_pages_of_their_own_are_read() {
    assert_eq!(state_of("apart"), State::Complete);
}

#[test]
fn rows_that_are_kept_for_readers_of_an_older_state_are_none() {
    assert_eq!(state_of("deleted-for-some"), State::Complete);
}

#[test]
fn what_a_killed_server_had_committed_behind_its_checkpoint_is_there() {
    for name in ["killed", "killed-without-compression"] {
        let State::Replayed(changed) = state_of(name) else { panic!("{name} needs its log") };
        let names: Vec<&str> = changed.keys().map(String::as_str).collect();
        assert_eq!(names, ["_mdb_catalog", "backend.new", "backend.task"], "{name}");
    }
}

#[test]
fn the_last_checkpoint_alone_is_what_it_was_before_the_log() {
    let golden = Golden::new("killed");
    let directory = open(golden.path(), ReadUpTo::LastCheckpoint).unwrap();
    let state = directory.state();
    assert!(matches!(state, State::LastCheckpoint(why) if why.contains("operations")), "{state:?}");
    let count = |namespace| {
        let collection = directory.collection(namespace).unwrap();
        directory.documents(collection, |_| Ok(())).map(|extent| extent.documents)
    };
    assert_eq!([count("backend.task").unwrap(), count("backend.idle").unwrap()], [300, 300]);
    assert!(directory.collection("backend.new").is_none());
    // Its files went with it.
    assert!(count("backend.dropped").unwrap_err().message().contains("is missing"));
}
