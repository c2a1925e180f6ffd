//! Nodes of both Elasticsearches on data directories, and the odd documents that an old one may hold.

use crate::harness::call::tool;
use crate::harness::deployment::QUICK_START;
use crate::harness::docker::docker;
use clearml_migrate::elastic::Client;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// An index of the deployment.
pub const LOG_INDEX: &str = "events-log-d1bd92a3b039400cbafc60a7a5b1e52b";
const REPOSITORY: &str = "docker.elastic.co/elasticsearch/elasticsearch";
const LIMIT: Duration = Duration::from_secs(120);

/// A container with a node.
struct Node {
    name: &'static str,
    port: u16,
    runtime: tokio::runtime::Runtime,
}

impl Node {
    fn start(name: &'static str, version: &str, port: u16, data: &Path) -> Self {
        // As the program's own, so that what a killed test has left is taken away.
        let mount = format!("{}:/usr/share/elasticsearch/data", data.display());
        let (publish, image) = (format!("{port}:9200"), format!("{REPOSITORY}:{version}"));
        let label = "com.docker.compose.project=trains";
        let mut arguments = vec!["run", "--detach", "--name", name, "--label", label, "--publish", &publish];
        let java = format!("ES_JAVA_OPTS=-Xms512m -Xmx512m {QUICK_START}");
        arguments.extend(["--volume", &mount, "--env", &java]);
        for setting in [
            "discovery.type=single-node",
            "xpack.security.enabled=false",
            "cluster.routing.allocation.disk.threshold_enabled=false",
        ] {
            arguments.extend(["--env", setting]);
        }
        arguments.push(&image);
        docker(&arguments);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let node = Self { name, port, runtime };
        let begun = Instant::now();
        while node.try_call("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s", "").is_none() {
            assert!(begun.elapsed() < LIMIT, "{name} does not answer: {}", docker(&["logs", "--tail", "20", name]));
            std::thread::sleep(Duration::from_millis(300));
        }
        node
    }

    fn address(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    fn try_call(&self, method: &str, path: &str, body: &str) -> Option<Value> {
        self.runtime.block_on(call(&self.address(), method, path, body.as_bytes().to_vec(), "application/json")).ok()
    }

    #[track_caller]
    fn call(&self, method: &str, path: &str, body: &str) -> Value {
        self.call_as(method, path, body.as_bytes(), "application/json")
    }

    #[track_caller]
    fn call_as(&self, method: &str, path: &str, body: &[u8], kind: &str) -> Value {
        let answer = self.runtime.block_on(call(&self.address(), method, path, body.to_vec(), kind));
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        tool("docker", &["rm", "--force", "--volumes", self.name]);
    }
}

async fn call(address: &str, method: &str, path: &str, body: Vec<u8>, kind: &str) -> Result<Value, String> {
    let http = reqwest::Client::builder().no_proxy().build().map_err(|error| error.to_string())?;
    let request = http
        .request(method.parse().unwrap(), format!("{address}{path}"))
        .header("content-type", kind)
        .header("accept", "application/json")
        .body(body);
    let answer = request.send().await.map_err(|error| error.to_string())?;
    let status = answer.status();
    let text = answer.text().await.map_err(|error| error.to_string())?;
    let value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if status.is_success() { Ok(value) } else { Err(format!("{status} {text}")) }
}

/// Changes a document of a new node, or makes it.
pub async fn put(node: &Client, index: &str, document: &str, source: &Value) {
    let body = source.to_string().into_bytes();
    call(node.address(), "PUT", &format!("/{index}/_doc/{document}"), body, "application/json").await.unwrap();
}

/// Deletes a document.
pub async fn delete(node: &Client, index: &str, document: &str) {
    call(node.address(), "DELETE", &format!("/{index}/_doc/{document}"), Vec::new(), "application/json").await.unwrap();
}

/// An old node.
pub struct Old(Node);

impl Old {
    /// Starts a node on old data and works with it.
    pub fn on(data: &Path, work: impl FnOnce(&Self)) -> Self {
        let old = Self(Node::start("old-node", "5.6.16", 9205, data));
        work(&old);
        old
    }

    /// Ends it as a crash does.
    pub fn killed(self) {
        docker(&["kill", self.0.name]);
    }

    /// Ends it as docker does.
    pub fn stopped(self) {
        docker(&["stop", "--time", "60", self.0.name]);
    }

    /// Returns the way to talk to it.
    pub fn client(&self) -> Client {
        Client::new(&self.0.address()).unwrap()
    }

    /// Returns its address.
    pub fn address(&self) -> String {
        self.0.address()
    }

    /// Adds what [`OddIndices`] says.
    pub fn add(&self, _: &OddIndices) {
        let node = &self.0;
        let index = OddIndices::INDEX;
        let body = json!({
            "settings": {"number_of_shards": 3, "refresh_interval": "7s", "mapping": {"total_fields": {"limit": 2000}},
                "analysis": {"filter": {"few": {"type": "stop", "stopwords": ["a", "the"]}}}},
            "aliases": {"odd": {"filter": {"term": {"task": "t"}}, "routing": "t"}, "plain": {}}
        });
        node.call("PUT", &format!("/{index}"), &body.to_string());
        let put = |id: &str, routing: &str, source: &[u8], kind: &str| {
            node.call_as("PUT", &format!("/{index}/event/{id}?routing={routing}"), source, kind);
        };
        let json = "application/json";
        put("pretty", "t", b"\n{ \"task\" : \"t\",\r\n  \"msg\":\"two\\nlines\" ,\n\"iter\": 1.0}\n\n", json);
        put("commented", "t", b"{ // it's \"its\"\n\"task\":\"t\", /* a\nb */ \"msg\":\"a//b\" }", json);
        put("remark", "t", b"{\n\"task\":\"t\" // }\n} // the end }\n", json);
        put("twice", "t", br#"{"task":"t","msg":"one","o":{"k":[{"a":1,"a":2}]},"msg":"two"}"#, json);
        put("surrogate", "t", b"{\"task\":\"t\",\"msg\":\"caf\xED\xB3\xA9\"}", json);
        put("overlong", "t", b"{\"msg\":\"\\n\xC0\xAF\xF5\x80\x80\x80\",\"task\":\"t\"}", json);
        put(
            "surrogate-commented",
            "t",
            b"{ // \xED\xB3\xA9\n\"task\":\"t\",/*\xC0\xAF*/\"msg\":\"\xED\xA0\xBD\" }",
            json,
        );
        put("surrogate-named", "t", b"{\"task\":\"t\",\"k\xED\xB3\xA9\":\"v\"}", json);
        put(
            "surrogate-twice",
            "t",
            b"{\"task\":\"t\",\"k\xED\xB3\xA9\":\"\xC0\xAF\",\"k\\uDCE9\":\"\xED\xB3\xA9\"}",
            json,
        );
        put("marked", "t", b"\xEF\xBB\xBF{\"task\":\"t\",\"msg\":\"x\"}", json);
        let large = json!({"task": "t", "msg": "loss ".repeat(1_600_000)}).to_string();
        put("large", "t", large.as_bytes(), "application/json");
        put("elsewhere", "somewhere", br#"{"task":"t","msg":"x"}"#, json);
        put("y%23%20%C3%A9", "t", "---\ntask: t\nmsg: \"größe\"\n".as_bytes(), "application/yaml");
        for number in 0..200 {
            put(&format!("n{number}"), "t", format!("{{\"task\":\"t\",\"iter\":{number}}}").as_bytes(), json);
        }
        node.call("POST", &format!("/{index}/_flush"), "");
        for number in 0..20 {
            node.call("DELETE", &format!("/{index}/event/n{number}?routing=t"), "");
            put(&format!("n{}", 20 + number), "t", br#"{"task":"t","again":true}"#, json);
        }
        node.call("PUT", "/events-log-closed", "");
        node.call_as("PUT", "/events-log-closed/event/c?routing=t", br#"{"task":"t","msg":"closed"}"#, json);
        node.call("POST", "/events-log-closed/_close", "");
    }

    /// Makes an index that does not keep whole documents.
    pub fn make_filtered_index(&self, index: &str) {
        let body = json!({"mappings": {"event": {"_source": {"excludes": ["secret"]}}}});
        self.0.call("PUT", &format!("/{index}"), &body.to_string());
        self.0.call("PUT", &format!("/{index}/event/f?routing=t"), r#"{"task":"t","secret":1}"#);
    }

    /// Makes an index with a weight on a field.
    pub fn make_weighted_index(&self, index: &str) {
        let body = json!({"mappings": {"book": {"properties": {"title": {"type": "text", "boost": 2.0}}}}});
        self.0.call("PUT", &format!("/{index}"), &body.to_string());
        self.0.call("PUT", &format!("/{index}/book/1"), r#"{"title":"x"}"#);
    }

    /// Makes an index in which two `_id`s are those of two documents each, which are not all UTF-8.
    pub fn make_collisions(&self, index: &str) {
        self.0.call("PUT", &format!("/{index}"), r#"{"settings":{"number_of_shards":5}}"#);
        for (kind, id, routing) in [("event", "same", "t"), ("other", "same", "t"), ("event", "routed", "t1")] {
            let [before, behind] = [format!(r#"{{"task":"{routing}","msg":"caf"#), format!(r#"","type":"{kind}"}}"#)];
            let source = [before.as_bytes(), b"\xED\xB3\xA9", behind.as_bytes()].concat();
            let path = format!("/{index}/{kind}/{id}?routing={routing}");
            self.0.call_as("PUT", &path, &source, "application/json");
        }
        // Another shard than that of t1: of enough routings one leads there.
        let count = |node: &Node| {
            node.call("POST", &format!("/{index}/_refresh"), "");
            node.call("GET", &format!("/{index}/_count"), "")["count"].as_u64().unwrap()
        };
        for number in 2.. {
            let source = format!(r#"{{"task":"t{number}"}}"#);
            self.0.call("PUT", &format!("/{index}/event/routed?routing=t{number}"), &source);
            if count(&self.0) == 4 {
                return;
            }
        }
    }
}

/// Indices with a document of 8 MB, documents of several lines, with comments, with a key twice, routed elsewhere, sent as
/// YAML, not UTF-8 in a value and in a name, with the mark of UTF-8 ahead, deleted, written again before and after a
/// commit; with several shards, settings, aliases; and a closed one.
pub struct OddIndices;

impl OddIndices {
    /// The one that has most of it.
    pub const INDEX: &str = "events-log-odd";
}

/// A new node.
pub struct Target {
    node: Node,
    /// Its data directory.
    pub data: PathBuf,
}

impl Target {
    /// Starts a node of the version that a migration writes with.
    pub fn start(data: &Path) -> Self {
        Self::of("7.6.2", data)
    }

    /// Starts a node on a directory, which is made if need be.
    pub fn of(version: &str, data: &Path) -> Self {
        Self::beside("new-node", version, 9207, data)
    }

    /// The same, under a name and at a port of its own.
    pub fn beside(name: &'static str, version: &str, port: u16, data: &Path) -> Self {
        if !data.exists() {
            std::fs::create_dir_all(data).unwrap();
            tool("chmod", &["0777", &data.display().to_string()]);
        }
        Self { node: Node::start(name, version, port, data), data: data.to_owned() }
    }

    /// Returns its address.
    pub fn address(&self) -> String {
        self.node.address()
    }

    /// Asks it for something, or to do something.
    #[track_caller]
    pub fn call(&self, method: &str, path: &str, body: &str) -> Value {
        self.node.call(method, path, body)
    }

    /// Asks it for something that it refuses, and returns its words.
    #[track_caller]
    pub fn refuses(&self, method: &str, path: &str, body: &str) -> String {
        let body = body.as_bytes().to_vec();
        let address = self.node.address();
        let asked = call(&address, method, path, body, "application/json");
        self.node.runtime.block_on(asked).unwrap_err()
    }

    /// Returns the way to talk to it.
    pub fn client(&self) -> Client {
        Client::new(&self.node.address()).unwrap()
    }

    /// Returns the first ids of an index, in order.
    pub fn ids(&self, index: &str) -> Vec<String> {
        let answer = self.node.call("GET", &format!("/{index}/_search?size=100&_source=false"), "");
        let hits = answer["hits"]["hits"].as_array().unwrap();
        let mut ids: Vec<String> = hits.iter().map(|hit| hit["_id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    }

    /// Deletes a document, for good.
    pub fn delete(&self, index: &str, id: &str) {
        self.node.call("DELETE", &format!("/{index}/_doc/{id}"), "");
        self.node.call("POST", &format!("/{index}/_flush"), "");
    }

    /// Returns the number of documents of an index.
    pub fn count(&self, index: &str) -> u64 {
        self.node.call("POST", &format!("/{index}/_refresh"), "");
        self.node.call("GET", &format!("/{index}/_count"), "")["count"].as_u64().unwrap()
    }
}
