//! Work that is done beside other work, and stopped with it.

use crate::error::{Error, Result};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

/// Does `work` unless the wish to stop comes first: at once, also while the other side does not answer.
///
/// # Errors
/// Those of `work`, or cancelled.
pub async fn until_cancelled<T>(cancel: &CancellationToken, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::cancelled()),
        done = work => done,
    }
}

/// Unwraps the result of a task.
///
/// # Errors
/// Those of the task, and when it has panicked or was stopped.
pub fn joined<T>(result: Result<Result<T>, JoinError>) -> Result<T> {
    result.unwrap_or_else(|cause| Err(Error::internal("A part of the copy stopped by itself.").because(cause)))
}
