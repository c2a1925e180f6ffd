//! What keeps a container that holds data nobody else has: its restart policy taken off and given back, and its files
//! read as docker itself copies them out, also when it is stopped.

use super::daemon::{Daemon, failed, shown};
use crate::error::{Error, Result};
use crate::failpoints;
use bollard::models::{ContainerUpdateBody, RestartPolicy, RestartPolicyNameEnum};
use bollard::query_parameters::DownloadFromContainerOptionsBuilder;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use std::io;
use std::str::FromStr;

/// When docker starts a container by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Restart {
    /// `no`, `always`, `unless-stopped` or `on-failure`.
    pub policy: String,
    /// For `on-failure`: how often at most; 0 for without end.
    pub retries: i64,
}

impl Restart {
    /// Returns the policy of a container that nobody starts but a user.
    pub fn never() -> Self {
        Self { policy: "no".to_owned(), retries: 0 }
    }
}

impl Daemon {
    /// Gives a container another restart policy. The container goes on as it is.
    ///
    /// # Errors
    /// Internal for a policy that docker does not have; failed when the container is gone.
    pub async fn set_restart(&self, id: &str, restart: &Restart) -> Result<()> {
        failpoints::reach("docker.set_restart")?;
        let name = RestartPolicyNameEnum::from_str(&restart.policy)
            .map_err(|_| Error::internal(format!("Docker knows no restart policy `{}`.", restart.policy)))?;
        let retries = Some(restart.retries).filter(|_| name == RestartPolicyNameEnum::ON_FAILURE);
        let policy = RestartPolicy { name: Some(name), maximum_retry_count: retries };
        let body = ContainerUpdateBody { restart_policy: Some(policy), ..Default::default() };
        let updated = self.api.update_container(id, body).await;
        updated.map_err(|cause| {
            failed(&format!("The container {} cannot be given another restart policy.", shown(id)), cause)
        })
    }

    /// Returns a file or directory of a container as a tar stream with numeric owners, volumes included. The first entry
    /// is the file or directory itself, by its last name. Errors of docker come as errors of the stream, so that a
    /// stream that is cut off is never taken for a whole one.
    pub fn files_of(&self, id: &str, path: &str) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        let stream = self.api.download_from_container(id, Some(options));
        stream.map(|part| part.map_err(io::Error::other))
    }
}
