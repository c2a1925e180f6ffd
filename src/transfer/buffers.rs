//! The memory of batches: bounded for all of them together, and used again.
//!
//! A batch takes room before it is begun and gives it back when its last part is dropped. Those that are being filled,
//! that wait and that are on their way never take more than there is, however fast the source and slow the target. What
//! they allocate is about that much: lists have room to grow, and parts that are sent again are copies.
//!
//! Memory is kept for later batches: what many threads allocate, free and allocate anew by the megabyte, glibc's
//! allocator would keep several times over.

use super::entry::Entry;
use crate::error::{Error, Result};
use std::mem;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a batch consists of.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    /// The request's body.
    pub body: Vec<u8>,
    /// Ids, types and routings.
    pub names: String,
    pub entries: Vec<Entry>,
}

/// Room for batches, and the memory of earlier ones.
#[derive(Debug)]
pub(super) struct Buffers {
    /// A permit for each byte.
    room: Arc<Semaphore>,
    bytes: u32,
    /// Bytes of every batch but those of a single larger document.
    most: usize,
    /// About as many as there may be batches at most: one is made only for room that was taken when none was left.
    free: Mutex<Vec<Buffer>>,
}

/// The buffer of a batch, which goes back to where it came from when dropped.
#[derive(Debug, Default)]
pub(super) struct Held {
    buffer: Buffer,
    /// Nowhere for parts of a batch that are sent again: their memory is their own.
    home: Option<Arc<Buffers>>,
    /// Shared by all parts of a batch.
    room: Option<Arc<OwnedSemaphorePermit>>,
}

impl Buffer {
    /// Returns the bytes in use.
    pub fn used(&self) -> usize {
        self.body.len() + self.names.len() + self.entries.len() * size_of::<Entry>()
    }

    fn clear(&mut self) {
        self.body.clear();
        self.names.clear();
        self.entries.clear();
    }
}

impl Buffers {
    /// Returns room for `bytes` bytes of batches that have at most `most` bytes each, but for larger documents.
    pub fn new(bytes: usize, most: usize) -> Arc<Self> {
        let bytes = u32::try_from(bytes.max(most)).unwrap_or(u32::MAX);
        Arc::new(Self { room: Arc::new(Semaphore::new(bytes as usize)), bytes, most, free: Mutex::default() })
    }

    /// Waits for room for a batch of `capacity` bytes; one that is larger than all the room takes all of it. Blocks.
    ///
    /// Whoever waits must not hold another batch that is not full: that one would never be sent.
    ///
    /// # Errors
    /// Fails outside of a runtime.
    pub fn take(self: &Arc<Self>, capacity: usize) -> Result<Held> {
        let capacity = capacity.max(self.most);
        let bytes = u32::try_from(capacity).unwrap_or(u32::MAX).min(self.bytes);
        let runtime = Handle::try_current().map_err(|cause| Error::internal("No runtime.").because(cause))?;
        let room = runtime.block_on(Arc::clone(&self.room).acquire_many_owned(bytes));
        let room = room.map_err(|cause| Error::internal("The room for batches was closed.").because(cause))?;
        if capacity > self.most {
            // It has the room that they stand for.
            self.free().clear();
        }
        let free = self.free().pop();
        let new = || Buffer { body: Vec::with_capacity(capacity), ..Buffer::default() };
        let (buffer, room) = (free.unwrap_or_else(new), Some(Arc::new(room)));
        Ok(Held { buffer, home: Some(Arc::clone(self)), room })
    }

    fn put_back(&self, mut buffer: Buffer) {
        if buffer.body.capacity() <= self.most {
            buffer.clear();
            self.free().push(buffer);
        }
    }

    /// Whoever died while it held the lock has left whole buffers.
    fn free(&self) -> MutexGuard<'_, Vec<Buffer>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    pub fn buffer_mut(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    /// Returns a buffer for a part that is sent again: while there is one, nobody else gets the room of the whole.
    pub fn part(&self) -> Self {
        Self { buffer: Buffer::default(), home: None, room: self.room.clone() }
    }
}

impl Deref for Held {
    type Target = Buffer;

    fn deref(&self) -> &Buffer {
        &self.buffer
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(buffers) = self.home.take() {
            buffers.put_back(mem::take(&mut self.buffer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const KIB: usize = 1024;

    async fn take(buffers: &Arc<Buffers>, capacity: usize) -> Held {
        let buffers = Arc::clone(buffers);
        tokio::task::spawn_blocking(move || buffers.take(capacity)).await.unwrap().unwrap()
    }

    fn fill(held: &mut Held, bytes: usize) {
        held.buffer_mut().body.resize(bytes, b'x');
    }

    #[tokio::test]
    async fn a_batch_waits_until_there_is_room_for_it_as_large_as_it_may_become() {
        let buffers = Buffers::new(100 * KIB, 60 * KIB);
        let first = take(&buffers, 10 * KIB).await;
        let mut second = Box::pin(take(&buffers, 10 * KIB));
        assert!(tokio::time::timeout(Duration::from_millis(50), &mut second).await.is_err());
        drop(first);
        drop(second.await);
        assert_eq!(buffers.room.available_permits(), 100 * KIB);
    }

    #[tokio::test]
    async fn a_batch_larger_than_all_the_room_is_the_only_one_and_its_memory_is_not_kept() {
        let buffers = Buffers::new(100 * KIB, 60 * KIB);
        let mut large = take(&buffers, 1000 * KIB).await;
        assert_eq!(buffers.room.available_permits(), 0);
        fill(&mut large, 1000 * KIB);
        drop(large);
        assert!(buffers.free().is_empty());
        assert_eq!(buffers.room.available_permits(), 100 * KIB);
    }

    #[tokio::test]
    async fn the_room_of_a_batch_is_taken_while_a_part_of_it_is_sent_again() {
        let buffers = Buffers::new(100 * KIB, 60 * KIB);
        let whole = take(&buffers, 10 * KIB).await;
        let part = whole.part().part();
        drop(whole);
        assert_eq!(buffers.room.available_permits(), 40 * KIB);
        drop(part);
        assert_eq!((buffers.room.available_permits(), buffers.free().len()), (100 * KIB, 1));
    }

    #[tokio::test]
    async fn memory_is_used_again_and_never_for_more_batches_than_there_is_room() {
        let buffers = Buffers::new(100 * KIB, 30 * KIB);
        let mut places = std::collections::HashSet::new();
        for _ in 0..5 {
            let mut batches = futures_util::future::join_all((0..3).map(|_| take(&buffers, 20 * KIB))).await;
            for batch in &mut batches {
                assert_eq!(batch.used(), 0);
                fill(batch, 20 * KIB);
                places.insert(batch.body.as_ptr());
            }
            drop(batches);
            assert_eq!(buffers.free().len(), 3);
        }
        assert_eq!(places.len(), 3);
    }
}
