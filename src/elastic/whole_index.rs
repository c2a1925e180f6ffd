//! What is done with all of an index: every shard must take part.

use super::client::{Call, Client, LONG};
use super::failure::Failure;
use crate::error::Result;
use reqwest::Method;
use serde_json::Value;

/// Makes all documents of an index visible to searches.
///
/// # Errors
/// Fails when the node refuses.
pub async fn refresh(target: &Client, index: &str) -> Result<()> {
    whole_index(target, index, "_refresh", "elastic.refresh").await
}

/// Makes all documents of an index durable: a Lucene commit, fsynced.
///
/// # Errors
/// Fails when the node refuses.
pub async fn flush(target: &Client, index: &str) -> Result<()> {
    whole_index(target, index, "_flush", "elastic.flush").await
}

async fn whole_index(target: &Client, index: &str, operation: &str, seam: &'static str) -> Result<()> {
    let explain = |failure: Failure| failure.explain(format!("The index {index} did not finish {operation}."));
    let mut call = Call::change(Method::POST, &[index, operation], seam).timeout(LONG);
    if operation == "_flush" {
        call = call.query("wait_if_ongoing", "true").query("force", "true");
    }
    let answer: Value = target.json(&call).await.map_err(explain)?;
    match answer.pointer("/_shards/failed").and_then(Value::as_u64) {
        Some(0) => Ok(()),
        _ => Err(explain(Failure::Unreadable(format!("not all shards took part: {answer}")))),
    }
}
