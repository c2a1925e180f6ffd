//! Finding the server among real compose projects.
//!
//! Containers are created and never started: labels and mounts are all that the search reads.

mod files;
mod version_1;

use crate::harness::require_the_bed;
use clearml_migrate::deployment::{self, Deployment, Search, Storage};
use clearml_migrate::docker::{ComposeCommand, Daemon, DockerCli, DockerEnvironment, Endpoint, ProjectArgs};
use clearml_migrate::error::{Error, Kind, Result};
use clearml_migrate::invocation::{self, Globals};
use clearml_migrate::role::Role;
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio::sync::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;

/// A server of the kind of 0.15.1, as few lines as show every kind of mount.
const SERVER: &str = r#"
services:
  apiserver:
    image: allegroai/trains:latest
    command: [apiserver]
    restart: unless-stopped
    environment:
      TRAINS_ELASTIC_SERVICE_HOST: elasticsearch
      TRAINS_SERVER_DEPLOYMENT_TYPE: ${TRAINS_SERVER_DEPLOYMENT_TYPE:-linux}
      PASSWORD: a$$b
    ports: ["127.0.0.1:18008:8008"]
    volumes: ["HOME/logs:/var/log/trains", "HOME/config:/opt/trains/config:ro"]
  elasticsearch:
    image: docker.elastic.co/elasticsearch/elasticsearch:5.6.16
    volumes: ["HOME/data/elastic:/usr/share/elasticsearch/data", "/usr/share/elasticsearch/logs"]
  mongo:
    image: mongo:3.6.5
    volumes: ["mongodata:/data/db"]
  redis:
    image: redis:5.0
volumes:
  mongodata:
"#;

/// Projects of one test must not be found by another.
static ALONE: Mutex<()> = Mutex::const_new(());

struct Bed {
    daemon: Daemon,
    compose: ComposeCommand,
    root: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Bed {
    async fn enter() -> Self {
        Self::enter_with("docker").await
    }

    /// `docker` is the program that is asked for compose.
    async fn enter_with(docker: &str) -> Self {
        require_the_bed();
        let alone = ALONE.lock().await;
        let endpoint = Endpoint::resolve(&Globals::default(), &DockerEnvironment::from_process()).unwrap();
        let daemon = Daemon::connect(&endpoint).await.unwrap();
        let others = daemon.containers(&["com.docker.compose.project".to_owned()]).await.unwrap();
        let names: Vec<&str> = others.iter().map(|container| container.name.as_str()).collect();
        assert!(names.is_empty(), "another project is in the bed and would be found: {names:?}");
        let cli = DockerCli::new(&invocation::DockerCli { program: docker.into(), globals: Globals::default() });
        let compose = ComposeCommand::probe(cli, &endpoint, &CancellationToken::new()).await.unwrap();
        Self { daemon, compose, root: tempfile::tempdir().unwrap(), _alone: alone }
    }

    /// Writes a compose file into a directory of its own, `HOME` in its text being that directory.
    fn project(&self, directory: &str, text: &str) -> PathBuf {
        let home = self.root.path().join(directory);
        std::fs::create_dir_all(&home).unwrap();
        let file = home.join("docker-compose.yml");
        std::fs::write(&file, text.replace("HOME", &home.to_string_lossy())).unwrap();
        file
    }

    fn compose(&self, file: &Path, words: &[&str]) {
        let status = Command::new("docker").args(["compose", "-f"]).arg(file).args(words).status().unwrap();
        assert!(status.success());
    }

    /// Looks from the directory `from`, with nothing named.
    async fn find(&self, from: &str, change: impl FnOnce(&mut Search)) -> Result<Deployment> {
        let current_directory = self.root.path().join(from);
        std::fs::create_dir_all(&current_directory).unwrap();
        let well_known = vec![self.root.path().join("opt-trains"), self.root.path().join("opt-clearml")];
        let mut search = Search { current_directory, well_known, ..Default::default() };
        change(&mut search);
        deployment::find(&search, &self.compose, &self.daemon, &CancellationToken::new()).await
    }
}

/// The server with its Elasticsearch data in another directory.
fn with_data_in(directory: &str) -> String {
    SERVER.replace("HOME/data/elastic:", &format!("HOME/data/{directory}:"))
}

fn elastic_of(found: &Deployment) -> String {
    let mount = found.service(Role::Elasticsearch).unwrap().mount("/usr/share/elasticsearch/data").unwrap();
    mount.storage.path().unwrap().file_name().unwrap().to_string_lossy().into_owned()
}

fn refused(result: Result<Deployment>) -> Error {
    let error = result.unwrap_err();
    assert!(!error.hints().is_empty(), "{error:?}");
    error
}

#[tokio::test]
async fn a_project_without_containers_is_read_from_its_file() {
    let bed = Bed::enter().await;
    let file = bed.project("opt-trains", SERVER);
    let found = bed.find("elsewhere", |_| {}).await.unwrap();
    assert_eq!(found.home, bed.root.path().join("opt-trains"));
    assert_eq!((found.project.name.as_str(), found.project.name_from_directory), ("opt-trains", true));
    assert_eq!(found.project.files, [file]);
    assert_eq!(found.version.version, "0.15.1");
    assert!(found.found_by.contains("opt-trains") && !found.is_running());
    let storage = |role: Role, target: &str| &found.service(role).unwrap().mount(target).unwrap().storage;
    assert!(
        matches!(storage(Role::Elasticsearch, "/usr/share/elasticsearch/data"), Storage::Bind { path } if path.ends_with("data/elastic"))
    );
    assert_eq!(storage(Role::Elasticsearch, "/usr/share/elasticsearch/logs"), &Storage::Anonymous);
    assert!(
        matches!(storage(Role::Mongo, "/data/db"), Storage::Volume { name, key, .. } if name == "opt-trains_mongodata" && key == "mongodata")
    );
    assert!(matches!(storage(Role::Redis, "/data"), Storage::Anonymous | Storage::ContainerLayer));
    let api = found.service(Role::Apiserver).unwrap();
    assert_eq!(api.environment["PASSWORD"], "a$b");
    assert_eq!((api.ports[0].host, api.ports[0].host_ip.as_str()), (18008, "127.0.0.1"));
    assert!(api.mount("/opt/trains/config").unwrap().read_only);
}

#[tokio::test]
async fn a_project_is_found_by_its_containers_and_their_mounts_are_the_truth() {
    let bed = Bed::enter().await;
    let file = bed.project("my trains", SERVER);
    bed.compose(&file, &["create"]);
    let edited = std::fs::read_to_string(&file).unwrap().replace("/data/elastic:", "/data/elastic-new:");
    std::fs::write(&file, edited).unwrap();
    let unrelated = bed.project("unrelated", "services:\n  a:\n    image: redis:5.0\n");
    let by_labels = bed.find("unrelated", |_| {}).await;
    let by_file = bed.find("elsewhere", |search| search.named.files = vec![file.clone()]).await;
    let other_name = bed.find("elsewhere", |search| search.named.name = Some("other".into())).await;
    let by_home = bed.find("unrelated", |search| search.home = Some(file.parent().unwrap().to_owned())).await;
    let other_home = bed
        .find("unrelated", |search| search.home = search.current_directory.parent().map(|root| root.join("unrelated")))
        .await;
    let no_home = bed.find("unrelated", |search| search.home = Some("/nowhere/trains".into())).await;
    let by_wrong_file = bed.find("elsewhere", |search| search.named.files = vec![unrelated.clone()]).await;
    bed.compose(&file, &["down", "--volumes"]);

    let found = by_labels.unwrap();
    assert_eq!((found.project.name.as_str(), found.project.name_from_directory), ("mytrains", true));
    assert_eq!(found.project.files, std::slice::from_ref(&file));
    let elastic = found.service(Role::Elasticsearch).unwrap();
    assert!(elastic.container.as_ref().is_some_and(|one| one.name == "mytrains-elasticsearch-1" && !one.running));
    let data = elastic.mount("/usr/share/elasticsearch/data").unwrap();
    assert!(data.storage.path().unwrap().ends_with("data/elastic"), "{data:?}");
    assert_eq!(found.disagreements.len(), 1, "{:?}", found.disagreements);
    assert!(found.disagreements[0].file.ends_with("elastic-new"));
    assert_eq!(by_file.unwrap().project, found.project);
    let error = refused(other_name);
    assert!(error.causes()[0].contains("mytrains runs a server, but is not the one named with -p"), "{error:?}");
    assert!(error.hints()[0].contains("docker compose ls -a"), "{error:?}");
    assert_eq!(by_home.unwrap().project, found.project);
    // A server that runs elsewhere is not the one in the home that was named.
    let error = refused(other_home);
    assert!(error.message().contains("describes no Trains") || error.message().starts_with("No Trains"), "{error:?}");
    assert!(error.causes()[0].contains("mytrains runs a server, but has nothing in"), "{error:?}");
    assert_eq!(refused(no_home).message(), "There is no directory /nowhere/trains.");
    assert!(refused(by_wrong_file).message().contains("describes no Trains or ClearML server"));
}

#[tokio::test]
async fn several_servers_are_not_chosen_from() {
    let bed = Bed::enter().await;
    let files = [bed.project("one", SERVER), bed.project("two", SERVER)];
    files.iter().for_each(|file| bed.compose(file, &["create"]));
    let ambiguous = bed.find("elsewhere", |_| {}).await;
    let named = bed.find("elsewhere", |search| search.named.name = Some("two".into())).await;
    files.iter().for_each(|file| bed.compose(file, &["down", "--volumes"]));
    let error = refused(ambiguous);
    assert!(error.message().starts_with("2 servers"));
    assert_eq!(error.hints().len(), 2);
    assert!(error.hints()[1].contains(&*files[1].to_string_lossy()) && error.hints()[1].ends_with("-p two"));
    assert_eq!(named.unwrap().project.name, "two");
}

#[tokio::test]
async fn what_is_not_there_or_not_readable_is_said() {
    let bed = Bed::enter().await;
    let nothing = refused(bed.find("empty", |_| {}).await);
    assert!(nothing.kind() == Kind::Refused && nothing.causes()[0].contains("no compose file"), "{nothing:?}");
    let gone = bed.root.path().join("gone.yml");
    let error = refused(bed.find("empty", |search| search.named.files = vec![gone.clone()]).await);
    assert!(error.message().contains("gone.yml does not exist"));
    let broken = bed.project("broken", "services: [");
    let error = refused(bed.find("empty", |search| search.named.files = vec![broken.clone()]).await);
    assert!(error.message().contains("does not accept") && error.causes()[0].contains("yaml"), "{error:?}");
    let no_elastic = SERVER.split("  elasticsearch:\n").next().unwrap();
    let file = bed.project("no-elastic", no_elastic);
    let error = refused(bed.find("empty", |search| search.named.files = vec![file.clone()]).await);
    assert!(error.message().contains("no Elasticsearch service"), "{error:?}");

    let moved = bed.project("moved", SERVER);
    let known = ProjectArgs { files: vec![moved.clone()], name: Some("old".into()), ..Default::default() };
    let found = bed
        .find("empty", |search| {
            search.named.files = vec![gone];
            search.journals = vec![known];
        })
        .await
        .unwrap();
    assert_eq!((found.project.files, found.project.name.as_str()), (vec![moved], "old"));
    assert!(found.found_by.contains("journal") && !found.project.name_from_directory);
}

#[tokio::test]
async fn a_renamed_project_directory_is_one_refusal() {
    let bed = Bed::enter().await;
    let file = bed.project("opt-trains", SERVER);
    bed.compose(&file, &["create"]);
    let (old, new) = (file.parent().unwrap().to_owned(), bed.root.path().join("renamed"));
    std::fs::rename(&old, &new).unwrap();
    let there = bed.find("renamed", |_| {}).await;
    let elsewhere = bed.find("elsewhere", |_| {}).await;
    let by_home = bed.find("elsewhere", |search| search.home = Some(new.clone())).await;
    std::fs::rename(&new, &old).unwrap();
    bed.compose(&file, &["down", "--volumes"]);
    let back = format!("mv {} {}", new.display(), old.display());
    for result in [there, by_home] {
        let error = refused(result);
        assert!(error.message().contains("was probably called"), "{error:?}");
        assert!(error.hints()[0].ends_with(&back), "{error:?}");
    }
    let error = refused(elsewhere);
    assert!(error.message().starts_with("No Trains or ClearML server"), "{error:?}");
    assert!(error.hints()[0].ends_with(&back), "{error:?}");
}
