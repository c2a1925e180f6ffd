//! Directories of the old server that the plan speaks of, beside its data.

use crate::deployment::Deployment;
use crate::role::Role;
use std::path::{Path, PathBuf};

/// Returns the directory of the files that the file server keeps.
pub(super) fn artifacts(deployment: &Deployment) -> Option<&Path> {
    deployment.service(Role::Fileserver)?.data_mounts().first()?.storage.path()
}

/// Returns the directory or file of this machine that a service has at the first of these targets.
pub(super) fn mounted<'a>(deployment: &'a Deployment, role: Role, targets: &[&str]) -> Option<&'a Path> {
    let service = deployment.service(role)?;
    targets.iter().find_map(|target| service.mount(target)?.storage.path())
}

/// Returns where a Redis that the server has not had yet keeps its data, before the home moves: as upstream's files have it.
pub(super) fn new_redis(deployment: &Deployment) -> PathBuf {
    deployment.home.join("data/redis")
}

/// Returns the directory of the server's own configuration files.
pub(super) fn configuration(deployment: &Deployment) -> Option<&Path> {
    mounted(deployment, Role::Apiserver, &["/opt/trains/config", "/opt/clearml/config"])
}
