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

mod directories;
mod huge;
mod kinds;
mod old_node;
mod stacks;
mod stopped;
mod words;
