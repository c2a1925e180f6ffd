//! How docker called us: for metadata, for completion, as a plugin, or under our own name on PATH. Pure.
//!
//! Docker runs a plugin with its own arguments unchanged, global options in front:
//! `docker -D clearml migrate --dry-run` arrives as `-D clearml migrate --dry-run` (docker/cli
//! `cli-plugins/manager`, `PluginRunCommand`). A plugin's name has no hyphen, so the words may be
//! `clearml migrate …` (the plugin), `clearml-migrate …` (the promised text, through the shell function or the
//! shim) or neither (the binary on PATH).

mod globals;

pub use globals::{Globals, is_global};

use crate::environment::Environment;
use crate::error::Result;
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The argument with which docker asks a plugin what it is.
const METADATA: &str = "docker-cli-plugin-metadata";
/// Set by docker for plugins: the name under which docker itself was called.
const ORIGINAL_CLI: &str = "DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND";

/// The name by which the user calls us, and so the one that messages tell to type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// `docker clearml migrate …`
    Plugin,
    /// `docker clearml-migrate …`
    Hyphen,
    /// `docker-clearml-migrate …`
    Standalone,
}

impl Door {
    /// Returns the command as the user would type it, without options.
    pub fn command(self) -> &'static str {
        match self {
            Self::Plugin => "docker clearml migrate",
            Self::Hyphen => "docker clearml-migrate",
            Self::Standalone => "docker-clearml-migrate",
        }
    }
}

/// The docker command to call for anything that docker does better than we would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerCli {
    /// Path or name of the program: the one that called us, else `docker`.
    pub program: OsString,
    /// The global options to pass on, before any other argument.
    pub globals: Globals,
}

/// A command line to carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The name we were called by.
    pub door: Door,
    /// The docker command that called us, or the one on PATH.
    pub docker: DockerCli,
    /// The words behind the name. At [`Door::Plugin`] they still begin with `migrate`, `version` or `help`.
    pub words: Vec<OsString>,
}

/// What is wanted of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invocation {
    /// Say what plugin this is, in docker's JSON.
    Metadata,
    /// Offer completions for the last word.
    Complete {
        /// The tree of commands to complete in.
        door: Door,
        /// The words behind the name; the last one is being typed and may be empty.
        words: Vec<String>,
        /// Whether the shell shows descriptions.
        descriptions: bool,
    },
    /// Carry out a command line; help is one that ends in `--help`.
    Run(Box<Call>),
}

/// Finds out what is wanted, from the program's own path, its arguments and its environment.
///
/// # Errors
/// Fails on a mistake in docker's global options.
pub fn understand(program: &OsStr, args: Vec<OsString>, environment: &Environment) -> Result<Invocation> {
    let mut words: VecDeque<OsString> = args.into();
    match words.front().and_then(|word| word.to_str()) {
        Some(METADATA) => return Ok(Invocation::Metadata),
        Some(request @ ("__complete" | "__completeNoDesc")) => {
            let descriptions = request == "__complete";
            words.pop_front();
            return complete(program, words, descriptions);
        }
        _ => {}
    }
    let globals = Globals::take(&mut words)?;
    let help = take_help(&mut words);
    let door = take_name(program, &mut words);
    if let Some(option) = help {
        words.push_back(option.into());
    } else if door == Door::Plugin && words.is_empty() {
        words.push_back("--help".into());
    }
    let docker = DockerCli { program: docker_program(environment), globals };
    Ok(Invocation::Run(Box::new(Call { door, docker, words: words.into() })))
}

fn complete(program: &OsStr, mut words: VecDeque<OsString>, descriptions: bool) -> Result<Invocation> {
    Globals::take(&mut words)?;
    let door = take_name(program, &mut words);
    let words = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    Ok(Invocation::Complete { door, words, descriptions })
}

/// Takes the `help` of `docker help clearml …`, and the option of `docker --help clearml …`. Returns the option that
/// means the same behind the name.
fn take_help(words: &mut VecDeque<OsString>) -> Option<&'static str> {
    let option = match words.front()?.to_str()? {
        "help" | "--help" => "--help",
        "-h" => "-h",
        _ => return None,
    };
    words.pop_front();
    Some(option)
}

/// Takes the name off the front and returns the door it stands for.
fn take_name(program: &OsStr, words: &mut VecDeque<OsString>) -> Door {
    match words.front().and_then(|word| word.to_str()) {
        Some("clearml") => {
            words.pop_front();
            Door::Plugin
        }
        Some("clearml-migrate") => {
            words.pop_front();
            Door::Hyphen
        }
        // The plugin's file, run by hand: the name is in the file name then.
        _ if Path::new(program).file_stem().is_some_and(|stem| stem == "docker-clearml") => Door::Plugin,
        _ => Door::Standalone,
    }
}

/// Returns the docker that called us. Its path may be relative to the directory where it was typed, so it is made absolute;
/// a bare name stays one, to be looked up on PATH.
fn docker_program(environment: &Environment) -> OsString {
    let Some(program) = environment.variable(ORIGINAL_CLI) else { return "docker".into() };
    match &environment.current_dir {
        Some(directory) if Path::new(program).components().count() > 1 => directory.join(program).into_os_string(),
        _ => program.to_owned(),
    }
}

/// Returns the answer to [`Invocation::Metadata`], one line of JSON.
///
/// `SchemaVersion` must be exactly `0.1.0`: older CLIs refuse any other (docker/cli `cli-plugins/metadata`).
pub fn metadata() -> String {
    serde_json::json!({
        "SchemaVersion": "0.1.0",
        "Vendor": "clearml-migrate",
        "Version": env!("CARGO_PKG_VERSION"),
        "ShortDescription": "Migrate a Trains Server to ClearML Server",
    })
    .to_string()
}

#[cfg(test)]
mod tests;
