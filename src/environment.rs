//! The process as a value: variables, working directory, terminals. Read once, so that all that follows is pure.
//!
//! The only place that reads the environment. Names and values are bytes: what colours a pager, say, need not be UTF-8.

#![expect(clippy::disallowed_methods, reason = "here it is read for all others")]

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::PathBuf;

/// What the process was started with, apart from its arguments.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// The environment variables.
    pub variables: HashMap<OsString, OsString>,
    /// The working directory; `None` when it was removed under us or cannot be read.
    pub current_dir: Option<PathBuf>,
    /// The user's home directory.
    pub home_dir: Option<PathBuf>,
    /// The effective user is root.
    pub root: bool,
    /// Standard input is a terminal.
    pub stdin_is_terminal: bool,
    /// Standard output is a terminal.
    pub stdout_is_terminal: bool,
    /// Standard error is a terminal.
    pub stderr_is_terminal: bool,
}

impl Environment {
    /// Reads the environment of this process.
    pub fn of_process() -> Self {
        Self {
            variables: std::env::vars_os().collect(),
            current_dir: std::env::current_dir().ok(),
            home_dir: dirs::home_dir(),
            root: is_root(),
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// Returns the variable `name`, if it is set and not empty: docker and compose treat an empty one as not set.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// Returns the same environment with the variable `name` set.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }
}

/// Returns the variable `name` of this process, if it is set and not empty.
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Returns the variable `name` of this process as text, if it is set and not empty. Bytes that are no text become marks
/// that no name has: what cannot be meant is then not found, by name, instead of being passed over.
pub fn text(name: &str) -> Option<String> {
    variable(name).map(|value| value.to_string_lossy().into_owned())
}

/// Returns the variables of this process that a compose file can name: names are text, values as compose prints them, with
/// a mark (U+FFFD) in the place of each byte that is none.
pub fn texts() -> BTreeMap<String, String> {
    named().into_iter().map(|(name, value)| (name, value.to_string_lossy().into_owned())).collect()
}

/// Returns the variables of this process whose names are text, as they are.
pub fn named() -> BTreeMap<String, OsString> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect()
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let environment = Environment::default().with("COMPOSE_FILE", "").with("TERM", "xterm");
        assert_eq!(environment.variable("COMPOSE_FILE"), None);
        assert_eq!(environment.variable("TERM"), Some(OsStr::new("xterm")));
        assert_eq!(environment.variable("NOPE"), None);
    }
}
