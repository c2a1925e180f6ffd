//! Waiting for the API server's answer.

use super::databases_answer;
use super::ended::{does_not_stay, with_words};
use crate::error::{Error, Result};
use crate::events::Unit;
use crate::role::Role;
use crate::server::ApiServer;
use crate::steps::Run;
use crate::steps::containers::container_of;
use crate::text::duration;
use std::time::{Duration, Instant};

pub(super) const POLL: Duration = Duration::from_secs(2);
/// The task's name in progress events.
const WAITING: &str = "waiting for the API server";
/// An API server that has ended so often, although all its databases answer, ends again.
const CRASHES: u64 = 3;
/// Databases that cannot be asked from here are taken to answer after this time.
const DATABASES_LIMIT: Duration = Duration::from_secs(180);

/// Waits until the API server answers without complaint. A container that ends instead ends the wait with its words.
pub(super) async fn wait_for_api(run: &Run, limit: Duration) -> Result<ApiServer> {
    let begun = Instant::now();
    let mut crashes = Crashes::default();
    loop {
        run.check_cancelled()?;
        require_databases(run).await?;
        let container = container_of(run, Role::Apiserver).await?;
        if !container.state.running && container.state.status != "restarting" {
            return Err(does_not_stay(run, Role::Apiserver, &container).await);
        }
        let problem = match container.address(8008) {
            None => Error::failed(format!("The container {} has no address yet.", container.name)),
            Some(address) => {
                let api = ApiServer::new(format!("http://{address}"))?;
                match api.health().await {
                    Ok(health) if health.errors.is_empty() => {
                        run.events.progress_ended(WAITING);
                        return Ok(api);
                    }
                    Ok(health) => return Err(complaints(&health.errors)),
                    Err(problem) => problem,
                }
            }
        };
        let restarts = container.state.restarts;
        let ready = crashes.counts() || begun.elapsed() > DATABASES_LIMIT || databases_answer::all(run).await?;
        if ready && crashes.are_too_many(restarts) {
            return Err(does_not_stay(run, Role::Apiserver, &container).await);
        }
        if begun.elapsed() > limit {
            let error = Error::failed(format!("The new API server did not answer within {}.", duration(limit)));
            return Err(with_words(run, &container, error.because(problem)).await);
        }
        run.events.progress(WAITING, begun.elapsed().as_secs(), None, Unit::Seconds);
        tokio::time::sleep(POLL).await;
    }
}

/// How often the API server was started again since its databases answer. Before, it may end for want of them.
#[derive(Debug, Default)]
struct Crashes {
    before: Option<u64>,
}

impl Crashes {
    fn counts(&self) -> bool {
        self.before.is_some()
    }

    /// Takes docker's count; the first one is that of the time before.
    fn are_too_many(&mut self, restarts: u64) -> bool {
        restarts >= self.before.get_or_insert(restarts).saturating_add(CRASHES)
    }
}

fn complaints(errors: &[String]) -> Error {
    Error::failed(format!("The new API server runs, but complains: {}.", errors.join(", "))).hint(
        "missed_es_upgrade means that it found no migrated Elasticsearch; es_connection_error that it found none.",
    )
}

/// Fails when a database has ended: waiting longer would not help.
async fn require_databases(run: &Run) -> Result<()> {
    for role in [Role::Elasticsearch, Role::Mongo, Role::Redis] {
        if run.server()?.deployment.service(role).is_none() {
            continue;
        }
        let container = container_of(run, role).await?;
        if !container.state.running || container.state.status == "restarting" {
            return Err(does_not_stay(run, role, &container).await);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_server_that_crashes_beside_databases_that_answer_is_not_waited_for() {
        let mut crashes = Crashes::default();
        assert!(!crashes.counts());
        // It had ended twice before its databases were there.
        assert!(!crashes.are_too_many(2) && crashes.counts());
        assert!(!crashes.are_too_many(4));
        assert!(crashes.are_too_many(5));
    }
}
