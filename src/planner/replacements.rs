//! Which data directories the new server gets anew, where they are made, and what the old ones will be called.

use super::Measured;
use crate::deployment::{Deployment, Mount, Role, Storage};
use crate::error::{Error, Result};
use crate::files;
use crate::plan::{Replacement, Switch};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Container paths below which a database keeps its data, per role.
pub const DATA_PATHS: [(Role, &[&str]); 3] = [
    (Role::Elasticsearch, &["/usr/share/elasticsearch/data"]),
    // `/data` whole: the Windows files of 0.12.1 to 0.15.0 mount one volume there.
    (Role::Mongo, &["/data/db", "/data/configdb", "/data"]),
    (Role::Redis, &["/data"]),
];

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
    for (role, targets) in DATA_PATHS {
        let Some(service) = deployment.service(role) else { continue };
        for mount in targets.iter().filter_map(|target| service.mount(target)) {
            all.push(one(role, mount, measured, stamp, new_project)?);
        }
    }
    Ok(all)
}

fn one(role: Role, mount: &Mount, measured: &Measured, stamp: &str, new_project: &str) -> Result<Replacement> {
    let (source, target, switch) = match &mount.storage {
        // One that is missing is a finding of the checks, not an error here.
        Storage::Bind { path } if files::exists(path)? && files::is_mount_point(path)? => {
            (path.clone(), suffixed(path, "_clearml"), Switch::Stay)
        }
        Storage::Bind { path } => {
            let retired = suffixed(path, &format!("_migrated_{stamp}"));
            match role {
                Role::Elasticsearch => (path.clone(), suffixed(path, "_7"), Switch::Retire { retired }),
                _ => (path.clone(), suffixed(path, ".clearml-migrate-copy"), Switch::Swap { retired }),
            }
        }
        Storage::Volume { key, mountpoint, .. } => {
            let (key, name) = free_volume(key, new_project, &measured.volumes);
            (mountpoint.clone(), beside_volume(mountpoint, &name)?, Switch::Volume { key, name })
        }
        Storage::Anonymous | Storage::ContainerLayer => {
            return Err(Error::internal(format!("The data at {} are in no place that lasts.", mount.target)));
        }
    };
    let bytes = measured.bytes(&source);
    Ok(Replacement { role, mounted_at: mount.target.clone(), source, target, switch, bytes })
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
