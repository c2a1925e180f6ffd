//! `export`: the documents of an Elasticsearch 5 data directory as bulk requests.

use super::Context;
use super::export_place::{is_stream, require_elsewhere, require_no_file, stream};
use crate::error::{Error, Result};
use crate::export::mongo::{Form, LogUse};
use crate::export::{Encoding, Listed, Selection, Totals, into_directory, into_stream, list};
use crate::files::blocking;
use crate::lucene::data_dir::Finding;
use crate::message::{Code, Message};
use crate::settings::Export;
use crate::text;
use crate::text::bytes;
use crate::text::documents;
use crate::text::plural;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Writes what was asked for, or lists what there is.
///
/// # Errors
/// Refuses what is in use, damaged or unknown. Fails if something cannot be read or written.
pub(super) async fn export_elastic(settings: Export, source: PathBuf, context: &Context) -> Result<()> {
    let encoding = encoding(&settings)?;
    require_no_log(&settings)?;
    let (names, to) = (settings.indices, settings.to.of_elastic());
    if settings.list {
        let (place, empty) = (source.clone(), settings.empty);
        let listed = blocking(move || list(&source, &names, empty)).await?;
        context.display.print(&list_text(&listed));
        return require_told_apart(&place, &listed);
    }
    let selection = Selection { source: source.clone(), indices: names, encoding, empty: settings.empty };
    let (events, cancel) = (context.events.clone(), context.cancel.clone());
    let started = Instant::now();
    match to {
        None => {
            let totals = blocking(move || into_stream(&selection, io::stdout().lock(), &events, &cancel)).await?;
            // Standard output belongs to the documents.
            context
                .events
                .info(Message::new(Code::Exported, summary(&totals, started.elapsed(), &context.display.warnings())));
        }
        Some(path) if is_stream(&path) => {
            let totals = blocking(move || into_stream(&selection, stream(&path)?, &events, &cancel)).await?;
            context.display.print(&summary(&totals, started.elapsed(), &context.display.warnings()));
        }
        Some(path) => {
            require_no_file(&path)?;
            require_elsewhere(&path, &source)?;
            let target = path.clone();
            let manifest = blocking(move || into_directory(&selection, &target, &events, &cancel)).await?;
            context.display.print(&format!(
                "{}\nThe files are in {}; manifest.json says what is in them.\nTo check them later: cd {} && sha256sum --check --quiet SHA256SUMS",
                summary(&manifest.totals(), started.elapsed(), &context.display.warnings()),
                path.display(),
                path.display()
            ));
        }
    }
    Ok(())
}

/// Returns how Elasticsearch's documents are written.
fn encoding(settings: &Export) -> Result<Encoding> {
    match settings.form {
        None => Ok(Encoding::Plain),
        Some(Form::Json(encoding)) => Ok(encoding),
        Some(Form::Bson) => Err(Error::usage("BSON is what MongoDB's documents are, and these are Elasticsearch's.")
            .hint("Name a data directory of MongoDB: --source DIR")
            .hint("Or leave out --format.")),
    }
}

/// Only MongoDB's directories have a log of which something is to be said.
fn require_no_log(settings: &Export) -> Result<()> {
    let option = match settings.log {
        LogUse::Unneeded => return Ok(()),
        LogUse::Replay => "--replay",
        LogUse::LeftOut => "--last-checkpoint",
    };
    Err(Error::usage(format!("{option} is about the log of MongoDB, and these are Elasticsearch's data."))
        .hint("Name a data directory of MongoDB: --source DIR")
        .hint(format!("Or leave out {option}.")))
}

fn summary(totals: &Totals, took: Duration, warnings: &[String]) -> String {
    let mut text = format!(
        "{} in {}, {} of JSON, in {}.",
        documents(totals.documents),
        plural(totals.indices, "index", "indices"),
        bytes(totals.source_bytes),
        text::duration(took)
    );
    if totals.converted > 0 {
        text.push_str(&format!("\n{} had been sent in other formats and became JSON.", documents(totals.converted)));
    }
    warnings.iter().for_each(|warning| text.push_str(&format!("\nPlease note: {warning}")));
    text
}

/// A list that may lack an index is no success.
fn require_told_apart(source: &Path, listed: &Listed) -> Result<()> {
    let strays: Vec<&Finding> = listed.findings.iter().filter(|finding| finding.is_stray()).collect();
    if strays.is_empty() {
        return Ok(());
    }
    let told: Vec<String> = strays.iter().map(ToString::to_string).collect();
    let error = Error::refused(format!("There may be more in {} than these indices.", source.display()))
        .because(anyhow::Error::msg(told.join("\n")));
    let ways = strays.iter().filter_map(|finding| finding.ways_out()).collect::<Vec<_>>().join("\n");
    Err(ways.lines().fold(error, Error::hint))
}

fn list_text(listed: &Listed) -> String {
    let rows: Vec<[String; 5]> = listed
        .indices
        .iter()
        .map(|index| {
            let state = if Listed::is_closed(index) { "closed" } else { "open" };
            [
                index.name.clone(),
                Listed::documents(index).map_or_else(|| "unknown".to_owned(), text::count),
                bytes(index.bytes()),
                index.types.join(", "),
                format!("{state}, {}, made by {}", plural(index.shards.len() as u64, "shard", "shards"), index.created),
            ]
        })
        .collect();
    let head = ["index", "documents at most", "size", "types", "state"].map(str::to_owned);
    let width = |column: usize| {
        std::iter::once(&head).chain(&rows).filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let [names, counts, sizes, types] = [0, 1, 2, 3].map(|column| width(column).unwrap_or_default());
    let mut text = String::new();
    for [name, count, size, kinds, state] in std::iter::once(&head).chain(&rows) {
        text.push_str(&format!("{name:names$}  {count:>counts$}  {size:>sizes$}  {kinds:types$}  {state}\n"));
    }
    let (strays, broken): (Vec<_>, Vec<_>) = listed.findings.iter().partition(|finding| finding.is_stray());
    let mut told = |title: &str, findings: &[&Finding]| {
        if !findings.is_empty() {
            text.push_str(&format!("\n{title}:\n"));
            findings.iter().for_each(|finding| text.push_str(&format!("  {finding}\n")));
        }
    };
    told("Not whole (the other indices can be exported with --index)", &broken);
    told("Perhaps an index (those above can be exported, each by its name with --index)", &strays);
    told("Not read", &listed.foreign.iter().collect::<Vec<_>>());
    text
}
