//! What has happened: an append-only, checksummed, fsynced log from which a run continues or is undone.
//!
//! | module | subject |
//! |---|---|
//! | [`record`] | what can be said |
//! | [`log`] | how it is kept: one line per record, a torn tail tolerated |
//! | [`state`] | what follows from it: every legal transition, in one function |
//! | `notes` | what steps have kept, read back |
//! | [`kept`] | where it is: in a line, or in a file of its own |
//! | [`registry`] | where the journals are, found by any path that a deployment has or had |
//!
//! The rule: `Started` is on disk before a step acts, `Finished` with its output after. So a step may find its own
//! work half done, and every step can be applied twice and undone twice.

pub mod kept;
pub mod log;
mod notes;
mod place;
pub mod record;
pub mod registry;
#[cfg(test)]
pub(crate) mod sample;
pub mod state;

pub use kept::Kept;
pub use record::{Opened, Record};
pub use registry::{RegistryEntry, RunRegistry, Scope};
pub use state::{IllegalRecord, Phase, State, Status, StepState, Stopped};

use crate::error::{Error, Result};
use jiff::Timestamp;
use kept::{LONG, NoteFile};
use log::Log;
use serde::Serialize;
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
        let state = State::of_journal(path, opened.clone());
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
        let state = replay(path, entries)?;
        state.place.sweep(&state.note_files())?;
        Ok(Self { state, log })
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
        self.require(&record)?;
        self.log.append(&record, Timestamp::now())?;
        self.state.apply(record).map_err(out_of_order)
    }

    /// Notes something about a step, in place of an earlier note of the same key. When this returns, it is on disk.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn note(&mut self, step: &str, key: &str, value: &impl Serialize) -> Result<()> {
        let unwritable = |cause| Error::internal(format!("The note {key} cannot be written.")).because(cause);
        let text = serde_json::to_vec(value).map_err(unwritable)?;
        let (step, key) = (step.to_owned(), key.to_owned());
        if text.len() <= LONG {
            let value = serde_json::from_slice(&text).map_err(unwritable)?;
            return self.append(Record::Note { step, key, value: Kept::Here(value) });
        }
        let earlier = match self.state.step(&step).notes.get(&key) {
            Some(Kept::File(file)) => Some(file.clone()),
            _ => None,
        };
        let file = NoteFile::new(self.log.next_number(), &text);
        let record = Record::NoteInFile { step, key, file: file.clone() };
        self.require(&record)?;
        self.state.place.write(&file, &text)?;
        self.append(record)?;
        earlier.map_or(Ok(()), |file| self.state.place.remove(&file))
    }

    fn require(&self, record: &Record) -> Result<()> {
        self.state.allows(record).map_err(out_of_order)
    }

    /// Says where the journal is by now: its home was renamed.
    pub fn moved_to(&mut self, path: &Path) {
        self.log.moved_to(path);
        self.state.moved_to(path);
    }

    /// Returns what follows from the records so far.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Returns where the journal is.
    pub fn path(&self) -> &Path {
        self.log.path()
    }
}

fn out_of_order(illegal: IllegalRecord) -> Error {
    Error::internal("A step of the run came out of order.").because(illegal)
}

fn replay(path: &Path, entries: Vec<log::Entry>) -> Result<State> {
    let mut entries = entries.into_iter();
    let Some(log::Entry { record: Record::Opened(opened), .. }) = entries.next() else {
        return Err(Error::failed(format!("The journal {} does not begin as one.", path.display()))
            .hint("Restore the file from a backup, or move it away to begin anew after undoing by hand."));
    };
    let mut state = State::of_journal(path, opened);
    for entry in entries {
        let number = entry.number;
        state.apply(entry.record).map_err(|illegal| {
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
        journal.append(Record::Note { step: step("copy"), key: "index-1".into(), value: json!(200).into() }).unwrap();
        let before = journal.state().clone();
        drop(journal);

        let mut journal = Journal::open(&path).unwrap();
        assert_eq!(journal.state(), &before);
        journal.append(Record::Started { step: step("copy") }).unwrap();
        journal.append(Record::Finished { step: step("copy"), output: json!({"documents": 200}) }).unwrap();
        let state = Journal::peek(&path).unwrap();
        assert_eq!(state.step("copy").notes["index-1"], json!(200).into());
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

    /// A value that is too long for a line.
    fn long(what: &str) -> serde_json::Value {
        json!({ "what": what, "digest": "0123456789abcdef".repeat(LONG / 16) })
    }

    fn begun(path: &Path) -> Journal {
        let mut journal = Journal::create(path, opened()).unwrap();
        journal.append(Record::Planned { plan: json!({}), fingerprints: Default::default() }).unwrap();
        journal.append(Record::Started { step: step("copy") }).unwrap();
        journal
    }

    fn files_of_notes(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory.join("2026-11-22_10-00-00.notes")).unwrap();
        let mut names: Vec<String> = entries.map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_long_note_has_a_file_of_its_own_which_the_next_one_of_its_key_replaces() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let mut journal = begun(&path);
        journal.note("copy", "index a", &long("half")).unwrap();
        journal.note("copy", "index b", &long("b")).unwrap();
        journal.note("copy", "index a", &long("whole")).unwrap();
        journal.note("copy", "reader", &"files").unwrap();
        assert_eq!(files_of_notes(dir.path()), ["5.json", "6.json"]);
        assert!(fs::metadata(&path).unwrap().len() < 2_000, "the journal itself stays short");
        // Of a record that was never written.
        fs::write(dir.path().join("2026-11-22_10-00-00.notes/8.json"), "{}").unwrap();
        let state = Journal::peek(&path).unwrap();
        let all = state.all_noted::<serde_json::Value>("copy", "index ").unwrap();
        assert_eq!(all, [("a".to_owned(), long("whole")), ("b".to_owned(), long("b"))]);
        assert_eq!(files_of_notes(dir.path()).len(), 3, "a look changes nothing");
        let mut journal = Journal::open(&path).unwrap();
        assert_eq!(journal.state().noted::<String>("copy", "reader").unwrap().unwrap(), "files");
        assert_eq!(files_of_notes(dir.path()), ["5.json", "6.json"]);
        journal.note("copy", "index c", &long("c")).unwrap();
        journal.append(Record::UndoStarted { step: step("copy") }).unwrap();
        journal.append(Record::UndoFinished { step: step("copy") }).unwrap();
        drop(journal);
        Journal::open(&path).unwrap();
        assert_eq!(files_of_notes(dir.path()), Vec::<String>::new(), "nothing is left of a step that is undone");
    }

    #[test]
    fn a_long_note_that_is_gone_or_not_as_it_was_written_is_named_and_its_file_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        begun(&path).note("copy", "index a", &long("a")).unwrap();
        let file = dir.path().join("2026-11-22_10-00-00.notes/4.json");
        let text = fs::read_to_string(&file).unwrap();
        let told = || {
            let error = Journal::peek(&path).unwrap().noted::<serde_json::Value>("copy", "index a").unwrap_err();
            assert!(error.message().contains("the note \"index a\" of the step copy"), "{error:?}");
            error.causes().join(" ")
        };
        fs::write(&file, text.replace("0123", "0124")).unwrap();
        assert!(told().contains("4.json is not as this program has written it"), "{}", told());
        fs::write(&file, &text[..text.len() - 1]).unwrap();
        assert!(told().contains("4.json is not as this program has written it"), "{}", told());
        fs::remove_file(&file).unwrap();
        assert!(told().contains("4.json"), "{}", told());
    }

    #[test]
    fn a_long_note_in_a_line_as_earlier_versions_wrote_it_is_read_from_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let mut journal = begun(&path);
        let earlier = |key: &str, what| Record::Note { step: step("copy"), key: key.into(), value: long(what).into() };
        journal.append(earlier("index a", "half")).unwrap();
        journal.append(earlier("index a", "whole")).unwrap();
        journal.append(earlier("index b", "b")).unwrap();
        drop(journal);
        let mut journal = Journal::open(&path).unwrap();
        assert!(matches!(journal.state().step("copy").notes["index a"], Kept::Line(_)), "it is passed over");
        journal.note("copy", "index b", &long("in a file")).unwrap();
        let moved = dir.path().join("moved");
        fs::create_dir(&moved).unwrap();
        for name in ["journal", "2026-11-22_10-00-00.notes"] {
            fs::rename(dir.path().join(name), moved.join(name)).unwrap();
        }
        journal.moved_to(&moved.join("journal"));
        for state in [journal.state(), &Journal::peek(&moved.join("journal")).unwrap()] {
            let all = state.all_noted::<serde_json::Value>("copy", "index ").unwrap();
            assert_eq!(all, [("a".to_owned(), long("whole")), ("b".to_owned(), long("in a file"))]);
        }
        journal.note("copy", "index c", &long("c")).unwrap();
        assert_eq!(files_of_notes(&moved), ["7.json", "8.json"]);
        let text = fs::read_to_string(moved.join("journal")).unwrap();
        fs::write(moved.join("journal"), text.replace("0123", "0124")).unwrap();
        let error = Journal::peek(&moved.join("journal")).unwrap_err();
        assert!(error.message().contains("is damaged: its checksum is wrong"), "{error}");
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
