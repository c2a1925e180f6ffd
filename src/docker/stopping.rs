//! Several containers stopped side by side, each with a time of its own.

use super::daemon::Daemon;
use crate::error::{Error, Result};
use futures_util::future::try_join_all;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often it is told what still runs.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// A container to be stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToStop {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Time between its stop signal and SIGKILL.
    pub patience: Duration,
}

impl Daemon {
    /// Stops containers side by side, and returns when the last one has ended. `still_runs` is called once a second for
    /// each that has not, with its id and the time since its stop signal.
    ///
    /// # Errors
    /// Cancelled on a wish to stop: the containers have got their signals then, and docker sees it through. Failed when
    /// docker cannot stop one.
    pub async fn stop_all(
        &self,
        containers: &[ToStop],
        still_runs: impl Fn(&str, Duration),
        cancel: &CancellationToken,
    ) -> Result<()> {
        let begun = Instant::now();
        let running: Mutex<BTreeSet<&str>> = Mutex::new(containers.iter().map(|one| one.id.as_str()).collect());
        let running = || running.lock().unwrap_or_else(PoisonError::into_inner);
        let stops = containers.iter().map(async |one| {
            let stopped = self.stop(&one.id, one.patience).await;
            running().remove(one.id.as_str());
            stopped
        });
        let tell = async {
            loop {
                tokio::time::sleep(TOLD_EVERY).await;
                running().iter().for_each(|id| still_runs(id, begun.elapsed()));
            }
        };
        tokio::select! {
            stopped = try_join_all(stops) => stopped.map(drop),
            () = tell => Ok(()),
            () = cancel.cancelled() => Err(Error::cancelled()),
        }
    }
}
