//! Why a file cannot be what it should be, and the error that becomes of it.

use crate::error::Error;
use std::fmt;
use std::path::Path;

/// Why a file's content cannot be what it should be. Whoever knows the path names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrupt(String);

impl Corrupt {
    /// Returns the reason `what`, a phrase without a period.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    /// Returns the same reason with the thing that the place in it is within.
    #[must_use]
    pub fn within(self, what: &str) -> Self {
        Self(format!("{} of {what}", self.0))
    }
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Corrupt {}

/// What reading gives, or why it cannot.
pub type Result<T> = std::result::Result<T, Corrupt>;

/// Why somebody who was given rows or operations gets no more of them.
#[derive(Debug)]
pub enum Stopped {
    /// What is read is not as it should be.
    Corrupt(Corrupt),
    /// Whoever takes them does not go on.
    Other(Error),
}

impl Stopped {
    /// Returns the error of reading the file `path`.
    pub(super) fn by(self, path: &Path) -> Error {
        match self {
            Self::Corrupt(why) => refused(path, why),
            Self::Other(error) => error,
        }
    }
}

impl From<Corrupt> for Stopped {
    fn from(why: Corrupt) -> Self {
        Self::Corrupt(why)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Returns the refusal of a file that is not as it should be.
pub(super) fn refused(path: &Path, why: Corrupt) -> Error {
    Error::refused(format!("{} is damaged or of an unknown kind.", path.display())).because(why).hint(
        "Nothing in it was changed. If the directory is a copy, copy it again; if not, let the mongod that wrote it start on \
         a copy of it, which tells whether the data are whole.",
    )
}
