//! What a journal can say. Steps are named by short fixed strings, such as `copy_elastic`.
//!
//! The format is kept: fields may be added with defaults, and anything that an older program would misunderstand
//! needs a new version of the line (see [`super::log`]).

use super::kept::{Kept, NoteFile};
use crate::files::Fingerprint;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The first record of every journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Names the run, unique on this machine.
    pub run_id: String,
    /// Version of the program that began it.
    pub program: String,
    /// When.
    pub created: Timestamp,
    /// The deployment's home at that time.
    pub home: PathBuf,
}

/// One thing that happened, or is about to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Record {
    /// The journal begins.
    Opened(Opened),
    /// The plan, confirmed by the user, and its sources as they were. After a rollback: the next attempt begins.
    Planned {
        /// The plan as a value.
        plan: Value,
        /// Fingerprints by a name of the source.
        #[serde(default)]
        fingerprints: BTreeMap<String, Fingerprint>,
    },
    /// A step is about to act, perhaps not for the first time.
    Started {
        /// The step.
        step: String,
    },
    /// A step that acts keeps something, such as the name of a container it made or an index it has copied.
    Note {
        /// The step.
        step: String,
        /// What it is; a later note of the same key replaces the earlier.
        key: String,
        /// The value.
        value: Kept,
    },
    /// As [`Record::Note`], of a value that lies in a file of its own.
    NoteInFile {
        /// The step.
        step: String,
        /// What it is.
        key: String,
        /// The file, which is on disk before this record.
        file: NoteFile,
    },
    /// A step is done.
    Finished {
        /// The step.
        step: String,
        /// What it found or made, for later steps, the undo and the report.
        output: Value,
    },
    /// A step could not do its work. It can be started again.
    Failed {
        /// The step.
        step: String,
        /// Why, as shown to the user.
        error: String,
    },
    /// What a step did no longer holds, because a source changed: it must run again, perhaps after being undone.
    Invalidated {
        /// The step.
        step: String,
        /// What changed.
        reason: String,
    },
    /// From here on the old server's own files are renamed and rewritten.
    Committed,
    /// All that was done since [`Record::Committed`] is undone; the copies still stand.
    Uncommitted,
    /// A step is about to be undone, perhaps not for the first time.
    UndoStarted {
        /// The step.
        step: String,
    },
    /// Nothing is left of a step.
    UndoFinished {
        /// The step.
        step: String,
    },
    /// A step could not be undone: a human must help.
    UndoFailed {
        /// The step.
        step: String,
        /// Why, as shown to the user.
        error: String,
    },
    /// The migration is done and the new server was found healthy.
    Completed,
    /// All steps are undone.
    RolledBack,
    /// The user stopped the run. It can be continued.
    Cancelled,
}
