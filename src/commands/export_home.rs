//! `export` of a server's home: the documents of both databases, each as its own export would have them.

use super::Context;
use super::export_elastic::export_elastic;
use super::export_mongo::export_mongo;
use crate::error::{Error, Result};
use crate::export::mongo::{Form, LogUse};
use crate::message::{About, Code, Message};
use crate::settings::{Export, ExportTo};
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// What the directories in the output are called.
const ELASTIC: &str = "elastic";
const MONGO: &str = "mongo";

/// Writes, or lists, what both databases hold: first Elasticsearch's documents, then MongoDB's.
///
/// # Errors
/// Refuses what only one of them can be asked for; those of the two exports.
pub(super) async fn export_both(settings: Export, elastic: PathBuf, mongo: PathBuf, context: &Context) -> Result<()> {
    require_for_both(&settings, &elastic, &mongo)?;
    let of_elastic = Export {
        // It has no other form.
        form: settings.form.filter(|form| *form != Form::Bson),
        log: LogUse::Unneeded,
        to: below(&settings.to, ELASTIC),
        ..settings.clone()
    };
    let of_mongo = Export { empty: false, to: below(&settings.to, MONGO), ..settings };
    let (is_list, hint) = (of_mongo.list, format!("To export the other database alone: --source {}", mongo.display()));
    context.events.info(
        Message::new(Code::Exporting, format!("Elasticsearch: {}", elastic.display())).about(About::path(&elastic)),
    );
    let first = export_elastic(of_elastic, elastic, context).await.map_err(|error| error.hint(hint));
    // A list of one that cannot be read need not keep anybody from seeing the other.
    if first.is_ok() || is_list && !context.cancel.is_cancelled() {
        context
            .events
            .info(Message::new(Code::Exporting, format!("MongoDB: {}", mongo.display())).about(About::path(&mongo)));
        return first.and(export_mongo(of_mongo, mongo, context).await);
    }
    first
}

/// Names, and streams of documents, are of one database.
fn require_for_both(settings: &Export, elastic: &Path, mongo: &Path) -> Result<()> {
    let refusal = |what: &str| {
        [elastic, mongo].into_iter().fold(Error::usage(format!("{what}, and here are two.")), |error, path| {
            error.hint(format!("Name the data directory of one: --source {}", path.display()))
        })
    };
    if !settings.indices.include_all() {
        return Err(refusal("--index names indices or collections of one database"));
    }
    if !settings.list && is_pipe(&settings.to) {
        return Err(refusal("A stream has the documents of one database"));
    }
    Ok(())
}

/// Whether somebody would read both exports as one.
fn is_pipe(to: &ExportTo) -> bool {
    match to {
        ExportTo::Usual(_) => false,
        ExportTo::Standard => true,
        ExportTo::Path(path) => fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo()),
    }
}

/// Returns a directory in the one that was named; a device stays what it is.
fn below(to: &ExportTo, name: &str) -> ExportTo {
    match to {
        ExportTo::Path(path) if path.is_dir() || !path.exists() => ExportTo::Path(path.join(name)),
        other => other.clone(),
    }
}
