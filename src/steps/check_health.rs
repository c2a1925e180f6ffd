//! Check the new server: that it runs, that its databases are at the release's versions, and that it has what the
//! old one had, asked through the server itself.
//!
//! A green answer alone proves nothing: a failed schema migration of MongoDB is only logged, and a missing index
//! answers 200 with nothing in it. Hence versions and counts (seen on servers 0.15.1 and 1.1.1).

use super::copy_elastic::{CopiedElastic, Sample};
use super::run::project_args;
use super::{Done, Run, databases};
use crate::deployment::{Experiments, Role, count_experiments};
use crate::display::format::{documents, duration, plural};
use crate::docker::{Container, explain_exit};
use crate::elastic::{Client, indices};
use crate::error::{Error, Kind, Result};
use crate::events::{Events, Unit};
use crate::plan::Step;
use crate::planner::phrase;
use crate::release::Release;
use crate::server::{ApiServer, Credentials, Origin, find_credentials};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// MongoDB's schema migrations of a big server take minutes.
const START_LIMIT: Duration = Duration::from_secs(900);
/// A server that was started long ago answers at once, or has not come round.
const LOOK_LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_secs(2);
/// The task's name in progress events.
const WAITING: &str = "waiting for the API server";
/// Where the API server reads its configuration (1.0.1 and later look at both).
const CONFIG_DIRS: [&str; 2] = ["/opt/clearml/config", "/opt/trains/config"];

/// What the checks leave for the report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// What was found worth saying: one line each.
    pub checks: Vec<String>,
}

pub(super) async fn apply(run: &Run) -> Result<Done> {
    check(run, START_LIMIT).await
}

/// Returns whether a new server that was found wanting works by now: its user may have put the cause right.
///
/// # Errors
/// Only when cancelled.
pub async fn works_by_now(run: &Run) -> Result<bool> {
    match check(run, LOOK_LIMIT).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == Kind::Cancelled => Err(error),
        Err(error) => {
            run.events.detail(format!("the new server still does not work: {error}"));
            Ok(false)
        }
    }
}

async fn check(run: &Run, limit: Duration) -> Result<Done> {
    let release = crate::release::find(&run.server()?.release)?;
    let api = wait_for_api(run, limit).await?;
    databases::note(run).await;
    let mut checks = vec![check_versions(run, release).await?];
    compare_experiments(run).await?;
    checks.push(check_counts(run).await?);
    checks.push(check_events(run, release, api).await?);
    let summary = format!("all {} checks passed", checks.len());
    let output = serde_json::to_value(Checked { checks })
        .map_err(|cause| Error::internal("The result of the checks cannot be written.").because(cause))?;
    Ok(Done { summary, output })
}

/// Waits until the API server answers without complaint. A container that ends instead ends the wait with its words.
async fn wait_for_api(run: &Run, limit: Duration) -> Result<ApiServer> {
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

/// Returns the container of the role's service in the new project.
pub(super) async fn container_of(run: &Run, role: Role) -> Result<Container> {
    let server = run.server()?;
    let name = server.deployment.service(role).map(|service| service.name.clone());
    let name = name.ok_or_else(|| Error::internal(format!("The plan has no {role:?} service.")))?;
    let containers = run.docker.project_containers(&server.new_project.name).await?;
    let mut of_service =
        containers.into_iter().filter(|one| one.label("com.docker.compose.service") == Some(name.as_str()));
    let compose = run.compose()?.typed(&project_args(&server.new_project));
    of_service.next().ok_or_else(|| {
        Error::failed(format!("The new server has no container for the service {name}."))
            .hint(format!("See what compose says: {compose} ps"))
    })
}

/// Reads the schema stamps in MongoDB with its own client: the guard against migrations that failed silently.
async fn check_versions(run: &Run, release: &Release) -> Result<String> {
    const SCRIPT: &str =
        r#"JSON.stringify(db.getSiblingDB("backend").versions.find().toArray().map(function(v){return v.num}))"#;
    let container = container_of(run, Role::Mongo).await?;
    let command = ["mongo", "--quiet", "--eval", SCRIPT].map(str::to_owned);
    let output = run.docker.exec(&container.id, &command, &BTreeMap::new()).await?;
    let found = output.stdout.lines().rev().find_map(|line| serde_json::from_str::<Vec<String>>(line.trim()).ok());
    let Some(found) = found else {
        return Err(Error::failed("The database versions in MongoDB cannot be read.").because(anyhow::anyhow!(
            "{}{}",
            output.stdout.trim(),
            output.stderr.trim()
        )));
    };
    let newest = found.iter().max_by_key(|version| version_key(version)).cloned().unwrap_or_else(|| "none".to_owned());
    if newest == release.backend_version {
        return Ok(format!("MongoDB's schema is at {newest}"));
    }
    let api = container_of(run, Role::Apiserver).await?;
    let lines = run.docker.log_tail(&api.id, 200).await.unwrap_or_default();
    Err(Error::failed(format!(
        "MongoDB's schema is at {newest}, and release {} needs {}: the new server could not bring it there.",
        release.version, release.backend_version
    ))
    .hint(format!("What {} said about it:\n{}", api.name, trouble(&lines))))
}

/// Returns what a log tells of trouble: the last lines that speak of errors, or the last ones at all.
fn trouble(lines: &[String]) -> String {
    const SHOWN: usize = 8;
    let tells = |line: &&String| ["rror", "ailed", "xception"].iter().any(|word| line.contains(word));
    let telling: Vec<&str> = lines.iter().filter(tells).map(String::as_str).collect();
    let all: Vec<&str> = lines.iter().map(String::as_str).collect();
    let words = if telling.is_empty() { all } else { telling };
    words.get(words.len().saturating_sub(SHOWN)..).unwrap_or_default().join("\n")
}

/// Orders `1.0.2` after `1.0.10`'s predecessor: by number, not by letter.
fn version_key(version: &str) -> Vec<u64> {
    version.split('.').map(|part| part.parse().unwrap_or_default()).collect()
}

/// Holds MongoDB's experiments against what was copied: those that have run have events.
async fn compare_experiments(run: &Run) -> Result<()> {
    let container = container_of(run, Role::Mongo).await?;
    let told = match count_experiments(&run.docker, &container.id).await {
        Ok((all, ran)) => experiments_without(&run.server()?.experiments, all, ran, &copied(run)?),
        Err(error) => {
            vec![format!(
                "Whether all experiments came with their events was not asked of MongoDB: {}.",
                phrase(&error)
            )]
        }
    };
    told.into_iter().for_each(|line| run.events.warn(line));
    Ok(())
}

/// Returns what does not fit together: the experiments of old, all of now, those that have run, and the copy.
fn experiments_without(before: &Experiments, all: u64, ran: u64, copied: &CopiedElastic) -> Vec<String> {
    let mut told = Vec::new();
    let experiments = plural(all, "experiment", "experiments");
    if ran > 0 && !copied.counts.keys().any(|index| index.starts_with("events-")) {
        told.push(format!(
            "The new server has {experiments}, {ran} of them have run, and there was no index of events to copy: it has no \
             console log, curve, plot or debug image of any of them."
        ));
    }
    if let Experiments::Counted { all: old, .. } = before
        && all < *old
    {
        let old = plural(*old, "experiment", "experiments");
        told.push(format!("The new server has {experiments}; the old one had {old} when the plan was made."));
    }
    told
}

/// Counts on the node itself. More than before is fine: workers report as soon as the server is up.
async fn check_counts(run: &Run) -> Result<String> {
    let copied = copied(run)?;
    let container = container_of(run, Role::Elasticsearch).await?;
    let address = container.address(9200).ok_or_else(|| {
        Error::failed(format!("The container {} cannot be reached from this machine.", container.name))
    })?;
    count_all(&Client::new(&format!("http://{address}"))?, &copied.counts).await
}

async fn count_all(client: &Client, counts: &BTreeMap<String, u64>) -> Result<String> {
    let listed = indices::list(client).await?;
    let is_closed = |index: &str| listed.iter().any(|one| one.name == index && one.is_closed());
    let (mut total, mut newer, mut closed) = (0, 0, 0);
    for (index, expected) in counts {
        if is_closed(index) {
            // As in the old server. Its documents were compared before it was closed.
            closed += expected;
            continue;
        }
        let found = indices::count(client, index).await?;
        if found < *expected {
            let message = format!("The new server's index {index} holds {found} documents; {expected} were copied.");
            return Err(Error::difference(message).hint(
                "Something has deleted documents since it was started, or it uses another directory than the new data.",
            ));
        }
        total += found;
        newer += found - expected;
    }
    let newer = if newer > 0 { format!(", {} of them new", documents(newer)) } else { String::new() };
    let closed =
        if closed > 0 { format!(", and keeps {} in closed indices", documents(closed)) } else { String::new() };
    Ok(format!("Elasticsearch serves {}{newer}{closed}", documents(total)))
}

/// Asks the server itself, logged in, for the number of events of sampled experiments.
async fn check_events(run: &Run, release: &Release, mut api: ApiServer) -> Result<String> {
    let copied = copied(run)?;
    let Some(origin) = log_in(run, release, &mut api).await? else {
        run.events.warn(
            "No login worked (fixed users, secure.conf, environment, the release's defaults), so what the server shows \
             to users was not tested. Counts and database versions were checked directly.",
        );
        return Ok("login not tested".to_owned());
    };
    let mut asked = 0;
    for Sample { event_type, task, events } in &copied.samples {
        run.check_cancelled()?;
        let found = api.task_events_total(task, event_type).await?;
        if found < *events {
            return Err(Error::difference(format!(
                "The new server shows {found} events of type {event_type} for experiment {task}; the old one had {events}."
            ))
            .hint("All documents are in Elasticsearch, as was just counted, so the API server does not find them there."));
        }
        asked += 1;
    }
    Ok(format!("its API, logged in with {origin}, shows all events of {}", plural(asked, "sample", "samples")))
}

async fn log_in(run: &Run, release: &Release, api: &mut ApiServer) -> Result<Option<&'static str>> {
    let container = container_of(run, Role::Apiserver).await?;
    let config = container.mounts.iter().find(|mount| CONFIG_DIRS.contains(&mount.target.as_str()));
    let credentials = find_credentials(
        config.map(|mount| mount.source.as_path()),
        &container.environment,
        &[(release.credentials.key, release.credentials.secret)],
    );
    Ok(first_that_works(api, &credentials, &run.events).await)
}

/// Returns, in words, the first credentials that the server takes; it is logged in with them.
async fn first_that_works(api: &mut ApiServer, credentials: &[Credentials], events: &Events) -> Option<&'static str> {
    for one in credentials {
        match api.log_in(one).await {
            Ok(()) => {
                return Some(match one.origin {
                    Origin::FixedUsers => "a fixed user",
                    Origin::SecureConf => "secure.conf",
                    Origin::Environment => "the environment's keys",
                    Origin::Default => "the release's default keys",
                });
            }
            Err(error) => events.detail(format!("login as {} was refused: {error}", one.user)),
        }
    }
    None
}

fn copied(run: &Run) -> Result<CopiedElastic> {
    run.output(Step::CopyElastic)?.ok_or_else(|| Error::internal("The journal holds no result of the copy."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Events;
    use serde_json::json;
    use wiremock::matchers::{basic_auth, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    #[tokio::test]
    async fn what_is_in_closed_indices_is_told_apart_and_not_asked_for() {
        let server = MockServer::start().await;
        let listed = json!([{ "index": "events-a", "status": "open" }, { "index": "events-b", "status": "close" }]);
        let count = json!({ "count": 12, "_shards": { "total": 1, "successful": 1, "skipped": 0, "failed": 0 } });
        for (at, answer) in [("/_cat/indices", listed), ("/events-a/_count", count)] {
            let answer = ResponseTemplate::new(200).set_body_json(answer);
            Mock::given(path(at)).respond_with(answer).mount(&server).await;
        }
        let counts = BTreeMap::from([("events-a".to_owned(), 10), ("events-b".to_owned(), 7)]);
        let client = Client::new(&server.uri()).unwrap();
        let told = count_all(&client, &counts).await.unwrap();
        assert_eq!(
            told,
            "Elasticsearch serves 12 documents, 2 documents of them new, and keeps 7 documents in closed indices"
        );
        let missing = BTreeMap::from([("events-a".to_owned(), 13)]);
        assert_eq!(count_all(&client, &missing).await.unwrap_err().kind(), crate::error::Kind::Difference);
    }

    #[tokio::test]
    async fn logins_are_tried_until_one_works_and_none_is_no_failure() {
        let server = MockServer::start().await;
        let token = ResponseTemplate::new(200).set_body_json(json!({ "data": { "token": "t" } }));
        let refused =
            ResponseTemplate::new(401).set_body_json(json!({ "meta": { "result_msg": "Unauthorized" }, "data": {} }));
        Mock::given(path("/auth.login")).and(basic_auth("K", "S")).respond_with(token).mount(&server).await;
        Mock::given(path("/auth.login")).respond_with(refused).mount(&server).await;
        let login = |user: &str, secret: &str, origin| Credentials { user: user.into(), secret: secret.into(), origin };
        let all = [
            login("jane", "changed since", Origin::FixedUsers),
            login("K", "S", Origin::SecureConf),
            login("D", "d", Origin::Default),
        ];
        let mut api = ApiServer::new(server.uri()).unwrap();
        assert_eq!(first_that_works(&mut api, &all, &Events::silent()).await, Some("secure.conf"));
        assert_eq!(first_that_works(&mut api, &all[2..], &Events::silent()).await, None);
    }

    #[test]
    fn experiments_that_have_run_without_any_events_are_told() {
        let copied = |indices: &[&str]| CopiedElastic {
            counts: indices.iter().map(|index| ((*index).to_owned(), 1)).collect(),
            ..CopiedElastic::default()
        };
        let before = Experiments::Counted { all: 8, ran: 5 };
        let told = |all, ran, indices| experiments_without(&before, all, ran, &copied(indices));
        assert_eq!(told(8, 5, &["events-log-d1bd"]), Vec::<String>::new());
        assert_eq!(told(8, 0, &["worker_stats_d1bd_2020-06"]), Vec::<String>::new());
        assert!(told(8, 5, &["worker_stats_d1bd_2020-06"])[0].contains("8 experiments, 5 of them have run"));
        assert_eq!(
            told(7, 5, &["events-log-d1bd"]),
            ["The new server has 7 experiments; the old one had 8 experiments when the plan was made."]
        );
        // Of a plan that was made when nobody asked.
        assert_eq!(
            experiments_without(&Experiments::default(), 7, 5, &copied(&["events-log-x"])),
            Vec::<String>::new()
        );
    }

    #[test]
    fn of_a_long_log_the_lines_that_tell_of_trouble_are_shown() {
        let log = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let told = trouble(&log("starting\nMigration 0.17.0 failed, aborting\nlistening\nGET / 200"));
        assert_eq!(told, "Migration 0.17.0 failed, aborting");
        assert_eq!(trouble(&log("starting\nlistening")), "starting\nlistening");
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version_key("0.16.0") < version_key("1.0.2"));
        assert!(version_key("1.0.2") < version_key("1.0.10"));
    }
}
