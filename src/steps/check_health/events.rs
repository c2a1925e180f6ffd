//! What the server shows of the events to whoever logs in.

use super::{container_of, copied};
use crate::deployment::Role;
use crate::display::format::plural;
use crate::error::{Error, Result};
use crate::events::Events;
use crate::release::Release;
use crate::server::{ApiServer, Credentials, Origin, find_credentials};
use crate::steps::Run;
use crate::steps::copy_elastic::Sample;

/// Where the API server reads its configuration (1.0.1 and later look at both).
const CONFIG_DIRS: [&str; 2] = ["/opt/clearml/config", "/opt/trains/config"];

/// Asks the server itself, logged in, for the number of events of sampled experiments.
pub(super) async fn check_events(run: &Run, release: &Release, mut api: ApiServer) -> Result<String> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wiremock::matchers::{basic_auth, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

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
}
