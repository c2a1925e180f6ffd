//! Where documents come from.

use super::client::Client;
use super::exported::Exported;
use super::files::Files;

/// Where documents are copied from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A node, by scrolls.
    Node(Client),
    /// The files of a data directory that no node has open.
    Files(Files),
    /// The files of an export.
    Exported(Exported),
}

impl From<Client> for Source {
    fn from(node: Client) -> Self {
        Self::Node(node)
    }
}

impl From<Files> for Source {
    fn from(files: Files) -> Self {
        Self::Files(files)
    }
}

impl From<Exported> for Source {
    fn from(exported: Exported) -> Self {
        Self::Exported(exported)
    }
}
