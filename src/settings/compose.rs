//! Which compose project is meant: options and variables with the meaning that `docker compose` gives them.

use super::paths::absolute;
use crate::cli::SessionArgs;
use crate::compose::name::Generation;
use crate::environment::Environment;
use crate::error::{Error, Result};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What was said about the compose project. Everything empty: it is to be found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComposeArgs {
    /// Absolute paths of the compose files, in order.
    pub files: Vec<PathBuf>,
    /// The project's name.
    pub project_name: Option<String>,
    /// Absolute project directory.
    pub project_directory: Option<PathBuf>,
    /// Absolute paths of the files with variables, in order.
    pub env_files: Vec<PathBuf>,
}

impl ComposeArgs {
    /// Resolves the options; a variable counts only where its option was not given.
    pub(super) fn resolve(arguments: &SessionArgs, environment: &Environment, current_dir: &Path) -> Result<Self> {
        let files = match arguments.file.is_empty() {
            false => arguments.file.clone(),
            true => files_of_variable(environment),
        };
        if files.iter().any(|file| file.as_os_str() == "-") {
            return Err(Error::usage("The compose file cannot come from standard input: it is going to be rewritten.")
                .hint("Save it to a file and give that: -f FILE"));
        }
        let env_files = match arguments.env_file.is_empty() {
            false => arguments.env_file.clone(),
            // Separated by commas on every platform (docker/compose `cmd/compose/compose.go`).
            true => split(environment.variable("COMPOSE_ENV_FILES"), ","),
        };
        let all_absolute = |paths: Vec<PathBuf>| paths.iter().map(|path| absolute(path, current_dir)).collect();
        Ok(Self {
            files: all_absolute(files),
            project_name: project_name(arguments, environment)?,
            project_directory: arguments.project_directory.as_ref().map(|path| absolute(path, current_dir)),
            env_files: all_absolute(env_files),
        })
    }
}

fn files_of_variable(environment: &Environment) -> Vec<PathBuf> {
    let usual = if cfg!(windows) { ";" } else { ":" };
    let separator = environment.variable("COMPOSE_PATH_SEPARATOR").and_then(OsStr::to_str).unwrap_or(usual);
    split(environment.variable("COMPOSE_FILE"), separator)
}

fn split(value: Option<&OsStr>, separator: &str) -> Vec<PathBuf> {
    let (mut rest, separator) = (value.unwrap_or_default().as_bytes(), separator.as_bytes());
    let mut parts = Vec::new();
    // Paths are bytes, of which only the separator need be text.
    while let Some(at) = rest.windows(separator.len().max(1)).position(|here| here == separator) {
        let (part, behind) = rest.split_at(at);
        parts.push(part);
        rest = behind.get(separator.len()..).unwrap_or_default();
    }
    parts.push(rest);
    let is_path = |part: &&[u8]| !part.is_empty();
    parts.into_iter().filter(is_path).map(|part| OsStr::from_bytes(part).into()).collect()
}

fn project_name(arguments: &SessionArgs, environment: &Environment) -> Result<Option<String>> {
    let (from, name) = match (&arguments.project_name, environment.variable("COMPOSE_PROJECT_NAME")) {
        (Some(name), _) => ("--project-name", name.clone()),
        (None, Some(name)) => ("COMPOSE_PROJECT_NAME", name.to_string_lossy().into_owned()),
        (None, None) => return Ok(None),
    };
    let normal = Generation::V2.normal_name(&name);
    if normal == name && !name.is_empty() {
        return Ok(Some(name));
    }
    let error = Error::usage(format!("\"{name}\" from {from} cannot be the name of a compose project."));
    Err(match normal.is_empty() {
        true => error.hint("A name has lower-case letters, digits, hyphens and underscores. See: docker compose ls -a"),
        false => error.hint(format!("Compose itself would have made \"{normal}\" of it. See: docker compose ls -a")),
    })
}
