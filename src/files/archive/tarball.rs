//! Trees as a tar stream (GNU format: long names, any owner), with a record of what was put in.

use crate::error::{Error, Result};
use crate::failpoints;
use crate::files::parallel::Meter;
use crate::files::problem::{changed_while_read, problem};
use crate::files::transfer::same_content_stamp;
use crate::files::walk::Entry;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tar::{Builder, EntryType, Header};
use tokio_util::sync::CancellationToken;

/// A directory or file to put into an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Where it is.
    pub source: PathBuf,
    /// Its name in the archive, a relative path.
    pub name: PathBuf,
}

/// One entry as it was put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recorded {
    /// Path in the archive.
    pub(super) path: PathBuf,
    /// File, directory or link.
    pub(super) kind: EntryType,
    /// Bytes of content; 0 for all but files.
    pub(super) size: u64,
    /// CRC-32 of the content.
    pub(super) crc: u32,
}

/// Writes the trees and returns their entries in the order of the stream.
pub(super) fn write(
    stream: &mut impl Write,
    trees: &[(&Root, Vec<Entry>)],
    cancel: &CancellationToken,
    meter: &Meter<'_>,
) -> Result<Vec<Recorded>> {
    let mut builder = Builder::new(stream);
    let mut recorded = Vec::new();
    for (root, tree) in trees {
        let mut names: HashMap<(u64, u64), PathBuf> = HashMap::new();
        for entry in tree {
            failpoints::reach("files.archive.entry")?;
            if cancel.is_cancelled() {
                return Err(Error::cancelled());
            }
            let path = if entry.path.as_os_str().is_empty() { root.name.clone() } else { root.name.join(&entry.path) };
            let source = entry.at(&root.source);
            let first_name = || names.get(&(entry.meta.dev(), entry.meta.ino())).filter(|_| entry.meta.nlink() > 1);
            let kind = entry.meta.file_type();
            let one = if kind.is_dir() {
                put(&mut builder, entry, EntryType::Directory, path, io::empty())
            } else if kind.is_symlink() {
                let target = fs::read_link(&source).map_err(|cause| problem("read the link", &source, cause))?;
                put_link(&mut builder, entry, EntryType::Symlink, path, &target)
            } else if !kind.is_file() {
                continue;
            } else if let Some(first) = first_name() {
                put_link(&mut builder, entry, EntryType::Link, path, first)
            } else {
                names.insert((entry.meta.dev(), entry.meta.ino()), path.clone());
                recorded.push(put_file(&mut builder, entry, path, &source, cancel, meter)?);
                continue;
            };
            recorded.push(one.map_err(|cause| problem("back up", &source, cause))?);
        }
    }
    let end = builder.into_inner().and_then(|stream| stream.flush());
    end.map_err(|cause| {
        Error::failed("Cannot finish the backup.")
            .because(cause)
            .hint("Free some space in the backup directory, then run the same command again.")
    })?;
    Ok(recorded)
}

fn header(entry: &Entry, kind: EntryType) -> Header {
    let mut header = Header::new_gnu();
    header.set_metadata(&entry.meta);
    header.set_entry_type(kind);
    header.set_size(if kind.is_file() { entry.meta.len() } else { 0 });
    header
}

fn put(
    builder: &mut Builder<impl Write>,
    entry: &Entry,
    kind: EntryType,
    path: PathBuf,
    content: impl Read,
) -> io::Result<Recorded> {
    let mut header = header(entry, kind);
    builder.append_data(&mut header, &path, content)?;
    Ok(Recorded { path, kind, size: 0, crc: 0 })
}

fn put_link(
    builder: &mut Builder<impl Write>,
    entry: &Entry,
    kind: EntryType,
    path: PathBuf,
    target: &Path,
) -> io::Result<Recorded> {
    let mut header = header(entry, kind);
    builder.append_link(&mut header, &path, target)?;
    Ok(Recorded { path, kind, size: 0, crc: 0 })
}

fn put_file(
    builder: &mut Builder<impl Write>,
    entry: &Entry,
    path: PathBuf,
    source: &Path,
    cancel: &CancellationToken,
    meter: &Meter<'_>,
) -> Result<Recorded> {
    let mut file = File::open(source).map_err(|cause| problem("read", source, cause))?;
    let size = entry.meta.len();
    let mut content = Content { file: &mut file, left: size, crc: crc32fast::Hasher::new(), cancel, meter };
    let put = put(builder, entry, EntryType::Regular, path, &mut content);
    let (left, crc) = (content.left, content.crc.finalize());
    if cancel.is_cancelled() {
        return Err(Error::cancelled());
    }
    let after = file.metadata().map_err(|cause| problem("look at", source, cause))?;
    if !same_content_stamp(&entry.meta, &after) {
        return Err(changed_while_read(source));
    }
    let recorded = put.map_err(|cause| problem("back up", source, cause))?;
    if left > 0 {
        return Err(changed_while_read(source));
    }
    Ok(Recorded { size, crc, ..recorded })
}

/// The first `left` bytes of a file: exactly what the header promises, or an error.
struct Content<'a> {
    file: &'a mut File,
    left: u64,
    crc: crc32fast::Hasher,
    cancel: &'a CancellationToken,
    meter: &'a Meter<'a>,
}

impl Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("stopped on request"));
        }
        let read = Read::take(&mut *self.file, self.left).read(buffer)?;
        if read == 0 && self.left > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter"));
        }
        self.crc.update(buffer.get(..read).unwrap_or_default());
        let read_bytes = u64::try_from(read).unwrap_or_default();
        self.left -= read_bytes;
        self.meter.add(read_bytes);
        Ok(read)
    }
}
