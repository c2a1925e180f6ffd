//! What `export` was asked for.

use super::paths::absolute;
use super::{ComposeArgs, Elastic, Session};
use crate::cli::{ExportArgs, ExportFormat};
use crate::error::Result;
use crate::export::{Encoding, Names};
use std::path::PathBuf;

/// The directory that is made in the current one where none is named.
pub(super) const OUTPUT: &str = "elastic_5_export";

/// An export that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Where and how.
    pub session: Session,
    /// Absolute path of the data directory.
    pub source: PathBuf,
    /// Where the documents go.
    pub to: ExportTo,
    /// Which indices.
    pub indices: Names,
    /// How documents are written.
    pub encoding: Encoding,
    /// Only list what there is.
    pub list: bool,
    /// It was said that there is no index.
    pub empty: bool,
}

/// Where documents go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportTo {
    /// Standard output.
    Standard,
    /// An absolute path: of a directory, or of something that takes a stream.
    Path(PathBuf),
}

pub(super) fn resolve(arguments: &ExportArgs, session: Session) -> Result<Export> {
    let absolute = |path: &PathBuf| absolute(path, &session.current_dir);
    let to = match &arguments.output {
        None => ExportTo::Path(session.current_dir.join(OUTPUT)),
        Some(path) if path.as_os_str() == "-" => ExportTo::Standard,
        Some(path) => ExportTo::Path(absolute(path)),
    };
    let encoding = match arguments.format {
        ExportFormat::Ndjson => Encoding::Plain,
        ExportFormat::NdjsonZst => Encoding::Zstd,
    };
    let source = arguments.source.as_ref().map_or_else(|| Elastic::SOURCE.into(), absolute);
    // What says where a server is may be in the environment, and has no meaning here.
    let session = Session { source: Some(source.clone()), home: None, compose: ComposeArgs::default(), ..session };
    let (list, empty) = (arguments.list, arguments.empty);
    Ok(Export { to, indices: Names::new(&arguments.index)?, encoding, list, empty, source, session })
}
