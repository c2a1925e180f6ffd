//! The paths in compose's labels. Version 2 writes absolute ones. Version 1 writes them as they were typed, relative to
//! the directory in which somebody called it, and that directory is in no label: it is concluded here.
//!
//! The project directory, which is in a label, is that of the first file, unless `--project-directory` was given. So
//! `trains/docker-compose.yml` in the project directory `/opt/trains` was typed in `/opt`. Seen with 1.25.0 and 1.29.2.

use crate::docker::Container;
use std::path::{Component, Path, PathBuf};

pub(super) const WORKING_DIR: &str = "com.docker.compose.project.working_dir";
pub(super) const CONFIG_FILES: &str = "com.docker.compose.project.config_files";

/// The labels of a project's files.
pub(super) struct LabelPaths<'a> {
    /// Absolute project directory.
    working_dir: Option<&'a Path>,
    /// Names of the compose files.
    listed: &'a str,
    /// Directory of the first file as it was typed; empty for a file that was typed without one.
    typed_in: PathBuf,
}

impl<'a> LabelPaths<'a> {
    pub(super) fn new(working_dir: Option<&'a Path>, listed: &'a str) -> Self {
        let first = listed.split(',').next().unwrap_or_default();
        Self { working_dir, listed, typed_in: normal(Path::new(first).parent().unwrap_or(Path::new(""))) }
    }

    /// Returns the compose files. Compose joins them with commas and knows no escape.
    ///
    /// # Errors
    /// A phrase that says why they cannot be told.
    pub(super) fn files(&self) -> Result<Vec<PathBuf>, String> {
        if self.listed.contains(',') && self.places(self.listed)?.iter().any(|path| path.exists()) {
            return Err(format!("the commas in {} may be part of a name or between two names", self.listed));
        }
        self.listed.split(',').map(|text| self.existing(&self.places(text)?)).collect()
    }

    /// Returns the environment files. Compose 1.29 takes the one that it knows from where it is called, 1.25 from the
    /// project directory.
    ///
    /// # Errors
    /// A phrase that says why they cannot be told.
    pub(super) fn environment_files(&self, listed: &str) -> Result<Vec<PathBuf>, String> {
        listed.split(',').map(|text| self.environment_file(text)).collect()
    }

    fn environment_file(&self, text: &str) -> Result<PathBuf, String> {
        let beside = self.working_dir.map(|dir| normal(&dir.join(text)));
        let mut places = match (self.places(text), &beside) {
            (Ok(places), _) => places,
            (Err(_), Some(_)) => Vec::new(),
            (Err(why), None) => return Err(why),
        };
        places.extend(beside);
        places.dedup();
        match places.iter().filter(|path| path.is_file()).collect::<Vec<_>>().as_slice() {
            [one, other] => Err(format!("{} and {} may both be meant", one.display(), other.display())),
            _ => self.existing(&places),
        }
    }

    /// Returns where a path may be.
    fn places(&self, text: &str) -> Result<Vec<PathBuf>, String> {
        let typed = Path::new(text);
        if typed.is_absolute() {
            return Ok(vec![typed.to_owned()]);
        }
        let unknown = || format!("it is not known where its file {text} is");
        let dir = self.working_dir.ok_or_else(unknown)?;
        if !self.first_file_is_in(dir) {
            // `--project-directory` was given; that it is where compose was called is the usual case.
            return Ok(vec![normal(&dir.join(typed))]);
        }
        let from_first = from(&self.typed_in, &normal(typed)).ok_or_else(unknown)?;
        Ok(vec![normal(&dir.join(from_first))])
    }

    /// Whether the first file, as it was typed, can be directly in a directory.
    fn first_file_is_in(&self, dir: &Path) -> bool {
        let below: PathBuf = self.typed_in.components().skip_while(|part| *part == Component::ParentDir).collect();
        dir.ends_with(below)
    }

    fn existing(&self, places: &[PathBuf]) -> Result<PathBuf, String> {
        let gone = || {
            let names: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
            format!("its file {} is not there any more", names.join(" or "))
        };
        places.iter().find(|path| path.is_file()).cloned().ok_or_else(gone)
    }
}

/// Returns how a path is written from a directory, both being relative to the same place; none when that needs the
/// name of a directory that only a `..` stands for.
fn from(dir: &Path, path: &Path) -> Option<PathBuf> {
    let (mut dir, mut path) = (dir.components().peekable(), path.components().peekable());
    while dir.peek().is_some() && dir.peek() == path.peek() {
        dir.next();
        path.next();
    }
    let up: Option<Vec<Component<'_>>> =
        dir.map(|part| (part != Component::ParentDir).then_some(Component::ParentDir)).collect();
    Some(up?.into_iter().chain(path).collect())
}

/// Drops `.` and resolves `..` in writing, as compose does with what it is given. Leading `..` of a relative path stay.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            Component::ParentDir if out.has_root() => {}
            other => out.push(other),
        }
    }
    out
}

/// Returns the directory that the containers of a project were created in, as compose called it.
pub(super) fn working_directory(containers: &[Container]) -> Option<&Path> {
    containers.iter().find_map(|one| one.label(WORKING_DIR)).map(Path::new).filter(|dir| dir.is_absolute())
}

/// Returns the compose files of a project as its labels write them.
pub(super) fn listed_files(containers: &[Container]) -> Vec<&str> {
    containers.iter().find_map(|one| one.label(CONFIG_FILES)).into_iter().flat_map(|list| list.split(',')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Labels as the real docker-compose 1.25.0 and 1.29.2 wrote them, called in the directory that is named first.
    #[test]
    fn paths_are_found_from_wherever_compose_was_called() {
        let root = tempfile::tempdir().unwrap();
        for name in ["trains/docker-compose.yml", "other/more.yml", "other/x.env", "trains/y.env"] {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let (trains, other) = (root.path().join("trains"), root.path().join("other"));
        let files = vec![trains.join("docker-compose.yml"), other.join("more.yml")];
        let table = [
            ("trains", "docker-compose.yml,../other/more.yml"),
            (".", "trains/docker-compose.yml,other/more.yml"),
            ("third", "../trains/docker-compose.yml,../other/more.yml"),
            ("trains/sub", "../docker-compose.yml,../../other/more.yml"),
            ("anywhere", &format!("{},{}", files[0].display(), files[1].display())),
        ];
        for (called_in, label) in table {
            assert_eq!(LabelPaths::new(Some(&trains), label).files().unwrap(), files, "{called_in}");
        }
        // Where `more.yml` was typed is known to be a neighbour of `trains`, but not which.
        let neighbour = LabelPaths::new(Some(&trains), "../trains/docker-compose.yml,more.yml").files();
        assert!(neighbour.unwrap_err().contains("not known where"));
        // With --project-directory.
        let elsewhere = LabelPaths::new(Some(root.path()), "trains/docker-compose.yml").files();
        assert_eq!(elsewhere.unwrap(), &files[..1]);
        assert!(LabelPaths::new(Some(&other), "trains/docker-compose.yml").files().is_err());
        // 1.29 writes the environment file from where it was called, 1.25 from the project directory.
        let labels = LabelPaths::new(Some(&trains), "trains/docker-compose.yml");
        assert_eq!(labels.environment_files("other/x.env").unwrap(), [other.join("x.env")]);
        assert_eq!(labels.environment_files("y.env").unwrap(), [trains.join("y.env")]);
        std::fs::write(root.path().join("y.env"), "").unwrap();
        assert!(labels.environment_files("y.env").unwrap_err().contains("both"));
    }

    #[test]
    fn dots_are_dropped_in_writing_only() {
        let table = [("/a/./b/../c", "/a/c"), ("../../a/../b", "../../b"), ("./x", "x"), ("/../a", "/a")];
        for (path, expected) in table {
            assert_eq!(normal(Path::new(path)), Path::new(expected), "{path}");
        }
    }
}
