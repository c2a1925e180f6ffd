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

async fn watched_in(server: &ServerPlan, before: &[Container], at: impl Fn(u64) -> Vec<Container>) -> (Verdict, u64) {
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
    let at = |seconds: u64| vec![container("grafana", "running", seconds / 20), container("broken", "restarting", 9)];
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
