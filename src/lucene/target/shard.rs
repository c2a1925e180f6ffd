//! A shard: its last commit, which must be all there is.

use super::super::Corrupt;
use super::super::codec::Codec;
use super::super::commit::{self, Commit};
use super::super::mapped::{names, refused};
use super::super::segment::Segment;
use super::complete;
use super::unit::{Opened, TargetUnit};
use crate::error::{Error, Result};
use crate::files::problem::problem;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// A node may make new commits while one is being opened, and delete the files of the old one. So often it is tried.
const ATTEMPTS: usize = 10;
/// In the directory of a shard that Elasticsearch gave up, there is a file whose name begins with this.
const CORRUPTED: &str = "corrupted_";

/// A shard that is ready to be read. Clones are cheap and the same shard.
#[derive(Debug, Clone)]
pub struct TargetShard(Arc<Opened>);

impl TargetShard {
    /// Opens the last commit of the shard in `dir`, such as `<path.data>/nodes/0/indices/<uuid>/0`.
    ///
    /// `expected` is the id of the commit that is meant, as the node tells it
    /// (`GET /<index>/_stats?level=shards`: `commit.id`); nothing for whichever is the last one.
    ///
    /// Nothing is known here of the settings of the index: where they filter sources, what is left of these is given out.
    /// [`TargetDirectory::shards`](super::TargetDirectory::shards) refuses that.
    ///
    /// # Errors
    /// Refuses what is damaged or unknown, with the file's path, a shard with operations that are not in its commit, and
    /// one whose commit is not the expected one. Fails if something cannot be read.
    pub fn open(dir: &Path, expected: Option<&str>) -> Result<Self> {
        let lucene = dir.join("index");
        let (name, opened) =
            last_that_opens(|| newest_commit(&lucene), |name, generation| open(dir, &lucene, name, generation))?;
        match expected {
            Some(expected) if expected != opened.commit => Err(other_commit(&lucene.join(name))),
            _ => Ok(Self(Arc::new(opened))),
        }
    }

    /// Returns the id of the commit, as the node tells it.
    pub fn commit(&self) -> &str {
        &self.0.commit
    }

    /// Returns how many documents there are, without reading them. Nested objects count as documents of their own.
    pub fn documents(&self) -> u64 {
        self.0.segments.iter().map(Segment::live_documents).sum()
    }

    /// Returns all there is to read, in the order in which Lucene numbers documents.
    pub fn units(&self) -> Vec<TargetUnit> {
        let segments = self.0.segments.iter().enumerate();
        let units = segments.flat_map(|(number, segment)| {
            segment.parts().iter().map(move |part| TargetUnit::new(Arc::clone(&self.0), number, *part))
        });
        units.collect()
    }
}

/// Opens the newest commit, and again while there is a newer one: files of the old one may be gone then. Returns its
/// name too.
fn last_that_opens<T>(
    newest: impl Fn() -> Result<(String, String)>,
    open: impl Fn(&str, &str) -> Result<T>,
) -> Result<(String, T)> {
    let mut attempt = 1;
    loop {
        let (name, generation) = newest()?;
        match open(&name, &generation) {
            Ok(opened) => return Ok((name, opened)),
            Err(error) if attempt == ATTEMPTS || newest()?.0 == name => return Err(error),
            Err(_) => attempt += 1,
        }
    }
}

/// Returns the name of the newest commit and the generation in it.
fn newest_commit(lucene: &Path) -> Result<(String, String)> {
    let names = names(lucene)?;
    if let Some(marker) = names.iter().find(|name| name.starts_with(CORRUPTED)) {
        return Err(refused(&lucene.join(marker), Corrupt::new("Elasticsearch found damage in this shard")));
    }
    let newest = commit::newest(names.iter().map(String::as_str));
    let (name, generation) = newest.ok_or_else(|| refused(lucene, Corrupt::new("it has no file segments_N")))?;
    Ok((name.to_owned(), generation.to_owned()))
}

fn open(dir: &Path, lucene: &Path, name: &str, generation: &str) -> Result<Opened> {
    let path = lucene.join(name);
    let refuse = |why: &str| refused(&path, Corrupt::new(why));
    let bytes = fs::read(&path).map_err(|cause| problem("read", &path, cause))?;
    let Commit { id, contents, .. } =
        commit::parse(&bytes, generation, &commit::OF_ELASTICSEARCH_7_AND_8).map_err(|why| refused(&path, why))?;
    let contents = contents.ok_or_else(|| refuse("a Lucene older than that of Elasticsearch 7 wrote it"))?;
    let mut segments = Vec::new();
    for named in &contents.segments {
        segments.push(Segment::open(lucene, named, Codec::of_elasticsearch7_or_8)?);
    }
    complete::check(&dir.join("translog"), &path, &contents.user_data)?;
    Ok(Opened { commit: STANDARD.encode(id), segments })
}

fn other_commit(path: &Path) -> Error {
    Error::refused(format!("{} is not the commit that was to be read.", path.display()))
        .because(Corrupt::new("another one was made since"))
        .hint("Something still writes to the index. Stop it, then run the same command again.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_commit_that_was_replaced_while_it_was_opened_is_left_for_the_newer_one() {
        let generation = Cell::new(1);
        let newest = || Ok((format!("segments_{}", generation.get()), generation.get().to_string()));
        let opened = last_that_opens(newest, |_, opened| {
            if generation.get() < 4 {
                generation.set(generation.get() + 1);
                return Err(Error::failed("a file is gone"));
            }
            Ok(opened.to_owned())
        });
        assert_eq!(opened.unwrap(), ("segments_4".to_owned(), "4".to_owned()));
    }

    #[test]
    fn what_stays_broken_or_never_stays_is_an_error() {
        let (listed, tried) = (Cell::new(0), Cell::new(0));
        let broken = |_: &str, _: &str| -> Result<()> {
            tried.set(tried.get() + 1);
            Err(Error::failed("a file is gone"))
        };
        let same = || Ok(("segments_1".to_owned(), "1".to_owned()));
        assert!(last_that_opens(same, broken).is_err());
        assert_eq!(tried.get(), 1);
        let ever_newer = || {
            listed.set(listed.get() + 1);
            Ok((format!("segments_{}", listed.get()), listed.get().to_string()))
        };
        assert!(last_that_opens(ever_newer, broken).is_err());
        assert_eq!(tried.get(), 1 + ATTEMPTS);
    }

    #[test]
    fn a_shard_that_elasticsearch_gave_up_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["segments_3", "corrupted_a1"] {
            crate::lucene::testing::write(&dir.path().join("index").join(name), b"");
        }
        let error = TargetShard::open(dir.path(), None).unwrap_err();
        assert!(error.message().contains("corrupted_a1"), "{error}");
    }
}
