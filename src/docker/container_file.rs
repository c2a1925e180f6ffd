//! A small file of a container, running or not, as `docker cp` reads it.

use super::daemon::{Daemon, failed, is_missing, shown};
use crate::error::{Error, Result};
use bollard::query_parameters::DownloadFromContainerOptionsBuilder;
use futures_util::TryStreamExt;
use std::io::Read;
use std::path::Path;

/// What a configuration file may hold, in bytes.
const LIMIT: usize = 1 << 20;
/// How many links are followed.
const LINKS: usize = 8;

/// What is at a path.
enum Entry {
    Text(String),
    Link(String),
    Other,
}

impl Daemon {
    /// Returns the text of a file in a container, links followed; nothing if there is no such file.
    ///
    /// # Errors
    /// Failed when the daemon does not answer, or what is there is no text file of a sensible size.
    pub async fn container_file(&self, id: &str, path: &str) -> Result<Option<String>> {
        let mut path = path.to_owned();
        for _ in 0..LINKS {
            let Some(archive) = self.archive(id, &path).await? else { return Ok(None) };
            match first_entry(&archive).map_err(|cause| unreadable(id, &path).because(cause))? {
                Entry::Text(text) => return Ok(Some(text)),
                Entry::Link(target) => {
                    let directory = Path::new(&path).parent().unwrap_or(Path::new("/"));
                    path = directory.join(target).to_string_lossy().into_owned();
                }
                Entry::Other => return Err(unreadable(id, &path)),
            }
        }
        Err(unreadable(id, &path))
    }

    async fn archive(&self, id: &str, path: &str) -> Result<Option<Vec<u8>>> {
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        let mut stream = Box::pin(self.api.download_from_container(id, Some(options)));
        let mut archive = Vec::new();
        loop {
            match stream.try_next().await {
                Ok(Some(part)) => archive.extend_from_slice(&part),
                Ok(None) => return Ok(Some(archive)),
                Err(error) if is_missing(&error) => return Ok(None),
                Err(cause) => return Err(failed(&unreadable(id, path).to_string(), cause)),
            }
            if archive.len() > LIMIT {
                return Err(unreadable(id, path));
            }
        }
    }
}

fn unreadable(id: &str, path: &str) -> Error {
    Error::failed(format!("The file {path} of the container {} cannot be read.", shown(id)))
}

fn first_entry(archive: &[u8]) -> std::io::Result<Entry> {
    let mut archive = tar::Archive::new(archive);
    let Some(entry) = archive.entries()?.next() else { return Ok(Entry::Other) };
    let mut entry = entry?;
    match entry.header().entry_type() {
        tar::EntryType::Regular => {
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            Ok(Entry::Text(text))
        }
        tar::EntryType::Symlink => {
            let target = entry.link_name()?.map(|target| target.to_string_lossy().into_owned());
            Ok(target.map_or(Entry::Other, Entry::Link))
        }
        _ => Ok(Entry::Other),
    }
}
