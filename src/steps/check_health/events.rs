//! What the server shows of the events to whoever logs in.

use crate::error::{Error, Result};
use crate::events::Events;
use crate::message::{Code, Message};
use crate::role::Role;
use crate::server::{ApiServer, Credentials, Origin, find_credentials};
use crate::steps::Run;
use crate::steps::containers::container_of;
use crate::steps::copied::Sample;
use crate::steps::copied::copy_result;
use crate::text::plural;
use std::collections::BTreeSet;

/// Where the API server reads its configuration (1.0.1 and later look at both).
const CONFIG_DIRS: [&str; 2] = ["/opt/clearml/config", "/opt/trains/config"];

/// Asks the server itself, logged in, for the number of events of sampled experiments.
pub(super) async fn check_events(run: &Run, mut api: ApiServer) -> Result<String> {
    let copied = copy_result(run)?;
    let Some(origin) = log_in(run, &mut api).await? else {
        run.events.warn(Message::new(
            Code::NotTested,
            "No login worked (fixed users, secure.conf, environment, the release's defaults), so what the server shows \
             to users was not tested. Counts and database versions were checked directly.",
        ));
        return Ok("login not tested".to_owned());
    };
    let company = api.company();
    let (visible, others) = visible(&copied.samples, company.as_deref());
    for Sample { event_type, task, events, .. } in &visible {
        run.check_cancelled()?;
        let found = api.task_events_total(task, event_type).await?;
        if found < *events {
            return Err(Error::difference(format!(
                "The new server shows {found} events of type {event_type} for experiment {task}; the old one had {events}."
            ))
            .hint("All documents are in Elasticsearch, as was just counted, so the API server does not find them there."));
        }
    }
    Ok(told(origin, visible.len(), &others))
}

/// Returns the samples that a login of a company can be asked for, and the companies of the others. A server has one
/// company unless somebody has made it another; a login whose company is not known sees that one.
fn visible<'a>(samples: &'a [Sample], company: Option<&str>) -> (Vec<&'a Sample>, BTreeSet<&'a str>) {
    let all: BTreeSet<&str> = samples.iter().filter_map(|sample| sample.company.as_deref()).collect();
    let sees = |one: Option<&str>| one.is_none() || all.len() == 1 && company.is_none() || one == company;
    let visible: Vec<_> = samples.iter().filter(|sample| sees(sample.company.as_deref())).collect();
    (visible, all.iter().copied().filter(|one| !sees(Some(one))).collect())
}

fn told(origin: &str, asked: usize, others: &BTreeSet<&str>) -> String {
    let shown = plural(asked as u64, "sample", "samples");
    let told = format!("its API, logged in with {origin}, shows all events of {shown}");
    if others.is_empty() {
        return told;
    }
    let names: Vec<&str> = others.iter().copied().collect();
    let companies = plural(others.len() as u64, "other company", "other companies");
    format!("{told}; not asked, since the login does not see them: those of {companies} ({})", names.join(", "))
}

async fn log_in(run: &Run, api: &mut ApiServer) -> Result<Option<&'static str>> {
    let container = container_of(run, Role::Apiserver).await?;
    let config = container.mounts.iter().find(|mount| CONFIG_DIRS.contains(&mount.target.as_str()));
    let facts = &run.server()?.facts;
    let credentials = find_credentials(
        config.map(|mount| mount.source.as_path()),
        &container.environment,
        &[(facts.key.as_str(), facts.secret.as_str())],
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

    #[test]
    fn only_what_the_login_sees_is_asked_for_and_the_rest_is_told() {
        let of = |company: Option<&str>| Sample {
            event_type: "log".into(),
            task: "t".into(),
            events: 1,
            company: company.map(str::to_owned),
        };
        let both = [of(Some("d1bd")), of(Some("d1bd")), of(Some("c0de"))];
        let (asked, others) = visible(&both, Some("d1bd"));
        assert_eq!(
            told("a fixed user", asked.len(), &others),
            "its API, logged in with a fixed user, shows all events of 2 samples; not asked, since the login does not see them: those of 1 other company (c0de)"
        );
        // Where the token says nothing, one company is the login's, and of two neither can be told.
        assert_eq!(visible(&both[..2], None).0.len(), 2);
        assert_eq!(visible(&both, None).0.len(), 0);
        // Journals of earlier versions do not say whose a sample is.
        assert_eq!(visible(&[of(None)], Some("d1bd")).0.len(), 1);
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
}
