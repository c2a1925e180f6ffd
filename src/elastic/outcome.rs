//! What came of copying indices, as users read it.

use crate::error::{Error, Result};
use crate::transfer::CopyOutcome;
use std::path::Path;

/// What to do about documents of one `_id` that a node has given out: it tells of them when it is too late to keep them.
const KEEP_COLLISIONS: &str = "To keep documents that share their _id, take the migration back (rollback), and begin it again without --reader and with --on-id-collision prefix-type";

/// Fails when documents were refused, naming the first of them and the file that holds all.
///
/// # Errors
/// See above.
pub fn require_complete(outcomes: &[CopyOutcome], rejects_file: &Path) -> Result<()> {
    let refused: u64 = outcomes.iter().map(|outcome| outcome.rejects + outcome.collisions).sum();
    if refused == 0 {
        return Ok(());
    }
    let named: Vec<String> = outcomes
        .iter()
        .flat_map(|outcome| outcome.named.iter().map(|rejected| (&outcome.collection, rejected)))
        .take(CopyOutcome::NAMED)
        .map(|(index, rejected)| format!("{index}, {}: {}", rejected.id, rejected.reason))
        .collect();
    let file = rejects_file.display();
    let collisions = outcomes.iter().any(|outcome| outcome.collisions > 0);
    let documents = if refused == 1 { "1 document".to_owned() } else { format!("{refused} documents") };
    let error = Error::failed(format!("The new Elasticsearch refused {documents}."))
        .because(anyhow::Error::msg(named.join("\n")))
        .hint(format!("Each is in {file}, whole, with the reason. Nothing has been changed in the old data."))
        .hint(format!("If you can do without them, run the same command again with --accept-rejects {file}"));
    Err(if collisions { error.hint(KEEP_COLLISIONS) } else { error })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::{Digest, GroupSample, Rejected};

    #[test]
    fn refused_documents_are_named_with_the_way_out() {
        let rejected = Rejected { id: "a".into(), kind: None, reason: "mapper_parsing_exception: no".into() };
        let outcome = CopyOutcome {
            collection: "events-log-x".into(),
            there: Some(2),
            read: 2,
            written: 1,
            bytes: 9,
            left_out: 0,
            routing_kept: 0,
            converted: 0,
            renamed: 0,
            repaired: 0,
            deleted: 0,
            rejects: 1,
            collisions: 0,
            named: vec![rejected],
            samples: GroupSample::default(),
            digest: Digest::new(),
        };
        assert!(!outcome.is_complete());
        let error = require_complete(&[outcome], Path::new("/x/rejects.ndjson")).unwrap_err();
        assert_eq!(error.message(), "The new Elasticsearch refused 1 document.");
        assert_eq!(error.causes(), ["events-log-x, a: mapper_parsing_exception: no"]);
        assert!(error.hints()[1].ends_with("--accept-rejects /x/rejects.ndjson"));
    }
}
