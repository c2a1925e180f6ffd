//! The file server: some of the files that it is there for.

use super::asking::{Http, until_it_answers};
use crate::docker::Container;
use crate::error::{Error, Result};
use crate::files::blocking;
use crate::message::{Code, Message};
use crate::role::Role;
use crate::steps::Run;
use crate::steps::containers::container_of;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const PORT: u16 = 8081;
/// Where it keeps its files unless told otherwise. Source: upstream's fileserver.py.
const FOLDER: &str = Role::FILESERVER_DATA;
const FOLDER_VARIABLES: [&str; 2] = ["CLEARML_UPLOAD_FOLDER", "TRAINS_UPLOAD_FOLDER"];
/// So many files are asked for, until one comes.
const ASKED: usize = 5;
/// Of so many directories and files, some that can be asked for are found.
const LOOKED_AT: usize = 20_000;

/// A file to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct AskedFile {
    /// Path below the folder, with slashes.
    name: String,
    path: PathBuf,
}

/// What came of asking.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// This file came.
    Came(String),
    /// It answers; there is nothing to ask for.
    Answers,
    /// It answers, but none of the files came: each with what came instead.
    Withheld(Vec<String>),
}

/// Asks the file server for some of its files until one comes, or, where it has none, for any answer at all. Nothing if
/// the server has no file server. One that answers, and has none of the files for whoever asks from here, is warned of: it
/// may ask for a password, or some files may be broken or another's.
///
/// # Errors
/// Failed, with its last words, when it does not answer, or only with errors of its own.
pub(super) async fn check_file_server(run: &Run) -> Result<Option<String>> {
    if run.server()?.deployment.service(Role::Fileserver).is_none() {
        return Ok(None);
    }
    let folder = folder(&container_of(run, Role::Fileserver).await?);
    let wanted = match folder {
        Some(folder) => blocking(move || Ok(some_files(&folder))).await?,
        None => Vec::new(),
    };
    let asked =
        until_it_answers(run, Role::Fileserver, PORT, async |http, address| ask(http, address, &wanted).await).await?;
    let (line, warning) = match asked {
        Some(asked) => told(&asked),
        None => return Ok(None),
    };
    if let Some(warning) = warning {
        run.events.warn(Message::new(Code::NotTested, warning));
    }
    Ok(Some(line))
}

/// Returns what was found as one line, and what to warn of.
fn told(asked: &Asked) -> (String, Option<String>) {
    match asked {
        Asked::Came(name) => (format!("the file server serves its files (asked for {name})"), None),
        Asked::Answers => ("the file server answers; it has no files".to_owned(), None),
        Asked::Withheld(instead) => (
            "the file server answers".to_owned(),
            Some(format!(
                "The file server answers, but not with the files that it was asked for: {}. See in the web application \
                 whether artifacts and debug images can be opened.",
                instead.join(", ")
            )),
        ),
    }
}

/// Returns the folder of the files on this machine.
fn folder(container: &Container) -> Option<PathBuf> {
    let told = FOLDER_VARIABLES.iter().find_map(|name| container.environment.get(*name));
    let folder = Path::new(told.filter(|folder| !folder.is_empty()).map_or(FOLDER, String::as_str));
    let mount = container.mounts.iter().filter(|mount| folder.starts_with(&mount.target));
    let nearest = mount.max_by_key(|mount| mount.target.len())?;
    Some(nearest.source.join(folder.strip_prefix(&nearest.target).ok()?))
}

/// Finds some files, first those with plain names, each from another directory, then others. What cannot be read is
/// passed over: it may be another machine's.
fn some_files(folder: &Path) -> Vec<AskedFile> {
    let (mut plain, mut beside, mut odd) = (Vec::new(), Vec::new(), Vec::new());
    let mut looked_at = 0;
    let mut directories = vec![(folder.to_owned(), String::new())];
    while plain.len() < ASKED
        && looked_at < LOOKED_AT
        && let Some((directory, prefix)) = directories.pop()
    {
        let mut has_one = false;
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            looked_at += 1;
            if looked_at > LOOKED_AT {
                break;
            }
            // Links may lead to where the container cannot follow.
            let (Ok(name), Ok(metadata)) = (entry.file_name().into_string(), entry.metadata()) else { continue };
            let name = format!("{prefix}{name}");
            if metadata.is_dir() {
                directories.push((entry.path(), format!("{name}/")));
            } else if metadata.is_file() {
                let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte));
                let files = match is_plain && metadata.len() > 0 {
                    true if has_one => &mut beside,
                    true => &mut plain,
                    false => &mut odd,
                };
                has_one |= is_plain && metadata.len() > 0;
                if files.len() < ASKED {
                    files.push(AskedFile { name, path: entry.path() });
                }
            }
        }
    }
    plain.into_iter().chain(beside).chain(odd).take(ASKED).collect()
}

async fn ask(http: &Http, address: &str, wanted: &[AskedFile]) -> Result<Asked> {
    let (mut instead, mut has_answered) = (Vec::new(), false);
    for file in wanted {
        match one(http, address, file).await {
            One::Came => return Ok(Asked::Came(file.name.clone())),
            One::Deleted => has_answered = true,
            One::Instead(what) => {
                instead.push(format!("{} ({what})", file.name));
                has_answered = true;
            }
            One::Failed(what) => instead.push(format!("{} ({what})", file.name)),
        }
    }
    // It has no page of its own, so it answers with an error; a server that is none answers with nothing, or with its own.
    if !has_answered {
        let answer = http.get(&format!("http://{address}/")).await?;
        if answer.status >= 500 {
            let error = Error::failed(format!("It answers / with {}.", answer.status));
            return Err(match instead.is_empty() {
                true => error,
                false => error.hint(format!("Nor does it serve {}.", instead.join(", "))),
            });
        }
    }
    Ok(if instead.is_empty() { Asked::Answers } else { Asked::Withheld(instead) })
}

/// What came of asking for a file.
enum One {
    Came,
    /// Somebody has deleted it meanwhile, and the server says so.
    Deleted,
    /// An answer that is another one.
    Instead(String),
    /// No answer, or that of a server that is not well.
    Failed(String),
}

async fn one(http: &Http, address: &str, file: &AskedFile) -> One {
    let Ok(answer) = http.get(&format!("http://{address}/{}", percent_encoded(&file.name))).await else {
        return One::Failed("no answer".to_owned());
    };
    // Looked at only now: somebody may write to it.
    let on_disk = std::fs::metadata(&file.path).map(|metadata| metadata.len());
    let is_deleted = on_disk.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
    match (answer.status, answer.length, on_disk) {
        (200, Some(served), Ok(on_disk)) if served != on_disk => {
            One::Instead(format!("{served} bytes; on disk it has {on_disk}"))
        }
        (200, ..) => One::Came,
        (500.., ..) => One::Failed(answer.status.to_string()),
        _ if is_deleted => One::Deleted,
        _ => One::Instead(answer.status.to_string()),
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
    use wiremock::matchers::{any, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    #[test]
    fn files_with_plain_names_are_preferred_and_odd_ones_are_escaped() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(some_files(dir.path()), []);
        fs::create_dir_all(dir.path().join("проект 1")).unwrap();
        fs::write(dir.path().join("проект 1/a#b?.png"), "123").unwrap();
        let odd = some_files(dir.path());
        assert_eq!(odd.len(), 1);
        assert_eq!(odd[0].name, "проект 1/a#b?.png");
        assert_eq!(fs::read(&odd[0].path).unwrap(), b"123");
        assert_eq!(percent_encoded("п 1/a#b?.png"), "%D0%BF%201/a%23b%3F.png");
        fs::create_dir_all(dir.path().join("x/y")).unwrap();
        fs::write(dir.path().join("x/y/z.txt"), "1").unwrap();
        let names: Vec<_> = some_files(dir.path()).into_iter().map(|file| file.name).collect();
        assert_eq!(names, ["x/y/z.txt", "проект 1/a#b?.png"]);
    }

    #[test]
    fn the_files_asked_for_are_of_different_directories_where_there_are_such() {
        let dir = tempfile::tempdir().unwrap();
        let write = |directory: &str, names: &[&str]| {
            fs::create_dir_all(dir.path().join(directory)).unwrap();
            names.iter().for_each(|name| fs::write(dir.path().join(directory).join(name), "1").unwrap());
        };
        let directories = |wanted: Vec<AskedFile>| -> std::collections::BTreeSet<PathBuf> {
            wanted.into_iter().map(|file| file.path.parent().unwrap().to_owned()).collect()
        };
        write("a", &["1", "2", "3", "4", "5", "6"]);
        assert_eq!(some_files(dir.path()).len(), 5);
        for directory in ["b", "c", "d", "e", "f"] {
            write(directory, &["1", "2", "3"]);
        }
        assert_eq!(directories(some_files(dir.path())).len(), 5);
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

    /// A server that has the file `a b.png` of 4 bytes, and answers all else with a status.
    async fn server(status: u16) -> MockServer {
        let server = MockServer::start().await;
        let file = Mock::given(path("/a%20b.png")).respond_with(ResponseTemplate::new(200).set_body_string("1234"));
        file.with_priority(1).mount(&server).await;
        Mock::given(any()).respond_with(ResponseTemplate::new(status)).mount(&server).await;
        server
    }

    fn file(dir: &Path, name: &str, content: &str) -> AskedFile {
        let path = dir.join(name);
        fs::write(&path, content).unwrap();
        AskedFile { name: name.into(), path }
    }

    #[tokio::test]
    async fn a_file_server_works_when_one_of_several_files_comes() {
        let dir = tempfile::tempdir().unwrap();
        let wanted = [file(dir.path(), "c.png", "1"), file(dir.path(), "a b.png", "1234")];
        for status in [404, 500] {
            let (server, http) = (server(status).await, Http::new().unwrap());
            let asked = ask(&http, &server.address().to_string(), &wanted).await.unwrap();
            assert_eq!(told(&asked), ("the file server serves its files (asked for a b.png)".to_owned(), None));
        }
    }

    #[tokio::test]
    async fn a_file_server_that_answers_without_its_files_is_warned_of() {
        let dir = tempfile::tempdir().unwrap();
        let (server, http) = (server(403).await, Http::new().unwrap());
        let address = server.address().to_string();
        let wanted = [file(dir.path(), "c.png", "1"), file(dir.path(), "a b.png", "12345")];
        let (line, warning) = told(&ask(&http, &address, &wanted).await.unwrap());
        assert_eq!(line, "the file server answers");
        insta::assert_snapshot!(warning.unwrap(), @"The file server answers, but not with the files that it was asked for: c.png (403), a b.png (4 bytes; on disk it has 5). See in the web application whether artifacts and debug images can be opened.");
        // Nothing is wrong with what somebody has deleted meanwhile.
        fs::remove_file(&wanted[0].path).unwrap();
        assert_eq!(ask(&http, &address, &wanted[..1]).await.unwrap(), Asked::Answers);
        assert_eq!(ask(&http, &address, &[]).await.unwrap(), Asked::Answers);
    }

    #[tokio::test]
    async fn a_file_server_that_answers_only_with_errors_of_its_own_or_not_at_all_does_not_work() {
        let dir = tempfile::tempdir().unwrap();
        let (server, http) = (server(502).await, Http::new().unwrap());
        let wanted = [file(dir.path(), "c.png", "1")];
        let failed = ask(&http, &server.address().to_string(), &wanted).await.unwrap_err();
        assert_eq!(failed.message(), "It answers / with 502.");
        assert_eq!(failed.hints(), ["Nor does it serve c.png (502)."]);
        // Nobody listens at a port that was free a moment ago.
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let failed = ask(&http, &address, &wanted).await.unwrap_err();
        assert!(failed.message().ends_with("does not answer."), "{failed:?}");
    }
}
