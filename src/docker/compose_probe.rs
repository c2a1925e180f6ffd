//! Which compose this machine has. Version 2 is taken wherever it is, since it works with every daemon and continues
//! projects of `docker-compose` 1.x under their names; 1.25 to 1.29 are taken where it is missing.

use super::child::{self, Ended};
use super::compose_command::{ComposeChoice, ComposeCommand, DockerCli, Form};
use super::compose_v1::{self, to_install};
use super::context::Endpoint;
use crate::compose::name::Generation;
use crate::error::{Error, Kind, Result};
use std::ffi::OsStr;
use std::path::Path;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

const STANDALONE: &str = "docker-compose";
/// The first that says on its containers which files they were made from.
const OLDEST: (u32, u32) = (1, 25);

impl ComposeCommand {
    /// Looks for compose: `docker compose`, else a `docker-compose` on PATH, of version 2 or later or of 1.25 to 1.29.
    ///
    /// # Errors
    /// Refused, with what to install, when there is none that can be used.
    pub async fn probe(cli: DockerCli, endpoint: &Endpoint, cancel: &CancellationToken) -> Result<Self> {
        let mut command = cli.command();
        command.args(["compose", "version", "--short"]);
        let asked = child::run(command, cancel).await;
        let docker_runs = asked.is_ok();
        let said = match asked {
            Ok(ended) => match version_in(&ended).filter(|version| generation(version) == Some(Generation::V2)) {
                Some(version) => {
                    let choice = ComposeChoice { version, ..ComposeChoice::default() };
                    return Ok(Self { form: Form::Plugin(cli), choice, both_names: false });
                }
                None => ended.said(),
            },
            Err(error) if error.kind() == Kind::Cancelled => return Err(error),
            Err(error) => anyhow::Error::new(error),
        };
        let mut command = Command::new(STANDALONE);
        command.args(["version", "--short"]);
        match child::run(command, cancel).await {
            Ok(ended) => {
                let choice = standalone(&ended, said)?;
                let form = Form::Standalone { host: endpoint.host.url(), config_dir: endpoint.config_dir.clone() };
                Ok(Self { form, choice, both_names: false })
            }
            Err(error) if error.kind() == Kind::Cancelled => Err(error),
            Err(_) if !docker_runs => Err(not_installed(said)),
            Err(_) => {
                let message = "Docker Compose is not installed, or this user's docker does not find it.";
                Err(to_install(Error::refused(message).because(said)))
            }
        }
    }
}

/// Whether a program is there: by its path, or by its name in one of the directories of `PATH`.
pub fn is_installed(program: &OsStr, path: &OsStr) -> bool {
    match Path::new(program).components().count() {
        1 => std::env::split_paths(path).any(|directory| directory.join(program).is_file()),
        _ => Path::new(program).is_file(),
    }
}

/// Returns the error of a machine without docker.
pub fn not_installed(cause: impl Into<anyhow::Error>) -> Error {
    Error::refused("Docker is not installed here, or not on PATH.")
        .because(cause)
        .hint("The migration has to run on the machine of the old server; is this the one?")
        .hint(
            "If it is, install Docker's command line (Debian and Ubuntu: docker-ce-cli from Docker's repository, or \
             docker.io), or put the directory it is in on PATH.",
        )
}

/// Returns what a `docker-compose` is by its answer, if it can be used. `said` is why `docker compose` was not taken.
fn standalone(ended: &Ended, said: anyhow::Error) -> Result<ComposeChoice> {
    let Some(version) = version_in(ended) else {
        return Err(compose_v1::known_trouble(&ended.last_lines, "1.x", STANDALONE).unwrap_or_else(|| {
            to_install(Error::refused("A docker-compose is on PATH, but it does not work.").because(ended.said()))
        }));
    };
    match generation(&version) {
        Some(generation) => Ok(ComposeChoice {
            typed: STANDALONE.to_owned(),
            version,
            generation,
            why: "docker has no `docker compose` here".to_owned(),
        }),
        None => Err(to_install(
            Error::refused(format!(
                "Only docker-compose {version} was found; 1.25 is the oldest that this tool works with."
            ))
            .because(said),
        )),
    }
}

/// Returns the version that a successful `version --short` says.
fn version_in(ended: &Ended) -> Option<String> {
    let version = ended.stdout.trim().trim_start_matches('v');
    let is_one = ended.status.success() && version.starts_with(|first: char| first.is_ascii_digit());
    is_one.then(|| version.to_owned())
}

/// Returns which program a version is of; none if it is too old.
fn generation(version: &str) -> Option<Generation> {
    let mut numbers = version.split(['.', '-']).map(str::parse::<u32>);
    let (major, minor) = (numbers.next()?.ok()?, numbers.next().and_then(std::result::Result::ok).unwrap_or(0));
    match (major, minor) {
        (2.., _) => Some(Generation::V2),
        old if old >= OLDEST => Some(Generation::V1),
        _ => None,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    fn answer(code: i32, stdout: &str, stderr: &str) -> Ended {
        Ended {
            status: ExitStatus::from_raw(code << 8),
            stdout: stdout.to_owned(),
            last_lines: stderr.lines().map(str::to_owned).collect(),
        }
    }

    fn found(stdout: &str) -> Result<ComposeChoice> {
        standalone(&answer(0, stdout, ""), anyhow::anyhow!("docker: 'compose' is not a docker command."))
    }

    #[test]
    fn a_docker_compose_is_what_its_version_says() {
        let table = [
            ("2.40.3\n", Some(Generation::V2)),
            ("v2.12.0", Some(Generation::V2)),
            ("5.0.1", Some(Generation::V2)),
            ("1.29.2\n", Some(Generation::V1)),
            ("1.25.0-rc4", Some(Generation::V1)),
            ("1.24.1", None),
            ("1.8.0", None),
        ];
        for (stdout, expected) in table {
            assert_eq!(found(stdout).ok().map(|choice| choice.generation), expected, "{stdout}");
        }
        let choice = found("1.29.2\n").unwrap();
        assert_eq!((choice.typed.as_str(), choice.version.as_str()), ("docker-compose", "1.29.2"));
    }

    #[test]
    fn a_program_is_looked_for_as_a_shell_does() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("docker"), "").unwrap();
        let path = std::env::join_paths(["/nonexistent".as_ref(), dir.path()]).unwrap();
        assert!(is_installed(OsStr::new("docker"), &path));
        assert!(is_installed(dir.path().join("docker").as_os_str(), OsStr::new("")));
        assert!(!is_installed(OsStr::new("docker"), OsStr::new("/nonexistent")));
        assert!(!is_installed(OsStr::new("/nonexistent/docker"), &path));
    }

    #[test]
    fn what_cannot_be_used_is_told_with_what_to_install() {
        let old = found("1.21.0").unwrap_err();
        assert!(old.message().contains("1.21.0") && old.hints()[0].contains("docker-compose-plugin"), "{old:?}");
        let broken = answer(1, "", "Traceback (most recent call last):\n  File \"x\"\nSomeError: odd");
        let broken = standalone(&broken, anyhow::anyhow!("no")).unwrap_err();
        assert!(broken.message().contains("does not work") && broken.causes()[0] == "SomeError: odd", "{broken:?}");
        let python =
            answer(1, "", "Traceback (most recent call last):\nModuleNotFoundError: No module named 'distutils'");
        let python = standalone(&python, anyhow::anyhow!("no")).unwrap_err();
        assert!(python.message().contains("Python"), "{python:?}");
    }
}
