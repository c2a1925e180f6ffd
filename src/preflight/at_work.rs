//! Whom the migration would interrupt: asked of the old server while it runs.

use super::Subject;
use crate::deployment::Service;
use crate::docker::Container;
use crate::error::{Error, Result};
use crate::findings::Finding;
use crate::message::{About, Code};
use crate::plan::ServerPlan;
use crate::role::Role;
use crate::server::{ApiServer, AtWork, find_credentials};
use crate::text::plural;
use std::time::Duration;

/// A server that takes longer has other troubles; nobody is to wait for this.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);
const API_PORT: u16 = 8008;
const CONFIG_DIRS: [&str; 2] = ["/opt/trains/config", "/opt/clearml/config"];
/// How many names are shown.
const SHOWN: usize = 5;

/// Tells which experiments are in progress and which agents are connected, or that this could not be found out.
pub(super) async fn at_work(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(server) = subject.plan.server() else { return Vec::new() };
    let api = server.deployment.service(Role::Apiserver).and_then(|service| service.container.as_ref());
    let Some(api) = api.filter(|container| container.running) else { return Vec::new() };
    let asked = async {
        let container = subject.docker.container(&api.id).await?;
        ask(container.ok_or_else(|| Error::failed("it was removed"))?, server).await
    };
    match tokio::time::timeout(ANSWERS_WITHIN, asked).await {
        Ok(Ok(found)) => told(&found, server.deployment.service(Role::AgentServices)),
        Ok(Err(error)) => vec![not_known(error.message())],
        Err(_) => vec![not_known("It does not answer within a second.")],
    }
}

async fn ask(container: Container, server: &ServerPlan) -> Result<AtWork> {
    let Some(address) = container.address(API_PORT) else {
        return Err(Error::failed("It cannot be reached from this machine."));
    };
    let config = container.mounts.iter().find(|mount| CONFIG_DIRS.contains(&mount.target.as_str()));
    let logins = find_credentials(
        config.map(|mount| mount.source.as_path()),
        &container.environment,
        &[(server.facts.key.as_str(), server.facts.secret.as_str())],
    );
    let mut api = ApiServer::new(format!("http://{address}"))?;
    for one in &logins {
        match api.log_in(one).await {
            Ok(()) => return api.at_work().await,
            Err(error) => tracing::debug!("login as {} was refused: {error}", one.user),
        }
    }
    Err(Error::failed("It takes none of the logins that its configuration names."))
}

fn told(found: &AtWork, agent: Option<&Service>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let running = found.experiments.len() as u64;
    if running > 0 {
        let are = if running == 1 { "is" } else { "are" };
        let experiments = plural(running, "experiment", "experiments");
        findings.push(Finding::warning(
            Code::ExperimentsInProgress,
            format!("{experiments} {are} in progress: {}.", short_list(&found.experiments)),
            "What they report while the server is down is lost to them. Let them end or stop them first, or migrate at another time.",
        )
        .about(About::Number(found.experiments.len() as u64)));
    }
    let workers: Vec<String> = found.workers.iter().filter(|id| !is_the_servers_own(id, agent)).cloned().collect();
    if !workers.is_empty() {
        let agents = plural(workers.len() as u64, "agent", "agents");
        let are = if workers.len() == 1 { "is" } else { "are" };
        findings.push(
            Finding::warning(
                Code::AgentsConnected,
                format!("{agents} {are} connected: {}.", short_list(&workers)),
                "While the server is down they get no work. See that they are connected again afterwards.",
            )
            .about(About::Number(workers.len() as u64)),
        );
    }
    findings
}

/// The services agent stops and starts with the server: `trains-services`, and `trains-services:service:TASK` for what
/// it runs.
fn is_the_servers_own(worker: &str, agent: Option<&Service>) -> bool {
    let Some(agent) = agent else { return false };
    let names = ["TRAINS_WORKER_ID", "CLEARML_WORKER_ID"].iter().filter_map(|name| agent.environment.get(*name));
    let mut own = names.filter(|name| !name.is_empty());
    own.any(|name| worker.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')))
}

fn not_known(why: &str) -> Finding {
    Finding::warning(
        Code::WorkUnknown,
        format!("The API server cannot be asked which experiments are in progress. {why}"),
        "Look yourself: what an experiment reports while the server is down is lost to it.",
    )
}

fn short_list(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample;

    fn said(experiments: &[&str], workers: &[&str]) -> Vec<String> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let plan = sample::plan();
        let mut agent = plan.server().unwrap().deployment.services[0].clone();
        agent.environment.insert("TRAINS_WORKER_ID".into(), "trains-services".into());
        let found = AtWork { experiments: owned(experiments), workers: owned(workers) };
        told(&found, Some(&agent)).into_iter().map(|one| one.what).collect()
    }

    #[test]
    fn experiments_in_progress_and_agents_are_named() {
        assert_eq!(said(&[], &[]), Vec::<String>::new());
        assert_eq!(said(&["resnet"], &[]), ["1 experiment is in progress: resnet."]);
        let seven = ["a", "b", "c", "d", "e", "f", "g"];
        assert_eq!(
            said(&seven, &["gpu-1:0", "gpu-2:0"]),
            ["7 experiments are in progress: a, b, c, d, e and 2 more.", "2 agents are connected: gpu-1:0, gpu-2:0."]
        );
    }

    #[test]
    fn the_servers_own_agent_is_not_told() {
        assert_eq!(said(&[], &["trains-services", "trains-services:service:0a"]), Vec::<String>::new());
        assert_eq!(said(&[], &["trains-services2"]), ["1 agent is connected: trains-services2."]);
    }
}
