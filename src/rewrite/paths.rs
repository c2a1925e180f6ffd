//! A host path as a compose file writes it, put where the directory is after the migration, in the same way of writing.

use super::request::Request;
use crate::compose::{interpolate, mount};
use std::path::{Component, Path, PathBuf};

impl Request {
    /// Returns the new text for a host path: absolute, relative to the project directory, below `~`, or made of variables.
    ///
    /// Variables are renamed. A path that does not move keeps all its other bytes.
    pub fn host_path(&self, text: &str) -> String {
        let renamed = interpolate::rename(text, &|name| self.variables.new_name(name));
        let Some(old) = interpolate::resolve(text, &self.variables.before) else { return renamed };
        let old = absolute(&old, &self.project_directory, self.variables.before.get("HOME"));
        let new = self.moved(&old);
        let leads_there = |candidate: &str| self.resolved_after(candidate).is_some_and(|found| found == new);
        let below_home = self.below_new_home(&renamed);
        let candidates = [
            Some(renamed.clone()),
            Some(below_home.clone()),
            self.with_new_tail(&below_home, &new),
            self.with_new_tail(&renamed, &new),
            self.relative(&renamed, &new),
        ];
        let found = candidates.into_iter().flatten().find(|candidate| leads_there(candidate));
        found.unwrap_or_else(|| interpolate::escape(&new.display().to_string()))
    }

    /// Returns where a directory is after the migration.
    pub fn moved(&self, path: &Path) -> PathBuf {
        if let Some((_, new)) = self.paths.iter().find(|(old, _)| plain(old) == path) {
            return plain(new);
        }
        let Some((old, new)) = &self.home else { return path.to_owned() };
        path.strip_prefix(plain(old)).map_or_else(|_| path.to_owned(), |rest| plain(&new.join(rest)))
    }

    fn resolved_after(&self, text: &str) -> Option<PathBuf> {
        let directory = self.moved(&plain(&self.project_directory));
        let resolved = interpolate::resolve(text, &self.variables.after)?;
        Some(absolute(&resolved, &directory, self.variables.after.get("HOME")))
    }

    /// Replaces the old root where it is written out, in defaults of variables too.
    fn below_new_home(&self, text: &str) -> String {
        let Some((old, new)) = &self.home else { return text.to_owned() };
        let (Some(old), Some(new)) = (old.to_str(), new.to_str()) else { return text.to_owned() };
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((ahead, behind)) = rest.split_once(old) {
            let whole = behind.is_empty() || behind.starts_with(['/', '}']);
            out.push_str(ahead);
            out.push_str(if whole { new } else { old });
            rest = behind;
        }
        out.push_str(rest);
        out
    }

    /// Keeps the variables at the beginning and replaces the text behind them.
    fn with_new_tail(&self, text: &str, new: &Path) -> Option<String> {
        let head = text.get(..interpolate::literal_tail(text))?;
        let start = interpolate::resolve(head, &self.variables.after)?;
        let tail = new.to_str()?.strip_prefix(start.trim_end_matches('/'))?;
        (!head.is_empty()).then(|| format!("{head}{}", interpolate::escape(tail)))
    }

    /// Writes `new` as the old text was written: below the project directory, or below `~`.
    fn relative(&self, text: &str, new: &Path) -> Option<String> {
        let (sign, base) = if text.starts_with("./") {
            (".", self.moved(&plain(&self.project_directory)))
        } else if text.starts_with("~/") {
            ("~", PathBuf::from(self.variables.after.get("HOME")?))
        } else {
            return None;
        };
        let rest = new.strip_prefix(base).ok()?.to_str()?;
        Some(format!("{sign}/{}", interpolate::escape(rest)))
    }
}

/// Returns the absolute path that a resolved source means.
fn absolute(source: &str, directory: &Path, home: Option<&String>) -> PathBuf {
    if let (Some(rest), Some(home)) = (source.strip_prefix('~'), home) {
        return plain(&Path::new(home).join(rest.trim_start_matches('/')));
    }
    let on_drive = mount::is_host_path(source) && !source.starts_with(['.', '/', '~']);
    if on_drive { PathBuf::from(source) } else { plain(&directory.join(source)) }
}

/// Removes `.`, `..` and doubled slashes by their letters, as compose does: no link is followed.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewrite::Variables;

    fn request(before: &[(&str, &str)], after: &[(&str, &str)]) -> Request {
        let map =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Request {
            release: crate::release::find("1.1").unwrap(),
            project_directory: "/opt/trains/run".into(),
            paths: vec![("/opt/trains/data/elastic".into(), "/opt/clearml/data/elastic_7".into())],
            home: Some(("/opt/trains".into(), "/opt/clearml".into())),
            volumes: vec![],
            pinned_volumes: vec![],
            mounts: vec![],
            variables: Variables { before: map(before), after: map(after), kept: Default::default() },
            fixed_users: false,
            redis: "/opt/clearml/data/redis".into(),
            redis_told: false,
            mentions: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn a_path_is_written_as_it_was_where_that_leads_to_the_new_place() {
        let moved = request(
            &[("TRAINS_ROOT", "/opt/trains"), ("DISK", "/mnt"), ("HOME", "/opt")],
            &[("CLEARML_ROOT", "/opt/clearml"), ("DISK", "/mnt"), ("HOME", "/opt")],
        );
        let cases = [
            ("/opt/trains/logs", "/opt/clearml/logs"),
            ("/opt/trains/logs/", "/opt/clearml/logs/"),
            ("/opt/trains2/logs", "/opt/trains2/logs"),
            ("/opt/trains/data/elastic", "/opt/clearml/data/elastic_7"),
            ("/opt/trains/data/elastic/", "/opt/clearml/data/elastic_7"),
            ("/opt/trains/data/elastic2", "/opt/clearml/data/elastic2"),
            ("${TRAINS_ROOT}/data/elastic", "${CLEARML_ROOT}/data/elastic_7"),
            ("${TRAINS_ROOT}/logs", "${CLEARML_ROOT}/logs"),
            ("${NONE:-/opt/trains}/data/elastic", "${NONE:-/opt/clearml}/data/elastic_7"),
            ("${DISK}/logs", "${DISK}/logs"),
            ("../data/elastic", "/opt/clearml/data/elastic_7"),
            ("../logs", "../logs"),
            ("./x", "./x"),
            ("~/trains/data/elastic", "~/clearml/data/elastic_7"),
            ("/srv/$$x", "/srv/$$x"),
        ];
        for (old, new) in cases {
            assert_eq!(moved.host_path(old), new, "{old}");
        }
    }

    #[test]
    fn a_variable_that_keeps_the_old_root_is_written_out() {
        let stays = request(&[("ROOT", "/opt/trains")], &[("ROOT", "/opt/trains")]);
        assert_eq!(stays.host_path("${ROOT}/logs"), "/opt/clearml/logs");
    }

    #[test]
    fn without_a_move_only_the_exact_paths_change() {
        let mut stays = request(&[], &[]);
        stays.home = None;
        stays.paths = vec![("/opt/trains/data/elastic".into(), "/opt/trains/data/elastic_7".into())];
        stays.project_directory = "/opt/trains".into();
        assert_eq!(stays.host_path("./data/elastic"), "./data/elastic_7");
        assert_eq!(stays.host_path("./logs"), "./logs");
        assert_eq!(stays.host_path("./data/elastic_7"), "./data/elastic_7");
    }
}
