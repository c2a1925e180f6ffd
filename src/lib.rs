//! Moves a Trains Server to ClearML Server: found, checked, planned, copied, verified, switched, and reversible.
//!
//! The program rests on three ideas:
//!
//! 1. [`deployment`]: what is on this machine. Compose files, services by role, bind mounts and named volumes,
//!    versions by evidence. Only read, never written.
//! 2. [`plan`]: the ordered steps from that deployment to the target release. A plain value: printed by
//!    `--dry-run`, stored in the journal, executed, undone.
//! 3. [`journal`]: what has happened, an fsynced append-only log beside the data. From it a run that was cut off
//!    anywhere continues, and a finished run is undone.
//!
//! The way of the data:
//!
//! ```text
//! argv, env ─ invocation ─ cli ─ settings ─┐
//! compose files, docker, data dirs ─ deployment ─ preflight ─ plan ──(--dry-run stops here)
//!                                                              │
//!                                              journal ⇄ engine ─ events ─ display, log file, report
//!                                                              │
//!                                                            steps
//! ```
//!
//! [`transfer`] copies the documents, whatever they come from and go to, and knows no database: [`elastic`] is what it copies
//! between. [`elastic`] knows nothing of docker, [`docker`] nothing of Elasticsearch; [`steps`] is the only place that knows
//! both sides, docker as the [`platform`] that it asks, and [`display`] the only one that prints. Writing goes through one seam each: [`files`] for the file
//! system, [`docker`] for containers, [`elastic`] for nodes; each has [`failpoints`].

#![deny(clippy::disallowed_methods)]

pub mod app;
pub mod cli;
pub mod commands;
pub mod compose;
pub mod deployment;
pub mod display;
pub mod docker;
pub mod elastic;
pub mod engine;
pub mod environment;
pub mod error;
pub mod events;
pub mod export;
pub mod failpoints;
pub mod files;
pub mod findings;
pub mod import;
pub mod invocation;
pub mod journal;
pub mod json;
pub mod lucene;
pub mod message;
pub mod mongo;
pub mod notices;
pub mod plan;
pub mod planner;
pub mod platform;
pub mod preflight;
pub mod release;
pub mod report;
pub mod results;
pub mod rewrite;
pub mod role;
pub mod server;
pub mod settings;
pub mod shell;
pub mod signals;
pub mod steps;
pub mod text;
pub mod transfer;
pub mod wiredtiger;

pub use error::{Error, Result};
