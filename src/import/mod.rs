//! An export into an Elasticsearch 7 or 8 that is given: checked, copied with the same pump as a migration, compared.
//!
//! ```text
//! manifest, checksums ─ Export ─ IndexPlan ─┐
//! node ─ Target (version, what is there) ───┴─ Work ─ copy ─ verify ─ finished
//!                                               │
//!                                            Journal
//! ```
//!
//! The node may be one that others use. Nothing of theirs is overwritten: an index that exists is refused before anything
//! is written, and our own bear a [`Mark`](crate::elastic::Mark) until they are compared. What is done is noted in a
//! [`Journal`] for each cluster, so that the same command goes on; an index that is half written is made anew.

mod check;
mod description;
mod journal;
mod target;
mod tls;
mod work;

pub use check::{Export, ExportedIndex};
pub use description::plan;
pub use journal::{Journal, Noted};
pub use target::{Standing, Target};
pub use tls::way_around_tls;
pub use work::{Proof, Work};

use crate::elastic::indices::is_ours;
use crate::export::Names;

/// Which indices of an export are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// Those of the server.
    Servers,
    /// Those whose names match, whosever they are.
    Matching(Names),
}

impl Chosen {
    /// Returns whether an index is meant.
    pub fn include(&self, name: &str) -> bool {
        match self {
            Self::Servers => is_ours(name),
            Self::Matching(names) => names.include(name),
        }
    }
}
