use super::*;

#[test]
fn a_project_is_named_by_the_options_of_compose() {
    let project = ProjectArgs {
        files: vec!["/a/x.yml".into(), "/a/y.yml".into()],
        name: Some("t".into()),
        directory: None,
        env_files: vec!["/e".into()],
    };
    let expected = ["--file", "/a/x.yml", "--file", "/a/y.yml", "--project-name", "t", "--env-file", "/e"];
    assert_eq!(project.arguments(), expected);
    assert_eq!(project.project_directory(), Some(Path::new("/a")));
}

#[test]
fn variables_get_their_other_name_unless_it_is_taken() {
    let variables = [("TRAINS_HOST_IP", "1"), ("CLEARML_X", "2"), ("TRAINS_A", "3"), ("CLEARML_A", "4"), ("HOME", "/")];
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    let added: Vec<_> = other_names(variables).into_iter().collect();
    assert_eq!(added, [("CLEARML_HOST_IP".into(), "1".into()), ("TRAINS_X".into(), "2".into())]);
}

/// A docker whose compose is this shell script: what it is called with is in `$*`.
#[cfg(unix)]
fn compose_that(directory: &tempfile::TempDir, script: &str) -> ComposeCommand {
    use std::os::unix::fs::PermissionsExt;
    let program = directory.path().join("docker");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let choice = ComposeChoice { version: "2.5.0".to_owned(), ..ComposeChoice::default() };
    ComposeCommand { form: Form::Plugin(DockerCli { program, globals: Vec::new() }), choice, both_names: false }
}

/// What compose 2.5.0 says to docker 29: `config` needs no daemon and works.
#[cfg(unix)]
#[tokio::test]
async fn a_plugin_that_is_too_old_for_its_daemon_is_found_out_before_anything_depends_on_it() {
    let dir = tempfile::tempdir().unwrap();
    let said = "Error response from daemon: client version 1.41 is too old. Minimum supported API version is 1.44, please upgrade your client to a newer version";
    let compose = compose_that(&dir, &format!("case $* in *ps*) echo '{said}' >&2; exit 1;; esac"));
    let project = ProjectArgs { files: vec!["/a/x.yml".into()], ..Default::default() };
    let error = compose.require_daemon(&project, &CancellationToken::new()).await.unwrap_err();
    insta::assert_snapshot!(format!("{}\n{}\n{}", error.message(), error.causes().join("\n"), error.hints().join("\n")), @r"
    docker compose 2.5.0 and this docker daemon have no API version in common.
    Error response from daemon: client version 1.41 is too old. Minimum supported API version is 1.44, please upgrade your client to a newer version
    Install a newer compose; it continues the project under its name.
    Debian and Ubuntu: sudo apt-get install docker-compose-plugin (from Docker's repository) or docker-compose-v2 (Ubuntu's own).
    If `docker compose version` works without sudo only, compose is installed for one user; install it for all.
    Or update it where it was put by hand: ~/.docker/cli-plugins, /usr/local/lib/docker/cli-plugins.
    ");
    let broken = compose_that(&dir, "case $* in *ps*) echo 'permission denied' >&2; exit 1;; esac");
    let error = broken.require_daemon(&project, &CancellationToken::new()).await.unwrap_err();
    insta::assert_snapshot!(format!("{}\n{}\n{}", error.message(), error.causes().join("\n"), error.hints().join("\n")), @r"
    docker compose 2.5.0 cannot ask the docker daemon.
    permission denied
    Try it by hand: docker compose --file /a/x.yml ps
    ");
    compose_that(&dir, "exit 0").require_daemon(&project, &CancellationToken::new()).await.unwrap();
}
