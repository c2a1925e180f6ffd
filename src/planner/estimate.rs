//! How long it may take.

use crate::plan::{Archive, ElasticPlan, Reader, Replacement};
use crate::role::Role;

/// Starting and stopping nodes and stacks, in seconds.
const FIXED_SECONDS: u64 = 90;
/// Elasticsearch data copied and verified per second, in bytes on disk of live documents: 25,000 documents of 300 bytes (measured on
/// 2 cores), and half as much again for reading them back.
const SCROLL_RATE: u64 = 5_000_000;
/// The same without a node that reads: it leaves its part of the machine to the other one.
const SEGMENTS_RATE: u64 = 8_000_000;
/// Files copied per second, in bytes: an ordinary disk.
const COPY_RATE: u64 = 150_000_000;
/// Archives written and read back per second, in bytes of source.
const ARCHIVE_RATE: u64 = 50_000_000;

/// Returns the estimated seconds from the stop of the old server to the start of the new one.
pub(super) fn seconds(replacements: &[Replacement], archives: &[Archive], elastic: &ElasticPlan) -> u64 {
    let of = |one: &Replacement| match (one.role, &elastic.reader) {
        (Role::Elasticsearch, Reader::Segments { .. }) => elastic.live_bytes.unwrap_or(one.bytes) / SEGMENTS_RATE,
        (Role::Elasticsearch, Reader::Scroll { .. }) => elastic.live_bytes.unwrap_or(one.bytes) / SCROLL_RATE,
        _ => one.bytes / COPY_RATE,
    };
    let data: u64 = replacements.iter().map(of).sum();
    let archived: u64 = archives.iter().map(|one| one.bytes / ARCHIVE_RATE).sum();
    FIXED_SECONDS + data + archived
}
