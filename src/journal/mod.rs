//! What has happened: an append-only, checksummed, fsynced log from which a run continues or is undone.
//!
//! | module | subject |
//! |---|---|
//! | [`record`] | what can be said |
//! | [`log`] | how it is kept: one line per record, a torn tail tolerated |
//! | [`state`] | what follows from it: every legal transition, in one function |
//! | `notes` | what steps have kept, read back |
//! | [`index`] | where the journals are, found by any path that a deployment has or had |
//!
//! The rule: `Started` is on disk before a step acts, `Finished` with its output after. So a step may find its own
//! work half done, and every step can be applied twice and undone twice.

pub mod index;
pub mod log;
mod notes;
pub mod record;
pub mod state;

pub use index::{Index, IndexEntry, Scope};
pub use record::{Opened, Record};
pub use state::{IllegalRecord, Phase, State, Status, StepState, Stopped};

use crate::error::{Error, Result};
use jiff::Timestamp;
use log::Log;
use std::path::Path;

/// A journal open for appending, with the state that follows from its records.
#[derive(Debug)]
pub struct Journal {
    log: Log,
    state: State,
}

impl Journal {
    /// Begins a journal at `path`, which must not exist; its directory must.
    ///
    /// # Errors
    /// Fails if something is there or it cannot be written.
    pub fn create(path: &Path, opened: Opened) -> Result<Self> {
        let state = State::new(opened.clone());
        let log = Log::create(path, &Record::Opened(opened), Timestamp::now())?;
        Ok(Self { log, state })
    }

    /// Opens the journal at `path` to append to it: reads it, cuts off a torn tail, replays.
    ///
    /// # Errors
    /// Fails if it cannot be read, was written by a newer program, is damaged before its last line, or tells of
    /// something impossible.
    pub fn open(path: &Path) -> Result<Self> {
        let (log, entries) = Log::open(path)?;
        Ok(Self { state: replay(path, entries)?, log })
    }

    /// Reads the state from the journal at `path` and changes nothing, not even a torn tail.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn peek(path: &Path) -> Result<State> {
        replay(path, log::read(path)?.entries)
    }

    /// Appends a record and flushes it. When this returns, it is on disk.
    ///
    /// # Errors
    /// Fails, with nothing recorded, if the record is illegal in the present state or cannot be written.
    pub fn append(&mut self, record: Record) -> Result<()> {
        let mut next = self.state.clone();
        next.apply(&record)
            .map_err(|illegal| Error::internal("A step of the run came out of order.").because(illegal))?;
        self.log.append(&record, Timestamp::now())?;
        self.state = next;
        Ok(())
    }

    /// Returns what follows from the records so far.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Returns where the journal is, or was before its home was renamed: an open journal stays writable then.
    pub fn path(&self) -> &Path {
        self.log.path()
    }
}

fn replay(path: &Path, entries: Vec<log::Entry>) -> Result<State> {
    let mut entries = entries.into_iter();
    let Some(log::Entry { record: Record::Opened(opened), .. }) = entries.next() else {
        return Err(Error::failed(format!("The journal {} does not begin as one.", path.display()))
            .hint("Restore the file from a backup, or move it away to begin anew after undoing by hand."));
    };
    let mut state = State::new(opened);
    for entry in entries {
        let number = entry.number;
        state.apply(&entry.record).map_err(|illegal| {
            Error::failed(format!("Record {number} of the journal {} tells of something impossible.", path.display()))
                .because(illegal)
                .hint("The file was edited, or written by another version. Use the version that wrote it, or report this.")
        })?;
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fs;

    fn opened() -> Opened {
        Opened {
            run_id: "2026-11-22_10-00-00".into(),
            program: "0.1.0".into(),
            created: "2026-11-22T10:00:00Z".parse().unwrap(),
            home: "/opt/trains".into(),
        }
    }

    fn step(name: &str) -> String {
        name.to_owned()
    }

    #[test]
    fn a_reopened_journal_goes_on_where_it_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let mut journal = Journal::create(&path, opened()).unwrap();
        journal.append(Record::Planned { plan: json!({"to": "1.1"}), fingerprints: Default::default() }).unwrap();
        journal.append(Record::Started { step: step("copy") }).unwrap();
        journal.append(Record::Note { step: step("copy"), key: "index-1".into(), value: json!(200) }).unwrap();
        let before = journal.state().clone();
        drop(journal);

        let mut journal = Journal::open(&path).unwrap();
        assert_eq!(journal.state(), &before);
        journal.append(Record::Started { step: step("copy") }).unwrap();
        journal.append(Record::Finished { step: step("copy"), output: json!({"documents": 200}) }).unwrap();
        let state = Journal::peek(&path).unwrap();
        assert_eq!(state.step("copy").notes["index-1"], json!(200));
        assert_eq!(state.step("copy").output, Some(json!({"documents": 200})));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 6);
    }

    #[test]
    fn an_illegal_record_is_refused_and_leaves_no_trace() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let mut journal = Journal::create(&path, opened()).unwrap();
        let before = fs::read(&path).unwrap();
        let error = journal.append(Record::Finished { step: step("copy"), output: json!(null) }).unwrap_err();
        assert!(error.causes()[0].contains("copy"), "{:?}", error.causes());
        assert_eq!(fs::read(&path).unwrap(), before);
        assert!(Journal::create(&path, opened()).is_err(), "a journal is never replaced");
    }

    #[test]
    fn the_journal_stays_writable_while_its_home_is_renamed() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("trains"), dir.path().join("clearml"));
        fs::create_dir(&old).unwrap();
        let mut journal = Journal::create(&old.join("journal"), opened()).unwrap();
        fs::rename(&old, &new).unwrap();
        journal.append(Record::Cancelled).unwrap();
        assert!(Journal::peek(&new.join("journal")).unwrap().stopped.is_some());
    }
}
