//! Where documents come from, and the reading of a whole index for comparisons.

use super::client::Client;
use super::copy::joined;
use super::document::Document;
use super::files::Files;
use super::index_plan::IndexPlan;
use super::scroll::Slice;
use crate::error::Result;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Portions of documents that are on their way.
const PORTIONS: usize = 4;

/// Where documents are copied from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A node, by scrolls.
    Node(Client),
    /// The files of a data directory that no node has open.
    Files(Files),
}

impl From<Client> for Source {
    fn from(node: Client) -> Self {
        Self::Node(node)
    }
}

impl From<Files> for Source {
    fn from(files: Files) -> Self {
        Self::Files(files)
    }
}

/// Reads an index and hands its documents to `take`: one of so many slices of a node after the other, or unit after unit
/// of files.
pub(super) async fn for_each_portion(
    source: &Source,
    plan: &IndexPlan,
    slices: u32,
    mut take: impl AsyncFnMut(Vec<Document>) -> Result<()>,
) -> Result<()> {
    let slices = if matches!(source, Source::Node(_)) { slices.max(1) } else { 1 };
    for number in 0..slices {
        let (portions, mut incoming) = mpsc::channel(PORTIONS);
        let mut reading = JoinSet::new();
        match source {
            Source::Node(client) => {
                let slice = Slice {
                    client: client.clone(),
                    index: plan.index.clone(),
                    number,
                    of: slices,
                    document_bytes: plan.document_bytes(),
                    max_page: plan.max_page(),
                };
                reading.spawn(async move { slice.read(&portions).await.map(drop) });
            }
            Source::Files(files) => {
                let (files, index) = (files.clone(), plan.index.clone());
                reading.spawn(async move { files.read(&index, portions).await });
            }
        }
        while let Some(documents) = incoming.recv().await {
            take(documents).await?;
        }
        if let Some(read) = reading.join_next().await {
            joined(read)?;
        }
    }
    Ok(())
}
