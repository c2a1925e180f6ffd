//! Indices with documents that share their `_id`, in segments and in the translog.

use super::*;
use crate::elastic::{SourceIndex, Templates};
use crate::error::Kind;
use crate::lucene::stored::Mode;
use crate::lucene::testing::{TestDocument, directory, put_index};
use crate::transfer::{Accepted, RejectLog};

/// Of each `_id` there are a document of the server and others; `more` are of the type `old`.
fn data(more: &[&str]) -> tempfile::TempDir {
    let document = |(uid, routing): (&str, Option<&str>)| TestDocument {
        uid: Some(uid.to_owned()),
        routing: routing.map(str::to_owned),
        source: r#"{"task":"t"}"#.to_owned(),
        live: true,
    };
    let first = [("old#a", Some("t")), ("event#alone", Some("t")), ("event#b", Some("t"))].map(document);
    let second = [("event#a", Some("t")), ("older#a", None)].map(document);
    let mut log = Vec::new();
    put_index(&mut log, 7, "old", "b", Some("u"), br#"{"task":"t","n":1}"#);
    more.iter().for_each(|id| put_index(&mut log, 7, "old", id, None, b"{}"));
    directory(&[(Mode::Fast, false, first.into()), (Mode::Fast, true, second.into())], &log, 1 + more.len())
}

/// A search through one index of several types.
struct Searched {
    data: tempfile::TempDir,
    files: Files,
    plans: Vec<IndexPlan>,
    cancel: CancellationToken,
}

impl Searched {
    fn of(data: tempfile::TempDir) -> Self {
        let files = Files::open(data.path()).unwrap();
        let [index]: &[SourceIndex] = files.indices() else { panic!("one index") };
        let plan = IndexPlan::new(index, &Templates::release_1_1().unwrap()).unwrap();
        let types = ["event", "old", "older"].map(str::to_owned).into();
        Self { files, plans: vec![IndexPlan { types, ..plan }], cancel: CancellationToken::new(), data }
    }

    fn search(&self) -> Search<'_> {
        Search { files: &self.files, plans: &self.plans, directory: self.data.path(), cancel: &self.cancel }
    }

    fn list(&self) -> (Result<NewIds>, NewIdList) {
        let mut list = NewIdList::new(self.data.path().join("new-ids.ndjson"));
        (self.search().new_ids_listed(&mut list), list)
    }
}

fn message(error: &Error) -> String {
    format!("{error}\n{}\n{}", error.causes().join("\n"), error.hints().join("\n"))
}

#[test]
fn a_list_says_which_documents_get_which_id() {
    let searched = Searched::of(data(&["c"]));
    let (new_ids, list) = searched.list();
    new_ids.unwrap();
    assert_eq!(list.documents(), 3);
    let text = std::fs::read_to_string(list.path()).unwrap();
    insta::assert_snapshot!(text, @r#"
    {"index":"events-log","type":"old","id":"a","routing":"t","new_id":"old-a"}
    {"index":"events-log","type":"older","id":"a","routing":null,"new_id":"older-a"}
    {"index":"events-log","type":"old","id":"b","routing":"u","new_id":"old-b"}
    "#);
    // A run that goes on makes the same list again.
    searched.list().0.unwrap();
    assert_eq!(std::fs::read_to_string(list.path()).unwrap(), text);
}

#[test]
fn a_document_is_written_under_the_id_that_was_listed() {
    let searched = Searched::of(data(&[]));
    let new_ids = searched.search().new_ids().unwrap();
    let id_of = |index: &str, kind, routing, id| {
        let document = DocumentRef { id, kind: Some(kind), routing, source: b"{}" };
        new_ids.written_id(index, &document).into_owned()
    };
    assert_eq!(id_of("events-log", "old", Some("t"), "a"), "old-a");
    assert_eq!(id_of("events-log", "event", Some("t"), "a"), "a");
    assert_eq!(id_of("events-log", "event", Some("t"), "alone"), "alone");
    assert_eq!(id_of("events-plot", "old", Some("t"), "a"), "a", "of another index");
}

#[test]
fn what_is_refused_is_what_would_get_a_new_id() {
    let searched = Searched::of(data(&["c"]));
    let rejects = RejectLog::new(searched.data.path().join("rejects.ndjson"));
    let collisions = searched.search().collisions(&Accepted::default(), &rejects).unwrap();
    assert_eq!((collisions.documents, collisions.named.len()), (3, 3));
    let ids = |path: &Path| -> Vec<String> {
        let lines = std::fs::read_to_string(path).unwrap();
        let lines = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.map(|line| format!("{} {} {}", line["type"], line["id"], line["routing"])).collect()
    };
    let (_, list) = searched.list();
    assert_eq!(ids(rejects.path()), ids(list.path()));
    let error = collisions.require_none(&rejects).unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    let home = searched.data.path().display().to_string();
    insta::assert_snapshot!(message(&error).replace(&home, "/home"));

    // Given back, they are left out, and nothing is left to refuse.
    let accepted = Accepted::read(rejects.path()).unwrap();
    let collisions = searched.search().collisions(&accepted, &rejects).unwrap();
    collisions.require_none(&rejects).unwrap();
}

#[test]
fn a_new_id_that_is_taken_is_refused_with_the_document() {
    let searched = Searched::of(data(&["older-a"]));
    let error = searched.list().0.unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    insta::assert_snapshot!(message(&error));
}

#[test]
fn more_than_a_number_are_refused_before_they_fill_the_memory() {
    let searched = Searched::of(data(&[]));
    let (search, left_out) = (searched.search(), Accepted::default());
    let index = SearchedIndex { search: &search, name: "events-log", left_out: &left_out };
    assert!(index.search(5).unwrap().is_some_and(|(_, documents)| documents == 5));
    let Err(error) = index.search(4) else { panic!("more than 4") };
    insta::assert_snapshot!(message(&error));
}
