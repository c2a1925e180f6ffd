//! Whether a standalone server has written a directory, as every one of ClearML's does.

use super::Corrupt;
use super::directory::MongoDirectory;
use super::evidence::Evidence;
use super::turtle::Version;
use crate::error::{Error, Result};

/// The engine of MongoDB 4.0 has at least this version; that of 3.6 may have it, too.
const OF_4_0: Version = Version { major: 3, minor: 1 };

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
    if is_of_replica_set(directory)? {
        return Err(Error::refused(format!("{path} is of a member of a replica set."))
            .because(Corrupt::new("since MongoDB 4.0 the newest writes of such a member are in its oplog only"))
            .hint("Dump it with mongodump while the replica set runs: mongodump --out DIR")
            .hint("Never start it as a standalone server: the newest writes would be lost."));
    }
    Ok(())
}

/// Returns whether a replica set of MongoDB 4.0 or later has written a directory.
fn is_of_replica_set(directory: &MongoDirectory) -> Result<bool> {
    let count = |namespace| match directory.collection(namespace) {
        Some(collection) => directory.documents(collection, |_| Ok(())).map(|extent| extent.documents),
        None => Ok(0),
    };
    if directory.collection("local.oplog.rs").is_none() && count("local.system.replset")? == 0 {
        return Ok(false);
    }
    // Such a member keeps no log of its users' documents, but for those of `local`: the oplog is their log.
    let mut of_users = directory.collections().iter().filter(|collection| collection.database() != "local");
    let is_unlogged = of_users.any(|collection| !directory.is_logged(collection));
    Ok(is_unlogged || is_since_4_0(&Evidence::read(directory)?, directory.turtle().version))
}

/// Returns whether one of the servers that have noted themselves is of MongoDB 4.0 or later, where the users' documents are
/// logged. A server of 4.0 can have the features of 3.6, and the engine of 3.6 may be that of 4.0.
fn is_since_4_0(evidence: &Evidence, engine: Version) -> bool {
    let major = |version: &String| version.split_once('.').and_then(|(major, _)| major.parse::<u32>().ok());
    let of_4_0 = |version: &String| major(version).is_none_or(|major| major >= 4);
    let Evidence { mongod, feature_compatibility, .. } = evidence;
    mongod.as_ref().is_some_and(of_4_0) || feature_compatibility.as_ref().map_or(engine >= OF_4_0, of_4_0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_of_4_0_is_told_by_whatever_it_has_noted() {
        let noted = |mongod: Option<&str>, features: Option<&str>| Evidence {
            mongod: mongod.map(str::to_owned),
            feature_compatibility: features.map(str::to_owned),
            schema: None,
        };
        let (of_3_6, of_4_0) = (Version { major: 3, minor: 0 }, Version { major: 3, minor: 1 });
        assert!(!is_since_4_0(&noted(Some("3.6.23"), Some("3.6")), of_4_0), "3.6 has this engine, too");
        assert!(is_since_4_0(&noted(Some("4.0.5"), Some("3.6")), of_4_0), "features of 3.6 under a server of 4.0");
        assert!(is_since_4_0(&noted(None, Some("4.2")), of_4_0));
        assert!(is_since_4_0(&noted(Some("3.6.23"), Some("4.0")), of_4_0));
        assert!(is_since_4_0(&noted(None, None), of_4_0), "what is not noted may be");
        assert!(!is_since_4_0(&noted(None, None), of_3_6));
    }
}
