//! What a source node holds: its indices, which of them are the server's, and whether all their shards are there.

use super::answers::Shards;
use super::client::{Call, Client, LONG};
use super::failure::Failure;
use super::whole_index::refresh;
use crate::error::{Error, Result};
use crate::json::Named;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An index of the source node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceIndex {
    /// Its name.
    pub name: String,
    /// Documents, nested ones not counted.
    pub documents: u64,
    /// Bytes on disk of its primary shards.
    pub bytes: u64,
    /// Number of shards.
    pub shards: u32,
    /// `{TYPE: {"properties": …}}`.
    pub mappings: Value,
    /// The `index` settings: `{"number_of_shards": "1", …}`.
    pub settings: Value,
    /// `{ALIAS: {…}}`.
    pub aliases: Value,
    /// Whether the index is closed in the data that the node reads a clone of.
    pub closed: bool,
}

/// An index as the list of names has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Listed {
    /// Its name.
    #[serde(rename = "index")]
    pub name: String,
    /// `open` or `close`.
    pub status: String,
    /// `green`, `yellow` or `red`; none for a closed index.
    #[serde(default)]
    pub health: Option<String>,
    #[serde(rename = "pri.store.size", default)]
    bytes: Option<String>,
    /// Whether it was closed before we opened it to read it.
    #[serde(skip)]
    pub was_closed: bool,
}

impl Listed {
    /// Returns whether the index is closed: it must be opened (on a clone of the data) to be read.
    pub fn is_closed(&self) -> bool {
        self.status == "close"
    }

    /// Returns whether the index belongs to the server.
    pub fn is_ours(&self) -> bool {
        is_ours(&self.name)
    }
}

/// Returns whether an index of this name belongs to the server. The rest, such as `.monitoring-*`, is left alone.
pub fn is_ours(name: &str) -> bool {
    ["events-", "queue_metrics_", "worker_stats_"].iter().any(|prefix| name.starts_with(prefix))
}

/// Lists the indices of a node by name, open and closed.
///
/// # Errors
/// Fails when the node does not answer.
pub async fn list(client: &Client) -> Result<Vec<Listed>> {
    let call = Call::get(&["_cat", "indices"])
        .query("format", "json")
        .query("bytes", "b")
        .query("h", "index,status,health,pri.store.size");
    let mut listed: Vec<Listed> = client
        .json(&call)
        .await
        .map_err(|failure| failure.explain("The indices of Elasticsearch could not be listed."))?;
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(listed)
}

/// Refuses indices whose primary shards are not all there.
///
/// # Errors
/// Names every such index with its shards and the reason that the node gives.
pub async fn require_all_shards(client: &Client, indices: &[Listed]) -> Result<()> {
    #[derive(Deserialize)]
    struct Shard {
        index: String,
        shard: String,
        prirep: String,
        state: String,
        #[serde(rename = "unassigned.reason", default)]
        reason: Option<String>,
    }
    let call =
        Call::get(&["_cat", "shards"]).query("format", "json").query("h", "index,shard,prirep,state,unassigned.reason");
    let shards: Vec<Shard> = client
        .json(&call)
        .await
        .map_err(|failure| failure.explain("The shards of Elasticsearch could not be listed."))?;
    let mut missing: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for listed in indices.iter().filter(|listed| listed.health.as_deref() == Some("red")) {
        missing.entry(&listed.name).or_default();
    }
    for shard in shards.iter().filter(|shard| shard.prirep == "p" && shard.state != "STARTED") {
        if indices.iter().any(|listed| listed.name == shard.index) {
            let reason = shard.reason.as_deref().unwrap_or(&shard.state);
            missing.entry(&shard.index).or_default().push(format!("shard {} ({reason})", shard.shard));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = missing
        .iter()
        .map(
            |(index, shards)| {
                if shards.is_empty() { (*index).to_owned() } else { format!("{index}: {}", shards.join(", ")) }
            },
        )
        .collect();
    Err(Error::refused(format!("Elasticsearch cannot read a part of its data: {}.", list.join("; "))).hint(
        "The old server cannot show these data either. The node's log says why the shard does not open; restore it \
         from a backup, or delete the index in the old server if it can be missed.",
    ))
}

/// Opens a closed index; one that is open stays so. In the source only on a clone of the data.
///
/// # Errors
/// Fails when the node refuses.
pub async fn open(client: &Client, index: &str) -> Result<()> {
    let explain = |failure: Failure| failure.explain(format!("The closed index {index} could not be opened."));
    let call = Call::change(Method::POST, &[index, "_open"], "elastic.open_index");
    client.done(&call).await.map_err(explain)?;
    let health = Call::get(&["_cluster", "health", index]).query("wait_for_status", "yellow");
    client.done(&health.query("timeout", "10m").timeout(LONG)).await.map_err(explain)
}

/// Closes an index: its documents stay on disk, and no search sees them until it is opened.
///
/// # Errors
/// Fails when the node refuses.
pub async fn close(client: &Client, index: &str) -> Result<()> {
    let call = Call::change(Method::POST, &[index, "_close"], "elastic.close_index").timeout(LONG);
    client.done(&call).await.map_err(|failure| failure.explain(format!("The index {index} could not be closed.")))
}

/// Reads all that must be known about an open index to copy it. Makes its latest documents visible first.
///
/// # Errors
/// Fails when the node does not answer, or answers for a part of the shards only.
pub async fn describe(client: &Client, listed: &Listed) -> Result<SourceIndex> {
    let name = &listed.name;
    let explain = |failure: Failure| failure.explain(format!("The index {name} could not be read."));
    // Counts and scrolls see only what has been refreshed.
    refresh(client, name).await?;
    let Named(answer) = client.json(&Call::get(&[name])).await.map_err(explain)?;
    let part = |part: &str| answer.get(name).and_then(|index| index.get(part)).cloned();
    let (Some(mappings), Some(settings)) = (part("mappings"), part("settings")) else {
        return Err(explain(Failure::Unreadable("mappings or settings are missing in the answer".to_owned())));
    };
    let settings = settings.get("index").cloned().unwrap_or(Value::Null);
    let shards = settings.get("number_of_shards").and_then(Value::as_str).and_then(|shards| shards.parse().ok());
    let shards = shards.ok_or_else(|| explain(Failure::Unreadable("the number of shards is missing".to_owned())))?;
    Ok(SourceIndex {
        name: name.clone(),
        documents: count(client, name).await?,
        bytes: listed.bytes.as_deref().and_then(|bytes| bytes.parse().ok()).unwrap_or(0),
        shards,
        mappings,
        settings,
        aliases: part("aliases").unwrap_or_else(|| json!({})),
        closed: listed.was_closed,
    })
}

/// Counts the documents of an index, nested ones not counted.
///
/// # Errors
/// Fails when the node or one of the shards does not answer.
pub async fn count(client: &Client, index: &str) -> Result<u64> {
    #[derive(Deserialize)]
    struct Count {
        count: u64,
        #[serde(rename = "_shards")]
        shards: Shards,
    }
    let explain =
        |failure: Failure| failure.explain(format!("The documents of the index {index} could not be counted."));
    let call = Call::ask(&[index, "_count"], &json!({"query": {"match_all": {}}}));
    let counted: Count = client.json(&call).await.map_err(explain)?;
    counted.shards.check().map_err(explain)?;
    Ok(counted.count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wiremock::matchers::path;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    #[test]
    fn the_server_s_indices_are_known_by_their_names() {
        for ours in ["events-log-d1bd", "events-", "queue_metrics_d1bd_2020-05", "worker_stats_d1bd_2020-05"] {
            assert!(is_ours(ours), "{ours}");
        }
        for foreign in [".monitoring-es-6-2020.05.04", "events", ".kibana", "my-events-log"] {
            assert!(!is_ours(foreign), "{foreign}");
        }
    }

    #[tokio::test]
    async fn a_missing_shard_is_named_with_its_index_and_reason() {
        let server = MockServer::start().await;
        let shards = json!([
            {"index": "events-a", "shard": "0", "prirep": "p", "state": "STARTED"},
            {"index": "events-a", "shard": "3", "prirep": "p", "state": "UNASSIGNED", "unassigned.reason": "ALLOCATION_FAILED"},
            {"index": "events-a", "shard": "0", "prirep": "r", "state": "UNASSIGNED", "unassigned.reason": "REPLICA_ADDED"}
        ]);
        let answer = ResponseTemplate::new(200).set_body_json(shards);
        Mock::given(path("/_cat/shards")).respond_with(answer).mount(&server).await;
        let listed: Listed =
            serde_json::from_value(json!({"index": "events-a", "status": "open", "health": "red"})).unwrap();
        let client = Client::new(&server.uri()).unwrap();
        let error = require_all_shards(&client, &[listed]).await.unwrap_err();
        assert_eq!(
            error.message(),
            "Elasticsearch cannot read a part of its data: events-a: shard 3 (ALLOCATION_FAILED)."
        );
    }
}
