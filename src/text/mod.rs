//! Words for people that every floor uses: numbers, sizes, quoting for the shell. Knows nothing else of this program.

mod numbers;
mod quote;
mod size;

pub use numbers::{bytes, count, documents, duration, plural};
pub use quote::quote;
pub use size::parse_size;
