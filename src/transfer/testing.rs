//! What tests of sinks need.

use super::adaptive::{Connections, MOST_BYTES, Rate};
use super::batch::{Batch, BatchBuilder};
use super::change::{DocumentRef, Gone, Written};
use super::encode::{Encode, Line};
use std::ops::Range;

/// `(id, routing, document)`; of one that is deleted, no document.
pub type Sent<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// Returns a batch of these changes, as they are sent.
pub fn batch(encode: &impl Encode, changes: &[Sent<'_>]) -> Batch {
    let mut builder = BatchBuilder::default();
    for (id, routing, source) in changes {
        match source {
            None => builder.delete(encode, &Gone { id, routing: *routing }),
            Some(source) => {
                let source = source.as_bytes();
                let document = DocumentRef { id, kind: Some("event"), routing: *routing, source };
                let keeps_routing = routing.is_some();
                let written = Written { id: (*id).into(), keeps_routing, source: source.into(), group: None };
                builder.put(encode, &document, &written);
            }
        }
    }
    builder.build()
}

/// Returns a rate that nobody else has.
pub fn rate() -> Rate {
    Connections::new(MOST_BYTES).rate()
}

/// Documents one behind the other.
#[derive(Clone, Copy)]
pub struct Plain;

impl Encode for Plain {
    const FRAME: usize = 0;

    fn encode(&self, line: Line<'_>, body: &mut Vec<u8>) -> Range<usize> {
        let start = body.len();
        body.extend_from_slice(line.source.unwrap_or_default());
        start..body.len()
    }
}
