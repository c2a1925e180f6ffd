//! How much memory the temporary nodes get.

use super::{Heaps, Reader};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

/// The least heap that a node does its work with.
const LEAST_HEAP: u64 = 512 * MIB;

/// Returns the heaps of the nodes. Java needs about half as much again beside its heap, and the page cache wants
/// the rest: so at most half of the memory is given away as heap, and more than 4 GiB helps nobody.
pub fn heaps(memory: u64, allowed: Option<u64>, reader: &Reader) -> Heaps {
    let share = allowed.map_or(memory / 2, |allowed| allowed * 2 / 3);
    match reader {
        Reader::Segments { .. } => Heaps { source: 0, target: whole(share.clamp(LEAST_HEAP, 4 * GIB)) },
        Reader::Scroll { .. } => shared(share),
    }
}

/// Returns what has to be allowed (`--memory`) for the node that writes to get this heap, in whole MiB.
pub fn memory_for(heap: u64, reader: &Reader) -> u64 {
    let share = match reader {
        Reader::Segments { .. } => heap,
        Reader::Scroll { .. } => heap * 3 / 2,
    };
    // `heaps` rounds down, twice.
    whole(share * 3 / 2) + 4 * MIB
}

/// Returns the heaps of two nodes in place of one, with as much memory together as far as that can be.
pub fn with_source(heaps: Heaps) -> Heaps {
    if heaps.source > 0 { heaps } else { shared(heaps.target) }
}

fn shared(share: u64) -> Heaps {
    let target = (share * 2 / 3).clamp(LEAST_HEAP, 4 * GIB);
    let source = (share / 3).clamp(LEAST_HEAP, 2 * GIB);
    Heaps { source: whole(source), target: whole(target) }
}

/// Returns whole MiB, as the option is written.
fn whole(bytes: u64) -> u64 {
    bytes / MIB * MIB
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
        let (both, one) = (Reader::default(), Reader::Segments { fallback: true });
        assert_eq!(heaps(8 * GIB, None, &both), Heaps { source: 1365 * MIB, target: 2730 * MIB });
        assert_eq!(heaps(64 * GIB, None, &both), Heaps { source: 2 * GIB, target: 4 * GIB });
        assert_eq!(heaps(GIB, None, &both), Heaps { source: 512 * MIB, target: 512 * MIB });
        assert_eq!(heaps(6 * GIB, None, &one), Heaps { source: 0, target: 3 * GIB });
        assert_eq!(heaps(64 * GIB, None, &one).target, 4 * GIB);
    }

    #[test]
    fn a_second_node_takes_its_memory_from_the_first() {
        let alone = Heaps { source: 0, target: 3 * GIB };
        assert_eq!(with_source(alone), Heaps { source: GIB, target: 2 * GIB });
        let both = Heaps { source: 7 * MIB, target: 8 * MIB };
        assert_eq!(with_source(both), both);
    }

    #[test]
    fn what_is_told_to_be_enough_for_a_heap_is_enough() {
        for reader in [Reader::default(), Reader::Segments { fallback: false }] {
            for heap in [513 * MIB, 1_000 * MIB, 4 * GIB] {
                let told = memory_for(heap, &reader);
                assert!(heaps(GIB, Some(told), &reader).target >= heap, "{reader:?} {heap}");
                assert_eq!(told % MIB, 0);
            }
        }
    }

    #[test]
    fn what_the_user_allows_is_kept_to() {
        for reader in [Reader::default(), Reader::Segments { fallback: false }] {
            assert!(memory_needed(heaps(64 * GIB, Some(3 * GIB), &reader)) <= 3 * GIB);
        }
    }
}
