//! Reads an index from the files of an export, one after the other, on a thread that may block.

use super::super::exported::{Exported, ExportedFile};
use super::intake::Intake;
use super::{Copier, Load, Tally};
use crate::error::{Error, Result};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

impl Copier {
    /// Copies all files of an index.
    pub(super) async fn pump_files(&self, load: &Arc<Load>, exported: &Exported) -> Result<(Tally, Option<u64>)> {
        let mut total = Tally::default();
        let files = exported.files(&load.plan.index)?;
        for file in files {
            total.merge(&self.pump_file(load, file.clone()).await?);
        }
        Ok((total, Some(files.iter().map(|file| file.documents).sum())))
    }

    async fn pump_file(&self, load: &Arc<Load>, file: ExportedFile) -> Result<Tally> {
        let seat = Arc::clone(&self.readers).acquire_owned().await;
        let seat = seat.map_err(|cause| Error::internal("The readers were closed.").because(cause))?;
        let (batches, incoming) = mpsc::channel(1);
        let mut reading = JoinSet::new();
        let (load_read, cancel) = (Arc::clone(load), self.cancel.clone());
        reading.spawn_blocking(move || {
            let tally = read(&file, &load_read.plan.index, Intake::new(&load_read, batches, cancel));
            drop(seat);
            tally
        });
        self.write_all(load, incoming, reading).await
    }
}

/// Reads a file. Blocks.
fn read(file: &ExportedFile, index: &str, mut intake: Intake) -> Result<Tally> {
    file.read(index, |document| intake.take(document))?;
    intake.finish()
}
