//! The three names of the program, through a real docker client, real shells and the real installer. No daemon is needed.

// Helpers of tests fail the test, like the tests themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod docker;
mod install;
mod shell;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The binary under test.
const BINARY: &str = env!("CARGO_BIN_EXE_docker-clearml-migrate");

/// Finds a program on PATH; says so and returns nothing where it is missing, so that the test is skipped visibly.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("SKIPPED: there is no {name} on PATH");
    }
    found
}

/// What a finished command said.
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs a command without a terminal and with nothing of the developer's own settings.
fn run(command: &mut Command) -> Said {
    let variables = ["DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND", "NO_COLOR"];
    for variable in variables {
        if !command.get_envs().any(|(name, value)| name == variable && value.is_some()) {
            command.env_remove(variable);
        }
    }
    // The help is wrapped to this width.
    let output = command.env("COLUMNS", "100").stdin(Stdio::null()).output();
    let Output { status, stdout, stderr } = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
    Said { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

/// Writes an executable script.
fn script(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
