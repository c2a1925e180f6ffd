//! A few tasks of an index with their exact numbers of documents, to ask the new server for later.

use super::client::{Call, Client};
use crate::error::Result;
use serde::Deserialize;
use serde_json::json;

/// Returns up to `wanted` tasks of an index with their numbers of documents: half of them the busiest, half of them by
/// name, so that small ones are among them.
///
/// # Errors
/// Fails when the node does not answer.
pub async fn sample_tasks(client: &Client, index: &str, wanted: usize) -> Result<Vec<(String, u64)>> {
    #[derive(Deserialize)]
    struct Answer {
        aggregations: Option<Aggregations>,
    }
    #[derive(Deserialize)]
    struct Aggregations {
        busiest: Terms,
        by_name: Terms,
    }
    #[derive(Deserialize)]
    struct Terms {
        buckets: Vec<Bucket>,
    }
    #[derive(Deserialize)]
    struct Bucket {
        key: String,
        doc_count: u64,
    }
    let half = wanted.div_ceil(2);
    // Sorting by name is exact on any number of shards; `_term` is its name before Elasticsearch 6, and still understood
    // by 7. With more shards than one, the busiest may be counted low, so each is counted again below.
    let body = json!({"size": 0, "aggs": {
        "busiest": {"terms": {"field": "task", "size": half}},
        "by_name": {"terms": {"field": "task", "size": half, "order": {"_term": "asc"}}}
    }});
    let answer: Answer = client
        .json(&Call::ask(&[index, "_search"], &body))
        .await
        .map_err(|failure| failure.explain(format!("The tasks of the index {index} could not be listed.")))?;
    let Some(found) = answer.aggregations else { return Ok(Vec::new()) };
    let mut tasks: Vec<(String, u64)> = Vec::new();
    for Bucket { key, doc_count } in found.busiest.buckets.into_iter().chain(found.by_name.buckets) {
        if !tasks.iter().any(|(task, _)| *task == key) {
            tasks.push((key, doc_count));
        }
    }
    for (task, events) in &mut tasks {
        *events = count_of_task(client, index, task).await?;
    }
    Ok(tasks)
}

async fn count_of_task(client: &Client, index: &str, task: &str) -> Result<u64> {
    #[derive(Deserialize)]
    struct Count {
        count: u64,
    }
    let call = Call::ask(&[index, "_count"], &json!({"query": {"term": {"task": task}}}));
    let counted: Count = client
        .json(&call)
        .await
        .map_err(|failure| failure.explain(format!("The events of the task {task} could not be counted.")))?;
    Ok(counted.count)
}
