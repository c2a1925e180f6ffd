//! An Elasticsearch node asked directly, in the words that versions 5 and 7 share.

use super::server::Http;
use serde_json::{Value, json};

/// A node on its published port.
pub struct Node {
    http: Http,
}

impl Node {
    /// Waits until the node on port 9200 has recovered its indices.
    #[track_caller]
    pub fn ready() -> Self {
        let node = Self { http: Http::new("http://localhost:9200") };
        node.http
            .wait("/_cluster/health?wait_for_status=yellow&timeout=2s", |health| health["timed_out"] == json!(false));
        node
    }

    /// Returns how many documents an index, or a pattern of names, holds.
    pub fn count(&self, index: &str) -> u64 {
        self.http.post(&format!("/{index}/_refresh"), &Value::Null);
        self.http.get(&format!("/{index}/_count"))["count"].as_u64().unwrap()
    }

    /// Returns how many events an experiment has, of all kinds.
    pub fn events_of(&self, task: &str) -> u64 {
        self.http.post("/events-*/_refresh", &Value::Null);
        let query = json!({ "query": { "term": { "task": task } } });
        self.http.post("/events-*/_count", &query)["count"].as_u64().unwrap()
    }

    /// Returns the documents with this value in a field.
    pub fn find(&self, index: &str, field: &str, value: &str) -> Vec<Value> {
        let query = json!({ "size": 100, "query": { "term": { field: value } } });
        let found = self.http.post(&format!("/{index}/_search"), &query);
        found["hits"]["hits"].as_array().unwrap().clone()
    }

    /// Adds an event as Trains Server 0.15.1 does: with a type, and routed by its task.
    pub fn add_old_event(&self, index: &str, id: &str, event: &Value) {
        let task = event["task"].as_str().unwrap();
        let answer = self.http.post(&format!("/{index}/event/{id}?routing={task}&refresh=true"), event);
        assert_eq!(answer["result"], "created", "{answer}");
    }

    /// Adds an event as ClearML Server 1.1.1 does: without a type, and routed by its task.
    pub fn add_new_event(&self, index: &str, id: &str, event: &Value) {
        let task = event["task"].as_str().unwrap().replace(' ', "%20");
        let answer = self.http.post(&format!("/{index}/_doc/{id}?routing={task}&refresh=true"), event);
        assert_eq!(answer["result"], "created", "{answer}");
    }
}
