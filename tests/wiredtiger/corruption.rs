//! No damage goes unnoticed: whatever happens to whichever file, either it is refused by its name, or what is read is what
//! would have been read anyway. Never a panic, never memory for a length that is a lie.
//!
//! `CLEARML_CORRUPTIONS` sets how often each kind of file of a directory is damaged in each way (default 12).

use crate::golden::{Contents, Golden, contents, open};
use clearml_migrate::wiredtiger::directory::{ReadUpTo, State};
use clearml_migrate::wiredtiger::log::record::{self, Found};
use fastrand::Rng;
use peak_alloc::PeakAlloc;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// All tests of this target together must stay below it: a page may have 65 MiB, the directories have some megabytes.
const MAX_MEMORY: usize = 128 << 20;
const BLOCK: usize = 4096;

type Damage = fn(&mut Rng, &mut Vec<u8>, other: &[u8]);

const WAYS: [(&str, Damage); 5] = [
    ("one bit flipped", |random, bytes, _| flip(random, bytes)),
    ("bytes overwritten", |random, bytes, _| overwrite(random, bytes)),
    ("truncated", |random, bytes, _| bytes.truncate(random.usize(..bytes.len()))),
    ("exchanged for another of its kind", |_, bytes, other| *bytes = other.to_vec()),
    ("two blocks exchanged", |random, bytes, _| exchange(random, bytes)),
];

fn flip(random: &mut Rng, bytes: &mut [u8]) {
    let place = random.usize(..bytes.len());
    bytes[place] ^= 1 << random.u8(..8);
}

fn overwrite(random: &mut Rng, bytes: &mut [u8]) {
    let start = random.usize(..bytes.len());
    let end = bytes.len().min(start + random.usize(1..40));
    bytes[start..end].iter_mut().for_each(|byte| *byte = random.u8(..));
}

fn exchange(random: &mut Rng, bytes: &mut [u8]) {
    let blocks = bytes.len() / BLOCK;
    if blocks > 1 {
        let [one, other] = [(); 2].map(|()| random.usize(..blocks));
        for at in 0..BLOCK {
            bytes.swap(one * BLOCK + at, other * BLOCK + at);
        }
    }
}

/// What came of a damage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Outcomes {
    refused: u32,
    irrelevant: u32,
    /// The last record of the log looks as if it had been written by halves, as every killed server may leave one.
    torn: u32,
    /// The turtle has no checksum: another place in the log, or another time, is believed.
    believed: u32,
}

/// Lists the files of a directory by kind.
fn kinds(root: &Path) -> BTreeMap<&'static str, Vec<PathBuf>> {
    let mut kinds: BTreeMap<&str, Vec<PathBuf>> = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            let kind = match name {
                "WiredTiger.turtle" => "WiredTiger.turtle",
                "WiredTiger.wt" => "WiredTiger.wt",
                "_mdb_catalog.wt" => "_mdb_catalog.wt",
                "storage.bson" => "storage.bson",
                _ if name.contains("collection") => "collection",
                _ if name.contains("index") => "index",
                _ if name.contains("WiredTigerLog") => "log",
                // The lookaside and history tables, counts that are hints only, locks.
                _ => "others",
            };
            kinds.entry(kind).or_default().push(path);
        }
    }
    kinds.values_mut().for_each(|files| files.sort());
    kinds
}

/// Returns where the last record of a log begins.
fn last_record(log: &[u8]) -> usize {
    let (mut at, mut last) = (0, 0);
    while let Ok(Found::Record(record)) = record::at(log, at) {
        last = at;
        at += record.stride();
    }
    last
}

fn read(root: &Path) -> Result<Contents, String> {
    let directory = open(root, ReadUpTo::Newest).map_err(|error| format!("{error:?}"))?;
    match directory.state() {
        State::LastCheckpoint(why) => Err(format!("{}: {why}", root.display())),
        _ => contents(&directory).map_err(|error| format!("{error:?}")),
    }
}

fn nothing_goes_unnoticed(name: &str, expected: &[&str]) {
    let rounds: u64 = std::env::var("CLEARML_CORRUPTIONS").map_or(12, |rounds| rounds.parse().unwrap());
    let golden = Golden::new(name);
    let mut done = BTreeMap::new();
    for (kind, files) in kinds(golden.path()) {
        let originals: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
        for (way, damage) in WAYS {
            let mut outcomes = Outcomes::default();
            for round in 0..rounds {
                let mut random = Rng::with_seed(round);
                let chosen = random.usize(..files.len());
                let (file, original) = (&files[chosen], &originals[chosen]);
                let mut bytes = original.clone();
                if !bytes.is_empty() {
                    damage(&mut random, &mut bytes, &originals[(chosen + 1) % files.len()]);
                }
                fs::write(file, &bytes).unwrap();
                let found = read(golden.path());
                fs::write(file, original).unwrap();
                let first = original.iter().zip(&bytes).position(|(one, other)| one != other);
                match found {
                    Ok(found) if found == golden.truth => outcomes.irrelevant += 1,
                    Ok(_) if kind == "log" && first.is_some_and(|first| first >= last_record(original)) => {
                        outcomes.torn += 1
                    }
                    Ok(_) if kind == "WiredTiger.turtle" => outcomes.believed += 1,
                    Ok(_) => panic!("{name}, {kind}, {way}, round {round}: other documents are believed"),
                    Err(why) => {
                        assert!(why.contains(golden.path().to_str().unwrap()), "{why}");
                        outcomes.refused += 1;
                    }
                }
            }
            done.insert((kind, way), outcomes);
        }
    }
    for kind in expected {
        let refused: u32 = done.iter().filter(|((of, _), _)| of == kind).map(|(_, outcomes)| outcomes.refused).sum();
        assert!(refused > 0, "{name}: no damage to files of the kind {kind} was noticed");
    }
    let sum = |of: fn(&Outcomes) -> u32| done.values().map(of).sum::<u32>();
    let (damages, believed) = (done.len() as u32 * rounds as u32, sum(|outcomes| outcomes.believed));
    println!("{name}: {done:#?}, {} bytes at most", MEMORY.peak_usage());
    assert!(believed * 100 <= damages, "{believed} of {damages} are believed");
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
