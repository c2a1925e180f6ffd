//! The rough edges of the first path, `elastic` on real data: what users meet at midnight, with the words they read kept in
//! snapshots.
//!
//! | module | subject |
//! |---|---|
//! | [`kinds`] | indices of every kind in one directory: closed, empty, yellow, of five shards, with a shard missing |
//! | [`huge`] | documents up to the largest that Elasticsearch takes, and one that the new one refuses |
//! | [`stopped`] | Ctrl-C, SIGTERM, a closed terminal, docker's socket; a second run beside the first |
//! | [`directories`] | owners, read-only and full disks, links, nesting, targets that exist |
//! | [`stacks`] | stacks of both versions of compose, running and taken down |
//! | [`old_node`] | a node of the old Elasticsearch to make such data with |
//! | [`words`] | what the program said, without what is different each time |
//!
//! Runs in the test bed: `tests/run.sh e2e`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic as tests may"
)]

mod directories;
#[path = "../harness/mod.rs"]
mod harness;
mod huge;
mod kinds;
mod old_node;
mod stacks;
mod stopped;
mod words;
