//! Which daemon docker itself would talk to: its global options, its environment and its contexts.
//!
//! The order is that of `resolveContextName` in docker/cli `cli/command/cli.go`: `--context`, `-H`, `DOCKER_HOST`,
//! `DOCKER_CONTEXT`, `currentContext` of `config.json`, `default`. Docker does not hand its options to a plugin
//! through the environment, so they have to be read again.

use crate::environment;
use crate::error::{Error, Result};
use crate::invocation::Globals;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

#[cfg(not(windows))]
const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";
#[cfg(windows)]
const DEFAULT_HOST: &str = "npipe:////./pipe/docker_engine";
/// What docker uses when TLS is asked for and no host is (docker/cli `opts/hosts.go`).
const DEFAULT_TLS_HOST: &str = "tcp://localhost:2376";
const DEFAULT_CONTEXT: &str = "default";

/// The variables that docker reads. A value, so that tests need not touch the process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DockerEnvironment {
    /// `DOCKER_HOST`, unless empty.
    pub host: Option<String>,
    /// `DOCKER_CONTEXT`, unless empty.
    pub context: Option<String>,
    /// `DOCKER_CONFIG`, unless empty.
    pub config: Option<PathBuf>,
    /// Whether `DOCKER_TLS` or `DOCKER_TLS_VERIFY` is set.
    pub tls: bool,
    /// The user's home directory.
    pub home: Option<PathBuf>,
}

impl DockerEnvironment {
    /// Reads the variables of this process.
    pub fn from_process() -> Self {
        Self {
            host: environment::text("DOCKER_HOST"),
            context: environment::text("DOCKER_CONTEXT"),
            config: environment::variable("DOCKER_CONFIG").map(PathBuf::from),
            tls: ["DOCKER_TLS", "DOCKER_TLS_VERIFY"].iter().any(|name| environment::variable(name).is_some()),
            home: dirs::home_dir(),
        }
    }
}

/// Where a daemon listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Host {
    /// A unix socket of this machine.
    Unix(PathBuf),
    /// A named pipe of this machine, such as `//./pipe/docker_engine`.
    NamedPipe(String),
    /// Anything that goes over a network, as the URL was given. Loopback is no exception: such a port is as often
    /// the end of a tunnel as a daemon of this machine, and the two cannot be told apart.
    Network(String),
}

impl Host {
    /// Parses what `-H`, `DOCKER_HOST` or a context says, as docker/cli `opts/hosts.go` does: without a scheme it is
    /// a TCP address.
    fn parse(text: &str) -> Self {
        let text = text.trim();
        match text.split_once("://") {
            Some(("unix", "")) => Self::parse(DEFAULT_HOST),
            Some(("unix", path)) => Self::Unix(path.into()),
            Some(("npipe", path)) => Self::NamedPipe(path.to_owned()),
            Some(_) => Self::Network(text.to_owned()),
            None => Self::Network(format!("tcp://{text}")),
        }
    }

    /// Returns the URL, as `DOCKER_HOST` takes it.
    pub fn url(&self) -> String {
        match self {
            Self::Unix(path) => format!("unix://{}", path.display()),
            Self::NamedPipe(path) => format!("npipe://{path}"),
            Self::Network(url) => url.clone(),
        }
    }
}

/// The daemon that docker would use, and why it is that one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Where it listens.
    pub host: Host,
    /// Docker's configuration directory.
    pub config_dir: PathBuf,
    /// Name of the docker context, `default` if none was chosen.
    pub context: String,
    /// What decided, as a phrase: "from DOCKER_HOST".
    pub why: String,
}

impl Endpoint {
    /// Finds the daemon that docker would use with these options in this environment.
    ///
    /// # Errors
    /// Usage when `--host` and `--context` are both given; failed when a context does not exist or names no docker
    /// host. A `config.json` that cannot be read is passed over, as docker does.
    pub fn resolve(globals: &Globals, environment: &DockerEnvironment) -> Result<Self> {
        let config_dir = config_dir(globals, environment)?;
        let (context, why) = choose_context(globals, environment, &config_dir)?;
        if context == DEFAULT_CONTEXT {
            let (host, why) = default_host(globals, environment, why);
            return Ok(Self { host: Host::parse(&host), config_dir, context, why });
        }
        let host = host_of_context(&config_dir, &context)?;
        Ok(Self { host: Host::parse(&host), config_dir, context, why })
    }

    /// Returns whether the daemon is reached without a network.
    pub fn is_local(&self) -> bool {
        !matches!(self.host, Host::Network(_))
    }

    /// Refuses a daemon that is reached over a network.
    ///
    /// # Errors
    /// Refused, with the reason, unless [`Endpoint::is_local`].
    pub fn require_local(&self) -> Result<()> {
        if self.is_local() {
            return Ok(());
        }
        let cause = anyhow::anyhow!(
            "The data directories that such a daemon names are not on this machine, as far as can be told from here."
        );
        Err(Error::refused(format!(
            "The docker daemon {} ({}) is reached over a network; a migration works on a local one only.",
            self.host.url(),
            self.why
        ))
        .because(cause)
        .hint("Run this command on the machine that holds the data.")
        .hint(format!("If this is that machine, name its own daemon: docker --host {DEFAULT_HOST} clearml migrate")))
    }
}

fn config_dir(globals: &Globals, environment: &DockerEnvironment) -> Result<PathBuf> {
    if let Some(dir) = globals.config.as_ref().or(environment.config.as_ref()) {
        return Ok(dir.clone());
    }
    match &environment.home {
        Some(home) => Ok(home.join(".docker")),
        None => Err(Error::failed("Docker's configuration directory is unknown, because there is no home directory.")
            .hint("Set HOME or DOCKER_CONFIG and run the command again.")),
    }
}

fn choose_context(globals: &Globals, environment: &DockerEnvironment, config_dir: &Path) -> Result<(String, String)> {
    if let Some(name) = &globals.context {
        if globals.host.is_some() {
            return Err(Error::usage("Docker's options --host and --context exclude each other.")
                .hint("Leave one of them out."));
        }
        return Ok((name.clone(), "from --context".to_owned()));
    }
    if globals.host.is_some() || environment.host.is_some() {
        return Ok((DEFAULT_CONTEXT.to_owned(), String::new()));
    }
    if let Some(name) = &environment.context {
        return Ok((name.clone(), "from DOCKER_CONTEXT".to_owned()));
    }
    let config_file = config_dir.join("config.json");
    match current_context(&config_file) {
        Some(name) => Ok((name, format!("from currentContext in {}", config_file.display()))),
        None => Ok((DEFAULT_CONTEXT.to_owned(), String::new())),
    }
}

/// The host of the default context; `--context default` still reads `DOCKER_HOST`.
fn default_host(globals: &Globals, environment: &DockerEnvironment, why: String) -> (String, String) {
    if let Some(host) = globals.host.as_ref().filter(|host| !host.is_empty()) {
        return (host.clone(), "from --host".to_owned());
    }
    if let Some(host) = &environment.host {
        return (host.clone(), "from DOCKER_HOST".to_owned());
    }
    if globals.tls || globals.tlsverify == Some(true) || environment.tls {
        return (DEFAULT_TLS_HOST.to_owned(), "docker's default with TLS".to_owned());
    }
    let why = if why.is_empty() { "docker's default".to_owned() } else { why };
    (DEFAULT_HOST.to_owned(), why)
}

fn current_context(config_file: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Config {
        #[serde(rename = "currentContext")]
        current_context: Option<String>,
    }
    let text = std::fs::read(config_file).ok()?;
    let config: Config = match serde_json::from_slice(&text) {
        Ok(config) => config,
        Err(error) => {
            tracing::warn!("{} is passed over: {error}", config_file.display());
            return None;
        }
    };
    config.current_context.filter(|name| !name.is_empty())
}

/// Reads `contexts/meta/<sha256 of the name>/meta.json` (docker/cli `cli/context/store/metadatastore.go`).
fn host_of_context(config_dir: &Path, name: &str) -> Result<String> {
    #[derive(Deserialize)]
    struct Meta {
        #[serde(rename = "Endpoints", default)]
        endpoints: std::collections::HashMap<String, MetaEndpoint>,
    }
    #[derive(Deserialize)]
    struct MetaEndpoint {
        #[serde(rename = "Host", default)]
        host: String,
    }
    let digest: String = Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let file = config_dir.join("contexts/meta").join(digest).join("meta.json");
    let trouble = |message: String| {
        Error::failed(message)
            .hint("`docker context ls` shows the contexts that exist; `docker --context NAME` picks one.")
    };
    let text = std::fs::read(&file).map_err(|cause| {
        trouble(format!("The docker context {name} cannot be read."))
            .because(anyhow::Error::new(cause).context(file.display().to_string()))
    })?;
    let meta: Meta = serde_json::from_slice(&text).map_err(|cause| {
        trouble(format!("{} of the docker context {name} is damaged.", file.display())).because(cause)
    })?;
    match meta.endpoints.get("docker") {
        Some(endpoint) if !endpoint.host.is_empty() => Ok(endpoint.host.clone()),
        _ => Err(trouble(format!("The docker context {name} names no docker host."))),
    }
}

#[cfg(test)]
#[path = "context_tests.rs"]
mod tests;
