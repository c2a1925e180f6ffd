//! Where and how: what every command that touches a server knows.

use super::ComposeArgs;
use super::paths::{absolute, state_dir};
use crate::cli::SessionArgs;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::invocation::{Call, DockerCli, Door};
use crate::text::quote;
use std::path::PathBuf;

/// What every command that touches a server knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The name we were called by, for telling what to type next.
    pub door: Door,
    /// The docker to call, with its global options.
    pub docker: DockerCli,
    /// Which compose project, as far as it was said.
    pub compose: ComposeArgs,
    /// Absolute root directory of the old server, if it was said.
    pub home: Option<PathBuf>,
    /// Absolute path of the data directory that `elastic` is or was given, if it was said.
    pub source: Option<PathBuf>,
    /// Absolute working directory.
    pub current_dir: PathBuf,
    /// Absolute directory of the index of migrations.
    pub state_dir: PathBuf,
    /// Absolute path of the log file, if it was said.
    pub log_file: Option<PathBuf>,
    /// Questions are answered with yes.
    pub assume_yes: bool,
    /// What can be shown and asked.
    pub terminal: Terminal,
}

impl Session {
    /// Returns a command line for the user to type: the name we were called by, docker's global options, what is needed
    /// to find the same server again, and `arguments`.
    pub fn command(&self, arguments: &str) -> String {
        let globals = self.docker.globals.to_args();
        let mut words: Vec<String> = globals.iter().map(|word| quote(&word.to_string_lossy())).collect();
        let name = self.door.command();
        match name.strip_prefix("docker ") {
            Some(rest) => {
                words.insert(0, "docker".to_owned());
                words.push(rest.to_owned());
            }
            None => words.insert(0, name.to_owned()),
        }
        let mut option = |option: &str, value: &str| words.extend([option.to_owned(), quote(value)]);
        if let Some(home) = &self.home {
            option("--home", &home.to_string_lossy());
        }
        for file in &self.compose.files {
            option("-f", &file.to_string_lossy());
        }
        if let Some(name) = &self.compose.project_name {
            option("-p", name);
        }
        if !arguments.is_empty() {
            words.push(arguments.to_owned());
        }
        if let (Some(source), false) = (&self.source, arguments.is_empty()) {
            words.extend(["--source".to_owned(), quote(&source.to_string_lossy())]);
        }
        words.join(" ")
    }
}

/// What can be shown and asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Someone is there to answer: standard input and standard error are terminals.
    pub interactive: bool,
    /// Bars that move may be drawn on standard error.
    pub bars: bool,
    /// Colours are welcome on standard output.
    pub color_stdout: bool,
    /// Colours are welcome on standard error.
    pub color_stderr: bool,
}

impl Terminal {
    /// Finds out from the environment; `NO_COLOR` as in no-color.org.
    pub fn of(environment: &Environment) -> Self {
        let dumb = environment.variable("TERM").is_some_and(|term| term == "dumb");
        let color = !dumb && environment.variable("NO_COLOR").is_none();
        Self {
            interactive: environment.stdin_is_terminal && environment.stderr_is_terminal,
            bars: environment.stderr_is_terminal && !dumb,
            color_stdout: environment.stdout_is_terminal && color,
            color_stderr: environment.stderr_is_terminal && color,
        }
    }
}

pub(super) fn resolve(arguments: &SessionArgs, call: &Call, environment: &Environment) -> Result<Session> {
    let current_dir = environment.current_dir.clone().ok_or_else(|| {
        Error::usage("The current directory cannot be read; perhaps it was removed.").hint("Type: cd /")
    })?;
    let absolute = |path: &PathBuf| absolute(path, &current_dir);
    Ok(Session {
        door: call.door,
        docker: call.docker.clone(),
        compose: ComposeArgs::resolve(arguments, environment, &current_dir)?,
        home: arguments.home.as_ref().map(absolute),
        source: None,
        state_dir: absolute(&state_dir(environment)?),
        log_file: arguments.log_file.as_ref().map(absolute),
        assume_yes: arguments.yes,
        terminal: Terminal::of(environment),
        current_dir,
    })
}
