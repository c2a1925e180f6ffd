//! The units of indices, whichever way they are read: parts of segments, files of an export, or slices of a scroll.

use super::client::Client;
use super::document::Document;
use super::exported::ExportedFile;
use super::files::borrow;
use super::index_plan::IndexPlan;
use super::scroll::Slice;
use crate::error::{Error, Result};
use crate::lucene::directory;
use crate::lucene::target::TargetUnit;
use crate::transfer::{Change, Collection, DocumentRef, Reading, Unit, UnitKey, joined, until_cancelled};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Portions of documents between the reader of a slice and whoever takes them.
const PORTIONS: usize = 4;

/// A part of an index.
#[derive(Debug)]
pub enum IndexUnit {
    /// Of the files of old data.
    Old(directory::Unit),
    /// Of the files of new data.
    New(TargetUnit),
    /// Of an export: the documents of one mapping type.
    Exported(String, ExportedFile),
    /// Of a node.
    Slice(NodeSlice),
}

/// A slice of a node's index, and how many documents it has if all have about the same.
#[derive(Debug)]
pub struct NodeSlice {
    slice: Slice,
    documents: u64,
    runtime: Handle,
}

impl NodeSlice {
    /// Divides an index into so many slices. Called within a runtime.
    pub(super) fn all(client: &Client, plan: &IndexPlan, of: u32) -> Vec<IndexUnit> {
        let runtime = Handle::current();
        let slice = |number| {
            let slice = Slice {
                client: client.clone(),
                index: plan.index.clone(),
                number,
                of,
                document_bytes: plan.document_bytes(),
                max_page: plan.max_page(),
            };
            let (share, rest) = (plan.documents / u64::from(of), plan.documents % u64::from(of));
            let documents = share + u64::from(u64::from(number) < rest);
            IndexUnit::Slice(Self { slice, documents, runtime: runtime.clone() })
        };
        (0..of).map(slice).collect()
    }

    fn read(&self, stop: &CancellationToken, each: &mut impl FnMut(&Change<'_>) -> Result<()>) -> Result<Reading> {
        let (portions, mut incoming) = mpsc::channel::<Vec<Document>>(PORTIONS);
        let (slice, stop) = (self.slice.clone(), stop.clone());
        let reading = self.runtime.spawn(async move { until_cancelled(&stop, slice.read(&portions)).await });
        while let Some(portion) = incoming.blocking_recv() {
            portion.iter().try_for_each(|document| each(&Change::Put(document.borrowed())))?;
        }
        let documents = joined(self.runtime.block_on(reading))?;
        Ok(Reading { documents, ..Reading::default() })
    }
}

impl Collection for IndexPlan {
    fn name(&self) -> &str {
        &self.index
    }

    fn documents(&self) -> u64 {
        self.documents
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Unit for IndexUnit {
    fn key(&self) -> Result<Option<UnitKey>> {
        match self {
            Self::Old(unit) => UnitKey::new(&unit.key()).map(Some),
            Self::New(_) | Self::Exported(..) | Self::Slice(_) => Ok(None),
        }
    }

    fn documents(&self) -> u64 {
        match self {
            Self::Old(unit) => unit.documents(),
            Self::New(unit) => unit.documents(),
            Self::Exported(_, file) => file.documents,
            Self::Slice(slice) => slice.documents,
        }
    }

    fn read(&self, stop: &CancellationToken, each: &mut impl FnMut(&Change<'_>) -> Result<()>) -> Result<Reading> {
        match self {
            Self::Old(unit) => read_old(unit, each),
            Self::New(unit) => {
                let found = unit.read(|document| {
                    let (id, routing, source) = (document.id, document.routing, document.source);
                    each(&Change::Put(DocumentRef { id, kind: None, routing, source }))
                })?;
                Ok(Reading { documents: found.documents, ..Reading::default() })
            }
            Self::Exported(index, file) => {
                file.read(index, |document| each(&Change::Put(*document)))?;
                Ok(Reading { documents: file.documents, ..Reading::default() })
            }
            Self::Slice(slice) => slice.read(stop, each),
        }
    }
}

fn read_old(unit: &directory::Unit, each: &mut impl FnMut(&Change<'_>) -> Result<()>) -> Result<Reading> {
    let found = unit.read(|document| each(&Change::Put(borrow(&document))))?;
    let reading = Reading {
        documents: found.documents,
        apart: found.nested + found.superseded,
        deleted: found.deleted,
        converted: found.converted,
    };
    let came_out = reading.documents + reading.apart + reading.deleted;
    if came_out == unit.documents() {
        return Ok(reading);
    }
    let (all, index) = (unit.documents(), &unit.index().name);
    Err(Error::internal(format!("Of {all} documents in a part of the index {index}, {came_out} came out.")))
}
