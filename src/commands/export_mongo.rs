//! `export`: the documents of a MongoDB data directory, as a dump or as Extended JSON.

use super::Context;
use super::export_place::{is_stream, require_elsewhere, require_no_file, stream};
use crate::error::{Error, Result};
use crate::export::mongo::{Form, Line, Listed, Selection, Totals, into_directory, into_stream, list};
use crate::files::blocking;
use crate::message::{Code, Message};
use crate::settings::Export;
use crate::text;
use crate::text::bytes;
use crate::text::documents;
use crate::text::plural;
use crate::wiredtiger::evidence::Evidence;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Writes what was asked for, or lists what there is.
///
/// # Errors
/// Refuses what is in use, damaged or unknown. Fails if something cannot be read or written.
pub(super) async fn export_mongo(settings: Export, source: PathBuf, context: &Context) -> Result<()> {
    if settings.empty {
        return Err(
            Error::usage("--empty speaks of indices, and this is a data directory of MongoDB.").hint("Leave it out.")
        );
    }
    let (events, cancel) = (context.events.clone(), context.cancel.clone());
    let (names, to) = (settings.indices, settings.to.of_mongo());
    if settings.list {
        let log = settings.log;
        let listed = blocking(move || list(&source, &names, log, &cancel)).await?;
        context.display.print(&list_text(&listed));
        // One that cannot be read is in the list with the others; the first says why.
        return listed.lines.into_iter().try_for_each(|line| line.extent.map(drop));
    }
    let form = settings.form.unwrap_or(Form::Bson);
    let selection = Selection { source: source.clone(), names, form, log: settings.log };
    let started = Instant::now();
    match to {
        None => {
            let totals = blocking(move || into_stream(&selection, io::stdout().lock(), &events, &cancel)).await?;
            // Standard output belongs to the documents.
            context.events.info(Message::new(Code::Exported, summary(&totals, started.elapsed())));
        }
        Some(path) if is_stream(&path) => {
            let totals = blocking(move || into_stream(&selection, stream(&path)?, &events, &cancel)).await?;
            context.display.print(&summary(&totals, started.elapsed()));
        }
        Some(path) => {
            require_no_file(&path)?;
            require_elsewhere(&path, &source)?;
            let target = path.clone();
            let totals = blocking(move || into_directory(&selection, &target, &events, &cancel)).await?;
            let mut text = summary(&totals, started.elapsed());
            text.push_str(&format!("\nThe files are in {}; manifest.json says what is in them.", path.display()));
            if form == Form::Bson {
                text.push_str(&format!(
                    "\nTo put them into a server: mongorestore {}",
                    text::quote(&path.to_string_lossy())
                ));
            }
            context.display.print(&text);
        }
    }
    Ok(())
}

fn summary(totals: &Totals, took: Duration) -> String {
    let mut text = format!(
        "{} in {}, {} of BSON, in {}.",
        documents(totals.documents),
        plural(totals.collections, "collection", "collections"),
        bytes(totals.bytes),
        text::duration(took)
    );
    totals.warnings.iter().for_each(|warning| text.push_str(&format!("\nPlease note: {warning}")));
    text
}

fn list_text(listed: &Listed) -> String {
    let rows = listed.lines.iter().map(row);
    let head = ["collection", "documents", "size", "indexes", ""].map(str::to_owned);
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| {
        let widths = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        widths.max().unwrap_or_default()
    };
    let [names, counts, sizes, indexes] = [0, 1, 2, 3].map(width);
    let mut text = String::new();
    for [name, count, size, index, note] in &rows {
        let line = format!("{name:names$}  {count:>counts$}  {size:>sizes$}  {index:>indexes$}  {note}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push_str(&format!("\n{}\n{}\n", listed.state, written_by(listed)));
    text
}

/// Names the servers that have written the data, as far as they have noted it.
fn written_by(listed: &Listed) -> String {
    let Evidence { mongod, feature_compatibility, schema } = &listed.evidence;
    let mut text = match mongod {
        Some(version) => format!("Written by MongoDB {version}"),
        None => "Written by an unknown version of MongoDB".to_owned(),
    };
    if let Some(version) = feature_compatibility {
        text.push_str(&format!(", feature compatibility version {version}"));
    }
    text.push_str(&format!(" ({}).", listed.engine));
    if let Some(version) = schema {
        text.push_str(&format!(" The newest schema of ClearML's or Trains' in it is {version}."));
    }
    text
}

fn row(line: &Line) -> [String; 5] {
    let (count, size, note) = match (&line.extent, line.is_meant) {
        (Ok(extent), true) => (text::count(extent.documents), bytes(extent.bytes), ""),
        (Ok(extent), false) => (text::count(extent.documents), bytes(extent.bytes), "the server's own"),
        (Err(_), _) => ("unknown".to_owned(), "unknown".to_owned(), "cannot be read"),
    };
    [line.namespace.clone(), count, size, line.indexes.to_string(), note.to_owned()]
}
