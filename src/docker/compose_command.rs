//! The compose command of the user's own docker, which alone resolves a project the way the user's docker does.
//!
//! It is called through the docker that called us, with the same global options, so that contexts and configuration
//! are the same. Where that has none, it is a `docker-compose`, which takes the daemon from the environment. Only
//! standard output is read; what compose says on standard error is kept for errors.

use super::child::{self, Ended};
use super::compose_v1;
use super::project::ProjectArgs;
use crate::compose::model;
use crate::compose::name::Generation;
use crate::environment;
use crate::error::{Error, Result};
use crate::failpoints;
use crate::invocation;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// Set by docker when it calls a plugin; not meant for other children.
const ORIGINAL_COMMAND: &str = "DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND";
/// Set by docker for a plugin to hear of its end; not meant for other children.
const PLUGIN_SOCKET: &str = "DOCKER_CLI_PLUGIN_SOCKET";

/// Docker's command line, as it was used to call us.
#[derive(Debug, Clone)]
pub struct DockerCli {
    program: PathBuf,
    globals: Vec<OsString>,
}

impl DockerCli {
    /// Returns the docker that called this process, or is on PATH, with its global options. Paths among them are made
    /// absolute, since compose is called from the project's directory.
    pub fn new(cli: &invocation::DockerCli) -> Self {
        let here = std::env::current_dir().unwrap_or_default();
        Self { program: (&cli.program).into(), globals: cli.globals.absolute(&here).to_args() }
    }

    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.globals);
        command
    }
}

/// How compose is called.
#[derive(Debug, Clone)]
pub(super) enum Form {
    /// `docker compose`.
    Plugin(DockerCli),
    /// A `docker-compose`, which takes the daemon from the environment: the old ones know no contexts.
    Standalone {
        /// The daemon's URL.
        host: String,
        /// Docker's configuration directory, for the credentials in it.
        config_dir: PathBuf,
    },
}

/// Which compose was chosen, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComposeChoice {
    /// How a user would type it: `docker compose` or `docker-compose`.
    pub typed: String,
    /// Such as `2.40.3`.
    pub version: String,
    /// Which program it is.
    pub generation: Generation,
    /// Why it was not the usual one, as a phrase; empty for `docker compose`.
    pub why: String,
}

impl Default for ComposeChoice {
    /// Returns the usual one, of no particular version.
    fn default() -> Self {
        let (version, why) = (String::new(), String::new());
        Self { typed: "docker compose".to_owned(), version, generation: Generation::V2, why }
    }
}

/// A compose command that is known to be there.
#[derive(Debug, Clone)]
pub struct ComposeCommand {
    pub(super) form: Form,
    pub(super) choice: ComposeChoice,
    pub(super) both_names: bool,
}

impl ComposeCommand {
    /// Returns which compose this is, and why it was chosen.
    pub fn choice(&self) -> &ComposeChoice {
        &self.choice
    }

    /// Returns compose's version, such as `2.40.3`.
    pub fn version(&self) -> &str {
        &self.choice.version
    }

    /// Returns how a user would type this command: `docker compose` or `docker-compose`.
    pub fn as_typed(&self) -> &str {
        &self.choice.typed
    }

    /// Returns the same command, for which every variable `TRAINS_…` of the environment is there as `CLEARML_…` too
    /// and the other way round, unless both are set: a rewritten compose file asks for the new names.
    #[must_use]
    pub fn with_both_names(&self) -> Self {
        Self { both_names: true, ..self.clone() }
    }

    /// Returns the project as compose resolves it.
    ///
    /// # Errors
    /// Refused when this compose cannot work on such a project at all. Failed when it does not accept the files; the
    /// cause is what compose says.
    pub async fn project(&self, project: &ProjectArgs, cancel: &CancellationToken) -> Result<model::Project> {
        self.require_possible(project)?;
        let ended = self.call(project, self.config(), cancel).await?;
        if !ended.status.success() {
            let files: Vec<String> = project.files.iter().map(|file| file.display().to_string()).collect();
            let error = Error::failed(format!("Compose does not accept {}.", files.join(", "))).because(ended.said());
            return Err(self.known_trouble(&ended, project).unwrap_or_else(|| {
                error.hint(format!("Correct the file until this succeeds: {} config --quiet", self.typed(project)))
            }));
        }
        self.read(&ended, project)
    }

    /// Returns the project that compose takes when it is called in a directory with no file named: the answer to which
    /// files these are. `own` are the other options; `like` is the project that is expected, from which what version 1
    /// leaves out of its answer is concluded.
    ///
    /// # Errors
    /// Failed when compose finds no files there, or does not accept them; the cause is what compose says.
    pub async fn project_in(
        &self,
        directory: &Path,
        own: &ProjectArgs,
        like: &ProjectArgs,
        cancel: &CancellationToken,
    ) -> Result<model::Project> {
        self.require_possible(own)?;
        let mut command = self.command(own, self.config());
        // The shell's own list names files, as -f does, and is not what is asked for.
        command.current_dir(directory).env_remove("COMPOSE_FILE");
        let ended = child::run(command, cancel).await?;
        match ended.status.success() {
            true => self.read(&ended, like),
            false => Err(Error::failed(format!("Compose reads no project in {}.", directory.display()))
                .because(ended.said())
                .hint(format!("Try it there by hand: {} config", self.as_typed()))),
        }
    }

    fn config(&self) -> &'static [&'static str] {
        match self.choice.generation {
            Generation::V1 => &["config"],
            Generation::V2 => &["config", "--format", "json"],
        }
    }

    fn read(&self, ended: &Ended, project: &ProjectArgs) -> Result<model::Project> {
        match self.choice.generation {
            Generation::V1 => compose_v1::project(&ended.stdout, project),
            Generation::V2 => model::Project::from_json(&ended.stdout),
        }
    }

    /// Asks compose for the project's containers, so that a compose that cannot talk to this daemon is found out before
    /// anything depends on it: `config` succeeds without any.
    ///
    /// # Errors
    /// Refused when it cannot, with the reason.
    pub async fn require_daemon(&self, project: &ProjectArgs, cancel: &CancellationToken) -> Result<()> {
        let ended = self.call(project, &["ps", "--quiet"], cancel).await?;
        if ended.status.success() {
            return Ok(());
        }
        Err(self.known_trouble(&ended, project).unwrap_or_else(|| {
            Error::refused(format!("{} {} cannot ask the docker daemon.", self.as_typed(), self.version()))
                .because(ended.said())
                .hint(format!("Try it by hand: {} ps", self.typed(project)))
        }))
    }

    /// Refuses what the chosen compose is known not to do.
    fn require_possible(&self, project: &ProjectArgs) -> Result<()> {
        match self.choice.generation {
            Generation::V1 => compose_v1::require_possible(project),
            Generation::V2 => {
                let name = project.name.as_deref().filter(|name| name.starts_with(['_', '-']));
                name.map_or(Ok(()), |name| Err(compose_v1::name_refused_by_its_successor(name)))
            }
        }
    }

    fn known_trouble(&self, ended: &Ended, project: &ProjectArgs) -> Option<Error> {
        match self.choice.generation {
            Generation::V1 => compose_v1::known_trouble(&ended.last_lines, self.version(), &self.typed(project)),
            Generation::V2 => compose_v1::without_an_api_in_common(&ended.last_lines, self.as_typed(), self.version())
                .map(|error| error.hint("Or update it where it was put by hand: ~/.docker/cli-plugins, /usr/local/lib/docker/cli-plugins.")),
        }
    }

    /// Stops the project's containers, giving each `timeout` to end, and removes them and their networks. Volumes
    /// stay, named and anonymous ones.
    ///
    /// # Errors
    /// Failed when compose fails; the cause is what it says.
    pub async fn down(&self, project: &ProjectArgs, timeout: Duration, cancel: &CancellationToken) -> Result<()> {
        failpoints::reach("docker.compose_down")?;
        let seconds = timeout.as_secs().to_string();
        self.act(project, &["down", "--timeout", &seconds], "stopped", cancel).await
    }

    /// Creates and starts the project's containers in the background.
    ///
    /// # Errors
    /// As [`ComposeCommand::down`].
    pub async fn up(&self, project: &ProjectArgs, cancel: &CancellationToken) -> Result<()> {
        failpoints::reach("docker.compose_up")?;
        self.act(project, &["up", "--detach"], "started", cancel).await
    }

    /// As [`ComposeCommand::up`], but containers that are there stay the same ones, whatever has changed.
    ///
    /// # Errors
    /// As [`ComposeCommand::down`].
    pub async fn up_beside(&self, project: &ProjectArgs, cancel: &CancellationToken) -> Result<()> {
        failpoints::reach("docker.compose_up")?;
        self.act(project, &["up", "--detach", "--no-recreate"], "started", cancel).await
    }

    /// Starts the project's existing containers.
    ///
    /// # Errors
    /// As [`ComposeCommand::down`].
    pub async fn start(&self, project: &ProjectArgs, cancel: &CancellationToken) -> Result<()> {
        failpoints::reach("docker.compose_start")?;
        self.act(project, &["start"], "started", cancel).await
    }

    /// Returns how a user would type compose with this project's options.
    pub fn typed(&self, project: &ProjectArgs) -> String {
        let options: Vec<String> = project.arguments().iter().map(|word| word.to_string_lossy().into_owned()).collect();
        [vec![self.as_typed().to_owned()], options].concat().join(" ")
    }

    async fn act(&self, project: &ProjectArgs, words: &[&str], done: &str, cancel: &CancellationToken) -> Result<()> {
        let ended = self.call(project, words, cancel).await?;
        if ended.status.success() {
            return Ok(());
        }
        if let Some(error) = self.known_trouble(&ended, project) {
            return Err(error);
        }
        let name = project.name.as_deref().unwrap_or("without a name");
        Err(Error::failed(format!("The compose project {name} cannot be {done}.")).because(ended.said()).hint(format!(
            "Try it by hand: {} {}",
            self.typed(project),
            words.join(" ")
        )))
    }

    async fn call(&self, project: &ProjectArgs, words: &[&str], cancel: &CancellationToken) -> Result<Ended> {
        let mut command = self.command(project, words);
        // Older compose releases read `.env` from the working directory instead of the project's.
        if let Some(directory) = project.project_directory().filter(|directory| directory.is_dir()) {
            command.current_dir(directory);
        }
        child::run(command, cancel).await
    }

    fn command(&self, project: &ProjectArgs, words: &[&str]) -> Command {
        let mut command = match &self.form {
            Form::Plugin(cli) => {
                let mut command = cli.command();
                command.arg("compose");
                command
            }
            Form::Standalone { host, config_dir } => {
                let mut command = Command::new("docker-compose");
                command.env("DOCKER_HOST", host).env("DOCKER_CONFIG", config_dir);
                // They belong to another daemon than the local one that was settled on.
                for name in ["DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"] {
                    command.env_remove(name);
                }
                command
            }
        };
        command.args(project.arguments()).args(words);
        command.env_remove(ORIGINAL_COMMAND).env_remove(PLUGIN_SOCKET);
        if self.both_names {
            command.envs(other_names(environment::named()));
        }
        command
    }
}

/// The variables to add, so that each is there under its Trains and its ClearML name.
fn other_names(variables: BTreeMap<String, OsString>) -> BTreeMap<String, OsString> {
    let other = |name: &str| {
        let new = name.strip_prefix("TRAINS_").map(|rest| format!("CLEARML_{rest}"));
        new.or_else(|| name.strip_prefix("CLEARML_").map(|rest| format!("TRAINS_{rest}")))
    };
    variables
        .iter()
        .filter_map(|(name, value)| Some((other(name)?, value.clone())))
        .filter(|(name, _)| !variables.contains_key(name))
        .collect()
}

#[cfg(test)]
mod tests;
