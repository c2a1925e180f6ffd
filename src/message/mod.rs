//! What is told, as data: a stable code, what it is about, and the sentence for people.

mod about;
mod code;

pub use about::About;
pub use code::Code;

use serde::{Deserialize, Serialize};

/// Something that is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// What it is: stable, for programs.
    pub code: Code,
    /// What it is about; nothing where it is about the whole.
    pub about: Vec<About>,
    /// One sentence that names the thing, for people.
    pub text: String,
}

impl Message {
    /// Returns a message about the whole.
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, about: Vec::new(), text: text.into() }
    }

    /// Returns the message as one about this, too.
    #[must_use]
    pub fn about(mut self, about: impl IntoIterator<Item = About>) -> Self {
        self.about.extend(about);
        self
    }
}
