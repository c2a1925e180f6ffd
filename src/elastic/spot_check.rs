//! What lies on disk must also be served: a node is asked for the number of documents of an index, its mapping, and some
//! documents that were chosen at random while its files were read.

use super::admin::read_mapping;
use super::client::Client;
use super::fetch::fetch;
use super::index_plan::IndexPlan;
use super::indices;
use super::mapping::field_paths;
use super::whole_index::refresh;
use crate::error::Result;
use crate::transfer::{Chosen, Difference, How, Key, Named, SpotChecks, document_hash};

/// Source bytes that are asked for in one request, exceeded only by a single larger document.
const REQUEST_BYTES: usize = 4 << 20;

/// Divides the choice into requests.
fn requests(checks: &SpotChecks) -> Vec<Vec<(&str, &Chosen)>> {
    let mut requests: Vec<Vec<(&str, &Chosen)>> = Vec::new();
    let mut room = 0;
    for (id, chosen) in checks.chosen() {
        match requests.last_mut().filter(|_| chosen.bytes <= room) {
            Some(request) => request.push((id, chosen)),
            None => {
                room = REQUEST_BYTES;
                requests.push(vec![(id, chosen)]);
            }
        }
        room = room.saturating_sub(chosen.bytes);
    }
    requests
}

/// Asks a node for what it should have of an index: so many documents, the fields of the plan, and the chosen documents.
/// Returns what differs, if anything does.
///
/// # Errors
/// Fails when the node does not answer.
pub async fn check_served(
    node: &Client,
    plan: &IndexPlan,
    documents: u64,
    checks: &SpotChecks,
) -> Result<Option<Difference>> {
    refresh(node, &plan.index).await?;
    let found = indices::count(node, &plan.index).await?;
    let covered = field_paths(&read_mapping(node, &plan.index).await?);
    let uncovered: Vec<String> = field_paths(&plan.mapping).difference(&covered).cloned().collect();
    let mut named = Vec::new();
    for request in requests(checks) {
        ask(node, &plan.index, &request, &mut named).await?;
    }
    if found == documents && uncovered.is_empty() && named.is_empty() {
        return Ok(None);
    }
    named.truncate(Difference::NAMED);
    Ok(Some(Difference { collection: plan.index.clone(), expected: documents, found, buckets: 0, named, uncovered }))
}

async fn ask(node: &Client, index: &str, wanted: &[(&str, &Chosen)], named: &mut Vec<Named>) -> Result<()> {
    let keys: Vec<Key> = wanted.iter().map(|(id, _)| Key { id: (*id).to_owned(), kind: None, routing: None }).collect();
    let keys: Vec<&Key> = keys.iter().collect();
    let mut retry = 0;
    let found = loop {
        match fetch(node, index, &keys).await {
            Ok(found) => break found,
            Err(failure) => match node.backoff().wait(retry) {
                Some(wait) if failure.is_transient() => {
                    tokio::time::sleep(wait).await;
                    retry += 1;
                }
                _ => return Err(failure.explain(format!("Documents of the index {index} could not be read."))),
            },
        }
    };
    for ((id, chosen), found) in wanted.iter().zip(found) {
        let how = match found {
            None => How::Missing,
            Some(found) if document_hash(id, None, &found.source) != chosen.hash => How::Altered,
            Some(found) if found.key.routing != chosen.routing => {
                How::Routing { expected: chosen.routing.clone(), found: found.key.routing }
            }
            Some(_) => continue,
        };
        named.push(Named { id: (*id).to_owned(), how });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wiremock::matchers::{method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    fn plan() -> IndexPlan {
        serde_json::from_value(json!({"index": "events-log-x", "documents": 2, "bytes": 9, "shards": 1, "types": [],
            "mapping": {"properties": {"task": {"type": "keyword"}}}, "settings": {}, "aliases": {},
            "settings_left": []}))
        .unwrap()
    }

    async fn node(count: u64, mapping: serde_json::Value, documents: serde_json::Value) -> MockServer {
        let server = MockServer::start().await;
        let answers = [
            ("POST", "_refresh", json!({"_shards": {"failed": 0}})),
            ("POST", "_count", json!({"count": count, "_shards": {"total": 1, "successful": 1, "failed": 0}})),
            ("GET", "_mapping", json!({"events-log-x": {"mappings": mapping}})),
            ("POST", "_mget", json!({"docs": documents})),
        ];
        for (verb, page, answer) in answers {
            Mock::given(method(verb))
                .and(path(format!("/events-log-x/{page}")))
                .respond_with(ResponseTemplate::new(200).set_body_json(answer))
                .mount(&server)
                .await;
        }
        server
    }

    async fn served(count: u64, mapping: serde_json::Value, documents: serde_json::Value) -> Option<Difference> {
        let server = node(count, mapping, documents).await;
        let mut checks = SpotChecks::new(1);
        checks.add("a", Some("r"), b"{}");
        check_served(&Client::new(&server.uri()).unwrap(), &plan(), 2, &checks).await.unwrap()
    }

    #[tokio::test]
    async fn a_node_that_serves_what_lies_on_disk_passes_and_every_difference_is_named() {
        let mapping = json!({"properties": {"task": {"type": "keyword"}}});
        let right = json!([{"_id": "a", "found": true, "_routing": "r", "_source": {}}]);
        assert_eq!(served(2, mapping.clone(), right.clone()).await, None);
        assert_eq!(served(1, mapping.clone(), right.clone()).await.unwrap().found, 1);
        assert_eq!(served(2, json!({}), right).await.unwrap().uncovered, ["task"]);
        for (document, how) in [
            (json!({"_id": "a", "found": false}), How::Missing),
            (json!({"_id": "a", "found": true, "_routing": "r", "_source": {"x": 1}}), How::Altered),
            (
                json!({"_id": "a", "found": true, "_source": {}}),
                How::Routing { expected: Some("r".into()), found: None },
            ),
        ] {
            let difference = served(2, mapping.clone(), json!([document])).await.unwrap();
            assert_eq!(difference.named, [Named { id: "a".into(), how }]);
        }
    }

    #[test]
    fn requests_keep_to_the_bytes_and_hold_everything_once() {
        let mut checks = SpotChecks::new(7);
        let large = vec![b' '; REQUEST_BYTES];
        (0..50).for_each(|n| checks.add(&n.to_string(), None, if n % 20 == 3 { &large } else { b"{}" }));
        let requests = requests(&checks);
        assert_eq!(requests.iter().map(Vec::len).sum::<usize>(), 50);
        let bytes = |request: &Vec<(&str, &Chosen)>| request.iter().map(|(_, chosen)| chosen.bytes).sum::<usize>();
        assert!(requests.iter().all(|request| request.len() == 1 || bytes(request) <= REQUEST_BYTES));
    }
}
