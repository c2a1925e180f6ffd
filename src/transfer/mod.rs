//! One engine that copies from any source to any sink, and shows that everything arrived.
//!
//! ```text
//! Source ─ Unit ─ Change ─ Rules ─ batch ─ Sink          CopyOutcome: numbers, digest of what was written
//!    │                       │                               │
//!    └───────── scan ────────┴──── diff ──── verify, compare ┴─ Places
//! ```
//!
//! A [`Source`] divides a collection into units, which are read by themselves and recognised by a second reading. What it
//! gives is a [`Change`]: a document that is put, or one that is gone. [`Rules`] say what becomes of it, and a [`Sink`]
//! writes it, batch by batch. Everything between is the same whatever is copied: memory and requests are bounded
//! ([`Options`]) and follow what the target can take, what is durable is never copied again ([`Checkpoints`]), and what is
//! refused is kept whole ([`RejectLog`]). Documents are handed on by reference, and nothing is looked up at run time more
//! often than once for a batch.

mod adaptive;
mod batch;
mod buffers;
mod change;
mod checkpoint;
mod compare;
mod copier;
mod diff;
mod difference;
mod digest;
mod encode;
mod entry;
mod intake;
mod load;
mod options;
mod outcome;
mod places;
mod rejects;
mod sample;
mod scan;
mod sink;
mod source;
mod spot_checks;
mod tally;
mod tasks;
#[cfg(test)]
pub(crate) mod testing;
mod units;
mod verify;
mod writing;

pub use adaptive::Rate;
pub use batch::Batch;
pub use change::{Change, DocumentRef, Gone, Key, Mode, Rules, Written};
pub use checkpoint::{Checkpoints, Partial};
pub use compare::{Compared, compare, compare_with_digest};
pub use copier::Copier;
pub use diff::Sides;
pub use difference::{Difference, How, Named};
pub use digest::{BUCKETS, Digest, document_hash};
pub use encode::{Encode, Line};
pub use entry::Entry;
pub use options::Options;
pub use outcome::{CopyOutcome, Rejected, Verified};
pub use places::{Content, Copied, Discrepancy, Gap, Places, Proof, ReadBack, Stored};
pub use rejects::{Accepted, Reject, RejectLog};
pub use sample::GroupSample;
pub use scan::{Task, scan};
pub use sink::{Answer, Prepared, Refused, Repaired, Sink};
pub use source::{Collection, Reading, Source, Unit, UnitKey, Units};
pub use spot_checks::{Chosen, SpotChecks};
pub use tasks::{joined, until_cancelled};
pub use verify::{SecondReading, Verdict, verify};

#[cfg(test)]
mod tests;
