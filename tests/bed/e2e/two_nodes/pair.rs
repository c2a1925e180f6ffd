//! Two real nodes for the tests of the copy, and the old server's ways of writing to the first.

use clearml_migrate::elastic::{BulkSink, Client, Copier, CopyOptions, IndexPlan, Templates, indices};
use clearml_migrate::events::{Event, Events, Sink, Unit};
use clearml_migrate::transfer::{Accepted, CopyOutcome, Mode, RejectLog};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A pair of nodes, and a directory for the files of one test.
pub struct Bed {
    pub source: Client,
    pub target: Client,
    http: reqwest::Client,
    directory: tempfile::TempDir,
}

/// `(_id, routing, source)`.
pub type Line = (String, Option<String>, String);

impl Bed {
    /// Returns the nodes without any index whose name contains `-NAME` or `_NAME`.
    pub async fn new(name: &str) -> Self {
        let [source, target] = ["CLEARML_TEST_ES5", "CLEARML_TEST_ES7"].map(|variable| {
            let address = std::env::var(variable).ok().filter(|address| !address.is_empty());
            address.unwrap_or_else(|| panic!("{variable} names no node: tests/run.sh e2e::two_nodes"))
        });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let bed =
            Self { source: Client::new(&source).unwrap(), target: Client::new(&target).unwrap(), http, directory };
        let ready = async |node: &Client| {
            let (within, cancel) = (Duration::from_secs(60), CancellationToken::new());
            node.wait_until_ready(within, std::future::pending(), &cancel).await.unwrap()
        };
        assert!(ready(&bed.source).await.text.starts_with("5.6."));
        assert_eq!(ready(&bed.target).await.major, 7);
        for node in [&bed.source, &bed.target] {
            for pattern in [format!("*-{name}*"), format!("*_{name}*")] {
                bed.call(node, "DELETE", &format!("/{pattern}"), None).await;
            }
        }
        let events = json!({"template": "events-*", "settings": {"number_of_shards": 1}, "mappings": {"_default_": {
            "_routing": {"required": true}, "properties": {"task": {"type": "keyword"}, "iter": {"type": "long"}}}}});
        bed.source_call("PUT", "/_template/events", Some(events)).await;
        Templates::release_1_1().unwrap().put(&bed.target).await.unwrap();
        bed
    }

    async fn call(&self, node: &Client, method: &str, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}{path}", node.address());
        let mut request = self.http.request(method.parse().unwrap(), url);
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap().json().await.unwrap()
    }

    pub async fn source_call(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        self.call(&self.source, method, path, body).await
    }

    pub async fn target_call(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        self.call(&self.target, method, path, body).await
    }

    pub async fn make(&self, index: &str, body: Value) {
        let made = self.source_call("PUT", &format!("/{index}"), Some(body)).await;
        assert_eq!(made["acknowledged"], true, "{made}");
    }

    pub async fn put(&self, index: &str, kind: &str, id: &str, routing: &str, source: &str) {
        let url = format!("{}/{index}/{kind}/{id}?routing={routing}", self.source.address());
        let request = self.http.put(url).header("content-type", "application/json").body(source.to_owned());
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    pub async fn delete(&self, index: &str, kind: &str, id: &str, routing: &str) {
        let gone = self.source_call("DELETE", &format!("/{index}/{kind}/{id}?routing={routing}"), None).await;
        assert_eq!(gone["result"], "deleted");
        self.refresh_source(index).await;
    }

    pub async fn refresh_source(&self, index: &str) {
        self.source_call("POST", &format!("/{index}/_refresh"), None).await;
    }

    /// Writes documents as the old server does and makes them visible.
    pub async fn index(&self, index: &str, kind: &str, lines: &[Line]) {
        let mut body = String::new();
        for (id, routing, source) in lines {
            let mut action = json!({"index": {"_index": index, "_type": kind, "_id": id}});
            if let Some(routing) = routing {
                action["index"]["_routing"] = json!(routing);
            }
            body.push_str(&format!("{action}\n{source}\n"));
        }
        let url = format!("{}/_bulk?refresh=true", self.source.address());
        let request = self.http.post(url).header("content-type", "application/x-ndjson").body(body);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["errors"], false, "{answer}");
    }

    pub async fn plans(&self, names: &[&str]) -> Vec<IndexPlan> {
        let listed = indices::list(&self.source).await.unwrap();
        let templates = Templates::release_1_1().unwrap();
        let mut plans = Vec::new();
        for name in names {
            let listed = listed.iter().find(|listed| listed.name == *name).unwrap();
            let index = indices::describe(&self.source, listed).await.unwrap();
            plans.push(IndexPlan::new(&index, &templates).unwrap());
        }
        plans
    }

    pub fn rejects(&self) -> PathBuf {
        self.directory.path().join("rejects.ndjson")
    }

    pub async fn copier(&self, accepted: Accepted) -> Copier {
        self.copier_with(accepted, Events::silent(), CancellationToken::new()).await
    }

    /// Copies an index anew.
    pub async fn copied(&self, accepted: Accepted, plan: &IndexPlan) -> CopyOutcome {
        self.copier(accepted).await.copy_all(vec![plan.clone()], &()).await.unwrap().remove(0)
    }

    pub async fn copier_with(&self, accepted: Accepted, events: Events, cancel: CancellationToken) -> Copier {
        let mut options = CopyOptions::new(RejectLog::new(self.rejects()));
        options.rules.accepted = Arc::new(accepted);
        let sink = BulkSink::new(self.target.clone(), Mode::Create).await.unwrap();
        Copier::new(self.source.clone(), sink, options, events, cancel)
    }

    /// Returns the heap, in bytes, of the node that has less.
    pub async fn least_heap(&self) -> u64 {
        let mut least = u64::MAX;
        for node in [&self.source, &self.target] {
            let answer = self.call(node, "GET", "/_nodes/_local/jvm", None).await;
            let node = answer["nodes"].as_object().unwrap().values().next().unwrap();
            least = least.min(node["jvm"]["mem"]["heap_max_in_bytes"].as_u64().unwrap());
        }
        least
    }

    pub async fn open_scrolls(&self, index: &str) -> u64 {
        let stats = self.source_call("GET", &format!("/{index}/_stats/search"), None).await;
        stats["_all"]["total"]["search"]["scroll_current"].as_u64().unwrap()
    }
}

/// Returns events that call `action` once, when that many documents have been copied.
pub fn stop_at(documents: u64, action: impl Fn() + Send + Sync + 'static) -> Events {
    struct Watch<F>(u64, F, AtomicBool);
    impl<F: Fn() + Send + Sync> Sink for Watch<F> {
        fn event(&self, event: &Event) {
            if let Event::Progress { done, unit: Unit::Documents, .. } = event
                && *done >= self.0
                && !self.2.swap(true, Ordering::Relaxed)
            {
                (self.1)();
            }
        }
    }
    Events::new(Watch(documents, action, AtomicBool::new(false)))
}
