//! Notices that the disk of the new data is full.
//!
//! A node that cannot write a segment says so in one way or another. One that cannot even write down the state of its
//! cluster gives up being the master, and then leaves each request waiting for a minute: nobody should wait for that.

use crate::error::{Error, Kind, Result};
use crate::files::blocking;
use crate::files::space;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

/// With less free space than this, in bytes, Elasticsearch cannot write a segment.
const TOO_LITTLE: u64 = 32 << 20;
/// With less than this, in bytes, it can write nothing.
const NOTHING: u64 = 1 << 20;
/// A merge takes room and gives it back: the disk is full when there was none so many times in a row. For as many looks
/// it is remembered that there was too little.
const LOOKS: u32 = 20;
const EVERY: Duration = Duration::from_millis(250);

/// Runs `work`, in which a node writes to `target`, unless the disk of that is full first.
///
/// # Errors
/// The work's own; where the disk is full, that is said first, whatever the node said.
pub(super) async fn while_there_is_room<T>(target: &Path, work: impl Future<Output = Result<T>>) -> Result<T> {
    watched(target, EVERY, || free(target), work).await
}

/// [`while_there_is_room`] with what tells how much there is, in bytes.
async fn watched<T, F: Future<Output = u64>>(
    target: &Path,
    every: Duration,
    free: impl Fn() -> F,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let mut work = pin!(work);
    let (mut full_for, mut remembered_for) = (0, 0);
    loop {
        let look = async {
            tokio::time::sleep(every).await;
            free().await
        };
        tokio::select! {
            done = &mut work => return match done {
                // A node that gives a shard up makes some room again, just when the work fails.
                Err(error) if error.kind() == Kind::Failed && (remembered_for > 0 || free().await < TOO_LITTLE) => {
                    Err(full(target).because(error))
                }
                done => done,
            },
            free = look => {
                full_for = if free < NOTHING { full_for + 1 } else { 0 };
                remembered_for = if free < TOO_LITTLE { LOOKS } else { u32::saturating_sub(remembered_for, 1) };
                if full_for == LOOKS {
                    return Err(full(target));
                }
            }
        }
    }
}

fn full(target: &Path) -> Error {
    Error::failed(format!("The disk of {} is full, so Elasticsearch cannot go on.", target.display()))
        .hint("Free some space on it first; what is copied is kept.")
}

/// In bytes. A file system that does not tell has room: what is wrong with it, the node says better.
async fn free(target: &Path) -> u64 {
    let target = target.to_owned();
    let systems = blocking(move || space::file_systems(&[target])).await.unwrap_or_default();
    systems.first().map_or(u64::MAX, |system| system.free_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test]
    async fn a_disk_is_full_when_it_stays_so() {
        let looks = Cell::new(0);
        // Full for a moment at first, and for good from the tenth look on.
        let free = || {
            looks.set(looks.get() + 1);
            std::future::ready(if (2..5).contains(&looks.get()) || looks.get() >= 10 { 4096 } else { 1 << 30 })
        };
        let forever = std::future::pending::<Result<()>>();
        let full = watched(Path::new("/data/elastic_7"), Duration::from_millis(1), free, forever).await.unwrap_err();
        assert_eq!(full.message(), "The disk of /data/elastic_7 is full, so Elasticsearch cannot go on.");
        assert_eq!(looks.get(), 9 + LOOKS);
    }

    #[tokio::test]
    async fn a_disk_that_was_full_just_before_the_work_failed_is_named() {
        // Full at the first two looks; then the node gives up and removes what it could not finish.
        let failed_after = async |looks: u32| {
            let count = Cell::new(0);
            let free = || {
                count.set(count.get() + 1);
                std::future::ready(if count.get() <= 2 { 4096 } else { 1 << 30 })
            };
            let work = async {
                while count.get() < looks {
                    tokio::time::sleep(Duration::from_micros(100)).await;
                }
                Err::<(), _>(Error::failed("Cannot write to the journal."))
            };
            watched(Path::new("/data/elastic_7"), Duration::from_millis(2), free, work).await.unwrap_err()
        };
        let soon = failed_after(4).await;
        assert_eq!(soon.message(), "The disk of /data/elastic_7 is full, so Elasticsearch cannot go on.");
        assert_eq!(soon.causes(), ["Cannot write to the journal."]);
        assert_eq!(failed_after(3 + 2 * LOOKS).await.message(), "Cannot write to the journal.", "that was long ago");
    }

    #[tokio::test]
    async fn what_the_work_says_of_a_disk_with_room_is_left_as_it_is() {
        let room = tempfile::tempdir().unwrap();
        assert_eq!(while_there_is_room(room.path(), async { Ok(3) }).await.unwrap(), 3);
        let failed = while_there_is_room(room.path(), async { Err::<(), _>(Error::failed("It broke.")) }).await;
        assert_eq!(failed.unwrap_err().message(), "It broke.");
    }
}
