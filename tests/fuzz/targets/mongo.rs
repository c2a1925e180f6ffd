//! MongoDB's files: numbers, configurations, pages, records of the log, documents. Checksums are made right.

use super::Control;
use clearml_migrate::wiredtiger::address::{Address, Checkpoint};
use clearml_migrate::wiredtiger::bson::Document;
use clearml_migrate::wiredtiger::compression::Compressor;
use clearml_migrate::wiredtiger::config::Config;
use clearml_migrate::wiredtiger::integers::Reader;
use clearml_migrate::wiredtiger::log::operation::operations;
use clearml_migrate::wiredtiger::log::record::{self, Found};
use clearml_migrate::wiredtiger::replay::modify::modify;
use clearml_migrate::wiredtiger::table_entry::TableEntry;
use clearml_migrate::wiredtiger::table_file::{TableFile, checksum};
use clearml_migrate::wiredtiger::{Corrupt, extended_json, tree};
use std::io::Write;
use std::path::Path;

const UNIT: usize = 4096;
/// Bytes of a page's and a block's header.
const HEADERS: usize = 40;

/// A packed number takes nine bytes at most, and small ones are the same with and without a sign.
pub fn mongo_number(input: &[u8]) -> bool {
    let mut reader = Reader::new(input);
    let number = reader.packed();
    assert!(number.is_err() || reader.position() <= 9);
    let mut reader = Reader::new(input);
    let signed = reader.packed_signed();
    assert!(signed.is_err() || reader.position() <= 9);
    if let (Ok(number), Ok(signed)) = (&number, &signed) {
        assert_eq!(i64::try_from(*number), Ok(*signed));
    }
    let _ = Address::read(&mut Reader::new(input), UNIT as u64);
    number.is_ok() || signed.is_ok()
}

pub fn mongo_config(input: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(input) else { return false };
    let _ = Checkpoint::parse(text, None, UNIT as u64);
    Config::parse(text).and_then(|config| TableEntry::parse(&config)).is_ok()
}

/// The first byte says how the page is compressed; the rest is what follows the first 16 bytes of one. Keys ascend.
pub fn mongo_page(input: &[u8]) -> bool {
    let mut control = Control(input);
    let compressor = compressor(control.u8());
    let page = block(control.rest());
    let leaf_checksum = u32::from_le_bytes(page[32..36].try_into().unwrap());
    // The page is the first block, and inputs are shorter than 63 units.
    let mut cookie = vec![0x80, 0x80 | (page.len() / UNIT) as u8];
    // One in half a million checksums is packed otherwise.
    let Some(packed) = leaf_checksum.checked_sub(8256) else { return false };
    cookie.push(0xE4);
    cookie.extend(packed.to_be_bytes());
    let mut cells = vec![0x05, 0, 0x30, 0x80 | cookie.len() as u8];
    cells.extend(&cookie);
    let mut root = (HEADERS as u32 + cells.len() as u32).to_le_bytes().to_vec();
    root.extend([2, 0, 0, 0, 6, 0, 0, 1]);
    root.extend([0; 12]);
    root.extend(cells);
    let root = block(&root);
    let mut file = vec![0; UNIT];
    file[..16].copy_from_slice(&[0x41, 0xD8, 1, 0, 1, 0, 0, 0, 0xD8, 0x08, 0x23, 0xB7, 0, 0, 0, 0]);
    file.extend(&page);
    let address = Address {
        offset: file.len() as u64,
        size: root.len() as u64,
        checksum: u32::from_le_bytes(root[32..36].try_into().unwrap()),
    };
    file.extend(&root);
    // In memory where that is to be had: disks are too slow for a fuzzer.
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::NamedTempFile::new_in(memory) } else { tempfile::NamedTempFile::new() };
    let mut made = made.unwrap();
    made.write_all(&file).unwrap();
    let table = TableFile::open(made.path(), UNIT as u64, compressor).unwrap().unwrap();
    let (mut last, mut rows): (Option<Vec<u8>>, _) = (None, 0);
    let walked = tree::walk(&table, address, |key, _| {
        assert!(last.as_deref().is_none_or(|last| last < key));
        last = Some(key.to_vec());
        rows += 1;
        Ok::<_, Corrupt>(())
    });
    assert!(walked.as_ref().is_ok_and(|counted| counted.rows == rows) || walked.is_err());
    walked.is_ok()
}

/// Makes a block of what follows a page's first 16 bytes: its length and checksum are made right.
fn block(content: &[u8]) -> Vec<u8> {
    let mut block = vec![0; 16];
    block.extend(content);
    block.resize(block.len().max(HEADERS).next_multiple_of(UNIT), 0);
    let length = (block.len() as u32).to_le_bytes();
    block[28..32].copy_from_slice(&length);
    block[36..40].copy_from_slice(&[1, 0, 0, 0]);
    let sum = checksum(&block, 32);
    block[32..36].copy_from_slice(&sum.to_le_bytes());
    block
}

fn compressor(number: u8) -> Compressor {
    [Compressor::None, Compressor::Snappy, Compressor::Zlib, Compressor::Zstd][usize::from(number % 4)]
}

/// Two bytes of a length, a byte for the compressor, and what is compressed.
pub fn mongo_compressed(input: &[u8]) -> bool {
    let mut control = Control(input);
    let (length, compressor) = (usize::from(control.u16()), compressor(control.u8()));
    let mut out = vec![7; 3];
    let done = compressor.decompress(control.rest(), 3, length, &mut out);
    assert!(done.is_err() || out.len() == 3 + length && out.starts_with(&[7; 3]));
    done.is_ok()
}

/// The body of a record: what is in it lies within it.
pub fn mongo_commit(input: &[u8]) -> bool {
    let mut record = (16 + input.len() as u32).to_le_bytes().to_vec();
    record.extend([0; 12]);
    record.extend(input);
    let sum = checksum(&record, 4);
    record[4..8].copy_from_slice(&sum.to_le_bytes());
    let found = record::at(&record, 0);
    let Ok(Found::Record(found)) = found else { return input.is_empty() };
    let body = found.body().unwrap();
    operations(&body, |_, _| Ok::<_, Corrupt>(())).is_ok()
}

/// A log as it lies there, its first record at least.
pub fn mongo_log(input: &[u8]) -> bool {
    let _ = record::header(input);
    let mut records = record::Search::from(input, 0);
    while let Ok(Some(_)) = records.next_record() {}
    match record::at(input, 0) {
        Ok(Found::Record(record)) => record.body().is_ok(),
        _ => false,
    }
}

/// A value with its length ahead, and pieces.
pub fn mongo_modify(input: &[u8]) -> bool {
    let mut control = Control(input);
    let mut value = control.piece().to_vec();
    modify(&mut value, control.rest()).is_ok()
}

/// Whatever is a document becomes JSON.
pub fn mongo_document(input: &[u8]) -> bool {
    let Ok(document) = Document::new(input) else { return false };
    document.fields().for_each(drop);
    let mut json = Vec::new();
    extended_json::push(&document, &mut json).unwrap();
    // Deeper ones than serde_json takes are documents all the same.
    let parsed = serde_json::from_slice::<serde_json::Value>(&json);
    assert!(parsed.is_ok() || parsed.is_err_and(|error| error.to_string().contains("recursion limit")));
    true
}
