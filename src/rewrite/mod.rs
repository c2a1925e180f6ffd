//! The user's own compose files, rewritten for a release.
//!
//! ```text
//! SourceFile, roles, Request ─ rules ─ [Change] ─ compose::edit ─ RewrittenFile
//! ```
//!
//! The rules never touch text: they say what is to change. The result is edited and proven by [`crate::compose::edit`], and
//! rewriting it once more must change nothing.

mod pass;
mod paths;
#[cfg(test)]
mod renamed_tests;
mod request;
mod rules;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod style_tests;
mod variable_file;

pub use pass::rewrite;
pub use request::{Request, Rewritten, RewrittenFile, SourceFile, Variables};
pub(crate) use rules::{has_our_variables, hosts, tells_of_redis};
pub use variable_file::{Reader, VariableFile};
