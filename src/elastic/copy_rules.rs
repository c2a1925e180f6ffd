//! What becomes of documents on their way from the old data, besides being copied as they are.

use super::collisions::NewIds;
use super::document::on_one_line;
use super::left_out::leaves_out;
use super::repair::without_duplicate_keys;
use super::routing::{same_task, task_of};
use crate::transfer::{Accepted, DocumentRef, Rules, Written};
use bytes::Bytes;
use std::sync::Arc;

/// Which documents are left out, and which are written under another `_id`. The default copies all as they are.
#[derive(Debug, Clone, Default)]
pub struct CopyRules {
    /// Documents that the user accepted to leave out.
    pub accepted: Arc<Accepted>,
    /// Documents that are written under another `_id`.
    pub new_ids: Arc<NewIds>,
}

impl Rules for CopyRules {
    /// On one line, without a routing that says no more than the document's own task. Of events, tasks are counted.
    #[inline]
    fn written<'a>(&self, collection: &str, document: &DocumentRef<'a>) -> Option<Written<'a>> {
        if leaves_out(&self.accepted, collection, document) {
            return None;
        }
        let counted = collection.starts_with("events-");
        let task = (counted || document.routing.is_some()).then(|| task_of(document.source)).flatten();
        Some(Written {
            id: self.new_ids.written_id(collection, document),
            keeps_routing: document.routing.is_some_and(|routing| !same_task(routing, task.as_deref())),
            source: on_one_line(document.source),
            group: task.filter(|_| counted),
        })
    }

    fn repaired(&self, source: &[u8]) -> Option<Bytes> {
        without_duplicate_keys(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_routing_is_kept_unless_it_is_the_task_and_tasks_of_events_are_counted() {
        let document = |routing| DocumentRef { id: "a", kind: None, routing, source: br#"{"task":"t1"}"# };
        let written = |index, routing| CopyRules::default().written(index, &document(routing)).unwrap();
        for (index, routing, kept, group) in [
            ("events-log-x", Some("t1"), false, Some("t1")),
            ("events-log-x", Some("t2"), true, Some("t1")),
            ("events-log-x", None, false, Some("t1")),
            ("worker_stats_x", Some("t1"), false, None),
        ] {
            let written = written(index, routing);
            assert_eq!((written.keeps_routing, written.group.as_deref()), (kept, group), "{index} {routing:?}");
        }
    }
}
