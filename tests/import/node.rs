//! An Elasticsearch that is none: it keeps in memory what the calls of an import mean, and nothing else.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// The setting in a request.
const PIPELINE: &str = "/index/default_pipeline";

/// An index.
#[derive(Default)]
pub struct Index {
    id: String,
    pub created: Value,
    pub aliases: Map<String, Value>,
    pub closed: bool,
    /// The default pipeline; there are none, so that it keeps out whoever does not go past it.
    pub pipeline: Option<String>,
    /// Routing and source by `_id`.
    pub documents: BTreeMap<String, (Option<String>, String)>,
}

/// What the node holds, and what was asked of it.
pub struct State {
    version: &'static str,
    /// What `Authorization` must be, if anything.
    pub login: Option<&'static str>,
    pub indices: BTreeMap<String, Index>,
    /// Methods and paths of all calls that change something.
    pub changes: Vec<String>,
    /// Whether sources are kept; without, documents are only counted.
    pub keeps_sources: bool,
    made: usize,
}

/// A node that answers as this version.
pub struct Node {
    server: MockServer,
    state: Arc<Mutex<State>>,
}

impl Node {
    pub async fn start(version: &'static str) -> Self {
        let server = MockServer::builder().disable_request_recording().start().await;
        let state =
            State { version, login: None, indices: BTreeMap::new(), changes: Vec::new(), keeps_sources: true, made: 0 };
        let state = Arc::new(Mutex::new(state));
        let answering = Arc::clone(&state);
        let answer = move |request: &Request| answering.lock().unwrap().answer(request);
        Mock::given(any()).respond_with(answer).mount(&server).await;
        Self { server, state }
    }

    pub fn address(&self) -> String {
        self.server.uri()
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        let authorization = request.headers.get("authorization").and_then(|value| value.to_str().ok());
        if self.login.is_some() && authorization != self.login {
            return status(401, "security_exception");
        }
        let path = request.url.path().trim_matches('/').replace("%40", "@");
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let method = request.method.as_str();
        let asks = method == "GET" || matches!(parts.last(), Some(&("_search" | "_mget" | "_count" | "scroll")));
        if !asks {
            self.changes.push(format!("{method} /{path}"));
        }
        let body = || serde_json::from_slice::<Value>(&request.body).unwrap_or_default();
        match (method, parts.as_slice()) {
            ("GET", []) => ok(json!({"version": {"number": self.version}})),
            ("GET", ["_cluster", "state", "version"]) => ok(json!({"cluster_uuid": "cluster-of-tests"})),
            ("GET", ["_cat", "indices"]) => {
                let status = |index: &Index| if index.closed { "close" } else { "open" };
                let all = self.indices.iter().map(|(name, index)| json!({"index": name, "status": status(index)}));
                ok(all.collect())
            }
            ("GET", ["_cluster", "health", _]) => ok(json!({"status": "green"})),
            ("GET", ["_nodes", ..]) => ok(json!({"nodes": {}})),
            ("POST", ["_aliases"]) => self.remove_alias(&body()),
            ("POST", ["_search", "scroll"]) => page(&[]),
            ("DELETE", ["_search", "scroll"]) => ok(json!({})),
            ("GET", [name]) => self.look_up(name),
            ("PUT", [name]) => self.create(name, body()),
            ("DELETE", [name]) => match self.indices.remove(*name) {
                Some(_) => ok(json!({"acknowledged": true})),
                None => status(404, "index_not_found_exception"),
            },
            (_, [name, operation]) => match self.indices.get_mut(*name) {
                None => status(404, "index_not_found_exception"),
                Some(_) if *operation == "_settings" && method == "PUT" && body().pointer(PIPELINE).is_some() => {
                    let index = self.indices.entry((*name).to_owned()).or_default();
                    index.pipeline = body().pointer(PIPELINE).and_then(Value::as_str).map(str::to_owned);
                    ok(json!({"acknowledged": true}))
                }
                Some(index) => {
                    let goes_past =
                        request.url.query_pairs().any(|(name, value)| name == "pipeline" && value == "_none");
                    match operation {
                        &"_bulk" if index.pipeline.is_some() && !goes_past => status(400, "illegal_argument_exception"),
                        _ => index.answer(name, operation, &request.body, self.keeps_sources),
                    }
                }
            },
            _ => status(400, "no_such_call"),
        }
    }

    fn look_up(&self, name: &str) -> ResponseTemplate {
        let found: Map<String, Value> = self
            .indices
            .iter()
            .filter(|(own, index)| *own == name || index.aliases.contains_key(name))
            .map(|(own, index)| {
                (own.clone(), json!({"aliases": index.aliases, "settings": {"index": {"uuid": index.id}}}))
            })
            .collect();
        if found.is_empty() { status(404, "index_not_found_exception") } else { ok(found.into()) }
    }

    fn create(&mut self, name: &str, created: Value) -> ResponseTemplate {
        if self.indices.contains_key(name) {
            return status(400, "resource_already_exists_exception");
        }
        self.made += 1;
        let aliases = created["aliases"].as_object().cloned().unwrap_or_default();
        let pipeline = created.pointer(&format!("/settings{PIPELINE}")).and_then(Value::as_str).map(str::to_owned);
        let index = Index { id: format!("id-{}", self.made), created, aliases, pipeline, ..Index::default() };
        self.indices.insert(name.to_owned(), index);
        ok(json!({"acknowledged": true, "shards_acknowledged": true}))
    }

    fn remove_alias(&mut self, body: &Value) -> ResponseTemplate {
        let remove = &body["actions"][0]["remove"];
        let index = self.indices.get_mut(remove["index"].as_str().unwrap()).unwrap();
        match index.aliases.shift_remove(remove["alias"].as_str().unwrap()) {
            Some(_) => ok(json!({"acknowledged": true})),
            None => status(404, "aliases_not_found_exception"),
        }
    }
}

impl Index {
    fn answer(&mut self, name: &str, operation: &str, body: &[u8], keeps_sources: bool) -> ResponseTemplate {
        let shards = json!({"failed": 0});
        match operation {
            "_settings" => ok(json!({name: {"settings": {"index": {"uuid": self.id}}}, "acknowledged": true})),
            "_mapping" => ok(json!({name: {"mappings": self.created["mappings"]}})),
            "_count" => ok(json!({"count": self.documents.len(), "_shards": shards})),
            "_open" | "_close" => {
                self.closed = operation == "_close";
                ok(json!({"acknowledged": true}))
            }
            _ if self.closed => status(400, "index_closed_exception"),
            "_refresh" | "_flush" => ok(json!({"_shards": shards})),
            "_bulk" => ok(self.bulk(body, keeps_sources)),
            "_search" => {
                let hits = self.documents.iter().map(|(id, document)| hit(id, document));
                page(&hits.collect::<Vec<_>>())
            }
            "_mget" => {
                let asked: Value = serde_json::from_slice(body).unwrap();
                let docs = asked["docs"].as_array().unwrap().iter().map(|doc| {
                    let id = doc["_id"].as_str().unwrap();
                    match self.documents.get(id) {
                        Some(document) => hit(id, document),
                        None => json!({"_id": id, "found": false}).to_string(),
                    }
                });
                text(format!("{{\"docs\":[{}]}}", docs.collect::<Vec<_>>().join(",")))
            }
            _ => status(400, "no_such_operation"),
        }
    }

    fn bulk(&mut self, body: &[u8], keeps_sources: bool) -> Value {
        let text = std::str::from_utf8(body).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let items = lines.chunks_exact(2).map(|lines| {
            let action: Value = serde_json::from_str(lines[0]).unwrap();
            let action = &action["create"];
            let id = action["_id"].as_str().unwrap().to_owned();
            if self.documents.contains_key(&id) {
                return json!({"create": {"status": 409, "error": {"type": "version_conflict_engine_exception"}}});
            }
            let source = if keeps_sources { lines[1].to_owned() } else { String::new() };
            self.documents.insert(id, (action["routing"].as_str().map(str::to_owned), source));
            json!({"create": {"status": 201}})
        });
        json!({"items": items.collect::<Vec<Value>>()})
    }
}

/// A document as an answer has it, its source byte for byte.
fn hit(id: &str, (routing, source): &(Option<String>, String)) -> String {
    let routing = routing.as_ref().map(|routing| format!("\"_routing\":{},", json!(routing))).unwrap_or_default();
    format!("{{\"_id\":{},\"found\":true,{routing}\"_source\":{source}}}", json!(id))
}

fn page(hits: &[String]) -> ResponseTemplate {
    let hits = hits.join(",");
    text(format!(
        "{{\"_scroll_id\":\"s\",\"timed_out\":false,\"_shards\":{{\"failed\":0}},\"hits\":{{\"hits\":[{hits}]}}}}"
    ))
}

fn text(body: String) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body, "application/json")
}

fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn status(code: u16, kind: &str) -> ResponseTemplate {
    ResponseTemplate::new(code).set_body_json(json!({"error": {"type": kind, "reason": "so it is"}, "status": code}))
}
