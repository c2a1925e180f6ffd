//! No damage goes unnoticed: whatever happens to whichever file, either it is refused by its name, or what is read is what
//! would have been read anyway. Never a panic, never memory for a length that is a lie.
//!
//! `CLEARML_CORRUPTIONS` sets how often each kind of file of a directory is damaged in each way (default 12).
//! `CLEARML_CORRUPTION_RESULTS` names a directory that keeps what came out, a file for each kind: a run that was cut off
//! goes on behind the last one (`tests/full/corruption.sh`).
//!
//! | module | subject |
//! |---|---|
//! | `damage` | the ways in which a file is damaged, and the kinds of files |
//! | `shard` | all damages to one kind of file in one directory |

mod damage;
mod shard;

use peak_alloc::PeakAlloc;
use shard::{Outcomes, Shard, Ways};
use std::collections::BTreeMap;
use std::sync::Mutex;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// All tests of this target together must stay below it: a page may have 65 MiB, the directories have some megabytes.
const MAX_MEMORY: usize = 256 << 20;
/// Kinds of files that are worked on at once.
const AT_ONCE: usize = 2;

fn nothing_goes_unnoticed(name: &'static str, expected: &[&str]) {
    let kinds = Mutex::new(shard::kinds(name).into_iter());
    let done: Mutex<BTreeMap<&str, Ways>> = Mutex::default();
    std::thread::scope(|threads| {
        for _ in 0..AT_ONCE {
            threads.spawn(|| {
                loop {
                    // Not in the head of a `while let`, which would keep the lock.
                    let Some(kind) = kinds.lock().unwrap().next() else { return };
                    let ways = Shard { directory: name, kind }.run();
                    done.lock().unwrap().insert(kind, ways);
                }
            });
        }
    });
    let done = done.into_inner().unwrap();
    for kind in expected {
        let ways = done.get(kind).unwrap_or_else(|| panic!("{name} has no file of the kind {kind}"));
        let refused: u32 = ways.values().map(|outcomes| outcomes.refused).sum();
        assert!(refused > 0, "{name}: no damage to files of the kind {kind} was noticed");
    }
    let sum = |of: fn(&Outcomes) -> u32| done.values().flat_map(BTreeMap::values).map(of).sum::<u32>();
    let (all, believed) = (sum(Outcomes::all), sum(|outcomes| outcomes.believed));
    println!("{name}: {done:#?}, {} bytes at most", MEMORY.peak_usage());
    assert!(believed * 100 <= all, "{believed} of {all} are believed");
    assert!(MEMORY.peak_usage() < MAX_MEMORY, "{} bytes", MEMORY.peak_usage());
}

#[test]
fn in_the_directory_of_a_killed_server() {
    nothing_goes_unnoticed(
        "killed",
        &["WiredTiger.turtle", "WiredTiger.wt", "_mdb_catalog.wt", "collection", "index", "log", "storage.bson"],
    );
}

#[test]
fn in_the_directory_of_a_killed_server_of_mongodb_3_6() {
    nothing_goes_unnoticed(
        "mongodb-3.6-killed",
        &["WiredTiger.turtle", "WiredTiger.wt", "_mdb_catalog.wt", "collection", "index", "log", "storage.bson"],
    );
}

#[test]
fn in_a_directory_of_every_compression() {
    nothing_goes_unnoticed(
        "compressed",
        &["WiredTiger.turtle", "WiredTiger.wt", "_mdb_catalog.wt", "collection", "index"],
    );
}

#[test]
fn in_directories_of_databases_with_pages_of_their_own() {
    nothing_goes_unnoticed("apart", &["WiredTiger.wt", "_mdb_catalog.wt", "collection", "index"]);
}
