//! A stream compressed by several threads: chunk *i* goes to thread *i mod n* and comes back from it, so the order is
//! kept without sorting, and bounded channels keep the memory small.

use crate::error::{Error, Result};
use crate::files::fingerprint::hex;
use crate::files::parallel::threads;
use crate::files::problem::problem;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Bytes of the stream in one gzip member: large enough that cutting costs no compression worth naming.
const CHUNK: usize = 4 << 20;
/// Chunks that may wait in front of and behind each thread.
const WAITING: usize = 1;

/// Calls `produce` with a stream and writes what it writes, compressed, to `file`. Returns what `produce` returned and
/// the SHA-256 of the compressed bytes.
pub(super) fn write<T>(
    mut file: &File,
    path: &Path,
    produce: impl FnOnce(&mut Chunks) -> Result<T>,
) -> Result<(T, String)> {
    let workers = threads();
    let (to_workers, at_lanes): (Vec<_>, Vec<_>) = (0..workers).map(|_| sync_channel::<Vec<u8>>(WAITING)).unzip();
    let (from_workers, at_writer): (Vec<_>, Vec<_>) = (0..workers).map(|_| sync_channel::<Vec<u8>>(WAITING)).unzip();
    thread::scope(|scope| {
        for (chunks, members) in at_lanes.into_iter().zip(from_workers) {
            scope.spawn(move || compress(&chunks, &members));
        }
        let writer = scope.spawn(move || collect(&at_writer, &mut file));
        let mut stream = Chunks { buffer: Vec::with_capacity(CHUNK), next: 0, workers: to_workers };
        let produced = produce(&mut stream).and_then(|value| {
            stream.send().map_err(|cause| problem("write", path, cause))?;
            Ok(value)
        });
        // Dropping the stream's channels is what tells the threads that all is said.
        drop(stream);
        // A full disk shows up in the producer too, as a broken pipe: the writer knows the cause.
        let written = writer.join().map_err(|_| Error::internal("The thread that writes a backup has panicked."))?;
        let sha256 = written.map_err(|cause| problem("write", path, cause))?;
        Ok((produced?, sha256))
    })
}

fn compress(chunks: &Receiver<Vec<u8>>, members: &SyncSender<Vec<u8>>) {
    for chunk in chunks {
        let mut encoder = GzEncoder::new(Vec::with_capacity(chunk.len() / 2), Compression::fast());
        // Writing to memory cannot fail; if it ever did, the missing member would be found when reading back.
        let member = encoder.write_all(&chunk).and_then(|()| encoder.finish());
        let Ok(member) = member else { return };
        if members.send(member).is_err() {
            return;
        }
    }
}

fn collect(members: &[Receiver<Vec<u8>>], file: &mut impl Write) -> io::Result<String> {
    let mut hash = Sha256::new();
    for worker in members.iter().cycle() {
        // The workers are served in turn: the first that has ended is the end of all.
        let Ok(member) = worker.recv() else { break };
        file.write_all(&member)?;
        hash.update(&member);
    }
    Ok(hex(&hash.finalize()))
}

/// The stream: cuts what is written into chunks for the threads.
pub(super) struct Chunks {
    buffer: Vec<u8>,
    next: usize,
    workers: Vec<SyncSender<Vec<u8>>>,
}

impl Chunks {
    fn send(&mut self) -> io::Result<()> {
        let chunk = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK));
        let worker = self.workers.get(self.next % self.workers.len().max(1)).ok_or(io::ErrorKind::BrokenPipe)?;
        self.next += 1;
        worker.send(chunk).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = CHUNK - self.buffer.len();
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.buffer.extend_from_slice(taken);
        if self.buffer.len() == CHUNK {
            self.send()?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
