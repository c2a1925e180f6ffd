//! What the user reads: the plan before the question, and the report at the end. Text only; nothing is printed here.

mod comparison;
mod counted;
mod elastic;
mod mongo;
mod outcome;
mod page;
mod plan;
mod recorded;
mod secrets;

pub use comparison::{comparison_error, comparison_text};
pub use elastic::{elastic_back_text, elastic_text};
pub use outcome::{Outcome, left_out, rolled_back_text, success_text};
pub use plan::plan_text;
pub use recorded::recorded_text;
