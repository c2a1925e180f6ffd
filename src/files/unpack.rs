//! A directory out of a tar stream, as docker gives one of a container: unpacked with owners, modes and times, and
//! compared byte for byte with a second reading of the same stream.
//!
//! Paths in the stream begin with the directory's own name, which is left out here. Format: GNU and PAX, as Go's
//! `archive/tar` writes them.

use super::owned::Owned;
use super::parallel::Meter;
use super::problem::problem;
use crate::error::{Error, Result};
use crate::events::Events;
use crate::failpoints;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::{Component, Path, PathBuf};
use tar::{Archive, EntryType};
use tokio_util::sync::CancellationToken;

/// Zero bytes that end a tar stream: two blocks (POSIX `pax`, ustar interchange format).
const END_MARK: u64 = 1024;
const BUFFER: usize = 256 << 10;

/// What was unpacked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// Files with content of their own.
    pub files: u64,
    /// Bytes of these files.
    pub bytes: u64,
}

/// What is done with a stream, and how it is told.
pub struct Reading<'a> {
    /// What the stream is of, for people: `trains-elastic:/usr/share/elasticsearch/data`.
    pub what: &'a str,
    /// Bytes to expect, for the progress only.
    pub bytes: u64,
    /// Where progress is told.
    pub events: &'a Events,
    /// The wish to stop.
    pub cancel: &'a CancellationToken,
}

/// What a header says beside its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Facts {
    uid: u32,
    gid: u32,
    mode: u32,
    /// Seconds since 1970.
    time: i64,
}

/// Unpacks a stream into a claimed place and flushes everything. Safe to start over once the caller has removed a
/// part of it.
///
/// # Errors
/// Fails if the place holds anything, the stream breaks off, is no directory or holds a device, and if something cannot be
/// written or given to its owner; also when cancelled.
pub fn unpack(stream: impl Read, target: &Owned, reading: &Reading<'_>) -> Result<Unpacked> {
    let to = target.path();
    if !super::exists(to)? {
        failpoints::reach("files.create_dir")?;
        fs::create_dir(to).map_err(|cause| problem("create the directory", to, cause))?;
    } else if !super::is_empty(to)? {
        return Err(Error::internal(format!("{} is not empty.", to.display())));
    }
    let mut unpacked = Unpacked::default();
    let mut directories: Vec<(PathBuf, Facts)> = Vec::new();
    each(stream, reading, |entry, content| {
        failpoints::reach("files.unpack.entry")?;
        let made = entry.at(to);
        match entry.kind {
            EntryType::Directory => {
                if entry.path != Path::new("") {
                    fs::create_dir(&made).map_err(|cause| problem("create the directory", &made, cause))?;
                }
                directories.push((made, entry.facts));
                return Ok(());
            }
            EntryType::Symlink => {
                let leads_to = entry.link.clone().unwrap_or_default();
                symlink(leads_to, &made).map_err(|cause| problem("create the link", &made, cause))?;
                lchown(&made, Some(entry.facts.uid), Some(entry.facts.gid))
                    .map_err(|cause| problem("give its owner to", &made, cause))?;
            }
            EntryType::Link => {
                let first = entry.linked(to)?;
                return fs::hard_link(&first, &made).map_err(|cause| problem("link", &first, cause));
            }
            _ => {
                unpacked.files += 1;
                unpacked.bytes += write_file(&made, content, entry.facts)?;
            }
        }
        set_time(&made, entry.facts)
    })?;
    // Deepest first: making entries changes a directory's time, and its mode may forbid it.
    for (made, facts) in directories.iter().rev() {
        give(made, *facts)?;
        set_time(made, *facts)?;
        super::basic::sync_dir(made)?;
    }
    super::basic::sync_parent(to)?;
    Ok(unpacked)
}

/// Compares a directory with a stream: the same paths, kinds, owners, modes and bytes, and nothing besides.
///
/// # Errors
/// A difference that names the first path which is not the same. Fails if the stream breaks off or something cannot be
/// read, and when cancelled.
pub fn compare(stream: impl Read, directory: &Path, reading: &Reading<'_>) -> Result<()> {
    let mut seen = BTreeSet::new();
    each(stream, reading, |entry, content| {
        failpoints::reach("files.unpack.compare")?;
        let made = entry.at(directory);
        let meta = fs::symlink_metadata(&made).map_err(|cause| problem("look at", &made, cause))?;
        let same_kind = match entry.kind {
            EntryType::Directory => meta.is_dir(),
            EntryType::Symlink => meta.is_symlink() && fs::read_link(&made).ok() == entry.link,
            _ => meta.is_file(),
        };
        let facts = Facts { uid: meta.uid(), gid: meta.gid(), mode: meta.mode() & 0o7777, time: meta.mtime() };
        // A link has no mode of its own.
        let expected = Facts { mode: if meta.is_symlink() { facts.mode } else { entry.facts.mode }, ..entry.facts };
        let same = match entry.kind {
            EntryType::Link => entry.linked(directory).is_ok_and(|first| same_file(&first, &meta)),
            _ => facts == expected,
        };
        let has_content = !matches!(entry.kind, EntryType::Directory | EntryType::Symlink | EntryType::Link);
        if !same_kind || !same || (has_content && !same_content(&made, content)?) {
            return Err(differs(&made, reading));
        }
        seen.insert(entry.path);
        Ok(())
    })?;
    let here = super::walk::walk(directory, reading.cancel)?;
    match here.iter().find(|entry| !seen.contains(&entry.path)) {
        Some(extra) => Err(differs(&extra.at(directory), reading)),
        None => Ok(()),
    }
}

fn differs(path: &Path, reading: &Reading<'_>) -> Error {
    Error::difference(format!("{} is not what is in {}.", path.display(), reading.what))
        .hint("Check the disk and the memory of this machine (`dmesg` may say more).")
}

fn same_file(first: &Path, meta: &fs::Metadata) -> bool {
    fs::symlink_metadata(first).is_ok_and(|first| (first.dev(), first.ino()) == (meta.dev(), meta.ino()))
}

/// An entry that is worth something, by its path below the directory.
struct Entry {
    path: PathBuf,
    kind: EntryType,
    /// Where a link leads, as it is written.
    link: Option<PathBuf>,
    facts: Facts,
}

impl Entry {
    fn at(&self, root: &Path) -> PathBuf {
        if self.path.as_os_str().is_empty() { root.to_owned() } else { root.join(&self.path) }
    }

    /// Returns the file that a hard link is another name of.
    fn linked(&self, root: &Path) -> Result<PathBuf> {
        let link = self.link.as_deref().unwrap_or(Path::new(""));
        below(link).map(|path| root.join(path)).ok_or_else(|| odd(link))
    }
}

/// Calls `work` for each entry, and makes sure that the stream came to its end.
fn each(
    stream: impl Read,
    reading: &Reading<'_>,
    mut work: impl FnMut(Entry, &mut dyn Read) -> Result<()>,
) -> Result<()> {
    let broken = |cause: io::Error| match reading.cancel.is_cancelled() {
        true => Error::cancelled(),
        false => Error::failed(format!("Docker did not give all of {}.", reading.what))
            .because(cause)
            .hint("Run the same command again: it begins anew there."),
    };
    let meter = Meter::new(reading.events, reading.what, reading.bytes);
    let counted = Counted { stream, zeros: 0, cancel: reading.cancel, meter: &meter };
    let mut archive = Archive::new(BufReader::with_capacity(BUFFER, counted));
    let mut entries = 0_u64;
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let kind = entry.header().entry_type();
        let written = entry.path().map_err(broken)?.into_owned();
        let path = below(&written).ok_or_else(|| odd(&written))?;
        if path.as_os_str().is_empty() && !kind.is_dir() {
            return Err(Error::refused(format!("{} is no directory.", reading.what)).hint(
                "Data behind a symbolic link, or in a single file, are not rescued: copy them out with docker cp -L.",
            ));
        }
        match kind {
            // The program that listens makes it anew.
            EntryType::Fifo => continue,
            EntryType::Directory
            | EntryType::Symlink
            | EntryType::Link
            | EntryType::Regular
            | EntryType::Continuous => {}
            _ => return Err(odd(&written)),
        }
        let link = entry.link_name().map_err(broken)?.map(|link| link.into_owned());
        let facts = facts(entry.header()).map_err(broken)?;
        entries += 1;
        let worked = work(Entry { path, kind, link, facts }, &mut entry);
        // What breaks off in the middle of a file is docker's, whatever was being done with it.
        worked.map_err(|error| if reading.cancel.is_cancelled() { Error::cancelled() } else { error })?;
    }
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(broken)?;
    if entries == 0 || rest.into_inner().zeros < END_MARK {
        return Err(broken(io::Error::new(io::ErrorKind::UnexpectedEof, "the stream has no end mark")));
    }
    Ok(())
}

fn facts(header: &tar::Header) -> io::Result<Facts> {
    let id = |id: u64| u32::try_from(id).map_err(io::Error::other);
    Ok(Facts {
        uid: id(header.uid()?)?,
        gid: id(header.gid()?)?,
        mode: header.mode()? & 0o7777,
        time: i64::try_from(header.mtime()?).map_err(io::Error::other)?,
    })
}

/// Returns a path of the stream without its first part; nothing for one that leads elsewhere.
fn below(path: &Path) -> Option<PathBuf> {
    let plain = |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    let parts: Vec<Component<'_>> = path.components().collect();
    (parts.iter().all(plain) && !parts.is_empty()).then(|| parts.into_iter().skip(1).collect())
}

fn odd(path: &Path) -> Error {
    Error::refused(format!("The container holds {}, which is neither file, directory nor link.", path.display()))
        .hint("No database makes one. Remove it in the container, then run the same command again.")
}

fn write_file(path: &Path, content: &mut dyn Read, facts: Facts) -> Result<u64> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(|cause| problem("create the file", path, cause))?;
    let mut buffer = vec![0_u8; BUFFER];
    let mut bytes = 0;
    loop {
        let read = content.read(&mut buffer).map_err(|cause| {
            Error::failed(format!("Docker did not give all of {}.", path.display()))
                .because(cause)
                .hint("Run the same command again: it begins anew there.")
        })?;
        if read == 0 {
            break;
        }
        let part = buffer.get(..read).unwrap_or_default();
        file.write_all(part).map_err(|cause| problem("write", path, cause))?;
        bytes += u64::try_from(read).unwrap_or_default();
    }
    give(path, facts)?;
    file.sync_all().map_err(|cause| problem("flush", path, cause))?;
    Ok(bytes)
}

/// Gives owner and mode. After the owner the mode: chown clears the set-id bits.
fn give(path: &Path, facts: Facts) -> Result<()> {
    lchown(path, Some(facts.uid), Some(facts.gid)).map_err(|cause| {
        let action = format!("give user {} and group {} the ownership of", facts.uid, facts.gid);
        problem(&action, path, cause)
    })?;
    fs::set_permissions(path, Permissions::from_mode(facts.mode))
        .map_err(|cause| problem("set the mode of", path, cause))
}

fn set_time(path: &Path, facts: Facts) -> Result<()> {
    let time = Timespec { tv_sec: facts.time, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).map_err(|errno| problem("set the times of", path, errno))
}

fn same_content(path: &Path, content: &mut dyn Read) -> Result<bool> {
    let mut file = File::open(path).map_err(|cause| problem("read", path, cause))?;
    let (mut expected, mut found) = (vec![0_u8; BUFFER], vec![0_u8; BUFFER]);
    loop {
        let read = content.read(&mut expected).map_err(|cause| {
            Error::failed(format!("Docker did not give all of {} a second time.", path.display())).because(cause)
        })?;
        if read == 0 {
            let more = file.read(&mut found).map_err(|cause| problem("read", path, cause))?;
            return Ok(more == 0);
        }
        let (Some(expected), Some(found)) = (expected.get(..read), found.get_mut(..read)) else { return Ok(false) };
        match file.read_exact(found) {
            Ok(()) if expected == found => {}
            Err(cause) if cause.kind() != io::ErrorKind::UnexpectedEof => return Err(problem("read", path, cause)),
            _ => return Ok(false),
        }
    }
}

/// Counts what comes, and the zeros at its end; ends with an error on request.
struct Counted<'a, R> {
    stream: R,
    zeros: u64,
    cancel: &'a CancellationToken,
    meter: &'a Meter<'a>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("stopped on request"));
        }
        let read = self.stream.read(buffer)?;
        let part = buffer.get(..read).unwrap_or_default();
        let zeros = part.iter().rev().take_while(|byte| **byte == 0).count();
        let count = |count: usize| u64::try_from(count).unwrap_or_default();
        self.zeros = if zeros == read { self.zeros + count(zeros) } else { count(zeros) };
        self.meter.add(count(read));
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
