//! Lines on their way to disk: compressed if that is wanted, hashed, and flushed where an export may go on.

use crate::error::Result;
use crate::files::problem::problem;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How documents are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// Lines of JSON.
    #[serde(rename = "ndjson")]
    Plain,
    /// The same, compressed: frames of Zstandard, one behind the other (RFC 8878).
    #[serde(rename = "ndjson.zst")]
    Zstd,
}

impl Encoding {
    /// Returns what a file in this encoding ends with.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Plain => "ndjson",
            Self::Zstd => "ndjson.zst",
        }
    }
}

/// Writes in an [`Encoding`].
pub(super) struct Encoder<W: Write> {
    out: W,
    encoding: Encoding,
}

impl<W: Write> Encoder<W> {
    pub fn new(out: W, encoding: Encoding) -> Self {
        Self { out, encoding }
    }

    /// Writes some lines; compressed, they are a frame of their own.
    pub fn write_all(&mut self, text: &[u8]) -> io::Result<()> {
        match self.encoding {
            Encoding::Plain => self.out.write_all(text),
            Encoding::Zstd => self.out.write_all(&compress_to_vec(text, CompressionLevel::Fastest)),
        }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Counts and hashes what passes.
struct Hashed {
    out: BufWriter<File>,
    bytes: u64,
    hash: Sha256,
}

impl Write for Hashed {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let written = self.out.write(text)?;
        self.bytes += written as u64;
        self.hash.update(text.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A file being written.
pub(super) struct Output {
    path: PathBuf,
    encoder: Encoder<Hashed>,
}

impl Output {
    /// Begins a file, or goes on behind its first `bytes` bytes, which are hashed again.
    ///
    /// # Errors
    /// Fails if the file is shorter than that, or cannot be written.
    pub fn open(path: PathBuf, bytes: u64, encoding: Encoding) -> Result<Self> {
        let hashed = Hashed::open(&path, bytes).map_err(|cause| problem("write", &path, cause))?;
        Ok(Self { path, encoder: Encoder::new(hashed, encoding) })
    }

    pub fn write(&mut self, text: &[u8]) -> Result<()> {
        self.encoder.write_all(text).map_err(|cause| problem("write", &self.path, cause))
    }

    /// Brings everything so far to disk, and returns how many bytes that are and their SHA-256 in hexadecimal digits.
    pub fn checkpoint(&mut self) -> Result<(u64, String)> {
        let settled = self.encoder.flush().and_then(|()| self.encoder.out.out.get_ref().sync_all());
        settled.map_err(|cause| problem("write", &self.path, cause))?;
        let hashed = &self.encoder.out;
        Ok((hashed.bytes, hexadecimal(&hashed.hash.clone().finalize())))
    }
}

impl Hashed {
    fn open(path: &Path, bytes: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        if file.metadata()?.len() < bytes {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it is shorter than its manifest says"));
        }
        file.set_len(bytes)?;
        let hash = hash_of_all(&mut file)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self { out: BufWriter::new(file), bytes, hash })
    }
}

fn hash_of_all(reader: &mut impl Read) -> io::Result<Sha256> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1024 * 1024];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hash),
            read => hash.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

/// Returns the SHA-256 of the first `bytes` bytes of a file, or of all if there are fewer, in hexadecimal digits.
pub(super) fn hash_of_start(path: &Path, bytes: u64) -> io::Result<String> {
    Ok(hexadecimal(&hash_of_all(&mut File::open(path)?.take(bytes))?.finalize()))
}

/// Returns bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, from: u64, encoding: Encoding, texts: &[&[u8]]) -> (u64, String) {
        let mut output = Output::open(path.to_owned(), from, encoding).unwrap();
        texts.iter().for_each(|text| output.write(text).unwrap());
        output.checkpoint().unwrap()
    }

    #[test]
    fn a_file_that_was_cut_off_goes_on_behind_its_last_checkpoint() {
        for encoding in [Encoding::Plain, Encoding::Zstd] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("x");
            let (bytes, _) = write(&path, 0, encoding, &[b"a\n", b"b\n"]);
            // What was written after the checkpoint is not known to be whole.
            let mut file = OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(b"torn").unwrap();
            let (bytes, hash) = write(&path, bytes, encoding, &[b"c\n"]);
            let written = std::fs::read(&path).unwrap();
            assert_eq!((bytes, hash), (written.len() as u64, hexadecimal(&Sha256::digest(&written))));
            let text = match encoding {
                Encoding::Plain => written,
                Encoding::Zstd => zstd::decode_all(written.as_slice()).unwrap(),
            };
            assert_eq!(text, b"a\nb\nc\n");
        }
    }

    #[test]
    fn a_file_that_lost_its_end_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let (bytes, _) = write(&path, 0, Encoding::Plain, &[b"abc\n"]);
        let Err(error) = Output::open(path, bytes + 1, Encoding::Plain) else { panic!("accepted") };
        assert!(error.causes().join(" ").contains("shorter than its manifest says"), "{error:?}");
    }
}
