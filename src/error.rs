//! The one error type: a kind that decides the exit code, one sentence that names the thing, the chain of causes,
//! and hints that say what to type next.
//!
//! Rules: a message is a sentence about the user's world, without the cause in it (the cause is printed below it);
//! every error that a user can meet carries a hint; causes are kept with [`Error::because`], never formatted away.

use std::fmt;

/// What went wrong, as far as the exit code is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The run failed; it was undone or can be continued. Exit code 1.
    Failed,
    /// The command line makes no sense. Exit code 2.
    Usage,
    /// A check refused the migration; nothing was changed. Exit code 3.
    Refused,
    /// Verification found a difference between source and target. Exit code 4.
    Difference,
    /// An undo failed; what is left to do by hand is in the message. Exit code 5.
    Stuck,
    /// The user stopped the run. Exit code 130.
    Cancelled,
    /// A bug in this program. Exit code 1.
    Internal,
}

impl Kind {
    /// Returns the process exit code, fixed and documented in the README.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed | Self::Internal => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Difference => 4,
            Self::Stuck => 5,
            Self::Cancelled => 130,
        }
    }
}

/// An error as users see it: `Error:` the message, `Caused by:` the chain, `Hint:` what to do.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    cause: Option<anyhow::Error>,
    hints: Vec<String>,
}

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Returns an error of `kind` with a message that is a whole sentence.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), cause: None, hints: Vec::new() }
    }

    /// A failure of the run: the environment or the data did not do what was needed.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// A command line that cannot be carried out.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// A refusal before anything was changed.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Kind::Refused, message)
    }

    /// A difference between what was read and what was written.
    pub fn difference(message: impl Into<String>) -> Self {
        Self::new(Kind::Difference, message)
    }

    /// A stop on the user's wish.
    pub fn cancelled() -> Self {
        Self::new(Kind::Cancelled, "Stopped on request.")
    }

    /// A state that this program should never reach.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message).hint("This is a bug. Please report it with the log file.")
    }

    /// Adds the cause, which is printed below the message with its own causes.
    #[must_use]
    pub fn because(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds a hint: what to type or do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns the same error under another kind.
    #[must_use]
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Returns the kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the sentence that names the thing.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns what it says and what has caused it, as a phrase within a sentence.
    pub fn phrase(&self) -> String {
        let message = self.message().trim_end_matches('.');
        match self.causes().last() {
            Some(cause) => format!("{message} ({})", cause.trim_end_matches('.')),
            None => message.to_owned(),
        }
    }

    /// Returns the hints in the order in which they were added.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Returns the causes, outermost first.
    pub fn causes(&self) -> Vec<String> {
        self.cause.iter().flat_map(|cause| cause.chain().map(ToString::to_string)).collect()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(AsRef::as_ref)
    }
}

/// Turns the error of a library into an [`Error`] with a message of ours.
pub trait Context<T> {
    /// Wraps the error as the cause of a failed run.
    fn context(self, message: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<anyhow::Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, message: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|cause| Error::failed(message()).because(cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_documented_exit_code() {
        let codes = [Kind::Failed, Kind::Usage, Kind::Refused, Kind::Difference, Kind::Stuck, Kind::Cancelled]
            .map(Kind::exit_code);
        assert_eq!(codes, [1, 2, 3, 4, 5, 130]);
    }

    #[test]
    fn the_chain_of_causes_is_kept_whole() {
        let inner = Error::failed("The disk is full.").because(std::io::Error::other("ENOSPC"));
        let outer = Error::failed("The copy stopped.").because(inner).hint("Free some space.");
        assert_eq!(outer.causes(), ["The disk is full.", "ENOSPC"]);
        assert_eq!(outer.hints(), ["Free some space."]);
    }
}
