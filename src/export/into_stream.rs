//! All documents into one stream: a pipe to `curl`, or /dev/null to see whether everything can be read.

use super::output::Encoder;
use super::reading::{Part, read_units};
use super::{Selection, Totals, cannot_write, open, tell_left_out};
use crate::elastic::settle;
use crate::error::Result;
use crate::events::{Events, Unit as Counted};
use crate::lucene::directory::{Shard, Unit};
use crate::message::{About, Code, Message};
use crate::transfer::{Copied, Places, Stored};
use std::io::Write;
use tokio_util::sync::CancellationToken;

/// Writes every document of the indices that are meant, index by index. Blocks.
///
/// # Errors
/// Refuses what is in use, damaged or unknown, with the path; all that was written by then is right. Fails if the
/// stream takes no more, and on cancel.
pub fn into_stream(
    selection: &Selection,
    stream: impl Write,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Totals> {
    let directory = open(selection)?;
    tell_left_out(&directory, events);
    let mut encoder = Encoder::new(stream, selection.encoding);
    let mut totals = Totals::default();
    let mut places = Places::new(None, directory.indices().iter().map(|index| index.name.as_str()));
    for index in directory.indices() {
        let shards = directory.shards(index)?;
        let units: Vec<Unit> = shards.iter().flat_map(Shard::units).collect();
        let live: u64 = shards.iter().map(Shard::live_documents).sum();
        let types: Vec<&str> = index.types().collect();
        if types.len() > 1 {
            events.warn(
                Message::new(
                    Code::SeveralTypes,
                    format!(
                        "{} has several types ({}). A stream does not tell them apart; files in a directory do.",
                        index.name,
                        types.join(", ")
                    ),
                )
                .about(About::index(&index.name)),
            );
        }
        let (mut done, mut apart) = (0, 0);
        read_units(&index.name, &units, cancel, |part| {
            let block = match part {
                Part::Block(block) => block,
                Part::EndOfUnit { apart: of_unit } => {
                    apart += of_unit;
                    return Ok(());
                }
            };
            encoder.write_all(&block.text).map_err(cannot_write)?;
            totals.documents += block.documents;
            totals.source_bytes += block.source_bytes;
            totals.converted += block.converted;
            done += block.documents;
            events.progress(&index.name, done, Some(live), Counted::Documents);
            Ok(())
        })?;
        events.progress_ended(&index.name);
        let there = Some(live.saturating_sub(apart));
        places.copied(&index.name, Copied { there, read: done, left_out: 0 });
        places.written(&index.name, Stored { documents: done, digest: None });
        totals.indices += 1;
    }
    encoder.flush().map_err(cannot_write)?;
    settle("exported", &places)?;
    Ok(totals)
}
