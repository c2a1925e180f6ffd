//! All documents into one stream: a pipe, or /dev/null to see whether everything can be read.

use super::super::cannot_write;
use super::super::output::Encoder;
use super::writing::{Written, warnings, write_documents};
use super::{Encoding, Form, Selection, Totals, is_meant, open_for};
use crate::error::Result;
use crate::events::Events;
use crate::message::{Code, Message};
use std::io::Write;
use tokio_util::sync::CancellationToken;

/// Writes every document of the collections that are meant, one collection after the other. Blocks.
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
    let opened = open_for(selection, cancel)?;
    let encoding = match selection.form {
        Form::Bson => Encoding::Plain,
        Form::Json(encoding) => encoding,
    };
    let mut encoder = Encoder::new(stream, encoding);
    let mut totals = Totals::default();
    let meant = opened.directory.collections().iter().filter(|collection| is_meant(collection, &selection.names));
    for collection in meant {
        let work = (events, cancel);
        let written = write_documents(&opened, collection, selection.form, work, Written::default(), |block, _| {
            encoder.write_all(block).map_err(cannot_write)
        })?;
        totals.add(written);
    }
    encoder.flush().map_err(cannot_write)?;
    totals.warnings = warnings(&opened, &totals);
    totals.warnings.iter().for_each(|warning| events.warn(Message::new(Code::ExportWarning, warning.clone())));
    Ok(totals)
}
