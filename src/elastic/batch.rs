//! Documents on their way into a bulk request: the request's body, and what each part of it stands for.
//!
//! A batch is three pieces of memory, whatever the number of its documents: the body, the names, and the places of both.

use super::buffers::{Buffer, Held};
use super::document::{DocumentRef, Key, put_on_one_line};
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of an action line without id and routing.
const ACTION_FRAME: usize = 40;

/// One document of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where id, type and routing of the source, and the other id that it is sent with, begin among the names, one behind
    /// the other.
    names: usize,
    id: usize,
    kind: Option<usize>,
    routing: Option<usize>,
    new_id: Option<usize>,
    /// Whether the routing is sent, too.
    sends_routing: bool,
    /// Where its two lines are in the body.
    lines: Range<usize>,
    /// Where its source is in the body.
    source: Range<usize>,
}

/// A bulk request in the making.
#[derive(Debug, Default)]
pub(super) struct BatchBuilder {
    held: Held,
}

/// A bulk request, cheap to send again.
#[derive(Debug, Clone)]
pub(super) struct Batch {
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

    /// Adds a document, to be written under `id`, its source on one line, and returns the source as it will be sent.
    pub fn push(&mut self, document: &DocumentRef<'_>, id: &str, sends_routing: bool) -> &[u8] {
        let Buffer { body, names, entries } = self.held.buffer_mut();
        let start = body.len();
        body.extend_from_slice(br#"{"create":{"_id":"#);
        push_string(body, id);
        if let Some(routing) = document.routing.filter(|_| sends_routing) {
            body.extend_from_slice(br#","routing":"#);
            push_string(body, routing);
        }
        body.extend_from_slice(b"}}\n");
        let source = body.len()..body.len() + document.source.len();
        put_on_one_line(document.source, body);
        body.push(b'\n');
        let named = names.len();
        let new_id = Some(id).filter(|id| *id != document.id);
        for name in [Some(document.id), document.kind, document.routing, new_id].into_iter().flatten() {
            names.push_str(name);
        }
        entries.push(Entry {
            names: named,
            id: document.id.len(),
            kind: document.kind.map(str::len),
            routing: document.routing.map(str::len),
            new_id: new_id.map(str::len),
            sends_routing,
            lines: start..body.len(),
            source: source.clone(),
        });
        body.get(source).unwrap_or_default()
    }

    /// Returns the bytes of memory that a document will take, at most, unless its names have to be escaped.
    pub fn bytes_of(document: &DocumentRef<'_>, id: &str) -> usize {
        let names = document.id.len() + document.kind.map_or(0, str::len) + document.routing.map_or(0, str::len);
        document.source.len() + 2 * (names + id.len()) + ACTION_FRAME + size_of::<Entry>()
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

fn push_string(body: &mut Vec<u8>, text: &str) {
    // A string always serialises, and a vector takes all.
    let _ = serde_json::to_writer(body, text);
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

    /// Returns the documents in the order of the body.
    pub fn entries(&self) -> &[Entry] {
        &self.held.entries
    }

    /// Returns the source of one of [`Batch::entries`].
    pub fn source(&self, entry: &Entry) -> Bytes {
        self.body.slice(entry.source.clone())
    }

    /// Returns the `_id` that one of [`Batch::entries`] is sent with.
    pub fn id(&self, entry: &Entry) -> &str {
        let new_id_at = entry.names + entry.id + entry.kind.unwrap_or(0) + entry.routing.unwrap_or(0);
        entry.new_id.map_or_else(|| self.source_id(entry), |length| self.name(new_id_at, length))
    }

    /// Returns what one of [`Batch::entries`] is called in the source.
    pub fn key(&self, entry: &Entry) -> Key {
        let kind_at = entry.names + entry.id;
        let kind = entry.kind.map(|length| self.name(kind_at, length).to_owned());
        let routing = self.source_routing(entry).map(str::to_owned);
        Key { id: self.source_id(entry).to_owned(), kind, routing }
    }

    fn source_id(&self, entry: &Entry) -> &str {
        self.name(entry.names, entry.id)
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

    /// Returns a batch of some of the documents.
    pub fn select<'a>(&'a self, entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let of = |entry: &'a Entry| (entry, self.body.get(entry.source.clone()).unwrap_or_default());
        self.with_sources(entries.into_iter().map(of))
    }

    /// Returns a batch of some of the documents with other sources.
    pub fn with_sources<'a>(&self, sources: impl IntoIterator<Item = (&'a Entry, &'a [u8])>) -> Self {
        let mut builder = BatchBuilder::new(self.held.part());
        for (entry, source) in sources {
            let key = self.key(entry);
            let document =
                DocumentRef { id: &key.id, kind: key.kind.as_deref(), routing: key.routing.as_deref(), source };
            builder.push(&document, self.id(entry), entry.sends_routing);
        }
        builder.build()
    }

    /// Returns the two halves, or `None` for a single document.
    pub fn halves(&self) -> Option<[Self; 2]> {
        let entries = self.entries();
        if entries.len() < 2 {
            return None;
        }
        let (front, back) = entries.split_at(entries.len() / 2);
        Some([self.select(front), self.select(back)])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn batch(documents: &[(&str, Option<&str>, &str)]) -> Batch {
        let mut builder = BatchBuilder::default();
        for (id, routing, source) in documents {
            let document = DocumentRef { id, kind: Some("event"), routing: *routing, source: source.as_bytes() };
            builder.push(&document, id, routing.is_some());
        }
        builder.build()
    }

    #[test]
    fn a_body_has_an_action_and_a_source_line_per_document() {
        let batch = batch(&[("a\"b", None, "{\"x\":\n1}"), ("c", Some("t"), "{}")]);
        let body =
            b"{\"create\":{\"_id\":\"a\\\"b\"}}\n{\"x\": 1}\n{\"create\":{\"_id\":\"c\",\"routing\":\"t\"}}\n{}\n";
        assert_eq!(batch.body(), &body[..]);
        assert_eq!(batch.source(&batch.entries()[0]), r#"{"x": 1}"#);
        assert_eq!(batch.id(&batch.entries()[0]), "a\"b");
        let key = Key { id: "c".into(), kind: Some("event".into()), routing: Some("t".into()) };
        assert_eq!(batch.key(&batch.entries()[1]), key);
    }

    #[test]
    fn a_routing_that_is_not_sent_is_still_known() {
        let mut builder = BatchBuilder::default();
        let document = DocumentRef { id: "a", kind: None, routing: Some("t"), source: b"{}" };
        assert_eq!(builder.push(&document, "a", false), b"{}");
        let batch = builder.build();
        let entry = &batch.entries()[0];
        assert_eq!((batch.routing(entry), batch.key(entry).routing.as_deref()), (None, Some("t")));
        assert_eq!(batch.body(), &b"{\"create\":{\"_id\":\"a\"}}\n{}\n"[..]);
    }

    #[test]
    fn a_document_that_is_sent_with_another_id_is_still_known_by_its_own() {
        let mut builder = BatchBuilder::default();
        for (id, new_id) in [("a", "old-a"), ("b", "b")] {
            let document = DocumentRef { id, kind: Some("old"), routing: Some("t"), source: b"1" };
            builder.push(&document, new_id, true);
        }
        let batch = builder.build();
        let again = batch.with_sources(batch.entries().iter().map(|entry| (entry, &b"1"[..])));
        for batch in [batch, again] {
            let names =
                batch.entries().iter().map(|entry| (batch.id(entry), batch.routing(entry), batch.key(entry).id));
            let names: Vec<_> = names.collect();
            assert_eq!(names, [("old-a", Some("t"), "a".to_owned()), ("b", Some("t"), "b".to_owned())]);
            assert!(batch.body().starts_with(b"{\"create\":{\"_id\":\"old-a\",\"routing\":\"t\"}}\n1\n"));
        }
    }

    #[test]
    fn parts_of_a_batch_are_whole_batches() {
        let all = batch(&[("a", None, "1"), ("b", Some("r"), "22"), ("c", None, "333")]);
        let [front, back] = all.halves().unwrap();
        assert_eq!(front.body(), batch(&[("a", None, "1")]).body());
        assert_eq!(back.body(), batch(&[("b", Some("r"), "22"), ("c", None, "333")]).body());
        assert_eq!(back.source(&back.entries()[1]), "333");
        assert_eq!(back.id(&back.entries()[1]), "c");
        assert!(front.halves().is_none());
        let other = all.with_sources([(&all.entries()[1], &b"4"[..])]);
        assert_eq!(other.body(), batch(&[("b", Some("r"), "4")]).body());
    }
}
