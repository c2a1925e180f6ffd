//! Mounts: host directories that move, volumes that are replaced, places inside the containers that have new names.

use super::environment::container_path;
use super::{Part, Rules};
use crate::compose::change::{Change, Path};
use crate::compose::interpolate;
use crate::compose::mount::{ShortMount, is_host_path};
use crate::role::Role;
use serde_json::Value;
use std::collections::BTreeMap;

const ELASTIC_DATA: &str = Role::ELASTICSEARCH_DATA;
const ELASTIC_LOGS: &str = "/usr/share/elasticsearch/logs";
const ARTIFACTS: &str = Role::FILESERVER_DATA;

/// Places in the server's containers where a mount means what the user thinks.
const SERVER_PLACES: [&str; 8] = [
    "/var/log/clearml",
    "/opt/clearml/config",
    "/opt/clearml/db-pre-populate",
    ARTIFACTS,
    "/etc",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/tmp",
];

/// A mount where it is written: a text, or a mapping with `source` and `target`.
#[derive(Debug, Clone)]
struct Written {
    file: usize,
    at: Path,
    source: Option<String>,
    target: String,
    mode: Option<String>,
    long: bool,
}

impl Rules<'_> {
    /// Rewrites the mounts of all services, and adds those that the release needs.
    pub(super) fn mounts(&mut self) {
        for service in self.roles.clone().into_keys() {
            let role = self.role(&service);
            for mount in self.mounts_of(&service) {
                self.mount(&service, role, mount);
            }
            self.other_files_of(&service);
        }
        let mut added: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (service, directory, target) in self.request.mounts.clone() {
            let target = container_path(self.role(&service), &target).unwrap_or(target);
            let mount = self.mount_directory(&service, &directory.display().to_string(), &target);
            added.entry(service).or_default().extend(mount);
        }
        for service in self.named(Role::Elasticsearch) {
            if self.will_mount(&service, ELASTIC_DATA) && !self.will_mount(&service, ELASTIC_LOGS) {
                added.entry(service).or_default().push(ELASTIC_LOGS.to_owned());
            }
        }
        if let Some(artifacts) = self.shared_artifacts() {
            for service in self.named(Role::Apiserver) {
                if !self.will_mount(&service, ARTIFACTS) {
                    added.entry(service).or_default().push(artifacts.clone());
                }
            }
        }
        added
            .into_iter()
            .filter(|(_, mounts)| !mounts.is_empty())
            .for_each(|(service, all)| self.add_mounts(&service, all));
    }

    /// Whether something is mounted at a place, or will be.
    fn will_mount(&self, service: &str, place: &str) -> bool {
        self.mounts_of(service).iter().any(|mount| places(&mount.target, place))
            || self.request.mounts.iter().any(|(of, _, target)| of == service && places(target, place))
    }

    /// Mounts a directory at a place where nothing lasting is mounted: an anonymous volume that is written there gives way.
    /// Returns the mount, if it is to be added.
    fn mount_directory(&mut self, service: &str, directory: &str, target: &str) -> Option<String> {
        let new = ShortMount { source: Some(directory), target, mode: None }.text();
        match self.mounts_of(service).into_iter().find(|mount| places(&mount.target, target)) {
            // So was it rewritten before.
            Some(there) if there.long && there.source.as_deref() == Some(directory) => None,
            Some(there) if there.long => {
                self.change(there.file, Change::Remove { at: there.at });
                Some(new)
            }
            Some(there) => {
                self.set(there.file, there.at, new);
                None
            }
            None => Some(new),
        }
    }

    fn mount(&mut self, service: &str, role: Role, mut mount: Written) {
        let before = mount.clone();
        if let Some(source) = &mount.source {
            let resolved = interpolate::resolve(source, &self.request.variables.before).unwrap_or_default();
            if is_host_path(&resolved) {
                mount.source = Some(self.request.host_path(source));
            } else if let Some((_, new)) = self.request.volumes.iter().find(|(old, _)| *old == resolved) {
                mount.source = Some(new.clone());
                if role == Role::Other {
                    self.note(format!("{service} is not part of the server but uses its volume {resolved}; it now uses the new one, {new}."));
                }
            }
        }
        if let Some(target) = container_path(role, &mount.target) {
            mount.target = target;
        }
        self.unusual_place(service, role, &mount);
        if (&mount.source, &mount.target) == (&before.source, &before.target) {
            return;
        }
        if mount.long {
            if let Some(source) = mount.source {
                self.set(mount.file, mount.at.key("source"), source);
            }
            self.set(mount.file, mount.at.key("target"), mount.target);
        } else {
            let short =
                ShortMount { source: mount.source.as_deref(), target: &mount.target, mode: mount.mode.as_deref() };
            self.set(mount.file, mount.at, short.text());
        }
    }

    /// A mount at a place that the new image does not look at is kept, but not in silence.
    fn unusual_place(&mut self, service: &str, role: Role, mount: &Written) {
        let source = mount.source.clone().unwrap_or_else(|| "an anonymous volume".into());
        match role {
            Role::Apiserver | Role::Webserver | Role::Fileserver
                if !SERVER_PLACES.iter().any(|place| below(&mount.target, place)) =>
            {
                self.note(format!(
                    "{service} mounts {source} at {}, which is none of the places that the new server reads or writes (its configuration is /opt/clearml/config, its logs /var/log/clearml). The mount was kept as it is: check it.",
                    mount.target
                ));
            }
            Role::Elasticsearch
                if below(&mount.target, "/usr/share/elasticsearch/plugins")
                    || below(&mount.target, "/usr/share/elasticsearch/config") =>
            {
                self.note(format!(
                    "{service} mounts {source} at {}. Plugins and configuration made for Elasticsearch 5.6 keep {} from starting: bring them up to date.",
                    mount.target, self.request.release.elasticsearch_version
                ));
            }
            _ => {}
        }
    }

    /// The API server places the artifacts of examples where the file server finds them: returns the mount for that.
    fn shared_artifacts(&self) -> Option<String> {
        let artifacts = self.named(Role::Fileserver).into_iter().flat_map(|service| self.mounts_of(&service));
        let written = artifacts.filter(|mount| places(&mount.target, ARTIFACTS)).find_map(|mount| mount.source);
        let added = self.request.mounts.iter().find(|(_, _, target)| places(target, ARTIFACTS));
        let source = written.or_else(|| Some(added?.1.display().to_string()))?;
        Some(ShortMount { source: Some(&source), target: ARTIFACTS, mode: None }.text())
    }

    /// Files of the host that a service names elsewhere: environment files, build contexts of neighbours.
    fn other_files_of(&mut self, service: &str) {
        for part in self.parts(service) {
            let env_file = part.at.key("env_file");
            let mut places = vec![env_file.clone(), part.at.key("build"), part.at.key("build").key("context")];
            if let Some(Value::Array(items)) = self.value(part.file, &env_file) {
                places.extend(
                    (0..items.len()).flat_map(|index| [env_file.item(index), env_file.item(index).key("path")]),
                );
            }
            self.move_absolute(&part, places);
        }
    }

    fn move_absolute(&mut self, part: &Part, places: Vec<Path>) {
        for at in places {
            let Some(Value::String(_)) = self.value(part.file, &at) else { continue };
            let Some(text) = self.text(part.file, &at) else { continue };
            let resolved = interpolate::resolve(&text, &self.request.variables.before).unwrap_or_default();
            if resolved.starts_with('/') {
                let new = self.request.host_path(&text);
                self.set(part.file, at, new);
            }
        }
    }

    /// Top-level volumes: new keys, fixed names, and binds that are dressed up as volumes.
    pub(super) fn volumes(&mut self) {
        let request = self.request;
        let volumes = Path::of(["volumes"]);
        for (old, new) in &request.volumes {
            let declared =
                |key: &str| self.files.iter().position(|draft| volumes.key(key).get(draft.model()).is_some());
            if declared(new).is_none() {
                let file = declared(old).unwrap_or(0);
                self.insert_all(file, &Path::default(), "volumes", vec![(new.clone(), Value::Null)]);
            }
        }
        for (key, name) in &request.pinned_volumes {
            for file in 0..self.files.len() {
                let at = volumes.key(key);
                let Some(volume) = self.value(file, &at) else { continue };
                if volume.get("name").is_none() && volume.get("external").is_none() {
                    self.change(file, Change::Insert { at, key: "name".into(), value: Value::from(name.as_str()) });
                }
            }
        }
        for file in 0..self.files.len() {
            for (section, inner) in [("volumes", Some("device")), ("secrets", None), ("configs", None)] {
                let keys = self.value(file, &Path::of([section])).and_then(Value::as_object);
                let keys: Vec<String> = keys.into_iter().flatten().map(|(key, _)| key.clone()).collect();
                let places = keys.iter().map(|key| match inner {
                    Some(option) => Path::of([section, key, "driver_opts", option]),
                    None => Path::of([section, key, "file"]),
                });
                self.move_absolute(&Part { file, at: Path::default() }, places.collect());
            }
        }
    }

    fn mounts_of(&self, service: &str) -> Vec<Written> {
        let mut found = Vec::new();
        for part in self.parts(service) {
            let at = part.at.key("volumes");
            let count = self.value(part.file, &at).and_then(Value::as_array).map_or(0, Vec::len);
            found.extend((0..count).filter_map(|index| self.written(part.file, at.item(index))));
        }
        found
    }

    fn written(&self, file: usize, at: Path) -> Option<Written> {
        if let Some(Value::String(_)) = self.value(file, &at) {
            let text = self.text(file, &at)?;
            let short = ShortMount::parse(&text)?;
            let owned = |part: Option<&str>| part.map(str::to_owned);
            return Some(Written {
                file,
                source: owned(short.source),
                target: short.target.to_owned(),
                mode: owned(short.mode),
                long: false,
                at,
            });
        }
        let source = self.text(file, &at.key("source"));
        let target = self.text(file, &at.key("target"))?;
        Some(Written { file, source, target, mode: None, long: true, at })
    }

    fn add_mounts(&mut self, service: &str, mounts: Vec<String>) {
        let Some(part) = self.part_for(service, "volumes") else { return };
        let at = part.at.key("volumes");
        match self.value(part.file, &at) {
            Some(Value::Array(items)) if !items.is_empty() => {
                let push = |value| Change::Push { at: at.clone(), value };
                mounts.into_iter().map(push).for_each(|change| self.change(part.file, change));
            }
            Some(_) => self.note(format!(
                "Add {} to the mounts of {service}: its list of volumes is not written in a form that could be edited.",
                mounts.join(" and ")
            )),
            None => {
                let insert = Change::Insert { at: part.at, key: "volumes".into(), value: Value::from(mounts) };
                self.change(part.file, insert);
            }
        }
    }
}

fn places(target: &str, place: &str) -> bool {
    target.trim_end_matches('/') == place
}

fn below(target: &str, place: &str) -> bool {
    target.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
