//! What a directory is that may hold MongoDB's data, and whether its server has left it in order.

use crate::error::{self, Error, Result};
use crate::wiredtiger::directory::{MongoDirectory, ReadUpTo, State};
use crate::wiredtiger::kind::Kind;
use crate::wiredtiger::turtle::Turtle;
use std::path::Path;

/// What a directory on which no mongod runs is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// No mongod has ever had it for its data.
    Nothing,
    /// None of the files that are known are in it.
    Unknown,
    /// All that was ever written is in its tables.
    InOrder,
    /// The server was not stopped cleanly: the newest changes of these collections are in its log only.
    ToReplay(Vec<String>),
    /// The server was not stopped cleanly, and what its log has cannot be told, for this reason: a sentence's second half.
    WithoutLog(String),
}

impl Found {
    /// Looks at a directory on which no mongod runs. What does not fit into memory is kept in a file without a name in
    /// `temporary`. Blocks.
    ///
    /// # Errors
    /// Refuses one that is damaged, or of a kind that is not read, with what its owner can do.
    pub fn at_rest(path: &Path, temporary: &Path) -> Result<Self> {
        if let Some(unread) = Self::unread(path)? {
            return Ok(unread);
        }
        match MongoDirectory::read(path, ReadUpTo::Newest, temporary) {
            Ok(directory) => Ok(match directory.state() {
                State::Complete => Self::InOrder,
                State::Replayed(changed) => Self::ToReplay(changed.keys().cloned().collect()),
                State::LastCheckpoint(why) => Self::WithoutLog(why.clone()),
            }),
            // The server that wrote it may do without what its log has lost; without its tables it cannot.
            Err(refusal) if is_refusal(&refusal) => {
                match MongoDirectory::read(path, ReadUpTo::LastCheckpoint, temporary) {
                    Ok(_) => Ok(Self::WithoutLog(refusal.phrase())),
                    Err(_) => Err(refusal),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Looks at a directory that a mongod may have open, as far as its files tell what it is. Blocks.
    ///
    /// # Errors
    /// As [`Found::at_rest`].
    pub fn require_readable(path: &Path) -> Result<()> {
        if Self::unread(path)?.is_none() {
            Turtle::read(path)?;
        }
        Ok(())
    }

    /// Returns what is not read, though nothing speaks against it.
    fn unread(path: &Path) -> Result<Option<Self>> {
        if !MongoDirectory::is_one(path) {
            return Ok(Some(Self::Nothing));
        }
        let kind = Kind::of(path)?;
        match kind.refusal(path) {
            // Whoever runs on it may have its files elsewhere, or not yet.
            _ if kind == Kind::Unknown => Ok(Some(Self::Unknown)),
            Some(refusal) => Err(refusal),
            None => Ok(None),
        }
    }
}

/// Returns whether an error says that the data are not to be read.
pub fn is_refusal(error: &Error) -> bool {
    error.kind() == error::Kind::Refused
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// What is said of a directory with these files, which must be the same whether a server has it open or not.
    fn refused(files: &[(&str, &str)]) -> Option<Error> {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let open = Found::require_readable(directory.path()).err();
        let at_rest = Found::at_rest(directory.path(), directory.path());
        match &open {
            Some(refusal) => assert_eq!(at_rest.unwrap_err().phrase(), refusal.phrase()),
            None => assert!(matches!(at_rest, Ok(Found::Nothing | Found::Unknown)), "{at_rest:?}"),
        }
        open
    }

    #[test]
    fn data_that_are_not_read_are_refused_with_what_their_owner_can_do() {
        let encrypted = "WiredTiger version string\nx\nWiredTiger version\nmajor=3,minor=0\nfile:WiredTiger.wt\n\
                         encryption=(keyid=,name=AES256-CBC)\n";
        let newer = encrypted.replace("major=3", "major=12").replace("AES256-CBC", "none");
        for (name, text, said) in [
            ("backend.ns", "", "MMAPv1"),
            ("WiredTiger.backup", "", "hot backup"),
            ("collection-0-1.wt", "", "has lost the file"),
            ("WiredTiger.turtle", encrypted, "is encrypted"),
            ("WiredTiger.turtle", &newer, "12.0, which is not known"),
        ] {
            let refusal = refused(&[("mongod.lock", ""), (name, text)]).unwrap();
            assert!(is_refusal(&refusal) && refusal.phrase().contains(said), "{refusal:?}");
            assert!(!refusal.hints().is_empty(), "{refusal:?}");
        }
    }

    #[test]
    fn what_has_none_of_the_known_files_is_left_to_be_copied() {
        assert!(refused(&[("mongod.lock", "1\n"), ("WiredTiger", "")]).is_none());
        assert!(refused(&[("anything", "")]).is_none());
    }
}
