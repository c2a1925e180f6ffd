//! Collisions that are refused: all of them in the rejects file, some in the message.

use super::Search;
use crate::error::{Error, Result};
use crate::transfer::{Accepted, CopyOutcome, Reject, RejectLog, Rejected};

/// Documents whose `_id` is another document's of the same index.
#[derive(Debug, Default)]
pub struct Collisions {
    /// How many; of each `_id`, the document that could keep it does not count.
    pub documents: u64,
    /// The first of them, each with its index.
    pub named: Vec<(String, Rejected)>,
}

impl Collisions {
    /// Fails when there are any, with the way out. All are in `rejects`.
    ///
    /// # Errors
    /// See above.
    pub fn require_none(&self, rejects: &RejectLog) -> Result<()> {
        if self.documents == 0 {
            return Ok(());
        }
        rejects.sync()?;
        let tell = |(index, one): &(String, Rejected)| format!("{index}, {}: {}", one.id, one.reason);
        let named: Vec<String> = self.named.iter().map(tell).collect();
        let file = rejects.path().display();
        let documents = match self.documents {
            1 => "1 document has".to_owned(),
            more => format!("{more} documents have"),
        };
        Err(Error::refused(format!("{documents} an _id that another document of the same index has too."))
            .because(anyhow::Error::msg(named.join("\n")))
            .hint(format!("Each is in {file}, whole. Nothing has been copied yet, and the old data are as they were."))
            .hint("To keep them, each under a new _id, run the same command again with --on-id-collision prefix-type")
            .hint(format!("If you can do without them, run the same command again with --accept-rejects {file}")))
    }
}

impl Search<'_> {
    /// Returns the collisions; all are in `rejects` afterwards.
    ///
    /// # Errors
    /// As [`crate::lucene::directory::Unit::read`]; when there are too many; when the disk fails; and on cancel.
    pub fn collisions(&self, accepted: &Accepted, rejects: &RejectLog) -> Result<Collisions> {
        let mut collisions = Collisions::default();
        self.for_each_index(accepted, |index, found| {
            index.for_each(|document| {
                if found.groups.new_id(document).is_none() {
                    return Ok(());
                }
                let kind = document.kind.map(str::to_owned);
                let routing = document.routing.unwrap_or("none");
                let reason = format!(
                    "another document has the same _id in this index, under another type or routing (type {}, routing {routing})",
                    document.kind.unwrap_or("none")
                );
                rejects.append(&Reject::new(index.name, document, &reason))?;
                collisions.documents += 1;
                if collisions.named.len() < CopyOutcome::NAMED {
                    collisions.named.push((index.name.to_owned(), Rejected { id: document.id.to_owned(), kind, reason }));
                }
                Ok(())
            })
        })?;
        Ok(collisions)
    }
}
