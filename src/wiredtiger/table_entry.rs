//! What the metadata say of a table: where its newest checkpoint begins, and how its file is to be read
//! (`meta/meta_ckpt.c`).

use super::address::Checkpoint;
use super::compression::Compressor;
use super::config::Config;
use super::log::LogPlace;
use super::{Corrupt, Result};

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
    /// What changes in it is in the log, too.
    pub is_logged: bool,
}

impl TableEntry {
    /// Reads the configuration of a file.
    ///
    /// # Errors
    /// Fails if it is damaged or unknown, and for a file that is encrypted.
    pub fn parse(config: &Config<'_>) -> Result<Self> {
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
        // Written as a number by old versions.
        let is_logged = !matches!(config.config("log").and_then(|log| log.text("enabled")), Some("false" | "0"));
        Ok(Self { number, allocation_size, compressor, checkpoint, log_place: log_place(config)?, is_logged })
    }
}

/// Returns the cookie of the newest checkpoint and its time; nothing where there is none, or it is one of nothing.
fn newest<'a>(config: &Config<'a>) -> Result<Option<(&'a str, Option<u64>)>> {
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
fn log_place(config: &Config<'_>) -> Result<Option<LogPlace>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<TableEntry> {
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
    fn a_table_whose_changes_are_not_in_the_log_says_so() {
        for (text, expected) in
            [("id=3", true), ("log=(enabled=true)", true), ("log=(enabled=false)", false), ("log=(enabled=0)", false)]
        {
            assert_eq!(parse(text).unwrap().is_logged, expected, "{text}");
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
