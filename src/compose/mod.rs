//! Compose files: as a model, as roles, and as the user's own text, which is edited without losing a comment.
//!
//! ```text
//! docker compose config ─ model ─ roles
//! a file's text ─ locate ─┐
//!              [Change] ──┴─ splice ─ new text ─┐
//!              [Change] ──── change ─ new model ┴─ equal, or refused
//! ```
//!
//! A list of [`Change`]s against the model says what is to be. One module carries it out on the text (found with one YAML
//! parser), another on the model (read with a second parser), and [`edit`] gives a result away only when both came to the
//! same end. What is to change is not decided here.

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
pub mod roles;
mod scalar;
mod splice;
pub mod v1;
mod variables;
pub mod words;

pub use change::Change;
pub use variables::{env_file_paths, interpolations};
