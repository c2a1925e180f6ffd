//! Where docker-compose 1.29.2 is the only compose, its files are taken: other ones than version 2 would take.

use super::{ALONE, Bed, SERVER, elastic_of, refused, with_data_in};
use crate::harness::require_the_bed;
use std::path::PathBuf;
use std::process::Command;

/// Set in the process that has docker-compose 1.29.2 on PATH, see below.
const WITH_VERSION_1: &str = "CLEARML_TEST_WITH_VERSION_1";

/// PATH is the whole process's, so this test runs itself once more, in a process of its own.
#[test]
fn each_version_of_compose_takes_its_own_files() {
    if std::env::var_os(WITH_VERSION_1).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(version_1_takes_its_own_files());
    }
    require_the_bed();
    let _alone = ALONE.blocking_lock();
    let directory = PathBuf::from(std::env::var_os("CLEARML_BED").unwrap()).join("compose-v1/bin");
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(directory).chain(std::env::split_paths(&inherited))).unwrap();
    let (_, name) = concat!(module_path!(), "::each_version_of_compose_takes_its_own_files").split_once("::").unwrap();
    let mut again = Command::new(std::env::current_exe().unwrap());
    let again = again.args(["--exact", name]).env("PATH", path).env(WITH_VERSION_1, "1").output().unwrap();
    let said = [again.stdout, again.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(again.status.success() && said.contains("1 passed"), "{said}");
}

async fn version_1_takes_its_own_files() {
    let bed = Bed::enter_with("false").await;
    assert!(bed.compose.version().starts_with("1."), "{}", bed.compose.version());
    let file = bed.project("opt-trains", SERVER);
    let home = file.parent().unwrap();
    std::fs::write(home.join("compose.yaml"), with_data_in("elastic").replace("HOME", &home.to_string_lossy()))
        .unwrap();
    let found = bed.find("elsewhere", |_| {}).await.unwrap();
    assert_eq!(found.project.files, std::slice::from_ref(&file));
    assert!(found.notes[0].contains("has compose.yaml, too, with the data in the same places. docker-compose.yml is taken and rewritten, as docker-compose 1.29.2 would"), "{:?}", found.notes);
    std::fs::write(home.join("compose.yaml"), with_data_in("elastic_copy").replace("HOME", &home.to_string_lossy()))
        .unwrap();
    let error = refused(bed.find("elsewhere", |_| {}).await);
    assert!(
        error.causes()[0].starts_with("docker-compose.yml: Elasticsearch in "),
        "the one that it would take first: {error:?}"
    );
    std::fs::write(home.join(".env"), "COMPOSE_FILE=compose.yaml\nCOMPOSE_PROJECT_NAME=lab\n").unwrap();
    let listed = bed.find("opt-trains", |_| {}).await.unwrap();
    assert_eq!((elastic_of(&listed).as_str(), listed.project.name.as_str()), ("elastic_copy", "lab"));
    std::fs::remove_file(home.join(".env")).unwrap();
    // Two override files are one too many for version 1, whichever is meant.
    std::fs::remove_file(home.join("compose.yaml")).unwrap();
    for name in ["docker-compose.override.yml", "compose.override.yml"] {
        std::fs::write(home.join(name), "services: {redis: {restart: 'no'}}").unwrap();
    }
    let error = refused(bed.find("elsewhere", |_| {}).await);
    assert!(error.message().starts_with("Compose does not say which files it takes in"), "{error:?}");
}
