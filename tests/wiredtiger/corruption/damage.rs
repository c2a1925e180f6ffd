//! The ways in which a file is damaged, and the kinds of files there are.

use clearml_migrate::wiredtiger::log::record::{self, Found};
use fastrand::Rng;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const BLOCK: usize = 4096;

type Damage = fn(&mut Rng, &mut Vec<u8>, other: &[u8]);

pub const WAYS: [(&str, Damage); 5] = [
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

/// Lists the files of a directory by kind.
pub fn files(root: &Path) -> BTreeMap<&'static str, Vec<PathBuf>> {
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
pub fn last_record(log: &[u8]) -> usize {
    let (mut at, mut last) = (0, 0);
    while let Ok(Found::Record(record)) = record::at(log, at) {
        last = at;
        at += record.stride();
    }
    last
}
