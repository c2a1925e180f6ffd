//! The environment of services: `TRAINS_…` becomes `CLEARML_…`, keys that moved follow, values stay.

use super::Rules;
use super::images::is_stock_agent;
use crate::compose::change::{Change, Path};
use crate::compose::interpolate;
use crate::compose::mount::ShortMount;
use crate::rewrite::request::Request;
use crate::role::Role;
use serde_json::Value;

/// A variable where it is written: an entry of a map, or an item `NAME=VALUE` of a list.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) file: usize,
    pub(super) at: Path,
    pub(super) name: String,
    /// `None` when the value comes from the shell.
    pub(super) value: Option<String>,
    pub(super) listed: bool,
}

/// Keys of the apiserver's configuration that moved in 0.16, in lower case as the server reads them.
const MOVED: [(&str, &str); 2] = [
    ("apiserver__mongo__pre_populate__enabled", "apiserver__pre_populate__enabled"),
    ("apiserver__mongo__pre_populate__zip_file", "apiserver__pre_populate__zip_files"),
];

impl Rules<'_> {
    /// Renames the variables of the server's own services. A neighbour's own stay: its image may read the old names.
    pub(super) fn environments(&mut self) {
        for role in [Role::Apiserver, Role::Webserver, Role::Fileserver] {
            for service in self.named(role) {
                self.rename_all(&service, role);
            }
        }
        for service in self.named(Role::AgentServices) {
            let image = self.part_for(&service, "image").and_then(|part| self.text(part.file, &part.at.key("image")));
            let image = image.and_then(|image| interpolate::resolve(&image, &self.request.variables.before));
            if image.is_some_and(|image| has_our_variables(Role::AgentServices, &image)) {
                self.rename_all(&service, Role::AgentServices);
            } else {
                self.note(format!(
                    "{service} runs an agent image of your own, which was left as it is. It must hold clearml-agent 0.17 or newer to work with the new server."
                ));
            }
        }
        for service in self.named(Role::Apiserver) {
            self.pre_populated_artifacts(&service);
        }
    }

    fn rename_all(&mut self, service: &str, role: Role) {
        let variables = self.environment(service);
        for variable in &variables {
            self.value_of(service, role, variable);
            let Some(rest) = variable.name.strip_prefix("TRAINS_") else { continue };
            let new = format!("CLEARML_{}", moved_key(rest));
            if variables.iter().any(|other| other.name == new) {
                self.note(format!("{service} set both {} and {new}; the first was removed.", variable.name));
                self.remove_variable(variable);
            } else if variable.value.is_none() && self.request.variables.is_kept(&variable.name) {
                // Without a value it is taken from the shell, where it has the old name.
                self.rename_variable(variable, &new, Some(format!("${{{}}}", variable.name)));
            } else {
                self.rename_variable(variable, &new, None);
            }
        }
    }

    /// Changes values that upstream changed with the release, and container paths whose mounts change.
    fn value_of(&mut self, service: &str, role: Role, variable: &Variable) {
        let Some(value) = variable.value.clone() else { return };
        let key = variable.name.split_once('_').map(|(_, rest)| rest.to_ascii_lowercase()).unwrap_or_default();
        let stock = |name: &str, from: &str| {
            self.stack.services.get(from).and_then(|stack| stack.environment.get(name)).cloned().flatten()
        };
        let new = match key.as_str() {
            "_apiserver__mongo__pre_populate__zip_file" => self.examples_directory(service, &value),
            "agent_update_version" => stock("CLEARML_AGENT_UPDATE_VERSION", "agent-services")
                .map_or_else(|| value.clone(), |newest| self.agent_version(service, &value, &newest)),
            "worker_id" if value == "trains-services" => {
                stock("CLEARML_WORKER_ID", "agent-services").unwrap_or_else(|| value.clone())
            }
            _ => place_of(role, &variable.name, &value, self.request).unwrap_or_else(|| value.clone()),
        };
        if new != value {
            self.set_variable(variable, &new);
        }
    }

    /// From 0.16 on the key names a directory of zip files and not one file.
    fn examples_directory(&mut self, service: &str, file: &str) -> String {
        let directory = file.rsplit_once('/').map_or(file, |(directory, _)| directory);
        container_path(Role::Apiserver, directory).unwrap_or_else(|| {
            self.note(format!(
                "{service} took its examples from {file}; the new server reads all zip files of {directory}."
            ));
            directory.to_owned()
        })
    }

    /// Agents below 0.17 are trains-agent, which the new image does not install.
    fn agent_version(&mut self, service: &str, value: &str, newest: &str) -> String {
        let old = ">=0.15.0";
        if value == old {
            return newest.to_owned();
        }
        let with_default = value.strip_suffix('}').and_then(|head| head.strip_suffix(&format!(":-{old}")));
        if let Some(head) = with_default {
            return format!("{head}:-{newest}}}");
        }
        if !value.contains(newest) && !value.contains('$') {
            self.note(format!(
                "{service} asks for the agent version {value:?}; versions below 0.17 are not clearml-agent."
            ));
        }
        value.to_owned()
    }

    /// Examples bring artifacts since 0.16, and the server must know where to put them.
    fn pre_populated_artifacts(&mut self, service: &str) {
        let variables = self.environment(service);
        let has = |key: &str| {
            variables.iter().any(|found| {
                found
                    .name
                    .split_once("__")
                    .is_some_and(|(_, rest)| moved_key(&rest.to_ascii_lowercase()).eq_ignore_ascii_case(key))
            })
        };
        let examples = has("apiserver__pre_populate__enabled") || has("apiserver__pre_populate__zip_files");
        if !examples || has("apiserver__pre_populate__artifacts_path") || self.named(Role::Fileserver).is_empty() {
            return;
        }
        let name = "CLEARML__apiserver__pre_populate__artifacts_path";
        let value =
            self.stack.services.get("apiserver").and_then(|stack| stack.environment.get(name)).cloned().flatten();
        self.add_variables(service, value.map(|value| (name.to_owned(), value)).into_iter().collect());
    }

    /// Returns the variables of a service from all files.
    pub(super) fn environment(&self, service: &str) -> Vec<Variable> {
        let mut found = Vec::new();
        for part in self.parts(service) {
            let at = part.at.key("environment");
            match self.value(part.file, &at) {
                Some(Value::Object(map)) => found.extend(map.keys().map(|name| {
                    let at = at.key(name);
                    let value = self.text(part.file, &at);
                    Variable { file: part.file, at, name: name.clone(), value, listed: false }
                })),
                Some(Value::Array(items)) => found.extend((0..items.len()).filter_map(|index| {
                    let at = at.item(index);
                    let text = self.text(part.file, &at)?;
                    let (name, value) =
                        text.split_once('=').map_or((text.as_str(), None), |(name, value)| (name, Some(value)));
                    let value = value.map(str::to_owned);
                    Some(Variable { file: part.file, at, name: name.to_owned(), value, listed: true })
                })),
                _ => {}
            }
        }
        found.retain(|variable| self.files.get(variable.file).is_some_and(|draft| !draft.is_removed(&variable.at)));
        found
    }

    fn rename_variable(&mut self, variable: &Variable, name: &str, value: Option<String>) {
        if !variable.listed {
            if let Some(value) = value {
                self.set(variable.file, variable.at.clone(), value);
            }
            let at = variable.at.clone();
            return self.change(variable.file, Change::Rename { at, key: name.to_owned() });
        }
        let text = self.text(variable.file, &variable.at).unwrap_or_default();
        let current = text.split_once('=').map(|(_, value)| value.to_owned());
        let new = value.or(current).map_or_else(|| name.to_owned(), |value| format!("{name}={value}"));
        self.set(variable.file, variable.at.clone(), new);
    }

    pub(super) fn set_variable(&mut self, variable: &Variable, value: &str) {
        let text = if variable.listed { format!("{}={value}", variable.name) } else { value.to_owned() };
        self.set(variable.file, variable.at.clone(), text);
    }

    pub(super) fn remove_variable(&mut self, variable: &Variable) {
        self.change(variable.file, Change::Remove { at: variable.at.clone() });
    }

    /// Adds variables to a service, in the form in which its environment is written.
    pub(super) fn add_variables(&mut self, service: &str, variables: Vec<(String, String)>) {
        let Some(part) = self.part_for(service, "environment") else { return };
        let at = part.at.key("environment");
        if let Some(Value::Array(_)) = self.value(part.file, &at) {
            for (name, value) in variables {
                self.change(part.file, Change::Push { at: at.clone(), value: format!("{name}={value}") });
            }
        } else {
            let entries = variables.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
            self.insert_all(part.file, &part.at, "environment", entries);
        }
    }
}

/// Returns the key (without its first prefix) under which 1.1 reads what `key` meant in 0.15.
fn moved_key(key: &str) -> String {
    let (lead, body) = if let Some(body) = key.strip_prefix('_') { ("_", body) } else { ("", key) };
    let moved = MOVED.iter().find(|(old, _)| body.eq_ignore_ascii_case(old)).map(|(_, new)| *new);
    format!("{lead}{}", moved.unwrap_or(body))
}

/// Whether the variables of a service are the server's own, so that what they say follows the release.
pub(crate) fn has_our_variables(role: Role, image: &str) -> bool {
    match role {
        Role::Apiserver | Role::Webserver | Role::Fileserver => true,
        Role::AgentServices => is_stock_agent(image),
        Role::Elasticsearch | Role::Mongo | Role::Redis | Role::Other => false,
    }
}

/// Returns the place that a variable of the server's own services names, as it is in the new server; nothing where the
/// variable names none that changes.
pub(in crate::rewrite) fn place_of(role: Role, name: &str, value: &str, request: &Request) -> Option<String> {
    let key = name.split_once('_').map(|(_, rest)| rest.to_ascii_lowercase()).unwrap_or_default();
    match key.as_str() {
        "agent_docker_host_mount" if role == Role::AgentServices => host_mount(value, request),
        _ => container_path(role, value),
    }
}

/// `HOST:CONTAINER`: where agents find their directory on the host, and in their own containers.
fn host_mount(value: &str, request: &Request) -> Option<String> {
    let mount = ShortMount::parse(value)?;
    let target = container_path(Role::AgentServices, mount.target).unwrap_or_else(|| mount.target.to_owned());
    let source = mount.source.map(|source| request.host_path(source));
    Some(ShortMount { source: source.as_deref(), target: &target, mode: mount.mode }.text())
}

/// Returns the new place of a stock directory inside the containers, or of something in it.
pub(super) fn container_path(role: Role, path: &str) -> Option<String> {
    let table: &[(&str, &str)] = match role {
        Role::Apiserver | Role::Webserver | Role::Fileserver => &[
            ("/var/log/trains", "/var/log/clearml"),
            ("/opt/trains/config", "/opt/clearml/config"),
            ("/opt/trains/db-pre-populate", "/opt/clearml/db-pre-populate"),
        ],
        Role::AgentServices => &[("/root/.trains", "/root/.clearml")],
        _ => &[],
    };
    table.iter().find_map(|(old, new)| {
        let rest = path.strip_prefix(old).filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
        Some(format!("{new}{rest}"))
    })
}
