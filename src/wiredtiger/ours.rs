//! Which directories are read, and what the owners of others can do.

use super::Corrupt;
use super::bson::{Document, Value};
use super::directory::MongoDirectory;
use super::turtle::Version;
use crate::error::{Error, Result};
use crate::files::problem::problem;
use std::fs;
use std::path::Path;

/// The engine of MongoDB 4.0 has at least this version; that of 3.6 may have it, too.
const OF_4_0: Version = Version { major: 3, minor: 1 };

/// Refuses directories of other storage engines, by what lies in them.
pub(super) fn require_wiredtiger(path: &Path) -> Result<()> {
    let refusal = |what: &str| Error::refused(format!("{} {what}.", path.display()));
    if path.join("WiredTiger.backup").exists() {
        return Err(refusal("is a hot backup that no server has been started on yet")
            .hint("Start the mongod that made it on a copy once, and stop it cleanly; then name that copy."));
    }
    if let Some(engine) = storage_engine(path)?.filter(|engine| engine != "wiredTiger") {
        return Err(refusal("holds no data of the storage engine WiredTiger")
            .because(Corrupt::new(format!("storage.bson names the engine {engine}")))
            .hint("Dump it with mongodump of its own version while its mongod runs: mongodump --out DIR"));
    }
    if path.join("WiredTiger.turtle").is_file() {
        return Ok(());
    }
    let names = fs::read_dir(path).map_err(|cause| problem("read", path, cause))?.flatten();
    let is_old = names.filter_map(|entry| entry.file_name().into_string().ok()).any(|name| name.ends_with(".ns"));
    match is_old {
        true => Err(refusal("holds data of MMAPv1, the storage engine of MongoDB up to 3.0")
            .hint("Dump it with mongodump of its own version while its mongod runs: mongodump --out DIR")),
        false => Err(refusal("is no data directory of MongoDB that is understood")
            .because(Corrupt::new("there is no WiredTiger.turtle in it"))
            .hint("Give the directory that mongod knows as --dbpath.")),
    }
}

/// Returns the engine that `storage.bson` names: `{storage: {engine: "wiredTiger", options: {…}}}`.
fn storage_engine(path: &Path) -> Result<Option<String>> {
    let path = path.join("storage.bson");
    let bytes = match fs::read(&path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        bytes => bytes.map_err(|cause| problem("read", &path, cause))?,
    };
    let document = Document::new(&bytes).map_err(|why| super::refused(&path, why))?;
    Ok(document.document("storage").and_then(|storage| storage.text("engine").map(str::to_owned)))
}

/// Refuses what a standalone server would not have written, or what only a server can make documents of.
pub(super) fn require_standalone(directory: &MongoDirectory) -> Result<()> {
    let path = directory.path().display();
    for collection in directory.collections() {
        let kind = match collection.name() {
            name if name.starts_with("system.buckets.") => "a time series",
            name if name.starts_with("enxcol_.") || name.starts_with("fle2.") => "part of queryable encryption",
            _ => continue,
        };
        return Err(Error::refused(format!("{path} holds {kind}, which is not read."))
            .because(Corrupt::new(format!("the collection {} is one", collection.namespace)))
            .hint("Dump it with mongodump while its mongod runs: mongodump --out DIR"));
    }
    if is_replica_set(directory)? {
        return Err(Error::refused(format!("{path} is of a member of a replica set."))
            .because(Corrupt::new("since MongoDB 4.0 the newest writes of such a member are in its oplog only"))
            .hint("Dump it with mongodump while the replica set runs: mongodump --out DIR")
            .hint("Never start it as a standalone server: the newest writes would be lost."));
    }
    Ok(())
}

fn is_replica_set(directory: &MongoDirectory) -> Result<bool> {
    let count = |namespace| match directory.collection(namespace) {
        Some(collection) => directory.documents(collection, |_| Ok(())).map(|extent| extent.documents),
        None => Ok(0),
    };
    if directory.collection("local.oplog.rs").is_none() && count("local.system.replset")? == 0 {
        return Ok(false);
    }
    let since_4_0 = match feature_compatibility(directory)? {
        Some(version) => {
            version.split_once('.').and_then(|(major, _)| major.parse::<u32>().ok()).is_none_or(|major| major >= 4)
        }
        None => directory.turtle().version >= OF_4_0,
    };
    Ok(since_4_0)
}

/// Returns the feature compatibility version, such as `3.6`; MongoDB 3.2 has none.
///
/// # Errors
/// Refuses a directory in which it cannot be read.
pub fn feature_compatibility(directory: &MongoDirectory) -> Result<Option<String>> {
    let Some(collection) = directory.collection("admin.system.version") else { return Ok(None) };
    let mut version = None;
    directory.documents(collection, |document| {
        if document.get("_id") == Some(Value::String(b"featureCompatibilityVersion")) {
            version = document.text("version").map(str::to_owned);
        }
        Ok(())
    })?;
    Ok(version)
}
