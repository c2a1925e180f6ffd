//! The reader of MongoDB's files against directories that the engine made (`tests/fixtures/wiredtiger`), and against those
//! that real servers have left, where they are at hand.
//!
//! | module | subject |
//! |---|---|
//! | `golden` | unpacks a directory, and what the engine found in it |
//! | `equality` | the reader finds exactly that |
//! | `evidence` | which servers have written a directory, and whose directories are refused |
//! | `compared` | two directories, document by document |
//! | `corruption` | no damage goes unnoticed |
//! | `wild` | and in directories of real servers what was counted there |

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod compared;
mod corruption;
mod equality;
mod evidence;
mod golden;
mod wild;
