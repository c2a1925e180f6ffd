//! Where the services of a compose project would keep their data if it were started: for files that are not in use yet.

use super::places::{self, Process, Unclear};
use super::{Mount, Role, Service, Storage, inspect, storage};
use crate::compose::model;
use crate::docker::Daemon;
use crate::error::Result;

/// Where a service would keep its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WouldKeep {
    /// Path in the container, and what says so: "/data", "dir in its command".
    pub path: String,
    /// What says so, as a phrase.
    pub setting: String,
    /// Where the bytes would be.
    pub storage: Storage,
    /// Where those of MongoDB's second directory would be.
    pub others: Vec<Storage>,
}

/// Tells of a service, by its name in a project that is called `project`, where it would keep its data. One that a script
/// of the user's starts, or that a file of its image configures, keeps them where it did.
///
/// # Errors
/// Fails when docker does not answer. What cannot be told is the inner error, as a clause.
pub async fn would_keep(
    model: &model::Project,
    service: &Service,
    project: &str,
    daemon: &Daemon,
) -> Result<std::result::Result<WouldKeep, String>> {
    let Some(written) = model.services.get(&service.name) else {
        return Ok(Err(format!("there is no service {} any more", service.name)));
    };
    let image = match &written.image {
        Some(image) => daemon.image(image).await?,
        None => None,
    };
    let facts = inspect::facts(model, &[], project, daemon).await?;
    let mut mounts = storage::of_model(written, &facts);
    let process = Process::of_model(written, image.as_ref());
    let told = places::told(service.role, &process, &|path| places::mounted(&mounts, path));
    let (path, setting) = match (told, service.data_paths.first()) {
        (Ok(Some(place)), _) => (place.path, place.setting),
        (Err(Unclear::Wrapper(file) | Unclear::OfTheImage(file)), Some(before)) => {
            (before.clone(), format!("{file}, as before"))
        }
        (Ok(None) | Err(Unclear::Wrapper(_) | Unclear::OfTheImage(_)), _) => {
            return Ok(Err("nothing says where".to_owned()));
        }
        (Err(Unclear::Said { what, .. }), _) => return Ok(Err(what)),
    };
    let paths = places::all(service.role, &path);
    let anonymous = storage::will_be_anonymous(service.role, image.as_ref().map(|image| image.volumes.as_slice()));
    storage::add_data(&mut mounts, &paths, &anonymous);
    let storage_at = |path: &String| {
        let mount = mounts.iter().find(|mount: &&Mount| mount.target.trim_end_matches('/') == path);
        mount.map_or(Storage::ContainerLayer, |mount| mount.storage.clone())
    };
    let storage = storage_at(&path);
    let others = paths.iter().skip(1).map(storage_at).collect();
    Ok(Ok(WouldKeep { path, setting, storage, others }))
}

impl Role {
    /// Returns what its data are called, for people.
    pub fn its_data(self) -> &'static str {
        match self {
            Self::Fileserver => "the files",
            _ => "the new data",
        }
    }
}
