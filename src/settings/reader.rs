//! What `--reader` means.

use crate::cli::ReaderArg;

/// What is to read the old Elasticsearch data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReaderChoice {
    /// This program, from the files; a temporary Elasticsearch 5.6 if the files are of a kind that it refuses.
    #[default]
    Auto,
    /// This program, or nothing.
    Segments,
    /// A temporary Elasticsearch 5.6.
    Scroll,
}

impl From<Option<ReaderArg>> for ReaderChoice {
    fn from(typed: Option<ReaderArg>) -> Self {
        match typed {
            None | Some(ReaderArg::Auto) => Self::Auto,
            Some(ReaderArg::Segments) => Self::Segments,
            Some(ReaderArg::Scroll) => Self::Scroll,
        }
    }
}
