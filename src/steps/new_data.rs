//! The new Elasticsearch data, opened to be read back: their files, or a temporary node that works on a clone of them.

use super::node::{self, Node};
use super::readable::Readable;
use super::{Run, pull_images};
use crate::elastic::{Target, TargetFiles, indices};
use crate::error::{Kind, Result};
use crate::files::Owned;
use crate::files::blocking;
use crate::message::{About, Code, Message};
use std::path::Path;

/// New data that can be read. In a node, all of the server's indices are open.
pub(super) type NewData = Readable<TargetFiles>;

/// Opens new data on which no node runs: their files or, if these are refused, a node on a clone that is made at `place`.
///
/// # Errors
/// Fails when a node is needed and does not come up.
pub(super) async fn open(run: &Run, path: &Path, place: Owned) -> Result<NewData> {
    let why = match open_files(path, None).await {
        Ok(files) => return Ok(NewData::Files(files)),
        Err(error) if error.kind() == Kind::Cancelled => return Err(error),
        Err(error) => error.phrase(),
    };
    run.events.info(
        Message::new(
            Code::ReadByNode,
            format!("The new data are read by a temporary Elasticsearch, not from their files: {why}."),
        )
        .about(About::path(path)),
    );
    pull_images::require(run, [&run.elastic()?.target_image]).await?;
    let clone = place.path().to_owned();
    node::make_clone(run, path, place).await?;
    let node = node::start_target(run, &clone).await?;
    node.while_alive(run, open_closed(&node)).await?;
    Ok(NewData::Node(Box::new(node)))
}

/// Opens the files of new data and makes sure that these indices, or all of the server's, can be read.
///
/// # Errors
/// Refuses what is damaged, unknown or not flushed. Fails if something cannot be read.
pub(super) async fn open_files(path: &Path, indices: Option<Vec<String>>) -> Result<TargetFiles> {
    let path = path.to_owned();
    blocking(move || {
        let files = TargetFiles::open(&path)?;
        let indices = indices.unwrap_or_else(|| files.indices().map(str::to_owned).collect());
        indices.iter().try_for_each(|index| files.units(index).map(drop))?;
        Ok(files)
    })
    .await
}

async fn open_closed(node: &Node) -> Result<()> {
    for closed in indices::list(&node.client).await?.iter().filter(|one| one.is_ours() && one.is_closed()) {
        indices::open(&node.client, &closed.name).await?;
    }
    Ok(())
}

impl NewData {
    /// Returns where documents are read.
    pub fn target(&self) -> Target {
        match self {
            Self::Files(files) => files.clone().into(),
            Self::Node(node) => node.client.clone().into(),
        }
    }

    /// Returns the names of the server's indices.
    ///
    /// # Errors
    /// Fails when the node does not answer.
    pub async fn indices(&self) -> Result<Vec<String>> {
        match self {
            Self::Files(files) => Ok(files.indices().map(str::to_owned).collect()),
            Self::Node(node) => {
                let listed = indices::list(&node.client).await?.into_iter();
                Ok(listed.filter(|one| one.is_ours()).map(|one| one.name).collect())
            }
        }
    }
}
