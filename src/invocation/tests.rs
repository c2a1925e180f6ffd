use super::*;

fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

fn on_path(line: &str) -> Result<Invocation> {
    understand(OsStr::new("/usr/local/bin/docker-clearml-migrate"), words(line), &Environment::default())
}

fn call(line: &str) -> Call {
    match on_path(line) {
        Ok(Invocation::Run(call)) => *call,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn each_way_of_calling_us_finds_its_door_and_its_words() {
    let table = [
        // What docker passes on for its plugin.
        ("clearml migrate --dry-run", Door::Plugin, "migrate --dry-run"),
        ("-D --context x --config d -l info clearml migrate", Door::Plugin, "migrate"),
        ("clearml migrate --help", Door::Plugin, "migrate --help"),
        ("clearml version", Door::Plugin, "version"),
        // The name of the context is the name of the plugin.
        ("--context clearml clearml migrate", Door::Plugin, "migrate"),
        ("-c clearml-migrate clearml migrate rollback", Door::Plugin, "migrate rollback"),
        // Behind the name, options are ours, even those that docker has too.
        ("clearml migrate -c x", Door::Plugin, "migrate -c x"),
        // Nothing asked for: help.
        ("clearml", Door::Plugin, "--help"),
        ("help clearml", Door::Plugin, "--help"),
        ("help clearml migrate", Door::Plugin, "migrate --help"),
        ("-D help clearml migrate rollback", Door::Plugin, "migrate rollback --help"),
        ("--help clearml migrate", Door::Plugin, "migrate --help"),
        // The promised text, and the name on PATH.
        ("clearml-migrate --dry-run", Door::Hyphen, "--dry-run"),
        ("--context x clearml-migrate", Door::Hyphen, ""),
        ("help clearml-migrate rollback", Door::Hyphen, "rollback --help"),
        ("", Door::Standalone, ""),
        ("--dry-run -f a.yml", Door::Standalone, "--dry-run -f a.yml"),
        ("--context x --dry-run", Door::Standalone, "--dry-run"),
        ("rollback --no-start", Door::Standalone, "rollback --no-start"),
        ("help rollback", Door::Standalone, "rollback --help"),
        ("--help", Door::Standalone, "--help"),
    ];
    for (line, door, rest) in table {
        let call = call(line);
        assert_eq!(call.door, door, "{line}");
        assert_eq!(call.words, words(rest), "{line}");
    }
}

#[test]
fn docker_options_are_kept_for_calling_docker_back() {
    let call = call("-D --context x -H unix:///s clearml migrate");
    assert_eq!(call.docker.program, "docker");
    assert_eq!(
        call.docker.globals,
        Globals { debug: true, context: Some("x".into()), host: Some("unix:///s".into()), ..Globals::default() }
    );
    assert!(on_path("-H a -H b clearml migrate").is_err());
}

#[test]
fn the_docker_that_called_us_is_the_one_to_call() {
    for (called, program) in
        [("/opt/bin/docker", "/opt/bin/docker"), ("old/docker", "/work/old/docker"), ("docker", "docker")]
    {
        let environment = Environment { current_dir: Some("/work".into()), ..Environment::default() };
        let environment = environment.with(ORIGINAL_CLI, called);
        let asked = understand(OsStr::new("docker-clearml"), words("clearml migrate"), &environment);
        let Ok(Invocation::Run(call)) = asked else { panic!("{called}") };
        assert_eq!(call.docker.program, program);
    }
}

#[test]
fn the_plugin_file_run_by_hand_needs_no_name() {
    let run = |line| understand(OsStr::new("/x/docker-clearml"), words(line), &Environment::default()).unwrap();
    for (line, rest) in [("migrate --dry-run", "migrate --dry-run"), ("clearml migrate", "migrate"), ("", "--help")] {
        let Invocation::Run(call) = run(line) else { panic!("{line}") };
        assert_eq!((call.door, call.words.clone()), (Door::Plugin, words(rest)), "{line}");
    }
}

#[test]
fn metadata_is_answered_under_every_file_name() {
    for program in ["docker-clearml", "docker-clearml-migrate", "/x/y", "docker-clearml.exe"] {
        let asked = understand(OsStr::new(program), words(METADATA), &Environment::default());
        assert_eq!(asked.unwrap(), Invocation::Metadata, "{program}");
    }
    let value: serde_json::Value = serde_json::from_str(&metadata()).unwrap();
    assert_eq!(value["SchemaVersion"], "0.1.0");
    assert_eq!(value["Version"], env!("CARGO_PKG_VERSION"));
    assert!(value["Vendor"].as_str().is_some_and(|vendor| !vendor.is_empty()));
}

#[test]
fn completion_keeps_the_empty_last_word() {
    let args = ["__complete", "clearml", "migrate", ""].map(OsString::from).to_vec();
    let asked = understand(OsStr::new("docker-clearml"), args, &Environment::default()).unwrap();
    let words = vec!["migrate".to_owned(), String::new()];
    assert_eq!(asked, Invocation::Complete { door: Door::Plugin, words, descriptions: true });
}

#[test]
fn the_options_survive_a_change_of_directory() {
    let globals = Globals {
        config: Some("conf".into()),
        context: Some("c".into()),
        debug: true,
        tlskey: Some("/k.pem".into()),
        ..Default::default()
    };
    let absolute = globals.absolute(Path::new("/here"));
    assert_eq!(absolute.config.as_deref(), Some(Path::new("/here/conf")));
    assert_eq!(absolute.tlskey.as_deref(), Some(Path::new("/k.pem")));
    assert_eq!((absolute.context.as_deref(), absolute.debug), (Some("c"), true));
}
