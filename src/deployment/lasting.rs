//! Data that are in no place that outlives its container.

use super::{Deployment, Mount, Service};
use crate::role::Role;

/// Returns what `down` would lose and nothing else holds a part of: data in an anonymous volume or in the container.
pub fn lost_with_down(deployment: &Deployment) -> Vec<(&Service, &Mount)> {
    without_a_place(deployment).filter(|(service, mount)| deeper(service, mount).is_none()).collect()
}

/// Returns the data that are in no place that lasts, with their services.
pub fn without_a_place(deployment: &Deployment) -> impl Iterator<Item = (&Service, &Mount)> {
    let services = Role::WITH_DATA.into_iter().filter_map(|role| deployment.service(role));
    services.flat_map(|service| {
        let mounts = service.data_mounts().into_iter();
        let is_lost = |mount: &&Mount| mount.storage.path().is_none() && service.is_precious(&mount.target);
        mounts.filter(is_lost).map(move |mount| (service, mount)).collect::<Vec<_>>()
    })
}

/// Returns a mount below a directory of data that has none itself.
pub fn deeper<'a>(service: &'a Service, data: &Mount) -> Option<&'a Mount> {
    let below = |mount: &&Mount| mount.target != data.target && mount.is_inside(&data.target);
    service.mounts.iter().find(|mount| below(mount) && mount.storage.path().is_some())
}
