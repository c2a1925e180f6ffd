//! Compose files: as a model, as roles, and as the user's own text, which is edited without losing a comment.
//!
//! ```text
//! docker compose config ─ model ─ roles ─┐
//! the files' text ─ locate ── rules ─ [Change] ─┬─ splice ─ new text ─┐
//!                                               └─ change ─ new model ─┴─ equal, or refused
//! ```
//!
//! The rules never touch text. They say what is to change, as a list of [`Change`]s against the model; one module
//! carries that out on the text (found with one YAML parser), another on the model (read with a second parser), and
//! [`rewrite`] gives a result away only when both came to the same end.

pub mod change;
pub mod diff;
pub mod dotenv;
mod dotenv_value;
pub mod edit;
pub mod interpolate;
mod locate;
pub mod model;
pub mod mount;
pub mod name;
pub mod outcome;
mod paths;
#[cfg(test)]
mod renamed_tests;
pub mod roles;
mod rules;
mod scalar;
mod splice;
#[cfg(test)]
mod style_tests;
pub mod v1;
mod variable_file;
pub mod words;

pub use change::Change;
pub use edit::{Request, Rewritten, RewrittenFile, SourceFile, Variables, env_file_paths, rewrite};
pub(crate) use rules::{has_our_variables, hosts, tells_of_redis};
pub use variable_file::{Reader, VariableFile};
