//! MongoDB data directories as files: every collection in them, without a mongod.
//!
//! | module | subject |
//! |---|---|
//! | [`integers`] | packed integers |
//! | [`corrupt`] | why a file cannot be what it should be |
//! | [`config`] | configuration strings, in which WiredTiger keeps what it knows of its files |
//! | [`address`] | where a block is, and what a checkpoint consists of |
//! | [`table_file`] | one file: its blocks, with their checksums |
//! | [`page`] | blocks as pages |
//! | [`compression`] | snappy, zlib, zstd |
//! | [`cell`] | what pages are made of |
//! | [`tree`] | the rows of a table, in the order of their keys |
//! | [`table_entry`] | what the metadata say of a table |
//! | [`table`] | a table at its newest checkpoint |
//! | [`turtle`] | `WiredTiger.turtle`: the engine's version, and where the metadata are |
//! | [`metadata`] | `WiredTiger.wt`: which tables there are |
//! | [`log`] | what was committed behind the newest checkpoint |
//! | [`replay`] | that put over the tables |
//! | [`bson`] | documents: whether they are whole, and the few fields that are looked at |
//! | [`kind`] | what a directory is, by the names of its files |
//! | [`directory`] | all of it together |
//! | [`standalone`] | whether a standalone server has written it |
//! | [`evidence`] | which servers have written a directory |
//! | [`extended_json`], [`decimal`] | documents as JSON |
//! | [`catalog`] | `_mdb_catalog.wt`: which collections and indexes MongoDB has in the tables |
//!
//! Format: the sources of WiredTiger 2.7 to 11.3 (MongoDB 3.2 to 8.0; `block/`, `btree/`, `log/`, `meta/`, `txn/`,
//! `include/cell_inline.h`, `include/intpack_inline.h`), tried on directories that such servers have left, and on ones that
//! the engine itself made. Nothing here writes, and nothing that is read can make it panic, or allocate more than there is:
//! a file that is not as it should be is refused with its path and the place. What is unknown is refused, never guessed or
//! skipped.
//!
//! # Used by another program
//!
//! Nothing here knows of docker, of the network, or of this program's plans; of the rest of the crate it takes `error` and
//! three functions of `files`. Whoever reads makes sure that no mongod has the directory open, and that none starts
//! meanwhile: the files are mapped into memory.
//!
//! ```no_run
//! use clearml_migrate::wiredtiger::directory::{MongoDirectory, State, ReadUpTo};
//! use std::path::Path;
//!
//! let directory = MongoDirectory::read(Path::new("/data/db"), ReadUpTo::Newest, Path::new("/tmp"))?;
//! assert_eq!(*directory.state(), State::Complete, "nothing is in the log only");
//! for collection in directory.collections() {
//!     let extent = directory.documents(collection, |document| {
//!         println!("{} bytes of BSON", document.bytes().len());
//!         Ok(())
//!     })?;
//!     println!("{} has {} documents", collection.namespace, extent.documents);
//! }
//! # Ok::<_, clearml_migrate::Error>(())
//! ```

pub mod address;
pub mod bson;
pub mod catalog;
pub mod cell;
pub mod compression;
pub mod config;
pub mod corrupt;
pub mod decimal;
pub mod directory;
pub mod evidence;
pub mod extended_json;
pub mod integers;
pub mod kind;
pub mod log;
pub mod metadata;
pub mod page;
mod reading;
pub mod replay;
pub mod standalone;
pub mod table;
pub mod table_entry;
pub mod table_file;
pub mod tree;
pub mod turtle;

pub use corrupt::{Corrupt, Result, Stopped};
