//! The name with the hyphen, in real shells, before a docker that only shows its arguments.

use crate::{BINARY, program, run, script};
use std::path::Path;
use std::process::Command;

const FAKE_DOCKER: &str = "#!/bin/sh\nfor word; do printf '<%s>' \"$word\"; done\nexit 7\n";

/// What is typed behind `docker`, and what docker is to get.
const TABLE: [(&[&str], &[&str]); 13] = [
    (&[], &[]),
    (&["ps", "-a"], &["ps", "-a"]),
    (&["clearml-migrate"], &["clearml", "migrate"]),
    (&["clearml-migrate", "--dry-run", "-f", "a b.yml", ""], &["clearml", "migrate", "--dry-run", "-f", "a b.yml", ""]),
    (&["--context", "x", "clearml-migrate", "-n"], &["--context", "x", "clearml", "migrate", "-n"]),
    (
        &["-D", "--config=d", "--tls", "clearml-migrate", "rollback"],
        &["-D", "--config=d", "--tls", "clearml", "migrate", "rollback"],
    ),
    (&["-Dc", "x y", "-H", "unix:///s", "clearml-migrate"], &["-Dc", "x y", "-H", "unix:///s", "clearml", "migrate"]),
    (&["-l", "info", "--tlskey", "k", "clearml-migrate"], &["-l", "info", "--tlskey", "k", "clearml", "migrate"]),
    (&["help", "clearml-migrate"], &["help", "clearml", "migrate"]),
    // The name of something else.
    (&["--context", "clearml-migrate", "ps"], &["--context", "clearml-migrate", "ps"]),
    (&["run", "clearml-migrate"], &["run", "clearml-migrate"]),
    (
        &["run", "--rm", "a*", "$HOME", "-c", "clearml-migrate"],
        &["run", "--rm", "a*", "$HOME", "-c", "clearml-migrate"],
    ),
    (&["clearml", "migrate", "clearml-migrate"], &["clearml", "migrate", "clearml-migrate"]),
];

fn init(shell: &str) -> String {
    let said = run(Command::new(BINARY).args(["shell-init", shell]));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    said.stdout
}

/// Runs the table with a command that gets the arguments of `docker`.
fn check(mut command: impl FnMut(&Path) -> Command) {
    let directory = tempfile::tempdir().unwrap();
    script(&directory.path().join("bin/docker"), FAKE_DOCKER);
    for (typed, expected) in TABLE {
        let said = run(command(directory.path()).args(typed));
        let shown: String = expected.iter().map(|word| format!("<{word}>")).collect();
        assert_eq!((said.stdout, said.stderr.as_str(), said.code), (shown, "", Some(7)), "{typed:?}");
    }
}

fn with_path(program: &Path, directories: &[&Path]) -> Command {
    let usual = std::env::var_os("PATH").unwrap_or_default();
    let paths = directories.iter().map(|path| path.to_path_buf()).chain(std::env::split_paths(&usual));
    let mut command = Command::new(program);
    command.env("PATH", std::env::join_paths(paths).unwrap()).env("HOME", "/nonexistent");
    command
}

/// bash and zsh, at their strictest.
fn check_posix_like(shell: &str) {
    let Some(program) = program(shell) else { return };
    let text = init(shell);
    check(|directory| {
        let mut command = with_path(&program, &[&directory.join("bin")]);
        command.args(["-euc", &format!("{text}\ndocker \"$@\""), shell]);
        command
    });
    let own = format!("docker() {{ echo mine; }}\n{text}\ndocker clearml-migrate");
    assert_eq!(run(Command::new(program).args(["-euc", &own])).stdout, "mine\n");
}

#[test]
fn bash_finds_the_name_behind_dockers_options() {
    check_posix_like("bash");
}

#[test]
fn zsh_finds_the_name_behind_dockers_options() {
    check_posix_like("zsh");
}

#[test]
fn fish_finds_the_name_behind_dockers_options() {
    let Some(program) = program("fish") else { return };
    let text = init("fish");
    check(|directory| {
        let mut command = with_path(&program, &[&directory.join("bin")]);
        command.env("HOME", directory).env("XDG_CONFIG_HOME", directory).env("XDG_DATA_HOME", directory);
        command.args(["--no-config", "-c", &format!("{text}\ndocker $argv"), "--"]);
        command
    });
}

#[test]
fn the_shim_finds_the_name_and_the_docker_behind_it() {
    let text = init("shim");
    check(|directory| {
        let shim = directory.join("shim/docker");
        script(&shim, &text);
        with_path(&shim, &[&directory.join("shim"), &directory.join("bin")])
    });
}

#[test]
fn a_shim_alone_says_that_docker_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let shim = directory.path().join("docker");
    script(&shim, &init("shim"));
    // Only what the shim itself needs is on PATH.
    for tool in ["dirname", "sh"] {
        let Some(found) = program(tool) else { return };
        std::os::unix::fs::symlink(found, directory.path().join(tool)).unwrap();
    }
    let said = run(Command::new(&shim).arg("ps").env("PATH", directory.path()));
    assert_eq!(said.code, Some(127));
    assert!(said.stderr.contains("no docker on PATH behind the shim"), "{}", said.stderr);
}
