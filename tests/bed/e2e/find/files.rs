//! Which compose files are taken where there are several: as compose itself would, and never a choice between data.

use super::{Bed, SERVER, elastic_of, refused, with_data_in};
use clearml_migrate::docker::ProjectArgs;
use clearml_migrate::role::Role;
use std::process::Command;

#[tokio::test]
async fn the_files_that_the_environment_file_lists_are_taken_as_compose_takes_them() {
    let bed = Bed::enter().await;
    let file = bed.project("opt-trains", SERVER);
    let home = file.parent().unwrap();
    let extra = format!(
        "services: {{elasticsearch: {{volumes: ['{}/data/elastic_copy:/usr/share/elasticsearch/data']}}}}",
        home.display()
    );
    std::fs::write(home.join("extra.yml"), extra).unwrap();
    assert_eq!(elastic_of(&bed.find("elsewhere", |_| {}).await.unwrap()), "elastic");
    std::fs::write(home.join(".env"), "COMPOSE_FILE=docker-compose.yml:extra.yml\nCOMPOSE_PROJECT_NAME=lab\n").unwrap();
    for from in ["elsewhere", "opt-trains"] {
        let found = bed.find(from, |_| {}).await.unwrap();
        assert_eq!(elastic_of(&found), "elastic_copy", "{from}");
        assert_eq!(found.project.files, [file.clone(), home.join("extra.yml")]);
        assert_eq!((found.project.name.as_str(), found.project.name_from_directory), ("lab", false));
        assert!(found.found_by.starts_with("named by COMPOSE_FILE in "), "{}", found.found_by);
    }
    // From another directory, whose own variables count as well.
    let run = bed.root.path().join("run");
    std::fs::create_dir(&run).unwrap();
    std::fs::write(run.join(".env"), "COMPOSE_FILE=../opt-trains/docker-compose.yml,../opt-trains/extra.yml\nCOMPOSE_PATH_SEPARATOR=,\nTRAINS_SERVER_DEPLOYMENT_TYPE=lab-linux\n").unwrap();
    let found = bed.find("run", |_| {}).await.unwrap();
    assert_eq!(elastic_of(&found), "elastic_copy");
    assert_eq!(found.project.env_files, [home.join(".env"), run.join(".env")]);
    assert_eq!(found.service(Role::Apiserver).unwrap().environment["TRAINS_SERVER_DEPLOYMENT_TYPE"], "lab-linux");
}

#[tokio::test]
async fn two_files_of_a_server_with_different_data_are_not_chosen_from() {
    let bed = Bed::enter().await;
    let file = bed.project("opt-trains", SERVER);
    let home = file.parent().unwrap();
    let said = |text: &str| text.replace(&*home.to_string_lossy(), "/opt/trains");
    let newer = |text: String| {
        std::fs::write(home.join("compose.yaml"), text.replace("HOME", &home.to_string_lossy())).unwrap()
    };
    newer(with_data_in("elastic_copy"));
    let segment = home.join("data/elastic/nodes/0/indices/uuid/0/index/_0.cfs");
    std::fs::create_dir_all(segment.parent().unwrap()).unwrap();
    std::fs::File::create(&segment)
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000))
        .unwrap();
    let error = refused(bed.find("elsewhere", |_| {}).await);
    assert_eq!(
        said(error.message()),
        "/opt/trains has more than one compose file for this server, and they keep its data in different places."
    );
    let causes = said(&error.causes().join("\n"));
    assert!(
        causes.contains("compose.yaml: Elasticsearch in /opt/trains/data/elastic_copy, no segment there"),
        "{causes}"
    );
    assert!(
        causes.contains("docker-compose.yml: Elasticsearch in /opt/trains/data/elastic, newest segment of 2020-09-13 "),
        "{causes}"
    );
    let hints = said(&error.hints().join("\n"));
    assert!(
        hints.contains("-f /opt/trains/compose.yaml") && hints.contains("-f /opt/trains/docker-compose.yml"),
        "{hints}"
    );
    let named = bed.find("elsewhere", |search| search.named.files = vec![file.clone()]).await.unwrap();
    assert_eq!((elastic_of(&named).as_str(), named.notes.len()), ("elastic", 0));

    newer(SERVER.to_owned());
    let same = bed.find("opt-trains", |_| {}).await.unwrap();
    assert_eq!(same.project.files, [home.join("compose.yaml")]);
    assert!(
        same.notes[0].contains("has docker-compose.yml, too, with the data in the same places"),
        "{:?}",
        same.notes
    );
    newer("services: [".to_owned());
    let error = refused(bed.find("elsewhere", |_| {}).await);
    assert!(error.message().contains("does not accept"), "compose itself would take no other: {error:?}");
}

#[tokio::test]
async fn what_containers_say_of_their_files_is_newer_than_a_journal() {
    let bed = Bed::enter().await;
    let file = bed.project("lab", SERVER);
    let extra = bed.root.path().join("lab/extra.yml");
    std::fs::write(&extra, "services: {redis: {restart: 'no'}}").unwrap();
    let status = Command::new("docker").args(["compose", "-f"]).arg(&file).arg("-f").arg(&extra).arg("create").status();
    let known =
        |name: &str| vec![ProjectArgs { files: vec![file.clone()], name: Some(name.into()), ..Default::default() }];
    let by_labels = bed.find("elsewhere", |search| search.journals = known("lab")).await;
    // Of another server, which does not run and is not where this was typed: both may be meant, unless one was named.
    let moved = bed.project("old", SERVER);
    let other = || vec![ProjectArgs { files: vec![moved.clone()], name: Some("old".into()), ..Default::default() }];
    let of_journal = bed.find("elsewhere", |search| search.journals = other()).await;
    bed.compose(&file, &["down", "--volumes"]);
    assert!(status.unwrap().success());
    let found = by_labels.unwrap();
    assert_eq!(found.project.files, [file.clone(), extra]);
    assert!(found.found_by.contains("the compose project lab"), "{}", found.found_by);
    assert_eq!(of_journal.unwrap().project.name, "old", "nothing runs");
    let down = bed.find("elsewhere", |search| search.journals = known("lab")).await.unwrap();
    assert_eq!(down.project.files, std::slice::from_ref(&file));
    assert!(down.found_by.contains("journal"), "{}", down.found_by);
    assert_eq!(down.notes, Vec::<String>::new());
}

#[tokio::test]
async fn files_that_a_journal_tells_of_are_not_taken_when_others_with_different_data_lie_beside_them() {
    let bed = Bed::enter().await;
    let file = bed.project("lab", SERVER);
    let home = file.parent().unwrap();
    let write = |name: &str, text: &str| std::fs::write(home.join(name), text.replace("HOME", &home.to_string_lossy()));
    let journal = |files: &[&str]| {
        let files = files.iter().map(|name| home.join(name)).collect();
        vec![ProjectArgs { files, name: Some("lab".into()), ..Default::default() }]
    };
    let elsewhere = "services: {elasticsearch: {volumes: ['HOME/data/elastic_copy:/usr/share/elasticsearch/data']}}";
    // An override file that came later, which compose would take by now.
    write("docker-compose.override.yml", elsewhere).unwrap();
    let error = refused(bed.find("elsewhere", |search| search.journals = journal(&["docker-compose.yml"])).await);
    assert!(error.message().contains("has more than one compose file for this server"), "{error:?}");
    let causes = error.causes().join("\n");
    assert!(causes.contains("docker-compose.yml with docker-compose.override.yml: Elasticsearch in "), "{causes}");
    write("docker-compose.override.yml", "services: {redis: {restart: 'no'}}").unwrap();
    let found = bed.find("elsewhere", |search| search.journals = journal(&["docker-compose.yml"])).await.unwrap();
    assert_eq!(found.project.files, std::slice::from_ref(&file));
    assert!(
        found.notes[0].contains("has docker-compose.yml with docker-compose.override.yml, too"),
        "{:?}",
        found.notes
    );
    std::fs::remove_file(home.join("docker-compose.override.yml")).unwrap();
    // Files that were named when the journal began: compose itself would take only some of them.
    write("extra.yml", "services: {redis: {restart: 'no'}}").unwrap();
    let both = || journal(&["docker-compose.yml", "extra.yml"]);
    let found = bed.find("elsewhere", |search| search.journals = both()).await.unwrap();
    assert_eq!((found.project.files.len(), found.notes), (2, Vec::new()));
    write("extra.yml", elsewhere).unwrap();
    refused(bed.find("elsewhere", |search| search.journals = both()).await);
}
