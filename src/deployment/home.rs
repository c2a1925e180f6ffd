//! The server's root directory, such as `/opt/trains`: what the bind mounts of its data have in common.

use super::{Mount, Storage};
use crate::role::{DATA_PATHS, Role};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// Where the stock compose files put other things below the root, by container path.
const OTHERS: [(&str, &[&str]); 4] = [
    ("/var/log/trains", &["logs"]),
    ("/var/log/clearml", &["logs"]),
    ("/opt/trains/config", &["config"]),
    ("/opt/clearml/config", &["config"]),
];

/// Returns where the stock compose files put things below the root, by container path. The last component of a retired
/// or new directory may differ, the rest may not.
fn stock() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    DATA_PATHS.into_iter().map(|one| (one.path, one.below_home)).chain(OTHERS)
}

/// Concludes the root directory: the one that most stock mounts are below of; else what all mounts of the server have
/// in common; else the directory of the compose project.
pub(super) fn conclude<'a>(mounts: impl Iterator<Item = (Role, &'a Mount)>, project_directory: &Path) -> PathBuf {
    let binds: Vec<(&str, &Path)> = mounts
        .filter(|(role, _)| !matches!(role, Role::Other | Role::AgentServices))
        .filter_map(|(_, mount)| match &mount.storage {
            Storage::Bind { path } => Some((mount.target.trim_end_matches('/'), path.as_path())),
            _ => None,
        })
        .collect();
    let mut votes: BTreeMap<&Path, usize> = BTreeMap::new();
    for root in binds.iter().filter_map(|(target, path)| stock_root(target, path)) {
        *votes.entry(root).or_default() += 1;
    }
    // On a tie the shorter path, which sorts first.
    let winner = votes.iter().rev().max_by_key(|(_, count)| **count).map(|(root, _)| root.to_path_buf());
    let known = |target: &str| stock().any(|(path, _)| path == target);
    winner
        .or_else(|| common_root(binds.iter().filter(|(target, _)| known(target)).map(|(_, path)| *path)))
        .unwrap_or_else(|| project_directory.to_owned())
}

/// Takes the stock part off a path. Returns `None` when the path is not laid out as in the stock files.
fn stock_root<'a>(target: &str, path: &'a Path) -> Option<&'a Path> {
    let (_, suffixes) = stock().find(|(path, _)| *path == target)?;
    suffixes.iter().filter(|suffix| path.ends_with(suffix)).find_map(|suffix| {
        let root = path.ancestors().nth(Path::new(suffix).components().count())?;
        root.file_name().map(|_| root)
    })
}

/// Returns what two or more paths have in common, unless that is a directory every machine has.
fn common_root<'a>(paths: impl Iterator<Item = &'a Path>) -> Option<PathBuf> {
    let paths: Vec<&Path> = paths.collect();
    let (first, rest) = paths.split_first()?;
    if rest.is_empty() {
        return None;
    }
    let common = first.ancestors().find(|root| rest.iter().all(|path| path.starts_with(root)))?;
    let depth = common.components().filter(|part| matches!(part, Component::Normal(_))).count();
    (depth >= 2).then(|| common.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(binds: &[(&str, &str)]) -> PathBuf {
        let mounts: Vec<Mount> = binds
            .iter()
            .map(|(path, target)| Mount {
                target: (*target).to_owned(),
                storage: Storage::Bind { path: path.into() },
                read_only: false,
            })
            .collect();
        conclude(mounts.iter().map(|mount| (Role::Elasticsearch, mount)), Path::new("/srv/project"))
    }

    #[test]
    fn the_root_is_where_the_stock_directories_are() {
        let stock = [
            ("/opt/trains/data/elastic", "/usr/share/elasticsearch/data"),
            ("/opt/trains/data/mongo/db", "/data/db"),
            ("/mnt/big/redis", "/data"),
            ("/opt/trains/logs", "/var/log/trains"),
        ];
        assert_eq!(home(&stock), Path::new("/opt/trains"));
        assert_eq!(home(&stock[..1]), Path::new("/opt/trains"));
        let moved = [("/big/fileserver", "/mnt/fileserver"), ("/home/a/trains/config", "/opt/trains/config")];
        assert_eq!(home(&moved), Path::new("/home/a/trains"));
    }

    #[test]
    fn other_layouts_have_the_root_in_common() {
        let own =
            [("/srv/ml/es", "/usr/share/elasticsearch/data/"), ("/srv/ml/db/mongo", "/data/db"), ("/etc", "/etc")];
        assert_eq!(home(&own), Path::new("/srv/ml"));
        let apart = [("/srv/es", "/usr/share/elasticsearch/data"), ("/var/mongo", "/data/db")];
        assert_eq!(home(&apart), Path::new("/srv/project"));
        assert_eq!(home(&[("/data/elastic", "/usr/share/elasticsearch/data")]), Path::new("/srv/project"));
        assert_eq!(home(&[]), Path::new("/srv/project"));
    }
}
