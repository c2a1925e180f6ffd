//! What a compose project says, as far as a migration asks: the output of `docker compose config --format json`.
//!
//! Read with our own few types: docker-compose-types 0.24 refuses parts of compose 2.40's own output (`cpus: 0.5` of a
//! resource limit, `priority` beside `aliases`), and a project must stay readable whatever else its services hold.

use super::mount::{ShortMount, is_host_path};
use crate::{Error, Result};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A compose project, merged and interpolated.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Project {
    /// Top-level `name`.
    pub name: Option<String>,
    /// Services by name.
    pub services: BTreeMap<String, Service>,
    /// Named volumes by their key.
    pub volumes: BTreeMap<String, Volume>,
    /// Keys of the networks.
    pub networks: Vec<String>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Service {
    /// Image with tag.
    pub image: Option<String>,
    /// Whether the service is built here.
    pub builds: bool,
    /// Words of `command`.
    pub command: Vec<String>,
    /// Words of `entrypoint`.
    pub entrypoint: Vec<String>,
    /// Working directory in the container, if the file says one.
    pub working_directory: Option<String>,
    /// Fixed name of the container.
    pub container_name: Option<String>,
    /// Host name inside the networks.
    pub hostname: Option<String>,
    /// Environment; `None` means that the value comes from the shell.
    pub environment: BTreeMap<String, Option<String>>,
    /// Mounts in order; behind them the files that are mounted as `configs` and `secrets`.
    pub volumes: Vec<Mount>,
    /// Published ports in order.
    pub ports: Vec<Port>,
    /// Networks with the service's other names there.
    pub networks: BTreeMap<String, Vec<String>>,
    /// Such as `host`.
    pub network_mode: Option<String>,
    /// Links, `service[:alias]`.
    pub links: Vec<String>,
    /// Runs privileged.
    pub privileged: bool,
    /// Restart policy.
    pub restart: Option<String>,
    /// Profiles; empty means always active.
    pub profiles: Vec<String>,
    /// Services that start before.
    pub depends_on: Vec<String>,
}

/// A mount of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted.
    pub kind: MountKind,
    /// Host path or volume key, absent for an anonymous volume and tmpfs.
    pub source: Option<String>,
    /// Path in the container.
    pub target: String,
    /// Mounted read-only.
    pub read_only: bool,
}

/// Kinds of mounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountKind {
    /// A host path.
    Bind,
    /// A volume, named or anonymous.
    Volume,
    /// Any other: `tmpfs`, `npipe`, `cluster`, `image`.
    Other(String),
}

/// A published port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Port in the container.
    pub target: u16,
    /// Port (or range) on the host; absent when docker chooses.
    pub published: Option<String>,
    /// Host address; empty for all.
    pub host_ip: String,
}

/// A named volume.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Volume {
    /// Docker's name of it, where the file or compose says one.
    pub name: Option<String>,
    /// Whether it is made outside of this project.
    pub external: bool,
    /// Driver, where one is named.
    pub driver: Option<String>,
    /// `driver_opts`.
    pub driver_options: BTreeMap<String, String>,
}

impl Project {
    /// Reads the output of `docker compose config --format json`, in which every dollar is doubled.
    ///
    /// # Errors
    /// If the text is not JSON, or not an object with services.
    pub fn from_json(text: &str) -> Result<Self> {
        let mut value: Value = serde_json::from_str(text)
            .map_err(|cause| Error::failed("The answer of `docker compose config` is not JSON.").because(cause))?;
        single_dollars(&mut value);
        Self::from_value(&value)
    }

    /// Reads a compose file's YAML as it stands: not interpolated, not merged with other files.
    ///
    /// # Errors
    /// If the text is not YAML, or has no services.
    pub fn from_yaml(text: &str) -> Result<Self> {
        let value: Value =
            serde_saphyr::from_str(text).map_err(|cause| Error::failed("This is not valid YAML.").because(cause))?;
        Self::from_value(&value)
    }

    /// Reads a model that is already a value.
    ///
    /// # Errors
    /// If there are no services.
    pub fn from_value(value: &Value) -> Result<Self> {
        let Some(services) = value.get("services").and_then(Value::as_object) else {
            return Err(Error::failed("The compose project has no services."));
        };
        let section = |name: &str| value.get(name).and_then(Value::as_object).into_iter().flatten();
        let files = |service: &Value| -> Vec<Mount> {
            let kinds = [("configs", "/"), ("secrets", "/run/secrets/")];
            kinds.iter().flat_map(|(kind, place)| mounted_files(value, service, kind, place)).collect()
        };
        let service = |value: &Value| {
            let mut service = Service::read(value);
            service.volumes.extend(files(value));
            service
        };
        Ok(Self {
            name: text_at(value, "name"),
            services: services.iter().map(|(name, value)| (name.clone(), service(value))).collect(),
            volumes: section("volumes").map(|(key, value)| (key.clone(), Volume::read(value))).collect(),
            networks: section("networks").map(|(key, _)| key.clone()).collect(),
        })
    }
}

impl Service {
    fn read(value: &Value) -> Self {
        let list = |key: &str| value.get(key).map(words).unwrap_or_default();
        Self {
            image: text_at(value, "image"),
            builds: value.get("build").is_some_and(|build| !build.is_null()),
            command: value.get("command").map(command_words).unwrap_or_default(),
            entrypoint: value.get("entrypoint").map(command_words).unwrap_or_default(),
            working_directory: text_at(value, "working_dir"),
            container_name: text_at(value, "container_name"),
            hostname: text_at(value, "hostname"),
            environment: value.get("environment").map(environment).unwrap_or_default(),
            volumes: items(value, "volumes").filter_map(Mount::read).collect(),
            ports: items(value, "ports").filter_map(Port::read).collect(),
            networks: value.get("networks").map(networks).unwrap_or_default(),
            network_mode: text_at(value, "network_mode"),
            links: list("links"),
            privileged: value.get("privileged").and_then(Value::as_bool).unwrap_or(false),
            restart: text_at(value, "restart"),
            profiles: list("profiles"),
            depends_on: list("depends_on"),
        }
    }

    /// Returns the mount at a container path, a trailing slash ignored.
    pub fn mount(&self, target: &str) -> Option<&Mount> {
        self.volumes.iter().find(|mount| mount.target.trim_end_matches('/') == target)
    }
}

impl Mount {
    fn read(value: &Value) -> Option<Self> {
        if let Some(text) = value.as_str() {
            let short = ShortMount::parse(text)?;
            let bind = short.source.is_some_and(is_host_path);
            return Some(Self {
                kind: if bind { MountKind::Bind } else { MountKind::Volume },
                source: short.source.map(str::to_owned),
                target: short.target.to_owned(),
                read_only: short.mode.is_some_and(|mode| mode.split(',').any(|flag| flag == "ro")),
            });
        }
        let kind = match text_at(value, "type").as_deref() {
            Some("bind") => MountKind::Bind,
            Some("volume") | None => MountKind::Volume,
            Some(other) => MountKind::Other(other.to_owned()),
        };
        Some(Self {
            kind,
            source: text_at(value, "source"),
            target: text_at(value, "target")?,
            read_only: value.get("read_only").and_then(Value::as_bool).unwrap_or(false),
        })
    }
}

impl Port {
    fn read(value: &Value) -> Option<Self> {
        let short = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => {
                let target = value.get("target")?;
                let target = target.as_u64().or_else(|| target.as_str()?.parse().ok())?;
                return Some(Self {
                    target: u16::try_from(target).ok()?,
                    published: text_at(value, "published").filter(|port| !port.is_empty()),
                    host_ip: text_at(value, "host_ip").unwrap_or_default(),
                });
            }
        };
        let body = short.split('/').next()?;
        let (rest, target) = body.rsplit_once(':').unwrap_or(("", body));
        let (host_ip, published) = rest.rsplit_once(':').unwrap_or(("", rest));
        Some(Self {
            target: target.parse().ok()?,
            published: Some(published.to_owned()).filter(|port| !port.is_empty()),
            host_ip: host_ip.trim_matches(['[', ']']).to_owned(),
        })
    }
}

impl Volume {
    fn read(value: &Value) -> Self {
        let external = value.get("external");
        let old_style_name = external.and_then(|external| text_at(external, "name"));
        Self {
            name: text_at(value, "name").or(old_style_name),
            external: external.is_some_and(|external| external.as_bool().unwrap_or(external.is_object())),
            driver: text_at(value, "driver"),
            driver_options: value
                .get("driver_opts")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .filter_map(|(key, value)| Some((key.clone(), scalar(value)?)))
                .collect(),
        }
    }
}

/// Returns what compose mounts for a service's `configs` or `secrets`: those that are files of the host.
fn mounted_files(project: &Value, service: &Value, kind: &str, place: &str) -> Vec<Mount> {
    let one = |item: &Value| {
        let key = item.as_str().map(str::to_owned).or_else(|| text_at(item, "source"))?;
        let file = text_at(project.get(kind)?.get(&key)?, "file")?;
        let target = text_at(item, "target").unwrap_or(key);
        let target = if target.starts_with('/') { target } else { format!("{place}{target}") };
        Some(Mount { kind: MountKind::Bind, source: Some(file), target, read_only: true })
    };
    items(service, kind).filter_map(one).collect()
}

/// Returns the text of a scalar; `None` for null and collections.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn text_at(value: &Value, key: &str) -> Option<String> {
    scalar(value.get(key)?)
}

fn items<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// A list of scalars, the keys of a map (`depends_on`), or one scalar.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().filter_map(scalar).collect(),
        Value::Object(map) => map.keys().cloned().collect(),
        other => scalar(other).into_iter().collect(),
    }
}

/// A command: a list is words, a text is cut as a shell cuts it.
fn command_words(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => super::words::words(text),
        other => words(other),
    }
}

/// An environment, written as a map or as `NAME=VALUE` items.
fn environment(value: &Value) -> BTreeMap<String, Option<String>> {
    match value {
        Value::Array(items) => items
            .iter()
            .filter_map(scalar)
            .map(|item| match item.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (item, None),
            })
            .collect(),
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), scalar(value))).collect(),
        _ => BTreeMap::new(),
    }
}

fn networks(value: &Value) -> BTreeMap<String, Vec<String>> {
    let aliases = |value: &Value| value.get("aliases").map(words).unwrap_or_default();
    match value {
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), aliases(value))).collect(),
        other => words(other).into_iter().map(|name| (name, Vec::new())).collect(),
    }
}

/// Undoes the doubling of dollars in every text and key.
pub(super) fn single_dollars(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.replace("$$", "$"),
        Value::Array(items) => items.iter_mut().for_each(single_dollars),
        Value::Object(map) => {
            let entries = std::mem::replace(map, Map::new());
            for (key, mut value) in entries {
                single_dollars(&mut value);
                map.insert(key.replace("$$", "$"), value);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
