//! What something that is told is about.

use serde::{Deserialize, Serialize};
use std::path::Path;

/// A thing by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "kebab-case")]
pub enum About {
    /// A file or directory of this machine.
    Path(String),
    /// A service of the compose project.
    Service(String),
    /// A container.
    Container(String),
    /// An image.
    Image(String),
    /// A volume of docker.
    Volume(String),
    /// An index or collection.
    Index(String),
    /// A field of an index.
    Field(String),
    /// A variable, a setting of the kernel, or an option.
    Setting(String),
    /// A port of this machine.
    Port(u16),
    /// A number of documents, or of whatever the code says.
    Number(u64),
}

impl About {
    /// Returns a path; one that is no text is told as people see it.
    pub fn path(path: &Path) -> Self {
        Self::Path(path.display().to_string())
    }

    /// Returns a service.
    pub fn service(name: &str) -> Self {
        Self::Service(name.to_owned())
    }

    /// Returns a container.
    pub fn container(name: &str) -> Self {
        Self::Container(name.to_owned())
    }

    /// Returns an index or collection.
    pub fn index(name: &str) -> Self {
        Self::Index(name.to_owned())
    }

    /// Returns a field.
    pub fn field(name: &str) -> Self {
        Self::Field(name.to_owned())
    }
}

/// So that what is about one thing takes it as what is about several takes these.
impl IntoIterator for About {
    type Item = Self;
    type IntoIter = std::iter::Once<Self>;

    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(self)
    }
}
