//! What is known of a copy of MongoDB's files: every document is read in the original and in the copy.
//!
//! Where the old server was not stopped cleanly, its newest documents are in its log. Then its own image is started on the
//! copy, without a network, and stopped again with time enough: so the copy is whole, whatever the log is like, and what
//! this program makes of the log is held against it.

use super::mongo_files::{self, Which};
use super::{Run, mend_mongo};
use crate::error::{Error, Result};
use crate::message::{About, Code, Message};
use crate::mongo::{CollectionCompared, CopiedMongo, Found, Known, Rule, is_refusal};
use crate::plan::Replacement;
use crate::text::{documents, plural};
use crate::transfer::{Copied, Places, Proof, ReadBack, Stored};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Looks at a copy on which nothing runs, and at what it was copied from; nothing where these are no data of a mongod's.
///
/// # Errors
/// Refuses what is damaged, or of a kind that is not read. A difference where a document is not the same in both.
pub(super) async fn verify(run: &Run, one: &Replacement) -> Result<Option<CopiedMongo>> {
    let lost = match mongo_files::look(run, &one.source).await? {
        Found::Nothing => return Ok(None),
        Found::Unknown => {
            let why = format!("{} has none of the files that MongoDB is known to make", one.source.display());
            let told = format!("MongoDB's files are copied byte for byte, and its documents are not compared: {why}.");
            run.events.warn(Message::new(Code::NotCompared, told).about(About::path(&one.source)));
            return Ok(Some(CopiedMongo { counts: BTreeMap::new(), known: Known::Nothing { why } }));
        }
        Found::InOrder => {
            let compared = mongo_files::compare(run, &one.source, &one.target, Rule::Exact, Which::All).await?;
            require_equal(&compared, &one.source)?;
            return Ok(Some(CopiedMongo { counts: counts(&compared), known: Known::Comparison }));
        }
        Found::ToReplay(_) => None,
        Found::WithoutLog(why) => Some(why),
    };
    let image = match mend_mongo::image(run, one).await {
        Ok(image) => image,
        Err(error) if is_refusal(&error) && lost.is_none() && run.options.replay => {
            return replayed(run, one, &error).await.map(Some);
        }
        Err(error) if lost.is_none() => return Err(error.hint(REPLAY)),
        Err(error) => return Err(error),
    };
    mend_mongo::mend(run, one, &image).await?;
    // What is read in the log must be what the server makes of it. Where it cannot be read, the copy is at least whole.
    let original = if lost.is_none() { &one.source } else { &one.target };
    let compared = mongo_files::compare(run, original, &one.target, Rule::Exact, Which::Users).await?;
    require_equal(&compared, &one.source)?;
    Ok(Some(CopiedMongo { counts: counts(&compared), known: Known::Recovery { image, unread_log: lost } }))
}

/// What to do where only this program can tell what the log has.
const REPLAY: &str = "Or take this program's word for what the log has: run the same command again with --replay";

/// Takes the word of this program for what the log has. The new server reads the log by itself when it starts.
async fn replayed(run: &Run, one: &Replacement, why: &Error) -> Result<CopiedMongo> {
    let why = why.phrase();
    run.events.warn(
        Message::new(
            Code::LogUnconfirmed,
            format!("What MongoDB's log has is known from this program alone (--replay): {why}."),
        )
        .about(About::path(&one.source)),
    );
    let compared = mongo_files::compare(run, &one.source, &one.target, Rule::Exact, Which::All).await?;
    require_equal(&compared, &one.source)?;
    Ok(CopiedMongo { counts: counts(&compared), known: Known::Replay })
}

fn counts(compared: &[CollectionCompared]) -> BTreeMap<String, u64> {
    compared.iter().map(|one| (one.found.collection.clone(), one.found.documents)).collect()
}

fn require_equal(compared: &[CollectionCompared], source: &Path) -> Result<()> {
    let different = different(compared);
    let lines: Vec<String> =
        compared.iter().filter(|one| different.contains(&one.found.collection)).map(difference).collect();
    if lines.is_empty() {
        return Ok(());
    }
    Err(Error::difference("The copy of MongoDB does not have what the original has.")
        .because(anyhow::Error::msg(lines.join("\n")))
        .hint("Check the disk and the memory of this machine (`dmesg` may say more).")
        .hint(format!("The old data are as they were in {}, and the same command copies them anew.", source.display())))
}

/// Returns the collections of which not every document of the original is in the copy as it was, or others are.
fn different(compared: &[CollectionCompared]) -> BTreeSet<String> {
    let found = || compared.iter().map(|one| &one.found);
    let mut places = Places::new(Some(Proof::Documents), found().map(|one| one.collection.as_str()));
    for one in found() {
        places.copied(&one.collection, Copied { there: None, read: one.documents, left_out: 0 });
        places.written(&one.collection, Stored { documents: one.documents, digest: None });
        if one.there {
            places.read(&one.collection, ReadBack::from(one));
        }
    }
    let lacking = places.discrepancies().into_iter().map(|one| one.collection);
    lacking.chain(found().filter(|one| one.added > 0).map(|one| one.collection.clone())).collect()
}

fn difference(one: &CollectionCompared) -> String {
    let found = &one.found;
    let named: Vec<String> = found.named.iter().map(ToString::to_string).collect();
    let (missing, changed, added) = (found.missing, found.changed, found.added);
    let numbers = format!("{}: {missing} missing, {changed} changed, {added} too many", found.collection);
    if named.is_empty() { numbers } else { format!("{numbers} ({})", named.join("; ")) }
}

/// Returns what is known of a copy, as a phrase for the line of its step.
pub(super) fn summary(copied: &CopiedMongo) -> String {
    let all = documents(copied.documents());
    let all = format!("{all} in {}", plural(copied.counts.len() as u64, "collection", "collections"));
    match &copied.known {
        Known::Comparison => format!("{all}, every one equal"),
        Known::Recovery { image, unread_log: None } => {
            format!("{all}, recovered by {image} and equal to what its log has")
        }
        Known::Recovery { image, unread_log: Some(_) } => format!("{all}, recovered by {image}"),
        Known::Replay => format!("{all}, those of its log included, every one equal"),
        Known::Nothing { .. } => "not read".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::{Compared, How, Named};

    #[test]
    fn a_copy_that_lacks_changes_or_adds_anything_is_a_difference_that_names_it() {
        let found = |missing, changed, added| Compared {
            collection: "backend.task".into(),
            documents: 8,
            there: true,
            missing,
            changed,
            added,
            ..Compared::default()
        };
        let require = |found| require_equal(&[CollectionCompared { found, rewritten: 0 }], Path::new("/data/db"));
        assert!(require(found(0, 0, 0)).is_ok());
        for found in [found(1, 0, 0), found(0, 1, 0), found(0, 0, 1)] {
            let error = require(found).unwrap_err();
            assert_eq!(error.kind().exit_code(), 4);
            assert!(error.phrase().contains("backend.task") && error.hints()[1].contains("/data/db"), "{error:?}");
        }
        let named = vec![Named { id: "a1".into(), how: How::Altered }];
        let error = require(Compared { named, ..found(0, 1, 0) }).unwrap_err();
        assert!(error.phrase().contains("a1 has another content"), "{error:?}");
    }

    #[test]
    fn the_line_of_the_step_says_how_the_copy_is_known() {
        let copied = |known| CopiedMongo { counts: [("backend.task".to_owned(), 1)].into(), known };
        let recovered = |unread_log| Known::Recovery { image: "mongo:3.6.5".into(), unread_log };
        let lines = [Known::Comparison, Known::Replay, recovered(None), recovered(Some("x".into()))];
        assert_eq!(
            lines.map(|known| summary(&copied(known))),
            [
                "1 document in 1 collection, every one equal",
                "1 document in 1 collection, those of its log included, every one equal",
                "1 document in 1 collection, recovered by mongo:3.6.5 and equal to what its log has",
                "1 document in 1 collection, recovered by mongo:3.6.5",
            ]
        );
    }
}
