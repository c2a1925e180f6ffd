//! A data directory, and what the engine found in it.

use clearml_migrate::Result;
use clearml_migrate::wiredtiger::directory::{MongoDirectory, ReadUpTo};
use flate2::read::GzDecoder;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// What a collection holds: documents, bytes, and the digest of the documents in the order of their bytes, each behind its
/// length in four bytes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Content {
    pub documents: u64,
    pub bytes: u64,
    pub sha256: String,
}

/// By namespace.
pub type Contents = BTreeMap<String, Content>;

/// A directory that the engine made.
pub struct Golden {
    pub directory: tempfile::TempDir,
    pub truth: Contents,
}

impl Golden {
    pub fn new(name: &str) -> Self {
        let fixtures = PathBuf::from("tests/fixtures/wiredtiger");
        let directory = tempfile::tempdir().unwrap();
        let archive = GzDecoder::new(File::open(fixtures.join(format!("{name}.tar.gz"))).unwrap());
        tar::Archive::new(archive).unpack(directory.path()).unwrap();
        let truth = serde_json::from_reader(File::open(fixtures.join(format!("{name}.truth.json"))).unwrap()).unwrap();
        Self { directory, truth }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

pub fn open(path: &Path, wanted: ReadUpTo) -> Result<MongoDirectory> {
    MongoDirectory::read(path, wanted, &std::env::temp_dir())
}

/// Reads everything.
pub fn contents(directory: &MongoDirectory) -> Result<Contents> {
    let contents = directory.collections().iter().map(|collection| {
        let mut documents = Vec::new();
        let extent = directory.documents(collection, |document| {
            documents.push(document.bytes().to_vec());
            Ok(())
        })?;
        let content = content_of(&mut documents);
        assert_eq!((extent.documents, extent.bytes), (content.documents, content.bytes));
        Ok((collection.namespace.clone(), content))
    });
    contents.collect()
}

/// Returns what these documents come to.
pub fn content_of(documents: &mut [Vec<u8>]) -> Content {
    documents.sort();
    let mut digest = Sha256::new();
    for document in documents.iter() {
        digest.update((document.len() as u32).to_le_bytes());
        digest.update(document);
    }
    let bytes = documents.iter().map(|document| document.len() as u64).sum();
    Content { documents: documents.len() as u64, bytes, sha256: format!("{:x}", digest.finalize()) }
}
