//! What stops the program before it looks for a server: docker does not answer, or is on another machine.
//!
//! Needs neither docker nor root. The refusals that need a daemon are in `refusals_bed.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic as tests may"
)]

mod harness;

use harness::call::Call;
use harness::machine::{Everything, Machine};
use sha2::{Digest, Sha256};
use std::fs;

/// Runs a call that must be refused with exit code 3 and change nothing; returns what it said.
#[track_caller]
fn refusal(machine: &Machine, call: Call) -> String {
    let before = Everything::on(machine);
    let outcome = call.run().refused();
    before.is_unchanged_on(machine);
    assert_eq!(outcome.stdout, "", "only results go to standard output");
    // Docker names the directory of a context by a hash.
    machine.redacted(&outcome.stderr).replace(&directory_of("labb"), "[hash of labb]")
}

#[test]
fn the_daemon_does_not_run() {
    let machine = Machine::without_docker();
    let socket = format!("unix://{}", machine.path("docker.sock").display());
    insta::assert_snapshot!(refusal(&machine, machine.migrate(&["--yes"]).env("DOCKER_HOST", socket)), @"");
}

#[test]
fn the_daemon_is_on_another_machine() {
    let machine = Machine::without_docker();
    let call = machine.migrate(&["--yes"]).env("DOCKER_HOST", "ssh://jane@gpu-7.example.org");
    insta::assert_snapshot!(refusal(&machine, call), @"");
}

#[test]
fn the_context_is_one_of_another_machine() {
    let machine = Machine::without_docker();
    add_context(&machine, "lab", "tcp://10.1.2.3:2376");
    let by_option =
        refusal(&machine, machine.migrate(&["--context", "lab", "clearml", "migrate", "--yes"]).env("DOCKER_HOST", ""));
    let by_variable =
        refusal(&machine, machine.migrate(&["--yes"]).env("DOCKER_HOST", "").env("DOCKER_CONTEXT", "lab"));
    insta::assert_snapshot!(by_variable, @"");
    assert_eq!(by_option.replace("from --context", "from DOCKER_CONTEXT"), by_variable);
}

#[test]
fn the_context_does_not_exist() {
    let machine = Machine::without_docker();
    let call = machine.migrate(&["--yes"]).env("DOCKER_HOST", "").env("DOCKER_CONTEXT", "labb");
    insta::assert_snapshot!(refusal(&machine, call), @"");
}

/// Writes a context where docker keeps them: in a directory named by the hash of its name.
fn add_context(machine: &Machine, name: &str, host: &str) {
    let directory = machine.docker_config().join("contexts/meta").join(directory_of(name));
    fs::create_dir_all(&directory).unwrap();
    let meta = format!(
        r#"{{"Name":"{name}","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{host}","SkipTLSVerify":false}}}}}}"#
    );
    fs::write(directory.join("meta.json"), meta).unwrap();
}

fn directory_of(context: &str) -> String {
    Sha256::digest(context).iter().map(|byte| format!("{byte:02x}")).collect()
}
