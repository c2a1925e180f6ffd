//! Several slices and several indices at once: what one does while the other is read, filled or finished.

use super::*;

/// A node that gives so many pages of 50 documents.
async fn node(source: &str, pages: u64) -> MockServer {
    let server = MockServer::start().await;
    let hits: Vec<Value> = (0..50)
        .map(|id| json!({"_id": id.to_string(), "_type": "event", "_routing": "t", "_source": {"text": source}}))
        .collect();
    let page = |hits: Vec<Value>| {
        let body = json!({"_scroll_id": "s", "timed_out": false, "_shards": {"failed": 0}, "hits": {"hits": hits}});
        ResponseTemplate::new(200).set_body_json(body)
    };
    let asked = || Mock::given(method("POST")).and(path_regex("/_search(/scroll)?$"));
    asked().respond_with(page(hits)).up_to_n_times(pages).mount(&server).await;
    asked().respond_with(page(Vec::new())).mount(&server).await;
    let refreshed = ResponseTemplate::new(200).set_body_json(json!({"_shards": {"failed": 0}}));
    Mock::given(path_regex("/_refresh$")).respond_with(refreshed).mount(&server).await;
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn room_for_one_request_is_enough_for_all_slices_of_an_index() {
    let (data, target, keep) = (data(), target("id", "").await, Keep::default());
    let files = Files::open(data.path()).unwrap();
    let plan = IndexPlan::new(&files.indices()[0], &Templates::release_1_1().unwrap()).unwrap();
    let source = node("x", 40).await;
    // All slices take from the same pages, so that only the sum is known.
    let plan = IndexPlan { documents: 40 * 50, shards: 9, ..plan };
    let options = CopyOptions { memory: 300, ..options(&data) };
    let copier = copier(Client::new(&source.uri()).unwrap(), &target, options).await;
    let copied = tokio::time::timeout(Duration::from_secs(60), copier.copy_all(vec![plan], &keep));
    assert_eq!(copied.await.expect("it goes on").unwrap()[0].written, 2000);
    assert_eq!(documents(&sent(&target, "/_bulk").await), 2000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_nothing_more_could_be_taken_is_told_and_not_that_reading_ended() {
    let (data, source, target) = (data(), node(&"x".repeat(5000), 1000).await, target("id", "").await);
    let few = json!({"nodes": {"n": {"http": {"max_content_length_in_bytes": 8000}}}});
    let few = ResponseTemplate::new(200).set_body_json(few);
    Mock::given(path("/_nodes/_local/http")).respond_with(few).with_priority(1).mount(&target).await;
    let files = Files::open(data.path()).unwrap();
    let plan = IndexPlan::new(&files.indices()[0], &Templates::release_1_1().unwrap()).unwrap();
    for _ in 0..20 {
        // Refused documents cannot be kept in a directory that is a file.
        let options = CopyOptions::new(RejectLog::new(data.path().join(SHARD).join("index/_0.fdt/rejects")));
        let copier = copier(Client::new(&source.uri()).unwrap(), &target, options).await;
        let error = copier.copy_all(vec![plan.clone()], &Keep::default()).await.unwrap_err();
        assert!(error.message().contains("rejects"), "{error}");
    }
}

/// Copies 200 documents and then the index `next` of none, one at a time, where flushing the first takes `flush`.
async fn copy_one_after_another(flush: Duration) -> (Vec<CopyOutcome>, Vec<Request>) {
    let (data, source, target) = (data(), node("x", 4).await, target("id", "").await);
    let settings = ResponseTemplate::new(200).set_body_json(json!({"next": {"settings": {"index": {"uuid": "two"}}}}));
    Mock::given(method("GET")).and(path("/next/_settings")).respond_with(settings).mount(&target).await;
    let slow = ResponseTemplate::new(200).set_body_json(json!({"_shards": {"failed": 0}})).set_delay(flush);
    Mock::given(path(format!("/{INDEX}/_flush"))).respond_with(slow).with_priority(1).mount(&target).await;
    let files = Files::open(data.path()).unwrap();
    let plan = IndexPlan::new(&files.indices()[0], &Templates::release_1_1().unwrap()).unwrap();
    let first = IndexPlan { documents: 4 * 50, bytes: 2, ..plan };
    let next = IndexPlan { index: "next".to_owned(), documents: 0, bytes: 1, ..first.clone() };
    let options = CopyOptions { collections_at_once: 1, ..options(&data) };
    let copier = copier(Client::new(&source.uri()).unwrap(), &target, options).await;
    let outcomes = copier.copy_all(vec![next, first], &Keep::default()).await.unwrap();
    (outcomes, target.received_requests().await.unwrap())
}

#[tokio::test]
async fn while_an_index_is_made_durable_the_next_one_is_filled() {
    let (outcomes, requests) = copy_one_after_another(Duration::from_secs(2)).await;
    let ended: Vec<_> = outcomes.iter().map(|outcome| (outcome.collection.as_str(), outcome.written)).collect();
    assert_eq!(ended, [("next", 0), (INDEX, 200)]);
    // One is filled at a time all the same.
    let begun = requests.iter().position(|request| request.url.path() == "/next").unwrap();
    assert_eq!(documents(&requests[..begun]), 200);
}

#[tokio::test]
async fn of_two_full_indices_one_is_refreshed_first_and_the_other_flushed_first() {
    let (_, requests) = copy_one_after_another(Duration::ZERO).await;
    let asked = |index: &str| -> Vec<String> {
        let paths = requests.iter().filter_map(|request| request.url.path().strip_prefix(&format!("/{index}/_")));
        paths.filter(|asked| ["refresh", "flush"].contains(asked)).map(ToOwned::to_owned).collect()
    };
    assert_eq!(asked(INDEX), ["refresh", "flush"]);
    assert_eq!(asked("next"), ["flush", "refresh"]);
}

/// Notes which indices were begun.
#[derive(Default)]
struct Begun(Mutex<Vec<String>>);

impl Checkpoints for Begun {
    fn finished(&self, _: &CopyOutcome) -> Result<()> {
        Ok(())
    }

    fn earlier(&self, index: &str) -> Result<Option<Partial>> {
        self.0.lock().unwrap().push(index.to_owned());
        Ok(None)
    }
}

#[tokio::test]
async fn after_an_index_has_failed_no_other_is_begun() {
    let (data, target) = (data(), target("id", "").await);
    let full = ResponseTemplate::new(400).set_body_json(json!({"error": {"type": "x", "reason": "no"}, "status": 400}));
    Mock::given(method("PUT")).and(path(format!("/{INDEX}"))).respond_with(full).with_priority(1).mount(&target).await;
    let files = Files::open(data.path()).unwrap();
    let plan = IndexPlan::new(&files.indices()[0], &Templates::release_1_1().unwrap()).unwrap();
    let first = IndexPlan { bytes: 2, ..plan };
    let next = IndexPlan { index: "next".to_owned(), bytes: 1, ..first.clone() };
    let options = CopyOptions { collections_at_once: 1, ..options(&data) };
    let copier = copier(files, &target, options).await;
    let begun = Begun::default();
    copier.copy_all(vec![next, first], &begun).await.unwrap_err();
    assert_eq!(*begun.0.lock().unwrap(), [INDEX]);
}

/// Copies 30 documents, the last of which arrive late, and returns how often the index was refreshed.
async fn refreshes(nearly_full_from: u64) -> usize {
    let (data, target) = (data(), target("id", "").await);
    let created = json!({"items": [{"create": {"status": 201}}]});
    let late = ResponseTemplate::new(200).set_body_json(created).set_delay(Duration::from_secs(1));
    let last = wiremock::matchers::body_string_contains("\"n\":29}");
    Mock::given(path_regex("/_bulk$")).and(last).respond_with(late).with_priority(1).mount(&target).await;
    let files = Files::open(data.path()).unwrap();
    let plan = IndexPlan::new(&files.indices()[0], &Templates::release_1_1().unwrap()).unwrap();
    // A request for each document.
    let options = CopyOptions { batch_bytes: 1, nearly_full_from, ..options(&data) };
    let copier = copier(files, &target, options).await;
    assert_eq!(copier.copy_all(vec![plan], &()).await.unwrap()[0].digest, expected());
    sent(&target, "/_refresh").await.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_index_is_refreshed_once_before_it_is_full() {
    assert_eq!((refreshes(20).await, refreshes(1_000).await), (2, 1));
}
