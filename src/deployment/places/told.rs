//! Which rules tell the place, by the role of the service.

use super::place::{Place, Unclear};
use super::{Process, Reader, elasticsearch, fileserver, mongo, redis};
use crate::role::Role;

/// Returns the directory in which a service's process keeps its data, as far as it is told.
///
/// # Errors
/// What stands in the way of telling.
pub fn told(role: Role, process: &Process, read: Reader<'_>) -> Result<Option<Place>, Unclear> {
    match role {
        Role::Elasticsearch => elasticsearch::place(process, read).map(Some),
        Role::Mongo => mongo::place(process, read).map(Some),
        Role::Redis => redis::place(process, read).map(Some),
        Role::Fileserver => fileserver::place(process).map(Some),
        Role::Apiserver | Role::Webserver | Role::AgentServices | Role::Other => Ok(None),
    }
}

/// Returns all data paths of a service whose process keeps its data in a directory.
pub(in crate::deployment) fn all(role: Role, path: &str) -> Vec<String> {
    let mut paths = vec![path.to_owned()];
    // Mounted by the stock files, whatever `dbPath` is.
    if role == Role::Mongo && path != Role::MONGO_CONFIGDB {
        paths.push(Role::MONGO_CONFIGDB.to_owned());
    }
    paths
}
