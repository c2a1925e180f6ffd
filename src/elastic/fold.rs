//! Reads all documents of an index to learn something about them, on either side, as often as need be.
//!
//! Files are read on all processors. Each thread learns for itself; whoever asked puts the results together.

use super::admin::refresh;
use super::client::Client;
use super::copy::{joined, on_a_thread};
use super::document::{Document, DocumentRef};
use super::exported::ExportedFile;
use super::files::borrow;
use super::index_plan::IndexPlan;
use super::indices;
use super::scroll::Slice;
use super::source::Source;
use super::target::Target;
use crate::error::{Error, Result};
use crate::events::{self, Events};
use crate::files::parallel;
use crate::lucene::directory::Unit;
use crate::lucene::target::TargetUnit;
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
        self.events.progress(&self.name, done, self.total, events::Unit::Documents);
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

/// Does `work` unless the wish to stop comes first: at once, also while a node does not answer.
///
/// # Errors
/// Those of `work`, or cancelled.
pub(super) async fn until_cancelled<T>(cancel: &CancellationToken, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::cancelled()),
        done = work => done,
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
        Side::Old(Source::Files(files)) => {
            let (files, index) = (files.clone(), plan.index.clone());
            let read = |unit: &Unit, each: &mut Each<'_>| {
                unit.read(|document| each(&borrow(&document))).map(|tally| tally.documents)
            };
            parts(task, move || files.units(&index).map(Some), start, each, read).await
        }
        Side::Old(Source::Exported(exported)) => {
            let (exported, index, of) = (exported.clone(), plan.index.clone(), plan.index.clone());
            let open = move || exported.files(&of).map(|files| Some(files.to_vec()));
            let read = move |file: &ExportedFile, each: &mut Each<'_>| file.read(&index, each).map(|()| file.documents);
            parts(task, open, start, each, read).await
        }
        Side::New(Target::Files(files)) => {
            let (files, index) = (files.clone(), plan.index.clone());
            let read = |unit: &TargetUnit, each: &mut Each<'_>| {
                unit.read(|document| {
                    let (id, routing, source) = (document.id, document.routing, document.source);
                    each(&DocumentRef { id, kind: None, routing, source })
                })
                .map(|tally| tally.documents)
            };
            parts(task, move || files.units(&index), start, each, read).await
        }
    }
}

/// Is shown documents.
type Each<'a> = dyn FnMut(&DocumentRef<'_>) -> Result<()> + 'a;

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

/// Reads the parts of an index that `open` returns, on all processors. Of an index that is not there, there are none.
///
/// `read` shows the documents of a part to the function that it is given, and returns how many these were.
async fn parts<S: Send + 'static, P: Sync>(
    task: Task,
    open: impl FnOnce() -> Result<Option<Vec<P>>> + Send + 'static,
    start: impl Fn() -> S + Send + Sync + 'static,
    each: impl Fn(&mut S, &DocumentRef<'_>) + Send + Sync + 'static,
    read: impl Fn(&P, &mut Each<'_>) -> Result<u64> + Send + Sync + 'static,
) -> Result<Vec<S>> {
    on_a_thread(move || {
        let Some(parts) = open()? else { return Ok(Vec::new()) };
        parallel::fold(&parts, &task.cancel, start, |state, _, part| {
            let documents = read(part, &mut |document| {
                each(state, document);
                task.go_on()
            })?;
            task.advance(documents);
            Ok(())
        })
    })
    .await
}
