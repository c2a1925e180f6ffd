//! Which servers have written a directory, and whose directories are refused by name.

use crate::golden::{Golden, open};
use clearml_migrate::wiredtiger::directory::ReadUpTo;
use clearml_migrate::wiredtiger::evidence::Evidence;
use std::fs;

#[test]
fn the_server_that_was_started_last_and_the_greatest_schema_count() {
    let golden = Golden::new("noted");
    let evidence = Evidence::read(&open(golden.path(), ReadUpTo::Newest).unwrap()).unwrap();
    let [mongod, feature_compatibility, schema] = ["6.0.19", "6.0", "0.15.0"].map(|version| Some(version.to_owned()));
    assert_eq!(evidence, Evidence { mongod, feature_compatibility, schema });
}

#[test]
fn directories_that_only_a_server_can_read_are_refused_by_name() {
    for (name, what) in [("replica-set", "replica set"), ("time-series", "time series")] {
        let error = open(Golden::new(name).path(), ReadUpTo::Newest).unwrap_err();
        assert!(error.message().contains(what), "{error:?}");
    }
}

#[test]
fn directories_of_other_engines_are_refused_by_name() {
    let golden = Golden::new("noted");
    let [engine, backup] = ["storage.bson", "WiredTiger.backup"].map(|name| golden.path().join(name));
    let storage = fs::read(&engine).unwrap();
    let at = storage.windows(10).position(|window| window == b"wiredTiger").unwrap();
    let mut other = storage.clone();
    other[at..at + 10].copy_from_slice(b"inMemoryXX");
    fs::write(&engine, other).unwrap();
    let error = open(golden.path(), ReadUpTo::Newest).unwrap_err();
    assert!(error.message().contains("no data of the storage engine WiredTiger"), "{error:?}");
    fs::write(&engine, storage).unwrap();
    fs::write(&backup, "").unwrap();
    assert!(open(golden.path(), ReadUpTo::Newest).unwrap_err().message().contains("hot backup"));
    fs::remove_file(backup).unwrap();
    fs::remove_file(golden.path().join("WiredTiger.turtle")).unwrap();
    assert!(open(golden.path(), ReadUpTo::Newest).unwrap_err().message().contains("has lost the file"));
    let other = tempfile::tempdir().unwrap();
    assert!(open(other.path(), ReadUpTo::Newest).unwrap_err().message().contains("no data directory of MongoDB"));
    fs::write(other.path().join("backend.ns"), "").unwrap();
    assert!(open(other.path(), ReadUpTo::Newest).unwrap_err().message().contains("MMAPv1"));
}
