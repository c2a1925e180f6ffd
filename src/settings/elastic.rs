//! What `elastic` was asked for.

use super::paths::absolute;
use super::{ComposeArgs, ReaderWish, Session, collisions, verification};
use crate::cli::ElasticArgs;
use crate::error::Result;
use crate::plan::{OnIdCollision, Verification};
use crate::text::quote;
use std::path::{Path, PathBuf};

/// A migration of one Elasticsearch data directory that was asked for; the session names the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elastic {
    /// Where and how.
    pub session: Session,
    /// Absolute path of the data directory.
    pub source: PathBuf,
    /// Absolute path of the new data directory, if it was said.
    pub target: Option<PathBuf>,
    /// Make a backup.
    pub backup: bool,
    /// Absolute directory for the backup, if it was said.
    pub backup_dir: Option<PathBuf>,
    /// Copy several indices side by side.
    pub parallel: bool,
    /// Version of the Elasticsearch that writes, if it was said.
    pub version: Option<String>,
    /// Bytes of memory for the temporary nodes, if it was said.
    pub memory: Option<u64>,
    /// What is to read the old Elasticsearch data.
    pub reader: ReaderWish,
    /// How the new data are compared, if it was said.
    pub verification: Option<Verification>,
    /// What becomes of documents that share their `_id`, if it was said.
    pub on_id_collision: Option<OnIdCollision>,
    /// It was said that the old server is empty.
    pub empty: bool,
    /// Absolute path of the rejects file that the user has read and given back.
    pub accept_rejects: Option<PathBuf>,
    /// Stop after the plan; nothing is written.
    pub dry_run: bool,
}

impl Elastic {
    /// Where a stock Trains Server keeps its Elasticsearch data.
    pub const SOURCE: &str = usual(cfg!(windows)).0;
    /// The Elasticsearch that writes when none was said: that of ClearML Server 1.0 and 1.1.
    pub const VERSION: &str = "7.6.2";
    /// Where a stock server of Elasticsearch 7 looks for them.
    pub const TARGET: &str = usual(cfg!(windows)).1;
}

impl Session {
    /// Returns the command line of `elastic` for the session's source and this target.
    pub fn elastic_command(&self, target: &Path) -> String {
        let command = self.command("elastic");
        match target == Path::new(Elastic::TARGET) {
            true => command,
            false => format!("{command} --target {}", quote(&target.to_string_lossy())),
        }
    }
}

/// Returns the directories that upstream's elastic_upgrade.py takes when it is told none, source and target.
const fn usual(windows: bool) -> (&'static str, &'static str) {
    match windows {
        true => (r"c:\opt\trains\data\elastic", r"c:\opt\trains\data\elastic_7"),
        false => ("/opt/trains/data/elastic", "/opt/trains/data/elastic_7"),
    }
}

pub(super) fn resolve(arguments: &ElasticArgs, session: Session) -> Result<Elastic> {
    let absolute = |path: &PathBuf| absolute(path, &session.current_dir);
    let source = arguments.source.as_ref().map_or_else(|| Elastic::SOURCE.into(), absolute);
    Ok(Elastic {
        target: arguments.target.as_ref().map(absolute),
        backup: !arguments.no_backup,
        backup_dir: arguments.backup_dir.as_ref().map(absolute),
        parallel: arguments.parallel,
        version: arguments.target_version.clone(),
        memory: arguments.copy.memory,
        reader: arguments.copy.reader.into(),
        verification: verification::resolve(arguments.copy.verify),
        on_id_collision: collisions::resolve(arguments.copy.on_id_collision, arguments.copy.reader.into())?,
        empty: arguments.copy.empty,
        accept_rejects: arguments.copy.accept_rejects.as_ref().map(absolute),
        dry_run: arguments.dry_run,
        // What says where a server is may be in the environment, and has no meaning here.
        session: Session { source: Some(source.clone()), home: None, compose: ComposeArgs::default(), ..session },
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_directories_those_of_upstream_s_script_are_meant() {
        assert_eq!((Elastic::SOURCE, Elastic::TARGET), ("/opt/trains/data/elastic", "/opt/trains/data/elastic_7"));
        assert_eq!(usual(true), (r"c:\opt\trains\data\elastic", r"c:\opt\trains\data\elastic_7"));
    }
}
