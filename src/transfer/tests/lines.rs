//! Another kind of source: a collection is a directory, a unit a text file in it, a document a line `id<TAB>text`.

use super::super::*;
use super::memory::Table;
use crate::error::Result;
use serde_json::json;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;
use xxhash_rust::xxh3::xxh3_64;

#[derive(Clone)]
pub struct TextFiles(pub PathBuf);

pub struct TextFile(String, String);

impl Source for TextFiles {
    type Plan = Table;
    type Unit = TextFile;

    async fn open(&self, plan: &Table) -> Result<Option<Units<TextFile>>> {
        let Ok(entries) = std::fs::read_dir(self.0.join(&plan.0)) else { return Ok(None) };
        let read = |path: PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            TextFile(name, std::fs::read_to_string(path).unwrap())
        };
        let parts: Vec<TextFile> = entries.map(|entry| read(entry.unwrap().path())).collect();
        let documents = Some(parts.iter().map(Unit::documents).sum());
        Ok(Some(Units { parts, documents, at_once: 1, waits: false }))
    }
}

impl Unit for TextFile {
    fn key(&self) -> Result<Option<UnitKey>> {
        UnitKey::new(&json!([self.0, xxh3_64(self.1.as_bytes())])).map(Some)
    }

    /// A heading counts here, and is no document.
    fn documents(&self) -> u64 {
        self.1.lines().count() as u64
    }

    fn read(&self, _: &CancellationToken, each: &mut impl FnMut(&Change<'_>) -> Result<()>) -> Result<Reading> {
        let mut reading = Reading::default();
        for line in self.1.lines() {
            let Some((id, text)) = line.split_once('\t') else {
                reading.apart += 1;
                continue;
            };
            reading.documents += 1;
            each(&Change::Put(DocumentRef { id, kind: None, routing: None, source: text.as_bytes() }))?;
        }
        Ok(reading)
    }
}
