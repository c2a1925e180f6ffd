//! Reading on one thread, writing on another: blocks of lines go from here to there.

use super::line::Lines;
use crate::error::{Error, Result};
use crate::lucene::directory::Unit;
use crate::lucene::source::Format;
use std::collections::BTreeMap;
use std::sync::mpsc::{SyncSender, sync_channel};
use tokio_util::sync::CancellationToken;

/// Bytes of lines that are handed on together.
const BLOCK_BYTES: usize = 1024 * 1024;
/// Blocks between reader and writer.
const BLOCKS: usize = 4;

/// Something for the writer.
#[derive(Debug)]
pub(super) enum Part {
    /// Lines of documents of one type.
    Block(Block),
    /// All of a unit has been handed on.
    EndOfUnit {
        /// Live documents of it that are none of their own: parts of others, or written again in the translog.
        apart: u64,
    },
}

/// Lines of documents of one type.
#[derive(Debug)]
pub(super) struct Block {
    /// The mapping type.
    pub kind: String,
    /// Whole lines.
    pub text: Vec<u8>,
    /// Documents in it.
    pub documents: u64,
    /// Bytes of their sources, as they were sent.
    pub source_bytes: u64,
    /// Of these documents, those that were not sent as JSON.
    pub converted: u64,
}

/// Reads units of the index `name` in their order, and gives `write` all that is in them, in the order of the units.
///
/// # Errors
/// Those of reading and of `write`, whichever comes first, and on cancel.
pub(super) fn read_units(
    name: &str,
    units: &[Unit],
    cancel: &CancellationToken,
    mut write: impl FnMut(Part) -> Result<()>,
) -> Result<()> {
    let (blocks, incoming) = sync_channel(BLOCKS);
    std::thread::scope(|threads| {
        let reader = threads.spawn(move || {
            let mut reader = Reader { lines: Lines::of_index(name), blocks: BTreeMap::new(), out: blocks };
            units.iter().try_for_each(|unit| reader.read(unit, cancel))
        });
        // Dropping the receiver ends the reader.
        let written = incoming.into_iter().try_for_each(&mut write);
        let read = reader.join().unwrap_or_else(|_| Err(Error::internal("The reader of an index stopped by itself.")));
        // A reader whose blocks nobody takes any more says that it was cancelled.
        written.and(read)
    })
}

struct Reader {
    lines: Lines,
    /// The block in the making of each type.
    blocks: BTreeMap<String, Block>,
    out: SyncSender<Part>,
}

impl Reader {
    fn read(&mut self, unit: &Unit, cancel: &CancellationToken) -> Result<()> {
        let found = unit.read(|document| {
            if !self.blocks.contains_key(document.kind) {
                self.blocks.insert(document.kind.to_owned(), Block::of(document.kind));
            }
            let Some(block) = self.blocks.get_mut(document.kind) else { return Ok(()) };
            self.lines.push(&document, &mut block.text);
            block.documents += 1;
            block.source_bytes += document.source.len() as u64;
            block.converted += u64::from(document.sent_as != Format::Json);
            if block.text.len() < BLOCK_BYTES {
                return Ok(());
            }
            if cancel.is_cancelled() {
                return Err(Error::cancelled());
            }
            let full = std::mem::replace(block, Block::of(document.kind));
            send(&self.out, Part::Block(full))
        })?;
        for block in std::mem::take(&mut self.blocks).into_values().filter(|block| block.documents > 0) {
            send(&self.out, Part::Block(block))?;
        }
        send(&self.out, Part::EndOfUnit { apart: found.nested + found.superseded })
    }
}

fn send(out: &SyncSender<Part>, part: Part) -> Result<()> {
    out.send(part).map_err(|_| Error::cancelled())
}

impl Block {
    fn of(kind: &str) -> Self {
        let text = Vec::with_capacity(BLOCK_BYTES + BLOCK_BYTES / 8);
        Self { kind: kind.to_owned(), text, documents: 0, source_bytes: 0, converted: 0 }
    }
}
