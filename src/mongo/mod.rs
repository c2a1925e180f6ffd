//! MongoDB's documents in two data directories, held against each other: from their files, without a mongod.
//!
//! | module | subject |
//! |---|---|
//! | [`found`] | what a directory is, and whether its server has left it in order |
//! | [`rule`] | what of a document must be as it was |
//! | [`comparison`] | the collections of both sides, document by document |
//! | [`outcome`] | what is known of a copy |
//!
//! [`crate::wiredtiger`] reads the files; nothing here knows of docker or of a plan.

mod comparison;
mod found;
mod outcome;
mod rule;

pub use comparison::{AT_A_TIME, CollectionCompared, Sides, is_servers_own};
pub use found::{Found, is_refusal};
pub use outcome::{ComparedMongo, CopiedMongo, Known, Later};
pub use rule::{Rewritten, Rule};
