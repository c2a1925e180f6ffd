//! The file server: one of the files that it is there for.

use super::asking::{Http, until_it_answers};
use super::container_of;
use crate::deployment::Role;
use crate::docker::Container;
use crate::error::{Error, Result};
use crate::steps::Run;
use crate::steps::run::blocking;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const PORT: u16 = 8081;
/// Where it keeps its files unless told otherwise. Source: upstream's fileserver.py.
const FOLDER: &str = "/mnt/fileserver";
const FOLDER_VARIABLES: [&str; 2] = ["CLEARML_UPLOAD_FOLDER", "TRAINS_UPLOAD_FOLDER"];
/// Of so many directories and files, one that can be asked for is found.
const LOOKED_AT: usize = 20_000;

/// A file to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    /// Path below the folder, with slashes.
    name: String,
    path: PathBuf,
}

/// Asks the file server for one of its files, or, where it has none, for any answer at all. Nothing if the server has no
/// file server.
///
/// # Errors
/// Failed, with its last words, when it does not answer, or without the file.
pub(super) async fn check_file_server(run: &Run) -> Result<Option<String>> {
    if run.server()?.deployment.service(Role::Fileserver).is_none() {
        return Ok(None);
    }
    let folder = folder(&container_of(run, Role::Fileserver).await?);
    let wanted = match folder {
        Some(folder) => blocking(move || Ok(any_file(&folder))).await?,
        None => None,
    };
    until_it_answers(run, Role::Fileserver, PORT, async |http, address| match &wanted {
        Some(file) => serves(http, address, file).await,
        None => answers(http, address).await,
    })
    .await
}

/// Returns the folder of the files on this machine.
fn folder(container: &Container) -> Option<PathBuf> {
    let told = FOLDER_VARIABLES.iter().find_map(|name| container.environment.get(*name));
    let folder = Path::new(told.filter(|folder| !folder.is_empty()).map_or(FOLDER, String::as_str));
    let mount = container.mounts.iter().filter(|mount| folder.starts_with(&mount.target));
    let nearest = mount.max_by_key(|mount| mount.target.len())?;
    Some(nearest.source.join(folder.strip_prefix(&nearest.target).ok()?))
}

/// Finds a file, one with a plain name if there is any. What cannot be read is passed over: it may be another
/// machine's.
fn any_file(folder: &Path) -> Option<Wanted> {
    let mut odd = None;
    let mut looked_at = 0;
    let mut directories = vec![(folder.to_owned(), String::new())];
    while let Some((directory, prefix)) = directories.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            looked_at += 1;
            if looked_at > LOOKED_AT {
                return odd;
            }
            // Links may lead to where the container cannot follow.
            let (Ok(name), Ok(metadata)) = (entry.file_name().into_string(), entry.metadata()) else { continue };
            let name = format!("{prefix}{name}");
            if metadata.is_dir() {
                directories.push((entry.path(), format!("{name}/")));
            } else if metadata.is_file() {
                let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte));
                let wanted = Wanted { name, path: entry.path() };
                if is_plain && metadata.len() > 0 {
                    return Some(wanted);
                }
                odd.get_or_insert(wanted);
            }
        }
    }
    odd
}

async fn serves(http: &Http, address: &str, file: &Wanted) -> Result<String> {
    let answer = http.get(&format!("http://{address}/{}", percent_encoded(&file.name))).await?;
    if answer.status != 200 {
        return Err(Error::failed(format!("It answers {} with {}.", file.name, answer.status)));
    }
    // Looked at only now: somebody may write to it.
    let on_disk = std::fs::metadata(&file.path).ok().map(|metadata| metadata.len());
    match (answer.length, on_disk) {
        (Some(served), Some(on_disk)) if served != on_disk => {
            Err(Error::difference(format!("It serves {} with {served} bytes; on disk it has {on_disk}.", file.name)))
        }
        _ => Ok(format!("the file server serves its files (asked for {})", file.name)),
    }
}

/// It has no page of its own, so it answers with an error; a server that is none answers with nothing, or with its own.
async fn answers(http: &Http, address: &str) -> Result<String> {
    let answer = http.get(&format!("http://{address}/")).await?;
    match answer.status {
        500.. => Err(Error::failed(format!("It answers / with {}.", answer.status))),
        _ => Ok("the file server answers; it has no files".to_owned()),
    }
}

/// Escapes all but what RFC 3986 calls unreserved, and the slashes.
fn percent_encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::{ContainerMount, MountKind};
    use std::fs;
    use wiremock::matchers::path;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    #[test]
    fn a_file_with_a_plain_name_is_preferred_and_an_odd_one_is_escaped() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(any_file(dir.path()), None);
        fs::create_dir_all(dir.path().join("проект 1")).unwrap();
        fs::write(dir.path().join("проект 1/a#b?.png"), "123").unwrap();
        let odd = any_file(dir.path()).unwrap();
        assert_eq!(odd.name, "проект 1/a#b?.png");
        assert_eq!(fs::read(odd.path).unwrap(), b"123");
        assert_eq!(percent_encoded("п 1/a#b?.png"), "%D0%BF%201/a%23b%3F.png");
        fs::create_dir_all(dir.path().join("x/y")).unwrap();
        fs::write(dir.path().join("x/y/z.txt"), "1").unwrap();
        assert_eq!(any_file(dir.path()).unwrap().name, "x/y/z.txt");
    }

    #[test]
    fn the_folder_is_where_the_container_has_it_mounted() {
        let mount = |source: &str, target: &str| ContainerMount {
            kind: MountKind::Bind,
            source: source.into(),
            target: target.into(),
            read_only: false,
        };
        let mounts = vec![mount("/opt/clearml/data/fileserver", "/mnt/fileserver"), mount("/srv", "/files")];
        let mut container = Container { mounts, ..Container::default() };
        assert_eq!(folder(&container), Some("/opt/clearml/data/fileserver".into()));
        container.environment.insert("TRAINS_UPLOAD_FOLDER".into(), "/files/up".into());
        assert_eq!(folder(&container), Some("/srv/up".into()));
        container.environment.insert("CLEARML_UPLOAD_FOLDER".into(), "/elsewhere".into());
        assert_eq!(folder(&container), None);
    }

    #[tokio::test]
    async fn a_file_server_without_its_files_does_not_work() {
        let server = MockServer::start().await;
        Mock::given(path("/a%20b.png"))
            .respond_with(ResponseTemplate::new(200).set_body_string("1234"))
            .mount(&server)
            .await;
        let http = Http::new().unwrap();
        let address = server.address().to_string();
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            let path = dir.path().join(name);
            fs::write(&path, content).unwrap();
            Wanted { name: name.into(), path }
        };
        let told = serves(&http, &address, &file("a b.png", "1234")).await.unwrap();
        assert_eq!(told, "the file server serves its files (asked for a b.png)");
        let other = serves(&http, &address, &file("a b.png", "12345")).await.unwrap_err();
        assert_eq!(other.message(), "It serves a b.png with 4 bytes; on disk it has 5.");
        let missing = serves(&http, &address, &file("c.png", "1")).await.unwrap_err();
        assert_eq!(missing.message(), "It answers c.png with 404.");
        assert_eq!(answers(&http, &address).await.unwrap(), "the file server answers; it has no files");
    }
}
