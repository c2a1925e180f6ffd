//! Writes a table as the engine does: rows on leaves, floors of internal pages above them, a root, and its address.

use clearml_migrate::wiredtiger::table_file::checksum;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

const UNIT: usize = 4096;
/// Bytes of the headers of a page and of a block.
const HEADERS: usize = 40;
/// A leaf is full with so many bytes of cells, and an internal page with so many children.
const LEAF: usize = 28 << 10;
const CHILDREN: usize = 400;

/// A number as the engine packs it.
pub fn packed(number: u64) -> Vec<u8> {
    match number {
        0..64 => vec![0x80 | number as u8],
        64..8256 => {
            let rest = number - 64;
            vec![0xC0 | (rest >> 8) as u8, rest as u8]
        }
        _ => {
            let bytes = (number - 8256).to_be_bytes();
            let skipped = bytes.iter().take_while(|byte| **byte == 0).count().min(7);
            [&[0xE0 | (8 - skipped) as u8][..], &bytes[skipped..]].concat()
        }
    }
}

/// A cell with content: short ones have their length in the first byte.
fn push_cell(cells: &mut Vec<u8>, short: u8, long: u8, content: &[u8]) {
    match content.len() {
        length @ 0..64 => cells.push((length as u8) << 2 | short),
        length => {
            cells.push(long);
            cells.extend(packed(length as u64 - 64));
        }
    }
    cells.extend_from_slice(content);
}

/// A table on its way to disk.
pub struct TableWriter {
    file: BufWriter<File>,
    at: usize,
    cells: Vec<u8>,
    entries: u32,
    /// Address cookies of the leaves.
    leaves: Vec<Vec<u8>>,
}

impl TableWriter {
    pub fn new(path: &Path) -> Self {
        let mut file = BufWriter::new(File::create(path).unwrap());
        let mut descriptor = vec![0; UNIT];
        descriptor[..12].copy_from_slice(&[0x41, 0xD8, 1, 0, 1, 0, 0, 0, 0xD8, 0x08, 0x23, 0xB7]);
        file.write_all(&descriptor).unwrap();
        Self { file, at: UNIT, cells: Vec::new(), entries: 0, leaves: Vec::new() }
    }

    /// Adds a row; keys must ascend.
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        push_cell(&mut self.cells, 1, 0x50, key);
        push_cell(&mut self.cells, 3, 0x80, value);
        self.entries += 2;
        if self.cells.len() > LEAF {
            self.end_leaf();
        }
    }

    fn end_leaf(&mut self) {
        let (cells, entries) = (std::mem::take(&mut self.cells), std::mem::take(&mut self.entries));
        let cookie = self.page(7, entries, &cells);
        self.leaves.push(cookie);
    }

    /// Writes a page and returns its address cookie.
    fn page(&mut self, kind: u8, entries: u32, cells: &[u8]) -> Vec<u8> {
        let size = HEADERS + cells.len();
        let mut block = vec![0; size.next_multiple_of(UNIT)];
        block[8] = 1;
        block[16..20].copy_from_slice(&(size as u32).to_le_bytes());
        block[20..24].copy_from_slice(&entries.to_le_bytes());
        (block[24], block[27], block[36]) = (kind, 1, 1);
        let length = block.len();
        block[28..32].copy_from_slice(&(length as u32).to_le_bytes());
        block[HEADERS..size].copy_from_slice(cells);
        let sum = checksum(&block, 32);
        block[32..36].copy_from_slice(&sum.to_le_bytes());
        self.file.write_all(&block).unwrap();
        let cookie = [self.at / UNIT - 1, length / UNIT, sum as usize].map(|number| packed(number as u64)).concat();
        self.at += length;
        cookie
    }

    /// Returns the address of the checkpoint, as the metadata have it.
    pub fn finish(mut self) -> String {
        self.end_leaf();
        let mut floor = std::mem::take(&mut self.leaves);
        // A root is an internal page, whatever there is below it.
        loop {
            let groups: Vec<Vec<Vec<u8>>> = floor.chunks(CHILDREN).map(<[Vec<u8>]>::to_vec).collect();
            floor = groups.iter().map(|children| self.internal(children)).collect();
            if floor.len() == 1 {
                break;
            }
        }
        self.file.flush().unwrap();
        let ends = [packed(self.at as u64), packed(self.at as u64)].concat();
        let cookie = [&[1][..], &floor[0], &[0x80; 9], &ends].concat();
        cookie.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn internal(&mut self, children: &[Vec<u8>]) -> Vec<u8> {
        let mut cells = Vec::new();
        for child in children {
            push_cell(&mut cells, 1, 0x50, &[0]);
            cells.extend([0x30, 0x80 | child.len() as u8]);
            cells.extend(child);
        }
        self.page(6, children.len() as u32 * 2, &cells)
    }
}
