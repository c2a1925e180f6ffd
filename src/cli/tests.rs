use super::*;
use std::path::PathBuf;

fn parse_line(door: Door, line: &str) -> Result<Cli, clap::Error> {
    parse(door, &line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
}

#[test]
fn the_trees_are_sound() {
    for door in [Door::Plugin, Door::Hyphen, Door::Standalone] {
        command(door).debug_assert();
    }
}

#[test]
fn no_command_means_migrate_with_every_option_of_it() {
    let line = "-f a.yml -f b.yml -p trains --project-directory d --env-file e --home /opt/trains --new-home /n --to 1.1 \
        --dry-run -y --backup all --backup-dir /b --memory 4g --log-file l --on-failure stop --accept-rejects r";
    for (door, prefix) in [(Door::Plugin, "migrate "), (Door::Hyphen, ""), (Door::Standalone, "")] {
        let cli = parse_line(door, &format!("{prefix}{line}")).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.session.file, [PathBuf::from("a.yml"), "b.yml".into()]);
        assert!(cli.session.yes && cli.migration.dry_run);
        assert_eq!(cli.migration.copy.memory, Some(4 << 30));
        assert_eq!(cli.migration.backup, Some(BackupArg::All));
        assert_eq!(cli.migration.on_failure, Some(OnFailureArg::Stop));
    }
}

#[test]
fn where_the_server_is_may_be_said_before_or_after_the_command() {
    for line in ["-f a.yml --home /x rollback --no-start", "rollback --no-start -f a.yml --home /x"] {
        let cli = parse_line(Door::Standalone, line).unwrap();
        assert_eq!(cli.session.file, [PathBuf::from("a.yml")], "{line}");
        assert_eq!(cli.session.home, Some("/x".into()), "{line}");
        assert!(matches!(cli.command, Some(Command::Rollback(RollbackArgs { no_start: true, .. }))), "{line}");
    }
}

#[test]
fn the_checks_take_the_options_of_the_migration() {
    let cli = parse_line(Door::Hyphen, "check --memory 512m -n").unwrap();
    let Some(Command::Check(options)) = cli.command else { panic!("not check") };
    assert_eq!((options.migration.copy.memory, options.migration.no_backup), (Some(512 << 20), true));
}

#[test]
fn contradictions_and_nonsense_are_refused() {
    for (line, part) in [
        ("--new-home /x --keep-home", "cannot be used with"),
        ("-n --backup all", "cannot be used with"),
        ("-n --backup-dir /x", "cannot be used with"),
        ("--memory none", "invalid value"),
        ("--backup some", "possible values"),
        ("--on-failure panic", "possible values"),
        ("--keep-home rollback", "--keep-home is an option of the migration and has no meaning for `rollback`"),
        ("--dry-run rollback", "--dry-run is an option of `rollback` here: put it after that word"),
        ("--memory 4g check", "put it after that word"),
        ("rollback --memory 4g", "unexpected argument"),
        ("shell-init tcsh", "possible values"),
        ("migrat", "unrecognized subcommand"),
        ("elastic --target-version 8.1.0", "Elasticsearch 8 is not supported yet"),
        ("elastic -n --backup-dir /x", "cannot be used with"),
        ("--no-backup elastic", "--no-backup is an option of `elastic` here: put it after that word"),
        ("elastic --home /x", "--home says where a server is and has no meaning for `elastic`"),
        ("-p trains elastic", "--project-name says where a server is"),
        ("elastic -p trains", "-p means --parallel behind `elastic`"),
        ("import -i /x", "--target <URL>"),
        ("import --home /x -t http://x", "which is told directories: --input DIR"),
        ("import -t http://x --verify full", "possible values"),
        ("--context x", "is an option of docker: put it before the name"),
        ("dry-run", "dry-run is an option: --dry-run"),
        ("rolback", "a similar subcommand exists: 'rollback'"),
        ("export --home /x", "--home says where a server is and has no meaning for `export`"),
    ] {
        let error = parse_line(Door::Standalone, line).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
        assert!(error.to_string().contains(part), "{line}: {error}");
    }
}

#[test]
fn the_word_between_is_not_needed_where_it_means_nothing_and_asked_for_where_it_is_missing() {
    let cli = parse_line(Door::Standalone, "migrate rollback --no-start").unwrap();
    assert!(matches!(cli.command, Some(Command::Rollback(RollbackArgs { no_start: true, .. }))));
    for (line, meant) in [("rollback -y", "docker clearml migrate rollback -y"), ("--dry-run", "migrate --dry-run")] {
        let error = parse_line(Door::Plugin, line).unwrap_err();
        assert!(error.to_string().trim_end().ends_with(meant), "{line}: {error}");
    }
    assert!(!parse_line(Door::Plugin, "nonsense").unwrap_err().to_string().contains("what was meant"));
}

#[test]
fn the_plugin_has_a_version_of_its_own() {
    for line in ["version", "migrate version"] {
        let cli = parse_line(Door::Plugin, line).unwrap();
        assert!(matches!(cli.command, Some(Command::Version)), "{line}");
    }
}

#[test]
fn usage_shows_the_name_that_was_typed() {
    for (door, line) in [(Door::Plugin, "migrate -h"), (Door::Hyphen, "-h"), (Door::Standalone, "-h")] {
        let help = parse_line(door, line).unwrap_err().to_string();
        assert!(help.contains(&format!("Usage: {} [OPTIONS] [COMMAND]", door.command())), "{help}");
    }
    let help = parse_line(Door::Plugin, "migrate rollback --help").unwrap_err().to_string();
    assert!(help.contains("Usage: docker clearml migrate rollback [OPTIONS]"), "{help}");
}

#[test]
fn elastic_takes_what_upstream_s_script_took() {
    for (door, prefix) in [(Door::Plugin, "migrate "), (Door::Hyphen, ""), (Door::Standalone, "")] {
        for options in ["-s /a -t /b -n -p -y", "--source /a --target /b --no-backup --parallel --yes"] {
            let cli = parse_line(door, &format!("{prefix}elastic {options}")).unwrap();
            assert!(cli.session.yes && cli.session.project_name.is_none());
            let Some(Command::Elastic(elastic)) = cli.command else { panic!("{options}") };
            assert_eq!((elastic.source, elastic.target), (Some("/a".into()), Some("/b".into())));
            assert!(elastic.no_backup && elastic.parallel);
            assert_eq!(elastic.target_version, None);
        }
    }
}

#[test]
fn the_help_of_elastic_has_no_options_of_compose() {
    let help = parse_line(Door::Standalone, "elastic --help").unwrap_err().to_string();
    assert!(help.contains("-p, --parallel") && help.contains("elsewhere, -p is the project"), "{help}");
    assert!(!help.contains("--project-directory") && !help.contains("--env-file"), "{help}");
    let help = parse_line(Door::Standalone, "--help").unwrap_err().to_string();
    assert!(help.contains("behind `elastic`, -p means --parallel"), "{help}");
}
