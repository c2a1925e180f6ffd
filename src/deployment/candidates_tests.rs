//! Labels as compose v1 and v2 write them, and what goes wrong with them.

use super::*;

fn container(image: &str, command: &[&str], labels: &[(&str, &str)]) -> Container {
    Container {
        image: image.to_owned(),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Default::default()
    }
}

fn directory_with(files: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    dir
}

fn of_labels(dir: &tempfile::TempDir, files: &str, more: &[(&str, &str)]) -> Result<ProjectArgs, NoUse> {
    let path = dir.path().to_string_lossy().into_owned();
    let labels = [&[(WORKING_DIR, path.as_str()), (CONFIG_FILES, files)], more].concat();
    from_labels("trains", &[container("i", &[], &labels)])
}

#[test]
fn relative_labels_of_compose_v1_are_joined_to_the_working_directory() {
    let dir = directory_with(&["docker-compose.yml", "sub/more.yml", "prod.env"]);
    let args = of_labels(&dir, "docker-compose.yml,./sub/../sub/more.yml", &[(ENVIRONMENT_FILE, "prod.env")]).unwrap();
    assert_eq!(args.files, [dir.path().join("docker-compose.yml"), dir.path().join("sub/more.yml")]);
    assert_eq!(args.env_files, [dir.path().join("prod.env")]);
    assert_eq!((args.name.as_deref(), args.directory), (Some("trains"), None));
}

#[test]
fn a_project_directory_elsewhere_is_passed_on() {
    let dir = directory_with(&["sub/docker-compose.yml"]);
    let absolute = dir.path().join("sub/docker-compose.yml");
    let args = of_labels(&dir, &absolute.to_string_lossy(), &[]).unwrap();
    assert_eq!(args.directory.as_deref(), Some(dir.path()));
}

#[test]
fn labels_that_are_no_use_say_why() {
    let dir = directory_with(&["a,b.yml", "a", "b.yml", "x.yml"]);
    assert!(of_labels(&dir, "a,b.yml", &[]).unwrap_err().why.contains("commas"));
    assert!(of_labels(&dir, "moved.yml", &[]).unwrap_err().why.contains("not there any more"));
    let unlabelled = [container("i", &[], &[(PROJECT, "trains")])];
    assert!(from_labels("trains", &unlabelled).unwrap_err().why.contains("old docker-compose"));
    let no_directory = [container("i", &[], &[(CONFIG_FILES, "x.yml")])];
    assert!(from_labels("trains", &no_directory).unwrap_err().why.contains("not known where"));
    let two = [container("i", &[], &[(CONFIG_FILES, "/a")]), container("i", &[], &[(CONFIG_FILES, "/b")])];
    assert!(from_labels("trains", &two).unwrap_err().why.contains("different sets"));
}

#[test]
fn a_server_is_known_by_its_image_or_its_commands_not_by_a_name() {
    let elastic = container("docker.elastic.co/elasticsearch/elasticsearch:5.6.16", &[], &[]);
    assert!(is_server(&[container("mirror:5000/allegroai/trains:latest", &[], &[])]));
    assert!(is_server(&[container("clearml/server:latest", &[], &[])]));
    let branded = container("jarvis:v1", &["/opt/trains/wrapper.sh", "apiserver"], &[]);
    assert!(is_server(&[branded.clone(), elastic.clone()]));
    assert!(!is_server(&[branded]));
    assert!(!is_server(&[elastic]));
}

#[test]
fn a_project_belongs_to_a_home_by_its_data_or_by_its_file() {
    let home = tempfile::tempdir().unwrap();
    let inside = |name: &str| home.path().join(name).to_string_lossy().into_owned();
    let by_file = container("i", &[], &[(WORKING_DIR, &inside("")), (CONFIG_FILES, "docker-compose.yml")]);
    let mut by_data = container("i", &[], &[(WORKING_DIR, "/root/compose")]);
    by_data.mounts = vec![crate::docker::ContainerMount {
        kind: crate::docker::MountKind::Bind,
        source: inside("data/elastic").into(),
        target: "/usr/share/elasticsearch/data".to_owned(),
        read_only: false,
    }];
    let other = container("i", &[], &[(WORKING_DIR, "/opt/trains"), (CONFIG_FILES, "/opt/trains/docker-compose.yml")]);
    assert!(has_something_in(&[other.clone(), by_file], home.path()));
    assert!(has_something_in(&[other.clone(), by_data], home.path()));
    assert!(!has_something_in(&[other], home.path()));
}

#[test]
fn containers_of_compose_run_are_no_services() {
    let one_off = "com.docker.compose.oneoff";
    let run = container("i", &[], &[(PROJECT, "p"), (one_off, "True")]);
    let service = container("i", &[], &[(PROJECT, "p"), (one_off, "False"), ("com.docker.compose.service", "redis")]);
    let projects = by_project(vec![run, service, container("i", &[], &[])]);
    assert_eq!(projects["p"].len(), 1);
    assert_eq!(projects["p"][0].service(), Some("redis"));
}

/// As 2.40.3 and 1.29.2 write them.
#[test]
fn a_stack_from_standard_input_has_no_file_and_is_told_how_to_get_one() {
    let dir = directory_with(&[]);
    let said = |label: &str| {
        let no_use = of_labels(&dir, label, &[]).unwrap_err();
        format!("{}\n{}", no_use.why, no_use.remedy.unwrap()).replace(&*dir.path().to_string_lossy(), "/opt/trains")
    };
    assert_eq!(said("-"), said(&dir.path().join("-").to_string_lossy()));
    insta::assert_snapshot!(said("-"), @r"
        the project trains runs a server, but was started from standard input (-f -), so there is no file of it that could be rewritten
        Write what compose was given on standard input to /opt/trains/docker-compose.yml, start the server from that file, and run this command again: docker compose -p trains -f /opt/trains/docker-compose.yml up -d
        ");
}

#[test]
fn the_name_of_a_project_comes_from_the_containers_its_file_made() {
    let dir = directory_with(&["docker-compose.yml", "other.yml"]);
    let path = dir.path().to_string_lossy().into_owned();
    let labelled = |project: &str, file: &str| {
        container("i", &[], &[(PROJECT, project), (WORKING_DIR, &path), (CONFIG_FILES, file)])
    };
    let mut old = container("i", &[], &[(PROJECT, "old")]);
    old.name = "trains-elastic".to_owned();
    let projects = by_project(vec![labelled("one", "docker-compose.yml"), labelled("two", "other.yml"), old]);
    let file = [dir.path().join("docker-compose.yml")];
    assert_eq!(created_from(&projects, &file, &[]), ["one"]);
    assert_eq!(created_from(&projects, &[], &["trains-elastic"]), ["old"]);
}
