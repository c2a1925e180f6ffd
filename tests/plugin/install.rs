//! The installer, from a release archive into a home directory of its own.

use crate::{BINARY, Said, program, run, script};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The packed binary and its sha256, the same for all tests.
static RELEASE: OnceLock<(Vec<u8>, String)> = OnceLock::new();

fn pack() -> (Vec<u8>, String) {
    let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    let mut builder = tar::Builder::new(encoder);
    builder.append_path_with_name(BINARY, "clearml-migrate/docker-clearml-migrate").unwrap();
    let bytes = builder.into_inner().unwrap().finish().unwrap();
    let sum = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    (bytes, sum)
}

/// A user's home, and room beside it.
struct Machine {
    directory: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let machine = Self { directory };
        std::fs::create_dir(machine.home()).unwrap();
        machine
    }

    fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    /// Writes the binary under test as a release, and returns the archive.
    fn release(&self) -> PathBuf {
        let archive = self.directory.path().join("clearml-migrate.tar.gz");
        let (bytes, sum) = RELEASE.get_or_init(pack);
        std::fs::write(&archive, bytes).unwrap();
        std::fs::write(format!("{}.sha256", archive.display()), format!("{sum}  clearml-migrate.tar.gz\n")).unwrap();
        archive
    }

    fn install(&self, path: &[&Path], line: &[&str]) -> Said {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh");
        let mut command = Command::new("sh");
        command.env_clear().env("HOME", self.home()).env("PATH", self.path(path));
        run(command.arg(script).args(line))
    }

    fn path(&self, first: &[&Path]) -> std::ffi::OsString {
        let usual = std::env::var_os("PATH").unwrap_or_default();
        let paths = first.iter().map(|path| path.to_path_buf()).chain(std::env::split_paths(&usual));
        std::env::join_paths(paths).unwrap()
    }

    /// Every file below the home directory, with its content's length.
    fn files(&self) -> BTreeMap<PathBuf, u64> {
        fn walk(directory: &Path, found: &mut BTreeMap<PathBuf, u64>) {
            for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
                found.insert(
                    entry.path(),
                    entry.metadata().map(|meta| if meta.is_dir() { 0 } else { meta.len() }).unwrap(),
                );
                if entry.file_type().unwrap().is_dir() {
                    walk(&entry.path(), found);
                }
            }
        }
        let mut found = BTreeMap::new();
        walk(&self.home(), &mut found);
        found
    }
}

fn argument(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn what_is_installed_works_through_docker_and_goes_without_a_trace() {
    if program("docker").is_none() {
        return;
    }
    let machine = Machine::new();
    std::fs::write(machine.home().join(".bashrc"), "alias ll='ls -l'\n").unwrap();
    std::fs::create_dir_all(machine.home().join(".docker")).unwrap();
    std::fs::write(machine.home().join(".docker/config.json"), "{}\n").unwrap();
    let before = machine.files();
    let release = machine.release();
    let bin = machine.home().join(".local/bin");
    // Twice: the second time changes nothing.
    for _ in 0..2 {
        let said = machine.install(&[&bin], &["--user", "--docker-shim", "--release", argument(&release)]);
        assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
        assert!(said.stdout.contains("docker clearml version: clearml-migrate "), "{}", said.stdout);
    }
    let plugins = machine.home().join(".docker/cli-plugins");
    assert!(plugins.join("docker-clearml").is_file() && !plugins.join("docker-clearml-migrate").exists());
    let start_up = std::fs::read_to_string(machine.home().join(".bashrc")).unwrap();
    assert_eq!(start_up.matches("shell-init bash").count(), 1, "{start_up}");
    // The promised text, by the shim and by the start-up file.
    for shell in ["docker clearml-migrate version", ". ~/.bashrc; docker -D clearml-migrate version"] {
        let mut command = Command::new("bash");
        command.args(["-c", shell]).env_clear().env("HOME", machine.home()).env("PATH", machine.path(&[&bin]));
        assert!(run(&mut command).stdout.starts_with("clearml-migrate "), "{shell}");
    }
    let said = machine.install(&[], &["--user", "--uninstall"]);
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    assert_eq!(machine.files(), before);
}

#[test]
fn a_changed_archive_is_not_installed() {
    let machine = Machine::new();
    let release = machine.release();
    let mut bytes = std::fs::read(&release).unwrap();
    bytes.push(0);
    std::fs::write(&release, bytes).unwrap();
    let said = machine.install(&[], &["--user", "--release", argument(&release)]);
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("Error: The sha256 of"), "{}", said.stderr);
    assert!(machine.files().is_empty());
}

#[test]
fn another_docker_is_not_overwritten_by_the_shim() {
    let machine = Machine::new();
    let release = machine.release();
    let own = machine.home().join(".local/bin/docker");
    script(&own, "#!/bin/sh\necho own\n");
    let said = machine
        .install(&[own.parent().unwrap()], &["--user", "--no-shell", "--docker-shim", "--release", argument(&release)]);
    assert_eq!(said.code, Some(1), "{}", said.stdout);
    assert!(said.stderr.contains("is a docker already"), "{}", said.stderr);
    assert_eq!(std::fs::read_to_string(&own).unwrap(), "#!/bin/sh\necho own\n");
    // What was put in place before that can still be removed.
    assert_eq!(machine.install(&[], &["--user", "--uninstall"]).code, Some(0));
    assert_eq!(machine.files().into_keys().filter(|path| path.is_file()).collect::<Vec<_>>(), [own]);
}

#[test]
fn podman_as_docker_is_explained() {
    let machine = Machine::new();
    let podman = machine.directory.path().join("podman/docker");
    script(&podman, "#!/bin/sh\n[ \"$1\" = --version ] && echo 'podman version 4.3.1' && exit\nexit 125\n");
    let release = machine.release();
    let said = machine.install(&[podman.parent().unwrap()], &["--user", "--no-shell", "--release", argument(&release)]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.contains("docker is podman here, which has no plugins"), "{}", said.stdout);
}

#[test]
fn a_plugin_that_docker_does_not_find_ends_in_an_error() {
    if program("docker").is_none() {
        return;
    }
    let machine = Machine::new();
    let release = machine.release();
    // An old and broken copy of the user's comes first, whatever is installed for everyone.
    let broken = machine.home().join(".docker/cli-plugins/docker-clearml");
    script(&broken, "not a program\n");
    let elsewhere = machine.directory.path().join("plugins");
    let install = Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh");
    let mut command = Command::new("sh");
    command.env_clear().env("HOME", machine.home()).env("PATH", machine.path(&[])).env("PLUGIN_DIR", &elsewhere);
    let said = run(command.arg(install).args(["--user", "--no-shell", "--release", argument(&release)]));
    assert_eq!(said.code, Some(1));
    assert!(said.stdout.contains("docker-clearml comes before the one just installed"), "{}", said.stdout);
    assert!(said.stderr.contains("docker does not find the plugin"), "{}", said.stderr);
}

#[test]
fn unknown_options_and_nothing_to_uninstall_are_errors() {
    let machine = Machine::new();
    assert_eq!(machine.install(&[], &["--usr"]).code, Some(2));
    let said = machine.install(&[], &["--user", "--uninstall"]);
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("Nothing is installed for user"), "{}", said.stderr);
    assert_eq!(machine.install(&[], &["--help"]).code, Some(0));
}
