//! As docker's plugin, and by its own name.

use crate::{BINARY, Said, program, run};
use std::process::{Command, Stdio};

/// A configuration directory of docker's with nothing in it but the plugin.
struct Docker {
    program: std::path::PathBuf,
    config: tempfile::TempDir,
}

impl Docker {
    fn new() -> Option<Self> {
        let program = program("docker")?;
        let config = tempfile::tempdir().unwrap();
        let plugins = config.path().join("cli-plugins");
        std::fs::create_dir(&plugins).unwrap();
        std::os::unix::fs::symlink(BINARY, plugins.join("docker-clearml")).unwrap();
        Some(Self { program, config })
    }

    fn run(&self, line: &str) -> Said {
        let mut command = Command::new(&self.program);
        // No daemon answers here, so that the developer's own is left alone.
        command.env("DOCKER_CONFIG", self.config.path()).env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
        run(command.args(line.split_whitespace()))
    }
}

fn standalone(line: &str) -> Said {
    run(Command::new(BINARY).args(line.split_whitespace()))
}

#[test]
fn metadata_is_one_line_of_json_under_either_file_name() {
    let directory = tempfile::tempdir().unwrap();
    let expected = format!(
        r#"{{"SchemaVersion":"0.1.0","Vendor":"clearml-migrate","Version":"{}","ShortDescription":"Migrate a Trains Server to ClearML Server"}}"#,
        env!("CARGO_PKG_VERSION")
    );
    for name in ["docker-clearml", "docker-clearml-migrate"] {
        let file = directory.path().join(name);
        std::os::unix::fs::symlink(BINARY, &file).unwrap();
        // Nothing may be needed for it: no HOME, no working directory, no PATH.
        let said = run(Command::new(&file).arg("docker-cli-plugin-metadata").env_clear());
        assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (Some(0), &*format!("{expected}\n"), ""));
    }
}

#[test]
fn docker_takes_the_plugin_without_a_warning() {
    let Some(docker) = Docker::new() else { return };
    let info = docker.run("info --format {{.ClientInfo|json}}");
    let client: serde_json::Value = serde_json::from_str(&info.stdout).unwrap();
    let plugins = client["Plugins"].as_array().unwrap();
    let ours = plugins.iter().find(|plugin| plugin["Name"] == "clearml").unwrap();
    assert!(ours.get("Err").is_none(), "{ours}");
    assert!(!docker.run("info").stderr.contains("Plugin"), "{}", docker.run("info").stderr);
    assert!(docker.run("--help").stdout.contains("clearml*"));
}

#[test]
fn help_comes_whichever_way_it_is_asked_for() {
    let Some(docker) = Docker::new() else { return };
    let of_plugin = docker.run("clearml --help");
    assert_eq!(of_plugin.code, Some(0));
    assert!(of_plugin.stdout.contains("Usage: docker clearml <COMMAND>"), "{}", of_plugin.stdout);
    for line in ["clearml", "help clearml", "--help clearml", "-D clearml", "clearml help"] {
        assert_eq!(docker.run(line).stdout, of_plugin.stdout, "{line}");
    }
    let of_migrate = docker.run("clearml migrate --help");
    assert_eq!(of_migrate.code, Some(0));
    for line in ["help clearml migrate", "clearml help migrate", "-D --context x clearml migrate --help"] {
        assert_eq!(docker.run(line).stdout, of_migrate.stdout, "{line}");
    }
    assert_eq!(docker.run("--context clearml clearml migrate --help").stdout, of_migrate.stdout);
}

#[test]
fn the_texts_of_the_help() {
    insta::assert_snapshot!("help_migrate", standalone("clearml migrate --help").stdout);
    insta::assert_snapshot!("help_plugin", standalone("clearml --help").stdout);
    for command in ["check", "elastic", "export", "import", "verify", "status", "rollback", "shell-init", "version"] {
        let said = standalone(&format!("{command} --help"));
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
        insta::assert_snapshot!(format!("help_{command}"), said.stdout);
    }
    insta::assert_snapshot!("help_short", standalone("clearml-migrate -h").stdout);
}

#[test]
fn exit_codes_and_messages_pass_through_docker() {
    let Some(docker) = Docker::new() else { return };
    let said = docker.run("clearml migrate --new-home /x --keep-home");
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""));
    assert!(said.stderr.contains("cannot be used with '--keep-home'"), "{}", said.stderr);
    let said = docker.run("clearml migrate -f -");
    assert_eq!(said.code, Some(2));
    insta::assert_snapshot!(said.stderr, @r"
    Error: The compose file cannot come from standard input: it is going to be rewritten.
    Hint: Save it to a file and give that: -f FILE
    ");
    let said = docker.run("clearml migrate --context x");
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("--context is an option of docker: put it before the name"), "{}", said.stderr);
}

#[test]
fn options_may_come_from_the_environment() {
    let with = |value: &str, word: &str| run(Command::new(BINARY).env("CLEARML_MIGRATE_MEMORY", value).arg(word));
    let said = with("lots", "check");
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("expected a size such as 512m, 4g or 1.5g"), "{}", said.stderr);
    // One that is set for every command is no mistake where it has no meaning.
    assert_eq!(with("4g", "version").code, Some(0));
}

#[test]
fn docker_completes_our_words() {
    let Some(docker) = Docker::new() else { return };
    let said = docker.run("__complete clearml mig");
    assert!(said.stdout.starts_with("migrate\tMove a Trains Server"), "{}", said.stdout);
    assert!(said.stdout.ends_with(":4\n"), "{}", said.stdout);
    assert_eq!(standalone("__completeNoDesc clearml migrate roll").stdout, "rollback\n:4\n");
}

#[test]
fn the_version_is_the_same_behind_every_name() {
    let expected = format!("clearml-migrate {}\n", env!("CARGO_PKG_VERSION"));
    for line in ["version", "clearml version", "clearml migrate version", "clearml-migrate version", "-D version"] {
        assert_eq!(standalone(line).stdout, expected, "{line}");
    }
    if let Some(docker) = Docker::new() {
        assert_eq!(docker.run("clearml version").stdout, expected);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = Command::new(BINARY).arg("--help").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}
