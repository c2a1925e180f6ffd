//! What imports into a cluster have done: a small directory for each cluster, in the directory that keeps the index of
//! migrations. The export itself may lie where nothing can be written.

use crate::elastic::{IndexPlan, Mark};
use crate::error::{Context, Error, Result};
use crate::export::file_name;
use crate::files::{self, locks::RunLock, problem::problem};
use crate::transfer::{CopyOutcome, Verified};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// What begins the names of marks.
const MARK: &str = "clearml-migrate-import-";
const HEAD: &str = "import.json";

/// The notes on one cluster.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    head: Head,
    /// One import into a cluster at a time.
    _lock: Option<RunLock>,
}

/// What says which journal this is.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Head {
    /// Address of the node, for whoever reads this.
    target: String,
    /// Alias of indices that are not finished: nobody else's, on whatever machine, has the same.
    mark: String,
}

/// An index that is copied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Noted {
    /// What of the export it was made from.
    pub content: String,
    /// What it is.
    pub plan: IndexPlan,
    /// What was written.
    pub outcome: CopyOutcome,
    /// The id of the index in the target, once it is compared: then it is finished.
    #[serde(default)]
    pub finished: Option<String>,
    /// What was found in the target then; nothing in what earlier versions have noted.
    #[serde(default)]
    pub verified: Option<Verified>,
}

impl Journal {
    /// Returns the journal of a cluster as it is, to look at. Nothing is written.
    ///
    /// # Errors
    /// Fails when it cannot be read.
    pub fn look(state_dir: &Path, cluster: &str, target: &str) -> Result<Self> {
        let directory = state_dir.join("imports").join(file_name(cluster));
        let new = || Head { target: target.to_owned(), mark: format!("{MARK}{:016x}", fastrand::u64(..)) };
        let head = read(&directory.join(HEAD))?.unwrap_or_else(new);
        Ok(Self { directory, head, _lock: None })
    }

    /// Opens the journal of a cluster to write to it.
    ///
    /// # Errors
    /// Refused while another import into this cluster runs; fails when it cannot be read or written.
    pub fn open(state_dir: &Path, cluster: &str, target: &str) -> Result<Self> {
        let directory = Self::look(state_dir, cluster, target)?.directory;
        files::create_private_dir(&directory)?;
        let lock = RunLock::acquire(&directory.join("lock"), &format!("process {}", std::process::id()))?;
        let journal = Self { _lock: Some(lock), ..Self::look(state_dir, cluster, target)? };
        write(&journal.directory.join(HEAD), &journal.head)?;
        Ok(journal)
    }

    /// Returns the mark of indices that are not finished.
    pub fn mark(&self) -> Mark {
        Mark::new(&self.head.mark)
    }

    /// Returns what is noted of an index.
    ///
    /// # Errors
    /// Fails when it cannot be read.
    pub fn noted(&self, index: &str) -> Result<Option<Noted>> {
        read(&self.file(index))
    }

    /// Notes an index, in place of what was noted of it before.
    ///
    /// # Errors
    /// Fails when it cannot be written.
    pub fn note(&self, noted: &Noted) -> Result<()> {
        write(&self.file(&noted.plan.index), noted)
    }

    /// Forgets an index: it is to be made anew.
    ///
    /// # Errors
    /// Fails when its file cannot be removed.
    pub fn forget(&self, index: &str) -> Result<()> {
        let file = self.file(index);
        if files::exists(&file)? { files::remove_file(&file) } else { Ok(()) }
    }

    /// Returns the file for refused documents of this run. Each has its own: the user may be reading an earlier one, or
    /// giving it back.
    pub fn rejects_file(&self) -> PathBuf {
        let name = |number: u32| self.directory.join(format!("rejects-{number}.ndjson"));
        (1..).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(0))
    }

    fn file(&self, index: &str) -> PathBuf {
        self.directory.join(format!("index-{}.json", file_name(index)))
    }
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>> {
    let text = match fs::read(path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|cause| problem("read", path, cause))?,
    };
    let parsed = serde_json::from_slice(&text);
    parsed.map(Some).context(|| format!("{} cannot be understood.", path.display())).map_err(|error| {
        error
            .hint("Another version may have written it: use that one. Or remove the file: the index is made anew then.")
    })
}

fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    let text =
        serde_json::to_vec(value).map_err(|cause| Error::internal("A note cannot be written.").because(cause))?;
    files::write_atomic(path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elastic::{SourceIndex, Templates};
    use serde_json::json;

    #[test]
    fn what_earlier_versions_have_noted_is_read() {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/import");
        let state = tempfile::tempdir().unwrap();
        let directory = state.path().join("imports/of-a-cluster");
        fs::create_dir_all(&directory).unwrap();
        for entry in fs::read_dir(golden).unwrap().map(|entry| entry.unwrap()) {
            fs::copy(entry.path(), directory.join(entry.file_name())).unwrap();
        }
        let journal = Journal::look(state.path(), "of-a-cluster", "http://127.0.0.1:9257").unwrap();
        assert!(journal.head.mark.starts_with(MARK), "{journal:?}");
        for (index, documents) in
            [("events-log-d1bd", 8), ("events-training_stats_scalar-d1bd", 2), ("worker_stats_d1bd_2020-06", 1)]
        {
            let noted = journal.noted(index).unwrap().unwrap();
            assert_eq!((noted.outcome.written, noted.finished.is_some()), (documents, true), "{index}");
        }
    }

    fn noted(index: &str) -> Noted {
        let source = SourceIndex {
            name: index.into(),
            documents: 1,
            bytes: 1,
            shards: 1,
            mappings: json!({"event": {}}),
            settings: json!({}),
            aliases: json!({}),
            closed: false,
        };
        let plan = IndexPlan::new(&source, &Templates::release_1_1().unwrap()).unwrap();
        let outcome = json!({"index": index, "read": 1, "written": 1, "bytes": 1, "left_out": 0, "routing_kept": 0,
            "rejects": 0, "collisions": 0, "named": [], "digest": ""});
        Noted {
            content: "c".into(),
            plan,
            outcome: serde_json::from_value(outcome).unwrap(),
            finished: None,
            verified: None,
        }
    }

    #[test]
    fn what_is_noted_is_there_for_the_next_run_until_it_is_forgotten() {
        let state = tempfile::tempdir().unwrap();
        let open = || Journal::open(state.path(), "cluster", "http://x:9200").unwrap();
        let (first, one) = (open(), noted("events-log-é"));
        first.note(&one).unwrap();
        let mark = first.mark();
        drop(first);
        let again = open();
        assert_eq!((again.noted("events-log-é").unwrap(), again.mark()), (Some(one.clone()), mark.clone()));
        let finished = Noted { finished: Some("id".into()), ..one };
        again.note(&finished).unwrap();
        assert_eq!(again.noted("events-log-é").unwrap(), Some(finished));
        assert_eq!(again.noted("events-log").unwrap(), None);
        again.forget("events-log-é").unwrap();
        again.forget("events-log-é").unwrap();
        assert_eq!(again.noted("events-log-é").unwrap(), None);
        let other = Journal::look(state.path(), "another cluster", "http://x:9200").unwrap();
        assert_ne!(other.mark(), mark);
    }

    #[test]
    fn looking_writes_nothing_and_one_import_keeps_another_out() {
        let state = tempfile::tempdir().unwrap();
        Journal::look(state.path(), "cluster", "http://x:9200").unwrap();
        assert_eq!(fs::read_dir(state.path()).unwrap().count(), 0);
        let held = Journal::open(state.path(), "cluster", "http://x:9200").unwrap();
        let error = Journal::open(state.path(), "cluster", "http://y:9200").unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Refused);
        drop(held);
        Journal::open(state.path(), "cluster", "http://y:9200").unwrap();
    }
}
