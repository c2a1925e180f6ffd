//! Elasticsearch data that can be read: their files, or a temporary node that works on a clone of them.

use super::Run;
use super::node::Node;
use crate::error::Result;

/// Data that can be read.
pub(super) enum Readable<F> {
    /// Their files.
    Files(F),
    /// A node on a clone.
    Node(Box<Node>),
}

impl<F> Readable<F> {
    /// Runs `work` unless a node reads and its container ends first.
    ///
    /// # Errors
    /// As [`Node::while_alive`].
    pub async fn while_alive<T>(&self, run: &Run, work: impl Future<Output = Result<T>>) -> Result<T> {
        match self {
            Self::Files(_) => work.await,
            Self::Node(node) => node.while_alive(run, work).await,
        }
    }
}
