//! No damage goes unnoticed: whatever happens to whichever file, either it is refused by its name, or what is read is
//! what would have been read anyway. Never a panic, never memory for a length that is a lie.
//!
//! `CLEARML_CORRUPTIONS` sets how often each kind of file is damaged in each way (default 12).

use crate::golden::{Golden, read};
use clearml_migrate::Error;
use fastrand::Rng;
use peak_alloc::PeakAlloc;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// All tests of this file together must stay below it. The directories have a few hundred kilobytes.
const MAX_MEMORY: usize = 64 << 20;

type Damage = fn(&mut Rng, &mut Vec<u8>, other: Vec<u8>);

const WAYS: [(&str, Damage); 4] = [
    ("one bit flipped", |random, bytes, _| {
        let place = random.usize(..bytes.len());
        bytes[place] ^= 1 << random.u8(..8);
    }),
    ("bytes overwritten", |random, bytes, _| {
        let start = random.usize(..bytes.len());
        let end = bytes.len().min(start + random.usize(1..40));
        bytes[start..end].iter_mut().for_each(|byte| *byte = random.u8(..));
    }),
    ("truncated", |random, bytes, _| bytes.truncate(random.usize(..bytes.len()))),
    ("exchanged for another of its kind", |_, bytes, other| *bytes = other),
];

fn rounds() -> usize {
    std::env::var("CLEARML_CORRUPTIONS").map_or(12, |rounds| rounds.parse().unwrap())
}

/// Lists the files of a directory by kind.
fn files(root: &Path) -> BTreeMap<&'static str, Vec<PathBuf>> {
    const KINDS: [&str; 12] =
        ["segments_", ".si", ".cfs", ".cfe", ".fdt", ".fdx", ".fnm", ".liv", ".tlog", ".ckp", "state-", ".st"];
    let mut kinds: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        let mut entries: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                directories.push(path);
            } else if fs::metadata(&path).unwrap().len() > 0 {
                let kind = KINDS.into_iter().find(|kind| name.starts_with(kind) || name.ends_with(kind));
                kinds.entry(kind.unwrap_or("others")).or_default().push(path);
            }
        }
    }
    kinds
}

fn text(error: &Error) -> String {
    format!("{error} {}", error.causes().join(" "))
}

fn nothing_goes_unnoticed(name: &str, expected_kinds: &[&str]) {
    let golden = Golden::new(name);
    let root = golden.directory.path();
    let truth = read(root).unwrap();
    let files = files(root);
    for kind in expected_kinds {
        assert!(files.contains_key(kind), "{name} has no file of the kind {kind}");
    }
    let mut random = Rng::with_seed(5616);
    let (mut refused, mut irrelevant) = (BTreeMap::new(), 0);
    for (kind, paths) in &files {
        for (way, damage) in WAYS {
            // Checkpoints do not say which shard they are of: exchanged, they mean what they say.
            if *kind == ".ckp" && way.starts_with("exchanged") {
                continue;
            }
            for _ in 0..rounds() {
                let path = &paths[random.usize(..paths.len())];
                let before = fs::read(path).unwrap();
                let mut bytes = before.clone();
                let other = fs::read(&paths[random.usize(..paths.len())]).unwrap();
                damage(&mut random, &mut bytes, other);
                if bytes == before {
                    continue;
                }
                fs::write(path, bytes).unwrap();
                match read(root) {
                    Ok(found) => {
                        irrelevant += 1;
                        assert_eq!(found.documents, truth.documents, "{way}: {}", path.display());
                    }
                    Err(error) => {
                        *refused.entry(*kind).or_insert(0) += 1;
                        let told = text(&error);
                        // What contradicts one another names either; both are in one directory.
                        let loose = matches!(*kind, ".ckp" | "state-") || way.starts_with("exchanged");
                        let place = if loose { path.parent().unwrap() } else { path };
                        let named = told.contains(place.to_str().unwrap());
                        assert!(named, "{way}: {} was not named: {told}", path.display());
                    }
                }
                fs::write(path, &before).unwrap();
            }
        }
    }
    assert_eq!(read(root).unwrap().documents, truth.documents);
    for kind in expected_kinds.iter().filter(|kind| **kind != "others") {
        assert!(refused.contains_key(kind), "{name}: no damage to files of the kind {kind} was noticed");
    }
    println!("{name}: {refused:?} refused, {irrelevant} irrelevant, {} bytes at most", MEMORY.peak_usage());
    assert!(MEMORY.peak_usage() < MAX_MEMORY, "{} bytes", MEMORY.peak_usage());
}

#[test]
fn in_the_directory_of_a_killed_node() {
    nothing_goes_unnoticed("killed", &["segments_", ".si", ".cfs", ".cfe", ".tlog", ".ckp", "state-", ".st"]);
}

#[test]
fn in_a_directory_of_merged_segments() {
    nothing_goes_unnoticed("merged", &["segments_", ".si", ".fdt", ".fdx", ".fnm", ".liv", "others"]);
}

#[test]
fn in_a_directory_of_all_kinds_of_indices() {
    nothing_goes_unnoticed("kinds", &["segments_", ".si", ".cfs", ".cfe", ".liv", "state-"]);
}

/// A checksum that was made right afterwards hides the damage from all but the parsers.
#[test]
fn forged_content_with_a_right_checksum_neither_panics_nor_takes_memory() {
    for name in ["killed", "merged", "kinds"] {
        let golden = Golden::new(name);
        let root = golden.directory.path();
        let mut random = Rng::with_seed(600);
        for (kind, paths) in files(root) {
            if matches!(kind, ".cfs" | ".tlog" | "others") {
                continue;
            }
            for round in 0..rounds() * 2 {
                let path = &paths[random.usize(..paths.len())];
                let before = fs::read(path).unwrap();
                let mut bytes = before.clone();
                let (_, damage) = WAYS[round % 2];
                bytes.truncate(before.len() - 8);
                damage(&mut random, &mut bytes, Vec::new());
                bytes.extend(u64::from(crc32fast::hash(&bytes)).to_be_bytes());
                fs::write(path, bytes).unwrap();
                // Documents may differ now, or be no JSON: only that it ends well counts.
                let _ = read(root);
                fs::write(path, before).unwrap();
            }
        }
    }
    assert!(MEMORY.peak_usage() < MAX_MEMORY, "{} bytes", MEMORY.peak_usage());
}
