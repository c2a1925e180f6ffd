//! How long it may take, and how much memory the temporary nodes get.

use crate::deployment::Role;
use crate::plan::{Archive, Heaps, Replacement};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

/// Starting and stopping nodes and stacks, in seconds.
const FIXED_SECONDS: u64 = 90;
/// Elasticsearch data copied and verified per second, in bytes on disk: 25,000 documents of 300 bytes (measured on
/// 2 cores), and half as much again for reading them back.
const ELASTIC_RATE: u64 = 5_000_000;
/// Files copied per second, in bytes: an ordinary disk.
const COPY_RATE: u64 = 150_000_000;
/// Archives written and read back per second, in bytes of source.
const ARCHIVE_RATE: u64 = 50_000_000;

/// Returns the estimated seconds from the stop of the old server to the start of the new one.
pub(super) fn seconds(replacements: &[Replacement], archives: &[Archive]) -> u64 {
    let rate = |role| if role == Role::Elasticsearch { ELASTIC_RATE } else { COPY_RATE };
    let data: u64 = replacements.iter().map(|one| one.bytes / rate(one.role)).sum();
    let archived: u64 = archives.iter().map(|one| one.bytes / ARCHIVE_RATE).sum();
    FIXED_SECONDS + data + archived
}

/// Returns the heaps of both nodes. Java needs about half as much again beside its heap, and the page cache wants
/// the rest: so at most half of the memory is given away as heap, and more than 4 GiB helps nobody.
pub(super) fn heaps(memory: u64, allowed: Option<u64>) -> Heaps {
    let share = allowed.map_or(memory / 2, |allowed| allowed * 2 / 3);
    let target = (share * 2 / 3).clamp(512 * MIB, 4 * GIB);
    let source = (share / 3).clamp(512 * MIB, 2 * GIB);
    // Whole MiB, as the option is written.
    Heaps { source: source / MIB * MIB, target: target / MIB * MIB }
}

/// Returns what the nodes need of the machine's memory, in bytes.
pub fn memory_needed(heaps: Heaps) -> u64 {
    (heaps.source + heaps.target) * 3 / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heaps_follow_the_memory_within_bounds() {
        assert_eq!(heaps(8 * GIB, None), Heaps { source: 1365 * MIB, target: 2730 * MIB });
        assert_eq!(heaps(64 * GIB, None), Heaps { source: 2 * GIB, target: 4 * GIB });
        assert_eq!(heaps(GIB, None), Heaps { source: 512 * MIB, target: 512 * MIB });
    }

    #[test]
    fn what_the_user_allows_is_kept_to() {
        assert!(memory_needed(heaps(64 * GIB, Some(3 * GIB))) <= 3 * GIB);
    }
}
