//! `WiredTiger.turtle`: the engine's version, and where the metadata begin (`meta/meta_turtle.c`).
//!
//! Lines in pairs: a key, its value. The file is replaced as a whole at each checkpoint.

use super::Corrupt;
use super::config::Config;
use super::corrupt::refused;
use super::log::LogPlace;
use super::table_entry::TableEntry;
use crate::error::{Error, Result};
use crate::files::problem::problem;
use std::fs;
use std::path::Path;

/// The turtle is some hundred bytes long.
const LONGEST: u64 = 1 << 20;
/// Versions that are known: 2.7 (MongoDB 3.2) to 11.3 (8.0).
const OLDEST: Version = Version { major: 2, minor: 7 };
const NEWEST: Version = Version { major: 11, minor: 3 };

/// The engine's version, by which its files differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// As in 11.3.
    pub major: u64,
    /// As in 11.3.
    pub minor: u64,
}

/// What the turtle says.
#[derive(Debug, Clone)]
pub struct Turtle {
    /// Such as `WiredTiger 3.1.1: (July 12, 2018)`.
    pub engine: String,
    /// The engine's version.
    pub version: Version,
    /// Where the metadata table is.
    pub metadata: TableEntry,
}

impl Turtle {
    /// Reads the turtle of a directory.
    ///
    /// # Errors
    /// Refuses one that is damaged, of an unknown version, or of a server that has never brought anything to the disk.
    pub fn read(directory: &Path) -> Result<Self> {
        let path = directory.join("WiredTiger.turtle");
        let pairs = pairs(&path)?;
        if is_encrypted(&pairs) {
            return Err(Error::refused(format!(
                "{} is encrypted, and is not read without the key.",
                directory.display()
            ))
            .hint("Dump it with mongodump while its mongod runs: mongodump --out DIR"));
        }
        let turtle = Self::understood(&pairs).map_err(|why| refused(&path, why))?;
        turtle.ok_or_else(|| {
            Error::refused(format!("Nothing in {} was ever brought to the disk as a whole.", directory.display()))
                .because(Corrupt::new(format!("{} names no checkpoint", path.display())))
                .hint("The server was killed before its first checkpoint. If it ever held data, look for another copy of the directory.")
        })
    }

    fn understood(pairs: &[(String, String)]) -> super::Result<Option<Self>> {
        let entry = |key: &str| {
            let found = pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
            found.ok_or_else(|| Corrupt::new(format!("no entry \"{key}\"")))
        };
        let version = Version::parse(entry("WiredTiger version")?)?;
        if !(OLDEST..=NEWEST).contains(&version) {
            return Err(Corrupt::new(format!("WiredTiger {}.{}, which is not known", version.major, version.minor)));
        }
        let config = Config::parse(entry("file:WiredTiger.wt")?)?;
        let metadata = TableEntry::parse(&config)?;
        let engine = entry("WiredTiger version string")?.to_owned();
        Ok(metadata.checkpoint.is_some().then_some(Self { engine, version, metadata }))
    }

    /// Returns the place in the log from which on it was not yet brought to the tables.
    pub fn log_place(&self) -> Option<LogPlace> {
        self.metadata.log_place
    }
}

impl Version {
    fn parse(text: &str) -> super::Result<Self> {
        let config = Config::parse(text)?;
        let number = |key| config.number(key)?.ok_or_else(|| Corrupt::new(format!("a version without {key}")));
        Ok(Self { major: number("major")?, minor: number("minor")? })
    }
}

/// Where the metadata are encrypted, everything is.
fn is_encrypted(pairs: &[(String, String)]) -> bool {
    let metadata = pairs.iter().find(|(key, _)| key == "file:WiredTiger.wt");
    let config = metadata.and_then(|(_, value)| Config::parse(value).ok());
    let name = config.as_ref().and_then(|config| config.config("encryption")?.text("name"));
    name.is_some_and(|name| !matches!(name, "" | "none"))
}

fn pairs(path: &Path) -> Result<Vec<(String, String)>> {
    let size = fs::metadata(path).map_err(|cause| problem("read", path, cause))?.len();
    if size > LONGEST {
        return Err(refused(path, Corrupt::new("it is too long")));
    }
    let bytes = fs::read(path).map_err(|cause| problem("read", path, cause))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| refused(path, Corrupt::new("it is not text")))?;
    let lines: Vec<&str> = text.lines().collect();
    let pairs = lines.chunks(2).map(|pair| match pair {
        [key, value] => Ok(((*key).to_owned(), (*value).to_owned())),
        _ => Err(refused(path, Corrupt::new("a key without a value in the last line"))),
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = "allocation_size=4KB,checkpoint=(WiredTigerCheckpoint.4=(addr=\"018181e4d6a3b7cc8281e4f2e09da0808080808080e21fc0cfc0\",order=4)),checkpoint_lsn=(2,5376)";

    fn read(version: &str, metadata: &str) -> Result<Turtle> {
        let directory = tempfile::tempdir().unwrap();
        let text = format!(
            "WiredTiger version string\nWiredTiger of a test\nWiredTiger version\n{version}\nfile:WiredTiger.wt\n{metadata}\n"
        );
        fs::write(directory.path().join("WiredTiger.turtle"), text).unwrap();
        Turtle::read(directory.path())
    }

    #[test]
    fn it_names_the_version_the_metadata_and_a_place_in_the_log() {
        let turtle = read("major=3,minor=1,patch=1", METADATA).unwrap();
        assert_eq!(turtle.engine, "WiredTiger of a test");
        assert_eq!(turtle.version, Version { major: 3, minor: 1 });
        assert_eq!(turtle.log_place(), Some(LogPlace { file: 2, offset: 5376 }));
        assert_eq!(turtle.metadata.checkpoint.unwrap().root.unwrap().offset, 8192);
    }

    #[test]
    fn versions_that_are_not_known_and_servers_that_never_checkpointed_are_refused() {
        for version in ["major=11,minor=4", "major=2,minor=6", "major=12,minor=0", "minor=1"] {
            assert!(read(version, METADATA).is_err(), "{version}");
        }
        let encrypted = format!("{METADATA},encryption=(keyid=,name=AES256-CBC)");
        let encrypted = read("major=3,minor=1", &encrypted).unwrap_err();
        assert!(encrypted.message().contains("is encrypted") && !encrypted.hints().is_empty(), "{encrypted:?}");
        let never = read("major=3,minor=1", "allocation_size=4KB").unwrap_err();
        assert!(never.message().contains("ever brought to the disk"), "{never:?}");
    }
}
