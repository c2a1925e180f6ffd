//! No damage goes unnoticed: whatever happens to whichever file, either it is refused by its name, or what is read is
//! what would have been read anyway. Never a panic, never memory for a length that is a lie.
//!
//! `CLEARML_CORRUPTIONS` sets how often each kind of file is damaged in each way (default 12).

use crate::golden::{Documents, Golden, read, read_target};
use crate::target::UNFLUSHED;
use clearml_migrate::{Error, Result};
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
    const KINDS: [&str; 15] = [
        "segments_",
        ".si",
        ".cfs",
        ".cfe",
        ".fdt",
        ".fdx",
        ".fdm",
        ".fnm",
        ".liv",
        ".dvm",
        ".dvd",
        ".tlog",
        ".ckp",
        "state-",
        ".st",
    ];
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
    let golden = Golden::new(name);
    let root = golden.directory.path();
    let files = files(root);
    for kind in expected_kinds {
        assert!(files.contains_key(kind), "{name} has no file of the kind {kind}");
    }
    let mut truth = BTreeMap::new();
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
                let about = R::about(root, path);
                let truth = truth.entry(about.clone()).or_insert_with(|| R::read(root, &about).unwrap());
                let before = fs::read(path).unwrap();
                let mut bytes = before.clone();
                let other = fs::read(&paths[random.usize(..paths.len())]).unwrap();
                damage(&mut random, &mut bytes, other);
                if bytes == before {
                    continue;
                }
                fs::write(path, bytes).unwrap();
                match R::read(root, &about) {
                    Ok(found) => {
                        irrelevant += 1;
                        assert_eq!(found, *truth, "{way}: {}", path.display());
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
    for (about, truth) in truth {
        assert_eq!(R::read(root, &about).unwrap(), truth);
    }
    for kind in expected_kinds.iter().filter(|kind| **kind != "others") {
        assert!(refused.contains_key(kind), "{name}: no damage to files of the kind {kind} was noticed");
    }
    println!("{name}: {refused:?} refused, {irrelevant} irrelevant, {} bytes at most", MEMORY.peak_usage());
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

/// A checksum that was made right afterwards hides the damage from all but the parsers.
fn forged_content_ends_well<R: Reader>(name: &str) {
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
            let _ = R::read(root, &R::about(root, path));
            fs::write(path, before).unwrap();
        }
    }
    assert!(MEMORY.peak_usage() < MAX_MEMORY, "{} bytes", MEMORY.peak_usage());
}

#[test]
fn forged_content_with_a_right_checksum_neither_panics_nor_takes_memory() {
    for name in ["killed", "merged", "kinds"] {
        forged_content_ends_well::<Source>(name);
    }
    for name in ["7.6.2", "7.17.29", "8.17.0"] {
        forged_content_ends_well::<Target>(name);
    }
}
