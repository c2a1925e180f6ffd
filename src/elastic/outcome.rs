//! What came of copying an index, and the copy of several indices side by side.

use super::account::Account;
use super::copy::{Copier, Partial, Reports, joined};
use super::digest::Digest;
use super::index_plan::IndexPlan;
use super::sample::TaskSample;
use crate::error::{Error, Result};
use crate::failpoints;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

/// A copied index. Worth keeping: with the digest it can be verified at any later time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyOutcome {
    /// The index.
    pub index: String,
    /// Documents that there are by the numbers of the source itself; nothing in what earlier versions have kept.
    #[serde(default)]
    pub there: Option<u64>,
    /// Documents read from the source.
    pub read: u64,
    /// Documents that the target holds now.
    pub written: u64,
    /// Source bytes read.
    pub bytes: u64,
    /// Documents left out because the user accepted it.
    pub left_out: u64,
    /// Documents whose routing is not their task, and was kept.
    pub routing_kept: u64,
    /// Documents that were not sent as JSON and became JSON.
    #[serde(default)]
    pub converted: u64,
    /// Documents that were written under another `_id` than their own, as that is another document's, too.
    #[serde(default)]
    pub renamed: u64,
    /// Documents in which a key occurred twice: the last value was written, as the target takes no other.
    #[serde(default)]
    pub repaired: u64,
    /// Documents that the target refused.
    pub rejects: u64,
    /// Documents whose `_id` was already taken by another one.
    pub collisions: u64,
    /// The first of the refused documents and collisions.
    pub named: Vec<Rejected>,
    /// Some tasks and how many of the documents read are theirs; only of indices of events.
    #[serde(default)]
    pub samples: TaskSample,
    /// Fingerprint of what was written.
    pub digest: Digest,
}

/// A refused document, as messages name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The `_id`.
    pub id: String,
    /// The mapping type in the source.
    pub kind: Option<String>,
    /// Why.
    pub reason: String,
}

/// What to do about documents of one `_id` that a node has given out: it tells of them when it is too late to keep them.
const KEEP_COLLISIONS: &str = "To keep documents that share their _id, take the migration back (rollback), and begin it again without --reader and with --on-id-collision prefix-type";

impl CopyOutcome {
    /// How many refused documents are named one by one.
    pub const NAMED: usize = 20;

    /// Returns the account of the index, of which so many documents were found afterwards, if that is known yet.
    pub fn account(&self, found: Option<u64>) -> Account<'_> {
        Account {
            index: &self.index,
            there: self.there,
            read: self.read,
            left_out: self.left_out + self.rejects + self.collisions,
            written: self.written,
            found,
        }
    }

    /// Returns whether every document is in the target that is not accepted to be left out.
    pub fn is_complete(&self) -> bool {
        self.rejects == 0 && self.collisions == 0
    }
}

/// Fails when documents were refused, naming the first of them and the file that holds all.
///
/// # Errors
/// See above.
pub fn require_complete(outcomes: &[CopyOutcome], rejects_file: &Path) -> Result<()> {
    let refused: u64 = outcomes.iter().map(|outcome| outcome.rejects + outcome.collisions).sum();
    if refused == 0 {
        return Ok(());
    }
    let named: Vec<String> = outcomes
        .iter()
        .flat_map(|outcome| outcome.named.iter().map(|rejected| (&outcome.index, rejected)))
        .take(CopyOutcome::NAMED)
        .map(|(index, rejected)| format!("{index}, {}: {}", rejected.id, rejected.reason))
        .collect();
    let file = rejects_file.display();
    let collisions = outcomes.iter().any(|outcome| outcome.collisions > 0);
    let documents = if refused == 1 { "1 document".to_owned() } else { format!("{refused} documents") };
    let error = Error::failed(format!("The new Elasticsearch refused {documents}."))
        .because(anyhow::Error::msg(named.join("\n")))
        .hint(format!("Each is in {file}, whole, with the reason. Nothing has been changed in the old data."))
        .hint(format!("If you can do without them, run the same command again with --accept-rejects {file}"));
    Err(if collisions { error.hint(KEEP_COLLISIONS) } else { error })
}

/// Hears of what is flushed and durable, never to be copied again. Called from one task.
pub trait Checkpoints: Send + Sync {
    /// Keeps the outcome of an index that is finished. Called once for each.
    ///
    /// # Errors
    /// An error ends the copy.
    fn finished(&self, outcome: &CopyOutcome) -> Result<()>;

    /// Keeps how far an index has come, in place of what was kept of it before.
    ///
    /// # Errors
    /// An error ends the copy.
    fn partly(&self, _partial: &Partial) -> Result<()> {
        Ok(())
    }

    /// Returns how far an earlier run has come with an index.
    ///
    /// # Errors
    /// An error ends the copy.
    fn earlier(&self, _index: &str) -> Result<Option<Partial>> {
        Ok(None)
    }
}

/// Indices that are made durable and visible while others are filled. A node with few processors does one after the
/// other.
const FINISHING: usize = 8;

impl Copier {
    /// Copies several indices side by side, the largest first, so that none is left alone at the end.
    ///
    /// `plans` are those still to be done: what an earlier run reported to its checkpoints is not among them.
    /// Returns the outcomes of these plans in the order in which they were finished.
    ///
    /// # Errors
    /// Fails with the first index that fails; the others are stopped, and made anew by the next run.
    pub async fn copy_all(&self, plans: Vec<IndexPlan>, checkpoints: &dyn Checkpoints) -> Result<Vec<CopyOutcome>> {
        let mut waiting = plans;
        // Taken from the end.
        waiting.sort_by(|a, b| (a.bytes, a.documents, &a.index).cmp(&(b.bytes, b.documents, &b.index)));
        let mut running = JoinSet::new();
        let mut outcomes = Vec::with_capacity(waiting.len());
        let (keeper, mut partials) = mpsc::unbounded_channel();
        let at_once = self.options.indices_at_once.max(1);
        let seats = Arc::new(Semaphore::new(at_once));
        loop {
            while running.len() < at_once + FINISHING
                && !waiting.is_empty()
                && let Ok(seat) = Arc::clone(&seats).try_acquire_owned()
                && let Some(plan) = waiting.pop()
            {
                let (copier, reports) = (self.clone(), Reports::to(keeper.clone()));
                let earlier = match checkpoints.earlier(&plan.index) {
                    Ok(earlier) => earlier,
                    Err(error) => {
                        running.shutdown().await;
                        return Err(error);
                    }
                };
                running.spawn(async move { copier.copy_from(&plan, earlier, &reports, Some(seat)).await });
            }
            let kept = tokio::select! {
                // First, so that the end of an index is never overwritten by how far it had come.
                biased;
                Some(partial) = partials.recv() => keep(checkpoints, &partial),
                finished = running.join_next() => match finished {
                    None => return Ok(outcomes),
                    Some(finished) => joined(finished).and_then(|outcome| {
                        checkpoints.finished(&outcome)?;
                        outcomes.push(outcome);
                        Ok(())
                    }),
                },
                Ok(_) = seats.acquire(), if !waiting.is_empty() && running.len() < at_once + FINISHING => Ok(()),
            };
            if let Err(error) = kept {
                running.shutdown().await;
                return Err(error);
            }
        }
    }
}

fn keep(checkpoints: &dyn Checkpoints, partial: &Partial) -> Result<()> {
    checkpoints.partly(partial)?;
    failpoints::reach("elastic.checkpoint")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_documents_are_named_with_the_way_out() {
        let rejected = Rejected { id: "a".into(), kind: None, reason: "mapper_parsing_exception: no".into() };
        let outcome = CopyOutcome {
            index: "events-log-x".into(),
            there: Some(2),
            read: 2,
            written: 1,
            bytes: 9,
            left_out: 0,
            routing_kept: 0,
            converted: 0,
            renamed: 0,
            repaired: 0,
            rejects: 1,
            collisions: 0,
            named: vec![rejected],
            samples: TaskSample::default(),
            digest: Digest::new(),
        };
        assert!(!outcome.is_complete());
        let error = require_complete(&[outcome], Path::new("/x/rejects.ndjson")).unwrap_err();
        assert_eq!(error.message(), "The new Elasticsearch refused 1 document.");
        assert_eq!(error.causes(), ["events-log-x, a: mapper_parsing_exception: no"]);
        assert!(error.hints()[1].ends_with("--accept-rejects /x/rejects.ndjson"));
    }
}
