//! Which indices of a node that others use, too, are ours: while they are made, they bear an alias that names us. It is
//! there from the very moment in which the index is. So is a setting that keeps out what others write meanwhile: an
//! index that is not finished may be deleted and made anew, and nothing of theirs may go with it.
//!
//! That setting names a pipeline that does not exist (`index.default_pipeline`, since 6.5): each document that is written
//! without saying otherwise is refused. Our own requests say otherwise.

use super::client::{Call, Client};
use super::index_plan::IndexPlan;
use crate::error::{Error, Result};
use reqwest::Method;
use serde_json::{Map, Value, json};

/// The pipeline that does not exist; its name is what others read in the refusal.
const CLOSED_TO_OTHERS: &str = "clearml-migrate-is-still-importing-this-index";

/// An alias that only indices have which are not finished, and which whoever has the mark may delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark(String);

/// What has a name in a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occupant {
    /// Nobody.
    Nobody,
    /// An index.
    Index {
        /// The id that the node gave it; no other index will ever have it.
        id: String,
        /// Whether it bears the mark.
        marked: bool,
    },
    /// An alias or a data stream.
    Other,
}

impl Mark {
    /// Returns the mark that is an alias of this name.
    pub fn new(alias: impl Into<String>) -> Self {
        Self(alias.into())
    }

    /// Finds out what has a name.
    ///
    /// # Errors
    /// Fails when the node does not answer.
    pub async fn look_up(&self, node: &Client, name: &str) -> Result<Occupant> {
        let call = Call::get(&[name]).query("filter_path", "*.aliases,*.settings.index.uuid");
        let answer: Value = match node.json(&call).await {
            Err(failure) if failure.status() == Some(404) => return Ok(Occupant::Nobody),
            answer => answer.map_err(|failure| failure.explain(format!("{name} could not be looked for.")))?,
        };
        // An alias is answered with the indices behind it, by their own names.
        let Some(index) = answer.get(name) else { return Ok(Occupant::Other) };
        let id = index.pointer("/settings/index/uuid").and_then(Value::as_str).unwrap_or_default().to_owned();
        let marked = index.get("aliases").is_some_and(|aliases| aliases.get(&self.0).is_some());
        Ok(Occupant::Index { id, marked })
    }

    /// Returns the plan of an index that bears the mark.
    pub(super) fn on(&self, plan: &IndexPlan) -> IndexPlan {
        let mut aliases: Map<String, Value> = plan.aliases.as_object().cloned().unwrap_or_default();
        aliases.insert(self.0.clone(), json!({}));
        let mut settings: Map<String, Value> = plan.settings.as_object().cloned().unwrap_or_default();
        settings.insert("default_pipeline".to_owned(), json!(CLOSED_TO_OTHERS));
        IndexPlan { aliases: Value::Object(aliases), settings: Value::Object(settings), ..plan.clone() }
    }

    /// Makes sure that nobody else has made something of this name, and returns whether we have.
    ///
    /// # Errors
    /// Refuses whatever is there without the mark. Fails when the node does not answer.
    pub(super) async fn require_no_other(&self, node: &Client, name: &str) -> Result<bool> {
        match self.look_up(node, name).await? {
            Occupant::Nobody => Ok(false),
            Occupant::Index { marked: true, .. } => Ok(true),
            Occupant::Index { .. } | Occupant::Other => {
                Err(Error::refused(format!("Something else has made {name} in {} just now.", node.address()))
                    .hint("Stop what writes there, look at what it has made, then run the same command again."))
            }
        }
    }

    /// Opens an index to others and takes the mark off: it is finished. Off already is fine.
    ///
    /// # Errors
    /// Fails when the node refuses.
    pub async fn remove(&self, node: &Client, index: &str) -> Result<()> {
        let open = json!({"index": {"default_pipeline": null}});
        let call = Call::change(Method::PUT, &[index, "_settings"], "elastic.open_to_others").json(&open);
        let opened = node.done(&call).await;
        opened.map_err(|failure| failure.explain(format!("The index {index} could not be opened to others.")))?;
        let action = json!({"actions": [{"remove": {"index": index, "alias": self.0}}]});
        let call = Call::change(Method::POST, &["_aliases"], "elastic.remove_mark").json(&action);
        match node.done(&call).await {
            Err(failure) if failure.status() != Some(404) => {
                Err(failure.explain(format!("The alias {} could not be taken off the index {index}.", self.0)))
            }
            _ => Ok(()),
        }
    }
}
