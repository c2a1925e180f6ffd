//! What a directory is, by the names of its files: told also while a server has it open.

use super::Corrupt;
use super::bson::Document;
use super::corrupt::refused;
use crate::error::{Error, Result};
use crate::files::problem::problem;
use std::fs;
use std::path::{Path, PathBuf};

/// What to do with data that only their own server can read.
const DUMP: &str = "Dump it with mongodump of its own version while its mongod runs: mongodump --out DIR";

/// What a directory is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// One of WiredTiger's, which is read.
    WiredTiger,
    /// One of WiredTiger's, copied while a server was running, on which none was started yet.
    HotBackup,
    /// Files of WiredTiger's without the one that says where everything begins.
    Headless,
    /// One of MMAPv1, the storage engine up to MongoDB 3.0.
    Mmapv1,
    /// One of the storage engine of this name.
    OtherEngine(String),
    /// Nothing of any storage engine's is in it.
    Unknown,
}

impl Kind {
    /// Returns what a directory is.
    ///
    /// # Errors
    /// Refuses a `storage.bson` that is no document. Fails if something cannot be read.
    pub fn of(path: &Path) -> Result<Self> {
        if path.join("WiredTiger.backup").exists() {
            return Ok(Self::HotBackup);
        }
        if let Some(engine) = storage_engine(path)?.filter(|engine| engine != "wiredTiger") {
            return Ok(if engine == "mmapv1" { Self::Mmapv1 } else { Self::OtherEngine(engine) });
        }
        if path.join("WiredTiger.turtle").is_file() {
            return Ok(Self::WiredTiger);
        }
        // With a directory for each database, files are one floor lower.
        let entries = entries(path)?;
        let mut names = entries.clone();
        for directory in entries.iter().filter(|entry| entry.is_dir()) {
            names.extend(self::entries(directory)?);
        }
        let any = |ending: &str| names.iter().any(|name| name.extension().is_some_and(|found| found == ending));
        Ok(match (any("wt"), any("ns")) {
            (true, _) => Self::Headless,
            (false, true) => Self::Mmapv1,
            (false, false) => Self::Unknown,
        })
    }

    /// Returns why a directory of this kind is not read, and what its owner can do; nothing for what is read.
    pub fn refusal(&self, path: &Path) -> Option<Error> {
        let refusal = |what: &str| Error::refused(format!("{} {what}.", path.display()));
        Some(match self {
            Self::WiredTiger => return None,
            Self::HotBackup => refusal("is a hot backup that no server has been started on yet")
                .hint("Start the mongod that made it on a copy once, and stop it cleanly; then name that copy."),
            Self::OtherEngine(engine) => refusal("holds no data of the storage engine WiredTiger")
                .because(Corrupt::new(format!("storage.bson names the engine {engine}")))
                .hint(DUMP),
            Self::Mmapv1 => refusal("holds data of MMAPv1, the storage engine of MongoDB up to 3.0").hint(DUMP),
            Self::Headless => refusal("has lost the file that says where its data begin")
                .because(Corrupt::new("there is no WiredTiger.turtle in it"))
                .hint("If the directory is a copy, copy it again, with all that is in it."),
            Self::Unknown => refusal("is no data directory of MongoDB that is understood")
                .because(Corrupt::new("there is no WiredTiger.turtle in it"))
                .hint("Give the directory that mongod knows as --dbpath."),
        })
    }
}

/// Returns what lies in a directory, nothing where this user may not look: `diagnostic.data` can be such a one.
fn entries(path: &Path) -> Result<Vec<PathBuf>> {
    match fs::read_dir(path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::PermissionDenied => Ok(Vec::new()),
        entries => Ok(entries.map_err(|cause| problem("read", path, cause))?.flatten().map(|one| one.path()).collect()),
    }
}

/// Returns the engine that `storage.bson` names: `{storage: {engine: "wiredTiger", options: {…}}}`.
fn storage_engine(path: &Path) -> Result<Option<String>> {
    let path = path.join("storage.bson");
    let bytes = match fs::read(&path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        bytes => bytes.map_err(|cause| problem("read", &path, cause))?,
    };
    let document = Document::new(&bytes).map_err(|why| refused(&path, why))?;
    Ok(document.document("storage").and_then(|storage| storage.text("engine").map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{storage: {engine: ENGINE}}`
    fn storage(engine: &str) -> Vec<u8> {
        let wrap = |fields: Vec<u8>| {
            let length = u32::try_from(fields.len() + 5).unwrap().to_le_bytes();
            [&length[..], &fields, &[0]].concat()
        };
        let length = u32::try_from(engine.len() + 1).unwrap().to_le_bytes();
        let inner = wrap([&b"\x02engine\0"[..], &length, engine.as_bytes(), &[0]].concat());
        wrap([&b"\x03storage\0"[..], &inner].concat())
    }

    #[test]
    fn a_directory_is_told_by_the_names_of_its_files() {
        /// A file's name and content.
        type File<'a> = (&'a str, &'a [u8]);
        let cases: [(&[File<'_>], Kind); 9] = [
            (&[("WiredTiger.turtle", b""), ("a.wt", b"")], Kind::WiredTiger),
            (&[("WiredTiger.turtle", b""), ("WiredTiger.backup", b"")], Kind::HotBackup),
            (&[("WiredTiger", b""), ("backend/collection-0-1.wt", b"")], Kind::Headless),
            (&[("backend.ns", b""), ("backend.0", b"")], Kind::Mmapv1),
            (&[("backend/backend.ns", b"")], Kind::Mmapv1),
            (&[("storage.bson", &storage("mmapv1"))], Kind::Mmapv1),
            (&[("storage.bson", &storage("inMemory"))], Kind::OtherEngine("inMemory".to_owned())),
            (&[("storage.bson", &storage("wiredTiger")), ("WiredTiger.turtle", b"")], Kind::WiredTiger),
            (&[("mongod.lock", b"1\n"), ("WiredTiger", b"")], Kind::Unknown),
        ];
        for (files, kind) in cases {
            let directory = tempfile::tempdir().unwrap();
            for (name, content) in files {
                let path = directory.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, content).unwrap();
            }
            let found = Kind::of(directory.path()).unwrap();
            assert_eq!(found, kind, "{files:?}");
            let refusal = found.refusal(directory.path());
            assert_eq!(refusal.is_none(), kind == Kind::WiredTiger);
            assert!(refusal.is_none_or(|error| !error.hints().is_empty()), "{files:?}");
        }
    }
}
