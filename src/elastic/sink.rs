//! A node as what is copied to: indices, written with bulk requests.

use super::admin::{First, create_index, delete_index, finish_index, index_id, prepare_load, read_mapping};
use super::bulk::BulkWriter;
use super::bulk_lines::BulkLines;
use super::client::Client;
use super::index_plan::IndexPlan;
use super::mark::Mark;
use super::values::is_applied;
use super::whole_index::{flush, refresh};
use crate::error::{Error, Result};
use crate::events::Events;
use crate::transfer::{Answer, Batch, Encode, Line, Mode, Prepared, Rate, Sink};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The indices of a node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct BulkSink {
    target: Client,
    lines: BulkLines,
    /// What tells our indices from others where the target is not ours alone: no other is ever deleted or written to.
    mark: Option<Mark>,
    /// Largest request body that the target takes.
    request_bytes: usize,
    /// Indices that are full so far.
    full: Arc<AtomicUsize>,
}

impl BulkSink {
    /// Returns the indices of a node that is ours alone.
    ///
    /// # Errors
    /// Fails when the node does not answer.
    pub async fn new(target: Client, mode: Mode) -> Result<Self> {
        let request_bytes = usize::try_from(target.max_request_bytes().await?).unwrap_or(usize::MAX);
        Ok(Self { target, lines: BulkLines(mode), mark: None, request_bytes, full: Arc::default() })
    }

    /// Returns those of a node that others use too, told from theirs by a mark.
    pub fn marked(self, mark: Mark) -> Self {
        Self { mark: Some(mark), ..self }
    }

    /// Makes an index in place of what is left of an earlier try.
    async fn make(&self, plan: &IndexPlan) -> Result<()> {
        let Some(mark) = &self.mark else {
            delete_index(&self.target, &plan.index).await?;
            return create_index(&self.target, plan).await;
        };
        // What is not there is not deleted: somebody could make it in between.
        if mark.require_no_other(&self.target, &plan.index).await? {
            delete_index(&self.target, &plan.index).await?;
        }
        create_index(&self.target, &mark.on(plan)).await?;
        // One that somebody else has made meanwhile looks as if the answer to our own call had been lost.
        mark.require_no_other(&self.target, &plan.index).await.map(drop)
    }

    /// Returns whether a half-made index has the fields of the plan as the values of the documents need them: another
    /// version of this program may have begun it.
    async fn takes_all(&self, plan: &IndexPlan) -> Result<bool> {
        if plan.unindexed.is_empty() {
            return Ok(true);
        }
        let mapping = read_mapping(&self.target, &plan.index).await?;
        Ok(plan.unindexed.iter().all(|one| is_applied(&mapping, one)))
    }
}

impl Encode for BulkSink {
    const FRAME: usize = BulkLines::FRAME;

    fn encode(&self, line: Line<'_>, body: &mut Vec<u8>) -> Range<usize> {
        self.lines.encode(line, body)
    }
}

impl Sink for BulkSink {
    type Plan = IndexPlan;

    fn mode(&self) -> Mode {
        self.lines.0
    }

    fn request_bytes(&self) -> usize {
        self.request_bytes
    }

    async fn prepare(&self, plan: &IndexPlan, earlier: Option<&str>, events: &Events) -> Result<Prepared> {
        let (index, upsert) = (&plan.index, self.mode() == Mode::Upsert);
        if !plan.settings_left.is_empty() {
            events.detail(format!("{index}: settings left behind: {}", plan.settings_left.join(", ")));
        }
        if (earlier.is_some() || upsert)
            && let Some(id) = index_id(&self.target, index).await?
        {
            let goes_on = earlier == Some(id.as_str()) && self.takes_all(plan).await?;
            if goes_on || upsert {
                prepare_load(&self.target, plan).await?;
                return Ok(Prepared { id, goes_on });
            }
        }
        self.make(plan).await?;
        let id = index_id(&self.target, index).await?;
        let id = id.ok_or_else(|| Error::failed(format!("The index {index} was created and is gone.")))?;
        Ok(Prepared { id, goes_on: false })
    }

    async fn write(&self, plan: &IndexPlan, batch: Batch, resent: bool, rate: &Rate) -> Result<Answer> {
        let Self { target: client, lines, mark, .. } = self;
        let writer = BulkWriter { client, index: &plan.index, lines: *lines, past_pipeline: mark.is_some(), rate };
        writer.write(batch, resent).await
    }

    async fn flush(&self, plan: &IndexPlan) -> Result<()> {
        flush(&self.target, &plan.index).await
    }

    /// The one thread of the node that refreshes an index writes all that is in memory: at the end, nothing else may be
    /// left to do.
    async fn nearly_full(&self, plan: &IndexPlan) -> Result<()> {
        refresh(&self.target, &plan.index).await
    }

    /// On two processors Elasticsearch has one thread for refreshes and one for flushes (`ThreadPool`, 7.6: half the
    /// processors), so that two indices in a row need not wait for each other.
    async fn finish(&self, plan: &IndexPlan) -> Result<()> {
        let first = match self.full.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => First::Visible,
            _ => First::Durable,
        };
        finish_index(&self.target, plan, first).await
    }
}
