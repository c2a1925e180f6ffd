//! The reader of MongoDB's files against the engine itself, with directories that are made on the spot from seeds: stopped
//! cleanly, and killed while they were written to.
//!
//! Needs the engine: `tests/testbed/lib/wiredtiger.sh` builds it once on a machine. `CLEARML_WIREDTIGER_CLEAN` and
//! `CLEARML_WIREDTIGER_KILLED` set how many directories of each sort there are (default 30 and 10).

#[allow(dead_code, reason = "the tests of golden directories use more of it")]
#[path = "../../wiredtiger/golden.rs"]
mod golden;

use crate::side_by_side::two_at_once;
use clearml_migrate::wiredtiger::directory::{ReadUpTo, State};
use golden::{Contents, contents, open};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

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
    two_at_once(0..count("CLEARML_WIREDTIGER_CLEAN", 30), |seed| {
        let work = tempfile::tempdir().unwrap();
        let path = work.path().join("db");
        let truth = make(&engine, seed, &path, &[]);
        let directory = open(&path, ReadUpTo::Newest).unwrap();
        assert_eq!(*directory.state(), State::Complete, "seed {seed}");
        assert_eq!(contents(&directory).unwrap(), truth, "seed {seed}");
    });
}

#[test]
fn directories_of_killed_servers_hold_what_the_engine_recovers_in_them() {
    let engine = engine();
    let replayed = AtomicU64::new(0);
    let all = count("CLEARML_WIREDTIGER_KILLED", 10);
    two_at_once(0..all, |seed| {
        let work = tempfile::tempdir().unwrap();
        let path = work.path().join("db");
        let truth = make(&engine, seed, &path, &["kill"]);
        let directory = match open(&path, ReadUpTo::Newest) {
            Ok(directory) => directory,
            // Killed before its first checkpoint.
            Err(error) if error.message().contains("ever brought to the disk") => return,
            Err(error) => panic!("seed {seed}: {error:?}"),
        };
        assert_eq!(contents(&directory).unwrap(), truth, "seed {seed}");
        replayed.fetch_add(u64::from(matches!(directory.state(), State::Replayed(_))), Ordering::Relaxed);
    });
    let replayed = replayed.into_inner();
    assert!(replayed * 3 > all, "only {replayed} of {all} had anything in their logs");
}
