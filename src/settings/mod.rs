//! What was meant: the command line and the environment, fully resolved. Pure.

mod collisions;
mod compose;
mod copying;
mod elastic;
mod export;
mod import;
mod migration;
mod node_address;
mod paths;
mod reader;
mod session;
mod verification;

pub use compose::ComposeArgs;
pub use copying::{Backup, Copying};
pub use elastic::Data;
pub use export::{Export, ExportTo};
pub use import::Import;
pub use migration::{Migration, NewHome, OnFailure, Server, Subject};
pub use node_address::NodeAddress;
pub use paths::{STATE_DIR, STATE_DIR_OF_ROOT};
pub use reader::ReaderChoice;
pub use session::{Session, Terminal};

use crate::cli::{Cli, Command, SessionArgs, Shell, SourceArg};
use crate::environment::Environment;
use crate::error::Result;
use crate::invocation::Call;
use paths::absolute;
use std::path::PathBuf;

/// The release that `--to` means when it is not given.
pub const DEFAULT_RELEASE: &str = "1.1";

/// What is to be done, with all that it needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Find, check, plan, ask, migrate.
    Migrate(Migration),
    /// The checks alone.
    Check(Check),
    /// Documents as text.
    Export(Export),
    /// The same into an Elasticsearch that is given.
    Import(Import),
    /// Compare once more.
    Verify(Verify),
    /// Where a migration stands.
    Status(Session),
    /// Back to the old server.
    Rollback(Rollback),
    /// Print a shell function.
    ShellInit(Shell),
    /// Print the version.
    Version,
}

/// Checks that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Where and how.
    pub session: Session,
    /// What was said of the server whose migration they are of.
    pub server: Server,
    /// How its data would be backed up and copied.
    pub copying: Copying,
    /// Every document is looked at.
    pub documents: bool,
    /// Absolute path of the file for those that would be refused, if it was said.
    pub rejects: Option<PathBuf>,
}

/// A way back that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    /// Where and how.
    pub session: Session,
    /// Start the old server in the end.
    pub start: bool,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
}

/// A comparison that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verify {
    /// Where and how.
    pub session: Session,
    /// Absolute path of the rejects file that the migration was told to accept.
    pub accept_rejects: Option<PathBuf>,
}

/// Resolves a command line.
///
/// # Errors
/// Fails when the environment lacks what is needed, or a value makes no sense.
pub fn resolve(cli: Cli, call: Call, environment: &Environment) -> Result<Task> {
    let session = |arguments: &SessionArgs| session::resolve(arguments, &call, environment);
    let session_of = |which: &SourceArg| -> Result<Session> {
        let session = session(&cli.session)?;
        let source = which.source.as_ref().map(|path| absolute(path, &session.current_dir));
        Ok(Session { source, ..session })
    };
    Ok(match &cli.command {
        Some(Command::ShellInit { shell }) => Task::ShellInit(*shell),
        Some(Command::Version) => Task::Version,
        Some(Command::Status(which)) => Task::Status(session_of(which)?),
        Some(Command::Rollback(options)) => {
            let (start, dry_run) = (!options.no_start, options.dry_run);
            Task::Rollback(Rollback { session: session_of(&options.which)?, start, dry_run })
        }
        Some(Command::Elastic(options)) => Task::Migrate(migration::resolve_data(options, session(&cli.session)?)?),
        Some(Command::Export(options)) => Task::Export(export::resolve(options, session(&cli.session)?)?),
        Some(Command::Import(options)) => Task::Import(import::resolve(options, session(&cli.session)?, environment)?),
        Some(Command::Verify(options)) => {
            let session = session_of(&options.which)?;
            let accept_rejects = options.accept_rejects.as_ref().map(|path| absolute(path, &session.current_dir));
            Task::Verify(Verify { session, accept_rejects })
        }
        Some(Command::Check(options)) => {
            let session = session(&cli.session)?;
            let (server, copying) = migration::resolve_server(&options.migration, &session)?;
            let rejects = options.rejects.as_ref().map(|path| absolute(path, &session.current_dir));
            Task::Check(Check { session, server, copying, documents: options.documents, rejects })
        }
        None => Task::Migrate(migration::resolve(&cli.migration, session(&cli.session)?)?),
    })
}

#[cfg(test)]
mod tests;
