//! `WiredTiger.wt`: which tables there are (`meta/meta_table.c`).

use super::config::Config;
use super::corrupt::refused;
use super::replay::Replay;
use super::table::Table;
use super::table_entry::TableEntry;
use super::turtle::Turtle;
use super::{Corrupt, Stopped};
use crate::error::Result;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

const FILE: &str = "WiredTiger.wt";
/// The number of the metadata table itself.
pub const METADATA_NUMBER: u32 = 0;

/// What WiredTiger knows of the tables in a directory.
#[derive(Debug)]
pub struct Metadata {
    directory: PathBuf,
    /// With the name of the table, such as `collection-0-1`, in the order of the names: a map would take twice the memory.
    tables: Vec<(Box<str>, TableEntry)>,
    /// Transactions that had not ended when the newest checkpoint was taken.
    pub open_transactions: u64,
}

impl Metadata {
    /// Reads the metadata of a directory, all of them, with what `replay` has of them.
    ///
    /// # Errors
    /// Refuses what is damaged or unknown. Fails if something cannot be read.
    pub fn read(directory: &Path, turtle: &Turtle, replay: Option<&Replay>) -> Result<Self> {
        let path = directory.join(FILE);
        let mut metadata = Self { directory: directory.to_owned(), tables: Vec::new(), open_transactions: 0 };
        let mut numbers = BTreeSet::from([METADATA_NUMBER]);
        let table = Table::open(path.clone(), &turtle.metadata)?;
        table.rows(replay, |key, value| {
            let (key, value) = (as_text(key)?, as_text(value)?);
            let config = Config::parse(value).map_err(|why| why.within(key))?;
            if let Some(name) = key.strip_prefix("file:").and_then(|file| file.strip_suffix(".wt")) {
                let entry = TableEntry::parse(&config).map_err(|why| why.within(key))?;
                if !numbers.insert(entry.number) {
                    return Err(Corrupt::new(format!("the number of another table of {key}")).into());
                }
                metadata.tables.push((name.into(), entry));
            } else if key == "system:checkpoint_snapshot" {
                metadata.open_transactions = config.number("snapshot_count")?.unwrap_or(0);
            }
            Ok::<_, Stopped>(())
        })?;
        // They come in the order of the files' names, with what these end with.
        metadata.tables.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        metadata.tables.shrink_to_fit();
        Ok(metadata)
    }

    /// Returns the entry of a table, by its name.
    pub fn entry(&self, name: &str) -> Option<&TableEntry> {
        let at = self.tables.binary_search_by(|(table, _)| (**table).cmp(name)).ok()?;
        self.tables.get(at).map(|(_, entry)| entry)
    }

    /// Opens a table by its name, such as `collection-0-1`, at its newest checkpoint.
    ///
    /// # Errors
    /// Refuses one that is not there, damaged or unknown.
    pub fn table(&self, name: &str) -> Result<Table> {
        let entry = self.entry(name).ok_or_else(|| {
            refused(&self.directory.join(FILE), Corrupt::new(format!("it does not know the table {name}")))
        })?;
        let file = PathBuf::from(format!("{name}.wt"));
        // A directory for each database is all that there may be in a name.
        if !file.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(refused(&self.directory.join(FILE), Corrupt::new(format!("the impossible table {name}"))));
        }
        Table::open(self.directory.join(file), entry)
    }
}

/// Keys and values of the metadata end with a zero.
fn as_text(bytes: &[u8]) -> super::Result<&str> {
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|_| Corrupt::new("an entry of the metadata that is not text"))
}
