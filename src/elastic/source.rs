//! Where documents come from.

use super::client::Client;
use super::exported::Exported;
use super::files::Files;
use super::index_plan::IndexPlan;
use super::units::{IndexUnit, NodeSlice};
use super::whole_index::refresh;
use crate::error::Result;
use crate::files::blocking;
use crate::transfer::{self, Units};

/// Units of one index that are on their way at the same time: while the last batches of one are written, the next ones
/// are read.
const UNITS_AT_ONCE: usize = 3;
/// Slices of one index that are read at the same time.
const SLICES_AT_ONCE: usize = 8;

/// Where documents are copied from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A node, by scrolls.
    Node(Client),
    /// The files of a data directory that no node has open.
    Files(Files),
    /// The files of an export.
    Exported(Exported),
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

impl From<Exported> for Source {
    fn from(exported: Exported) -> Self {
        Self::Exported(exported)
    }
}

impl transfer::Source for Source {
    type Plan = IndexPlan;
    type Unit = IndexUnit;

    async fn open(&self, plan: &IndexPlan) -> Result<Option<Units<IndexUnit>>> {
        Ok(Some(match self {
            Self::Node(node) => {
                refresh(node, &plan.index).await?;
                let parts = NodeSlice::all(node, plan, plan.shards.max(1));
                Units { parts, documents: Some(plan.documents), at_once: SLICES_AT_ONCE, waits: true }
            }
            Self::Files(files) => {
                let (files, index) = (files.clone(), plan.index.clone());
                let (units, documents) = blocking(move || files.open_index(&index)).await?;
                let parts = units.into_iter().map(IndexUnit::Old).collect();
                Units { parts, documents: Some(documents), at_once: UNITS_AT_ONCE, waits: false }
            }
            Self::Exported(exported) => {
                let files = exported.files(&plan.index)?;
                let documents = Some(files.iter().map(|file| file.documents).sum());
                let parts = files.iter().map(|file| IndexUnit::Exported(plan.index.clone(), file.clone())).collect();
                // One after the other: each is read once, from its beginning to its end.
                Units { parts, documents, at_once: 1, waits: false }
            }
        }))
    }
}
