//! Networks and volumes of a run, volumes of the user, and the removal of what an earlier attempt left behind.

use super::daemon::{Daemon, failed, is_missing, shown};
use super::labels::RunLabels;
use crate::error::{Error, Result};
use crate::failpoints;
use bollard::models::{NetworkCreateRequest, VolumeCreateRequest};
use bollard::query_parameters::{ListNetworksOptionsBuilder, ListVolumesOptions, RemoveVolumeOptions};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// Where its files are on the machine of the daemon.
    pub mountpoint: PathBuf,
    /// `local`, or the name of a plugin.
    pub driver: String,
    /// Options of the driver; a `local` volume with `type` and `device` is a mount of something else.
    pub options: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// What [`Daemon::remove_leftovers`] removed, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Containers.
    pub containers: Vec<String>,
    /// Networks.
    pub networks: Vec<String>,
}

impl Daemon {
    /// Creates a bridge network for the containers of a run, and returns its id.
    ///
    /// # Errors
    /// Failed when docker cannot create it, such as when the name is taken.
    pub async fn create_network(&self, name: &str, labels: &RunLabels) -> Result<String> {
        failpoints::reach("docker.create_network")?;
        let request = NetworkCreateRequest {
            name: name.to_owned(),
            driver: Some("bridge".to_owned()),
            labels: Some(labels.to_map()),
            ..Default::default()
        };
        let response = self
            .api
            .create_network(request)
            .await
            .map_err(|cause| failed(&format!("The network {name} cannot be created."), cause))?;
        Ok(response.id)
    }

    /// Creates a volume that the new stack will use. `extra` labels, such as those of compose, go beside the run's.
    ///
    /// # Errors
    /// Refused when a volume of that name exists and is not of this run: docker would silently hand it out. Failed
    /// when docker cannot create it.
    pub async fn create_volume(
        &self,
        name: &str,
        labels: &RunLabels,
        extra: &BTreeMap<String, String>,
    ) -> Result<Volume> {
        failpoints::reach("docker.create_volume")?;
        if let Some(existing) = self.volume(name).await? {
            if RunLabels::match_run(labels.run(), &existing.labels) {
                return Ok(existing);
            }
            return Err(Error::refused(format!("A volume {name} exists already, and it is not of this migration."))
                .hint(format!("Look into it (docker volume inspect {name}), rename or remove it, and run again.")));
        }
        let mut all = labels.to_map();
        all.extend(extra.clone());
        let request = VolumeCreateRequest { name: Some(name.to_owned()), labels: Some(all), ..Default::default() };
        let volume = self
            .api
            .create_volume(request)
            .await
            .map_err(|cause| failed(&format!("The volume {name} cannot be created."), cause))?;
        Ok(view(volume))
    }

    /// Returns the names of all volumes.
    ///
    /// # Errors
    /// Failed when the daemon does not answer.
    pub async fn volume_names(&self) -> Result<BTreeSet<String>> {
        let listed = self.api.list_volumes(None::<ListVolumesOptions>).await;
        let listed = listed.map_err(|cause| failed("The volumes cannot be listed.", cause))?;
        Ok(listed.volumes.into_iter().flatten().map(|volume| volume.name).collect())
    }

    /// Returns a volume by its name, if it exists.
    ///
    /// # Errors
    /// Failed when the daemon does not answer.
    pub async fn volume(&self, name: &str) -> Result<Option<Volume>> {
        match self.api.inspect_volume(name).await {
            Ok(volume) => Ok(Some(view(volume))),
            Err(error) if is_missing(&error) => Ok(None),
            Err(cause) => Err(failed(&format!("The volume {name} cannot be inspected."), cause)),
        }
    }

    /// Removes a volume that this run created.
    ///
    /// # Errors
    /// Internal when the volume is not labelled as one of this run; failed when it is in use.
    pub async fn remove_volume(&self, name: &str, labels: &RunLabels) -> Result<()> {
        failpoints::reach("docker.remove_volume")?;
        let Some(volume) = self.volume(name).await? else { return Ok(()) };
        if !RunLabels::match_run(labels.run(), &volume.labels) {
            return Err(Error::internal(format!("The volume {name} is not of this run, so it is not removed.")));
        }
        match self.api.remove_volume(name, None::<RemoveVolumeOptions>).await {
            Ok(()) => Ok(()),
            Err(error) if is_missing(&error) => Ok(()),
            Err(cause) => Err(failed(&format!("The volume {name} cannot be removed."), cause)),
        }
    }

    /// Removes the containers (with their anonymous volumes) and networks that carry the label of a run. Named
    /// volumes stay: they may hold data by now; see [`Daemon::remove_volume`].
    ///
    /// # Errors
    /// Failed when docker cannot remove one of them; what was removed before stays removed, so it can be repeated.
    pub async fn remove_leftovers(&self, run: &str) -> Result<Leftovers> {
        let mut leftovers = Leftovers::default();
        for container in self.containers(&[RunLabels::filter(run)]).await? {
            self.destroy(&container.id).await?;
            leftovers.containers.push(container.name);
        }
        for (id, name) in self.networks_of(run).await? {
            failpoints::reach("docker.remove_network")?;
            match self.api.remove_network(&id).await {
                Err(error) if !is_missing(&error) => {
                    return Err(failed(&format!("The network {name} cannot be removed."), error));
                }
                _ => leftovers.networks.push(name),
            }
        }
        Ok(leftovers)
    }

    /// Removes a network by its id; one that is gone is fine.
    ///
    /// # Errors
    /// Failed when containers are still in it.
    pub async fn remove_network(&self, id: &str) -> Result<()> {
        failpoints::reach("docker.remove_network")?;
        match self.api.remove_network(id).await {
            Ok(()) => Ok(()),
            Err(error) if is_missing(&error) => Ok(()),
            Err(cause) => Err(failed(&format!("The network {} cannot be removed.", shown(id)), cause)),
        }
    }

    async fn networks_of(&self, run: &str) -> Result<Vec<(String, String)>> {
        let filters = HashMap::from([("label", vec![RunLabels::filter(run)])]);
        let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
        let networks = self
            .api
            .list_networks(Some(options))
            .await
            .map_err(|cause| failed("The networks cannot be listed.", cause))?;
        Ok(networks.into_iter().filter_map(|network| Some((network.id?, network.name.unwrap_or_default()))).collect())
    }
}

fn view(volume: bollard::models::Volume) -> Volume {
    Volume {
        name: volume.name,
        mountpoint: volume.mountpoint.into(),
        driver: volume.driver,
        options: volume.options.into_iter().collect(),
        labels: volume.labels.into_iter().collect(),
    }
}
