//! Changes on their way into a request: the request's body, and what each part of it stands for.
//!
//! A batch is three pieces of memory, whatever the number of its changes: the body, the names, and the places of both.

use super::buffers::{Buffer, Held};
use super::change::{DocumentRef, Gone, Key, Written};
use super::encode::{Encode, Line};
use super::entry::Entry;
use bytes::Bytes;
use std::sync::Arc;

/// A request in the making.
#[derive(Debug, Default)]
pub(super) struct BatchBuilder {
    held: Held,
}

/// A request, cheap to send again.
#[derive(Debug, Clone)]
pub struct Batch {
    held: Arc<Held>,
    body: Bytes,
}

/// The body, which keeps the whole batch.
struct Body(Arc<Held>);

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.0.body
    }
}

impl BatchBuilder {
    /// Returns an empty request in memory that was taken for it.
    pub fn new(held: Held) -> Self {
        Self { held }
    }

    /// Adds a document as it is to be written, and returns its bytes as they will be sent.
    pub fn put<'a>(&mut self, encode: &impl Encode, document: &DocumentRef<'a>, written: &Written<'a>) -> &[u8] {
        let line = Line { id: &written.id, routing: written.routing(document), source: Some(&written.source) };
        self.push(encode, document.id, document.kind, document.routing, line)
    }

    /// Adds that a document is gone.
    pub fn delete(&mut self, encode: &impl Encode, gone: &Gone<'_>) {
        self.push(encode, gone.id, None, gone.routing, Line { id: gone.id, routing: gone.routing, source: None });
    }

    fn push(
        &mut self,
        encode: &impl Encode,
        id: &str,
        kind: Option<&str>,
        routing: Option<&str>,
        line: Line<'_>,
    ) -> &[u8] {
        let Buffer { body, names, entries } = self.held.buffer_mut();
        let source = encode.encode(line, body);
        let named = names.len();
        let new_id = Some(line.id).filter(|sent| *sent != id);
        for name in [Some(id), kind, routing, new_id].into_iter().flatten() {
            names.push_str(name);
        }
        entries.push(Entry {
            names: named,
            id: id.len(),
            kind: kind.map(str::len),
            routing: routing.map(str::len),
            new_id: new_id.map(str::len),
            sends_routing: line.routing.is_some(),
            deletes: line.source.is_none(),
            source: source.clone(),
        });
        body.get(source).unwrap_or_default()
    }

    /// Returns the bytes of memory that a document will take, at most, unless its names have to be escaped.
    pub fn bytes_of<E: Encode>(document: &DocumentRef<'_>, id: &str) -> usize {
        let names = document.id.len() + document.kind.map_or(0, str::len) + document.routing.map_or(0, str::len);
        document.source.len() + 2 * (names + id.len()) + E::FRAME + size_of::<Entry>()
    }

    /// Returns the bytes of memory in use.
    pub fn used(&self) -> usize {
        self.held.used()
    }

    /// Returns what has been collected.
    pub fn build(self) -> Batch {
        let held = Arc::new(self.held);
        Batch { body: Bytes::from_owner(Body(Arc::clone(&held))), held }
    }
}

impl Batch {
    /// Returns the body of the request.
    pub fn body(&self) -> Bytes {
        self.body.clone()
    }

    /// Returns the bytes of memory in use.
    pub fn used(&self) -> usize {
        self.held.used()
    }

    /// Returns the changes in the order of the body.
    pub fn entries(&self) -> &[Entry] {
        &self.held.entries
    }

    /// Returns the document of one of [`Batch::entries`]; nothing of one that is deleted.
    pub fn source(&self, entry: &Entry) -> Bytes {
        self.body.slice(entry.source.clone())
    }

    /// Returns the id that one of [`Batch::entries`] is sent with.
    pub fn id(&self, entry: &Entry) -> &str {
        let new_id_at = entry.names + entry.id + entry.kind.unwrap_or(0) + entry.routing.unwrap_or(0);
        entry.new_id.map_or_else(|| self.source_id(entry), |length| self.name(new_id_at, length))
    }

    /// Returns what one of [`Batch::entries`] is called in the source.
    pub fn key(&self, entry: &Entry) -> Key {
        let kind = self.source_kind(entry).map(str::to_owned);
        let routing = self.source_routing(entry).map(str::to_owned);
        Key { id: self.source_id(entry).to_owned(), kind, routing }
    }

    fn source_id(&self, entry: &Entry) -> &str {
        self.name(entry.names, entry.id)
    }

    fn source_kind(&self, entry: &Entry) -> Option<&str> {
        entry.kind.map(|length| self.name(entry.names + entry.id, length))
    }

    /// Returns the routing that one of [`Batch::entries`] is sent with.
    pub fn routing(&self, entry: &Entry) -> Option<&str> {
        self.source_routing(entry).filter(|_| entry.sends_routing)
    }

    fn source_routing(&self, entry: &Entry) -> Option<&str> {
        let at = entry.names + entry.id + entry.kind.unwrap_or(0);
        entry.routing.map(|length| self.name(at, length))
    }

    fn name(&self, at: usize, length: usize) -> &str {
        self.held.names.get(at..at + length).unwrap_or_default()
    }

    /// Returns a batch of some of the changes.
    pub fn select<'a>(&'a self, encode: &impl Encode, entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let of = |entry: &'a Entry| (entry, self.body.get(entry.source.clone()).unwrap_or_default());
        self.with_sources(encode, entries.into_iter().map(of))
    }

    /// Returns a batch of some of the changes with other documents.
    pub fn with_sources<'a>(
        &self,
        encode: &impl Encode,
        sources: impl IntoIterator<Item = (&'a Entry, &'a [u8])>,
    ) -> Self {
        let mut builder = BatchBuilder::new(self.held.part());
        for (entry, source) in sources {
            let (id, routing) = (self.id(entry), self.routing(entry));
            let line = Line { id, routing, source: Some(source).filter(|_| !entry.deletes) };
            builder.push(encode, self.source_id(entry), self.source_kind(entry), self.source_routing(entry), line);
        }
        builder.build()
    }

    /// Returns the two halves, or `None` for a single change.
    pub fn halves(&self, encode: &impl Encode) -> Option<[Self; 2]> {
        let entries = self.entries();
        if entries.len() < 2 {
            return None;
        }
        let (front, back) = entries.split_at(entries.len() / 2);
        Some([self.select(encode, front), self.select(encode, back)])
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Plain, batch};
    use super::*;

    #[test]
    fn a_batch_knows_each_change_by_what_it_is_sent_with() {
        let batch = batch(&Plain, &[("a", None, Some("1")), ("b", Some("r"), None), ("c", Some("t"), Some("22"))]);
        assert_eq!(batch.body(), "122");
        let told = |entry| (batch.id(entry), batch.routing(entry), batch.source(entry), entry.deletes());
        let told: Vec<_> = batch.entries().iter().map(told).collect();
        assert_eq!(
            told,
            [("a", None, "1".into(), false), ("b", Some("r"), "".into(), true), ("c", Some("t"), "22".into(), false)]
        );
        let key = Key { id: "c".into(), kind: Some("event".into()), routing: Some("t".into()) };
        assert_eq!(batch.key(&batch.entries()[2]), key);
    }

    #[test]
    fn a_document_is_still_known_by_its_own_name_whatever_it_is_sent_with() {
        let mut builder = BatchBuilder::default();
        for (id, sent, keeps_routing) in [("a", "old-a", true), ("b", "b", false)] {
            let document = DocumentRef { id, kind: Some("old"), routing: Some("t"), source: b"1" };
            let written = Written { id: sent.into(), keeps_routing, source: b"1".into(), group: None };
            assert_eq!(builder.put(&Plain, &document, &written), b"1");
        }
        let batch = builder.build();
        let again = batch.with_sources(&Plain, batch.entries().iter().map(|entry| (entry, &b"1"[..])));
        for batch in [batch, again] {
            let told = |entry| (batch.id(entry), batch.routing(entry), batch.key(entry).id, batch.key(entry).routing);
            let told: Vec<_> = batch.entries().iter().map(told).collect();
            let t = || Some("t".to_owned());
            assert_eq!(told, [("old-a", Some("t"), "a".into(), t()), ("b", None, "b".into(), t())]);
        }
    }

    #[test]
    fn parts_of_a_batch_are_whole_batches() {
        let all = batch(&Plain, &[("a", None, Some("1")), ("b", Some("r"), Some("22")), ("c", None, None)]);
        let [front, back] = all.halves(&Plain).unwrap();
        assert_eq!((front.body(), back.body()), ("1".into(), "22".into()));
        assert_eq!((back.id(&back.entries()[1]), back.entries()[1].deletes()), ("c", true));
        assert!(front.halves(&Plain).is_none());
        let other = all.with_sources(&Plain, [(&all.entries()[1], &b"4"[..])]);
        assert_eq!((other.body(), other.routing(&other.entries()[0])), ("4".into(), Some("r")));
    }
}
