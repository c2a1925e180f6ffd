//! What was typed: the command line as clap types.
//!
//! The same commands hang at two trees: under `docker clearml` (the plugin, with `migrate` and `version`), and directly
//! under the names that end in `clearml-migrate`.

pub mod completion;
mod elastic_version;
mod mistakes;
mod options;

pub use elastic_version::parse_elastic_version;
pub use options::{
    BackupArg, CheckArgs, CopyArgs, ElasticArgs, ExportArgs, ExportFormat, ImportArgs, ImportVerifyArg, MigrationArgs,
    OnFailureArg, OnIdCollisionArg, ReaderArg, RollbackArgs, SessionArgs, Shell, SourceArg, VerifyArg, VerifyArgs,
};

use crate::invocation::Door;
use clap::builder::styling::{AnsiColor, Styles};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use mistakes::MIGRATE;
use std::ffi::OsString;

/// Move a Trains Server to ClearML Server: checked first, verified document by document, reversible
///
/// Finds the old server (Trains Server, Elasticsearch 5.6), checks it, shows a plan, asks, and migrates it to
/// ClearML Server. The old data are never written to: everything new is built beside them, compared with them, and
/// only then takes their place. A run that was cut off anywhere is continued by the same command.
#[derive(Debug, Parser)]
#[command(name = "docker-clearml-migrate", version, max_term_width = 100)]
pub struct Cli {
    /// Where the old server is, and how to talk.
    #[command(flatten)]
    pub session: SessionArgs,
    /// How to migrate; without a command.
    #[command(flatten)]
    pub migration: MigrationArgs,
    /// What to do; nothing means: find, check, plan, ask, migrate.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands besides migrating.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the checks of a migration alone; the old server may go on running
    ///
    /// With --documents every document is looked at as well.
    Check(CheckArgs),
    /// Migrate one Elasticsearch 5 data directory and nothing else, in place of upstream's elastic_upgrade.py
    ///
    /// Needs no compose file: every document is copied into a new directory by way of a temporary node, and compared with
    /// the old one; then the old directory is renamed. The server must be stopped. The same
    /// command goes on with what was cut off; `rollback` takes it back, `verify` compares again later.
    Elastic(ElasticArgs),
    /// Write the documents of an Elasticsearch 5 or MongoDB data directory as text or as a dump
    ///
    /// Reads the files themselves: no server, no docker, and nothing in the data directory is changed. For each index
    /// there are its documents and one file with its mappings and settings, for each collection its documents and one file
    /// with its options and indexes; manifest.json has counts and checksums. The same command goes on with what was
    /// cut off.
    Export(ExportArgs),
    /// Write an export into an Elasticsearch 7 or 8 that is given, and compare every document
    ///
    /// Needs no docker. The export is checked first; then each index is made as a migration makes it, with one shard and
    /// without types, filled, and read back. An index that is there already is never touched: the import is refused before
    /// anything is written. An Elasticsearch that is starting is waited for, up to two minutes. The same command goes on with
    /// what was cut off.
    Import(ImportArgs),
    /// Compare the old and the new Elasticsearch data of a migration once more, and change neither
    ///
    /// Both are read from their files; only where these are of a kind that this program does not know, by a temporary
    /// Elasticsearch that works on a clone. Documents that were added since are counted; missing and changed ones are
    /// differences (exit code 4). What uses the data must be stopped meanwhile.
    Verify(VerifyArgs),
    /// Tell where a migration stands
    Status(SourceArg),
    /// Go back to the old server
    ///
    /// Stops the new server, puts the old directories and the old compose file back in their places, and starts the
    /// old server. What the new server has recorded since is kept aside.
    Rollback(RollbackArgs),
    /// Print the shell function that makes `docker clearml-migrate` work in an interactive shell
    ///
    /// Docker allows no hyphen in the name of a plugin. The function passes every other docker command on unchanged.
    /// install.sh sets it up; by hand: eval "$(docker-clearml-migrate shell-init bash)"
    #[command(help_template = BARE)]
    ShellInit {
        /// The shell to print for; `shim` is a `docker` script to put earlier on PATH
        shell: Shell,
    },
    /// Print the version
    #[command(help_template = "{about-with-newline}\n{usage-heading} {usage}\n")]
    Version,
}

/// For a command that has no use for the options that all commands take.
const BARE: &str = "{about-with-newline}\n{usage-heading} {usage}\n\nArguments:\n{positionals}\n";

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::Cyan.on_default());

/// Returns what ends the long help, with the name that was typed.
fn epilogue(door: Door) -> String {
    let name = door.command();
    format!(
        "Examples:\n  \
        {name} --dry-run            see what would be done; nothing is changed\n  \
        {name} --home /data/trains  migrate the server in another directory\n  \
        {name} elastic -p           migrate one Elasticsearch directory only\n  \
        {name} rollback             go back to the old server\n\n\
        Docker's global options, such as --context, go right behind `docker`.\n\n\
        Exit codes:\n    \
        0  done\n    \
        1  failed, and undone or to be continued\n    \
        2  wrong usage\n    \
        3  a check refused; nothing was changed\n    \
        4  verification found a difference\n    \
        5  an undo failed\n  \
        130  stopped on request"
    )
}

/// Returns the tree of commands behind `door`, built, so that it can be walked.
pub fn command(door: Door) -> clap::Command {
    let mut migrate = Cli::command().after_long_help(epilogue(door));
    for (name, log, _) in OF_DIRECTORIES {
        migrate = without_compose(migrate, name, log);
    }
    let migrate = migrate.mut_subcommand("check", |check| {
        // Accepted, so that a command line can be checked as it is, and of no use there.
        ["dry_run", "on_failure", "accept_rejects"]
            .into_iter()
            .fold(check, |check, id| check.mut_arg(id, |argument| argument.hide(true)))
    });
    let mut tree = match door {
        Door::Plugin => clap::Command::new("docker clearml")
            .bin_name("docker clearml")
            .about("Migrate a Trains Server to ClearML Server")
            .version(env!("CARGO_PKG_VERSION"))
            .after_help("Start with: docker clearml migrate --dry-run")
            .max_term_width(100)
            .subcommand_required(true)
            .subcommand(migrate.name(MIGRATE))
            .subcommand(clap::Command::new("version").about("Print the version")),
        Door::Hyphen | Door::Standalone => migrate.name(door.command()).bin_name(door.command()),
    }
    .no_binary_name(true)
    .styles(STYLES);
    tree.build();
    tree
}

/// Gives a command arguments of its own in place of those that say which compose project is meant: they have no
/// meaning for it, and one of them has a letter that it uses otherwise. Clap leaves out a global argument where it
/// finds one of the same id.
fn without_compose(tree: clap::Command, name: &str, log_help: &'static str) -> clap::Command {
    let hidden: Vec<Arg> = tree
        .get_arguments()
        .filter(|argument| COMPOSE_ARGUMENTS.contains(&argument.get_id().as_str()))
        .map(|argument| argument.clone().global(false).short(None).hide(true))
        .collect();
    let log = tree.get_arguments().find(|argument| argument.get_id() == "log_file").cloned();
    let log = log.map(|argument| argument.global(false).help(log_help));
    tree.mut_subcommand(name, |command| command.args(hidden).args(log))
}

/// The commands that are told directories and not a server, what the help says about their log, and how they are told.
const OF_DIRECTORIES: [(&str, &str, &str); 3] = [
    ("elastic", "Write the log here [default: upgrade_to_7_<date_time>.log in the current directory]", "--source DIR"),
    ("export", "Write the log here [default: no log]", "--source DIR"),
    ("import", "Write the log here [default: no log]", "--input DIR"),
];

/// The ids of the arguments that say which compose project is meant.
const COMPOSE_ARGUMENTS: [&str; 5] = ["file", "project_name", "project_directory", "env_file", "home"];

/// Parses the words behind the name.
///
/// # Errors
/// Returns clap's error, which is also how help and `--version` come out.
pub fn parse(door: Door, words: &[OsString]) -> Result<Cli, clap::Error> {
    // Whoever is used to `docker clearml migrate` types the word behind the other names, too.
    let words = match words {
        [first, rest @ ..] if first == MIGRATE && door != Door::Plugin => rest,
        words => words,
    };
    let mut tree = command(door);
    let matches = tree.try_get_matches_from_mut(words).map_err(|error| mistakes::explain(error, &tree, door, words))?;
    match (door, matches.subcommand()) {
        (Door::Plugin, Some((MIGRATE, matches))) => {
            let migrate = tree.find_subcommand_mut(MIGRATE).map_or_else(Cli::command, |found| found.clone());
            finish(migrate, matches)
        }
        (Door::Plugin, _) => Ok(Cli {
            session: SessionArgs::default(),
            migration: MigrationArgs::default(),
            command: Some(Command::Version),
        }),
        (Door::Hyphen | Door::Standalone, _) => finish(tree, &matches),
    }
}

fn finish(mut tree: clap::Command, matches: &ArgMatches) -> Result<Cli, clap::Error> {
    if let (Some(command), Some(option)) = (matches.subcommand_name(), misplaced(matches)) {
        let knows =
            |command: &clap::Command| command.get_arguments().any(|one| one.get_long() == Some(option.as_str()));
        let message = match tree.find_subcommand(command).is_some_and(knows) {
            true => format!("--{option} is an option of `{command}` here: put it after that word"),
            false => format!("--{option} is an option of the migration and has no meaning for `{command}`"),
        };
        return Err(tree.error(ErrorKind::ArgumentConflict, message));
    }
    let of_directories = OF_DIRECTORIES.iter().find(|(name, ..)| matches.subcommand_name() == Some(name));
    if let (Some((command, _, how)), Some(option)) = (of_directories, typed(matches, COMPOSE_ARGUMENTS)) {
        let message = format!(
            "--{} says where a server is and has no meaning for `{command}`, which is told directories: {how}",
            option.replace('_', "-")
        );
        return Err(tree.error(ErrorKind::ArgumentConflict, message));
    }
    Cli::from_arg_matches(matches)
}

/// Returns the first of the arguments that was typed.
fn typed<'a>(matches: &ArgMatches, ids: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    ids.into_iter().find(|id| matches.value_source(id) == Some(ValueSource::CommandLine))
}

/// Returns the name of an option of the migration that was typed before a command.
fn misplaced(matches: &ArgMatches) -> Option<String> {
    let arguments = MigrationArgs::augment_args(clap::Command::new(""));
    let id = typed(matches, arguments.get_arguments().map(|argument| argument.get_id().as_str()))?;
    arguments.get_arguments().find(|argument| argument.get_id() == id)?.get_long().map(str::to_owned)
}

#[cfg(test)]
mod tests;
