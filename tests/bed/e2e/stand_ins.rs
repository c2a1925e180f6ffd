//! The stand-in for MongoDB takes what a real server of the release asks of it. The other rules of the stand-ins are in
//! `tests/testbed/images/smoke.sh`.

use crate::harness::docker::{self, docker};
use crate::harness::require_the_bed;
use std::fs::File;
use std::path::Path;
use std::process::Command;

const NETWORK: &str = "stand-ins";
const LABEL: &str = "com.docker.compose.project=trains";

/// A MongoDB in a network of its own, under the name that the scripts know.
struct Mongo;

impl Mongo {
    fn start() -> Self {
        require_the_bed();
        docker::remove_everything();
        docker(&["network", "create", "--label", LABEL, NETWORK]);
        let known = ["--name", "stand-ins-mongo", "--network-alias", "mongo", "--label", LABEL];
        docker(&[&["run", "--detach", "--network", NETWORK], &known[..], &["mongo:3.6.5"]].concat());
        Self
    }

    /// Runs a script beside it, in an image that has a client.
    fn takes(&self, script: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testbed/images").join(script);
        let mut command = Command::new("docker");
        command.args([
            "run",
            "--rm",
            "--interactive",
            "--network",
            NETWORK,
            "--label",
            LABEL,
            "--entrypoint",
            "python3",
        ]);
        let output = command.args(["allegroai/clearml:1.1.1", "-"]).stdin(File::open(path).unwrap()).output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Mongo {
    fn drop(&mut self) {
        docker::remove_everything();
    }
}

#[test]
fn the_schema_of_0_15_is_brought_to_1_0_0_as_a_real_server_does_it() {
    Mongo::start().takes("smoke_schema.py");
}

#[test]
fn indexes_are_dropped_and_made_again_for_one_collection_alone() {
    Mongo::start().takes("smoke_indexes.py");
}
