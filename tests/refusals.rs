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
    insta::assert_snapshot!(refusal(&machine, machine.migrate(&["--yes"]).env("DOCKER_HOST", socket)), @r"
    Error: The docker daemon at unix://[machine]/docker.sock (from DOCKER_HOST) does not answer.
    Caused by: Socket not found: [machine]/docker.sock
    Hint: Start docker (on most systems: sudo systemctl start docker) and run the command again.
    Hint: If docker listens elsewhere, name the place: docker --host unix:///path/to/docker.sock clearml migrate
    ");
}

#[test]
fn the_daemon_is_on_another_machine() {
    let machine = Machine::without_docker();
    let call = machine.migrate(&["--yes"]).env("DOCKER_HOST", "ssh://jane@gpu-7.example.org");
    insta::assert_snapshot!(refusal(&machine, call), @r"
    Error: The docker daemon ssh://jane@gpu-7.example.org (from DOCKER_HOST) is reached over a network; a migration works on a local one only.
    Caused by: The data directories that such a daemon names are not on this machine, as far as can be told from here.
    Hint: Run this command on the machine that holds the data.
    Hint: If this is that machine, name its own daemon: docker --host unix:///var/run/docker.sock clearml migrate
    ");
}

#[test]
fn the_context_is_one_of_another_machine() {
    let machine = Machine::without_docker();
    add_context(&machine, "lab", "tcp://10.1.2.3:2376");
    let by_option =
        refusal(&machine, machine.migrate(&["--context", "lab", "clearml", "migrate", "--yes"]).env("DOCKER_HOST", ""));
    let by_variable =
        refusal(&machine, machine.migrate(&["--yes"]).env("DOCKER_HOST", "").env("DOCKER_CONTEXT", "lab"));
    insta::assert_snapshot!(by_variable, @r"
    Error: The docker daemon tcp://10.1.2.3:2376 (from DOCKER_CONTEXT) is reached over a network; a migration works on a local one only.
    Caused by: The data directories that such a daemon names are not on this machine, as far as can be told from here.
    Hint: Run this command on the machine that holds the data.
    Hint: If this is that machine, name its own daemon: docker --host unix:///var/run/docker.sock clearml migrate
    ");
    assert_eq!(by_option.replace("from --context", "from DOCKER_CONTEXT"), by_variable);
}

#[test]
fn the_context_does_not_exist() {
    let machine = Machine::without_docker();
    let call = machine.migrate(&["--yes"]).env("DOCKER_HOST", "").env("DOCKER_CONTEXT", "labb");
    insta::assert_snapshot!(refusal(&machine, call), @r"
    Error: The docker context labb cannot be read.
    Caused by:
      1: [machine]/docker-config/contexts/meta/[hash of labb]/meta.json
      2: No such file or directory (os error 2)
    Hint: `docker context ls` shows the contexts that exist; `docker --context NAME` picks one.
    ");
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
