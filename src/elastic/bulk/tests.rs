//! The writer against nodes that are busy, cut connections, or hold other documents already.

use super::*;
use crate::elastic::backoff::Backoff;
use crate::transfer::testing::{self, Sent, rate};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use wiremock::matchers::{body_string_contains, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

fn client(address: &str) -> Client {
    let backoff = Backoff { first: Duration::from_millis(1), cap: Duration::from_millis(2), retries: 4 };
    Client::new(address).unwrap().with_backoff(backoff)
}

/// Writes changes as a mode has it.
pub(super) async fn write_as(mode: Mode, address: &str, changes: &[Sent<'_>], resent: bool) -> Result<Answer> {
    let (client, rate, lines) = (client(address), rate(), BulkLines(mode));
    let writer = BulkWriter { client: &client, index: "i", lines, past_pipeline: false, rate: &rate };
    writer.write(testing::batch(&lines, changes), resent).await
}

async fn write(address: &str, documents: &[(&str, Option<&str>, &str)]) -> Result<Answer> {
    let changes: Vec<Sent<'_>> = documents.iter().map(|(id, routing, source)| (*id, *routing, Some(*source))).collect();
    write_as(Mode::Create, address, &changes, false).await
}

fn items(items: &[(u16, &str)]) -> ResponseTemplate {
    let items: Vec<Value> = items
        .iter()
        .map(|(status, error)| match error {
            &"" => json!({"create": {"status": status}}),
            error => json!({"create": {"status": status, "error": {"type": error, "reason": "why"}}}),
        })
        .collect();
    ResponseTemplate::new(200).set_body_json(json!({"items": items}))
}

async fn answer(server: &MockServer, answers: impl IntoIterator<Item = ResponseTemplate>) {
    for answer in answers {
        Mock::given(path("/i/_bulk")).respond_with(answer).up_to_n_times(1).mount(server).await;
    }
}

async fn sent(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    let bulks = requests.into_iter().filter(|request: &Request| request.url.path() == "/i/_bulk");
    bulks.map(|request| String::from_utf8(request.body).unwrap().replace("{\"create\":{\"_id\":", "")).collect()
}

#[tokio::test]
async fn only_the_documents_that_were_turned_away_are_sent_again() {
    let server = MockServer::start().await;
    let busy = (429, "es_rejected_execution_exception");
    answer(&server, [items(&[(201, ""), busy, (201, "")]), ResponseTemplate::new(503), items(&[(201, "")])]).await;
    let refused = write(&server.uri(), &[("a", None, "1"), ("b", None, "2"), ("c", None, "3")]).await;
    assert_eq!(refused.unwrap().refused, []);
    assert_eq!(sent(&server).await[1..], ["\"b\"}}\n2\n", "\"b\"}}\n2\n"]);
}

#[tokio::test]
async fn a_reason_that_quotes_what_is_not_unicode_is_about_its_document_alone() {
    let server = MockServer::start().await;
    let body =
        br#"{"items":[{"create":{"status":201}},{"create":{"status":400,"error":{"type":"mapper_parsing_exception",
        "reason":"failed to parse field [iter] of type [long]. Preview of field's value: 'caf\uDCE9'"}}}]}"#;
    answer(&server, [ResponseTemplate::new(200).set_body_raw(&body[..], "application/json")]).await;
    let refused = write(&server.uri(), &[("a", None, "1"), ("b", None, "2")]).await.unwrap().refused;
    assert_eq!(refused.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["b"]);
    assert!(refused[0].reason.ends_with("'caf\u{FFFD}\u{FFFD}\u{FFFD}'"), "{}", refused[0].reason);
}

#[tokio::test]
async fn a_node_in_trouble_ends_the_copy_and_no_document_is_blamed() {
    let server = MockServer::start().await;
    answer(&server, [items(&[(201, ""), (500, "translog_exception")])]).await;
    let error = write(&server.uri(), &[("a", None, "1"), ("b", None, "2")]).await.unwrap_err();
    assert_eq!(error.causes(), ["translog_exception: why (HTTP status 500)"]);

    let full = json!({"type": "some_exception", "reason": "java.io.IOException: No space left on device"});
    let full = json!({"items": [{"create": {"status": 500, "error": full}}]});
    answer(&server, [ResponseTemplate::new(200).set_body_json(full)]).await;
    let error = write(&server.uri(), &[("a", None, "1")]).await.unwrap_err();
    assert!(error.hints()[0].starts_with("The disk is full."), "{error:?}");
}

#[tokio::test]
async fn a_busy_node_gets_smaller_batches() {
    let server = MockServer::start().await;
    answer(&server, [ResponseTemplate::new(429), items(&[(201, "")]), items(&[(201, "")])]).await;
    assert_eq!(write(&server.uri(), &[("a", None, "1"), ("b", None, "2")]).await.unwrap(), Answer::default());
    assert_eq!(sent(&server).await[1..], ["\"b\"}}\n2\n", "\"a\"}}\n1\n"]);
}

#[tokio::test]
async fn a_node_that_stays_busy_ends_the_copy_with_its_own_words() {
    let server = MockServer::start().await;
    let body = json!({"error": {"type": "circuit_breaking_exception", "reason": "Data too large"}, "status": 429});
    let busy = ResponseTemplate::new(429).set_body_json(body);
    Mock::given(path("/i/_bulk")).respond_with(busy).expect(5).mount(&server).await;
    let error = write(&server.uri(), &[("a", None, "1")]).await.unwrap_err();
    assert_eq!(error.causes(), ["circuit_breaking_exception: Data too large (HTTP status 429)"]);
}

#[tokio::test]
async fn a_request_that_is_too_large_is_cut_down_to_the_document_that_is() {
    let server = MockServer::start().await;
    Mock::given(path("/i/_bulk"))
        .and(body_string_contains("huge"))
        .respond_with(ResponseTemplate::new(413))
        .mount(&server)
        .await;
    let count = |request: &Request| request.body.iter().filter(|byte| **byte == b'\n').count() / 2;
    let stored = move |request: &Request| items(&vec![(201, ""); count(request)]);
    Mock::given(path("/i/_bulk")).respond_with(stored).mount(&server).await;
    let documents = [("a", None, "1"), ("b", None, "\"huge\""), ("c", None, "3"), ("d", None, "4")];
    let refused = write(&server.uri(), &documents).await.unwrap().refused;
    assert_eq!(refused.len(), 1);
    assert_eq!((refused[0].key.id.as_str(), refused[0].reason.as_str()), ("b", "HTTP status 413"));
    assert_eq!(refused[0].source, "\"huge\"");
}

#[tokio::test]
async fn a_document_that_is_refused_is_given_back_with_the_reason() {
    let server = MockServer::start().await;
    answer(&server, [items(&[(201, ""), (400, "mapper_parsing_exception")])]).await;
    let refused = write(&server.uri(), &[("a", None, "1"), ("b", Some("r"), "2")]).await.unwrap().refused;
    let key = Key { id: "b".into(), kind: Some("event".into()), routing: Some("r".into()) };
    let reason = "mapper_parsing_exception: why".to_owned();
    assert_eq!(
        refused,
        [Refused { key, id: "b".into(), routing: Some("r".into()), source: "2".into(), reason, collision: false }]
    );
}

#[tokio::test]
async fn a_full_disk_is_no_fault_of_the_document() {
    let server = MockServer::start().await;
    answer(&server, [items(&[(403, "cluster_block_exception")])]).await;
    let error = write(&server.uri(), &[("a", None, "1")]).await.unwrap_err();
    assert!(error.hints()[0].contains("disk"), "{error:?}");
}

async fn with_existing(server: &MockServer, docs: Value) {
    let found = ResponseTemplate::new(200).set_body_json(json!({"docs": docs}));
    Mock::given(path("/i/_mget")).respond_with(found).mount(server).await;
}

#[tokio::test]
async fn another_document_of_the_same_id_is_a_collision() {
    let server = MockServer::start().await;
    let conflict = (409, "version_conflict_engine_exception");
    answer(&server, [items(&[conflict, conflict, conflict])]).await;
    let docs = json!([
        {"_id": "a", "_type": "_doc", "found": true, "_source": {"x": 9}},
        {"_id": "b", "_type": "_doc", "found": true, "_routing": "r", "_source": {"x": 2}},
        {"_id": "c", "_type": "_doc", "found": true, "_source": {"x": 3}}
    ]);
    with_existing(&server, docs).await;
    let documents = [("a", None, r#"{"x":1}"#), ("b", None, r#"{"x":2}"#), ("c", None, r#"{"x":3}"#)];
    let refused = write(&server.uri(), &documents).await.unwrap().refused;
    assert!(refused.iter().all(|refused| refused.collision));
    let ids: Vec<_> = refused.iter().map(|refused| refused.key.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"], "c is the same document twice: nothing was sent before");
    assert!(refused[1].reason.contains("its routing here: r"));
    assert!(refused[2].reason.contains("holds this document twice"));
}

/// Cuts the first connection once a request has begun to arrive, then passes everything on to `server`.
async fn cutting_proxy(server: &MockServer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let behind = *server.address();
    tokio::spawn(async move {
        let (mut first, _) = listener.accept().await.unwrap();
        first.read_exact(&mut [0; 20]).await.unwrap();
        drop(first);
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut server = TcpStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn after_a_cut_connection_our_own_documents_are_recognised() {
    let server = MockServer::start().await;
    answer(&server, [items(&[(409, "version_conflict_engine_exception"), (201, "")])]).await;
    with_existing(&server, json!([{"_id": "a", "found": true, "_routing": "r", "_source": {"x": 1}}])).await;
    let documents = [("a", Some("r"), r#"{"x":1}"#), ("b", None, "{}")];
    let refused = write(&cutting_proxy(&server).await, &documents).await.unwrap().refused;
    assert_eq!(refused, []);
    assert_eq!(sent(&server).await.len(), 1);
}

#[tokio::test]
async fn a_document_with_a_key_twice_is_sent_again_with_the_last_value() {
    let server = MockServer::start().await;
    let twice = ResponseTemplate::new(200).set_body_json(json!({"items": [
        {"create": {"status": 201}},
        {"create": {"status": 400, "error": {"type": "mapper_parsing_exception", "reason": "failed to parse",
            "caused_by": {"type": "json_parse_exception", "reason": "Duplicate field 'x'"}}}},
        {"create": {"status": 400, "error": {"type": "mapper_parsing_exception", "reason": "Duplicate field 'y'"}}}
    ]}));
    answer(&server, [twice, items(&[(201, ""), (400, "strict_dynamic_mapping_exception")])]).await;
    let documents = [("a", None, "{}"), ("b", Some("r"), r#"{"x":1,"x":2}"#), ("c", None, r#"{"y":1,"y":2}"#)];
    let written = write(&server.uri(), &documents).await.unwrap();
    assert_eq!(sent(&server).await[1], "\"b\",\"routing\":\"r\"}}\n{\"x\":2}\n\"c\"}}\n{\"y\":2}\n");
    let (before, after) = (r#"{"x":1,"x":2}"#.into(), r#"{"x":2}"#.into());
    assert_eq!(written.repaired, [Repaired { id: "b".into(), routing: Some("r".into()), before, after }]);
    // What is refused for another reason is kept as it was.
    assert_eq!((written.refused.len(), &written.refused[0].source[..]), (1, &br#"{"y":1,"y":2}"#[..]));
}

#[tokio::test]
async fn what_an_earlier_try_has_written_is_no_collision() {
    let server = MockServer::start().await;
    answer(&server, [items(&[(409, "version_conflict_engine_exception"), (201, "")])]).await;
    with_existing(&server, json!([{"_id": "a", "found": true, "_source": {"x": 1}}])).await;
    let changes = [("a", None, Some(r#"{"x":1}"#)), ("b", None, Some("{}"))];
    let written = write_as(Mode::Create, &server.uri(), &changes, true).await.unwrap();
    assert_eq!(written, Answer::default());
}
