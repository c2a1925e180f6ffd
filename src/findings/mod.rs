//! What checks find, and what every one of them says in the same words.

mod memory;

pub use memory::kept_in_memory;

use crate::error::Error;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The migration does not begin.
    Refusal,
    /// The migration can begin.
    Warning,
}

/// Something that a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// One sentence that names the thing.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
    /// It stays true of what is migrated, so that the report says it again.
    pub lasting: bool,
}

impl Finding {
    /// Returns a finding that stops the migration.
    pub fn refusal(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Refusal, what: what.into(), remedy: remedy.into(), lasting: false }
    }

    /// Returns a finding that does not.
    pub fn warning(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, what: what.into(), remedy: remedy.into(), lasting: false }
    }

    /// Returns the finding as one that the report says again.
    #[must_use]
    pub fn lasting(self) -> Self {
        Self { lasting: true, ..self }
    }

    /// Returns an error as a finding, with its first hint as the remedy.
    pub fn from_error(error: &Error) -> Self {
        let causes = error.causes();
        let what = match causes.last() {
            Some(cause) => format!("{} ({cause})", error.message()),
            None => error.message().to_owned(),
        };
        Self::refusal(what, error.hints().join(" "))
    }
}
