//! Whether somebody has a data directory open, and our own lock: one run at a time per deployment.
//!
//! Elasticsearch locks `node.lock` and each shard's `write.lock`, WiredTiger its `WiredTiger.lock`, all with record
//! locks of fcntl(2), which belong to the inode and are seen across containers of one kernel. The files stay behind
//! after a clean stop, so their presence says nothing. A **read** lock of the open-file-description kind can be asked
//! for on a read-only descriptor and excludes a writer. MongoDB's `mongod.lock` is locked with flock(2), which is
//! another world: both are asked for.
//!
//! Locks taken inside the virtual machine of Docker Desktop cannot be seen from here: look at containers too.

use super::problem::problem;
use super::walk::walk_in_use;
use crate::error::{Error, Result};
use crate::failpoints;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::fs::FlockOperation;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// Locks of a whole node or database: these are kept.
const NODE_LOCKS: [&str; 3] = ["node.lock", "WiredTiger.lock", "mongod.lock"];
/// The lock of one shard. A machine can have thousands: asked for and given back.
const SHARD_LOCK: &str = "write.lock";

/// Read locks on a data directory. While it lives, no node can start on the directory.
#[derive(Debug)]
pub struct HeldLocks {
    files: Vec<File>,
}

impl HeldLocks {
    /// Returns how many locks are held; a directory that no node has ever opened has none.
    pub fn count(&self) -> usize {
        self.files.len()
    }
}

/// Somebody who has a data directory open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InUse {
    /// The lock file.
    pub file: PathBuf,
    /// The process that holds it, if the kernel tells.
    pub process: Option<i32>,
}

impl fmt::Display for InUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.process {
            Some(process) => write!(f, "{} is locked by process {process}", self.file.display()),
            None => write!(f, "{} is locked", self.file.display()),
        }
    }
}

/// The answer to a wish to hold a data directory.
#[derive(Debug)]
pub enum Holding {
    /// Nobody has it open, and nobody can open it while this lives.
    Held(HeldLocks),
    /// Somebody has it open.
    InUse(InUse),
}

/// Asks for read locks on all lock files at and below `data`. Changes nothing on disk.
///
/// # Errors
/// Fails if the tree cannot be read or its file system has no locks, and when cancelled.
pub fn hold(data: &Path, cancel: &CancellationToken) -> Result<Holding> {
    let entries = walk_in_use(data, cancel)?;
    let files_named = |names: &'static [&str]| {
        entries.iter().filter(move |entry| entry.meta.is_file() && names.contains(&entry.name()))
    };
    let mut files = Vec::new();
    // A node's own lock first: it is the one to name in a message.
    for entry in files_named(&NODE_LOCKS).chain(files_named(&[SHARD_LOCK])) {
        let keep = entry.name() != SHARD_LOCK;
        let path = entry.at(data);
        let file = match File::open(&path) {
            Ok(file) => file,
            // An index that was deleted just now.
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => continue,
            Err(cause) => return Err(problem("read", &path, cause)),
        };
        if let Some(in_use) = try_read_lock(&file, &path)? {
            return Ok(Holding::InUse(in_use));
        }
        if keep {
            files.push(file);
        }
    }
    Ok(Holding::Held(HeldLocks { files }))
}

fn try_read_lock(file: &File, path: &Path) -> Result<Option<InUse>> {
    match fcntl(file, FcntlArg::F_OFD_SETLK(&whole_file(libc::F_RDLCK))) {
        Ok(_) => {}
        Err(Errno::EAGAIN | Errno::EACCES) => {
            return Ok(Some(InUse { file: path.to_owned(), process: holder(file, libc::F_RDLCK) }));
        }
        Err(errno) => return Err(no_locks(path, errno.into())),
    }
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(None),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(Some(InUse { file: path.to_owned(), process: None })),
        Err(errno) => Err(no_locks(path, errno.into())),
    }
}

fn no_locks(path: &Path, cause: std::io::Error) -> Error {
    Error::failed(format!("Cannot tell whether {} is in use.", path.display()))
        .because(cause)
        .hint("The file system does not offer locks (NFS without lockd?). Move the data to a local disk.")
}

/// Returns a lock over the whole file, of a kind `l_type`.
fn whole_file(kind: libc::c_int) -> libc::flock {
    libc::flock {
        l_type: libc::c_short::try_from(kind).unwrap_or_default(),
        l_whence: libc::c_short::try_from(libc::SEEK_SET).unwrap_or_default(),
        l_start: 0,
        l_len: 0,
        // Must be 0 for locks of the open-file-description kind (fcntl(2)).
        l_pid: 0,
    }
}

/// Asks the kernel who is in the way. It knows holders of classic record locks only.
fn holder(file: &File, kind: libc::c_int) -> Option<i32> {
    let mut lock = whole_file(kind);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock)).ok()?;
    (lock.l_pid > 0).then_some(lock.l_pid)
}

/// Our own lock. It dies with the process, however that ends; the file stays.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunLock {
    /// Takes the lock in the file `path`, made if need be, and writes `text` (who we are) into it.
    ///
    /// # Errors
    /// Refuses, with the text of the holder, if another run has it; fails if the file cannot be written.
    pub fn acquire(path: &Path, text: &str) -> Result<Self> {
        failpoints::reach("files.lock")?;
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        let mut file = file.map_err(|cause| problem("open the lock", path, cause))?;
        match fcntl(&file, FcntlArg::F_OFD_SETLK(&whole_file(libc::F_WRLCK))) {
            Ok(_) => {}
            Err(Errno::EAGAIN | Errno::EACCES) => {
                let mut holder = String::new();
                // Only for the message: an unreadable text still leaves the refusal.
                let _ = file.read_to_string(&mut holder);
                let holder = if holder.trim().is_empty() { "unknown" } else { holder.trim() };
                return Err(Error::refused(format!("Another run is at work on this deployment ({holder})."))
                    .hint("Wait until it has finished. If it hangs, stop it with Ctrl-C or kill, then run again."));
            }
            Err(errno) => return Err(no_locks(path, errno.into())),
        }
        let write = |file: &mut File| -> std::io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(text.as_bytes())
        };
        write(&mut file).map_err(|cause| problem("write the lock", path, cause))?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn try_hold(path: &Path) -> Holding {
        hold(path, &CancellationToken::new()).unwrap()
    }

    #[test]
    fn a_classic_write_lock_of_another_process_is_seen() {
        // Java's FileChannel.tryLock is F_SETLK; python's lockf is the same call.
        let dir = tempfile::tempdir().unwrap();
        let node = dir.path().join("nodes/0");
        fs::create_dir_all(&node).unwrap();
        let file = node.join("node.lock");
        fs::write(&file, "").unwrap();
        let Holding::Held(held) = try_hold(dir.path()) else { panic!("nobody holds it") };
        assert_eq!(held.count(), 1);
        drop(held);

        let script = "import fcntl,sys\nf=open(sys.argv[1],'r+')\nfcntl.lockf(f,fcntl.LOCK_EX)\nprint('locked',flush=True)\n\
                      sys.stdin.read()";
        let child = std::process::Command::new("python3")
            .args(["-c", script, file.to_str().unwrap()])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn();
        // Without python the same is shown, for another kind of holder, by the test below.
        let Ok(mut child) = child else { return };
        let mut line = [0; 6];
        child.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
        let Holding::InUse(in_use) = try_hold(dir.path()) else { panic!("a process holds it") };
        assert_eq!(in_use.process, i32::try_from(child.id()).ok());
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(matches!(try_hold(dir.path()), Holding::Held(_)));
    }

    #[test]
    fn while_held_no_writer_gets_in_and_a_writer_keeps_us_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("write.lock");
        let lock = dir.path().join("WiredTiger.lock");
        fs::write(&path, "").unwrap();
        fs::write(&lock, "").unwrap();
        let held = try_hold(dir.path());
        assert!(RunLock::acquire(&lock, "x").is_err());
        drop(held);
        let writer = RunLock::acquire(&path, "x").unwrap();
        let Holding::InUse(in_use) = try_hold(dir.path()) else { panic!("a writer holds it") };
        assert_eq!(in_use.file, path);
        drop(writer);
        assert!(matches!(try_hold(dir.path()), Holding::Held(_)));
    }

    #[test]
    fn mongod_s_kind_of_lock_is_seen_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mongod.lock");
        fs::write(&path, "1\n").unwrap();
        let mongod = File::options().write(true).open(&path).unwrap();
        rustix::fs::flock(&mongod, FlockOperation::NonBlockingLockExclusive).unwrap();
        assert!(matches!(try_hold(dir.path()), Holding::InUse(_)));
    }

    #[test]
    fn a_second_run_is_refused_with_the_name_of_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = RunLock::acquire(&path, "run 7, process 42").unwrap();
        let error = RunLock::acquire(&path, "run 8").unwrap_err();
        assert!(error.message().contains("run 7, process 42"), "{error}");
        drop(first);
        RunLock::acquire(&path, "8").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "8");
    }
}
