//! Reads an index, slice by slice, with scrolls.
//!
//! The fast way asks for pages with sources. Pages that turn out heavy, or that the node cannot deliver, end it; the
//! rest of the slice is then read the careful way: a scroll over the keys alone, and the sources in batches that
//! shrink and grow with the documents, down to one at a time. To go on at the right place, the keys that were already
//! delivered are skipped and their order is compared with the order of the first pass.

use super::answers::Envelope;
use super::client::{Call, Client, LONG};
use super::document::{Document, Item};
use super::failure::Failure;
use super::fetch::{fetch, no_source};
use super::page::Page;
use super::splitter::Items;
use crate::error::{Error, Result};
use crate::transfer::Key;
use reqwest::Method;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use xxhash_rust::xxh3::Xxh3;

/// How long the node keeps a scroll between two pages; renewed by each. Long, because a page waits while the target
/// is busy.
const KEEP_ALIVE: &str = "30m";
/// Source bytes that a page should have.
const PAGE_BYTES: u64 = 2 * 1024 * 1024;
/// A page that is larger than this ends the fast way: the node builds a page in its heap, several times over.
const HEAVY_PAGE: usize = 32 * 1024 * 1024;
/// Documents that are this large on average are read the careful way from the beginning.
const HEAVY_DOCUMENT: u64 = 64 * 1024;
/// Source bytes that go through the channel in one piece.
const PORTION_BYTES: usize = 256 * 1024;
const KEYS_PER_PAGE: u64 = 5000;
const MOST_PER_FETCH: usize = 256;

/// What to read.
#[derive(Debug, Clone)]
pub(super) struct Slice {
    pub client: Client,
    pub index: String,
    /// This slice, from 0, and the number of slices. As many slices as shards cost nothing: each is one shard.
    pub number: u32,
    pub of: u32,
    /// Expected source bytes of one document.
    pub document_bytes: u64,
    /// `index.max_result_window`, which bounds the page.
    pub max_page: u64,
}

/// How far a slice has been delivered: the number of documents, and a hash over their `_id`s in order.
#[derive(Clone, Default)]
struct Position {
    documents: u64,
    order: Xxh3,
}

impl Position {
    fn advance(&mut self, id: &str) {
        self.documents += 1;
        self.order.update(&(id.len() as u64).to_le_bytes());
        self.order.update(id.as_bytes());
    }
}

/// Why reading stopped before the end.
enum Stop {
    /// The node did not deliver.
    Failed(Failure),
    /// Pages have become too large.
    Heavy,
    /// Final: nobody takes the documents any more, or the index changed under us.
    Fatal(Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// An open scroll. Dropping it tells the node to forget it.
struct Scroll {
    client: Client,
    id: Option<String>,
}

impl Drop for Scroll {
    fn drop(&mut self) {
        let Some(id) = self.id.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let client = self.client.clone();
        runtime.spawn(async move {
            let call = Call::change(Method::DELETE, &["_search", "scroll"], "elastic.clear_scroll");
            // The node forgets it by itself when the keep-alive ends.
            let _ = client.send_once(&call.json(&json!({"scroll_id": [id]}))).await;
        });
    }
}

impl Slice {
    /// Reads the whole slice and sends its documents in portions. Returns their number.
    ///
    /// # Errors
    /// Fails when the node does not deliver even document by document, or when the receiver is gone.
    pub async fn read(&self, out: &mpsc::Sender<Vec<Document>>) -> Result<u64> {
        let mut position = Position::default();
        if self.document_bytes < HEAVY_DOCUMENT {
            match self.read_pages(&mut position, out).await {
                Ok(()) => return Ok(position.documents),
                Err(Stop::Fatal(error)) => return Err(error),
                Err(Stop::Heavy) => tracing::debug!(index = self.index, "heavy pages: reading documents in batches"),
                Err(Stop::Failed(failure)) => {
                    tracing::info!(index = self.index, ?failure, "a page failed: reading documents in batches");
                }
            }
        }
        let mut retry = 0;
        loop {
            let before = position.documents;
            let failure = match self.read_carefully(&mut position, out).await {
                Ok(()) => return Ok(position.documents),
                Err(Stop::Fatal(error)) => return Err(error),
                Err(Stop::Failed(failure)) => failure,
                Err(Stop::Heavy) => return Err(Error::internal("The careful way has no heavy pages.")),
            };
            retry = if position.documents > before { 0 } else { retry + 1 };
            match self.client.backoff().wait(retry) {
                Some(wait) if can_go_on(&failure) => {
                    tracing::info!(index = self.index, ?failure, "reading stopped, going on in {wait:?}");
                    tokio::time::sleep(wait).await;
                }
                _ => return Err(failure.explain(format!("The index {} could not be read.", self.index))),
            }
        }
    }

    fn page_size(&self) -> u64 {
        (PAGE_BYTES / self.document_bytes.max(1)).clamp(50, 5000).min(self.max_page)
    }

    fn open(&self, size: u64, with_source: bool) -> Call {
        let mut body = Map::new();
        body.insert("size".to_owned(), json!(size));
        body.insert("sort".to_owned(), json!(["_doc"]));
        body.insert("_source".to_owned(), json!(with_source));
        if self.of > 1 {
            body.insert("slice".to_owned(), json!({"id": self.number, "max": self.of}));
        }
        Call::ask(&[&self.index, "_search"], &Value::Object(body)).query("scroll", KEEP_ALIVE).timeout(LONG)
    }

    fn next(scroll: &Scroll) -> Call {
        Call::ask(&["_search", "scroll"], &json!({"scroll": KEEP_ALIVE, "scroll_id": scroll.id})).timeout(LONG)
    }

    async fn read_pages(&self, position: &mut Position, out: &mpsc::Sender<Vec<Document>>) -> Result<(), Stop> {
        let mut scroll = Scroll { client: self.client.clone(), id: None };
        let mut call = self.open(self.page_size(), true);
        let mut portion = Portion::new(out);
        loop {
            let page = self.read_page(&mut scroll, &call, position, &mut portion).await;
            // Also after a failure: what is counted in `position` must be delivered.
            portion.send().await?;
            match page? {
                (0, _) => return Ok(()),
                (_, bytes) if bytes > HEAVY_PAGE => return Err(Stop::Heavy),
                _ => call = Self::next(&scroll),
            }
        }
    }

    /// Returns the documents and the bytes of a page.
    async fn read_page(
        &self,
        scroll: &mut Scroll,
        call: &Call,
        position: &mut Position,
        portion: &mut Portion<'_>,
    ) -> Result<(usize, usize), Stop> {
        let mut page = Page::request(&self.client, call, Items::Hits).await?;
        while let Some(item) = page.next().await? {
            let document = match item {
                Item::Document(document) => document,
                Item::KeyOnly(Key { id, .. }) | Item::Missing(id) => return Err(no_source(&id).into()),
            };
            position.advance(&document.key.id);
            portion.push(document).await?;
        }
        let size = (page.items, page.bytes);
        scroll.id = Some(page.envelope::<Envelope>()?.check()?);
        Ok(size)
    }

    async fn read_carefully(&self, position: &mut Position, out: &mpsc::Sender<Vec<Document>>) -> Result<(), Stop> {
        let mut scroll = Scroll { client: self.client.clone(), id: None };
        let mut call = self.open(KEYS_PER_PAGE.min(self.max_page), false);
        let goal = position.clone();
        let mut skipped = Position::default();
        let mut at_once = fetch_size(self.document_bytes);
        loop {
            let mut keys: Vec<Key> = Vec::new();
            let mut page = Page::request(&self.client, &call, Items::Hits).await?;
            while let Some(item) = page.next().await? {
                let key = match item {
                    Item::KeyOnly(key) | Item::Document(Document { key, .. }) => key,
                    Item::Missing(id) => return Err(no_source(&id).into()),
                };
                if skipped.documents < goal.documents {
                    skipped.advance(&key.id);
                } else {
                    keys.push(key);
                }
            }
            let hits = page.items;
            scroll.id = Some(page.envelope::<Envelope>()?.check()?);
            let at_goal = skipped.documents == goal.documents;
            if (at_goal && skipped.order.digest128() != goal.order.digest128()) || (hits == 0 && !at_goal) {
                return Err(Stop::Fatal(self.changed()));
            }
            if hits == 0 {
                return Ok(());
            }
            self.deliver(&keys, &mut at_once, position, out).await?;
            call = Self::next(&scroll);
        }
    }

    /// Fetches the documents of `keys` in batches whose number follows their size.
    async fn deliver(
        &self,
        keys: &[Key],
        at_once: &mut usize,
        position: &mut Position,
        out: &mpsc::Sender<Vec<Document>>,
    ) -> Result<(), Stop> {
        let mut rest = keys;
        while !rest.is_empty() {
            let (batch, tail) = rest.split_at(rest.len().min(*at_once));
            let wanted: Vec<&Key> = batch.iter().collect();
            let documents = match fetch(&self.client, &self.index, &wanted).await {
                Ok(documents) => documents,
                // Too much at once for the node's heap or for one answer: try single documents before giving up.
                Err(_) if batch.len() > 1 => {
                    *at_once = 1;
                    continue;
                }
                Err(failure) => return Err(failure.into()),
            };
            let documents: Vec<Document> = documents.into_iter().flatten().collect();
            if documents.len() != batch.len() {
                return Err(Stop::Fatal(self.changed()));
            }
            let bytes: usize = documents.iter().map(|document| document.source.len()).sum();
            *at_once = fetch_size((bytes / batch.len().max(1)) as u64).min(at_once.saturating_mul(2));
            let mut portion = Portion::new(out);
            for document in documents {
                position.advance(&document.key.id);
                portion.push(document).await?;
            }
            portion.send().await?;
            rest = tail;
        }
        Ok(())
    }

    fn changed(&self) -> Error {
        Error::failed(format!("The index {} changed while it was read.", self.index))
            .hint("Make sure that nothing else uses this Elasticsearch, then run the same command again.")
    }
}

/// Returns whether reading may go on after a while: the node was busy or away, or has forgotten the scroll.
fn can_go_on(failure: &Failure) -> bool {
    failure.is_transient() || matches!(failure, Failure::TimedOut(_)) || failure.status() == Some(404)
}

fn fetch_size(document_bytes: u64) -> usize {
    usize::try_from(PAGE_BYTES / document_bytes.max(1)).unwrap_or(MOST_PER_FETCH).clamp(1, MOST_PER_FETCH)
}

/// Collects documents so that the channel is not used once for each.
struct Portion<'a> {
    out: &'a mpsc::Sender<Vec<Document>>,
    documents: Vec<Document>,
    bytes: usize,
}

impl<'a> Portion<'a> {
    fn new(out: &'a mpsc::Sender<Vec<Document>>) -> Self {
        Self { out, documents: Vec::new(), bytes: 0 }
    }

    async fn push(&mut self, document: Document) -> Result<(), Stop> {
        self.bytes += document.source.len();
        self.documents.push(document);
        if self.bytes < PORTION_BYTES { Ok(()) } else { self.send().await }
    }

    async fn send(&mut self) -> Result<(), Stop> {
        self.bytes = 0;
        let documents = std::mem::take(&mut self.documents);
        if documents.is_empty() {
            return Ok(());
        }
        self.out.send(documents).await.map_err(|_| Stop::Fatal(Error::cancelled()))
    }
}

#[cfg(test)]
mod tests;
