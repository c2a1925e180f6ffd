//! Where documents come from.

use super::client::Client;
use super::files::Files;

/// Where documents are copied from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A node, by scrolls.
    Node(Client),
    /// The files of a data directory that no node has open.
    Files(Files),
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
