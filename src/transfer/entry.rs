//! One change of a batch: where its parts are.

use std::ops::Range;

/// One change of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where id, kind and routing of the source, and the other id that it is sent with, begin among the names, one behind
    /// the other.
    pub(super) names: usize,
    pub(super) id: usize,
    pub(super) kind: Option<usize>,
    pub(super) routing: Option<usize>,
    pub(super) new_id: Option<usize>,
    /// Whether the routing is sent, too.
    pub(super) sends_routing: bool,
    /// Whether the document is deleted.
    pub(super) deletes: bool,
    /// Where the document is in the body.
    pub(super) source: Range<usize>,
}

impl Entry {
    /// Returns whether the document is deleted.
    pub fn deletes(&self) -> bool {
        self.deletes
    }
}
