//! The old Elasticsearch data, opened to be read: their files, or a temporary node that works on a clone of them.

use super::copied::{READER, choice, reader};
use super::node::{self, Node};
use super::readable::Readable;
use super::{Run, pull_images};
use crate::elastic::indices::{self, Listed};
use crate::elastic::{Files, Source, SourceIndex};
use crate::error::{Kind, Result};
use crate::files::Owned;
use crate::files::blocking;
use crate::message::{Code, Message};
use crate::plan::{Action, OnIdCollision, Reader};
use std::collections::BTreeSet;
use std::path::Path;

/// Old data that can be read. While it is their files, no node can start on them.
pub(super) type OldData = Readable<Files>;

/// Decides, now that the old server has stopped, what reads the data that are copied, and keeps to it from here on.
///
/// # Errors
/// As [`open_files`].
pub(super) async fn open_to_copy(run: &Run, path: &Path) -> Result<Option<Files>> {
    if let Reader::Scroll { asked: false, why } = reader(run)?
        && !why.is_empty()
    {
        tell(run, &why);
    }
    match open_files(run, path).await? {
        Opened::Files(files) => Ok(Some(files)),
        Opened::ByNode => Ok(None),
        Opened::Refused(why) => {
            run.note(run.id_of(Action::COPY_ELASTIC)?, READER, &Reader::Scroll { asked: false, why })?;
            Ok(None)
        }
    }
}

/// Opens old data where they lie now, at a time when nothing can be noted. The clone is made at `place` if a node reads.
///
/// # Errors
/// As [`open_files`], and when the node does not come up.
pub(super) async fn open(run: &Run, path: &Path, place: Owned) -> Result<OldData> {
    match open_files(run, path).await? {
        Opened::Files(files) => Ok(OldData::Files(files)),
        Opened::ByNode | Opened::Refused(_) => {
            pull_images::require(run, [&run.elastic()?.source_image]).await?;
            Ok(OldData::Node(Box::new(node::start_source_on_clone(run, path, place).await?)))
        }
    }
}

/// What became of the wish to read files.
enum Opened {
    Files(Files),
    /// Nobody wished to.
    ByNode,
    /// They are refused, for this reason; a node may read them.
    Refused(String),
}

/// Opens the files, if it is they that are read.
///
/// # Errors
/// Refuses files that cannot be read where no node may take over. Fails when the image of that node cannot be pulled.
async fn open_files(run: &Run, path: &Path) -> Result<Opened> {
    let Reader::Segments { fallback } = reader(run)? else { return Ok(Opened::ByNode) };
    // A node tells too late which documents share their `_id`.
    let fallback = fallback && choice(run)? == OnIdCollision::Refuse;
    let path = path.to_owned();
    match blocking(move || Files::open(&path)).await {
        Ok(files) => Ok(Opened::Files(files)),
        Err(refusal) if refusal.kind() == Kind::Refused && fallback => {
            let why = refusal.phrase();
            tell(run, &why);
            pull_images::require(run, [&run.elastic()?.source_image]).await?;
            Ok(Opened::Refused(why))
        }
        Err(refusal) if refusal.kind() == Kind::Refused => Err(refusal.hint(WITH_A_NODE)),
        Err(error) => Err(error),
    }
}

/// What to do about files that are refused where a node may read them, or not any more.
pub(super) const WITH_A_NODE: &str = "Elasticsearch 5.6 itself may read them: take the migration back (rollback), and begin it again with --reader scroll.";

fn tell(run: &Run, why: &str) {
    run.events.warn(Message::new(
        Code::ReadByNode,
        format!("The old Elasticsearch data are read by a temporary Elasticsearch 5.6, not from their files: {why}."),
    ));
}

impl OldData {
    /// Returns where documents come from.
    pub fn source(&self) -> Source {
        match self {
            Self::Files(files) => files.clone().into(),
            Self::Node(node) => node.client.clone().into(),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// As [`Node::stop`].
    pub async fn close(self, run: &Run) -> Result<()> {
        match self {
            Self::Files(_) => Ok(()),
            Self::Node(node) => node.stop(run).await,
        }
    }

    /// Returns the server's indices without those in `done`, and the names of others. With a node, closed ones are open
    /// afterwards.
    ///
    /// # Errors
    /// Refused when a shard is missing; fails when the node does not answer.
    pub async fn indices(&self, done: &BTreeSet<String>) -> Result<(Vec<SourceIndex>, Vec<String>)> {
        match self {
            Self::Files(files) => {
                let ours = files.indices().iter().filter(|index| !done.contains(&index.name)).cloned().collect();
                Ok((ours, files.left().map(str::to_owned).collect()))
            }
            Self::Node(node) => {
                let (ours, left) = readable_indices(node).await?;
                let mut described = Vec::new();
                for listed in ours.iter().filter(|listed| !done.contains(&listed.name)) {
                    described.push(indices::describe(&node.client, listed).await?);
                }
                Ok((described, left.into_iter().map(|listed| listed.name).collect()))
            }
        }
    }
}

/// Returns the server's indices, all open and whole, and those of others.
async fn readable_indices(source: &Node) -> Result<(Vec<Listed>, Vec<Listed>)> {
    let (ours, left): (Vec<Listed>, Vec<Listed>) =
        indices::list(&source.client).await?.into_iter().partition(Listed::is_ours);
    let closed: BTreeSet<String> = ours.iter().filter(|one| one.is_closed()).map(|one| one.name.clone()).collect();
    for name in &closed {
        // On the clone, so that the original stays closed.
        indices::open(&source.client, name).await?;
    }
    let mut ours = if closed.is_empty() { ours } else { relist(source).await? };
    ours.iter_mut().for_each(|one| one.was_closed = closed.contains(&one.name));
    indices::require_all_shards(&source.client, &ours).await?;
    Ok((ours, left))
}

async fn relist(source: &Node) -> Result<Vec<Listed>> {
    Ok(indices::list(&source.client).await?.into_iter().filter(Listed::is_ours).collect())
}
