//! What the user reads: the plan before the question, and the report at the end. Text only; nothing is printed here.

mod outcome;
mod plan;

pub use outcome::{Outcome, rolled_back_text, success_text};
pub use plan::plan_text;
