//! The file system: the one seam through which anything is written, cloned, archived, renamed or removed.
//!
//! | module | subject |
//! |---|---|
//! | [`basic`] | small questions and single operations: exists, rename, create a directory like another |
//! | [`owned`] | what we may remove: only a path that was claimed before it was made |
//! | [`atomic`] | a file's whole content, replaced or created in one moment |
//! | [`mounts`] | mount points |
//! | [`clone`] | an Elasticsearch data directory for a node to work on, sharing what is immutable |
//! | [`copy`] | an exact copy of a tree |
//! | [`archive`] | a `.tar.gz` that plain `tar` reads, read back after writing |
//! | [`fingerprint`] | whether a source changed |
//! | [`space`] | free space, and the size of trees |
//! | [`unpack`] | a directory out of a tar stream, and compared with one |
//! | [`temporary`] | temporary files that nobody else sees |
//! | [`sort`] | any number of values in order, in bounded memory |
//! | [`locks`] | whether somebody has a data directory open; our own run lock |
//!
//! Every operation that changes something calls [`crate::failpoints::reach`] with `files.<operation>` first, and
//! flushes files and directories where a power cut could otherwise lose what the journal says was done. Long ones
//! reach a place per file too. The names: `files.create_dir`, `.rename`, `.remove_tree`, `.write_atomic`,
//! `.write_atomic.rename`, `.write_new`, `.write_new.rename`, `.clone`, `.clone.file`, `.copy`, `.copy.file`, `.archive`,
//! `.archive.entry`, `.archive.verify`, `.archive.rename`, `.unpack.entry`,
//! `.unpack.compare`, `.lock`, `.journal_append`, `.index_remove`, `.unnamed`.
//!
//! All of it blocks: asynchronous callers use [`blocking`].

pub mod archive;
pub mod atomic;
pub mod basic;
mod blocking;
pub mod clone;
pub mod copy;
pub mod fingerprint;
pub mod locks;
mod meta;
pub mod mounts;
pub mod owned;
pub(crate) mod parallel;
pub(crate) mod problem;
pub mod same;
pub(crate) mod sort;
pub mod space;
pub(crate) mod temporary;
mod transfer;
pub mod unpack;
pub(crate) mod walk;

pub use atomic::{write_atomic, write_new};
pub use basic::{
    canonical, create_private_dir, exists, is_empty, move_content, remove_empty_dir, remove_file, rename,
    same_filesystem,
};
pub use blocking::blocking;
pub use fingerprint::Fingerprint;
pub use mounts::is_mount_point;
pub use owned::{Owned, create_dir_like, remove_tree};
