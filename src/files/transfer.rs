//! The content of one file into a new one: shared by the file system where it can (reflink), else copied, holes kept.

use super::parallel::Meter;
use super::problem::{changed_while_read, problem};
use crate::error::{Error, Result};
use rustix::fs::{SeekFrom, ioctl_ficlone, seek};
use rustix::io::Errno;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Bytes copied between two looks at the cancellation token.
const CHUNK: u64 = 16 << 20;
/// `st_blocks` counts in these, whatever the file system's block size (stat(2)).
const STAT_BLOCK: u64 = 512;

/// How the content came over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The file system shares the blocks until one side is written.
    Reflinked,
    /// Byte by byte.
    Copied,
}

/// Creates `target`, which must not exist, with the content of `source`. Returns the open file, not yet flushed,
/// readable by nobody else until it is given an owner and a mode.
pub(super) fn transfer(
    source: &Path,
    target: &Path,
    cancel: &CancellationToken,
    meter: &Meter<'_>,
) -> Result<(File, Way)> {
    let from = File::open(source).map_err(|cause| problem("read", source, cause))?;
    let before = from.metadata().map_err(|cause| problem("look at", source, cause))?;
    let to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(target);
    let to = to.map_err(|cause| problem("create", target, cause))?;
    // Any refusal (another file system, one without reflinks) means the same: copy.
    let way = if before.len() > 0 && ioctl_ficlone(&to, &from).is_ok() {
        meter.add(before.len());
        Way::Reflinked
    } else {
        copy_data(&from, &to, &before, (source, target), cancel, meter)?;
        Way::Copied
    };
    let after = from.metadata().map_err(|cause| problem("look at", source, cause))?;
    let copied = to.metadata().map_err(|cause| problem("look at", target, cause))?.len();
    if !same_content_stamp(&before, &after) || copied != before.len() {
        return Err(changed_while_read(source));
    }
    Ok((to, way))
}

/// Returns whether size and modification time are the same.
pub(super) fn same_content_stamp(before: &Metadata, after: &Metadata) -> bool {
    let stamp = |meta: &Metadata| (meta.len(), meta.mtime(), meta.mtime_nsec());
    stamp(before) == stamp(after)
}

fn copy_data(
    from: &File,
    to: &File,
    meta: &Metadata,
    (source, target): (&Path, &Path),
    cancel: &CancellationToken,
    meter: &Meter<'_>,
) -> Result<()> {
    let length = meta.len();
    let sparse = meta.blocks().saturating_mul(STAT_BLOCK) < length;
    let mut position = 0;
    while position < length {
        let (start, end) = if sparse {
            next_data(from, position, length).map_err(|c| problem("read", source, c))?
        } else {
            (0, length)
        };
        meter.add(start - position);
        copy_range(from, to, start..end, cancel, meter, (source, target))?;
        position = end;
    }
    to.set_len(length).map_err(|cause| problem("write", target, cause))
}

/// Returns the next stretch of data at or after `position`; an empty one at the end if only a hole is left.
fn next_data(file: &File, position: u64, length: u64) -> io::Result<(u64, u64)> {
    match seek(file, SeekFrom::Data(position)) {
        Ok(start) => {
            let end = seek(file, SeekFrom::Hole(start))?;
            Ok((start.clamp(position, length), end.clamp(position, length)))
        }
        Err(Errno::NXIO) => Ok((length, length)),
        Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok((position, length)),
        Err(errno) => Err(errno.into()),
    }
}

fn copy_range(
    mut from: &File,
    mut to: &File,
    range: std::ops::Range<u64>,
    cancel: &CancellationToken,
    meter: &Meter<'_>,
    (source, target): (&Path, &Path),
) -> Result<()> {
    from.seek(io::SeekFrom::Start(range.start)).map_err(|cause| problem("read", source, cause))?;
    to.seek(io::SeekFrom::Start(range.start)).map_err(|cause| problem("write", target, cause))?;
    let mut left = range.end - range.start;
    while left > 0 {
        if cancel.is_cancelled() {
            return Err(Error::cancelled());
        }
        // The standard library lets the kernel copy (copy_file_range) between two files.
        let copied = io::copy(&mut from.take(left.min(CHUNK)), &mut to);
        let copied = copied.map_err(|cause| problem("write", target, cause))?;
        if copied == 0 {
            return Err(changed_while_read(source));
        }
        meter.add(copied);
        left -= copied;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Events;
    use std::fs;
    use std::os::unix::fs::FileExt;

    #[test]
    fn holes_stay_holes_and_the_data_around_them_is_equal() {
        let dir = tempfile::tempdir().unwrap();
        let (source, target) = (dir.path().join("a"), dir.path().join("b"));
        let file = File::create(&source).unwrap();
        file.write_all_at(b"head", 0).unwrap();
        file.write_all_at(b"middle", 40 << 20).unwrap();
        file.set_len(90 << 20).unwrap();
        let events = Events::silent();
        let meter = Meter::new(&events, "test", 90 << 20);
        transfer(&source, &target, &CancellationToken::new(), &meter).unwrap();
        assert!(fs::read(&source).unwrap() == fs::read(&target).unwrap());
        assert!(fs::metadata(&target).unwrap().blocks() * STAT_BLOCK < 1 << 20);
    }

    #[test]
    fn an_existing_target_is_never_touched() {
        let dir = tempfile::tempdir().unwrap();
        let (source, target) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&source, "new").unwrap();
        fs::write(&target, "old").unwrap();
        let events = Events::silent();
        let meter = Meter::new(&events, "test", 3);
        assert!(transfer(&source, &target, &CancellationToken::new(), &meter).is_err());
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
    }
}
