//! Whether the containers of the new server stay up. One that dies every 20 seconds runs whenever somebody looks, but
//! docker counts how often it has started it again.

use super::api::POLL;
use super::ended::{READ, does_not_stay, how};
use crate::deployment::Service;
use crate::docker::{Container, trouble};
use crate::error::Result;
use crate::events::{Events, Unit};
use crate::failpoints;
use crate::message::{About, Code, Message};
use crate::plan::ServerPlan;
use crate::role::Role;
use crate::steps::Run;
use crate::text::duration;
use crate::text::plural;
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

/// How long nothing may end. Docker waits up to a minute before it starts something again.
const PERIOD: Duration = Duration::from_secs(60);
/// So long from the API server's first answer, what ends and is started again may still be waiting for something, as an
/// exporter does until Elasticsearch is there; the minute begins anew then.
const SETTLING: Duration = Duration::from_secs(180);
/// Lines of the log of what may fall that are shown.
const SHOWN: usize = 3;
/// The task's name in progress events.
const WATCHING: &str = "watching that all containers stay up";

/// The containers at the API server's first answer.
pub(super) struct Watch {
    begun: Instant,
    before: Vec<Container>,
}

impl Watch {
    /// Begins to watch the containers of the new server.
    ///
    /// # Errors
    /// Fails when docker does not answer.
    pub(super) async fn begin(run: &Run) -> Result<Self> {
        Ok(Self::of(run.server()?, containers(run).await?))
    }

    /// Of all containers of the project, those of the server are watched.
    fn of(server: &ServerPlan, project: Vec<Container>) -> Self {
        let before = project.into_iter().filter(|one| role_of(server, one).is_some()).collect();
        Self { begun: Instant::now(), before }
    }

    /// Watches until the time is over, and returns what was found, as one line.
    ///
    /// # Errors
    /// Failed when a container has ended or was started again, with its name and last words; cancelled.
    pub(super) async fn to_its_end(&self, run: &Run) -> Result<String> {
        let server = run.server()?;
        let period = if failpoints::reach("health.steady_due").is_err() { Duration::ZERO } else { PERIOD };
        let watched = self.watch(server, period, &run.events, || async {
            run.check_cancelled()?;
            containers(run).await
        });
        let watched = watched.await;
        run.events.progress_ended(WATCHING);
        match watched? {
            Verdict::Fell(role, container) => Err(does_not_stay(run, role, &container).await),
            Verdict::Stayed { without, time } => {
                for container in &without {
                    let lines = run.platform.log_tail(&container.id, READ).await.unwrap_or_default();
                    run.events.warn(
                        Message::new(Code::ContainerEnded, told(container, &lines))
                            .about(About::container(&container.name)),
                    );
                }
                let running = plural(self.running(&without), "container", "containers");
                Ok(format!("{running} ran for {} without being started again", duration(time)))
            }
        }
    }

    /// Looks again and again until nothing has fallen for the whole period, or something has that must not.
    async fn watch<F: Future<Output = Result<Vec<Container>>>>(
        &self,
        server: &ServerPlan,
        period: Duration,
        events: &Events,
        mut look: impl FnMut() -> F,
    ) -> Result<Verdict> {
        let (mut since, mut before) = (self.begun, self.before.clone());
        loop {
            let is_over = since.elapsed() >= period;
            let now = look().await?;
            let fallen = fallen(&before, &now);
            let may_settle = self.begun.elapsed() < SETTLING;
            let settles = |one: &Container| may_settle && is_started_again(one);
            let (mut may, mut must_settle) = (Vec::new(), false);
            for container in fallen {
                match role_of(server, &container) {
                    Some(role) if is_the_servers(role) => match settles(&container) {
                        true => must_settle = true,
                        false => return Ok(Verdict::Fell(role, Box::new(container))),
                    },
                    _ => may.push(container),
                }
            }
            // A neighbour gets its time too, but nothing depends on it.
            let may_still = || may.iter().any(|one| settles(one) && !is_known_to_fall(server, one));
            if must_settle || (is_over && may_still()) {
                (since, before) = (Instant::now(), now);
            } else if is_over {
                return Ok(Verdict::Stayed { without: may, time: since.elapsed() });
            }
            events.progress(WATCHING, since.elapsed().as_secs(), Some(period.as_secs()), Unit::Seconds);
            tokio::time::sleep(POLL).await;
        }
    }

    fn running(&self, without: &[Container]) -> u64 {
        let is_left_out = |one: &Container| without.iter().any(|other| other.id == one.id);
        self.before.iter().filter(|one| one.state.running && !is_left_out(one)).count() as u64
    }
}

/// What came of the watching.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// All that must stay have stayed for so long; some have not, and may.
    Stayed { without: Vec<Container>, time: Duration },
    /// This one has not.
    Fell(Role, Box<Container>),
}

async fn containers(run: &Run) -> Result<Vec<Container>> {
    run.platform.containers_of(&run.server()?.new_project.name).await
}

/// Whether docker starts it again, so that it may come to stay up.
fn is_started_again(container: &Container) -> bool {
    container.state.running || container.state.status == "restarting"
}

/// Returns the containers that do not run as they should, as they are now: restarting, started again, ended, or gone. Work
/// that is done once, and was done well, has its end.
fn fallen(before: &[Container], now: &[Container]) -> Vec<Container> {
    let has_fallen = |now: &Container, restarts: u64, ran: bool| {
        let state = &now.state;
        let is_done = state.exit_code == Some(0) && matches!(now.restart.policy.as_str(), "no" | "on-failure");
        let ended = !state.running && (ran || state.exit_code.is_some_and(|code| code != 0)) && !is_done;
        state.status == "restarting" || state.restarts > restarts || ended
    };
    let mut fallen = Vec::new();
    for one in before {
        match now.iter().find(|now| now.id == one.id) {
            Some(now) if has_fallen(now, one.state.restarts, one.state.running) => fallen.push(now.clone()),
            Some(_) => {}
            None => {
                let mut gone = one.clone();
                (gone.state.running, gone.state.status) = (false, "removed".to_owned());
                fallen.push(gone);
            }
        }
    }
    fallen
}

/// Whether the server does not work without it. The agent ends without credentials of its own, as upstream's does, and nothing is
/// lost by it; a neighbour may be a job that ends once, and nobody knows how it fared before.
fn is_the_servers(role: Role) -> bool {
    !matches!(role, Role::AgentServices | Role::Other)
}

/// Whether it makes no sense to wait for it: the agent, and a neighbour that fell in the old server.
fn is_known_to_fall(server: &ServerPlan, container: &Container) -> bool {
    service_of(server, container).is_some_and(|service| {
        service.role == Role::AgentServices || service.container.as_ref().is_some_and(|old| old.fell)
    })
}

/// Returns the role of a container of the server. Nothing for others that carry the project's name: of services that are no
/// longer in the file (`down` leaves them), and those that `compose run` has left.
fn role_of(server: &ServerPlan, container: &Container) -> Option<Role> {
    match service_of(server, container) {
        Some(service) => Some(service.role),
        None => is_the_new_redis(server, container).then_some(Role::Redis),
    }
}

/// Redis is all that the rewriting adds, where the old server did without. Its name is `redis`, or `clearml-redis` with a
/// number or without where that was taken.
fn is_the_new_redis(server: &ServerPlan, container: &Container) -> bool {
    let name = container.service().unwrap_or_default();
    let is_its_name = name == "redis" || name.starts_with("clearml-redis");
    server.new_redis.is_some() && is_its_name
}

fn service_of<'a>(server: &'a ServerPlan, container: &Container) -> Option<&'a Service> {
    server.deployment.services.iter().find(|service| container.service() == Some(service.name.as_str()))
}

fn told(container: &Container, lines: &[String]) -> String {
    let (name, how) = (&container.name, how(container));
    let words = match lines.is_empty() {
        true => "It has written nothing.".to_owned(),
        false => format!("It says: {}.", trouble(lines, SHOWN).replace('\n', " | ").trim_end_matches('.')),
    };
    format!(
        "The container {name} does not stay up: it {how}. {words} The server works without it; see why it ends: docker logs \
         --tail 50 {name}"
    )
}

#[cfg(test)]
mod tests;
