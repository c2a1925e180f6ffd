//! The reader of MongoDB's files against the engine itself, with directories that are made on the spot from seeds: stopped
//! cleanly, and killed while they were written to.
//!
//! Needs the engine: `tests/testbed/lib/wiredtiger.sh` builds it once on a machine. `CLEARML_WIREDTIGER_CLEAN` and
//! `CLEARML_WIREDTIGER_KILLED` set how many directories of each sort there are (default 30 and 10).
//! `CLEARML_WIREDTIGER_RESULTS` names a directory that keeps what came out, ten seeds to a file: a run that was cut off goes
//! on with the rest (`tests/full/wiredtiger.sh`).

use crate::mongo_golden::{self as golden, Contents, contents, open};
use crate::side_by_side::two_at_once;
use clearml_migrate::wiredtiger::directory::{ReadUpTo, State};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// Directories whose results are kept together.
const SHARD: u64 = 10;

/// What came of some directories.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Outcome {
    /// In which the reader finds what the engine finds.
    equal: u64,
    /// Of these, those of which the log has something behind the newest checkpoint.
    replayed: u64,
    /// Killed before their first checkpoint, and refused.
    never_checkpointed: u64,
    collections: u64,
    documents: u64,
    bytes: u64,
}

impl Outcome {
    fn of(contents: &Contents) -> Self {
        let sum = |of: fn(&golden::Content) -> u64| contents.values().map(of).sum();
        let (documents, bytes) = (sum(|content| content.documents), sum(|content| content.bytes));
        Self { equal: 1, collections: contents.len() as u64, documents, bytes, ..Self::default() }
    }

    fn and(self, other: Self) -> Self {
        Self {
            equal: self.equal + other.equal,
            replayed: self.replayed + other.replayed,
            never_checkpointed: self.never_checkpointed + other.never_checkpointed,
            collections: self.collections + other.collections,
            documents: self.documents + other.documents,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// Does `one` for each seed, two at a time, but for those of which an earlier run has kept what came out.
fn of_all(sort: &str, count: u64, one: impl Fn(u64) -> Outcome + Sync) -> Outcome {
    let results = std::env::var_os("CLEARML_WIREDTIGER_RESULTS").map(PathBuf::from);
    let mut all = Outcome::default();
    for begin in (0..count).step_by(SHARD as usize) {
        let end = count.min(begin + SHARD);
        let kept = results.as_ref().map(|results| results.join(format!("{sort}-{begin:03}-{end:03}.json")));
        let earlier = kept.as_ref().and_then(|kept| fs::read(kept).ok());
        let outcome = earlier.map(|earlier| serde_json::from_slice(&earlier).unwrap()).unwrap_or_else(|| {
            let outcomes = Mutex::new(Outcome::default());
            two_at_once(begin..end, |seed| {
                let outcome = one(seed);
                let mut outcomes = outcomes.lock().unwrap();
                *outcomes = outcomes.and(outcome);
            });
            let outcome = outcomes.into_inner().unwrap();
            if let Some(kept) = &kept {
                let text = serde_json::to_string(&outcome).unwrap();
                clearml_migrate::files::write_atomic(kept, text.as_bytes()).unwrap();
            }
            outcome
        });
        all = all.and(outcome);
    }
    println!("{sort}: {all:?}");
    all
}

/// Where the engine is.
fn engine() -> PathBuf {
    let built = Command::new("tests/testbed/lib/wiredtiger.sh").output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    PathBuf::from(String::from_utf8(built.stdout).unwrap().trim_end())
}

/// Makes a directory; returns what the engine finds in it.
fn make(engine: &Path, seed: u64, directory: &Path, more: &[&str]) -> Contents {
    let made = Command::new("tests/fixtures/wiredtiger/random_database.py")
        .env("PYTHONPATH", engine)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(seed.to_string())
        .arg(directory)
        .args(more)
        .output()
        .unwrap();
    assert!(made.status.success(), "seed {seed}: {}", String::from_utf8_lossy(&made.stderr));
    serde_json::from_slice(&made.stdout).unwrap()
}

fn count(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |count| count.parse().unwrap())
}

#[test]
fn directories_that_were_stopped_cleanly_hold_what_the_engine_reads_in_them() {
    let engine = engine();
    let all = count("CLEARML_WIREDTIGER_CLEAN", 30);
    let outcome = of_all("clean", all, |seed| {
        let work = tempfile::tempdir().unwrap();
        let path = work.path().join("db");
        let truth = make(&engine, seed, &path, &[]);
        let directory = open(&path, ReadUpTo::Newest).unwrap();
        assert_eq!(*directory.state(), State::Complete, "seed {seed}");
        assert_eq!(contents(&directory).unwrap(), truth, "seed {seed}");
        Outcome::of(&truth)
    });
    assert_eq!(outcome.equal, all);
}

#[test]
fn directories_of_killed_servers_hold_what_the_engine_recovers_in_them() {
    let engine = engine();
    let all = count("CLEARML_WIREDTIGER_KILLED", 10);
    let outcome = of_all("killed", all, |seed| {
        let work = tempfile::tempdir().unwrap();
        let path = work.path().join("db");
        let truth = make(&engine, seed, &path, &["kill"]);
        let directory = match open(&path, ReadUpTo::Newest) {
            Ok(directory) => directory,
            Err(error) if error.message().contains("ever brought to the disk") => {
                return Outcome { never_checkpointed: 1, ..Outcome::default() };
            }
            Err(error) => panic!("seed {seed}: {error:?}"),
        };
        assert_eq!(contents(&directory).unwrap(), truth, "seed {seed}");
        let replayed = u64::from(matches!(directory.state(), State::Replayed(_)));
        Outcome { replayed, ..Outcome::of(&truth) }
    });
    assert_eq!(outcome.equal + outcome.never_checkpointed, all);
    assert!(outcome.replayed * 3 > all, "only {} of {all} had anything in their logs", outcome.replayed);
}
