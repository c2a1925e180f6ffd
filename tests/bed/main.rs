//! Everything that needs servers, on the test bed (`tests/testbed/bed.sh`): `tests/run.sh` brings it up and runs this.
//!
//! Each directory is a suite, each module in it is run in a process of its own, and each must run every test that it has.
//! A new module needs its line in the suite's `mod.rs` and nothing else. Where something must be brought up around it, it
//! is a directory with a script `around.sh COMMAND…`.
//!
//! | suite | subject |
//! |---|---|
//! | [`e2e`] | the parts with real servers, whole migrations, what must be refused, what goes wrong at midnight |
//! | [`crash`] | both commands killed in each of their steps |
//! | [`full`] | what `tests/run.sh full` runs here |
//!
//! ```sh
//! tests/run.sh e2e                  # a suite
//! tests/run.sh e2e::find            # a module
//! tests/run.sh e2e::find::files     # some of its tests
//! ```
//!
//! The tests of a module run one after the other: the stacks have the names and ports of real ones. A plain `cargo test`
//! leaves them all out, and without the bed they fail: what did not run has not passed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic as tests may"
)]

mod crash;
mod e2e;
mod full;

#[path = "../lucene/canonical.rs"]
mod canonical;
#[path = "../lucene/golden.rs"]
mod golden;
#[path = "../harness/mod.rs"]
mod harness;
#[path = "../wiredtiger/golden.rs"]
mod mongo_golden;
mod nodes;
mod side_by_side;
