//! The node as a whole: its version, and when it has come up.

use super::client::{Call, Client};
use super::failure::{Failure, NO_CLUSTER_YET};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long a node may stay red without any work in progress before it counts as up: its missing shards will not
/// come by waiting, and [`super::indices::list`] names them.
const RED_AND_IDLE: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(300);

/// The version of a node, such as 5.6.16.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The whole text.
    pub text: String,
}

impl Version {
    /// Reads a version number; `None` if it does not begin with a number.
    pub fn parse(text: &str) -> Option<Self> {
        let major = text.split('.').next()?.parse().ok()?;
        Some(Self { major, text: text.to_owned() })
    }

    /// Returns whether it is this version, of which the first two numbers are given, or a later one. A number that cannot
    /// be read counts as 0.
    pub fn is_at_least(&self, (major, minor): (u32, u32)) -> bool {
        let own = self.text.split('.').nth(1).and_then(|minor| minor.parse().ok()).unwrap_or(0);
        (self.major, own) >= (major, minor)
    }

    /// Returns whether documents have a type besides `_doc` (before Elasticsearch 7).
    pub fn has_types(&self) -> bool {
        self.major < 7
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[derive(Deserialize)]
struct Health {
    status: String,
    initializing_shards: u64,
    number_of_pending_tasks: u64,
    #[serde(default)]
    number_of_in_flight_fetch: u64,
}

impl Client {
    /// Asks the node for its version, once.
    ///
    /// # Errors
    /// Fails when the node is not reached or does not answer like Elasticsearch.
    pub async fn version(&self) -> Result<Version> {
        self.version_once().await.map_err(|failure| {
            failure.explain(format!("The version of Elasticsearch at {} could not be read.", self.address()))
        })
    }

    /// Asks the node, of version 7 or later, for the id of its cluster, once.
    ///
    /// # Errors
    /// Says why it did not answer, or that it has not found its cluster yet.
    pub async fn cluster_id(&self) -> Result<String, Failure> {
        let call = Call::get(&["_cluster", "state", "version"]).query("filter_path", "cluster_uuid");
        let answer: Value = self.json_once(&call).await?;
        match answer.get("cluster_uuid").and_then(Value::as_str) {
            Some(id) if id != "_na_" => Ok(id.to_owned()),
            _ => Err(Failure::Unreadable(NO_CLUSTER_YET.to_owned())),
        }
    }

    /// Asks the node, of any version, for the directories that it keeps its data in, as they are called where it runs.
    ///
    /// # Errors
    /// Says why it did not answer within the time.
    pub async fn data_paths(&self, within: Duration) -> Result<Vec<String>, Failure> {
        let call = Call::get(&["_nodes", "_local", "stats", "fs"]).timeout(within);
        Ok(paths_of_stats(&self.json_once(&call).await?))
    }

    /// Returns a client of this same node at another address, if the node answers there within `within`. That it is
    /// this one, and not some other behind an address that means something else here, is told by the ids that a node
    /// gives itself each time it starts.
    pub async fn also_at(&self, base: &str, within: Duration) -> Option<Self> {
        let there = Self::new(base).ok()?;
        let both = async { tokio::join!(self.started_as(), there.started_as()) };
        match tokio::time::timeout(within, both).await {
            Ok((Ok(here), Ok(same))) if here == same => Some(there.with_backoff(self.backoff())),
            _ => None,
        }
    }

    /// Asks the node for its id and that of its process, which is another one after each start.
    async fn started_as(&self) -> Result<(String, String), Failure> {
        #[derive(Deserialize)]
        struct State {
            nodes: BTreeMap<String, Node>,
        }
        #[derive(Deserialize)]
        struct Node {
            ephemeral_id: String,
        }
        let call = Call::get(&["_cluster", "state", "nodes"]).query("local", "true");
        let mut nodes = self.json_once::<State>(&call).await?.nodes.into_iter();
        match (nodes.next(), nodes.next()) {
            (Some((id, node)), None) => Ok((id, node.ephemeral_id)),
            _ => Err(Failure::Unreadable("the node is not one on its own".to_owned())),
        }
    }

    /// Asks the node for its version, once, and says why it did not answer.
    ///
    /// # Errors
    /// See above.
    pub async fn version_once(&self) -> Result<Version, Failure> {
        #[derive(Deserialize)]
        struct Root {
            version: Number,
        }
        #[derive(Deserialize)]
        struct Number {
            number: String,
        }
        #[derive(Deserialize)]
        struct Nodes {
            nodes: BTreeMap<String, Node>,
        }
        #[derive(Deserialize)]
        struct Node {
            version: String,
        }
        let text = match self.json_once::<Root>(&Call::get(&[])).await {
            Ok(root) => root.version.number,
            // Stripped-down distributions have no root page, the nodes API is always there.
            Err(Failure::Refused(_) | Failure::Unreadable(_)) => {
                let call = Call::get(&["_nodes", "_local"]).query("filter_path", "nodes.*.version");
                let nodes = self.json_once::<Nodes>(&call).await?.nodes;
                nodes.into_values().next().map(|node| node.version).unwrap_or_default()
            }
            Err(failure) => return Err(failure),
        };
        Version::parse(&text).ok_or_else(|| Failure::Unreadable(format!("{text:?} is no version number")))
    }

    /// Waits until the node answers and has recovered what it can, and returns its version.
    ///
    /// `exited` ends the wait early: it resolves when the node's process or container is gone, with the error to
    /// report (its last log lines, the known cause). Pass [`std::future::pending`] when nobody watches.
    ///
    /// # Errors
    /// Fails when `within` has passed, when `exited` resolves, or on cancel.
    pub async fn wait_until_ready(
        &self,
        within: Duration,
        exited: impl Future<Output = Error>,
        cancel: &CancellationToken,
    ) -> Result<Version> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Error::cancelled()),
            error = exited => Err(error),
            ready = self.poll_until_ready(within) => ready,
        }
    }

    async fn poll_until_ready(&self, within: Duration) -> Result<Version> {
        let deadline = Instant::now() + within;
        let mut idle_since: Option<Instant> = None;
        loop {
            let failure = match self.health_once().await {
                Ok((version, health)) => {
                    let busy = health.initializing_shards + health.number_of_pending_tasks;
                    let idle = busy + health.number_of_in_flight_fetch == 0;
                    let since = *idle_since.get_or_insert_with(Instant::now);
                    if health.status != "red" || (idle && since.elapsed() >= RED_AND_IDLE) {
                        return Ok(version);
                    }
                    if !idle {
                        idle_since = None;
                    }
                    Failure::Unreadable("the node has not yet recovered its indices".to_owned())
                }
                Err(failure) => failure,
            };
            if Instant::now() >= deadline {
                let seconds = within.as_secs();
                return Err(failure
                    .explain(format!("Elasticsearch at {} was not ready after {seconds} seconds.", self.address())));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn health_once(&self) -> Result<(Version, Health), Failure> {
        let version = self.version_once().await?;
        let health = self.json_once(&Call::get(&["_cluster", "health"])).await?;
        Ok((version, health))
    }

    /// Returns the node's settings that decide what it accepts: the largest request body in bytes.
    ///
    /// # Errors
    /// Fails when the node does not answer.
    pub async fn max_request_bytes(&self) -> Result<u64> {
        let call = Call::get(&["_nodes", "_local", "http"]);
        let answer: Value = self
            .json(&call)
            .await
            .map_err(|failure| failure.explain("The settings of Elasticsearch could not be read."))?;
        let limit = answer
            .get("nodes")
            .and_then(Value::as_object)
            .and_then(|nodes| nodes.values().next())
            .and_then(|node| node.pointer("/http/max_content_length_in_bytes"))
            .and_then(Value::as_u64);
        // 100 MB is the default of every version (`http.max_content_length`).
        Ok(limit.unwrap_or(100 * 1024 * 1024))
    }
}

/// Returns the data directories in an answer of `_nodes/stats/fs`, which names `nodes/N` in each of them.
pub fn paths_of_stats(answer: &Value) -> Vec<String> {
    let nodes = answer.get("nodes").and_then(Value::as_object).into_iter().flatten();
    let data = nodes.filter_map(|(_, node)| node.pointer("/fs/data")?.as_array()).flatten();
    let paths = data.filter_map(|one| one.get("path")?.as_str());
    let root = |path: &str| {
        let (root, ordinal) = path.trim_end_matches('/').rsplit_once("/nodes/")?;
        ordinal.bytes().all(|digit| digit.is_ascii_digit()).then(|| root.to_owned())
    };
    paths.map(|path| root(path).unwrap_or_else(|| path.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wiremock::matchers::{method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    #[test]
    fn the_data_directories_are_those_that_hold_the_nodes_directory() {
        let path = |path: &str| serde_json::json!({ "path": path, "type": "ext4" });
        let data = [path("/usr/share/elasticsearch/data/nodes/0"), path("/x/nodes/here"), path("/nodes/y/nodes/12/")];
        let answer = serde_json::json!({ "nodes": { "id": { "fs": { "timestamp": 1, "data": data } } } });
        assert_eq!(paths_of_stats(&answer), ["/usr/share/elasticsearch/data", "/x/nodes/here", "/nodes/y"]);
        assert!(paths_of_stats(&Value::Null).is_empty());
    }

    #[tokio::test]
    async fn the_nodes_api_stands_in_for_a_missing_root_page() {
        let server = MockServer::start().await;
        let nodes = serde_json::json!({"nodes": {"x": {"version": "8.17.0"}}});
        Mock::given(method("GET"))
            .and(path("/_nodes/_local"))
            .respond_with(ResponseTemplate::new(200).set_body_json(nodes))
            .mount(&server)
            .await;
        let version = Client::new(&server.uri()).unwrap().version().await.unwrap();
        assert_eq!((version.major, version.text.as_str(), version.has_types()), (8, "8.17.0", false));
    }

    async fn node_that_started_as(ephemeral_id: &str) -> MockServer {
        let server = MockServer::start().await;
        let state = serde_json::json!({"nodes": {"yJ0": {"name": "clearml", "ephemeral_id": ephemeral_id}}});
        Mock::given(method("GET"))
            .and(path("/_cluster/state/nodes"))
            .respond_with(ResponseTemplate::new(200).set_body_json(state))
            .mount(&server)
            .await;
        server
    }

    #[tokio::test]
    async fn another_address_is_taken_only_if_the_same_process_answers_there() {
        let within = Duration::from_secs(20);
        let (here, same) = (node_that_started_as("a").await, node_that_started_as("a").await);
        let client = Client::new(&here.uri()).unwrap();
        let found = client.also_at(&same.uri(), within).await.unwrap();
        assert_eq!(found.address(), same.uri());
        // A node on a clone of the same data has the same name and id.
        assert!(client.also_at(&node_that_started_as("b").await.uri(), within).await.is_none());
        assert!(client.also_at(&MockServer::start().await.uri(), within).await.is_none(), "something else answers");
        assert!(client.also_at("http://127.0.0.1:9", within).await.is_none(), "nothing answers");
    }

    #[tokio::test]
    async fn an_address_that_swallows_everything_is_not_waited_for() {
        let here = node_that_started_as("a").await;
        // Connections are accepted by the system, and nobody reads.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", silent.local_addr().unwrap());
        let client = Client::new(&here.uri()).unwrap();
        assert!(client.also_at(&address, Duration::from_millis(50)).await.is_none());
    }

    #[tokio::test]
    async fn an_exited_node_ends_the_wait_with_its_own_error() {
        let client = Client::new("http://127.0.0.1:9").unwrap();
        let exited = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Error::failed("The container exited with code 78.")
        };
        let waited = client.wait_until_ready(Duration::from_secs(60), exited, &CancellationToken::new()).await;
        assert_eq!(waited.unwrap_err().message(), "The container exited with code 78.");
    }

    #[tokio::test]
    async fn a_node_that_never_answers_is_given_up_at_the_deadline() {
        let client = Client::new("http://127.0.0.1:9").unwrap();
        let waited =
            client.wait_until_ready(Duration::from_millis(10), std::future::pending(), &CancellationToken::new()).await;
        assert!(waited.unwrap_err().message().contains("was not ready after"));
    }
}
