use super::*;
use crate::environment::Environment;
use crate::invocation::Invocation;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

fn environment() -> Environment {
    Environment {
        current_dir: Some("/work".into()),
        home_dir: Some("/home/ann".into()),
        stdin_is_terminal: true,
        stderr_is_terminal: true,
        stdout_is_terminal: true,
        ..Environment::default()
    }
}

fn task(line: &str, environment: &Environment) -> Result<Task> {
    let args = line.split_whitespace().map(OsString::from).collect();
    let Invocation::Run(call) =
        crate::invocation::understand(OsStr::new("docker-clearml-migrate"), args, environment).unwrap()
    else {
        panic!("{line} is no run")
    };
    let cli = crate::cli::parse(call.door, &call.words).unwrap();
    resolve(cli, *call, environment)
}

fn migration(line: &str, environment: &Environment) -> Migration {
    match task(line, environment) {
        Ok(Task::Migrate(migration)) => migration,
        other => panic!("{line}: {other:?}"),
    }
}

fn server(migration: Migration) -> Server {
    match migration.subject {
        Subject::Server(server) => server,
        Subject::Data(data) => panic!("{data:?}"),
    }
}

#[test]
fn nothing_said_means_the_documented_defaults() {
    let migration = migration("", &environment());
    assert_eq!(migration.session.compose, ComposeArgs::default());
    assert_eq!(migration.copying, Copying::default());
    assert_eq!(migration.session.state_dir, Path::new("/home/ann/.local/state/clearml-migrate"));
    assert!(!migration.dry_run && !migration.session.assume_yes);
    let server = server(migration);
    assert_eq!((server.new_home, server.on_failure), (NewHome::Usual, OnFailure::Ask));
}

#[test]
fn paths_become_absolute() {
    let line = "-f ../a.yml -f /x/./b.yml --home old --new-home new --backup-dir b --log-file l --accept-rejects r";
    let migration = migration(line, &environment());
    assert_eq!(migration.session.compose.files, [PathBuf::from("/work/../a.yml"), "/x/b.yml".into()]);
    assert_eq!(migration.session.home, Some("/work/old".into()));
    assert_eq!(migration.copying.backup_dir, Some("/work/b".into()));
    assert_eq!(migration.session.log_file, Some("/work/l".into()));
    assert_eq!(migration.copying.accept_rejects, Some("/work/r".into()));
    assert_eq!(server(migration).new_home, NewHome::At("/work/new".into()));
    assert_eq!(absolute(Path::new("../x"), Path::new("/")), Path::new("/x"));
}

#[test]
fn the_variables_of_compose_count_where_the_option_is_missing() {
    let environment = environment()
        .with("COMPOSE_FILE", "a.yml:/x/b.yml")
        .with("COMPOSE_PROJECT_NAME", "trains")
        .with("COMPOSE_ENV_FILES", "one,two");
    let from_variables = migration("", &environment).session.compose;
    assert_eq!(from_variables.files, [PathBuf::from("/work/a.yml"), "/x/b.yml".into()]);
    assert_eq!(from_variables.project_name.as_deref(), Some("trains"));
    assert_eq!(from_variables.env_files, [PathBuf::from("/work/one"), "/work/two".into()]);
    let from_options = migration("-f c.yml -p other --env-file e", &environment).session.compose;
    assert_eq!(from_options.files, [PathBuf::from("/work/c.yml")]);
    assert_eq!(from_options.project_name.as_deref(), Some("other"));
    assert_eq!(from_options.env_files, [PathBuf::from("/work/e")]);
    let separated = environment.with("COMPOSE_PATH_SEPARATOR", ";").with("COMPOSE_FILE", "a:b;c");
    assert_eq!(migration("", &separated).session.compose.files, [PathBuf::from("/work/a:b"), "/work/c".into()]);
}

/// Paths are bytes.
#[test]
fn variables_that_are_not_utf_8_are_taken_apart_as_others_are() {
    let odd = |bytes: &'static [u8]| OsStr::from_bytes(bytes).to_owned();
    let mut environment = environment();
    environment.variables.insert("COMPOSE_FILE".into(), odd(b"tra\xffins/a.yml:/x/b.yml"));
    environment.variables.insert("COMPOSE_ENV_FILES".into(), odd(b"\xfe,two"));
    environment.variables.insert("COMPOSE_PATH_SEPARATOR".into(), ":".into());
    environment.variables.insert(odd(b"odd\xffname"), odd(b"\x1b[01;31m\xff"));
    let compose = migration("", &environment).session.compose;
    let work = Path::new("/work");
    assert_eq!(compose.files, [work.join(OsStr::from_bytes(b"tra\xffins/a.yml")), "/x/b.yml".into()]);
    assert_eq!(compose.env_files, [work.join(OsStr::from_bytes(b"\xfe")), work.join("two")]);
    environment.variables.insert("COMPOSE_PROJECT_NAME".into(), odd(b"tra\xffins"));
    let error = task("", &environment).unwrap_err();
    assert_eq!(
        error.message(),
        "\"tra\u{FFFD}ins\" from COMPOSE_PROJECT_NAME cannot be the name of a compose project."
    );
}

#[test]
fn mistakes_are_usage_errors_with_a_hint() {
    for (line, part) in [
        ("-f -", "standard input"),
        ("-p My.Project", "\"My.Project\""),
        ("-p ___", "\"___\""),
        ("--backup none --backup-dir /b", "--backup-dir"),
        ("--on-id-collision prefix-type --reader scroll", "exclude each other"),
        ("elastic --on-id-collision prefix-type --reader scroll", "exclude each other"),
    ] {
        let error = task(line, &environment()).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Usage, "{line}");
        assert!(error.message().contains(part) && !error.hints().is_empty(), "{line}: {error}");
    }
    assert!(task("-p My.Project", &environment()).unwrap_err().hints()[0].contains("\"myproject\""));
    let nowhere = Environment { current_dir: None, ..environment() };
    assert!(task("", &nowhere).unwrap_err().message().contains("current directory"));
    let homeless = Environment { home_dir: None, ..environment() };
    assert!(task("", &homeless).unwrap_err().hints()[0].contains(STATE_DIR));
}

#[test]
fn the_state_directory_is_fixed_per_user() {
    let at = |environment: &Environment| migration("", environment).session.state_dir;
    let root = Environment { root: true, ..environment() };
    assert_eq!(at(&root), Path::new("/var/lib/clearml-migrate"));
    assert_eq!(at(&root.with(STATE_DIR, "/s")), Path::new("/s"));
    assert_eq!(at(&environment().with("XDG_STATE_HOME", "/xdg")), Path::new("/xdg/clearml-migrate"));
    assert_eq!(
        at(&environment().with("XDG_STATE_HOME", "relative")),
        Path::new("/home/ann/.local/state/clearml-migrate")
    );
}

#[test]
fn without_anyone_to_ask_a_failed_start_is_rolled_back() {
    let piped = Environment { stdin_is_terminal: false, ..environment() };
    for (line, environment, expected) in [
        ("", &environment(), OnFailure::Ask),
        ("--yes", &environment(), OnFailure::Rollback),
        ("", &piped, OnFailure::Rollback),
        ("--on-failure stop", &piped, OnFailure::Stop),
    ] {
        assert_eq!(server(migration(line, environment)).on_failure, expected, "{line}");
    }
}

#[test]
fn colours_and_bars_depend_on_the_terminal() {
    let all = Terminal { interactive: true, bars: true, color_stdout: true, color_stderr: true };
    assert_eq!(Terminal::of(&environment()), all);
    let plain = Terminal { color_stdout: false, color_stderr: false, ..all };
    assert_eq!(Terminal::of(&environment().with("NO_COLOR", "1")), plain);
    assert_eq!(Terminal::of(&environment().with("TERM", "dumb")), Terminal { bars: false, ..plain });
    assert_eq!(Terminal::of(&Environment::default()), Terminal::default());
}

#[test]
fn what_to_type_next_finds_the_same_server() {
    let session = migration("--home /data/trains -p t", &environment()).session;
    assert_eq!(session.command("rollback"), "docker-clearml-migrate --home /data/trains -p t rollback");
    let session = migration("-c far clearml-migrate --home it's", &environment()).session;
    assert_eq!(session.command("status"), r"docker --context far clearml-migrate --home '/work/it'\''s' status");
    let Ok(Task::Status(session)) = task("status", &environment()) else { panic!() };
    assert_eq!(session.command(""), "docker-clearml-migrate");
}

#[test]
fn elastic_has_the_defaults_of_upstream_s_script() {
    let of_data = |line: &str, environment: &Environment| {
        let migration = migration(line, environment);
        let Subject::Data(data) = migration.subject.clone() else { panic!("{line}: {migration:?}") };
        (migration, data)
    };
    let (migration, plain) = of_data("elastic", &environment());
    assert_eq!(plain.source, Path::new("/opt/trains/data/elastic"));
    assert_eq!((plain.target, migration.copying.backup, plain.parallel), (None, None, false));
    assert_eq!(Data::TARGET, "/opt/trains/data/elastic_7");
    // What says where a server is does not matter, wherever it was said.
    let environment = environment().with("COMPOSE_FILE", "a.yml").with("COMPOSE_PROJECT_NAME", "trains");
    let (migration, said) = of_data("elastic -s data/es/ -t ../es7 -n -p", &environment);
    assert_eq!(migration.session.compose, ComposeArgs::default());
    assert_eq!((said.source.as_path(), said.target), (Path::new("/work/data/es"), Some("/work/../es7".into())));
    assert!(migration.copying.backup == Some(Backup::None) && said.parallel);
    let command = migration.session.elastic_command(Path::new("/work/es 7"));
    assert_eq!(command, "docker-clearml-migrate elastic --source /work/data/es --target '/work/es 7'");
    assert_eq!(migration.session.command("rollback"), "docker-clearml-migrate rollback --source /work/data/es");
}

#[test]
fn each_command_becomes_its_task() {
    let Ok(Task::Verify(verify)) = task("verify -s es", &environment()) else { panic!() };
    assert_eq!(verify.session.source, Some("/work/es".into()));
    let Ok(Task::Check(check)) = task("check -n", &environment()) else { panic!() };
    assert_eq!((check.copying.backup, check.documents, check.rejects), (Some(Backup::None), false, None));
    let Ok(Task::Check(check)) = task("check --documents --rejects r", &environment()) else { panic!() };
    assert_eq!((check.documents, check.rejects), (true, Some("/work/r".into())));
    assert!(matches!(task("rollback", &environment()), Ok(Task::Rollback(Rollback { start: true, .. }))));
    assert!(matches!(task("rollback --no-start", &environment()), Ok(Task::Rollback(Rollback { start: false, .. }))));
    assert!(matches!(task("version", &environment()), Ok(Task::Version)));
    assert!(matches!(task("shell-init fish", &environment()), Ok(Task::ShellInit(Shell::Fish))));
}

#[test]
fn an_import_can_be_gone_on_with_without_its_password_on_the_command_line() {
    let environment = environment().with("COMPOSE_FILE", "a.yml").with("CLEARML_MIGRATE_PASSWORD", "secret");
    let line = "import -t http://ann@es:9200 --index events-* --verify counts --accept-rejects r";
    let Ok(Task::Import(import)) = task(line, &environment) else { panic!() };
    assert_eq!(import.input, Path::new("/work/elastic_5_export"));
    assert_eq!(import.target.with_password(), "http://ann:secret@es:9200/");
    let again = "docker-clearml-migrate import --input /work/elastic_5_export --target http://ann@es:9200 \
                 --index 'events-*' --verify counts --accept-rejects /work/r";
    assert_eq!(import.session.command(import.again()), again);
    let Ok(Task::Import(plain)) = task("import -i x --target http://localhost:9200", &environment) else { panic!() };
    assert_eq!((&plain.wanted, plain.verify), (&crate::import::Chosen::Servers, crate::import::Proof::Documents));
    assert_eq!(plain.again(), "import --input /work/x --target http://elastic@localhost:9200");
    assert!(!format!("{:?}", plain.target).contains("secret"));
}
