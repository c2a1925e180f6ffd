//! Documents on their way into a bulk request: the request's body, and what each part of it stands for.

use super::document::{Document, Key};
use bytes::Bytes;
use std::ops::Range;

/// One document of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// What it is called in the source.
    pub key: Key,
    /// The routing that it is sent with.
    pub routing: Option<String>,
    /// Where its two lines are in the body.
    lines: Range<usize>,
    /// Where its source is in the body.
    source: Range<usize>,
}

/// A bulk request in the making.
#[derive(Debug, Default)]
pub(super) struct BatchBuilder {
    body: Vec<u8>,
    entries: Vec<Entry>,
}

/// A bulk request, cheap to send again.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    body: Bytes,
    entries: Vec<Entry>,
}

impl BatchBuilder {
    /// Adds a document; its source must be on one line.
    pub fn push(&mut self, document: Document, routing: Option<String>) {
        let start = self.body.len();
        self.body.extend_from_slice(br#"{"create":{"_id":"#);
        push_string(&mut self.body, &document.key.id);
        if let Some(routing) = &routing {
            self.body.extend_from_slice(br#","routing":"#);
            push_string(&mut self.body, routing);
        }
        self.body.extend_from_slice(b"}}\n");
        let source = self.body.len()..self.body.len() + document.source.len();
        self.body.extend_from_slice(&document.source);
        self.body.push(b'\n');
        self.entries.push(Entry { key: document.key, routing, lines: start..self.body.len(), source });
    }

    /// Returns the bytes of the body so far.
    pub fn bytes(&self) -> usize {
        self.body.len()
    }

    /// Returns whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes what has been collected and starts anew.
    pub fn take(&mut self) -> Batch {
        let body = Bytes::from(std::mem::take(&mut self.body));
        Batch { body, entries: std::mem::take(&mut self.entries) }
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

    /// Returns the documents in the order of the body.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the source of one of [`Batch::entries`].
    pub fn source(&self, entry: &Entry) -> Bytes {
        self.body.slice(entry.source.clone())
    }

    /// Returns a batch of some of the documents.
    pub fn select<'a>(&'a self, entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut body = Vec::new();
        let mut selected = Vec::new();
        for entry in entries {
            let start = body.len();
            let source = start + (entry.source.start - entry.lines.start);
            body.extend_from_slice(&self.body.slice(entry.lines.clone()));
            let source = source..source + entry.source.len();
            selected.push(Entry { lines: start..body.len(), source, ..entry.clone() });
        }
        Self { body: Bytes::from(body), entries: selected }
    }

    /// Returns the two halves, or `None` for a single document.
    pub fn halves(&self) -> Option<[Self; 2]> {
        if self.entries.len() < 2 {
            return None;
        }
        let (front, back) = self.entries.split_at(self.entries.len() / 2);
        Some([self.select(front), self.select(back)])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn batch(documents: &[(&str, Option<&str>, &str)]) -> Batch {
        let mut builder = BatchBuilder::default();
        for (id, routing, source) in documents {
            let key = Key { id: (*id).into(), kind: Some("event".into()), routing: None };
            let document = Document { key, source: Bytes::copy_from_slice(source.as_bytes()) };
            builder.push(document, routing.map(str::to_owned));
        }
        builder.take()
    }

    #[test]
    fn a_body_has_an_action_and_a_source_line_per_document() {
        let batch = batch(&[("a\"b", None, r#"{"x":1}"#), ("c", Some("t"), "{}")]);
        let body =
            b"{\"create\":{\"_id\":\"a\\\"b\"}}\n{\"x\":1}\n{\"create\":{\"_id\":\"c\",\"routing\":\"t\"}}\n{}\n";
        assert_eq!(batch.body(), &body[..]);
        assert_eq!(batch.source(&batch.entries()[0]), r#"{"x":1}"#);
    }

    #[test]
    fn parts_of_a_batch_are_whole_batches() {
        let all = batch(&[("a", None, "1"), ("b", Some("r"), "22"), ("c", None, "333")]);
        let [front, back] = all.halves().unwrap();
        assert_eq!(front.body(), batch(&[("a", None, "1")]).body());
        assert_eq!(back.body(), batch(&[("b", Some("r"), "22"), ("c", None, "333")]).body());
        assert_eq!(back.source(&back.entries()[1]), "333");
        assert!(front.halves().is_none());
    }
}
