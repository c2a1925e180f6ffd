//! Notices that the disk of the new data is full.
//!
//! A node that cannot write a segment says so in one way or another. One that cannot even write down the state of its
//! cluster gives up being the master, and then leaves each request waiting for a minute: nobody should wait for that.

use super::run::blocking;
use crate::error::{Error, Kind, Result};
use crate::files::space;
use std::path::Path;
use std::time::Duration;

/// With less free space than this, in bytes, Elasticsearch cannot write a segment.
const TOO_LITTLE: u64 = 32 << 20;
/// With less than this, in bytes, it can write nothing.
const NOTHING: u64 = 1 << 20;
/// A merge takes room and gives it back: the disk is full when there was none so many times in a row.
const LOOKS: u32 = 5;
const EVERY: Duration = Duration::from_secs(1);

/// Runs `work`, which fills `target`, unless the disk of that is full first.
///
/// # Errors
/// The work's own; where the disk is full, that is said first, whatever the node said.
pub(super) async fn while_there_is_room<T>(target: &Path, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        done = work => match done {
            Err(error) if error.kind() == Kind::Failed && free(target).await < TOO_LITTLE => {
                Err(full(target).because(error))
            }
            done => done,
        },
        () = until_full(EVERY, || free(target)) => Err(full(target)),
    }
}

fn full(target: &Path) -> Error {
    Error::failed(format!("The disk of {} is full, so the copy cannot go on.", target.display()))
        .hint("Free some space on it first; what is copied is kept.")
}

/// In bytes. A file system that does not tell has room: what is wrong with it, the node says better.
async fn free(target: &Path) -> u64 {
    let target = target.to_owned();
    let systems = blocking(move || space::file_systems(&[target])).await.unwrap_or_default();
    systems.first().map_or(u64::MAX, |system| system.free_bytes)
}

async fn until_full<F: Future<Output = u64>>(every: Duration, free: impl Fn() -> F) {
    let mut looks = 0;
    while looks < LOOKS {
        tokio::time::sleep(every).await;
        looks = if free().await < NOTHING { looks + 1 } else { 0 };
    }
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
        until_full(Duration::from_millis(1), free).await;
        assert_eq!(looks.get(), 14);
    }

    #[tokio::test]
    async fn what_the_work_says_of_a_disk_with_room_is_left_as_it_is() {
        let room = tempfile::tempdir().unwrap();
        assert_eq!(while_there_is_room(room.path(), async { Ok(3) }).await.unwrap(), 3);
        let failed = while_there_is_room(room.path(), async { Err::<(), _>(Error::failed("It broke.")) }).await;
        assert_eq!(failed.unwrap_err().message(), "It broke.");
    }
}
