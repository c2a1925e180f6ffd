//! A data directory and what its node said is in it.

use crate::canonical;
use clearml_migrate::lucene::directory::{DataDirectory, Tally};
use clearml_migrate::lucene::index_metadata::IndexMetadata;
use clearml_migrate::lucene::target::{TargetDirectory, TargetTally};
use clearml_migrate::{Error, Result};
use flate2::read::GzDecoder;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// `(index, type, id)`; since Elasticsearch 7 without type.
pub type Name = (String, String, String);
/// Routing and the MD5 digest of the canonical source; since Elasticsearch 7 the SHA-256 digest of its bytes.
pub type Content = (Option<String>, String);
pub type Documents = BTreeMap<Name, Content>;

#[derive(Deserialize)]
struct Line {
    index: String,
    #[serde(default, rename = "type")]
    kind: String,
    id: String,
    routing: Option<String>,
    #[serde(alias = "md5", alias = "md5_of_sorted_json", alias = "sha256")]
    digest: String,
}

pub struct Golden {
    pub directory: tempfile::TempDir,
    pub truth: Documents,
}

impl Golden {
    /// Unpacks the directory `name` of the fixtures.
    pub fn new(name: &str) -> Self {
        Self::at(&PathBuf::from("tests/fixtures/lucene"), name)
    }

    pub fn at(fixtures: &Path, name: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let archive = GzDecoder::new(File::open(fixtures.join(format!("{name}.tar.gz"))).unwrap());
        tar::Archive::new(archive).unpack(directory.path()).unwrap();
        let truth = parse_truth(&fixtures.join(format!("{name}.truth.ndjson.gz")));
        Self { directory, truth }
    }
}

/// Reads what a node said is in it.
pub fn parse_truth(path: &Path) -> Documents {
    parse_lines(BufReader::new(GzDecoder::new(File::open(path).unwrap())))
}

/// Reads what a node said is in it, a line for each document.
pub fn parse_lines(lines: impl BufRead) -> Documents {
    let parsed = lines.lines().map(|line| {
        let line: Line = serde_json::from_str(&line.unwrap()).unwrap();
        ((line.index, line.kind, line.id), (line.routing, line.digest))
    });
    parsed.collect()
}

/// What the reader finds in a directory.
#[derive(Debug, Default)]
pub struct Found {
    pub documents: Documents,
    pub tally: Tally,
    pub from_translog: u64,
}

/// Reads everything.
pub fn read(path: &Path) -> Result<Found> {
    let mut found = Found::default();
    let directory = DataDirectory::open(path)?;
    for index in directory.indices() {
        for shard in directory.shards(index)? {
            for unit in shard.units() {
                let tally = unit.read(|document| {
                    let value = serde_json::from_slice(document.source)
                        .map_err(|cause| Error::failed(format!("{} is no JSON: {cause}", document.id)))?;
                    let digest = format!("{:x}", md5::compute(canonical::text(&value)));
                    let name = (index.name.clone(), document.kind.to_owned(), document.id.to_owned());
                    match found.documents.insert(name, (document.routing.map(ToOwned::to_owned), digest)) {
                        None => Ok(()),
                        Some(_) => Err(Error::failed(format!("{} is there twice.", document.id))),
                    }
                })?;
                assert!(tally.documents <= unit.documents());
                if unit.key().segment.is_none() {
                    found.from_translog += tally.documents;
                }
                let sum = &mut found.tally;
                sum.documents += tally.documents;
                sum.source_bytes += tally.source_bytes;
                sum.converted += tally.converted;
                sum.deleted += tally.deleted;
                sum.nested += tally.nested;
                sum.superseded += tally.superseded;
            }
        }
    }
    Ok(found)
}

/// What the reader finds in a target.
#[derive(Debug, Default)]
pub struct FoundInTarget {
    pub documents: Documents,
    pub tally: TargetTally,
    /// Largest number of units of one index.
    pub units: usize,
}

/// Reads all indices of which the filter wants to know.
pub fn read_target(path: &Path, wanted: impl Fn(&IndexMetadata) -> bool) -> Result<FoundInTarget> {
    let mut found = FoundInTarget::default();
    let directory = TargetDirectory::open(path)?;
    for index in directory.indices().iter().filter(|index| wanted(index)) {
        let shards = directory.shards(index)?;
        let units: Vec<_> = shards.iter().flat_map(|shard| shard.units()).collect();
        found.units = found.units.max(units.len());
        for unit in units {
            let tally = unit.read(|document| {
                let digest = format!("{:x}", Sha256::digest(document.source));
                let name = (index.name.clone(), String::new(), document.id.to_owned());
                match found.documents.insert(name, (document.routing.map(ToOwned::to_owned), digest)) {
                    None => Ok(()),
                    Some(_) => Err(Error::failed(format!("{} is there twice.", document.id))),
                }
            })?;
            assert_eq!(tally.documents + tally.deleted + tally.nested, unit.documents());
            let sum = &mut found.tally;
            sum.documents += tally.documents;
            sum.source_bytes += tally.source_bytes;
            sum.deleted += tally.deleted;
            sum.nested += tally.nested;
        }
    }
    Ok(found)
}

/// Asserts that both are the same, and says by name what is not.
pub fn assert_same(found: &Documents, truth: &Documents) {
    let missing: Vec<_> = truth.keys().filter(|name| !found.contains_key(*name)).take(5).collect();
    let extra: Vec<_> = found.keys().filter(|name| !truth.contains_key(*name)).take(5).collect();
    let differ = truth.iter().filter(|(name, content)| found.get(*name).is_some_and(|found| found != *content));
    let differ: Vec<_> = differ.take(5).collect();
    let counts = (found.len(), truth.len());
    assert!(
        missing.is_empty() && extra.is_empty() && differ.is_empty(),
        "{counts:?} missing {missing:?}, extra {extra:?}, different {differ:?}"
    );
}
