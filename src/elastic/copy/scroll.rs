//! Reads an index of a node, a few slices at a time.

use super::super::client::Client;
use super::super::document::Document;
use super::super::scroll::Slice;
use super::intake::Intake;
use super::{Copier, Load, Tally, joined};
use crate::error::{Error, Result};
use std::sync::Arc;
use tokio::sync::mpsc::{self, Receiver};
use tokio::task::JoinSet;

/// Portions of documents between the reader of a slice and its batch.
const PORTIONS: usize = 4;
/// Slices of one index that are read at the same time.
const SLICES_AT_ONCE: usize = 8;

impl Copier {
    /// Copies all slices of an index.
    pub(super) async fn pump_slices(&self, load: &Arc<Load>, source: &Client) -> Result<(Tally, Option<u64>)> {
        let mut slices = JoinSet::new();
        let of = load.plan.shards.max(1);
        let mut numbers = 0..of;
        let mut total = Tally::default();
        loop {
            while slices.len() < SLICES_AT_ONCE
                && let Some(number) = numbers.next()
            {
                let plan = &load.plan;
                let slice = Slice {
                    client: source.clone(),
                    index: plan.index.clone(),
                    number,
                    of,
                    document_bytes: plan.document_bytes(),
                    max_page: plan.max_page(),
                };
                let (copier, load) = (self.clone(), Arc::clone(load));
                slices.spawn(async move {
                    let (batches, incoming) = mpsc::channel(1);
                    let mut reading = JoinSet::new();
                    reading.spawn(read(slice, Intake::new(&load, batches, copier.cancel.clone())));
                    copier.write_all(&load, incoming, reading).await
                });
            }
            match slices.join_next().await {
                Some(tally) => total.merge(&joined(tally)?),
                None => break,
            }
        }
        Ok((total, Some(load.plan.documents)))
    }
}

async fn read(slice: Slice, intake: Intake) -> Result<Tally> {
    let (portions, incoming) = mpsc::channel(PORTIONS);
    let mut taking = JoinSet::new();
    taking.spawn_blocking(move || take(incoming, intake));
    let ended = |taken: Option<_>| taken.map_or_else(|| Err(Error::cancelled()), joined);
    let read = tokio::select! {
        biased;
        // Before the end of the slice, only with an error.
        taken = taking.join_next() => return ended(taken),
        read = slice.read(&portions) => read,
    };
    drop(portions);
    // If it takes no more, that is why the slice could not be read.
    let tally = ended(taking.join_next().await)?;
    read.map(|_| tally)
}

/// Takes what is read. Blocks.
fn take(mut portions: Receiver<Vec<Document>>, mut intake: Intake) -> Result<Tally> {
    while let Some(portion) = portions.blocking_recv() {
        portion.iter().try_for_each(|document| intake.take(&document.borrowed()))?;
    }
    intake.finish()
}
