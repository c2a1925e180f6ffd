//! The work itself: copying what is not there, comparing it, and taking the marks off.

use super::check::Export;
use super::journal::{Journal, Noted};
use super::target::{Standing, Target};
use crate::elastic::{
    BulkSink, Copier, CopyOptions, CopyRules, IndexPlan, Occupant, SecondReading, Source, check_served, indices,
    require_complete, verify_index,
};
use crate::error::{Error, Kind, Result};
use crate::events::Events;
use crate::failpoints;
use crate::transfer::{Accepted, Checkpoints, CopyOutcome, Mode, RejectLog, SpotChecks, Verdict, Verified};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// How it is shown that everything arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Every document is read back.
    Documents,
    /// Documents are counted.
    Counts,
}

/// An import that may begin.
pub struct Work {
    /// Where documents come from.
    pub export: Export,
    /// Where they go.
    pub target: Target,
    /// What is done.
    pub journal: Journal,
    /// Documents that are left out with the user's consent.
    pub accepted: Arc<Accepted>,
    /// Tells what happens.
    pub events: Events,
    /// Says when to stop.
    pub cancel: CancellationToken,
}

/// Notes each index that is copied whole.
struct Notes<'a> {
    work: &'a Work,
    plans: &'a [IndexPlan],
}

impl Checkpoints for Notes<'_> {
    fn finished(&self, outcome: &CopyOutcome) -> Result<()> {
        let plan = self.plans.iter().find(|plan| plan.index == outcome.collection);
        let exported = self.work.export.indices.get(&outcome.collection);
        // One with refused documents is made anew once they are accepted, or the cause is gone.
        let (Some(plan), Some(exported), true) = (plan, exported, outcome.is_complete()) else { return Ok(()) };
        self.work.journal.note(&Noted {
            content: exported.content.clone(),
            plan: plan.clone(),
            outcome: outcome.clone(),
            finished: None,
            verified: None,
        })?;
        failpoints::reach("import.copied")
    }
}

impl Work {
    /// Makes and fills the indices that are not there. Returns all that are copied and not compared, by name.
    ///
    /// # Errors
    /// Fails when documents are refused, naming them; when the node gives up; and on cancel. The same call goes on then.
    pub async fn copy(&self, standings: Vec<(IndexPlan, Standing)>) -> Result<Vec<Noted>> {
        let (mut plans, mut copied) = (Vec::new(), Vec::new());
        for (plan, standing) in standings {
            match standing {
                Standing::Unmade => {
                    self.journal.forget(&plan.index)?;
                    plans.push(plan);
                }
                Standing::Copied(noted) => copied.push(*noted),
                Standing::Compared(noted) => self.journal.mark().remove(&self.target.client, &noted.plan.index).await?,
                Standing::Finished(_) => {}
            }
        }
        let rejects = self.journal.rejects_file();
        let mut options = CopyOptions::new(RejectLog::new(&rejects));
        options.rules.accepted = Arc::clone(&self.accepted);
        let sink = BulkSink::new(self.target.client.clone(), Mode::Create).await?.marked(self.journal.mark());
        let (events, cancel) = (self.events.clone(), self.cancel.clone());
        let copier = Copier::new(self.export.source()?, sink, options, events, cancel);
        let outcomes = copier.copy_all(plans.clone(), &Notes { work: self, plans: &plans }).await?;
        require_complete(&outcomes, &rejects)?;
        for plan in plans {
            copied.extend(self.journal.noted(&plan.index)?);
        }
        copied.sort_by(|a, b| a.plan.index.cmp(&b.plan.index));
        Ok(copied)
    }

    /// Compares an index with what was sent, closes it if it was closed, and takes its mark off. Returns what was found.
    ///
    /// # Errors
    /// A difference, with the names of documents; then the index is made anew by the next run. Fails when the node does
    /// not answer, and on cancel.
    pub async fn finish(&self, copied: &Noted, proof: Proof) -> Result<Verified> {
        let (client, index) = (&self.target.client, &copied.plan.index);
        if self.cancel.is_cancelled() {
            return Err(Error::cancelled());
        }
        if copied.plan.closed {
            // It is open after the copy, and closed where an earlier run came to its end.
            indices::open(client, index).await?;
        }
        let found = match self.compare(copied, proof).await {
            Ok(found) => found,
            Err(error) if error.kind() == Kind::Difference => {
                self.journal.forget(index)?;
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        if copied.plan.closed {
            indices::close(client, index).await?;
        }
        let finished = Some(self.id_of(index).await?);
        self.journal.note(&Noted { finished, verified: Some(found.clone()), ..copied.clone() })?;
        failpoints::reach("import.finished")?;
        self.journal.mark().remove(client, index).await?;
        Ok(found)
    }

    async fn compare(&self, copied: &Noted, proof: Proof) -> Result<Verified> {
        let Noted { plan, outcome, .. } = copied;
        let client = &self.target.client;
        let (found, checks) = match proof {
            Proof::Counts => (outcome.counted(), SpotChecks::new(0)),
            Proof::Documents => {
                let (source, target) = (Source::from(self.export.source()?), client.clone().into());
                let rules = CopyRules { accepted: Arc::clone(&self.accepted), ..CopyRules::default() };
                let second = SecondReading { source: &source, rules: &rules };
                match verify_index(&target, plan, &outcome.digest, Some(second), &self.events, &self.cancel).await? {
                    Verdict::Equal(verified, checks) => (verified, checks),
                    Verdict::Different(difference) => return Err(difference.into_error()),
                }
            }
        };
        // Whatever was found, the node must count as many.
        let difference = check_served(client, plan, found.documents, &checks).await?;
        difference.map_or(Ok(found), |difference| Err(difference.into_error()))
    }

    async fn id_of(&self, index: &str) -> Result<String> {
        match self.journal.mark().look_up(&self.target.client, index).await? {
            Occupant::Index { id, .. } => Ok(id),
            _ => Err(Error::failed(format!("The index {index} was compared and is gone."))
                .hint("Stop what else writes to this Elasticsearch, then run the same command again.")),
        }
    }
}
