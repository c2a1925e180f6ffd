//! Inputs that MongoDB's engine wrote: the golden directories of `tests/fixtures/wiredtiger`, page by page and record by
//! record.

use clearml_migrate::wiredtiger::directory::{MongoDirectory, ReadUpTo};
use clearml_migrate::wiredtiger::log::record::{self, Found};
use std::fs;
use std::path::{Path, PathBuf};

const UNIT: usize = 4096;
/// Longer inputs would be cut.
const MAX: usize = 16 << 10;
const PAGES: [u8; 2] = [6, 7];

/// Returns inputs with the names of their targets.
pub fn of_directory(root: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let mut seeds = Vec::new();
    for path in files(root) {
        let bytes = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        match name {
            "WiredTiger.turtle" => of_turtle(&bytes, &mut seeds),
            "storage.bson" => seeds.push(("mongo_document", bytes)),
            _ if name.starts_with("WiredTigerLog") => of_log(&bytes, &mut seeds),
            _ if name.ends_with(".wt") => of_table(&bytes, &mut seeds),
            _ => {}
        }
    }
    let directory = MongoDirectory::read(root, ReadUpTo::Newest, &std::env::temp_dir()).unwrap();
    for collection in directory.collections() {
        directory
            .documents(collection, |document| {
                seeds.push(("mongo_document", document.bytes().to_vec()));
                Ok(())
            })
            .unwrap();
    }
    // What the directories have no example of: numbers of each length, and pieces that are written into a value.
    for number in [&[0x80][..], &[0xC1, 0x19], &[0xE4, 1, 2, 3, 4], &[0x7F], &[0x20, 0], &[0x16, 0xDE, 0xFE]] {
        seeds.push(("mongo_number", number.to_vec()));
    }
    let piece = [1_u64, 1, 2, 1].map(u64::to_le_bytes).concat();
    seeds.push(("mongo_modify", [&[4, 0][..], b"0123", &piece, b"x"].concat()));
    seeds
}

fn files(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    files.sort();
    files
}

fn of_turtle(bytes: &[u8], seeds: &mut Vec<(&'static str, Vec<u8>)>) {
    let text = std::str::from_utf8(bytes).unwrap();
    seeds.extend(text.lines().filter(|line| line.contains("checkpoint=")).map(|line| ("mongo_config", line.into())));
}

fn of_log(log: &[u8], seeds: &mut Vec<(&'static str, Vec<u8>)>) {
    let mut at = 0;
    while let Ok(Found::Record(record)) = record::at(log, at) {
        let body = record.body().unwrap().into_owned();
        if at > 0 && body.len() < MAX {
            seeds.push(("mongo_commit", body));
        }
        seeds.push(("mongo_log", log[at..at + record.stride().min(MAX)].to_vec()));
        at += record.stride();
    }
}

/// Pages of rows; of those that are compressed what is compressed.
fn of_table(file: &[u8], seeds: &mut Vec<(&'static str, Vec<u8>)>) {
    for at in (UNIT..file.len()).step_by(UNIT) {
        let block = &file[at..];
        let length = u32::from_le_bytes(block[28..32].try_into().unwrap()) as usize;
        if !PAGES.contains(&block[24]) || length < UNIT || length + 1 > MAX || length > block.len() {
            continue;
        }
        let size = u32::from_le_bytes(block[16..20].try_into().unwrap()) as usize;
        let is_compressed = block[25] & 1 != 0;
        let padding = block[..length].iter().rev().take_while(|byte| **byte == 0).count();
        let end = if is_compressed { length - padding } else { size.min(length) };
        if block[24] == 7 {
            seeds.push(("mongo_page", [&[u8::from(is_compressed)], &block[16..end]].concat()));
        }
        if is_compressed {
            let size = u16::try_from(size - 64).unwrap_or(u16::MAX).to_le_bytes();
            // Snappy, behind its length.
            let stored = 8 + u64::from_le_bytes(block[64..72].try_into().unwrap()) as usize;
            seeds.push(("mongo_compressed", [&size[..], &[1], &block[64..64 + stored]].concat()));
        }
    }
}
