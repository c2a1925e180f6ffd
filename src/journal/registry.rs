//! Where the journals are: one small file per run in a fixed state directory, found by any path that the deployment
//! has or had. So a rerun works with the old compose file, the new one, or from the old home after it was renamed.
//!
//! The lock of a deployment lies beside them and is named by the home that it had first.

use super::state::Phase;
use crate::environment;
use crate::error::{Error, Result};
use crate::files::fingerprint::hex;
use crate::files::locks::RunLock;
use crate::files::problem::problem;
use crate::files::write_atomic;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The environment variable that names another state directory.
pub const VARIABLE: &str = "CLEARML_MIGRATE_STATE_DIR";
const FORMAT: u32 = 1;

/// What a run migrates, as far as finding it again is concerned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// A server, known by its home.
    #[default]
    Server,
    /// One Elasticsearch data directory, known by its own path.
    Elastic,
}

/// What the registry knows of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryEntry {
    format: u32,
    /// Names the run.
    pub run_id: String,
    /// What it migrates.
    #[serde(default)]
    pub scope: Scope,
    /// When it began.
    pub created: Timestamp,
    /// The deployment's lock, from [`key_of`] its first home.
    pub key: String,
    /// The home before the migration, or the data directory.
    pub old_home: PathBuf,
    /// The home after it, or the new data directory; the same if it is kept.
    pub new_home: PathBuf,
    /// Where the journal can be, likeliest first: it moves with the home.
    pub journals: Vec<PathBuf>,
    /// Every path by which the deployment can be named, before and after: homes, compose files, data directories.
    pub paths: BTreeSet<PathBuf>,
}

impl RegistryEntry {
    /// Returns an entry whose paths are both homes so far.
    pub fn new(run_id: String, scope: Scope, created: Timestamp, old_home: PathBuf, new_home: PathBuf) -> Self {
        Self {
            format: FORMAT,
            run_id,
            scope,
            created,
            key: key_of(&old_home),
            paths: BTreeSet::from([old_home.clone(), new_home.clone()]),
            journals: Vec::new(),
            old_home,
            new_home,
        }
    }

    /// Returns the first place where the journal is now.
    pub fn journal(&self) -> Option<&Path> {
        self.journals.iter().map(PathBuf::as_path).find(|path| path.is_file())
    }

    /// Returns where the run stands, by its journal.
    ///
    /// # Errors
    /// Fails if the journal is missing or cannot be read.
    pub fn phase(&self) -> Result<Phase> {
        let path = self.journal().or_else(|| self.journals.first().map(PathBuf::as_path)).unwrap_or(&self.old_home);
        Ok(super::Journal::peek(path)?.phase)
    }
}

/// Returns the name under which a deployment is locked.
pub fn key_of(home: &Path) -> String {
    let digest = Sha256::digest(home.as_os_str().as_bytes());
    hex(digest.get(..8).unwrap_or_default())
}

/// Returns the state directory: the variable `CLEARML_MIGRATE_STATE_DIR`, else `/var/lib/clearml-migrate` for root, else
/// `clearml-migrate` in the user's state directory.
///
/// # Errors
/// Refuses if the user has no home directory.
pub fn state_dir() -> Result<PathBuf> {
    if let Some(dir) = environment::variable(VARIABLE) {
        return Ok(dir.into());
    }
    if rustix::process::geteuid().is_root() {
        return Ok("/var/lib/clearml-migrate".into());
    }
    let state = dirs::state_dir().map(|dir| dir.join("clearml-migrate"));
    state.ok_or_else(|| {
        Error::refused("There is no place to remember where the migration stands: the user has no home directory.")
            .hint(format!("Set {VARIABLE} to a directory that lasts."))
    })
}

/// The registry of runs in a state directory. Reading makes nothing; the directory comes with the first write.
#[derive(Debug, Clone)]
pub struct RunRegistry {
    state: PathBuf,
}

impl RunRegistry {
    /// Returns the registry in the state directory `state`.
    pub fn new(state: PathBuf) -> Self {
        Self { state }
    }

    fn dir(&self) -> PathBuf {
        self.state.join("index")
    }

    fn file(&self, run_id: &str) -> PathBuf {
        self.dir().join(format!("{run_id}.json"))
    }

    fn make_dir(&self) -> Result<PathBuf> {
        let dir = self.dir();
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&dir);
        made.map_err(|cause| problem("create the directory", &dir, cause))?;
        Ok(dir)
    }

    /// Returns all runs, newest first.
    ///
    /// # Errors
    /// Fails if the directory or a file in it cannot be read.
    pub fn all(&self) -> Result<Vec<RegistryEntry>> {
        let dir = self.dir();
        let files = match fs::read_dir(&dir) {
            Ok(files) => files,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(problem("read the directory", &dir, cause)),
        };
        let mut entries = Vec::new();
        for file in files {
            let path = file.map_err(|cause| problem("read the directory", &dir, cause))?.path();
            let hidden = path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"."));
            if !hidden && path.extension().is_some_and(|extension| extension == "json") {
                entries.push(read_entry(&path)?);
            }
        }
        entries.sort_by(|a: &RegistryEntry, b| (b.created, &b.run_id).cmp(&(a.created, &a.run_id)));
        Ok(entries)
    }

    /// Returns the newest run that any of the paths belongs to, of a scope if one is given.
    ///
    /// # Errors
    /// As [`RunRegistry::all`].
    pub fn find(&self, paths: &[PathBuf], scope: Option<Scope>) -> Result<Option<RegistryEntry>> {
        let mut entries = self.all()?.into_iter().filter(|entry| scope.is_none_or(|scope| entry.scope == scope));
        Ok(entries.find(|entry| paths.iter().any(|path| entry.paths.contains(path))))
    }

    /// Writes a run's entry, replacing an earlier one of the same run.
    ///
    /// # Errors
    /// Fails if it cannot be written; then the earlier one is still there.
    pub fn put(&self, entry: &RegistryEntry) -> Result<()> {
        self.make_dir()?;
        let json = serde_json::to_vec_pretty(entry)
            .map_err(|cause| Error::internal("An entry of the registry cannot be written as JSON.").because(cause))?;
        write_atomic(&self.file(&entry.run_id), &json)
    }

    /// Removes a run's entry, if there is one.
    ///
    /// # Errors
    /// Fails if it cannot be removed.
    pub fn remove(&self, run_id: &str) -> Result<()> {
        crate::failpoints::reach("files.index_remove")?;
        let path = self.file(run_id);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(problem("remove", &path, cause)),
            _ => Ok(()),
        }
    }

    /// Takes the lock of a deployment; it dies with the process. `text` tells others who has it.
    ///
    /// # Errors
    /// Refuses if another run has it.
    pub fn lock(&self, key: &str, text: &str) -> Result<RunLock> {
        let dir = self.make_dir()?;
        RunLock::acquire(&dir.join(format!("{key}.lock")), text)
    }
}

fn read_entry(path: &Path) -> Result<RegistryEntry> {
    let bytes = fs::read(path).map_err(|cause| problem("read", path, cause))?;
    let damaged = |why: String| {
        Error::failed(format!("The note of an earlier migration, {}, cannot be understood: {why}.", path.display())).hint(
            "If a newer version of this program wrote it, install that. Otherwise move the file away: the journal in the \
             deployment's home is still found through --home.",
        )
    };
    let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|cause| damaged(cause.to_string()))?;
    match value.get("format").and_then(serde_json::Value::as_u64) {
        Some(format) if format == u64::from(FORMAT) => {
            serde_json::from_value(value).map_err(|cause| damaged(cause.to_string()))
        }
        Some(other) => Err(damaged(format!("its format is {other}, and {FORMAT} is known"))),
        None => Err(damaged("it has no format".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(run_id: &str, home: &str, second: i64) -> RegistryEntry {
        let created = Timestamp::from_second(second).unwrap();
        let mut entry = RegistryEntry::new(run_id.into(), Scope::Server, created, home.into(), "/opt/clearml".into());
        entry.paths.insert(format!("{home}/docker-compose.yml").into());
        entry
    }

    #[test]
    fn a_run_is_found_by_any_path_and_the_newest_wins() {
        let dir = tempfile::tempdir().unwrap();
        let registry = RunRegistry::new(dir.path().join("state"));
        assert_eq!(registry.find(&["/opt/trains".into()], None).unwrap(), None);
        assert!(!dir.path().join("state").exists(), "looking makes nothing");
        registry.put(&entry("b-old", "/opt/trains", 10)).unwrap();
        registry.put(&entry("a-new", "/opt/trains", 20)).unwrap();
        registry.put(&entry("other", "/srv/trains", 30)).unwrap();
        let found = |path: &str| registry.find(&[path.into()], None).unwrap().map(|entry| entry.run_id);
        assert_eq!(found("/opt/trains/docker-compose.yml").as_deref(), Some("a-new"));
        assert_eq!(found("/opt/clearml").as_deref(), Some("other"));
        assert_eq!(found("/opt/trains/docker"), None);
        assert_eq!(registry.find(&["/opt/trains".into()], Some(Scope::Elastic)).unwrap(), None);
        registry.remove("a-new").unwrap();
        registry.remove("a-new").unwrap();
        assert_eq!(found("/opt/trains").as_deref(), Some("b-old"));
    }

    #[test]
    fn garbage_and_newer_formats_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let registry = RunRegistry::new(dir.path().to_owned());
        registry.put(&entry("a", "/opt/trains", 1)).unwrap();
        let file = dir.path().join("index/b.json");
        for text in ["{", "{\"format\": 2}", "[]", "{\"format\": 1}"] {
            fs::write(&file, text).unwrap();
            assert!(registry.all().unwrap_err().message().contains("index/b.json"), "{text}");
        }
    }

    #[test]
    fn one_deployment_one_run() {
        let dir = tempfile::tempdir().unwrap();
        let registry = RunRegistry::new(dir.path().to_owned());
        let lock = registry.lock(&key_of(Path::new("/opt/trains")), "run 1").unwrap();
        assert!(registry.lock(&key_of(Path::new("/opt/trains")), "run 2").is_err());
        registry.lock(&key_of(Path::new("/srv/trains")), "run 3").unwrap();
        drop(lock);
        registry.lock(&key_of(Path::new("/opt/trains")), "run 4").unwrap();
    }

    #[test]
    fn the_journal_is_found_where_it_has_moved() {
        let dir = tempfile::tempdir().unwrap();
        let mut entry = entry("a", "/opt/trains", 1);
        entry.journals = vec![dir.path().join("old"), dir.path().join("new")];
        assert_eq!(entry.journal(), None);
        fs::write(dir.path().join("new"), "").unwrap();
        assert_eq!(entry.journal(), Some(dir.path().join("new").as_path()));
    }
}
