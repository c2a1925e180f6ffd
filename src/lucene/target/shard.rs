//! A shard: its last commit, which must be all there is.

use super::super::Corrupt;
use super::super::codec::Codec;
use super::super::commit::{self, Commit};
use super::super::mapped::refused;
use super::super::segment::Segment;
use super::unit::TargetUnit;
use super::{complete, names};
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

#[derive(Debug)]
pub(super) struct Opened {
    pub(super) commit: String,
    pub(super) segments: Vec<Segment>,
}

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
        let mut attempt = 1;
        loop {
            let (name, generation) = newest_commit(&lucene)?;
            match open(dir, &lucene, &name, &generation) {
                Ok(opened) => {
                    return match expected {
                        Some(expected) if expected != opened.commit => Err(other_commit(&lucene.join(name))),
                        _ => Ok(Self(Arc::new(opened))),
                    };
                }
                // Files that are gone are no wonder if there is a newer commit.
                Err(error) if attempt == ATTEMPTS || newest_commit(&lucene)?.0 == name => return Err(error),
                Err(_) => attempt += 1,
            }
        }
    }

    /// Returns the id of the commit, as the node tells it.
    pub fn commit(&self) -> &str {
        &self.0.commit
    }

    /// Returns all there is to read, in the order in which Lucene numbers documents.
    pub fn units(&self) -> Vec<TargetUnit> {
        let segments = self.0.segments.iter().enumerate();
        let units = segments.flat_map(|(number, segment)| {
            segment.parts().iter().map(move |part| TargetUnit::new(self.clone(), number, *part))
        });
        units.collect()
    }

    pub(super) fn segment(&self, number: usize) -> Option<&Segment> {
        self.0.segments.get(number)
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
