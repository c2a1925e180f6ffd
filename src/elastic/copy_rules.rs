//! What becomes of documents on their way from the source, besides being copied as they are.

use super::collisions::NewIds;
use super::document::DocumentRef;
use super::rejects::Accepted;
use std::borrow::Cow;
use std::sync::Arc;

/// Which documents are left out, and which are written under another `_id`. The default copies all as they are.
#[derive(Debug, Clone, Default)]
pub struct CopyRules {
    /// Documents that the user accepted to leave out.
    pub accepted: Arc<Accepted>,
    /// Documents that are written under another `_id`.
    pub new_ids: Arc<NewIds>,
}

impl CopyRules {
    /// Returns the `_id` under which a document of an index is in the target: none if it is left out.
    pub(super) fn written_id<'a>(&self, index: &str, document: &DocumentRef<'a>) -> Option<Cow<'a, str>> {
        (!self.accepted.leaves_out(index, document)).then(|| self.new_ids.written_id(index, document))
    }
}
