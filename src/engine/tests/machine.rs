//! What outlives the program on the machine that is not there, and what ends the program early.

use super::plans;
use std::collections::BTreeMap;

/// What outlives the program: what is on the disk, what runs, and the journal's lines.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Machine {
    /// Contents by name.
    pub files: BTreeMap<String, String>,
    pub old_server_runs: bool,
    pub new_server_runs: bool,
    /// The new server comes up and works.
    pub new_server_is_well: bool,
}

impl Machine {
    /// Returns a machine with an old server that runs.
    pub fn new() -> Self {
        let files = plans::STORES.map(|(_, store)| (store.to_owned(), format!("{store} as of old")));
        let compose = [("compose", "the old one"), ("home", "trains"), ("container", "only here")];
        let compose = compose.map(|(name, content)| (name.to_owned(), content.to_owned()));
        Self {
            files: files.into_iter().chain(compose).collect(),
            old_server_runs: true,
            new_server_runs: false,
            new_server_is_well: true,
        }
    }

    pub fn file(&self, name: &str) -> Option<&str> {
        self.files.get(name).map(String::as_str)
    }

    /// Where a store's old data are: under their own name, or retired.
    pub fn old_data(&self, store: &str) -> Option<&str> {
        self.file(&retired(store)).or_else(|| self.file(store))
    }

    /// What somebody does who starts the old server in between.
    pub fn write_to(&mut self, store: &str) {
        for name in [retired(store), store.to_owned()] {
            if let Some(content) = self.files.get_mut(&name) {
                content.push_str(", and more");
                return;
            }
        }
    }

    pub fn put(&mut self, name: &str, content: impl Into<String>) {
        self.files.insert(name.to_owned(), content.into());
    }

    pub fn rename(&mut self, from: &str, to: &str) {
        if let Some(content) = self.files.remove(from) {
            assert!(!self.files.contains_key(to), "{to} would be overwritten");
            self.put(to, content);
        }
    }
}

pub(super) fn retired(store: &str) -> String {
    format!("{store}_migrated")
}

/// What ends a life early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    None,
    /// The program dies at the n-th moment, from 1: ahead of and behind each record and each act.
    Dies(u64),
    /// The program dies before the step's first act.
    DiesAhead(String),
    /// The program dies after the step's last act, before that is recorded.
    DiesBehind(String),
    /// The step fails after its first act.
    Fails(String),
    /// The undo of the step fails after its first act.
    CannotUndo(String),
    /// The user stops it in the step, after its first act.
    Cancelled(String),
    /// The copy of Elasticsearch is not what was read.
    CopiesWrongly,
}
