//! Waiting for the API server's answer.

use super::container_of;
use crate::deployment::Role;
use crate::display::format::duration;
use crate::docker::explain_exit;
use crate::error::{Error, Result};
use crate::events::Unit;
use crate::server::ApiServer;
use crate::steps::Run;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_secs(2);

/// The task's name in progress events.
const WAITING: &str = "waiting for the API server";

/// Waits until the API server answers without complaint. A container that ends instead ends the wait with its words.
pub(super) async fn wait_for_api(run: &Run, limit: Duration) -> Result<ApiServer> {
    let begun = Instant::now();
    loop {
        run.check_cancelled()?;
        require_running(run).await?;
        let container = container_of(run, Role::Apiserver).await?;
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
        if begun.elapsed() > limit {
            let lines = run.docker.log_tail(&container.id, 15).await.unwrap_or_default();
            return Err(Error::failed(format!("The new API server did not answer within {}.", duration(limit)))
                .because(problem)
                .hint(format!("Its last lines:\n{}", lines.join("\n"))));
        }
        run.events.progress(WAITING, begun.elapsed().as_secs(), None, Unit::Seconds);
        tokio::time::sleep(POLL).await;
    }
}

fn complaints(errors: &[String]) -> Error {
    Error::failed(format!("The new API server runs, but complains: {}.", errors.join(", "))).hint(
        "missed_es_upgrade means that it found no migrated Elasticsearch; es_connection_error that it found none.",
    )
}

/// Fails when a database or the API server has ended: waiting longer would not help.
async fn require_running(run: &Run) -> Result<()> {
    let server = run.server()?;
    for role in [Role::Elasticsearch, Role::Mongo, Role::Redis, Role::Apiserver] {
        if server.deployment.service(role).is_none() {
            continue;
        }
        let container = container_of(run, role).await?;
        if container.state.running && container.state.status != "restarting" {
            continue;
        }
        let exit = crate::docker::Exit {
            code: container.state.exit_code.unwrap_or_default(),
            out_of_memory: container.state.out_of_memory,
            last_lines: run.docker.log_tail(&container.id, 40).await.unwrap_or_default(),
        };
        let how = match container.state.status.as_str() {
            "restarting" => "ends and is restarted again and again".to_owned(),
            _ => format!("ended with code {}", exit.code),
        };
        let error = Error::failed(format!("The container {} {how}.", container.name));
        let error = match explain_exit(role, &exit) {
            Some(explanation) => error.hint(explanation),
            None => error,
        };
        return Err(error.hint(format!("Its last lines:\n{}", exit.last_words(8))));
    }
    Ok(())
}
