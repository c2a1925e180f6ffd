//! Changes as the lines of a bulk request.

use crate::transfer::{Encode, Line, Mode};
use std::ops::Range;

/// The lines of one mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BulkLines(pub Mode);

impl Encode for BulkLines {
    const FRAME: usize = 40;

    fn encode(&self, line: Line<'_>, body: &mut Vec<u8>) -> Range<usize> {
        body.extend_from_slice(match (line.source, self.0) {
            (None, _) => br#"{"delete":{"_id":"#,
            (Some(_), Mode::Create) => br#"{"create":{"_id":"#,
            (Some(_), Mode::Upsert) => br#"{"index":{"_id":"#,
        });
        push_string(body, line.id);
        if let Some(routing) = line.routing {
            body.extend_from_slice(br#","routing":"#);
            push_string(body, routing);
        }
        body.extend_from_slice(b"}}\n");
        let start = body.len();
        let Some(source) = line.source else { return start..start };
        body.extend_from_slice(source);
        body.push(b'\n');
        start..start + source.len()
    }
}

fn push_string(body: &mut Vec<u8>, text: &str) {
    // A string always serialises, and a vector takes all.
    let _ = serde_json::to_writer(body, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_an_action_and_the_document_of_one_that_is_put() {
        let (put, gone) = (Some(&br#"{"x": 1}"#[..]), None);
        let lines = [
            (Mode::Create, put, "{\"create\":{\"_id\":\"a\\\"b\",\"routing\":\"t\"}}\n{\"x\": 1}\n"),
            (Mode::Upsert, put, "{\"index\":{\"_id\":\"a\\\"b\",\"routing\":\"t\"}}\n{\"x\": 1}\n"),
            (Mode::Upsert, gone, "{\"delete\":{\"_id\":\"a\\\"b\",\"routing\":\"t\"}}\n"),
        ];
        for (mode, source, expected) in lines {
            let mut body = Vec::new();
            let range = BulkLines(mode).encode(Line { id: "a\"b", routing: Some("t"), source }, &mut body);
            assert_eq!(String::from_utf8(body.clone()).unwrap(), expected);
            assert_eq!(&body[range], source.unwrap_or_default());
        }
        let mut body = Vec::new();
        BulkLines(Mode::Create).encode(Line { id: "c", routing: None, source: Some(b"{}") }, &mut body);
        assert_eq!(body, b"{\"create\":{\"_id\":\"c\"}}\n{}\n");
    }
}
