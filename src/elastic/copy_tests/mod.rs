//! Copies from files and from nodes to a node that takes everything, or nearly.

mod together;

use super::*;
use crate::error::Result;
use crate::events::Events;
use crate::lucene::stored;
use crate::lucene::testing::{SHARD, TestDocument, directory, put_delete, put_index};
use crate::transfer::{Checkpoints, CopyOutcome, Digest, Mode, Partial, RejectLog};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const INDEX: &str = "events-log";

/// Three segments of ten documents; of the translog, one document is new, one is written again, one deleted.
fn data() -> tempfile::TempDir {
    let document = |number: u32| TestDocument {
        uid: Some(format!("event#{number}")),
        routing: Some(format!("t{}", number % 3)),
        source: format!("{{\"task\":\"t{}\",\n\"n\":{number}}}", number % 3),
        live: number != 7,
    };
    let segments =
        [0, 10, 20].map(|first| (stored::Mode::Fast, first == 10, (first..first + 10).map(document).collect()));
    let mut log = Vec::new();
    put_index(&mut log, 7, "event", "3", Some("t0"), br#"{"task":"t0","n":33}"#);
    put_delete(&mut log, 3, "event", "4");
    put_index(&mut log, 7, "event", "new", Some("elsewhere"), br#"{"task":"t1"}"#);
    directory(&segments, &log, 3)
}

/// What the target should hold.
fn expected() -> Digest {
    let mut digest = Digest::new();
    for number in (0..30).filter(|number| ![3, 4, 7].contains(number)) {
        digest.add(&number.to_string(), None, format!("{{\"task\":\"t{}\", \"n\":{number}}}", number % 3).as_bytes());
    }
    digest.add("3", None, br#"{"task":"t0","n":33}"#);
    digest.add("new", Some("elsewhere"), br#"{"task":"t1"}"#);
    digest
}

/// A node that creates every document, refuses those that hold `refused`, and has an index of this id.
async fn target(index_id: &str, refused: &'static str) -> MockServer {
    let server = MockServer::start().await;
    let create = move |request: &Request| {
        let lines: Vec<&[u8]> = request.body.split(|byte| *byte == b'\n').collect();
        let items = lines.chunks_exact(2).map(|lines| {
            let text = String::from_utf8_lossy(lines[1]).into_owned();
            let error = json!({"type": "mapper_parsing_exception", "reason": "no"});
            match !refused.is_empty() && text.contains(refused) {
                true => json!({"create": {"status": 400, "error": error}}),
                false => json!({"create": {"status": 201}}),
            }
        });
        ResponseTemplate::new(200).set_body_json(json!({"items": items.collect::<Vec<Value>>()}))
    };
    Mock::given(path_regex("/_bulk$")).respond_with(create).mount(&server).await;
    let settings = json!({INDEX: {"settings": {"index": {"uuid": index_id}}}});
    let settings = ResponseTemplate::new(200).set_body_json(settings);
    Mock::given(method("GET")).and(path(format!("/{INDEX}/_settings"))).respond_with(settings).mount(&server).await;
    let done = json!({"acknowledged": true, "shards_acknowledged": true, "_shards": {"failed": 0}, "nodes": {}});
    Mock::given(wiremock::matchers::any())
        .respond_with(ResponseTemplate::new(200).set_body_json(done))
        .with_priority(9)
        .mount(&server)
        .await;
    server
}

async fn sent(server: &MockServer, suffix: &str) -> Vec<Request> {
    let requests = server.received_requests().await.unwrap();
    requests.into_iter().filter(|request| request.url.path().ends_with(suffix)).collect()
}

fn documents(requests: &[Request]) -> usize {
    let bulks = requests.iter().filter(|request| request.url.path().ends_with("_bulk"));
    bulks.map(|request| request.body.iter().filter(|byte| **byte == b'\n').count() / 2).sum()
}

#[derive(Default)]
struct Keep {
    partials: Mutex<Vec<Partial>>,
    earlier: Option<Partial>,
}

impl Checkpoints for Keep {
    fn finished(&self, _: &CopyOutcome) -> Result<()> {
        Ok(())
    }

    fn partly(&self, partial: &Partial) -> Result<()> {
        self.partials.lock().unwrap().push(partial.clone());
        Ok(())
    }

    fn earlier(&self, _: &str) -> Result<Option<Partial>> {
        Ok(self.earlier.clone())
    }
}

async fn copy(data: &tempfile::TempDir, server: &MockServer, keep: &Keep, every: Duration) -> CopyOutcome {
    let outcome = try_copy(data, server, keep, every).await.unwrap();
    assert_eq!(outcome.there, Some(outcome.read), "by the commit and by what came out");
    outcome
}

async fn try_copy(data: &tempfile::TempDir, server: &MockServer, keep: &Keep, every: Duration) -> Result<CopyOutcome> {
    let files = Files::open(data.path()).unwrap();
    let [index]: &[SourceIndex] = files.indices() else { panic!("one index") };
    // Those that live: of 30 in segments one is deleted, and two are in the translog.
    assert_eq!((index.documents, index.shards), (31, 1));
    let plan = IndexPlan::new(index, &Templates::release_1_1().unwrap()).unwrap();
    copy_plan(data, server, keep, CopyOptions { checkpoint_every: every, ..options(data) }, plan).await
}

fn options(data: &tempfile::TempDir) -> CopyOptions {
    CopyOptions { batch_bytes: 300, ..CopyOptions::new(RejectLog::new(data.path().join("rejects"))) }
}

async fn copier(source: impl Into<Source>, server: &MockServer, options: CopyOptions) -> Copier {
    let sink = BulkSink::new(Client::new(&server.uri()).unwrap(), Mode::Create).await.unwrap();
    Copier::new(source, sink, options, Events::silent(), CancellationToken::new())
}

async fn copy_plan(
    data: &tempfile::TempDir,
    server: &MockServer,
    keep: &Keep,
    options: CopyOptions,
    plan: IndexPlan,
) -> Result<CopyOutcome> {
    let files = Files::open(data.path()).unwrap();
    let copier = copier(files, server, options).await;
    copier.copy_all(vec![plan], keep).await.map(|mut outcomes| outcomes.remove(0))
}

const NEVER: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn every_document_of_files_is_sent_once_and_fingerprinted() {
    let (data, server, keep) = (data(), target("id", "").await, Keep::default());
    let outcome = copy(&data, &server, &keep, NEVER).await;
    assert_eq!((outcome.read, outcome.written, outcome.routing_kept), (29, 29, 1));
    assert_eq!(outcome.digest, expected());
    let tasks: Vec<(&str, u64)> = {
        let mut tasks: Vec<_> = outcome.samples.groups().collect();
        tasks.sort_unstable();
        tasks
    };
    assert_eq!(tasks, [("t0", 10), ("t1", 9), ("t2", 10)]);
    let bulks = sent(&server, "/_bulk").await;
    assert!(bulks.len() > 4 && bulks.iter().all(|bulk| bulk.body.len() <= 300), "{}", bulks.len());
    assert_eq!(documents(&bulks), 29);
    assert_eq!(sent(&server, "/_flush").await.len(), 1, "a small index has one flush, its last");
    assert!(keep.partials.into_inner().unwrap().is_empty());
}

#[tokio::test]
async fn a_copy_that_was_cut_off_goes_on_behind_its_checkpoint() {
    let (data, server, keep) = (data(), target("id", "").await, Keep::default());
    copy(&data, &server, &keep, Duration::ZERO).await;
    let partials = keep.partials.into_inner().unwrap();
    assert!(!partials.is_empty() && partials.len() < 4, "one behind each unit but the last: {partials:?}");
    // It is kept as text, as a journal does.
    let half: Partial = serde_json::from_str(&serde_json::to_string(&partials[0]).unwrap()).unwrap();
    assert!(half.documents() > 0 && half.documents() < 29);

    let server = target("id", "").await;
    let keep = Keep { earlier: Some(half.clone()), ..Keep::default() };
    let outcome = copy(&data, &server, &keep, NEVER).await;
    assert_eq!((outcome.read, &outcome.digest), (29, &expected()));
    assert_eq!(documents(&sent(&server, "/_bulk").await) as u64, 29 - half.documents());
    let deleted = |request: &Request| request.method.as_str() == "DELETE";
    assert!(!server.received_requests().await.unwrap().iter().any(deleted));

    // The index that the checkpoint is of is gone: everything is sent.
    let server = target("another id", "").await;
    let outcome = copy(&data, &server, &keep, NEVER).await;
    assert_eq!((outcome.read, &outcome.digest), (29, &expected()));
    assert_eq!(documents(&sent(&server, "/_bulk").await), 29);
    assert!(server.received_requests().await.unwrap().iter().any(deleted));
}

#[tokio::test]
async fn a_unit_with_a_refused_document_is_read_again_and_the_others_are_not() {
    let (data, server, keep) = (data(), target("id", "\"n\":15}").await, Keep::default());
    let outcome = copy(&data, &server, &keep, NEVER).await;
    assert_eq!((outcome.read, outcome.written, outcome.rejects), (29, 28, 1));
    let kept = keep.partials.into_inner().unwrap().pop().unwrap();
    assert_eq!(kept.documents(), 19, "the unit of ten documents with the refused one is not kept");
    let rejects = std::fs::read_to_string(data.path().join("rejects")).unwrap();
    let reject: Value = serde_json::from_str(rejects.trim()).unwrap();
    assert_eq!((&reject["id"], &reject["source"]), (&json!("15"), &json!("{\"task\":\"t0\", \"n\":15}")));

    let server = target("id", "").await;
    let keep = Keep { earlier: Some(kept), ..Keep::default() };
    let outcome = copy(&data, &server, &keep, NEVER).await;
    assert_eq!((outcome.is_complete(), &outcome.digest), (true, &expected()));
    assert_eq!(documents(&sent(&server, "/_bulk").await), 10);
}

#[tokio::test]
async fn damage_within_the_documents_ends_the_copy_with_the_name_of_the_file() {
    let (data, server) = (data(), target("id", "").await);
    let path = data.path().join(SHARD).join("index/_2.fdt");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = try_copy(&data, &server, &Keep::default(), NEVER).await.unwrap_err();
    assert_eq!(error.kind(), crate::error::Kind::Refused);
    assert!(error.message().contains("_2.fdt"), "{error:?}");
}

/// Two segments of ten documents under the same ten ids.
fn data_of_two_types() -> tempfile::TempDir {
    let segments = ["event", "old"].map(|kind| {
        let document = |number: u32| TestDocument {
            uid: Some(format!("{kind}#{number}")),
            routing: Some("t".into()),
            source: format!("{{\"task\":\"t\",\"n\":\"{kind}{number}\"}}"),
            live: true,
        };
        (stored::Mode::Fast, false, (0..10).map(document).collect())
    });
    directory(&segments, &[], 0)
}

#[tokio::test]
async fn documents_of_one_id_are_both_written_and_a_copy_that_goes_on_keeps_to_their_new_ids() {
    let data = data_of_two_types();
    let files = Files::open(data.path()).unwrap();
    let plan = IndexPlan::new(&files.indices()[0], &Templates::release_1_1().unwrap()).unwrap();
    let plan = IndexPlan { types: vec!["event".into(), "old".into()], ..plan };
    let new_ids = || {
        let (plans, cancel) = ([plan.clone()], CancellationToken::new());
        Search { files: &files, plans: &plans, directory: data.path(), cancel: &cancel }.new_ids().unwrap()
    };
    let copy = async |server: &MockServer, keep: &Keep| {
        let rules = CopyRules { new_ids: Arc::new(new_ids()), ..CopyRules::default() };
        let options = CopyOptions { checkpoint_every: Duration::ZERO, rules, ..options(&data) };
        copy_plan(&data, server, keep, options, plan.clone()).await.unwrap()
    };
    let mut expected = Digest::new();
    for (kind, number) in ["event", "old"].iter().flat_map(|kind| (0..10).map(move |number| (kind, number))) {
        let id = if *kind == "old" { format!("old-{number}") } else { number.to_string() };
        expected.add(&id, None, format!("{{\"task\":\"t\",\"n\":\"{kind}{number}\"}}").as_bytes());
    }

    let (server, keep) = (target("id", "").await, Keep::default());
    let outcome = copy(&server, &keep).await;
    assert_eq!((outcome.read, outcome.renamed, outcome.written, &outcome.digest), (20, 10, 20, &expected));
    let half = keep.partials.into_inner().unwrap().into_iter().next().unwrap();
    assert_eq!(half.documents(), 10);
    let (server, keep) = (target("id", "").await, Keep { earlier: Some(half), ..Keep::default() });
    assert_eq!(copy(&server, &keep).await, outcome);
    assert_eq!(documents(&sent(&server, "/_bulk").await), 10);

    // One that is refused is given back under its own id, and the digest is of the others.
    let outcome = copy(&target("id", "\"old3\"").await, &Keep::default()).await;
    assert_eq!((outcome.rejects, outcome.written, outcome.named[0].id.as_str()), (1, 19, "3"));
    expected.remove("old-3", None, b"{\"task\":\"t\",\"n\":\"old3\"}");
    assert_eq!(outcome.digest, expected);
    let rejects = std::fs::read_to_string(data.path().join("rejects")).unwrap();
    let reject: Value = serde_json::from_str(rejects.trim()).unwrap();
    assert_eq!((&reject["type"], &reject["id"]), (&json!("old"), &json!("3")));
}
