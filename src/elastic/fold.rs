//! Reads all documents of an index to learn something about them, on either side, as often as need be.
//!
//! Files are read on all processors. Each thread learns for itself; whoever asked puts the results together.

use super::admin::refresh;
use super::client::Client;
use super::copy::{joined, on_a_thread};
use super::document::{Document, DocumentRef};
use super::exported::Exported;
use super::files::{Files, borrow};
use super::index_plan::IndexPlan;
use super::indices;
use super::scroll::Slice;
use super::source::Source;
use super::target::{Target, TargetFiles};
use crate::error::{Error, Result};
use crate::events::{Events, Unit};
use crate::files::parallel;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Portions of documents that are on their way.
const PORTIONS: usize = 4;

/// Where an index is read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Side<'a> {
    Old(&'a Source),
    New(&'a Target),
}

/// A reading, as it is told about and stopped.
pub(super) struct Task {
    name: String,
    total: Option<u64>,
    events: Events,
    cancel: CancellationToken,
    done: AtomicU64,
}

impl Task {
    pub fn new(name: String, total: Option<u64>, events: &Events, cancel: &CancellationToken) -> Self {
        Self { name, total, events: events.clone(), cancel: cancel.clone(), done: AtomicU64::new(0) }
    }

    fn advance(&self, documents: u64) {
        let done = self.done.fetch_add(documents, Ordering::Relaxed) + documents;
        self.events.progress(&self.name, done, self.total, Unit::Documents);
    }

    fn go_on(&self) -> Result<()> {
        if self.cancel.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.events.progress_ended(&self.name);
    }
}

/// Shows every document of an index to `each`, with one of the states that begin with `start`, and returns the states.
/// Of an index that is not there, there are none.
///
/// # Errors
/// Fails when a node gives up, when files are not as they should be, or on cancel.
pub(super) async fn fold<S: Send + 'static>(
    side: Side<'_>,
    plan: &IndexPlan,
    task: Task,
    start: impl Fn() -> S + Send + Sync + 'static,
    each: impl Fn(&mut S, &DocumentRef<'_>) + Send + Sync + 'static,
) -> Result<Vec<S>> {
    match side {
        Side::Old(Source::Node(node)) => {
            refresh(node, &plan.index).await?;
            Ok(vec![scroll(node, plan, plan.shards.max(1), task, start(), each).await?])
        }
        Side::New(Target::Node(node)) => {
            if !indices::list(node).await?.iter().any(|listed| listed.name == plan.index) {
                return Ok(Vec::new());
            }
            refresh(node, &plan.index).await?;
            Ok(vec![scroll(node, plan, 1, task, start(), each).await?])
        }
        Side::Old(Source::Files(files)) => old_files(files, plan, task, start, each).await,
        Side::Old(Source::Exported(exported)) => exported_files(exported, plan, task, start, each).await,
        Side::New(Target::Files(files)) => new_files(files, plan, task, start, each).await,
    }
}

/// Reads so many slices of a node one after the other.
async fn scroll<S>(
    client: &Client,
    plan: &IndexPlan,
    slices: u32,
    task: Task,
    mut state: S,
    each: impl Fn(&mut S, &DocumentRef<'_>),
) -> Result<S> {
    for number in 0..slices {
        let (portions, mut incoming) = mpsc::channel::<Vec<Document>>(PORTIONS);
        let mut reading = JoinSet::new();
        let slice = Slice {
            client: client.clone(),
            index: plan.index.clone(),
            number,
            of: slices,
            document_bytes: plan.document_bytes(),
            max_page: plan.max_page(),
        };
        reading.spawn(async move { slice.read(&portions).await });
        while let Some(documents) = incoming.recv().await {
            task.go_on()?;
            documents.iter().for_each(|document| each(&mut state, &document.borrowed()));
            task.advance(documents.len() as u64);
        }
        if let Some(read) = reading.join_next().await {
            joined(read)?;
        }
    }
    Ok(state)
}

async fn old_files<S: Send + 'static>(
    files: &Files,
    plan: &IndexPlan,
    task: Task,
    start: impl Fn() -> S + Send + Sync + 'static,
    each: impl Fn(&mut S, &DocumentRef<'_>) + Send + Sync + 'static,
) -> Result<Vec<S>> {
    let (files, index) = (files.clone(), plan.index.clone());
    on_a_thread(move || {
        parallel::fold(&files.units(&index)?, &task.cancel, start, |state, _, unit| {
            let tally = unit.read(|document| {
                each(state, &borrow(&document));
                task.go_on()
            })?;
            task.advance(tally.documents);
            Ok(())
        })
    })
    .await
}

async fn exported_files<S: Send + 'static>(
    exported: &Exported,
    plan: &IndexPlan,
    task: Task,
    start: impl Fn() -> S + Send + Sync + 'static,
    each: impl Fn(&mut S, &DocumentRef<'_>) + Send + Sync + 'static,
) -> Result<Vec<S>> {
    let (exported, index) = (exported.clone(), plan.index.clone());
    on_a_thread(move || {
        parallel::fold(exported.files(&index)?, &task.cancel, start, |state, _, file| {
            file.read(&index, |document| {
                each(state, document);
                task.go_on()
            })?;
            task.advance(file.documents);
            Ok(())
        })
    })
    .await
}

async fn new_files<S: Send + 'static>(
    files: &TargetFiles,
    plan: &IndexPlan,
    task: Task,
    start: impl Fn() -> S + Send + Sync + 'static,
    each: impl Fn(&mut S, &DocumentRef<'_>) + Send + Sync + 'static,
) -> Result<Vec<S>> {
    let (files, index) = (files.clone(), plan.index.clone());
    on_a_thread(move || {
        let Some(units) = files.units(&index)? else { return Ok(Vec::new()) };
        parallel::fold(&units, &task.cancel, start, |state, _, unit| {
            let tally = unit.read(|document| {
                let (id, routing, source) = (document.id, document.routing, document.source);
                each(state, &DocumentRef { id, kind: None, routing, source });
                task.go_on()
            })?;
            task.advance(tally.documents);
            Ok(())
        })
    })
    .await
}
