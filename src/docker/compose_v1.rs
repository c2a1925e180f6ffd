//! What is peculiar to `docker-compose` 1.x: the names it gives, what it cannot do, and how it fails on machines that
//! are newer than itself.

use super::project::ProjectArgs;
use crate::compose::model;
use crate::compose::name::Generation;
use crate::compose::{dotenv, v1};
use crate::environment;
use crate::error::{Context, Error, Result};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Reads the answer of `config`, and adds what it leaves out: the project's name, and which profiles are active. Both
/// come from the shell, else from the environment file (compose 1.29.2 `compose/cli/command.py`).
///
/// # Errors
/// Failed when the answer or the environment file cannot be read.
pub(super) fn project(config: &str, project: &ProjectArgs) -> Result<model::Project> {
    let variables = variables(project, environment::texts())?;
    let profiles = variables.get("COMPOSE_PROFILES").map(String::as_str).unwrap_or_default();
    let profiles: Vec<String> = profiles.split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect();
    v1::project(config, &name(project, &variables), &profiles)
}

/// The name of a project: as given, as a variable says, or from the directory; `default` when nothing is left.
fn name(project: &ProjectArgs, variables: &BTreeMap<String, String>) -> String {
    let wish = project.name.as_ref().or_else(|| variables.get("COMPOSE_PROJECT_NAME").filter(|name| !name.is_empty()));
    let of_directory = || Generation::V1.default_name(project.project_directory()?);
    wish.map(|name| Generation::V1.normal_name(name)).or_else(of_directory).unwrap_or_else(|| "default".to_owned())
}

/// The variables of the environment file, those of the shell in front.
fn variables(project: &ProjectArgs, shell: BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    let beside = || project.project_directory().map(|directory| directory.join(".env")).filter(|file| file.is_file());
    let file: Option<PathBuf> = project.env_files.first().cloned().or_else(beside);
    let Some(file) = file else { return Ok(shell) };
    let text = std::fs::read(&file).context(|| format!("{} cannot be read.", file.display()))?;
    let mut variables = dotenv::values(&String::from_utf8_lossy(&text), &shell);
    variables.extend(shell);
    Ok(variables)
}

/// Refuses what version 1 has no option for.
///
/// # Errors
/// Refused for more than one environment file.
pub(super) fn require_possible(project: &ProjectArgs) -> Result<()> {
    if project.env_files.len() < 2 {
        return Ok(());
    }
    Err(to_install(
        Error::refused("docker-compose 1.x takes one --env-file only.")
            .hint("Join the files into one, or install version 2."),
    ))
}

/// Returns the refusal of a project that only version 1 could name: seen with 2.40.3, which calls the name invalid.
pub(super) fn name_refused_by_its_successor(name: &str) -> Error {
    Error::refused(format!("Docker Compose 2 accepts no project that is called {name}, as docker-compose 1.x did."))
        .hint(format!("Take it down with the old command: docker-compose -p {name} -f FILE down (without -v)"))
        .hint("Then run this command again; the project gets the name that version 2 makes of its directory.")
}

/// Explains failures that have nothing to do with the user's files. `typed` is the command with its options, as a
/// user would type it.
///
/// The words are those of compose 1.25.0 and 1.29.2 with a daemon that refuses old clients, with images that have no
/// `ContainerConfig`, and with newer Python libraries.
pub(super) fn known_trouble(last_lines: &[String], version: &str, typed: &str) -> Option<Error> {
    let said = last_lines.join("\n");
    let any = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let cause = || anyhow::anyhow!("{}", super::child::last_words(last_lines));
    let python = [
        "Not supported URL scheme http+docker",
        "unexpected keyword argument 'chunked'",
        "ModuleNotFoundError:",
        "ImportError:",
        "pkg_resources.",
    ];
    if let Some(error) = without_an_api_in_common(last_lines, "docker-compose", version) {
        Some(error)
    } else if any(&["KeyError: 'ContainerConfig'"]) {
        let message =
            format!("docker-compose {version} cannot replace a container whose image was built by a newer docker.");
        Some(to_install(
            Error::failed(message)
                .because(cause())
                .hint(format!("Remove the containers, which keeps volumes and directories, and start again: {typed} down && {typed} up -d"))
                .hint("Version 2 of compose does not have this fault; it continues the project under its name."),
        ))
    } else if any(&python) {
        let message = format!("docker-compose {version} does not get along with the Python libraries of this machine.");
        Some(to_install(Error::refused(message).because(cause())))
    } else {
        None
    }
}

/// Explains a compose of any version that speaks another API than the daemon: `docker compose` 2.5 speaks 1.41, and
/// docker 29 takes nothing below 1.44.
pub(super) fn without_an_api_in_common(last_lines: &[String], typed: &str, version: &str) -> Option<Error> {
    let said = last_lines.join("\n");
    let any = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let api = (any(&["client version"]) && any(&["is too old", "is too new"])) || any(&["API versions below"]);
    api.then(|| {
        let message = format!("{typed} {version} and this docker daemon have no API version in common.");
        let newer = match version.starts_with("1.") {
            true => "Install version 2 of compose; it continues the project under its name.",
            false => "Install a newer compose; it continues the project under its name.",
        };
        let cause = anyhow::anyhow!("{}", super::child::last_words(last_lines));
        to_install(Error::refused(message).because(cause).hint(newer))
    })
}

/// Tells how to come by a compose of version 2.
pub(super) fn to_install(error: Error) -> Error {
    error
        .hint("Debian and Ubuntu: sudo apt-get install docker-compose-plugin (from Docker's repository) or docker-compose-v2 (Ubuntu's own).")
        .hint("If `docker compose version` works without sudo only, compose is installed for one user; install it for all.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(said: &str) -> Option<Error> {
        let lines: Vec<String> = said.lines().map(str::to_owned).collect();
        known_trouble(&lines, "1.29.2", "docker-compose -p trains")
    }

    #[test]
    fn a_daemon_that_refuses_its_api_version_is_explained() {
        for said in [
            "client version 1.36 is too old. Minimum supported API version is 1.44, please upgrade your client to a newer version",
            "client version 1.99 is too new. Maximum supported API version is 1.41",
            "Traceback (most recent call last):\n  File \"/usr/lib/python3/dist-packages/docker/api/client.py\", line 207, in __init__\n    raise InvalidVersion(\ndocker.errors.InvalidVersion: API versions below 1.21 are no longer supported by this library.",
        ] {
            let error = trouble(said).unwrap();
            assert!(error.message().contains("no API version in common"), "{error:?}");
            assert_eq!(error.causes()[0], said.lines().last().unwrap());
            assert!(error.hints()[1].contains("docker-compose-plugin"), "{error:?}");
        }
    }

    #[test]
    fn images_of_newer_builders_are_explained() {
        let said = "  File \"/compose/service.py\", line 1579, in get_container_data_volumes\n    container.image_config['ContainerConfig'].get('Volumes') or {}\n    ~~~~~~~~~~~~~~~~~~~~~~^^^^^^^^^^^^^^^^^^^\nKeyError: 'ContainerConfig'";
        let error = trouble(said).unwrap();
        assert!(error.message().contains("newer docker"), "{error:?}");
        assert_eq!(error.causes(), ["KeyError: 'ContainerConfig'"]);
        assert!(error.hints()[0].contains("docker-compose -p trains down"), "{error:?}");
    }

    #[test]
    fn newer_python_libraries_are_explained_and_the_users_errors_are_not() {
        let said = "docker.errors.DockerException: Error while fetching server API version: Not supported URL scheme http+docker";
        assert!(trouble(said).unwrap().message().contains("Python"));
        assert!(trouble("The Compose file './docker-compose.yml' is invalid because:\n'x' is odd").is_none());
    }

    #[test]
    fn the_name_is_made_as_version_1_makes_it() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("_Trains.X");
        std::fs::create_dir(&home).unwrap();
        let args = |name: Option<&str>| ProjectArgs {
            files: vec![home.join("docker-compose.yml")],
            name: name.map(str::to_owned),
            ..Default::default()
        };
        let named = |args: &ProjectArgs| name(args, &variables(args, BTreeMap::new()).unwrap());
        assert_eq!(named(&args(None)), "_trainsx");
        assert_eq!(named(&args(Some("given"))), "given");
        std::fs::write(home.join(".env"), "COMPOSE_PROJECT_NAME=Of_File\n").unwrap();
        assert_eq!(named(&args(None)), "of_file");
        let shell = BTreeMap::from([("COMPOSE_PROJECT_NAME".to_owned(), "shell".to_owned())]);
        assert_eq!(name(&args(None), &variables(&args(None), shell).unwrap()), "shell");
    }

    #[test]
    fn two_environment_files_are_too_many() {
        let mut project = ProjectArgs { env_files: vec!["/a".into()], ..Default::default() };
        require_possible(&project).unwrap();
        project.env_files.push("/b".into());
        assert!(require_possible(&project).unwrap_err().message().contains("--env-file"));
    }
}
