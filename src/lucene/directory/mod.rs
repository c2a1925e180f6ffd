//! Every document in a data directory of Elasticsearch 5, without Elasticsearch.
//!
//! ```no_run
//! use clearml_migrate::lucene::directory::DataDirectory;
//!
//! let directory = DataDirectory::open("/opt/trains/data/elastic".as_ref())?;
//! for index in directory.indices() {
//!     for shard in directory.shards(index)? {
//!         for unit in shard.units() {
//!             unit.read(|document| {
//!                 println!("{} {} {} bytes", document.kind, document.id, document.source.len());
//!                 Ok(())
//!             })?;
//!         }
//!     }
//! }
//! # Ok::<(), clearml_migrate::Error>(())
//! ```
//!
//! * A [`Unit`] is a piece of work of some megabytes. Units can be read in any order, at once, on any threads; each has
//!   a [`UnitKey`] that is the same whenever the same data are opened again, and never the same for other data.
//! * Documents that were deleted or written again are left out, the translog is replayed on top of the segments, and
//!   nested objects come inside the document they belong to, as from Elasticsearch's own `_search`.
//! * Bytes are checked before they are given out: the checksums of everything else when a shard is opened, that of a
//!   segment's documents when its first unit is read.
//! * While anything of a directory lives, so do read locks that keep a node from starting on it.
//! * Memory: a few dozen bytes for each unit, a few megabytes for each shard whose translog is not empty, one chunk of
//!   documents for each unit being read. The files themselves are mapped. What there is to remember of a translog of more
//!   than 65,536 operations, 16 bytes for each, is in a temporary file without a name: in `TMPDIR`, or else `/var/tmp`.

mod shard;
mod unit;

pub use shard::Shard;
pub use unit::{Document, Tally, Unit, UnitKey};

use super::Corrupt;
use super::data_dir::{DataDir, Finding, Identified, Index, Kind, identify};
use super::index_metadata::IndexMetadata;
use super::mapped::{names, refused};
use super::state;
use crate::error::{Error, Result};
use crate::files::locks::{HeldLocks, Holding, hold};
use crate::files::problem::problem;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// As many findings are told at once.
const TOLD: usize = 5;

/// A data directory of one Elasticsearch 5 node, which cannot start on it while this lives.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    indices: Vec<Arc<IndexMetadata>>,
    /// Bytes on disk by the index's id.
    bytes: HashMap<String, u64>,
    /// What was left out, for people.
    left_out: Vec<String>,
    /// Nothing where the directory is only looked at.
    locks: Option<Arc<HeldLocks>>,
}

/// Which indices are meant.
#[derive(Clone, Copy)]
pub enum Meant<'a> {
    /// All.
    All,
    /// Those whose names are such. What nobody can tell the name of may be one of them.
    Such(&'a dyn Fn(&str) -> bool),
    /// The one of this name.
    One(&'a str),
}

impl Meant<'_> {
    fn include(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Such(such) => such(name),
            Self::One(one) => *one == name,
        }
    }
}

impl DataDirectory {
    /// Opens the directory that Elasticsearch knows as `path.data`, and reads what indices there are.
    ///
    /// # Errors
    /// Refuses a directory that a node has open, that is no Elasticsearch 5's, or in which something is damaged or
    /// missing. Fails if something cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_indices(path, Meant::All)
    }

    /// Opens the directory for reading the indices that are meant; others may be damaged.
    ///
    /// # Errors
    /// As [`DataDirectory::open`], for the indices that are meant and what belongs to none.
    pub fn open_indices(path: &Path, meant: Meant<'_>) -> Result<Self> {
        if !crate::files::exists(path)? {
            return Err(Error::refused(format!("{} does not exist.", path.display())).hint("Check the path."));
        }
        match hold(path, &CancellationToken::new())? {
            Holding::Held(locks) => Self::read(path, meant, Some(Arc::new(locks))),
            Holding::InUse(by) => Err(Error::refused(format!("{} is in use: {by}.", path.display()))
                .hint("Stop the Elasticsearch that runs on it, then run the same command again.")),
        }
    }

    /// Looks at a directory on which a node may be running. What is found may be old in the next moment, and a file may
    /// vanish meanwhile: only good for telling beforehand whether the directory can be read at all.
    ///
    /// # Errors
    /// As [`DataDirectory::open`], locks aside.
    pub fn look(path: &Path) -> Result<Self> {
        Self::read(path, Meant::All, None)
    }

    /// As [`DataDirectory::look`], of a directory that was identified already.
    ///
    /// # Errors
    /// As [`DataDirectory::look`].
    pub fn of(path: &Path, data: DataDir) -> Result<Self> {
        Self::of_what_is_meant(path, data, Meant::All, None)
    }

    fn read(path: &Path, meant: Meant<'_>, locks: Option<Arc<HeldLocks>>) -> Result<Self> {
        match identify(path)? {
            Identified { kind: Kind::Elastic5(data), .. } => Self::of_what_is_meant(path, *data, meant, locks),
            other => Err(not_elasticsearch_5(path, &other)),
        }
    }

    fn of_what_is_meant(
        path: &Path,
        mut data: DataDir,
        meant: Meant<'_>,
        locks: Option<Arc<HeldLocks>>,
    ) -> Result<Self> {
        let left_out = leave_out(path, &mut data, meant);
        refuse_findings(path, &data)?;
        let bytes = data.indices.iter().map(|index| (index.uuid.clone(), index.bytes())).collect();
        let mut directory = Self { path: path.to_owned(), indices: Vec::new(), bytes, left_out, locks };
        for (number, index) in data.indices.iter().enumerate() {
            let twin =
                data.indices.iter().skip(number + 1).find(|twin| twin.name == index.name || twin.uuid == index.uuid);
            if let Some(twin) = twin {
                let path = directory.index_path(&twin.uuid);
                let why = format!("the indices {} ({}) and {} ({})", index.name, index.uuid, twin.name, twin.uuid);
                return Err(refused(&path, Corrupt::new(format!("{why} cannot both be there"))));
            }
            let metadata = directory.read_index(&index.uuid)?;
            let here: Vec<u32> = index.shards.iter().map(|shard| shard.number).collect();
            if let Some(missing) = (0..metadata.shards).find(|number| !here.contains(number)) {
                return Err(Error::refused(format!(
                    "Of shard {missing} of the index {} there is only a replica in {}.",
                    metadata.name,
                    path.display()
                ))
                .hint("The cluster had several nodes. Let all of them run, and copy through Elasticsearch."));
            }
            directory.indices.push(Arc::new(metadata));
        }
        Ok(directory)
    }

    fn read_index(&self, uuid: &str) -> Result<IndexMetadata> {
        let states = self.index_path(uuid).join("_state");
        let names = names(&states)?;
        let newest = state::newest(names.iter().map(String::as_str), "state-");
        let path = states.join(newest.unwrap_or("state-<n>.st"));
        let bytes = fs::read(&path).map_err(|cause| problem("read", &path, cause))?;
        let content = state::parse(&bytes).map_err(|why| refused(&path, why))?.content;
        let metadata = IndexMetadata::parse(&content).filter(|metadata| metadata.uuid == uuid);
        metadata.ok_or_else(|| refused(&path, Corrupt::new("it does not describe the index of its directory")))
    }

    /// Returns the indices by name, closed ones too.
    pub fn indices(&self) -> &[Arc<IndexMetadata>] {
        &self.indices
    }

    /// Returns what lies among the indices and is not read, a sentence without its period for each.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Returns the bytes on disk of an index of this directory.
    pub fn bytes(&self, index: &IndexMetadata) -> u64 {
        self.bytes.get(&index.uuid).copied().unwrap_or_default()
    }

    /// Opens all shards of an index of this directory, with their translogs.
    ///
    /// # Errors
    /// Refuses what is damaged or unknown, with the file's path, and an index that does not keep documents as they were
    /// sent. Fails if something cannot be read.
    pub fn shards(&self, index: &Arc<IndexMetadata>) -> Result<Vec<Shard>> {
        if let Some(kind) = index.type_without_source() {
            return Err(Error::refused(format!(
                "The index {} does not keep the documents of type {kind} as they were sent.",
                index.name
            ))
            .hint(
                "Its mapping switches `_source` off or filters it: they can only be indexed again from their origin.",
            ));
        }
        let path = self.index_path(&index.uuid);
        let open = |number: u32| Shard::open(&path.join(number.to_string()), number, index, self.locks.as_ref());
        let shards: Vec<Shard> = (0..index.shards).map(open).collect::<Result<_>>()?;
        // Where a node may be running, the newest operations are not relied on anyway.
        if self.locks.is_some() && index.may_lose_operations() && shards.iter().any(Shard::has_operations) {
            return Err(Error::refused(format!(
                "The node was killed while it wrote to the index {}, which brings its translog to disk now and then only \
                 (index.translog.durability).",
                index.name
            ))
            .hint("Let an Elasticsearch 5.6 read the data: it compares the versions of what is there twice."));
        }
        Ok(shards)
    }

    fn index_path(&self, uuid: &str) -> PathBuf {
        self.path.join("nodes/0/indices").join(uuid)
    }
}

/// Returns the refusal of a directory that is something else than the data of Elasticsearch 5.
pub fn not_elasticsearch_5(path: &Path, identified: &Identified) -> Error {
    let error = Error::refused(format!("{}.", identified.told(path))).because(Corrupt::new(&identified.reason));
    match (&identified.instead, &identified.kind) {
        (Some(whole), _) => error.hint(format!("Name the data directory: --source {}", whole.display())),
        (None, Kind::Elastic(_)) => error.hint("Only data of version 5 are read. Give those: --source DIR"),
        (None, Kind::Empty | Kind::Unknown) => {
            error.hint("Is a disk not mounted, or is another directory the one in use?")
        }
        _ => error.hint("Give the directory that has `nodes/0` in it, of a node of version 5: --source DIR"),
    }
}

/// Leaves out the indices that are not meant, with what was found in them. Returns what else is not read.
fn leave_out(path: &Path, data: &mut DataDir, meant: Meant<'_>) -> Vec<String> {
    let directories = path.join("nodes/0/indices");
    let (kept, left) = std::mem::take(&mut data.indices).into_iter().partition(|index| meant.include(&index.name));
    data.indices = kept;
    let left: Vec<PathBuf> = Vec::from_iter(left.iter().map(|index: &Index| directories.join(&index.uuid)));
    data.findings.retain(|finding| !left.iter().any(|directory| finding.path.starts_with(directory)));
    let mut left_out: Vec<String> = data.foreign().map(ToString::to_string).collect();
    if let Meant::One(one) = meant
        && data.indices.iter().any(|index| index.name == one)
    {
        // The one that is meant is here, so that nothing else can be it.
        left_out.extend(data.findings.iter().filter(|finding| finding.is_stray()).map(ToString::to_string));
        data.findings.retain(|finding| !finding.is_stray());
    }
    left_out
}

fn refuse_findings(path: &Path, data: &DataDir) -> Result<()> {
    let blocking: Vec<String> = data.blocking().map(ToString::to_string).collect();
    if blocking.is_empty() {
        return Ok(());
    }
    let told = blocking.iter().take(TOLD).cloned().collect::<Vec<_>>().join("; ");
    let more = blocking.len().saturating_sub(TOLD);
    let told = if more == 0 { told } else { format!("{told}; and {more} more") };
    let error = Error::refused(format!("The data in {} are not whole.", path.display())).because(Corrupt::new(told));
    let strays = data.blocking().filter_map(Finding::ways_out).take(TOLD);
    let error = strays.flat_map(|ways| ways.lines().map(str::to_owned).collect::<Vec<_>>()).fold(error, Error::hint);
    Err(error.hint(
        "Nothing in it was changed. If the directory is a copy, copy it again; if not, let the Elasticsearch that wrote it \
         read it, which tells what can be saved.",
    ))
}

#[cfg(test)]
mod tests;
