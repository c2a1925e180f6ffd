//! `WiredTiger.wt`: which tables there are, where their newest checkpoints begin, and how their files are to be read
//! (`meta/meta_ckpt.c`, `meta/meta_table.c`).

use super::address::Checkpoint;
use super::compression::Compressor;
use super::config::Config;
use super::log::LogPlace;
use super::replay::Replay;
use super::table::Table;
use super::turtle::Turtle;
use super::{Corrupt, Stopped, refused};
use crate::error::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

const FILE: &str = "WiredTiger.wt";
/// The number of the metadata table itself.
pub const METADATA_NUMBER: u32 = 0;

/// What the metadata say of one table's file. A server can have hundreds of thousands of tables: only what is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableEntry {
    /// Its number, by which the log knows it.
    pub number: u32,
    /// Unit in which its blocks are allocated, in bytes.
    pub allocation_size: u64,
    /// How its pages are compressed.
    pub compressor: Compressor,
    /// Its newest checkpoint; nothing if there was none yet.
    pub checkpoint: Option<Checkpoint>,
    /// What the log has in front of this place is in the checkpoint.
    pub log_place: Option<LogPlace>,
}

/// What WiredTiger knows of the tables in a directory.
#[derive(Debug)]
pub struct Metadata {
    directory: PathBuf,
    /// By the name of the table, such as `collection-0-1`.
    tables: BTreeMap<Box<str>, TableEntry>,
    /// Transactions that had not ended when the newest checkpoint was taken.
    pub open_transactions: u64,
}

impl TableEntry {
    /// Reads the configuration of a file.
    ///
    /// # Errors
    /// Fails if it is damaged or unknown, and for a file that is encrypted.
    pub fn parse(config: &Config<'_>) -> super::Result<Self> {
        let encryption = config.config("encryption").and_then(|encryption| encryption.text("name"));
        if encryption.is_some_and(|name| !matches!(name, "" | "none")) {
            return Err(Corrupt::new("it is encrypted, which cannot be read without the key"));
        }
        let allocation_size = config.size("allocation_size")?.unwrap_or(4096);
        let checkpoint =
            newest(config)?.map(|(hex, time)| Checkpoint::parse(hex, time, allocation_size)).transpose()?;
        let number =
            u32::try_from(config.number("id")?.unwrap_or(0)).map_err(|_| Corrupt::new("an impossible number"))?;
        let compressor = Compressor::named(config.text("block_compressor").unwrap_or_default())?;
        Ok(Self { number, allocation_size, compressor, checkpoint, log_place: log_place(config)? })
    }
}

impl Metadata {
    /// Reads the metadata of a directory, all of them, with what `replay` has of them.
    ///
    /// # Errors
    /// Refuses what is damaged or unknown. Fails if something cannot be read.
    pub fn read(directory: &Path, turtle: &Turtle, replay: Option<&Replay>) -> Result<Self> {
        let path = directory.join(FILE);
        let mut metadata = Self { directory: directory.to_owned(), tables: BTreeMap::new(), open_transactions: 0 };
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
                metadata.tables.insert(name.into(), entry);
            } else if key == "system:checkpoint_snapshot" {
                metadata.open_transactions = config.number("snapshot_count")?.unwrap_or(0);
            }
            Ok::<_, Stopped>(())
        })?;
        Ok(metadata)
    }

    /// Returns the entry of a table, by its name.
    pub fn entry(&self, name: &str) -> Option<&TableEntry> {
        self.tables.get(name)
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

/// Returns the cookie of the newest checkpoint and its time; nothing where there is none, or it is one of nothing.
fn newest<'a>(config: &Config<'a>) -> super::Result<Option<(&'a str, Option<u64>)>> {
    let mut newest: Option<(u64, &str, Option<u64>)> = None;
    for (name, checkpoint) in config.config("checkpoint").into_iter().flat_map(Config::configs) {
        let order =
            checkpoint.number("order")?.ok_or_else(|| Corrupt::new(format!("no order of the checkpoint {name}")))?;
        let address =
            checkpoint.text("addr").ok_or_else(|| Corrupt::new(format!("no address of the checkpoint {name}")))?;
        if newest.is_none_or(|(before, ..)| before < order) {
            newest = Some((order, address, checkpoint.number("time")?));
        }
    }
    Ok(newest.map(|(_, address, time)| (address, time)).filter(|(address, _)| !address.is_empty()))
}

/// Returns where the log begins that a checkpoint does not cover: `checkpoint_lsn=(file,offset)`.
fn log_place(config: &Config<'_>) -> super::Result<Option<LogPlace>> {
    let Some(place) = config.config("checkpoint_lsn") else { return Ok(None) };
    let items: Vec<&str> = place.items().collect();
    match items.as_slice() {
        [file, offset] => match (file.parse(), offset.parse()) {
            (Ok(file), Ok(offset)) => Ok(Some(LogPlace { file, offset })),
            _ => Err(Corrupt::new("a place in the log that is no number")),
        },
        _ => Err(Corrupt::new("a place in the log that is none")),
    }
}

/// Keys and values of the metadata end with a zero.
fn as_text(bytes: &[u8]) -> super::Result<&str> {
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|_| Corrupt::new("an entry of the metadata that is not text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> super::super::Result<TableEntry> {
        TableEntry::parse(&Config::parse(text)?)
    }

    #[test]
    fn the_checkpoint_of_the_greatest_order_counts_wherever_it_stands() {
        let cookie = |offset: u8| format!("01{:02x}81e4d6a3b7cc8281e4f2e09da0808080808080e21fc0cfc0", 0x80 + offset);
        let text = format!(
            "block_compressor=zstd,checkpoint=(b=(addr=\"{}\",order=9),a=(addr=\"{}\",order=10),c=(addr=\"{}\",order=2)),id=7,checkpoint_lsn=(3,128)",
            cookie(1),
            cookie(2),
            cookie(3)
        );
        let entry = parse(&text).unwrap();
        assert_eq!(entry.checkpoint.unwrap().root.unwrap().offset, 3 * 4096);
        assert_eq!((entry.number, entry.compressor), (7, Compressor::Zstd));
        assert_eq!(entry.log_place, Some(LogPlace { file: 3, offset: 128 }));
    }

    #[test]
    fn a_table_that_was_never_checkpointed_has_no_checkpoint() {
        for text in ["id=3", "id=3,checkpoint=", "id=3,checkpoint=()", "id=3,checkpoint=(a=(addr=\"\",order=1))"] {
            assert_eq!(parse(text).unwrap().checkpoint, None, "{text}");
        }
    }

    #[test]
    fn what_is_encrypted_or_unknown_is_refused() {
        assert!(parse("encryption=(keyid=,name=AES256-CBC)").unwrap_err().to_string().contains("encrypted"));
        assert!(parse("encryption=(keyid=,name=)").is_ok());
        for text in [
            "block_compressor=lz4",
            "id=-1",
            "checkpoint=(a=(order=1))",
            "checkpoint=(a=(addr=\"01\"))",
            "checkpoint_lsn=(1)",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
