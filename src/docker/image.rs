//! Images: whether they are here, what they declare, and pulling them.

use super::daemon::{Daemon, failed, is_missing};
use crate::error::{Error, Result};
use crate::events::{Events, Unit};
use crate::failpoints;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::TryStreamExt;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long a registry may take to say whether it has an image.
const REGISTRY_TIMEOUT: Duration = Duration::from_secs(30);

/// An image that is present.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// `sha256:…`.
    pub id: String,
    /// Size of its layers in bytes.
    pub size: u64,
    /// Such as `amd64`.
    pub architecture: String,
    /// Paths that become anonymous volumes when nothing is mounted there.
    pub volumes: Vec<String>,
    /// Its entry point.
    pub entrypoint: Vec<String>,
    /// Its command.
    pub command: Vec<String>,
    /// Its working directory; empty for the root.
    pub directory: String,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
    /// The user that it runs as; empty for root.
    pub user: String,
}

impl Daemon {
    /// Returns an image by its name, if it is present.
    ///
    /// # Errors
    /// Failed when the daemon does not answer.
    pub async fn image(&self, name: &str) -> Result<Option<Image>> {
        let image = match self.api.inspect_image(name).await {
            Ok(image) => image,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(cause) => {
                return Err(failed(&format!("The image {name} cannot be inspected."), cause)
                    .hint("Check the image's name in the compose file, and the variables in it."));
            }
        };
        let config = image.config.unwrap_or_default();
        let pairs = config.env.unwrap_or_default();
        Ok(Some(Image {
            id: image.id.unwrap_or_default(),
            size: image.size.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
            architecture: image.architecture.unwrap_or_default(),
            volumes: config.volumes.unwrap_or_default(),
            entrypoint: config.entrypoint.unwrap_or_default(),
            command: config.cmd.unwrap_or_default(),
            directory: config.working_dir.unwrap_or_default(),
            environment: pairs
                .iter()
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            user: config.user.unwrap_or_default(),
        }))
    }

    /// Asks the registry of an image for it, by way of the daemon, which would pull it; downloads nothing.
    ///
    /// # Errors
    /// Failed when the registry cannot be reached, does not know the image, or asks for a login.
    pub async fn require_in_registry(&self, name: &str) -> Result<()> {
        let message = || format!("The image {name} cannot be pulled.");
        let asked = self.api.inspect_registry_image(name, None);
        match tokio::time::timeout(REGISTRY_TIMEOUT, asked).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(cause)) => Err(failed(&message(), cause)),
            Err(_) => Err(Error::failed(message()).because(anyhow::anyhow!(
                "its registry does not answer within {} seconds",
                REGISTRY_TIMEOUT.as_secs()
            ))),
        }
    }

    /// Pulls an image, with the bytes of its layers as progress under the image's name. The daemon keeps layers that
    /// are whole when the pull is cut off.
    ///
    /// # Errors
    /// Cancelled; failed when the registry cannot be reached, does not know the image, or asks for a login.
    pub async fn pull(&self, name: &str, events: &Events, cancel: &CancellationToken) -> Result<()> {
        failpoints::reach("docker.pull")?;
        let (repository, tag) = split_reference(name);
        let options = CreateImageOptionsBuilder::default().from_image(repository).tag(tag).build();
        let mut layers = Layers::default();
        let mut stream = Box::pin(self.api.create_image(Some(options), None, None));
        let result = loop {
            let next = tokio::select! {
                next = stream.try_next() => next,
                () = cancel.cancelled() => break Err(Error::cancelled()),
            };
            match next {
                Ok(Some(info)) => {
                    if let Some((done, total)) = layers.take(&info) {
                        events.progress(name, done, Some(total), Unit::Bytes);
                    }
                }
                Ok(None) => break Ok(()),
                Err(cause) => {
                    break Err(failed(&format!("The image {name} cannot be pulled."), cause)
                        .hint(format!("Try it by hand: docker pull {name}"))
                        .hint("Without access to the registry, load the image from elsewhere with docker load, and run again."));
                }
            }
        };
        events.progress_ended(name);
        result
    }
}

/// Splits at the tag or the digest; without either the tag is `latest`, where the API would pull every tag there is.
fn split_reference(name: &str) -> (&str, &str) {
    if let Some((repository, digest)) = name.split_once('@') {
        return (repository, digest);
    }
    match name.rsplit_once(':') {
        // A colon before the last slash belongs to the registry's port.
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (name, "latest"),
    }
}

/// Adds up the progress of layers, each of which reports for itself.
#[derive(Default)]
struct Layers(HashMap<String, (u64, u64)>);

impl Layers {
    fn take(&mut self, info: &CreateImageInfo) -> Option<(u64, u64)> {
        let id = info.id.as_ref()?;
        match info.status.as_deref()? {
            "Downloading" => {
                let detail = info.progress_detail.as_ref()?;
                let bytes = |value: Option<i64>| value.and_then(|bytes| u64::try_from(bytes).ok());
                let current = bytes(detail.current)?;
                let total = bytes(detail.total).unwrap_or(0).max(current);
                self.0.insert(id.clone(), (current, total));
            }
            "Download complete" | "Pull complete" => {
                let layer = self.0.get_mut(id)?;
                layer.0 = layer.1;
            }
            _ => return None,
        }
        Some(self.0.values().fold((0, 0), |sum, layer| (sum.0 + layer.0, sum.1 + layer.1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_split_at_its_tag_only() {
        let table = [
            ("mongo:3.6.5", ("mongo", "3.6.5")),
            ("mongo", ("mongo", "latest")),
            ("localhost:5000/a/b", ("localhost:5000/a/b", "latest")),
            ("localhost:5000/a/b:1", ("localhost:5000/a/b", "1")),
            ("a/b:1@sha256:00", ("a/b:1", "sha256:00")),
        ];
        for (name, parts) in table {
            assert_eq!(split_reference(name), parts);
        }
    }

    #[test]
    fn layers_are_added_up_and_never_go_back() {
        let mut layers = Layers::default();
        let mut take = |id: &str, status: &str, current: i64, total: i64| {
            let info = serde_json::json!({ "id": id, "status": status, "progressDetail": { "current": current, "total": total } });
            layers.take(&serde_json::from_value(info).unwrap())
        };
        assert_eq!(take("a", "Downloading", 10, 100), Some((10, 100)));
        assert_eq!(take("b", "Downloading", 5, 50), Some((15, 150)));
        assert_eq!(take("a", "Extracting", 1, 100), None);
        assert_eq!(take("a", "Download complete", 0, 0), Some((105, 150)));
        assert_eq!(take("3.6.5", "Pulling from library/mongo", 0, 0), None);
    }
}
