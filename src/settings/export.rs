//! What `export` was asked for.

use super::paths::absolute;
use super::{ComposeArgs, Data, Session};
use crate::cli::{ExportArgs, ExportFormat};
use crate::error::Result;
use crate::export::mongo::{Form, LogUse};
use crate::export::{Encoding, Names};
use std::path::PathBuf;

/// The directories that are made in the current one where none is named: for Elasticsearch's documents, for MongoDB's, and
/// for the tasks that events speak of.
pub(super) const OUTPUT: &str = "elastic_5_export";
const MONGO_OUTPUT: &str = "mongo_export";
const TASKS_OUTPUT: &str = "tasks_from_events";

/// An export that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Where and how.
    pub session: Session,
    /// Absolute path of the data directory, or of the server's home, in which there are data directories.
    pub source: PathBuf,
    /// Not documents, but the tasks that events speak of.
    pub tasks: bool,
    /// Where the documents go.
    pub to: ExportTo,
    /// Which indices.
    pub indices: Names,
    /// How documents are written; nothing where that is left to what is exported.
    pub form: Option<Form>,
    /// Only list what there is.
    pub list: bool,
    /// It was said that there is no index.
    pub empty: bool,
    /// What of MongoDB's log may be done.
    pub log: LogUse,
}

/// Where documents go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportTo {
    /// The usual directory, which is made in this one.
    Usual(PathBuf),
    /// Standard output.
    Standard,
    /// An absolute path: of a directory, or of something that takes a stream.
    Path(PathBuf),
}

impl ExportTo {
    /// Returns where Elasticsearch's documents go; nothing for standard output.
    pub fn of_elastic(self) -> Option<PathBuf> {
        self.path(OUTPUT)
    }

    /// Returns where MongoDB's documents go; nothing for standard output.
    pub fn of_mongo(self) -> Option<PathBuf> {
        self.path(MONGO_OUTPUT)
    }

    /// Returns where the tasks that events speak of go; nothing for standard output.
    pub fn of_tasks(self) -> Option<PathBuf> {
        self.path(TASKS_OUTPUT)
    }

    fn path(self, usual: &str) -> Option<PathBuf> {
        match self {
            Self::Usual(directory) => Some(directory.join(usual)),
            Self::Standard => None,
            Self::Path(path) => Some(path),
        }
    }
}

pub(super) fn resolve(arguments: &ExportArgs, session: Session) -> Result<Export> {
    let absolute = |path: &PathBuf| absolute(path, &session.current_dir);
    let to = match &arguments.output {
        None => ExportTo::Usual(session.current_dir.clone()),
        Some(path) if path.as_os_str() == "-" => ExportTo::Standard,
        Some(path) => ExportTo::Path(absolute(path)),
    };
    let form = arguments.format.map(|format| match format {
        ExportFormat::Bson => Form::Bson,
        ExportFormat::Ndjson => Form::Json(Encoding::Plain),
        ExportFormat::NdjsonZst => Form::Json(Encoding::Zstd),
    });
    let log = match (arguments.replay, arguments.last_checkpoint) {
        (true, _) => LogUse::Replay,
        (false, true) => LogUse::LeftOut,
        (false, false) => LogUse::Unneeded,
    };
    let source = arguments.source.as_ref().map_or_else(|| Data::SOURCE.into(), absolute);
    // What says where a server is may be in the environment, and has no meaning here.
    let session = Session { source: Some(source.clone()), home: None, compose: ComposeArgs::default(), ..session };
    let (list, empty, tasks) = (arguments.list, arguments.empty, arguments.tasks_from_events);
    Ok(Export { to, tasks, indices: Names::new(&arguments.index)?, form, list, empty, log, source, session })
}
