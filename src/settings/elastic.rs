//! What `elastic` was asked for.

use super::Session;
use super::paths::absolute;
use crate::cli::ElasticArgs;
use crate::text::quote;
use std::path::{Path, PathBuf};

/// One Elasticsearch data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// Absolute path of the data directory.
    pub source: PathBuf,
    /// Absolute path of the new data directory, if it was said.
    pub target: Option<PathBuf>,
    /// Copy several indices side by side.
    pub parallel: bool,
    /// Version of the Elasticsearch that writes, if it was said.
    pub version: Option<String>,
}

impl Data {
    /// Where a stock Trains Server keeps its Elasticsearch data.
    pub const SOURCE: &str = usual(cfg!(windows)).0;
    /// The Elasticsearch that writes when none was said: that of ClearML Server 1.0 and 1.1.
    pub const VERSION: &str = "7.6.2";
    /// Where a stock server of Elasticsearch 7 looks for them.
    pub const TARGET: &str = usual(cfg!(windows)).1;

    pub(super) fn resolve(arguments: &ElasticArgs, current_dir: &Path) -> Self {
        let absolute = |path: &PathBuf| absolute(path, current_dir);
        Self {
            source: arguments.source.as_ref().map_or_else(|| Self::SOURCE.into(), absolute),
            target: arguments.target.as_ref().map(absolute),
            parallel: arguments.parallel,
            version: arguments.target_version.clone(),
        }
    }
}

impl Session {
    /// Returns the command line of `elastic` for the session's source and this target.
    pub fn elastic_command(&self, target: &Path) -> String {
        let command = self.command("elastic");
        match target == Path::new(Data::TARGET) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_directories_those_of_upstream_s_script_are_meant() {
        assert_eq!((Data::SOURCE, Data::TARGET), ("/opt/trains/data/elastic", "/opt/trains/data/elastic_7"));
        assert_eq!(usual(true), (r"c:\opt\trains\data\elastic", r"c:\opt\trains\data\elastic_7"));
    }
}
