//! Backups: a `.tar.gz` that plain `tar xzf` reads, written by all cores and read back before it counts.
//!
//! A gzip file may be several members one after another (RFC 1952, 2.2); so the tar stream is cut into chunks, each
//! compressed on its own. The archive gets its name only once it has been flushed, read back from the disk and
//! compared, entry by entry, with what was put in.

mod gzip;
mod tarball;
mod verify;

use super::basic::{exists, rename_no_replace};
use super::parallel::Meter;
use super::problem::problem;
use super::walk::walk;
use crate::error::{Error, Result};
use crate::events::Events;
use crate::failpoints;
use serde::{Deserialize, Serialize};
pub use tarball::Root;

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// Ends the name of an archive that is not finished. One that a crash left is replaced by the next attempt.
const PARTIAL: &str = ".partial";

/// A finished archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archived {
    /// The file.
    pub path: PathBuf,
    /// Bytes of file content that went in.
    pub bytes_in: u64,
    /// Length of the archive.
    pub bytes_out: u64,
    /// Files with content; directories and links are not counted.
    pub files: u64,
    /// SHA-256 of the archive as read back, in hexadecimal.
    pub sha256: String,
}

/// Writes the roots into a new archive at `target`, readable by its owner only, and reads it back.
///
/// Sockets and pipes are left out. A link of which another name is in the same root becomes a hard link.
///
/// # Errors
/// Fails if `target` exists, something cannot be read or written, a file changes meanwhile, what is read back differs
/// from what was written, and when cancelled; then nothing is left at `target`.
pub fn write(target: &Path, roots: &[Root], cancel: &CancellationToken, events: &Events) -> Result<Archived> {
    failpoints::reach("files.archive")?;
    if exists(target)? {
        return Err(Error::failed(format!("{} is there already.", target.display()))
            .hint("Move it elsewhere, or name another directory with --backup-dir."));
    }
    let mut partial = target.as_os_str().to_owned();
    partial.push(PARTIAL);
    let partial = PathBuf::from(partial);
    match fs::remove_file(&partial) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(problem("remove", &partial, cause)),
        _ => {}
    }
    let written = write_and_verify(&partial, target, roots, cancel, events);
    if written.is_err() {
        // Ours, and of no use. If this fails too, the next attempt tries again.
        let _ = fs::remove_file(&partial);
    }
    written
}

fn write_and_verify(
    partial: &Path,
    target: &Path,
    roots: &[Root],
    cancel: &CancellationToken,
    events: &Events,
) -> Result<Archived> {
    let trees = roots.iter().map(|root| Ok((root, walk(&root.source, cancel)?))).collect::<Result<Vec<_>>>()?;
    let bytes_in = trees.iter().flat_map(|(_, tree)| tree).filter(|entry| entry.meta.is_file());
    let bytes_in = bytes_in.map(|entry| entry.meta.len()).sum();

    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(partial);
    let file = file.map_err(|cause| problem("create", partial, cause))?;
    let task = format!("Backup {}", file_name(target));
    let meter = Meter::new(events, &task, bytes_in);
    let (recorded, sha256) = gzip::write(&file, partial, |stream| tarball::write(stream, &trees, cancel, &meter))?;
    file.sync_all().map_err(|cause| problem("flush", partial, cause))?;
    drop(meter);

    failpoints::reach("files.archive.verify")?;
    let task = format!("Reading back {}", file_name(target));
    let bytes_out = file.metadata().map_err(|cause| problem("look at", partial, cause))?.len();
    let read_back = verify::read_back(file, partial, &recorded, cancel, &Meter::new(events, &task, bytes_out))?;
    if read_back != sha256 {
        return Err(verify::damaged(partial, "the archive as a whole"));
    }
    failpoints::reach("files.archive.rename")?;
    rename_no_replace(partial, target)?;
    let contents: Vec<_> = recorded.iter().filter(|entry| entry.kind.is_file()).collect();
    Ok(Archived {
        path: target.to_owned(),
        bytes_in: contents.iter().map(|entry| entry.size).sum(),
        bytes_out,
        files: u64::try_from(contents.len()).unwrap_or(u64::MAX),
        sha256,
    })
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::fingerprint::tree_hash;
    use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
    use std::process::Command;

    fn sample(root: &Path) {
        let long = "a-directory-with-a-long-name/".repeat(9);
        fs::create_dir_all(root.join(&long)).unwrap();
        fs::write(root.join(&long).join("file with ünïcode"), "deep").unwrap();
        // More than several chunks, hardly compressible, and not a multiple of a tar block.
        let mut noise = 1_u64;
        let bytes: Vec<u8> = (0..5_000_007)
            .map(|_| {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                noise.to_be_bytes()[0]
            })
            .collect();
        fs::write(root.join("noise"), bytes).unwrap();
        fs::write(root.join("empty"), "").unwrap();
        fs::set_permissions(root.join("empty"), fs::Permissions::from_mode(0o640)).unwrap();
        fs::hard_link(root.join("noise"), root.join("other name")).unwrap();
        symlink("noise", root.join("link")).unwrap();
        symlink("x".repeat(150), root.join("long link")).unwrap();
    }

    fn write_sample(dir: &Path) -> Result<Archived> {
        let roots = [Root { source: dir.join("elastic"), name: "data/elastic".into() }];
        write(&dir.join("backup.tar.gz"), &roots, &CancellationToken::new(), &Events::silent())
    }

    /// Times to the second, as the classic format keeps them.
    fn cut_times(root: &Path) {
        for entry in walk(root, &CancellationToken::new()).unwrap().iter().rev() {
            let status = Command::new("touch").args(["-h", "-d", "@1600000000"]).arg(entry.at(root)).status().unwrap();
            assert!(status.success());
        }
    }

    #[test]
    fn plain_tar_restores_the_very_same_tree() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("elastic");
        sample(&source);
        cut_times(&source);
        let archived = write_sample(dir.path()).unwrap();
        assert_eq!((archived.files, archived.bytes_in), (3, 5_000_007 + 4));

        let out = dir.path().join("out");
        fs::create_dir(&out).unwrap();
        let tar = Command::new("tar").arg("xzpf").arg(&archived.path).arg("-C").arg(&out).output().unwrap();
        assert!(tar.status.success(), "{}", String::from_utf8_lossy(&tar.stderr));
        assert_eq!(tree_hash(&source).unwrap(), tree_hash(&out.join("data/elastic")).unwrap());
        let sum = Command::new("sha256sum").arg(&archived.path).output().unwrap();
        assert!(String::from_utf8(sum.stdout).unwrap().starts_with(&archived.sha256));
    }

    #[test]
    fn an_archive_is_never_replaced_and_a_leftover_is() {
        let dir = tempfile::tempdir().unwrap();
        sample(&dir.path().join("elastic"));
        fs::write(dir.path().join("backup.tar.gz.partial"), "half").unwrap();
        write_sample(dir.path()).unwrap();
        assert!(write_sample(dir.path()).unwrap_err().message().contains("is there already"));
        assert!(!dir.path().join("backup.tar.gz.partial").exists());
    }

    #[test]
    fn a_byte_that_changed_on_disk_is_found_when_reading_back() {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("elastic");
        sample(&source);
        let root = Root { source: source.clone(), name: "e".into() };
        let cancel = CancellationToken::new();
        let trees = [(&root, walk(&source, &cancel).unwrap())];
        let path = dir.path().join("a");
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).unwrap();
        let events = Events::silent();
        let meter = Meter::new(&events, "test", 0);
        let (recorded, _) = gzip::write(&file, &path, |out| tarball::write(out, &trees, &cancel, &meter)).unwrap();
        let again = || File::open(&path).unwrap();
        verify::read_back(again(), &path, &recorded, &cancel, &meter).unwrap();

        let mut other = recorded.clone();
        other.iter_mut().find(|entry| entry.size > 0).unwrap().crc ^= 1;
        let error = verify::read_back(again(), &path, &other, &cancel, &meter).unwrap_err();
        assert!(error.message().contains("e/"), "{error}");
        assert!(verify::read_back(again(), &path, &recorded[1..], &cancel, &meter).is_err());

        let mut byte = [0];
        file.read_exact_at(&mut byte, 2_000_000).unwrap();
        file.write_all_at(&[byte[0] ^ 0x10], 2_000_000).unwrap();
        assert!(verify::read_back(again(), &path, &recorded, &cancel, &meter).is_err());
        file.set_len(3_000_000).unwrap();
        assert!(verify::read_back(again(), &path, &recorded, &cancel, &meter).is_err());
    }

    #[test]
    fn a_file_that_shrinks_or_grows_meanwhile_fails_the_backup() {
        for length in [10, 9_000_000] {
            let dir = tempfile::tempdir().unwrap();
            let source = dir.path().join("elastic");
            sample(&source);
            let root = Root { source: source.clone(), name: "e".into() };
            let cancel = CancellationToken::new();
            let trees = [(&root, walk(&source, &cancel).unwrap())];
            File::options().write(true).open(source.join("noise")).unwrap().set_len(length).unwrap();
            let path = dir.path().join("a");
            let file = File::create_new(&path).unwrap();
            let events = Events::silent();
            let meter = Meter::new(&events, "test", 0);
            let error = gzip::write(&file, &path, |out| tarball::write(out, &trees, &cancel, &meter)).unwrap_err();
            assert!(error.message().contains("noise changed while"), "{error}");
        }
    }

    use std::fs::File;
}
