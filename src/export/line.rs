//! A document as two lines of a bulk request.

use crate::elastic::{put_on_one_line, without_surroundings};
use crate::lucene::directory::Document;

/// The beginning of every action line of an index.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    start: Vec<u8>,
}

impl Lines {
    /// Returns the lines of the index `name`.
    pub fn of_index(name: &str) -> Self {
        let mut start = br#"{"create":{"_index":"#.to_vec();
        push_string(&mut start, name);
        start.extend_from_slice(br#","_id":"#);
        Self { start }
    }

    /// Appends a document. A source of several lines is put on one, and left out is what stands around it;
    /// nothing else of it is changed.
    pub fn push(&self, document: &Document<'_>, text: &mut Vec<u8>) {
        text.extend_from_slice(&self.start);
        push_string(text, document.id);
        if let Some(routing) = document.routing {
            text.extend_from_slice(br#","routing":"#);
            push_string(text, routing);
        }
        text.extend_from_slice(b"}}\n");
        put_on_one_line(without_surroundings(document.source), text);
        text.push(b'\n');
    }
}

fn push_string(text: &mut Vec<u8>, string: &str) {
    // A string always serialises, and a vector takes all.
    let _ = serde_json::to_writer(text, string);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::source::Format;

    #[test]
    fn a_document_is_an_action_and_a_source_on_one_line() {
        let source = b" {\n  \"a\": \"x\\ny\"\n}\n";
        let document = Document { kind: "event", id: "a\"b", routing: Some("t"), source, sent_as: Format::Json };
        let mut text = Vec::new();
        Lines::of_index("events-log-x").push(&document, &mut text);
        Lines::of_index("i").push(&Document { id: "c", routing: None, source: b"{}", ..document }, &mut text);
        let expected = concat!(
            r#"{"create":{"_index":"events-log-x","_id":"a\"b","routing":"t"}}"#,
            "\n",
            r#"{   "a": "x\ny" }"#,
            "\n",
            r#"{"create":{"_index":"i","_id":"c"}}"#,
            "\n{}\n"
        );
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}
