//! How much room the new Elasticsearch data take on disk while they are made, and how much heap their longest document.
//!
//! Measured with `tests/bench/space.sh` and `tests/bench/long_documents.sh`, see tests/results/README.md.

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

// The three together are 4.4 times the bytes of the live documents; measured were 3.9 at most, of few plots.

/// Segments, some of which are on disk twice while they are merged: tenths of the bytes of the live documents.
const MERGED_TENTHS: u64 = 15;
/// A segment that comes out of memory is on disk a second time while it is packed into one file: tenths of the same.
const PACKED_TENTHS: u64 = 12;
/// The memory that they come out of: tenths of the heap (`indices.memory.index_buffer_size`).
const BUFFER_TENTHS: u64 = 3;
/// The translog, which holds the documents as they are sent until they are flushed: tenths of the same. Of lines that are
/// nearly alike it has 27, but their segments have less than most.
const TRANSLOG_TENTHS: u64 = 17;
/// More than this no translog has: `flush_threshold_size` during the load.
const TRANSLOG_OF_AN_INDEX: u64 = GIB;
/// Indices that are filled at once, and one that is being flushed.
const INDICES_AT_ONCE: u64 = 4;
/// An index without documents: its state, and files that are empty but take a block of the disk.
const EMPTY_INDEX: u64 = 128 * KIB;
/// A node without indices.
const EMPTY_NODE: u64 = MIB;

/// Returns the most bytes that the new data take on disk while a node of this heap makes them of so many bytes of live
/// documents.
pub fn peak_bytes(live: u64, indices: u64, heap: u64) -> u64 {
    let tenths = |of: u64, tenths: u64| of.saturating_mul(tenths) / 10;
    let packed = tenths(live, PACKED_TENTHS).min(tenths(heap, BUFFER_TENTHS));
    let translogs = tenths(live, TRANSLOG_TENTHS).min(TRANSLOG_OF_AN_INDEX * INDICES_AT_ONCE);
    let empty = indices.saturating_mul(EMPTY_INDEX).saturating_add(EMPTY_NODE);
    [tenths(live, MERGED_TENTHS), packed, translogs, empty].into_iter().fold(0, u64::saturating_add)
}

/// Bytes of heap for each of a document's, where several as long follow one another: 16.8 were enough, with 14.9 the node
/// died (three documents each). It has a document as it came, as text of two bytes a letter, and as it is stored; and the one
/// before it.
const HEAP_OF_A_DOCUMENT: u64 = 17;

/// Returns the heap that the node which writes needs for its longest document, in whole MiB.
pub fn heap_for(longest_document: u64) -> u64 {
    longest_document.saturating_mul(HEAP_OF_A_DOCUMENT).div_ceil(MIB).saturating_mul(MIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_fits_into_what_is_planned_and_the_most_of_it_barely() {
        // With heaps of 1 GiB. What empty indices take is left to be the margin.
        let text = include_str!("../../tests/results/space.json");
        let results: serde_json::Value = serde_json::from_str(text).unwrap();
        let mut tightest = f64::MAX;
        for one in results["results"].as_array().unwrap() {
            let of = |name: &str| one[name].as_u64().unwrap();
            let planned = peak_bytes(of("live_bytes"), 0, GIB);
            assert!(of("peak_bytes") <= planned, "{one}");
            tightest = tightest.min(planned as f64 / of("peak_bytes") as f64);
        }
        assert!(tightest < 1.6, "{tightest}");
    }

    #[test]
    fn what_a_node_died_of_is_not_allowed_and_what_it_took_nearly_is() {
        let text = include_str!("../../tests/results/long-documents.json");
        for one in serde_json::from_str::<Vec<serde_json::Value>>(text).unwrap() {
            let heap = one["heap_mib"].as_u64().unwrap() * MIB;
            let mb = |name: &str| one[name].as_u64().map(|megabytes| megabytes * 1_000_000);
            assert!(mb("died_mb").is_none_or(|died| heap_for(died) > heap), "{one}");
            assert!(heap_for(mb("passed_mb").unwrap() * 9 / 10) <= heap, "{one}");
        }
    }

    #[test]
    fn much_takes_no_more_for_translogs_and_packing_than_there_can_be() {
        let large = 100 * GIB;
        let most = large * 3 / 2 + 4 * GIB + GIB * 3 / 10 + EMPTY_NODE + 100 * EMPTY_INDEX;
        assert_eq!(peak_bytes(large, 100, GIB), most);
        assert_eq!(peak_bytes(0, 0, GIB), EMPTY_NODE);
        assert_eq!(peak_bytes(u64::MAX, u64::MAX, u64::MAX), u64::MAX);
    }
}
