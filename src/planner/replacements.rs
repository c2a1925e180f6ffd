//! Which data directories the new server gets anew, where they are made, and what the old ones will be called.

use super::parts::Measured;
use crate::deployment::{Deployment, Mount, Service, Storage};
use crate::error::{Error, Result};
use crate::files;
use crate::plan::{Placement, Replacement};
use crate::role::Role;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Decides on all replacements, Elasticsearch's first.
///
/// # Errors
/// Refuses data that are neither in a bind mount nor in a named volume.
pub(super) fn decide(
    deployment: &Deployment,
    measured: &Measured,
    stamp: &str,
    new_project: &str,
) -> Result<Vec<Replacement>> {
    let mut all = Vec::new();
    for role in [Role::Elasticsearch, Role::Mongo, Role::Redis] {
        let Some(service) = deployment.service(role) else { continue };
        for mount in service.data_mounts() {
            if is_left_out(service, mount)? {
                continue;
            }
            all.push(one(service, mount, measured, stamp, new_project)?);
        }
    }
    Ok(all)
}

/// A directory that the service can do without, and that is in no place that lasts or has never been made.
fn is_left_out(service: &Service, mount: &Mount) -> Result<bool> {
    if service.is_precious(&mount.target) {
        return Ok(false);
    }
    match mount.storage.path() {
        None => Ok(true),
        Some(path) => Ok(service.wider_mount(mount).is_some() && !files::exists(path)?),
    }
}

fn one(service: &Service, mount: &Mount, measured: &Measured, stamp: &str, new_project: &str) -> Result<Replacement> {
    let role = service.role;
    let wider = service.wider_mount(mount);
    let (source, target, placement) = match &mount.storage {
        // The compose file names the wider directory, so the new data must have the old ones' name.
        Storage::Bind { path } | Storage::Volume { mountpoint: path, .. } if wider.is_some() => {
            if files::exists(path)? && files::is_mount_point(path)? {
                return Err(cannot_be_renamed(service, mount, path, wider));
            }
            swapped(path, stamp)
        }
        // One that is missing is a finding of the checks, not an error here.
        Storage::Bind { path } if files::exists(path)? && files::is_mount_point(path)? => {
            (path.clone(), suffixed(path, "_clearml"), Placement::Stay)
        }
        Storage::Bind { path } if role == Role::Elasticsearch => {
            let retired = suffixed(path, &format!("_migrated_{stamp}"));
            (path.clone(), suffixed(path, "_7"), Placement::Retire { retired })
        }
        Storage::Bind { path } => swapped(path, stamp),
        Storage::Volume { key, mountpoint, .. } => {
            let (key, name) = free_volume(key, new_project, &measured.volumes);
            (mountpoint.clone(), beside_volume(mountpoint, &name)?, Placement::Volume { key, name })
        }
        Storage::Anonymous | Storage::ContainerLayer => {
            return Err(Error::internal(format!("The data at {} are in no place that lasts.", mount.target)));
        }
    };
    let bytes = measured.bytes(&source);
    Ok(Replacement { role, mounted_at: mount.target.clone(), source, target, placement, bytes })
}

/// The refusal of a disk that is mounted below the directory that a container gets.
fn cannot_be_renamed(service: &Service, mount: &Mount, path: &Path, wider: Option<&Mount>) -> Error {
    let around = wider.map_or_else(String::new, |wider| wider.storage.to_string());
    Error::refused(format!(
        "{} is a mount point of this machine, inside of {around}, which {} has mounted whole: it cannot make room for the new data.",
        path.display(),
        service.name
    ))
    .hint(format!(
        "Mount it by itself as well, {}:{} in the compose file of {}, create its container anew, and run again.",
        path.display(),
        mount.target,
        service.name
    ))
}

/// The new data are made beside the old and take their name.
fn swapped(path: &Path, stamp: &str) -> (PathBuf, PathBuf, Placement) {
    let retired = suffixed(path, &format!("_migrated_{stamp}"));
    (path.to_owned(), suffixed(path, ".clearml-migrate-copy"), Placement::Swap { retired })
}

/// Returns key and name of a volume that does not exist: one of an earlier attempt may hold what a new server recorded.
fn free_volume(key: &str, project: &str, taken: &BTreeSet<String>) -> (String, String) {
    let numbered = |n: u32| if n == 1 { format!("{key}_clearml") } else { format!("{key}_clearml{n}") };
    let named = |key: String| {
        let name = format!("{project}_{key}");
        (key, name)
    };
    let mut candidates = (1..).map(numbered).map(named);
    candidates.find(|(_, name)| !taken.contains(name)).unwrap_or_else(|| named(numbered(1)))
}

/// Returns the path with something added to its last component.
pub(super) fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Returns where docker will keep the volume `name`: its local driver keeps all of them in one directory, each with
/// its content in `_data`.
fn beside_volume(mountpoint: &Path, name: &str) -> Result<PathBuf> {
    let root = mountpoint.parent().and_then(Path::parent).filter(|_| mountpoint.ends_with("_data"));
    root.map(|root| root.join(name).join("_data")).ok_or_else(|| {
        Error::refused(format!("The volume at {} is not of docker's local driver.", mountpoint.display()))
            .hint("Move its data into a directory, mount that in the compose file instead, and migrate again.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample;

    fn decided(deployment: &Deployment) -> Vec<Replacement> {
        decide(deployment, &Measured::default(), "S", "clearml").unwrap()
    }

    fn of(deployment: &mut Deployment, role: Role) -> &mut Service {
        deployment.services.iter_mut().find(|service| service.role == role).unwrap()
    }

    /// Stock 0.15.1 without its line for /data/configdb: docker gives it an anonymous volume, which is empty.
    #[test]
    fn an_empty_configdb_that_nothing_lasting_is_mounted_at_is_no_reason_to_stop() {
        let mut server = sample::deployment();
        for storage in [Storage::Anonymous, Storage::ContainerLayer] {
            of(&mut server, Role::Mongo).mounts[1].storage = storage;
            let paths: Vec<String> = decided(&server).into_iter().map(|one| one.mounted_at).collect();
            assert_eq!(paths, ["/usr/share/elasticsearch/data", "/data/db", "/data"]);
        }
        of(&mut server, Role::Mongo).mounts[0].storage = Storage::Anonymous;
        assert!(decide(&server, &Measured::default(), "S", "clearml").is_err());
    }

    /// `/opt/trains/data:/data` with `path.data: /data/es`.
    #[test]
    fn new_data_below_a_wider_mount_take_the_old_ones_name() {
        let mut server = sample::deployment();
        let mount = |target: &str, path: &str| Mount {
            target: target.into(),
            storage: Storage::Bind { path: path.into() },
            read_only: false,
        };
        let elastic = of(&mut server, Role::Elasticsearch);
        elastic.mounts = vec![mount("/data", "/opt/trains/data"), mount("/data/es", "/opt/trains/data/es")];
        elastic.data_paths = vec!["/data/es".into()];
        let replacement = decided(&server).remove(0);
        assert_eq!(replacement.source, Path::new("/opt/trains/data/es"));
        assert_eq!(replacement.final_path(), Path::new("/opt/trains/data/es"));
        assert_eq!(replacement.retired(), Path::new("/opt/trains/data/es_migrated_S"));
    }

    #[test]
    fn a_suffix_joins_the_last_component() {
        assert_eq!(suffixed(Path::new("/opt/trains/data/elastic"), "_7"), Path::new("/opt/trains/data/elastic_7"));
    }

    #[test]
    fn a_volume_of_an_earlier_attempt_is_left_alone() {
        let taken = BTreeSet::from(["p_m_clearml".to_owned()]);
        assert_eq!(free_volume("m", "p", &BTreeSet::new()), ("m_clearml".into(), "p_m_clearml".into()));
        assert_eq!(free_volume("m", "p", &taken), ("m_clearml2".into(), "p_m_clearml2".into()));
    }

    #[test]
    fn a_volume_is_made_where_docker_keeps_the_others() {
        let made = beside_volume(Path::new("/var/lib/docker/volumes/trains_mongodata/_data"), "clearml_m");
        assert_eq!(made.unwrap(), Path::new("/var/lib/docker/volumes/clearml_m/_data"));
        assert!(beside_volume(Path::new("/mnt/nfs/export"), "clearml_m").is_err());
    }
}
