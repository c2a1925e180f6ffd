//! What commands find out, as values: the report and whatever else shows them make the sentences.

mod comparison;
mod recorded;

pub use comparison::Comparison;
pub use recorded::{Change, Recorded, Told};
