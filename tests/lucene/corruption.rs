//! No damage goes unnoticed: whatever happens to whichever file, either it is refused by its name, or what is read is
//! what would have been read anyway. Never a panic, never memory for a length that is a lie.
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

use crate::golden::{Documents, read, read_target};
use crate::target::UNFLUSHED;
use clearml_migrate::Result;
use peak_alloc::PeakAlloc;
use shard::Shard;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// All tests of this file together must stay below it. The directories have a few hundred kilobytes.
const MAX_MEMORY: usize = 64 << 20;
/// Shards that are worked on at once: a reader that waits for a node to finish what it writes takes no processor.
const AT_ONCE: usize = 4;

/// A directory that is damaged: what a file in it takes part in can be read alone.
trait Reader {
    /// Reads everything that a file may have to do with, which is a directory above it.
    fn read(root: &Path, about: &Path) -> Result<Documents>;
    /// Returns the directory that a file takes part in.
    fn about(root: &Path, file: &Path) -> PathBuf;
}

/// The reader of Elasticsearch 5.
struct Source;

impl Reader for Source {
    fn read(root: &Path, _: &Path) -> Result<Documents> {
        Ok(read(root)?.documents)
    }

    fn about(root: &Path, _: &Path) -> PathBuf {
        root.to_owned()
    }
}

/// The reader of Elasticsearch 7 and 8, index by index: there is more in these directories.
struct Target;

impl Reader for Target {
    fn read(root: &Path, about: &Path) -> Result<Documents> {
        let uuid = about.file_name().unwrap().to_str().unwrap();
        Ok(read_target(root, |index| index.uuid == uuid && index.name != UNFLUSHED)?.documents)
    }

    fn about(_: &Path, file: &Path) -> PathBuf {
        let is_index = |path: &&Path| path.parent().is_some_and(|parent| parent.ends_with("indices"));
        file.ancestors().find(is_index).unwrap().to_owned()
    }
}

fn nothing_goes_unnoticed<R: Reader>(name: &str, expected_kinds: &[&str]) {
    let kinds = Mutex::new(shard::kinds(name).into_iter());
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|threads| {
        for _ in 0..AT_ONCE {
            threads.spawn(|| {
                loop {
                    // Not in the head of a `while let`, which would keep the lock.
                    let Some(kind) = kinds.lock().unwrap().next() else { return };
                    let outcomes = Shard { directory: name, kind }.run::<R>();
                    done.lock().unwrap().insert(kind, outcomes);
                }
            });
        }
    });
    let done = done.into_inner().unwrap();
    for kind in expected_kinds {
        let ways = done.get(kind).unwrap_or_else(|| panic!("{name} has no file of the kind {kind}"));
        let refused: u32 = ways.values().map(|outcomes| outcomes.refused).sum();
        assert!(refused > 0 || *kind == "others", "{name}: no damage to files of the kind {kind} was noticed");
    }
    println!("{name}: {done:#?}, {} bytes at most", MEMORY.peak_usage());
    assert!(MEMORY.peak_usage() < MAX_MEMORY, "{} bytes", MEMORY.peak_usage());
}

#[test]
fn in_the_directory_of_a_killed_node() {
    nothing_goes_unnoticed::<Source>("killed", &["segments_", ".si", ".cfs", ".cfe", ".tlog", ".ckp", "state-", ".st"]);
}

#[test]
fn in_a_directory_of_merged_segments() {
    nothing_goes_unnoticed::<Source>("merged", &["segments_", ".si", ".fdt", ".fdx", ".fnm", ".liv", "others"]);
}

#[test]
fn in_a_directory_of_all_kinds_of_indices() {
    nothing_goes_unnoticed::<Source>("kinds", &["segments_", ".si", ".cfs", ".cfe", ".liv", "state-"]);
}

#[test]
fn in_a_target_of_elasticsearch_7_6() {
    let kinds = ["segments_", ".si", ".cfs", ".cfe", ".fdt", ".fdx", ".fnm", ".liv", ".dvm", ".dvd", ".ckp", "state-"];
    nothing_goes_unnoticed::<Target>("7.6.2", &kinds);
}

#[test]
fn in_a_target_of_elasticsearch_7_17() {
    let kinds = ["segments_", ".si", ".cfs", ".cfe", ".fdt", ".fdx", ".fdm", ".fnm", ".liv", ".dvm", ".dvd", ".ckp"];
    nothing_goes_unnoticed::<Target>("7.17.29", &kinds);
}

#[test]
fn in_a_target_of_elasticsearch_8_17() {
    let kinds = ["segments_", ".si", ".cfs", ".cfe", ".fdt", ".fdx", ".fdm", ".fnm", ".dvm", ".dvd", ".ckp", "state-"];
    nothing_goes_unnoticed::<Target>("8.17.0", &kinds);
}
