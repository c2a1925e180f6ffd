//! How many documents MongoDB's collections have, by its own client in its container.
//!
//! Counted as soon as the new server is found to work: what it changed in the schema is in these numbers, and next to
//! nothing of what people do with it. Before it asks, `rollback` counts again.

use super::Run;
use super::containers::container_of;
use crate::error::{Error, Result};
use crate::journal::{State, Status};
use crate::plan::{Action, Plan};
use crate::platform::Platform;
use crate::role::Role;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Longer than that, nobody waits for numbers.
pub(super) const LIMIT: Duration = Duration::from_secs(30);
/// The note of the health check.
const NOTE: &str = "documents in MongoDB";

/// All databases but MongoDB's own. `count()` without a condition reads no documents.
const SCRIPT: &str = r#"JSON.stringify(db.adminCommand({listDatabases:1}).databases.map(function(d){return d.name}).filter(function(n){return ["admin","config","local"].indexOf(n)<0}).reduce(function(all,n){db.getSiblingDB(n).getCollectionNames().forEach(function(c){all[n+"."+c]=Number(db.getSiblingDB(n).getCollection(c).count())});return all},{}))"#;

/// Documents by `<database>.<collection>`, at some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counted {
    /// When.
    pub at: Timestamp,
    /// How many.
    pub documents: BTreeMap<String, u64>,
}

/// Counts in a running container.
///
/// # Errors
/// Fails when MongoDB does not answer, or not with numbers.
pub(super) async fn count(platform: &dyn Platform, container: &str) -> Result<BTreeMap<String, u64>> {
    let command = ["mongo", "--quiet", "--eval", SCRIPT].map(str::to_owned);
    let asked = tokio::time::timeout(LIMIT, platform.exec(container, &command)).await;
    let output = asked.map_err(|_| Error::failed("MongoDB took too long to count its documents."))??;
    // Versions differ in whether they write numbers as whole ones.
    let read = |line: &str| serde_json::from_str::<BTreeMap<String, f64>>(line.trim()).ok();
    let Some(found) = output.stdout.lines().rev().find_map(read) else {
        let said = format!("{}{}", output.stdout.trim(), output.stderr.trim());
        return Err(Error::failed("The documents in MongoDB could not be counted.").because(anyhow::Error::msg(said)));
    };
    Ok(found.into_iter().map(|(name, number)| (name, number.max(0.0) as u64)).collect())
}

/// Notes what the new server begins with, once for each start of it. Nothing depends on that but what `rollback` says.
pub(super) async fn note(run: &Run) {
    let Some(id) = run.plan.id_of(Action::CheckHealth) else { return };
    let is_due = {
        let journal = run.journal();
        let step = journal.state().step(id);
        step.status == Status::Running && !step.notes.contains_key(NOTE)
    };
    if !is_due {
        return;
    }
    let counted = async {
        let container = container_of(run, Role::Mongo).await?;
        let documents = count(&*run.platform, &container.id).await?;
        run.note(id, NOTE, &Counted { at: Timestamp::now(), documents })
    };
    if let Err(error) = counted.await {
        run.events.detail(format!("a rollback will not tell what was recorded in MongoDB: {error}"));
    }
}

/// Returns what was noted; nothing where that could not be, and in journals of earlier versions.
///
/// # Errors
/// Fails where the note cannot be understood.
pub(super) fn noted(plan: &Plan, state: &State) -> Result<Option<Counted>> {
    plan.id_of(Action::CheckHealth).map_or(Ok(None), |id| state.noted(id, NOTE))
}
