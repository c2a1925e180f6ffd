//! An archive read back and compared with what was put in.

use super::tarball::Recorded;
use crate::error::{Error, Result};
use crate::files::fingerprint::hex;
use crate::files::parallel::Meter;
use crate::files::problem::problem;
use flate2::read::MultiGzDecoder;
use rustix::fs::{Advice, fadvise};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;
use tar::Archive;
use tokio_util::sync::CancellationToken;

/// Reads the archive from its start, compares every entry with `recorded`, and returns the SHA-256 of the bytes read.
pub(super) fn read_back(
    mut file: File,
    path: &Path,
    recorded: &[Recorded],
    cancel: &CancellationToken,
    meter: &Meter<'_>,
) -> Result<String> {
    // From the disk and not from memory, as far as the kernel follows advice.
    let _ = fadvise(&file, 0, None, Advice::DontNeed);
    file.rewind().map_err(|cause| problem("read back", path, cause))?;
    let hashed = Hashed { file, hash: Sha256::new(), cancel, meter };
    let mut archive = Archive::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 20, hashed)));
    let compared = compare(&mut archive, path, recorded);
    if cancel.is_cancelled() {
        return Err(Error::cancelled());
    }
    compared?;
    // The tar reader stops at its end mark: what follows must still decompress, to the end of the file.
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(|cause| damaged(path, "its end").because(cause))?;
    let mut hashed = rest.into_inner().into_inner();
    io::copy(&mut hashed, &mut io::sink()).map_err(|cause| problem("read back", path, cause))?;
    Ok(hex(&hashed.hash.finalize()))
}

fn compare(archive: &mut Archive<impl Read>, path: &Path, recorded: &[Recorded]) -> Result<()> {
    let mut expected = recorded.iter();
    let entries = archive.entries().map_err(|cause| damaged(path, "its beginning").because(cause))?;
    for entry in entries {
        let next = expected.next();
        let name = next.map_or_else(|| "its end".to_owned(), |next| next.path.display().to_string());
        let mut entry = entry.map_err(|cause| damaged(path, &name).because(cause))?;
        let mut crc = crc32fast::Hasher::new();
        let size = copy_to(&mut entry, &mut crc).map_err(|cause| damaged(path, &name).because(cause))?;
        let found = Recorded {
            path: entry.path().map_err(|cause| damaged(path, &name).because(cause))?.into_owned(),
            kind: entry.header().entry_type(),
            size,
            crc: crc.finalize(),
        };
        if next != Some(&found) {
            return Err(damaged(path, &name));
        }
    }
    match expected.next() {
        Some(missing) => Err(damaged(path, &missing.path.display().to_string())),
        None => Ok(()),
    }
}

fn copy_to(entry: &mut impl Read, crc: &mut crc32fast::Hasher) -> io::Result<u64> {
    let mut buffer = vec![0; 256 * 1024];
    let mut size = 0;
    loop {
        let read = entry.read(&mut buffer)?;
        if read == 0 {
            return Ok(size);
        }
        crc.update(buffer.get(..read).unwrap_or_default());
        size += u64::try_from(read).unwrap_or_default();
    }
}

/// Returns the error for an archive that is not what was written.
pub(super) fn damaged(path: &Path, place: &str) -> Error {
    Error::failed(format!("The backup {} reads back differently at {place}.", path.display()))
        .hint("Do not trust this disk: check it and the machine's memory, or name another directory with --backup-dir.")
}

/// Hashes and counts what is read.
struct Hashed<'a> {
    file: File,
    hash: Sha256,
    cancel: &'a CancellationToken,
    meter: &'a Meter<'a>,
}

impl Read for Hashed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("stopped on request"));
        }
        let read = self.file.read(buffer)?;
        self.hash.update(buffer.get(..read).unwrap_or_default());
        self.meter.add(u64::try_from(read).unwrap_or_default());
        Ok(read)
    }
}
