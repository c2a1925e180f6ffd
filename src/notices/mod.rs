//! What is told of the documents and their fields, beyond that they are copied: in the plan, while they are copied, and in
//! the end.

mod documents;
mod fields;
mod values;

pub use documents::notices;
pub use fields::changed_fields;
pub use values::{not_as_foretold, refused_documents, unindexed_fields};
