//! Values that the old Elasticsearch took and the new one does not: a number that no float holds, a date as only Joda-Time
//! reads it, `"yes"` in a field of true and false, a word of 40,000 characters, an object in place of a value.
//!
//! Every document is looked at before it is copied, against the mapping that the target will have. Where a value would be
//! refused, the mapping of that field in that index is changed so that it is not: the document is copied whole, and only
//! the value is not found by searches. Never in a template, never for a whole index: mistakes of the new server stay loud.
//!
//! Memory: some hundred bytes for each field and thread.

mod date;
mod json;
mod mend;
mod number;
mod scan;
mod schema;

pub(super) use mend::is_applied;

use super::client::{Call, Client};
use super::index_plan::IndexPlan;
use super::left_out::leaves_out;
use super::mapping::refused_names;
use super::node::Version;
use super::source::Source;
use crate::error::{Error, Result};
use crate::events::Events;
use crate::transfer::{Accepted, DocumentRef, Reject, RejectLog, Task, scan};
use mend::Decision;
use scan::Scan;
use schema::Schema;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The lowest priority that a thread can ask for (`nice`).
const GENTLE: i32 = 19;

/// How to look at documents.
#[derive(Clone)]
pub struct Look<'a> {
    /// The version of the target.
    pub target: &'a Version,
    /// Documents that are left out do not count.
    pub accepted: Arc<Accepted>,
    /// Where documents are written that the target takes under no mapping, if anywhere.
    pub rejects: Option<Arc<RejectLog>>,
    /// With the lowest priority: a node is at work beside it. The disk's is that of the processor then (ioprio_set(2)).
    pub gently: bool,
    /// Told how far it is.
    pub events: &'a Events,
    /// The wish to stop.
    pub cancel: &'a CancellationToken,
}

/// An index of which every document was looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// Its plan, with a mapping that takes them.
    pub plan: IndexPlan,
    /// How many documents there are.
    pub documents: u64,
    /// Documents that the target takes under no mapping.
    pub refused: Vec<RefusedField>,
}

/// A field that a node keeps for itself, at the top of documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedField {
    /// Its name.
    pub field: String,
    /// Documents that have it.
    pub documents: u64,
}

/// What one thread has seen.
struct Part {
    scan: Scan,
    documents: u64,
    failed: Option<Error>,
}

/// Looks at all documents of an index.
///
/// # Errors
/// As reading them; when the file of refused documents cannot be written; and on cancel.
pub async fn look_at(source: &Source, plan: &IndexPlan, look: &Look<'_>) -> Result<Looked> {
    let reserved = refused_names(look.target);
    let schema = Arc::new(Schema::new(&plan.mapping, &plan.settings, look.target, &reserved));
    let start = {
        let (schema, gently) = (Arc::clone(&schema), look.gently);
        move || {
            if gently {
                // Each thread has its own priority. One that stays as it was does no harm.
                let _ = rustix::process::nice(GENTLE);
            }
            Part { scan: Scan::new(Arc::clone(&schema)), documents: 0, failed: None }
        }
    };
    let each = {
        let (schema, accepted, rejects) = (Arc::clone(&schema), Arc::clone(&look.accepted), look.rejects.clone());
        let (index, target) = (plan.index.clone(), look.target.clone());
        move |part: &mut Part, document: &DocumentRef<'_>| {
            let counted = !leaves_out(&accepted, &index, document);
            part.documents += u64::from(counted);
            let refused = part.scan.document(document.source, counted).filter(|_| counted);
            if let (Some(field), Some(rejects), None) = (refused, &rejects, &part.failed) {
                let name = schema.fields.get(field).map(|field| field.name.as_str()).unwrap_or_default();
                let reason = format!("Elasticsearch {target} keeps the field {name} for itself");
                part.failed = rejects.append(&Reject::new(&index, document, &reason)).err();
            }
        }
    };
    let task = Task::new(
        format!("values {}", plan.index),
        Some(plan.documents).filter(|documents| *documents > 0),
        look.events,
        look.cancel,
    );
    let mut all = Scan::new(Arc::clone(&schema));
    let mut documents = 0;
    for part in scan(source, plan, task, start, each).await? {
        if let Some(error) = part.failed {
            return Err(error);
        }
        all.merge(&part.scan);
        documents += part.documents;
    }
    if let Some(rejects) = &look.rejects {
        rejects.sync()?;
    }
    let Decision { mends, refused } = mend::decide(&schema, &all);
    let mut plan = plan.clone();
    for (keys, mend) in mends {
        mend::apply(&mut plan.mapping, &keys, mend.how);
        plan.unindexed.push(mend);
    }
    let refused = refused.into_iter().map(|(field, documents)| RefusedField { field, documents }).collect();
    Ok(Looked { plan, documents, refused })
}

/// Fails when the target takes documents under no mapping, with the way out. All are in `rejects`.
///
/// # Errors
/// See above.
pub fn require_none_refused(looked: &[Looked], target: &Version, rejects: &RejectLog) -> Result<()> {
    let refused = looked.iter().flat_map(|one| one.refused.iter().map(|field| (&one.plan.index, field)));
    let refused: Vec<_> = refused.filter(|(_, field)| field.documents > 0).collect();
    if refused.is_empty() {
        return Ok(());
    }
    let told =
        refused.iter().map(|(index, RefusedField { field, documents })| format!("{index}, {field}: {documents}"));
    let told: Vec<String> = told.collect();
    let file = rejects.path().display();
    Err(Error::refused(format!("Documents have fields that Elasticsearch {target} keeps for itself; it refuses them."))
        .because(anyhow::Error::msg(told.join("\n")))
        .hint(format!("Each is in {file}, whole. Nothing has been copied yet, and the old data are as they were."))
        .hint(format!("If you can do without them, run the same command again with --accept-rejects {file}")))
}

/// Looks at all documents of several indices, one index after the other.
///
/// # Errors
/// As [`look_at`].
pub async fn look_at_all(source: &Source, plans: &[IndexPlan], look: &Look<'_>) -> Result<Vec<Looked>> {
    let mut looked = Vec::with_capacity(plans.len());
    for plan in plans {
        looked.push(look_at(source, plan, look).await?);
    }
    Ok(looked)
}

/// Counts the documents of a target index whose value of a field was ignored.
///
/// # Errors
/// Fails when the node does not answer.
pub async fn count_ignored(target: &Client, index: &str, field: &str) -> Result<u64> {
    #[derive(Deserialize)]
    struct Count {
        count: u64,
    }
    let call = Call::ask(&[index, "_count"], &json!({"query": {"term": {"_ignored": field}}}));
    let counted: Count = target.json(&call).await.map_err(|failure| {
        failure.explain(format!("The documents of the index {index} without {field} could not be counted."))
    })?;
    Ok(counted.count)
}

#[cfg(test)]
mod tests;
