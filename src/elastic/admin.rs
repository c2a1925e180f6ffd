//! Making and finishing target indices.

use super::client::{Call, Client, LONG};
use super::failure::Failure;
use super::index_plan::IndexPlan;
use super::whole_index::{flush, refresh};
use crate::error::{Error, Result};
use crate::json::Named;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

/// Deletes an index of the target, such as a half-made one of an earlier try. None is fine.
///
/// # Errors
/// Fails when the node refuses.
pub async fn delete_index(target: &Client, index: &str) -> Result<()> {
    let call = Call::change(Method::DELETE, &[index], "elastic.delete_index").timeout(LONG);
    match target.done(&call).await {
        Err(failure) if failure.status() != Some(404) => {
            Err(failure.explain(format!("The half-made index {index} could not be deleted.")))
        }
        _ => Ok(()),
    }
}

/// Creates the target index of a plan, ready to be loaded.
///
/// # Errors
/// Fails when the node refuses, or when the new shard does not start.
pub(super) async fn create_index(target: &Client, plan: &IndexPlan) -> Result<()> {
    #[derive(Deserialize)]
    struct Created {
        shards_acknowledged: bool,
    }
    let message = || format!("The index {} could not be created.", plan.index);
    let call = Call::change(Method::PUT, &[&plan.index], "elastic.create_index").json(&plan.creation()).timeout(LONG);
    let created: Created = match target.json(&call).await {
        // The index was deleted before: this is our own creation, whose answer was lost.
        Err(Failure::Refused(refusal)) if refusal.kind == "resource_already_exists_exception" => return Ok(()),
        answer => answer.map_err(|failure| failure.explain(message()))?,
    };
    if created.shards_acknowledged {
        return Ok(());
    }
    Err(Error::failed(message())
        .because(anyhow::Error::msg("its shard did not start in time"))
        .hint("The node's log says why; most often the disk is nearly full."))
}

/// Returns the id of a target index, which no other index of its name will ever have; nothing if there is none.
///
/// # Errors
/// Fails when the node does not answer.
pub(super) async fn index_id(target: &Client, index: &str) -> Result<Option<String>> {
    let answer: Value = match target.json(&Call::get(&[index, "_settings"])).await {
        Err(failure) if failure.status() == Some(404) => return Ok(None),
        answer => answer.map_err(|failure| failure.explain(format!("The index {index} could not be looked at.")))?,
    };
    let id = answer.get(index).and_then(|index| index.pointer("/settings/index/uuid")).and_then(Value::as_str);
    Ok(id.map(str::to_owned))
}

/// Makes an index ready to be loaded once more.
///
/// # Errors
/// Fails when the node refuses.
pub(super) async fn prepare_load(target: &Client, plan: &IndexPlan) -> Result<()> {
    put_settings(target, &plan.index, &plan.during_load()).await
}

async fn put_settings(target: &Client, index: &str, settings: &Value) -> Result<()> {
    let call = Call::change(Method::PUT, &[index, "_settings"], "elastic.put_settings").json(settings);
    let set = target.done(&call).await;
    set.map_err(|failure| failure.explain(format!("The settings of the index {index} could not be set.")))
}

/// Which of the two comes first that finish an index: either writes what is in memory, and leaves little to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    Visible,
    Durable,
}

/// Makes everything written visible and durable and takes back the settings of the load.
///
/// # Errors
/// Fails when the node refuses, or does it for a part only.
pub(super) async fn finish_index(target: &Client, plan: &IndexPlan, first: First) -> Result<()> {
    put_settings(target, &plan.index, &plan.after_load()).await?;
    match first {
        First::Visible => {
            refresh(target, &plan.index).await?;
            flush(target, &plan.index).await
        }
        First::Durable => {
            flush(target, &plan.index).await?;
            refresh(target, &plan.index).await
        }
    }
}

/// Returns the mapping of a target index, without types.
///
/// # Errors
/// Fails when the node does not answer.
pub(super) async fn read_mapping(target: &Client, index: &str) -> Result<Value> {
    let call = Call::get(&[index, "_mapping"]);
    let Named(answer) = target
        .json(&call)
        .await
        .map_err(|failure| failure.explain(format!("The mapping of the index {index} could not be read.")))?;
    Ok(answer.get(index).and_then(|index| index.get("mappings")).cloned().unwrap_or_else(|| json!({})))
}
