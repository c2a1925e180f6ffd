//! The options of each command, as they are typed. Their comments are the help.

use clap::{Args, ValueEnum, ValueHint};
use std::path::PathBuf;

/// Options of every command: where the old server is, and how to talk.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Where the old server is")]
pub struct SessionArgs {
    /// Compose file of the old server; give it several times for several files [env: COMPOSE_FILE]
    #[arg(short, long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Vec<PathBuf>,
    /// Compose project name; behind `elastic`, -p means --parallel [env: COMPOSE_PROJECT_NAME]
    #[arg(short, long, global = true, value_name = "NAME")]
    pub project_name: Option<String>,
    /// Directory that relative paths of the compose file start from
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub project_directory: Option<PathBuf>,
    /// File with variables for the compose file; may be given several times [env: COMPOSE_ENV_FILES]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub env_file: Vec<PathBuf>,
    /// Root directory of the old server, such as /opt/trains
    #[arg(long, global = true, value_name = "DIR", env = "CLEARML_MIGRATE_HOME", hide_env_values = true, value_hint = ValueHint::DirPath)]
    pub home: Option<PathBuf>,
    /// Do what the plan says without asking
    #[arg(short, long, global = true, env = "CLEARML_MIGRATE_YES", hide_env_values = true, value_parser = clap::builder::FalseyValueParser::new(), help_heading = "Talking")]
    pub yes: bool,
    /// Write the log here [default: in .clearml-migrate/log/ of the server's directory]
    #[arg(long, global = true, value_name = "FILE", env = "CLEARML_MIGRATE_LOG_FILE", hide_env_values = true, value_hint = ValueHint::FilePath, help_heading = "Talking")]
    pub log_file: Option<PathBuf>,
}

/// Options of the checks.
#[derive(Debug, Clone, Default, Args)]
pub struct CheckArgs {
    /// Look at every document, too: which values the new Elasticsearch does not take, and which documents it refuses
    ///
    /// Reads the files of the old Elasticsearch while it runs, with the lowest priority, and changes nothing. What is
    /// written after the beginning is not seen.
    #[arg(long, help_heading = "What to check")]
    pub documents: bool,
    /// Write the documents that would be refused here, to be read, and given to the migration with --accept-rejects
    #[arg(long, value_name = "FILE", requires = "documents", value_hint = ValueHint::FilePath, help_heading = "What to check")]
    pub rejects: Option<PathBuf>,
    /// What the migration would be.
    #[command(flatten)]
    pub migration: MigrationArgs,
}

/// Options of a migration and of its checks.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "How to migrate")]
pub struct MigrationArgs {
    /// Show the plan and stop: nothing is written, no container is created
    #[arg(long)]
    pub dry_run: bool,
    /// Release of ClearML Server to migrate to, such as 1.1
    #[arg(long, value_name = "RELEASE", env = "CLEARML_MIGRATE_TO", hide_env_values = true)]
    pub to: Option<String>,
    /// Directory that the server moves to [default: /opt/trains becomes /opt/clearml]
    #[arg(long, value_name = "DIR", conflicts_with = "keep_home", value_hint = ValueHint::DirPath)]
    pub new_home: Option<PathBuf>,
    /// Leave the server's directory where it is, under its old name
    #[arg(long)]
    pub keep_home: bool,
    /// What to back up before anything else, beside the configuration
    #[arg(long, value_name = "WHAT", conflicts_with = "no_backup")]
    pub backup: Option<BackupArg>,
    /// Make no backup; short for --backup none
    #[arg(short, long)]
    pub no_backup: bool,
    /// Directory for the backup [default: .clearml-migrate/backup/ of the server's directory]
    #[arg(long, value_name = "DIR", env = "CLEARML_MIGRATE_BACKUP_DIR", hide_env_values = true, conflicts_with = "no_backup", value_hint = ValueHint::DirPath)]
    pub backup_dir: Option<PathBuf>,
    /// Copy data out of containers that hold the only ones, and keep these containers
    #[arg(long)]
    pub rescue: bool,
    /// Let this program alone say what MongoDB's log has, where the old image that would recover it is not to be had
    #[arg(long)]
    pub replay: bool,
    /// How the documents are copied.
    #[command(flatten)]
    pub copy: CopyArgs,
    /// What to do when the new server does not come up [default: ask; with --yes or without a terminal: rollback]
    #[arg(long, value_name = "ACTION", env = "CLEARML_MIGRATE_ON_FAILURE", hide_env_values = true)]
    pub on_failure: Option<OnFailureArg>,
}

/// How documents are copied, by whatever command.
#[derive(Debug, Clone, Default, Args)]
pub struct CopyArgs {
    /// What reads the old Elasticsearch data [default: auto]
    #[arg(long, value_name = "READER", env = "CLEARML_MIGRATE_READER", hide_env_values = true)]
    pub reader: Option<ReaderArg>,
    /// How to compare the new data with the old ones before anything else is changed [default: full]
    #[arg(long, value_name = "HOW", env = "CLEARML_MIGRATE_VERIFY", hide_env_values = true)]
    pub verify: Option<VerifyArg>,
    /// What to do with documents of one index that share their _id [default: refuse]
    #[arg(long, value_name = "WHAT", env = "CLEARML_MIGRATE_ON_ID_COLLISION", hide_env_values = true)]
    pub on_id_collision: Option<OnIdCollisionArg>,
    /// Say that the old server never had an experiment: only then may its data hold nothing
    #[arg(long)]
    pub empty: bool,
    /// Memory for the temporary Elasticsearch nodes, such as 4g [default: from what the machine has]
    #[arg(long, value_name = "SIZE", env = "CLEARML_MIGRATE_MEMORY", hide_env_values = true, value_parser = crate::text::parse_size)]
    pub memory: Option<u64>,
    /// Go on without the documents in this rejects file, which an earlier run wrote and you have read
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub accept_rejects: Option<PathBuf>,
}

/// Options of `elastic`: those of elastic_upgrade.py first.
#[derive(Debug, Clone, Default, Args)]
pub struct ElasticArgs {
    /// Elasticsearch 5 data directory to migrate [default: /opt/trains/data/elastic]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub source: Option<PathBuf>,
    /// Directory to make for the new data [default: /opt/trains/data/elastic_7]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub target: Option<PathBuf>,
    /// Make no backup
    #[arg(short, long)]
    pub no_backup: bool,
    /// Copy several indices at the same time, not one after another; elsewhere, -p is the project name
    #[arg(short, long)]
    pub parallel: bool,
    /// Elasticsearch to write the new data with: 7.6.2 to 7.17.x [default: 7.6.2]
    #[arg(long, value_name = "VERSION", value_parser = crate::cli::parse_elastic_version)]
    pub target_version: Option<String>,
    /// Directory for the backup [default: beside the data, as <source>_5.tar.gz]
    #[arg(long, value_name = "DIR", env = "CLEARML_MIGRATE_BACKUP_DIR", hide_env_values = true, conflicts_with = "no_backup", value_hint = ValueHint::DirPath)]
    pub backup_dir: Option<PathBuf>,
    /// How the documents are copied.
    #[command(flatten)]
    pub copy: CopyArgs,
    /// Show the plan and stop: nothing is written, no container is created
    #[arg(long)]
    pub dry_run: bool,
}

/// Options of `export`.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// Data directory of Elasticsearch 5 or of MongoDB 3.2 to 8.0, or the server's home for both, such as /opt/trains [default: /opt/trains/data/elastic]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub source: Option<PathBuf>,
    /// Directory to write to, or - for standard output [default: elastic_5_export or mongo_export in the current directory]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub output: Option<PathBuf>,
    /// Only the indices or collections whose names match, such as 'events-*' or 'backend.*'
    #[arg(long, value_name = "GLOB", default_value = "*")]
    pub index: String,
    /// How to write the documents [default: ndjson; bson of MongoDB's]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<ExportFormat>,
    /// List what there is and write nothing; Elasticsearch may be running, MongoDB not
    #[arg(long)]
    pub list: bool,
    /// Say that there never was an index: only then may the data hold none
    #[arg(long)]
    pub empty: bool,
    /// Of a mongod that was killed: put its log over the last checkpoint, as the server would at its next start
    #[arg(long, conflicts_with = "last_checkpoint")]
    pub replay: bool,
    /// Of a mongod's files without their log, or with one that is to be left out: what the last checkpoint has
    #[arg(long)]
    pub last_checkpoint: bool,
    /// Where MongoDB is lost: write the tasks that Elasticsearch's events speak of, with their metrics and times
    #[arg(long, conflicts_with_all = ["format", "list", "empty", "replay", "last_checkpoint"])]
    pub tasks_from_events: bool,
}

/// Options of `import`.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// Directory that `export` has written [default: elastic_5_export in the current directory]
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub input: Option<PathBuf>,
    /// Address of the Elasticsearch, such as http://127.0.0.1:9200; without TLS
    ///
    /// Where it asks for a user: http://USER@HOST:9200, with the password in the variable CLEARML_MIGRATE_PASSWORD, or in the
    /// address as http://USER:PASSWORD@HOST:9200.
    #[arg(short, long, value_name = "URL", value_hint = ValueHint::Url)]
    pub target: String,
    /// Only the indices whose names match, whosever they are [default: those of the server]
    #[arg(long, value_name = "GLOB")]
    pub index: Option<String>,
    /// How to compare what was written with what was read
    #[arg(long, value_name = "HOW", default_value = "api")]
    pub verify: ImportVerifyArg,
    /// Go on without the documents in this rejects file, which an earlier run wrote and you have read
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub accept_rejects: Option<PathBuf>,
    /// Check export and Elasticsearch, say what would be made, and stop: nothing is written
    #[arg(long)]
    pub dry_run: bool,
}

/// Values of `import --verify`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImportVerifyArg {
    /// Read every document back
    Api,
    /// Count the documents
    Counts,
}

/// Values of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// As they lie there, with their metadata: as mongorestore takes them. Of MongoDB's only.
    Bson,
    /// Lines of JSON; of MongoDB's, canonical Extended JSON.
    Ndjson,
    /// The same, compressed with Zstandard.
    #[value(name = "ndjson.zst")]
    NdjsonZst,
}

/// Which migration is meant, where it was one of `elastic`.
#[derive(Debug, Clone, Default, Args)]
pub struct SourceArg {
    /// Data directory that `elastic` was given; other migrations are found by --home or -f
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub source: Option<PathBuf>,
}

/// Options of `verify`.
#[derive(Debug, Clone, Default, Args)]
pub struct VerifyArgs {
    /// Which migration is meant.
    #[command(flatten)]
    pub which: SourceArg,
    /// Rejects file whose documents are not missed, beside those that the migration was told to accept
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub accept_rejects: Option<PathBuf>,
}

/// Options of `rollback`.
#[derive(Debug, Clone, Default, Args)]
pub struct RollbackArgs {
    /// Put everything back, but leave the old server stopped
    #[arg(long)]
    pub no_start: bool,
    /// Say what would be done, and stop
    #[arg(long)]
    pub dry_run: bool,
    /// Which migration is meant.
    #[command(flatten)]
    pub which: SourceArg,
}

/// Values of `--backup`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BackupArg {
    /// Every data directory
    All,
    /// The Elasticsearch data (the default)
    Elastic,
    /// Nothing
    None,
}

/// Values of `--reader`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReaderArg {
    /// From its files; by a temporary Elasticsearch 5.6 where these are of an unknown kind
    Auto,
    /// From its files, or not at all
    Segments,
    /// By a temporary Elasticsearch 5.6 on a clone
    Scroll,
}

/// Values of `--verify`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VerifyArg {
    /// Every document, from the new data's files; some of them also as the new node gives them
    Full,
    /// Every document, as the new node gives it
    Api,
    /// Only how many documents there are
    Counts,
}

/// Values of `--on-id-collision`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnIdCollisionArg {
    /// Copy nothing, and list them
    Refuse,
    /// Copy all, of each _id all but one as <type>-<_id>, and list those
    PrefixType,
}

/// Values of `--on-failure`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnFailureArg {
    /// Go back to the old server
    Rollback,
    /// Stop there, to look at it; the same command continues
    Stop,
}

/// Values of `shell-init`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// A function, for ~/.bashrc
    Bash,
    /// A function, for ~/.zshrc
    Zsh,
    /// A function, for ~/.config/fish/config.fish
    Fish,
    /// A script, for a directory that is first on PATH
    Shim,
}
