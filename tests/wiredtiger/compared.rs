//! Two directories, document by document: what is missing, changed and added is what a comparison in memory finds.
//!
//! The two are one that was killed, at its last checkpoint and with its log: documents were replaced, changed in place,
//! removed and added in between.

use crate::golden::{Golden, open};
use clearml_migrate::events::Events;
use clearml_migrate::mongo::{AT_A_TIME, CollectionCompared, Rule, Sides};
use clearml_migrate::wiredtiger::bson::Document;
use clearml_migrate::wiredtiger::directory::{MongoDirectory, ReadUpTo};
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

const TASK: &str = "backend.task";

fn compare(old: &MongoDirectory, new: &MongoDirectory, rule: Rule, at_a_time: u64) -> CollectionCompared {
    let (events, cancel) = (Events::silent(), CancellationToken::new());
    let sides = Sides { old, new, rule, at_a_time, events: &events, cancel: &cancel };
    let mut all = sides.compare(|collection| collection.namespace == TASK).unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// Documents by their `_id`.
fn documents(directory: &MongoDirectory) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let collection = directory.collection(TASK).unwrap();
    let read = directory.documents(collection, |document| {
        all.insert(document.text("_id").unwrap().to_owned(), document.bytes().to_vec());
        Ok(())
    });
    read.unwrap();
    all
}

#[test]
fn what_is_missing_changed_and_added_is_counted_however_few_documents_fit_into_memory() {
    let golden = Golden::new("killed");
    let old = open(golden.path(), ReadUpTo::LastCheckpoint).unwrap();
    let new = open(golden.path(), ReadUpTo::Newest).unwrap();
    let (before, now) = (documents(&old), documents(&new));
    let missing = before.keys().filter(|id| !now.contains_key(*id)).count() as u64;
    let added = now.keys().filter(|id| !before.contains_key(*id)).count() as u64;
    let changed = before.iter().filter(|(id, bytes)| now.get(*id).is_some_and(|now| now != *bytes)).count() as u64;
    assert!(missing > 100 && added > 100 && changed == 1, "{missing} {added} {changed}");
    for at_a_time in [AT_A_TIME, 7] {
        let found = compare(&old, &new, Rule::Exact, at_a_time);
        assert_eq!((found.found.missing, found.found.changed, found.found.added), (missing, changed, added));
        assert_eq!((found.found.documents, found.rewritten), (before.len() as u64, 0));
        let named = &found.found.named;
        assert!(!named.is_empty() && named.iter().all(|one| before.contains_key(&one.id)), "{named:?}");
    }
}

#[test]
fn a_field_that_the_release_rewrites_is_left_out_and_the_document_counted() {
    let golden = Golden::new("killed");
    let old = open(golden.path(), ReadUpTo::LastCheckpoint).unwrap();
    let new = open(golden.path(), ReadUpTo::Newest).unwrap();
    // The one that was changed in place was so in its name.
    let found = compare(&old, &new, Rule::ButFor(&[(TASK, &["name"])]), AT_A_TIME);
    assert_eq!((found.found.changed, found.rewritten), (0, found.found.documents));
    let found = compare(&old, &new, Rule::ButFor(&[(TASK, &["type"])]), AT_A_TIME);
    assert_eq!(found.found.changed, 1);
}

#[test]
fn the_same_directory_is_the_same_and_a_collection_that_is_not_there_lacks_every_document() {
    let golden = Golden::new("compressed");
    let directory = open(golden.path(), ReadUpTo::Newest).unwrap();
    let other = Golden::new("noted");
    let truth_of_other = other.truth.clone();
    let other = open(other.path(), ReadUpTo::Newest).unwrap();
    let (events, cancel) = (Events::silent(), CancellationToken::new());
    let compare = |new| {
        let sides = Sides { old: &directory, new, rule: Rule::Exact, at_a_time: 50, events: &events, cancel: &cancel };
        sides.compare(|_| true).unwrap()
    };
    let same = compare(&directory);
    assert_eq!(same.len(), golden.truth.len());
    assert!(same.iter().all(|one| !one.found.differs() && one.found.added == 0 && one.found.there));
    for CollectionCompared { found, .. } in compare(&other) {
        let (here, there) = (golden.truth.get(&found.collection), truth_of_other.get(&found.collection));
        let expected = (here.map_or(0, |one| one.documents), there.map_or(0, |one| one.documents), there.is_some());
        assert_eq!((found.missing, found.added, found.there), expected, "{}", found.collection);
    }
}

#[test]
fn ids_of_other_types_than_texts_are_told_apart() {
    let golden = Golden::new("compressed");
    let directory = open(golden.path(), ReadUpTo::Newest).unwrap();
    let collection = directory.collection("backend.model.large").unwrap();
    let mut kinds = Vec::new();
    let read = directory.documents(collection, |document: Document<'_>| {
        kinds.extend(document.elements().find(|one| one.name == b"_id").map(|one| (one.kind, one.value.to_vec())));
        Ok(())
    });
    read.unwrap();
    assert_eq!(kinds, [1_u64, 2, 3].map(|id| (0x12, id.to_le_bytes().to_vec())));
}
