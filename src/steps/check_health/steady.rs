//! Whether the containers of the new server stay up. One that dies every 20 seconds runs whenever somebody looks, but
//! docker counts how often it has started it again.

use super::api::POLL;
use super::ended::{READ, does_not_stay, how};
use super::is_of;
use crate::deployment::Service;
use crate::docker::{Container, trouble};
use crate::error::Result;
use crate::events::{Events, Unit};
use crate::failpoints;
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
                    let lines = run.docker.log_tail(&container.id, READ).await.unwrap_or_default();
                    run.events.warn(told(container, &lines));
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
    run.docker.project_containers(&run.server()?.new_project.name).await
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
    let name = container.label("com.docker.compose.service").unwrap_or_default();
    let is_its_name = name == "redis" || name.starts_with("clearml-redis");
    server.new_redis.is_some() && is_its_name && is_of(container, name)
}

fn service_of<'a>(server: &'a ServerPlan, container: &Container) -> Option<&'a Service> {
    server.deployment.services.iter().find(|service| is_of(container, &service.name))
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
mod tests {
    use super::*;
    use crate::docker::Restart;
    use crate::plan::sample;
    use std::collections::BTreeMap;

    fn container(service: &str, status: &str, restarts: u64) -> Container {
        let mut one =
            Container { id: format!("id of {service}"), name: format!("clearml-{service}"), ..Container::default() };
        one.labels = BTreeMap::from([("com.docker.compose.service".to_owned(), service.to_owned())]);
        one.restart = Restart { policy: "unless-stopped".into(), retries: 0 };
        one.state.status = status.into();
        one.state.running = status == "running";
        one.state.restarts = restarts;
        one
    }

    fn with_code(code: i64, policy: &str, container: Container) -> Container {
        let restart = Restart { policy: policy.into(), retries: 0 };
        let state = crate::docker::ContainerState { exit_code: Some(code), ..container.state.clone() };
        Container { restart, state, ..container }
    }

    /// The plan's server with an agent, and with a neighbour that stayed up in the old server and one that did not.
    fn server() -> ServerPlan {
        let mut server = sample::plan().server().unwrap().clone();
        let more = [("agent-services", Role::AgentServices), ("grafana", Role::Other), ("broken", Role::Other)];
        for (name, role) in more {
            let mut service = sample::service(name, role, &[]);
            service.container.as_mut().unwrap().fell = name == "broken";
            server.deployment.services.push(service);
        }
        server
    }

    /// What came of a watch, and after how many seconds. The containers are as `at` has them after so many seconds.
    async fn watched(before: &[Container], at: impl Fn(u64) -> Vec<Container>) -> (Verdict, u64) {
        watched_in(&server(), before, at).await
    }

    async fn watched_in(
        server: &ServerPlan,
        before: &[Container],
        at: impl Fn(u64) -> Vec<Container>,
    ) -> (Verdict, u64) {
        let watch = Watch::of(server, before.to_vec());
        let begun = watch.begun;
        let look = || std::future::ready(Ok(at(begun.elapsed().as_secs())));
        let verdict = watch.watch(server, PERIOD, &Events::silent(), look).await.unwrap();
        (verdict, begun.elapsed().as_secs())
    }

    fn stayed(without: &[Container]) -> Verdict {
        Verdict::Stayed { without: without.to_vec(), time: PERIOD }
    }

    #[tokio::test(start_paused = true)]
    async fn a_minute_without_a_restart_is_waited_for() {
        let all = [container("webserver", "running", 2), container("mongo", "running", 0)];
        assert_eq!(watched(&all, |_| all.to_vec()).await, (stayed(&[]), 60));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_started_again_every_20_seconds_never_stays_up() {
        // It runs whenever somebody looks.
        let at = |seconds: u64| vec![container("mongo", "running", 0), container("webserver", "running", seconds / 20)];
        let (verdict, seconds) = watched(&at(0), at).await;
        assert_eq!(verdict, Verdict::Fell(Role::Webserver, Box::new(container("webserver", "running", 9))));
        assert_eq!(seconds, 180);
    }

    #[tokio::test(start_paused = true)]
    async fn what_had_to_wait_for_the_others_may_settle() {
        let at = |seconds: u64| match seconds {
            0..30 => vec![container("webserver", "restarting", 7)],
            _ => vec![container("webserver", "running", 8)],
        };
        assert_eq!(watched(&at(0), at).await, (stayed(&[]), 90));
        // A neighbour has the rest of its first minute, and another one.
        let at = |seconds: u64| match seconds {
            0..30 => vec![container("grafana", "restarting", 7)],
            _ => vec![container("grafana", "running", 8)],
        };
        assert_eq!(watched(&at(0), at).await, (stayed(&[]), 120));
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_ended_ends_the_watching() {
        let running = container("mongo", "running", 0);
        let ways = [
            with_code(1, "no", container("mongo", "exited", 0)),
            with_code(0, "unless-stopped", container("mongo", "exited", 0)),
        ];
        for way in ways {
            let at = |seconds: u64| vec![if seconds < 40 { running.clone() } else { way.clone() }];
            assert_eq!(watched(&at(0), at).await, (Verdict::Fell(Role::Mongo, Box::new(way.clone())), 40));
        }
        let (gone, _) = watched(&[running], |_| Vec::new()).await;
        assert!(matches!(gone, Verdict::Fell(Role::Mongo, container) if container.state.status == "removed"));
        // Already before anybody looked.
        let dead = with_code(1, "no", container("webserver", "exited", 0));
        let (verdict, seconds) = watched(std::slice::from_ref(&dead), |_| vec![dead.clone()]).await;
        assert_eq!((verdict, seconds), (Verdict::Fell(Role::Webserver, Box::new(dead)), 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_neighbour_that_does_not_stay_up_takes_nothing_back() {
        let at =
            |seconds: u64| vec![container("grafana", "running", seconds / 20), container("broken", "restarting", 9)];
        let (verdict, seconds) = watched(&at(0), at).await;
        assert_eq!((verdict, seconds), (stayed(&at(180)), 180));
        // A job of the user's own that ended before the API server answered; and one that did so later.
        let ended = [with_code(1, "no", container("grafana", "exited", 0))];
        assert_eq!(watched(&ended, |_| ended.to_vec()).await, (stayed(&ended), 60));
        assert_eq!(watched(&[container("grafana", "running", 0)], |_| ended.to_vec()).await, (stayed(&ended), 60));
        // It fell in the old server, and the agent has no credentials of its own.
        for one in ["broken", "agent-services"] {
            let restless = [container(one, "restarting", 4)];
            assert_eq!(watched(&restless, |_| restless.to_vec()).await, (stayed(&restless), 60));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_longer_in_the_file_is_not_watched() {
        let ended = |service: &str| with_code(137, "unless-stopped", container(service, "exited", 0));
        let mut one_off = ended("webserver");
        one_off.labels.insert("com.docker.compose.oneoff".into(), "True".into());
        let strangers = [ended("mongo-exporter"), ended("clearml-redis"), one_off];
        let old_redis = ServerPlan { new_redis: None, ..server() };
        assert_eq!(watched_in(&old_redis, &strangers, |_| strangers.to_vec()).await, (stayed(&[]), 60));
        // The Redis that the rewriting has added is the server's.
        let new_redis = ServerPlan { new_redis: Some("/opt/clearml/data/redis".into()), ..server() };
        let (verdict, _) = watched_in(&new_redis, &strangers, |_| strangers.to_vec()).await;
        assert_eq!(verdict, Verdict::Fell(Role::Redis, Box::new(strangers[1].clone())));
    }

    #[test]
    fn a_neighbour_that_ended_is_told_with_its_code_and_its_last_words() {
        let ended = with_code(1, "no", container("grafana", "exited", 0));
        insta::assert_snapshot!(told(&ended, &["starting".into(), "Error: no such database.".into()]), @"The container clearml-grafana does not stay up: it ended with code 1. It says: Error: no such database. The server works without it; see why it ends: docker logs --tail 50 clearml-grafana");
        insta::assert_snapshot!(told(&ended, &[]), @"The container clearml-grafana does not stay up: it ended with code 1. It has written nothing. The server works without it; see why it ends: docker logs --tail 50 clearml-grafana");
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_is_done_once_has_its_end() {
        let before = [container("grafana", "running", 0)];
        let done = with_code(0, "no", container("grafana", "exited", 0));
        assert_eq!(watched(&before, |_| vec![done.clone()]).await, (stayed(&[]), 60));
    }
}
