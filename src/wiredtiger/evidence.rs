//! Which servers have written a directory, by what they have noted in it. The engine's version alone does not tell: that of
//! WiredTiger 10.0.2 is in MongoDB 4.4, 5.0 and 6.0.

use super::bson::{Document, Value};
use super::directory::MongoDirectory;
use crate::error::Result;

/// What was noted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The version of the mongod that was started last, such as `3.6.5` (`local.startup_log`).
    pub mongod: Option<String>,
    /// The feature compatibility version, such as `3.6` (`admin.system.version`); MongoDB 3.2 has none.
    pub feature_compatibility: Option<String>,
    /// The greatest version of the schema of ClearML's or Trains' API server, such as `0.15.0` (`backend.versions`).
    pub schema: Option<String>,
}

impl Evidence {
    /// Reads what is noted in a directory.
    ///
    /// # Errors
    /// As [`MongoDirectory::documents`], of the collections in which it is noted.
    pub fn read(directory: &MongoDirectory) -> Result<Self> {
        let feature_compatibility = feature_compatibility(directory)?;
        let mut starts = Vec::new();
        each(directory, "local.startup_log", |document| {
            let Some(Value::Date(time)) = document.get("startTime") else { return };
            let version = document.document("buildinfo").and_then(|build| build.text("version"));
            starts.extend(version.map(|version| (time, version.to_owned())));
        })?;
        let mut schemas = Vec::new();
        each(directory, "backend.versions", |document| {
            schemas.extend(document.text("num").and_then(|version| Some((parts(version)?, version.to_owned()))));
        })?;
        let mongod = starts.into_iter().max().map(|(_, version)| version);
        let schema = schemas.into_iter().max().map(|(_, version)| version);
        Ok(Self { mongod, feature_compatibility, schema })
    }
}

/// Returns the feature compatibility version, such as `3.6`; MongoDB 3.2 has none.
fn feature_compatibility(directory: &MongoDirectory) -> Result<Option<String>> {
    let mut version = None;
    each(directory, "admin.system.version", |document| {
        if document.get("_id") == Some(Value::String(b"featureCompatibilityVersion")) {
            version = document.text("version").map(str::to_owned);
        }
    })?;
    Ok(version)
}

fn each(directory: &MongoDirectory, namespace: &str, mut each: impl FnMut(Document<'_>)) -> Result<()> {
    let Some(collection) = directory.collection(namespace) else { return Ok(()) };
    let read = directory.documents(collection, |document| {
        each(document);
        Ok(())
    });
    read.map(drop)
}

/// Returns the numbers of a version, by which versions are in order.
fn parts(version: &str) -> Option<Vec<u32>> {
    version.split('.').map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_in_the_order_of_their_numbers() {
        assert!(parts("0.15.0") > parts("0.9.1"));
        assert!(parts("1.0.10") > parts("1.0.9"));
        assert_eq!(parts("1.x"), None);
    }
}
