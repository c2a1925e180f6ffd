//! The lines of a file, one after the other: in memory there is one line, and of a compressed file what its frame needs
//! to be unpacked.

use crate::error::{Error, Result};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Bytes that are read at a time.
const BUFFER: usize = 256 * 1024;
/// Elasticsearch holds no document of more bytes than an array of Java has.
const LONGEST: u64 = 1 << 31;
/// Room for a line that is kept for the next one.
const KEPT: usize = 1024 * 1024;

/// A file, read line by line.
pub(super) struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead>,
}

impl Lines {
    /// Opens a file.
    ///
    /// # Errors
    /// Fails if it cannot be read.
    pub fn open(path: &Path, compressed: bool) -> Result<Self> {
        let file = File::open(path).map_err(|cause| unreadable(path, cause))?;
        let file = BufReader::with_capacity(BUFFER, file);
        let reader: Box<dyn BufRead> = match compressed {
            true => Box::new(BufReader::with_capacity(BUFFER, Frames { file, decoder: FrameDecoder::new() })),
            false => Box::new(file),
        };
        Ok(Self { path: path.to_owned(), reader })
    }

    /// Puts the next line into `line`, without its end. Returns false behind the last one.
    ///
    /// # Errors
    /// Refuses a line without an end and one that no document can have; fails if the file cannot be read.
    pub fn next(&mut self, line: &mut Vec<u8>) -> Result<bool> {
        line.clear();
        line.shrink_to(KEPT);
        let read = self.reader.by_ref().take(LONGEST).read_until(b'\n', line);
        match (read.map_err(|cause| unreadable(&self.path, cause))?, line.pop()) {
            (0, _) => Ok(false),
            (_, Some(b'\n')) => Ok(true),
            _ => Err(was_changed(Error::refused(format!("{} ends in the middle of a line.", self.path.display())))),
        }
    }
}

/// What is in frames of Zstandard that stand one behind the other.
struct Frames<R> {
    file: R,
    decoder: FrameDecoder,
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(buffer);
            }
            if !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.file, one).map_err(io::Error::other)?;
            } else if self.file.fill_buf()?.is_empty() {
                return Ok(0);
            } else {
                self.decoder.reset(&mut self.file).map_err(io::Error::other)?;
            }
        }
    }
}

/// Returns an error of a file that was changed since it was written.
pub(super) fn was_changed(error: Error) -> Error {
    error.hint(
        "If the file was changed since it was exported, take it from another copy; else export the index once more.",
    )
}

/// Returns the error of a file that cannot be read.
pub(super) fn unreadable(path: &Path, cause: std::io::Error) -> Error {
    crate::files::problem::problem("read", path, cause)
}
