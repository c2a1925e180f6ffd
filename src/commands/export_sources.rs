//! What there is to export at a path: a data directory of Elasticsearch or of MongoDB, or a server's home with either.

use crate::error::{Error, Result};
use crate::lucene::data_dir::{Kind, identify};
use crate::role::{DATA_PATHS, Role};
use crate::wiredtiger::directory::MongoDirectory;
use std::path::{Path, PathBuf};

/// The data directories that are meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sources {
    /// Elasticsearch's, or something that is no data directory at all: whoever reads it says what it is.
    Elastic(PathBuf),
    /// MongoDB's.
    Mongo(PathBuf),
    /// Both.
    Both {
        /// Elasticsearch's.
        elastic: PathBuf,
        /// MongoDB's.
        mongo: PathBuf,
    },
}

/// What a home has of one store.
#[derive(Debug, Default)]
struct Below {
    /// Directories that can be exported.
    found: Vec<PathBuf>,
    /// Others that are there, and why they are left out: sentences.
    left_out: Vec<String>,
}

/// Returns what there is at a path, and what of it is left out, a sentence for each.
///
/// # Errors
/// Refuses a home with several data directories of one store.
pub(super) fn sources(path: &Path) -> Result<(Sources, Vec<String>)> {
    if MongoDirectory::is_one(path) {
        return Ok((Sources::Mongo(path.to_owned()), Vec::new()));
    }
    let elastic = below(path, Role::Elasticsearch, Role::ELASTICSEARCH_DATA, |path| {
        let identified = identify(path)?;
        Ok(match identified.kind {
            Kind::Elastic5(_) => None,
            _ => Some(identified.reason),
        })
    })?;
    let mongo = below(path, Role::Mongo, Role::MONGO_DATA, |path| {
        let why = || format!("{} has no file of MongoDB's storage engine", path.display());
        Ok((!MongoDirectory::is_one(path)).then(why))
    })?;
    let left_out = [elastic.left_out, mongo.left_out].concat();
    let sources = match (one(path, "Elasticsearch", elastic.found)?, one(path, "MongoDB", mongo.found)?) {
        (Some(elastic), Some(mongo)) => Sources::Both { elastic, mongo },
        (Some(elastic), None) => Sources::Elastic(elastic),
        (None, Some(mongo)) => Sources::Mongo(mongo),
        // Of a path that is no home, nothing was left out either.
        (None, None) => Sources::Elastic(path.to_owned()),
    };
    Ok((sources, left_out))
}

/// Looks where compose files of any release put the data of a store. `refuse` says why a directory is none.
fn below(home: &Path, role: Role, data: &str, refuse: impl Fn(&Path) -> Result<Option<String>>) -> Result<Below> {
    let mut below = Below::default();
    let usual = DATA_PATHS.into_iter().filter(|one| one.role == role && one.path == data);
    for path in usual.flat_map(|one| one.below_home).map(|place| home.join(place)).filter(|path| path.is_dir()) {
        match refuse(&path)? {
            None => below.found.push(path),
            Some(why) => below.left_out.push(format!("Not exported: {}: {why}.", path.display())),
        }
    }
    Ok(below)
}

fn one(home: &Path, store: &str, found: Vec<PathBuf>) -> Result<Option<PathBuf>> {
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (first, None) => Ok(first),
        (first, second) => {
            let both = first.into_iter().chain(second).map(|path| path.display().to_string());
            let error = Error::refused(format!("{} has several data directories of {store}.", home.display()));
            Err(both.fold(error, |error, path| error.hint(format!("Name one: --source {path}"))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn put(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }

    #[test]
    fn a_home_has_what_its_directories_are() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path();
        assert_eq!(sources(path).unwrap(), (Sources::Elastic(path.to_owned()), vec![]));
        put(&path.join("data/mongo/db/WiredTiger.turtle"));
        put(&path.join("data/elastic/thesis.tex"));
        let (found, left_out) = sources(path).unwrap();
        assert_eq!(found, Sources::Mongo(path.join("data/mongo/db")));
        assert!(left_out.len() == 1 && left_out[0].contains("data/elastic: "), "{left_out:?}");
        let directory = path.join("data/mongo/db");
        assert_eq!(sources(&directory).unwrap().0, Sources::Mongo(directory));
        put(&path.join("data/mongo_4/db/WiredTiger.turtle"));
        let error = sources(path).unwrap_err();
        assert!(error.message().contains("several data directories of MongoDB"), "{error:?}");
        assert_eq!(error.hints().len(), 2);
    }
}
