//! The reader against nodes that fail between two pages.

use super::*;
use crate::elastic::backoff::Backoff;
use serde_json::Value;
use std::time::Duration;
use wiremock::matchers::{body_partial_json, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn slice(server: &MockServer) -> Slice {
    let backoff = Backoff { first: Duration::from_millis(1), cap: Duration::from_millis(2), retries: 3 };
    Slice {
        client: Client::new(&server.uri()).unwrap().with_backoff(backoff),
        index: "i".into(),
        number: 1,
        of: 5,
        document_bytes: 100,
        max_page: 10_000,
    }
}

fn page(id: &str, ids: &[&str], with_source: bool) -> ResponseTemplate {
    let hits: Vec<Value> = ids
        .iter()
        .map(|id| {
            let mut hit = json!({"_id": id, "_type": "event", "_routing": "t"});
            if with_source {
                hit["_source"] = json!({"n": id});
            }
            hit
        })
        .collect();
    let body = json!({"_scroll_id": id, "timed_out": false, "_shards": {"failed": 0}, "hits": {"hits": hits}});
    ResponseTemplate::new(200).set_body_json(body)
}

async fn search(server: &MockServer, with_source: bool, answer: ResponseTemplate) {
    let asked = json!({"_source": with_source, "slice": {"id": 1, "max": 5}, "sort": ["_doc"]});
    Mock::given(path("/i/_search")).and(body_partial_json(asked)).respond_with(answer).mount(server).await;
}

async fn next(server: &MockServer, id: &str, answer: ResponseTemplate) {
    let asked = json!({"scroll_id": id});
    let mock = Mock::given(method("POST")).and(path("/_search/scroll")).and(body_partial_json(asked));
    mock.respond_with(answer).mount(server).await;
}

async fn single(server: &MockServer, ids: &[&str]) {
    for id in ids {
        let asked = json!({"docs": [{"_id": id, "_type": "event", "routing": "t"}]});
        let doc =
            json!({"docs": [{"_id": id, "_type": "event", "_routing": "t", "found": true, "_source": {"n": id}}]});
        let found = ResponseTemplate::new(200).set_body_json(doc);
        Mock::given(path("/i/_mget")).and(body_partial_json(asked)).respond_with(found).mount(server).await;
    }
}

async fn read(slice: &Slice) -> (Result<u64>, Vec<String>) {
    let (out, mut incoming) = mpsc::channel(100);
    let read = slice.read(&out).await;
    drop(out);
    let mut ids = Vec::new();
    while let Some(documents) = incoming.recv().await {
        ids.extend(documents.into_iter().map(|document| document.key.id));
    }
    (read, ids)
}

#[tokio::test]
async fn pages_follow_one_another_until_one_is_empty() {
    let server = MockServer::start().await;
    search(&server, true, page("s1", &["a", "b"], true)).await;
    next(&server, "s1", page("s2", &["c"], true)).await;
    next(&server, "s2", page("s3", &[], true)).await;
    let (read, ids) = read(&slice(&server)).await;
    assert_eq!((read.unwrap(), ids), (3, vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]));
    let cleared = |request: &wiremock::Request| request.method.as_str() == "DELETE";
    for _ in 0..100 {
        if server.received_requests().await.unwrap().iter().any(cleared) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the scroll was not cleared");
}

#[tokio::test]
async fn after_a_failed_page_each_remaining_document_comes_once() {
    let server = MockServer::start().await;
    search(&server, true, page("s1", &["a", "b"], true)).await;
    next(&server, "s1", ResponseTemplate::new(500)).await;
    search(&server, false, page("k1", &["a", "b", "c"], false)).await;
    next(&server, "k1", page("k2", &["d"], false)).await;
    next(&server, "k2", page("k3", &[], false)).await;
    // Two at once are too much for this node.
    single(&server, &["c", "d"]).await;
    let (read, ids) = read(&slice(&server)).await;
    assert_eq!(read.unwrap(), 4);
    assert_eq!(ids, ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn documents_in_another_order_are_not_mistaken_for_the_rest() {
    let server = MockServer::start().await;
    search(&server, true, page("s1", &["a", "b"], true)).await;
    next(&server, "s1", ResponseTemplate::new(500)).await;
    search(&server, false, page("k1", &["b", "c", "a"], false)).await;
    let (read, _) = read(&slice(&server)).await;
    assert_eq!(read.unwrap_err().message(), "The index i changed while it was read.");
}

#[tokio::test]
async fn fewer_documents_than_before_are_an_error() {
    let server = MockServer::start().await;
    search(&server, true, page("s1", &["a", "b"], true)).await;
    next(&server, "s1", ResponseTemplate::new(500)).await;
    search(&server, false, page("k1", &["a"], false)).await;
    next(&server, "k1", page("k2", &[], false)).await;
    assert!(read(&slice(&server)).await.0.unwrap_err().message().contains("changed"));
}

#[tokio::test]
async fn a_page_without_a_shard_is_never_the_end() {
    let server = MockServer::start().await;
    let partial = json!({"_scroll_id": "s", "_shards": {"failed": 1, "failures": [{"reason": {"type": "t", "reason": "gone"}}]},
        "hits": {"hits": []}});
    let partial = ResponseTemplate::new(200).set_body_json(partial);
    search(&server, true, partial.clone()).await;
    search(&server, false, partial).await;
    let error = read(&slice(&server)).await.0.unwrap_err();
    assert_eq!(error.causes(), ["1 shard(s) did not answer: gone"]);
}
