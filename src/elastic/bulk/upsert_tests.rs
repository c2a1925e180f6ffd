//! Documents that take the place of others, and such as are deleted, against a stand-in that takes nothing but what a node
//! takes, and holds what a node would hold.

use super::super::sink::BulkSink;
use super::super::{CopyRules, IndexPlan};
use super::tests::write_as;
use super::*;
use crate::events::Events;
use crate::transfer::testing::Sent;
use crate::transfer::{Change, Copier, DocumentRef, Gone, Options, Reading, RejectLog, Source, Unit, UnitKey, Units};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// `(routing, document)` by id.
type Stored = BTreeMap<String, (Option<String>, String)>;

/// What a node does with `_bulk`, and with nothing that it would not understand.
#[derive(Clone, Default)]
struct StandIn {
    stored: Arc<Mutex<Stored>>,
    /// The status of ids that it turns away, once for each.
    turned_away: Arc<Mutex<BTreeMap<String, u16>>>,
}

impl StandIn {
    fn with(documents: &[(&str, Option<&str>, &str)]) -> Self {
        let stored = documents
            .iter()
            .map(|(id, routing, text)| ((*id).to_owned(), (routing.map(str::to_owned), (*text).to_owned())));
        Self { stored: Arc::new(Mutex::new(stored.collect())), ..Self::default() }
    }

    fn stored(&self) -> Vec<String> {
        let shown = |(id, (routing, text)): (&String, &(Option<String>, String))| {
            format!("{id} {} {text}", routing.as_deref().unwrap_or("-"))
        };
        self.stored.lock().unwrap().iter().map(shown).collect()
    }

    /// Carries out one action; nothing if a node would not take the request.
    fn act(&self, action: &str, lines: &mut std::str::Lines<'_>) -> Option<Value> {
        let action: Map<String, Value> = serde_json::from_str(action).ok()?;
        let (name, about) = action.iter().next().filter(|_| action.len() == 1)?;
        let about = about.as_object().filter(|about| about.keys().all(|key| key == "_id" || key == "routing"))?;
        let id = about.get("_id")?.as_str()?.to_owned();
        let routing = about.get("routing").map(|routing| routing.as_str().map(str::to_owned));
        let routing = if let Some(routing) = routing { Some(routing?) } else { None };
        let source = match name.as_str() {
            "create" | "index" => Some(lines.next().filter(|text| text.starts_with('{'))?.to_owned()),
            "delete" => None,
            _ => return None,
        };
        if let Some(status) = self.turned_away.lock().unwrap().remove(&id) {
            return Some(json!({name: {"status": status, "error": {"type": "some_exception", "reason": "why"}}}));
        }
        let mut stored = self.stored.lock().unwrap();
        let there = stored.contains_key(&id);
        let status = match (name.as_str(), there) {
            ("create", true) => 409,
            ("delete", false) => 404,
            ("create" | "index", false) => 201,
            _ => 200,
        };
        match source {
            _ if status == 409 => {}
            None => drop(stored.remove(&id)),
            Some(source) => drop(stored.insert(id, (routing, source))),
        }
        Some(json!({name: {"status": status}}))
    }
}

impl Respond for StandIn {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body = String::from_utf8(request.body.clone()).unwrap();
        let (mut lines, mut items) = (body.lines(), Vec::new());
        while let Some(action) = lines.next() {
            match self.act(action, &mut lines).filter(|_| body.ends_with('\n')) {
                Some(item) => items.push(item),
                None => return ResponseTemplate::new(400).set_body_json(json!({"error": {"type": "malformed"}})),
            }
        }
        ResponseTemplate::new(200).set_body_json(json!({"items": items}))
    }
}

async fn serve(stand_in: &StandIn) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).and(path("/i/_bulk")).respond_with(stand_in.clone()).mount(&server).await;
    server
}

const CHANGES: [Sent<'_>; 5] = [
    ("same", None, Some(r#"{"x":1}"#)),
    ("other", Some("r"), Some(r#"{"x":2}"#)),
    ("new", None, Some(r#"{"x":3}"#)),
    ("gone", None, None),
    ("never there", Some("r"), None),
];

fn before() -> StandIn {
    StandIn::with(&[
        ("same", None, r#"{"x":1}"#),
        ("other", None, r#"{"x":0}"#),
        ("gone", None, "{}"),
        ("left", None, "{}"),
    ])
}

const AFTER: [&str; 4] = ["left - {}", r#"new - {"x":3}"#, r#"other r {"x":2}"#, r#"same - {"x":1}"#];

#[tokio::test]
async fn what_is_put_takes_the_place_of_what_was_there_and_what_is_gone_is_deleted() {
    let stand_in = before();
    let server = serve(&stand_in).await;
    // The second time comes to the same as the first, and no document is looked at.
    for resent in [false, true] {
        let answer = write_as(Mode::Upsert, &server.uri(), &CHANGES, resent).await.unwrap();
        assert_eq!((answer, stand_in.stored()), (Answer::default(), AFTER.map(str::to_owned).to_vec()));
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn changes_that_were_turned_away_are_sent_again() {
    let stand_in = before();
    *stand_in.turned_away.lock().unwrap() = ["gone", "other"].map(|id| (id.to_owned(), 429)).into();
    let server = serve(&stand_in).await;
    write_as(Mode::Upsert, &server.uri(), &CHANGES, false).await.unwrap();
    assert_eq!(stand_in.stored(), AFTER);
}

#[tokio::test]
async fn a_document_that_cannot_be_deleted_ends_the_copy_and_one_that_cannot_be_put_is_given_back() {
    let stand_in = before();
    stand_in.turned_away.lock().unwrap().insert("gone".into(), 400);
    let server = serve(&stand_in).await;
    let error = write_as(Mode::Upsert, &server.uri(), &CHANGES, false).await.unwrap_err();
    assert_eq!(error.causes(), ["some_exception: why (HTTP status 400)"]);
    stand_in.turned_away.lock().unwrap().insert("new".into(), 400);
    let answer = write_as(Mode::Upsert, &server.uri(), &CHANGES, false).await.unwrap();
    assert_eq!(answer.refused.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["new"]);
    // Not there yet, and not to be overwritten without being asked for.
    let answer = write_as(Mode::Create, &server.uri(), &CHANGES[1..3], false).await;
    assert!(answer.is_err(), "without a way to look at what is there, nothing is taken for the same");
}

/// The changes as a source.
#[derive(Clone)]
struct Changes;

impl Source for Changes {
    type Plan = IndexPlan;
    type Unit = Self;

    async fn open(&self, _: &IndexPlan) -> Result<Option<Units<Self>>> {
        Ok(Some(Units { parts: vec![Self], documents: Some(3), at_once: 1, waits: false }))
    }
}

impl Unit for Changes {
    fn key(&self) -> Result<Option<UnitKey>> {
        Ok(None)
    }

    fn documents(&self) -> u64 {
        3
    }

    fn read(&self, _: &CancellationToken, each: &mut impl FnMut(&Change<'_>) -> Result<()>) -> Result<Reading> {
        for (id, routing, source) in CHANGES {
            each(&match source.map(str::as_bytes) {
                Some(source) => Change::Put(DocumentRef { id, kind: None, routing, source }),
                None => Change::Delete(Gone { id, routing }),
            })?;
        }
        Ok(Reading { documents: 3, ..Reading::default() })
    }
}

#[tokio::test]
async fn an_index_that_changes_are_copied_to_stays_and_is_not_made_anew() {
    let stand_in = before();
    let server = serve(&stand_in).await;
    let settings = json!({"i": {"settings": {"index": {"uuid": "id"}}}});
    let settings = ResponseTemplate::new(200).set_body_json(settings);
    Mock::given(method("GET")).and(path("/i/_settings")).respond_with(settings).mount(&server).await;
    let done = json!({"acknowledged": true, "_shards": {"failed": 0}, "nodes": {}});
    let done = ResponseTemplate::new(200).set_body_json(done);
    Mock::given(any()).respond_with(done).with_priority(9).mount(&server).await;
    let plan: IndexPlan =
        serde_json::from_value(json!({"index": "i", "documents": 3, "bytes": 9, "shards": 1, "types": [],
        "mapping": {}, "settings": {}, "aliases": {}, "settings_left": []}))
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let options = Options::<CopyRules>::new(RejectLog::new(directory.path().join("rejects")));
    let sink = BulkSink::new(Client::new(&server.uri()).unwrap(), Mode::Upsert).await.unwrap();
    let copier = Copier::<Changes, _, _>::new(Changes, sink, options, Events::silent(), CancellationToken::new());
    let outcome = copier.copy_all(vec![plan], &()).await.unwrap().remove(0);
    assert_eq!((outcome.read, outcome.written, outcome.deleted), (3, 3, 2));
    assert_eq!(stand_in.stored(), AFTER);
    let asked = server.received_requests().await.unwrap();
    let asked: Vec<String> = asked.iter().map(|one| format!("{} {}", one.method, one.url.path())).collect();
    assert!(!asked.iter().any(|one| one == "DELETE /i" || one == "PUT /i"), "{asked:?}");
    assert_eq!(asked.last().map(String::as_str), Some("POST /i/_flush"));
}
