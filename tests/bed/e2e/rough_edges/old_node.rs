//! A node of the old Elasticsearch, to make data with as an old server did.

use crate::harness::call::tool;
use crate::harness::docker::docker;
use crate::harness::node::Node;
use crate::harness::server::Http;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const IMAGE: &str = "docker.elastic.co/elasticsearch/elasticsearch:5.6.16";
const NAME: &str = "old-node";
const ADDRESS: &str = "http://localhost:9200";
/// The company of the generated servers.
pub const COMPANY: &str = "d1bd92a3b039400cbafc60a7a5b1e52b";

/// An old node that runs.
pub struct OldNode {
    pub http: Http,
    scratch: tempfile::TempDir,
}

impl OldNode {
    /// Lets a node run on the data for as long as `work` takes; then it is stopped gently.
    pub fn on<T>(data: &Path, heap: &str, work: impl FnOnce(&Self) -> T) -> T {
        if !data.exists() {
            fs::create_dir_all(data).unwrap();
            tool("chown", &["1000:1000", &data.display().to_string()]);
        }
        let volume = format!("{}:/usr/share/elasticsearch/data", data.display());
        let java = format!("ES_JAVA_OPTS=-Xms{heap} -Xmx{heap}");
        let run = ["run", "--detach", "--name", NAME, "--label", "com.docker.compose.project=trains"];
        let settings =
            ["xpack.security.enabled=false", "xpack.monitoring.enabled=false", "discovery.type=single-node", &java];
        let settings = settings.map(|setting| ["--env", setting]).concat();
        docker(&[&run[..], &["--publish", "9200:9200", "--volume", &volume], &settings, &[IMAGE]].concat());
        Http::new(ADDRESS).wait("/_cluster/health", |_| true);
        let node = Self { http: Http::new(ADDRESS), scratch: tempfile::tempdir_in("/var/tmp").unwrap() };
        let result = work(&node);
        docker(&["stop", "--time", "120", NAME]);
        docker(&["rm", NAME]);
        result
    }

    /// Makes an index.
    pub fn make(&self, index: &str, body: &Value) {
        self.curl("PUT", index, &body.to_string());
    }

    /// Writes documents of one type: `(_id, routing, source)`.
    pub fn index(&self, index: &str, kind: &str, documents: &[(String, Option<String>, Value)]) {
        let mut body = String::new();
        for (id, routing, source) in documents {
            let mut action = json!({ "index": { "_index": index, "_type": kind, "_id": id } });
            if let Some(routing) = routing {
                action["index"]["_routing"] = json!(routing);
            }
            body.push_str(&format!("{action}\n{source}\n"));
        }
        let answer = self.curl("POST", "_bulk?refresh=true&filter_path=errors", &body);
        assert_eq!(answer, json!({ "errors": false }), "{index}");
    }

    /// Sends a body of any size.
    pub fn curl(&self, method: &str, path: &str, body: &str) -> Value {
        let file = self.scratch.path().join("body");
        fs::write(&file, body).unwrap();
        let (data, url) = (format!("@{}", file.display()), format!("{ADDRESS}/{path}"));
        let header = "Content-Type: application/x-ndjson";
        let options = ["--silent", "--show-error", "--fail-with-body", "--header", header, "--header", "Expect:"];
        let said = tool("curl", &[&options[..], &["--request", method, "--data-binary", &data, &url]].concat());
        serde_json::from_str(&said).unwrap()
    }

    /// Returns how many documents an open index holds.
    pub fn count(&self, index: &str) -> u64 {
        Node::ready().count(index)
    }
}
