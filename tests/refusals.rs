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
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

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
    fs::write(machine.path("output/docker"), "").unwrap();
    let call = machine.migrate(&["--yes"]).env("DOCKER_HOST", socket).env("PATH", machine.path("output"));
    insta::assert_snapshot!(refusal(&machine, call), @r"
    Error: The docker daemon at unix://[machine]/docker.sock (from DOCKER_HOST) does not answer.
    Caused by: Socket not found: [machine]/docker.sock
    Hint: Start docker (on most systems: sudo systemctl start docker) and run the command again.
    Hint: If docker listens elsewhere, say where and run it again: export DOCKER_HOST=unix:///path/to/docker.sock
    ");
}

/// A home and a socket whose names are in another encoding: neither passed over for a daemon that nobody meant, nor a crash.
#[test]
fn variables_that_matter_count_whatever_bytes_they_have() {
    let machine = Machine::without_docker();
    let odd = |path: &str| [machine.path(path).as_os_str().as_bytes(), b"\xfe"].concat();
    let home = OsString::from_vec(odd("h"));
    let socket = OsString::from_vec([b"unix://", &odd("docker.sock")[..]].concat());
    fs::write(machine.path("output/docker"), "").unwrap();
    let call =
        machine.migrate(&["--dry-run"]).env("HOME", &home).env("COMPOSE_FILE", OsString::from_vec(odd("compose.yml")));
    let call = call.env("DOCKER_HOST", socket).env("DOCKER_CONFIG", home).env("PATH", machine.path("output"));
    insta::assert_snapshot!(refusal(&machine, call), @r"
    Error: The docker daemon at unix://[machine]/docker.sock� (from DOCKER_HOST) does not answer.
    Caused by: Socket not found: [machine]/docker.sock�
    Hint: Start docker (on most systems: sudo systemctl start docker) and run the command again.
    Hint: If docker listens elsewhere, say where and run it again: export DOCKER_HOST=unix:///path/to/docker.sock
    ");
}

#[test]
fn neither_docker_nor_its_daemon_is_there() {
    let machine = Machine::without_docker();
    let socket = format!("unix://{}", machine.path("docker.sock").display());
    let call = machine.migrate(&["--yes"]).env("DOCKER_HOST", socket).env("PATH", machine.work_dir());
    insta::assert_snapshot!(refusal(&machine, call), @r"
    Error: Docker is not installed here, or not on PATH.
    Caused by:
      1: The docker daemon at unix://[machine]/docker.sock (from DOCKER_HOST) does not answer.
      2: Socket not found: [machine]/docker.sock
    Hint: The migration has to run on the machine of the old server; is this the one?
    Hint: If it is, install Docker's command line (Debian and Ubuntu: docker-ce-cli from Docker's repository, or docker.io), or put the directory it is in on PATH.
    ");
}

#[test]
fn a_release_that_is_not_known_is_wrong_usage_before_docker_is_asked() {
    let machine = Machine::without_docker();
    let said = machine.migrate(&["--to", "9.9"]).run().with_code(2).stderr;
    insta::assert_snapshot!(said, @r#"
    Error: This program does not migrate to a release "9.9".
    Hint: It knows 1.1, and takes that one when --to is not given: --to 1.1
    "#);
}

#[test]
fn what_another_user_has_begun_is_not_called_nothing() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let machine = Machine::without_docker();
    let work_dir = machine.home().join(".clearml-migrate");
    fs::create_dir_all(&work_dir).unwrap();
    fs::write(work_dir.join("journal"), "").unwrap();
    fs::set_permissions(&work_dir, fs::Permissions::from_mode(0o700)).unwrap();
    let home = machine.home().display().to_string();
    // The test's own directory is closed to others.
    fs::set_permissions(machine.path("."), fs::Permissions::from_mode(0o755)).unwrap();
    // So may be the place where the program was built.
    let program = machine.path("program");
    fs::copy(env!("CARGO_BIN_EXE_docker-clearml-migrate"), &program).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&program);
    command.args(["status", "--home", &home]).env("CLEARML_MIGRATE_STATE_DIR", "/nonexistent").current_dir("/");
    let said = Call::new(command, machine.path("output/status")).run().refused().stderr;
    insta::assert_snapshot!(machine.redacted(&said), @r"
    Error: [machine]/opt/trains/.clearml-migrate cannot be looked into by this user.
    Caused by: Permission denied (os error 13)
    Hint: A migration was begun here by another user, most likely by root: run the same command with sudo.
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
