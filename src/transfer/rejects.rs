//! Documents that the target refused: kept whole in a file, and given back by a user who has read it and can do
//! without them.
//!
//! The file is NDJSON, one object per document: `{"index":…,"type":…,"id":…,"routing":…,"reason":…,"source":…}`, where
//! `source` is the document as text, byte for byte. That of a document which is not UTF-8 has U+FFFD in place of
//! what is not; its bytes are in `source_base64`, which no other document has.

use super::change::{DocumentRef, Key};
use crate::error::{Context, Error, Result};
use crate::failpoints;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use xxhash_rust::xxh3::xxh3_128;

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject<'a> {
    /// The collection, the same in source and target.
    #[serde(rename = "index")]
    pub collection: Cow<'a, str>,
    /// The kind in the source.
    #[serde(rename = "type")]
    pub kind: Option<Cow<'a, str>>,
    /// The id.
    pub id: Cow<'a, str>,
    /// The routing in the source.
    pub routing: Option<Cow<'a, str>>,
    /// Why the target refused it, in the target's words.
    pub reason: Cow<'a, str>,
    /// The text of the source.
    pub source: Cow<'a, str>,
    /// The bytes of the source, as base64, where no text has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_base64: Option<String>,
}

impl<'a> Reject<'a> {
    /// Returns the line of a document.
    pub fn new(collection: &'a str, document: &DocumentRef<'a>, reason: &'a str) -> Self {
        Self {
            collection: collection.into(),
            kind: document.kind.map(Into::into),
            id: document.id.into(),
            routing: document.routing.map(Into::into),
            reason: reason.into(),
            source: String::from_utf8_lossy(document.source),
            source_base64: str::from_utf8(document.source).is_err().then(|| STANDARD.encode(document.source)),
        }
    }
}

/// Writes refused documents as they come. The file is made with the first.
#[derive(Debug)]
pub struct RejectLog {
    path: PathBuf,
    file: Mutex<Option<File>>,
}

impl RejectLog {
    /// Returns a log that will write to `path`, behind whatever the file holds.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: Mutex::new(None) }
    }

    /// Returns where the file is, or would be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one document.
    ///
    /// # Errors
    /// Fails when the file cannot be written.
    pub fn append(&self, reject: &Reject<'_>) -> Result<()> {
        let message = || format!("The refused documents could not be written to {}.", self.path.display());
        failpoints::reach("transfer.write_reject")?;
        let mut line = serde_json::to_vec(reject).context(message)?;
        line.push(b'\n');
        let mut slot = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match slot.as_mut() {
            Some(file) => file,
            None => {
                let opened = File::options().create(true).append(true).open(&self.path).context(message)?;
                slot.insert(opened)
            }
        };
        file.write_all(&line).context(message)
    }

    /// Makes what was written durable.
    ///
    /// # Errors
    /// Fails when the disk does.
    pub fn sync(&self) -> Result<()> {
        let slot = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        match slot.as_ref() {
            Some(file) => file.sync_all().context(|| format!("{} could not be written to disk.", self.path.display())),
            None => Ok(()),
        }
    }
}

/// Documents that the user accepted to leave out: these very documents, with what is in them. One that has changed since
/// is another one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted(HashMap<String, HashMap<Key, HashSet<u128>>>);

/// What of a line identifies the document, and its content.
#[derive(Deserialize)]
struct AcceptedLine {
    #[serde(rename = "index")]
    collection: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    id: String,
    routing: Option<String>,
    source: String,
    source_base64: Option<String>,
}

impl Accepted {
    /// Reads a rejects file that was given back.
    ///
    /// # Errors
    /// Fails when the file cannot be read or a line is not what [`RejectLog`] wrote, with the line's number.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let mut reader = BufReader::new(File::open(path).map_err(|cause| {
            Error::usage(format!("The file {shown} could not be opened."))
                .because(cause)
                .hint("--accept-rejects takes the file of refused documents that an earlier run named.")
        })?);
        let mut accepted = Self::default();
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            if reader.read_until(b'\n', &mut line).context(|| format!("The file {shown} could not be read."))? == 0 {
                break;
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            let wrong = |cause: anyhow::Error| {
                Error::usage(format!("Line {number} of {shown} is not a refused document."))
                    .because(cause)
                    .hint("Delete whole lines only; leave the others as they were written.")
            };
            let entry: AcceptedLine = serde_json::from_slice(&line).map_err(|cause| wrong(cause.into()))?;
            let source = match &entry.source_base64 {
                Some(text) => STANDARD.decode(text).map_err(|cause| wrong(cause.into()))?,
                None => entry.source.into_bytes(),
            };
            accepted.insert(entry.collection, Key { id: entry.id, kind: entry.kind, routing: entry.routing }, &source);
        }
        Ok(accepted)
    }

    /// Returns whether a document is among them as it was, in one of the forms in which it could have been refused.
    pub fn leaves_out<'a>(
        &self,
        collection: &str,
        document: &DocumentRef<'a>,
        forms: impl FnOnce(&'a [u8]) -> Vec<Cow<'a, [u8]>>,
    ) -> bool {
        let Some(keys) = self.0.get(collection) else { return false };
        let Some(contents) = keys.get(&document.key()) else { return false };
        forms(document.source).iter().any(|form| contents.contains(&xxh3_128(form)))
    }

    /// Adds one document.
    pub fn insert(&mut self, collection: String, key: Key, source: &[u8]) {
        self.0.entry(collection).or_default().entry(key).or_default().insert(xxh3_128(source));
    }

    /// Returns the number of documents.
    pub fn len(&self) -> usize {
        self.0.values().map(HashMap::len).sum()
    }

    /// Returns whether nothing is to be left out.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_given_back_names_exactly_its_documents() {
        let directory = tempfile::tempdir().unwrap();
        let log = RejectLog::new(directory.path().join("rejects.ndjson"));
        log.sync().unwrap();
        assert!(!log.path().exists(), "nothing refused, no file");
        for (kind, routing) in [(Some("event"), Some("t1")), (None, None)] {
            let reject = Reject {
                collection: "events-log-x".into(),
                kind: kind.map(Into::into),
                id: "a\nb".into(),
                routing: routing.map(Into::into),
                reason: "mapper_parsing_exception: \"no\"".into(),
                source: "{\n\"a\":1,\"a\":2}".into(),
                source_base64: None,
            };
            log.append(&reject).unwrap();
        }
        log.sync().unwrap();
        let text = std::fs::read_to_string(log.path()).unwrap();
        let first: Reject<'_> = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(first.source, "{\n\"a\":1,\"a\":2}");

        let accepted = Accepted::read(log.path()).unwrap();
        assert_eq!(accepted.len(), 2);
        let leaves_out = |collection, kind, routing, source: &str| {
            let document = DocumentRef { id: "a\nb", kind, routing, source: source.as_bytes() };
            accepted.leaves_out(collection, &document, |source| vec![source.trim_ascii().into()])
        };
        assert!(leaves_out("events-log-x", Some("event"), Some("t1"), "{\n\"a\":1,\"a\":2}"));
        assert!(leaves_out("events-log-x", None, None, " {\n\"a\":1,\"a\":2}"), "in the form in which it was refused");
        assert!(!leaves_out("events-log-x", Some("event"), Some("t2"), "{\n\"a\":1,\"a\":2}"));
        assert!(!leaves_out("events-log-y", None, None, "{\n\"a\":1,\"a\":2}"));
        assert!(!leaves_out("events-log-x", None, None, "{\"a\":2}"), "it was mended since");
    }

    #[test]
    fn a_document_that_is_not_utf_8_is_kept_byte_for_byte_and_can_be_given_back() {
        let directory = tempfile::tempdir().unwrap();
        let log = RejectLog::new(directory.path().join("rejects.ndjson"));
        for source in [&b"{\"msg\":\"caf\xED\xB3\xA9\"}"[..], "{\"msg\":\"café\"}".as_bytes()] {
            let document = DocumentRef { id: "a", kind: Some("event"), routing: Some("t"), source };
            log.append(&Reject::new("events-log-x", &document, "no")).unwrap();
        }
        let text = std::fs::read_to_string(log.path()).unwrap();
        let lines: Vec<Reject<'_>> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0].source, "{\"msg\":\"caf\u{FFFD}\u{FFFD}\u{FFFD}\"}");
        let kept = STANDARD.decode(lines[0].source_base64.as_ref().unwrap()).unwrap();
        assert_eq!(kept, b"{\"msg\":\"caf\xED\xB3\xA9\"}");
        assert_eq!((lines[1].source.as_ref(), &lines[1].source_base64), ("{\"msg\":\"café\"}", &None));
        assert_eq!(Accepted::read(log.path()).unwrap().len(), 1);
    }

    #[test]
    fn a_damaged_line_is_named_by_its_number() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rejects.ndjson");
        std::fs::write(&path, "{\"index\":\"i\",\"id\":\"a\",\"source\":\"{}\"}\n\nhello\n").unwrap();
        let error = Accepted::read(&path).unwrap_err();
        assert!(error.message().starts_with("Line 3 of "), "{error}");
    }
}
