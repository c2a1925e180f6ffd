//! Where the bytes below each container path really are: the container's mounts where there is a container, else the
//! compose model, with the volumes that an image declares.

use super::below;
use super::{Disagreement, Mount, Role, Storage};
use crate::compose::model;
use crate::docker::container::is_whole_id;
use crate::docker::{Container, ContainerMount, MountKind, Volume};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What docker knows beyond the compose model.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// Project name, for the names of volumes.
    pub(super) project: String,
    /// The compose model's volumes by key.
    pub(super) keys: BTreeMap<String, model::Volume>,
    /// Volumes that exist, by docker's name.
    pub(super) volumes: BTreeMap<String, Volume>,
    /// Where docker keeps images and volumes.
    pub(super) docker_root: PathBuf,
    /// Whether paths are those of a virtual machine (Docker Desktop).
    pub(super) in_virtual_machine: bool,
}

/// Returns the mounts of a service, and where its container is not what the model says.
pub(super) fn mounts(
    service: &model::Service,
    container: Option<&Container>,
    facts: &Facts,
) -> (Vec<Mount>, Vec<(String, Storage, Storage)>) {
    let from_model = of_model(service, facts);
    match container {
        Some(container) => {
            let real: Vec<Mount> = container.mounts.iter().filter_map(|mount| facts.of_container(mount)).collect();
            let differences = differences(&real, &from_model);
            (real, differences)
        }
        None => (from_model, Vec::new()),
    }
}

/// Returns the mounts that the model says.
pub(super) fn of_model(service: &model::Service, facts: &Facts) -> Vec<Mount> {
    service.volumes.iter().filter_map(|mount| facts.of_model(mount)).collect()
}

/// Returns the paths at which docker will put a volume without a name, unless something is mounted there: those that
/// the image declares, if it is known, else those that the stock ones do.
pub(super) fn will_be_anonymous(role: Role, image_volumes: Option<&[String]>) -> Vec<String> {
    match image_volumes {
        Some(declared) => declared.to_vec(),
        None if matches!(role, Role::Mongo | Role::Redis) => role.usual_data_paths().map(str::to_owned).collect(),
        None => Vec::new(),
    }
}

/// Adds a mount for each data path that has none of its own, with the storage that its bytes are in, and puts all in
/// the order of their targets. `anonymous` are the paths that will get a volume without a name.
pub(super) fn add_data(mounts: &mut Vec<Mount>, data_paths: &[String], anonymous: &[String]) {
    for path in data_paths {
        if !mounts.iter().any(|mount| same_target(&mount.target, path)) {
            let storage = storage_of(path, mounts, anonymous);
            mounts.push(Mount { target: path.clone(), storage, read_only: false });
        }
    }
    mounts.sort_by(|a, b| a.target.cmp(&b.target));
}

/// Turns differences of storage into what users are told.
pub(super) fn disagreements(service: &str, differences: Vec<(String, Storage, Storage)>) -> Vec<Disagreement> {
    let one = |(subject, container, file): (String, Storage, Storage)| Disagreement {
        service: service.to_owned(),
        subject,
        container: container.to_string(),
        file: file.to_string(),
    };
    differences.into_iter().map(one).collect()
}

/// The storage of a directory that no mount of its own is at: that of the mount which it is inside of, by the longest
/// path.
fn storage_of(path: &str, mounts: &[Mount], anonymous: &[String]) -> Storage {
    let around = mounts.iter().filter_map(|mount| Some((mount, below(path, &mount.target)?)));
    let nearest = around.max_by_key(|(mount, _)| mount.target.trim_end_matches('/').len());
    let nearest_length = nearest.map_or(0, |(mount, _)| mount.target.trim_end_matches('/').len());
    let is_nearer = |volume: &str| volume.trim_end_matches('/').len() > nearest_length;
    if anonymous.iter().any(|volume| below(path, volume).is_some() && is_nearer(volume)) {
        return Storage::Anonymous;
    }
    match nearest {
        Some((mount, rest)) => mount.storage.inside(rest),
        None => Storage::ContainerLayer,
    }
}

fn same_target(a: &str, b: &str) -> bool {
    a.trim_end_matches('/') == b.trim_end_matches('/')
}

/// Mounts that container and model have differently. An anonymous volume on either side alone is no difference:
/// docker adds those that an image declares.
fn differences(real: &[Mount], model: &[Mount]) -> Vec<(String, Storage, Storage)> {
    let targets: BTreeSet<&str> = real.iter().chain(model).map(|mount| mount.target.trim_end_matches('/')).collect();
    let at = |mounts: &[Mount], target: &str| {
        let found = mounts.iter().find(|mount| same_target(&mount.target, target));
        found.map_or(Storage::ContainerLayer, |mount| mount.storage.clone())
    };
    let place = |storage: &Storage| match storage {
        Storage::Bind { path } => Some(path.clone()),
        Storage::Volume { name, .. } => Some(PathBuf::from(name)),
        Storage::Anonymous | Storage::ContainerLayer => None,
    };
    targets
        .into_iter()
        .map(|target| (target.to_owned(), at(real, target), at(model, target)))
        .filter(|(_, container, file)| place(container) != place(file))
        .collect()
}

impl Facts {
    fn of_model(&self, mount: &model::Mount) -> Option<Mount> {
        let storage = match (&mount.kind, &mount.source) {
            (model::MountKind::Bind, Some(source)) => Storage::Bind { path: normal(Path::new(source)) },
            (model::MountKind::Volume, Some(key)) => self.volume(&self.name_of(key), key),
            (model::MountKind::Bind | model::MountKind::Volume, None) => Storage::Anonymous,
            (model::MountKind::Other(kind), _) if kind == "tmpfs" => Storage::ContainerLayer,
            (model::MountKind::Other(_), _) => return None,
        };
        Some(Mount { target: mount.target.clone(), storage, read_only: mount.read_only })
    }

    fn of_container(&self, mount: &ContainerMount) -> Option<Mount> {
        let storage = match &mount.kind {
            MountKind::Bind => Storage::Bind { path: self.host_path(&mount.source) },
            MountKind::Volume(name) if is_whole_id(name) => Storage::Anonymous,
            MountKind::Volume(name) => {
                let key = self.keys.keys().find(|key| self.name_of(key) == *name);
                self.volume(name, key.unwrap_or(name))
            }
            MountKind::Other(kind) if kind == "tmpfs" => Storage::ContainerLayer,
            MountKind::Other(_) => return None,
        };
        Some(Mount { target: mount.target.clone(), storage, read_only: mount.read_only })
    }

    /// Docker's name of a volume of the model.
    pub(super) fn name_of(&self, key: &str) -> String {
        let volume = self.keys.get(key);
        let named = volume.and_then(|volume| volume.name.clone());
        let external = volume.is_some_and(|volume| volume.external);
        named.unwrap_or_else(|| if external { key.to_owned() } else { format!("{}_{key}", self.project) })
    }

    fn volume(&self, name: &str, key: &str) -> Storage {
        let mountpoint = match self.volumes.get(name) {
            // A local volume that is a bind in disguise is mounted only while a container uses it.
            Some(Volume { options, .. }) if options.get("o").is_some_and(|o| o.split(',').any(|o| o == "bind")) => {
                options.get("device").map(PathBuf::from).unwrap_or_default()
            }
            Some(volume) => volume.mountpoint.clone(),
            None => self.docker_root.join("volumes").join(name).join("_data"),
        };
        Storage::Volume { name: name.to_owned(), key: key.to_owned(), mountpoint }
    }

    /// Docker Desktop reports host paths below a mount of its virtual machine.
    fn host_path(&self, source: &Path) -> PathBuf {
        let prefixes = ["/host_mnt", "/run/desktop/mnt/host"];
        let inside =
            prefixes.iter().filter(|_| self.in_virtual_machine).find_map(|prefix| source.strip_prefix(prefix).ok());
        inside.map_or_else(|| normal(source), |path| Path::new("/").join(path))
    }
}

/// Drops `.` and trailing slashes, by which equal paths may differ in writing.
fn normal(path: &Path) -> PathBuf {
    path.components().collect()
}

#[cfg(test)]
#[path = "storage_tests.rs"]
mod tests;
