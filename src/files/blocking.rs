//! File work beside asynchronous work.

use crate::error::{Error, Result};

/// Runs file work on a thread that may block.
///
/// # Errors
/// Passes on the work's own error; a panic in it becomes an internal error.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(cause) => Err(Error::internal("A worker thread ended unexpectedly.").because(cause)),
    }
}
