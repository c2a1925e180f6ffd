//! What the tests with real servers share: a machine to migrate, the program as users call it, and what to compare.
//!
//! | module | subject |
//! |---|---|
//! | [`machine`] | a temporary home, state directory and docker configuration; takes its containers away at the end |
//! | [`call`] | one call of the program: failpoints, output, exit code |
//! | [`deployment`] | an old server with data, made once and unpacked for every test |
//! | [`server`] | what a server shows of its experiments, through its API |
//! | [`stopwatch`] | how long the parts took |
//! | [`node`] | an Elasticsearch node asked directly |
//! | [`tree`] | a directory tree as a value: content, owners, modes and times |
//! | [`docker`] | what docker has, as a value |
//! | [`elastic_data`] | one Elasticsearch data directory, for the command `elastic` |
//! | [`kills`] | in which step a run was killed, and what came of it, as a table |
//!
//! What needs docker runs on the test bed only (`tests/bed/main.rs`).

#![allow(dead_code, reason = "every test target uses its own part of the harness")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests may panic as tests may")]
#![allow(clippy::indexing_slicing, reason = "a missing key is a failed test")]

pub mod call;
pub mod deployment;
pub mod docker;
pub mod elastic_data;
pub mod kills;
pub mod machine;
pub mod node;
pub mod server;
pub mod stopwatch;
pub mod tree;

/// Set by `tests/run.sh` inside the bed.
const READY: &str = "CLEARML_BED_READY";

/// Panics, with what to type, unless `tests/run.sh` has brought the test bed up: a daemon that somebody works with is never
/// touched, and a test that cannot run does not pass.
#[track_caller]
pub fn require_the_bed() {
    let ready = std::env::var_os(READY).is_some_and(|value| value == "1");
    assert!(ready, "this runs on the test bed only: tests/run.sh e2e, or one module: tests/run.sh e2e::find");
}

/// Prints a line at once, to follow a long test by.
pub fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "    {text}");
}
