//! Indices of a golden directory under other names, with other documents: those that its node had not yet flushed.

use clearml_migrate::lucene::directory::DataDirectory;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Returns where an index is.
pub fn index(path: &Path, name: &str) -> PathBuf {
    let directory = DataDirectory::open(path).unwrap();
    let index = directory.indices().iter().find(|index| index.name == name).unwrap();
    path.join("nodes/0/indices").join(&index.uuid)
}

/// Gives an index another name. In SMILE, the length of a short one is in the byte before it.
pub fn rename_index(index: &Path, name: &str, new: &str) {
    let short = |name: &str| [&[0x80 + (name.len() as u8 - 1)][..], name.as_bytes()].concat();
    let (old, new) = (short(name), short(new));
    for entry in fs::read_dir(index.join("_state")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let at = bytes.windows(old.len()).position(|window| window == old).unwrap();
        let mut state = [&bytes[..at], &new, &bytes[at + old.len()..bytes.len() - 8]].concat();
        put_checksum(&mut state);
        fs::write(&path, state).unwrap();
    }
}

/// Ends a file of Lucene's with the checksum of all of it.
fn put_checksum(file: &mut Vec<u8>) {
    let checksum = u64::from(crc32fast::hash(file));
    file.extend(checksum.to_be_bytes());
}

/// Puts documents, by type, id and source, into the newest generation, which holds none.
pub fn write_translog(directory: &Path, documents: impl Iterator<Item = (&'static str, String, String)>) {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let generation = names.filter_map(|name| name.strip_prefix("translog-")?.strip_suffix(".tlog")?.parse().ok());
    let generation: i64 = generation.max().unwrap();
    let path = directory.join(format!("translog-{generation}.tlog"));
    let (mut offset, mut operations) = (fs::metadata(&path).unwrap().len(), 0_u32);
    let mut file = BufWriter::new(File::options().append(true).open(&path).unwrap());
    for (kind, id, source) in documents {
        let operation = operation(kind, &id, &source);
        offset += operation.len() as u64;
        operations += 1;
        file.write_all(&operation).unwrap();
    }
    file.flush().unwrap();
    let mut checkpoint = 0x3FD7_6C17_u32.to_be_bytes().to_vec();
    checkpoint.extend(b"\x03ckp\0\0\0\x01");
    checkpoint.extend(offset.to_be_bytes());
    checkpoint.extend(operations.to_be_bytes());
    checkpoint.extend(generation.to_be_bytes());
    checkpoint.extend(0xC028_93E8_u32.to_be_bytes());
    checkpoint.extend([0; 4]);
    put_checksum(&mut checkpoint);
    fs::write(directory.join("translog.ckp"), checkpoint).unwrap();
}

/// An index operation of format 7, without routing and parent.
fn operation(kind: &str, id: &str, source: &str) -> Vec<u8> {
    let mut body = vec![2, 7];
    for text in [id, kind, source] {
        // Seven bits in each byte, the least significant ones first.
        let mut length = text.len();
        while length > 0x7F {
            body.push(length as u8 | 0x80);
            length >>= 7;
        }
        body.push(length as u8);
        body.extend(text.as_bytes());
    }
    body.extend([0; 2 + 25 + 8]);
    let mut operation = (body.len() as u32 + 4).to_be_bytes().to_vec();
    operation.extend(&body);
    operation.extend(crc32fast::hash(&body).to_be_bytes());
    operation
}
