//! The names that compose gives to projects nobody named. They follow from the directory's name, by rules that differ
//! between docker-compose 1.x and what came after it.

use serde::{Deserialize, Serialize};
use std::path::Path;

/// The two programs that are called compose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Generation {
    /// `docker-compose` 1.x, in Python.
    V1,
    /// `docker compose` 2 and later, and the standalone `docker-compose` of the same code.
    #[default]
    V2,
}

impl Generation {
    /// Returns a project's name as compose makes it of a wish: lower case, only `[a-z0-9_-]`, in version 2 not beginning
    /// with `_` or `-`. Empty when nothing is left.
    ///
    /// Sources: compose 1.29.2 `compose/cli/command.py`, `get_project_name`; compose-go `loader.NormalizeProjectName`.
    pub fn normal_name(self, wish: &str) -> String {
        let lower = wish.to_lowercase();
        let kept: String = lower.chars().filter(|c| matches!(c, 'a'..='z' | '0'..='9' | '-' | '_')).collect();
        match self {
            Self::V1 => kept,
            Self::V2 => kept.trim_start_matches(['-', '_']).to_owned(),
        }
    }

    /// Returns the name of a project in this directory, unless somebody named it. None when compose has none either.
    pub fn default_name(self, directory: &Path) -> Option<String> {
        let name = self.normal_name(&directory.file_name()?.to_string_lossy());
        (!name.is_empty()).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seen with compose 1.25.0, 1.29.2 and 2.40.3.
    #[test]
    fn a_directory_names_its_project() {
        let table = [
            ("/opt/trains", Some("trains"), Some("trains")),
            ("/opt/Trains Server.v1", Some("trainsserverv1"), Some("trainsserverv1")),
            ("/srv/_ML-ops", Some("_ml-ops"), Some("ml-ops")),
            ("/srv/___", Some("___"), None),
            ("/", None, None),
        ];
        for (directory, v1, v2) in table {
            assert_eq!(Generation::V1.default_name(Path::new(directory)).as_deref(), v1, "{directory}");
            assert_eq!(Generation::V2.default_name(Path::new(directory)).as_deref(), v2, "{directory}");
        }
    }
}
