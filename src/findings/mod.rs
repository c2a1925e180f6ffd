//! What checks find, and what every one of them says in the same words.

mod memory;

pub use memory::kept_in_memory;

use crate::error::Error;
use crate::message::{About, Code};
use serde::{Deserialize, Serialize};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The migration does not begin.
    Refusal,
    /// The migration can begin.
    Warning,
}

/// Something that a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is: stable, for programs.
    pub code: Code,
    /// What it is about; nothing where it is about the whole.
    pub about: Vec<About>,
    /// One sentence that names the thing.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
    /// It stays true of what is migrated, so that the report says it again.
    pub lasting: bool,
}

impl Finding {
    fn new(severity: Severity, code: Code, what: String, remedy: String) -> Self {
        Self { severity, code, about: Vec::new(), what, remedy, lasting: false }
    }

    /// Returns a finding that stops the migration.
    pub fn refusal(code: Code, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Severity::Refusal, code, what.into(), remedy.into())
    }

    /// Returns a finding that does not.
    pub fn warning(code: Code, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, what.into(), remedy.into())
    }

    /// Returns the finding as one about this, too.
    #[must_use]
    pub fn about(mut self, about: impl IntoIterator<Item = About>) -> Self {
        self.about.extend(about);
        self
    }

    /// Returns the finding as one that the report says again.
    #[must_use]
    pub fn lasting(self) -> Self {
        Self { lasting: true, ..self }
    }

    /// Returns an error as a finding, with its first hint as the remedy.
    pub fn from_error(code: Code, error: &Error) -> Self {
        let causes = error.causes();
        let what = match causes.last() {
            Some(cause) => format!("{} ({cause})", error.message()),
            None => error.message().to_owned(),
        };
        Self::refusal(code, what, error.hints().join(" "))
    }
}
