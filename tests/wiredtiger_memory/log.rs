//! Writes a log as the engine does: records at multiples of 128 bytes, files that begin with where the last one ended.

use super::table::packed;
use clearml_migrate::wiredtiger::table_file::checksum;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

const ALIGNMENT: usize = 128;

/// A log on its way to disk.
pub struct LogWriter {
    directory: PathBuf,
    file_size: usize,
    number: u32,
    file: BufWriter<File>,
    at: usize,
    /// Of all files together.
    pub bytes: usize,
}

impl LogWriter {
    /// Begins a log of files of so many bytes in `journal` of a directory.
    pub fn new(directory: &Path, file_size: usize) -> Self {
        let directory = directory.join("journal");
        std::fs::create_dir(&directory).unwrap();
        let file = begun(&directory, 1);
        let mut log = Self { directory, file_size, number: 1, file, at: 0, bytes: 0 };
        log.head(0);
        log
    }

    /// What every file begins with.
    fn head(&mut self, previous_end: usize) {
        let header =
            [&0x0010_1064_u32.to_le_bytes()[..], &[5, 0, 0, 0], &(self.file_size as u64).to_le_bytes()].concat();
        self.record(&header);
        let end = [packed(u64::from(self.number) - 1), packed(previous_end as u64)].concat();
        self.record(&[&[0x84, 0x88, 0x80 | (end.len() + 2) as u8][..], &end].concat());
    }

    fn record(&mut self, body: &[u8]) {
        let mut record = (16 + body.len() as u32).to_le_bytes().to_vec();
        record.extend([0; 12]);
        record.extend(body);
        let sum = checksum(&record, 4);
        record[4..8].copy_from_slice(&sum.to_le_bytes());
        record.resize(record.len().next_multiple_of(ALIGNMENT), 0);
        self.file.write_all(&record).unwrap();
        self.at += record.len();
        self.bytes += record.len();
    }

    /// A transaction that has written these rows into a table.
    pub fn commit(&mut self, table: u64, rows: &[(Vec<u8>, Vec<u8>)]) {
        let mut body = vec![0x81, 0x87];
        for (key, value) in rows {
            let fields = [&packed(table)[..], &packed(key.len() as u64), key, value].concat();
            // The length of an operation is that of its own number, too.
            let size = (1..10)
                .map(|width| fields.len() + 1 + width)
                .find(|size| packed(*size as u64).len() + fields.len() + 1 == *size);
            body.push(0x84);
            body.extend(packed(size.unwrap() as u64));
            body.extend(fields);
        }
        if self.at + body.len() + 2 * ALIGNMENT > self.file_size {
            let end = self.at;
            self.end_file();
            self.number += 1;
            (self.file, self.at) = (begun(&self.directory, self.number), 0);
            self.head(end);
        }
        self.record(&body);
    }

    /// Files are as long as they were made, whatever is in them.
    fn end_file(&mut self) {
        self.file.flush().unwrap();
        self.file.get_ref().set_len(self.file_size as u64).unwrap();
    }

    pub fn finish(mut self) -> usize {
        self.end_file();
        self.bytes
    }
}

fn begun(directory: &Path, number: u32) -> BufWriter<File> {
    BufWriter::new(File::create(directory.join(format!("WiredTigerLog.{number:010}"))).unwrap())
}
