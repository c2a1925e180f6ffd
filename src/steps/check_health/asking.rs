//! Asking a service of the new server over HTTP until it answers as it should.

use super::api::POLL;
use super::ended::{does_not_stay, with_words};
use crate::docker::{Container, Network};
use crate::error::{Context, Error, Result};
use crate::events::Unit;
use crate::message::{About, Code, Message};
use crate::role::Role;
use crate::steps::Run;
use crate::steps::containers::container_of;
use crate::text::duration;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The API server answers by then, so the others have had their time to start.
const LIMIT: Duration = Duration::from_secs(60);
/// Docker starts what cannot start again in less than a second, and what has ended twice meanwhile ends again.
const CRASHES: u64 = 2;
/// Of what is served, no more than this is read.
const READ: usize = 64 * 1024;

/// HTTP as a browser speaks it, but nobody's redirections are followed.
pub(super) struct Http {
    client: reqwest::Client,
    /// Whether anything has answered yet.
    answered: AtomicBool,
}

/// An answer, of whatever status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Empty where the answer has none.
    pub(super) content_type: String,
    /// Length of the whole body, where the answer says it.
    pub(super) length: Option<u64>,
    /// The beginning of the body.
    pub(super) body: Vec<u8>,
}

impl Http {
    pub(super) fn new() -> Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .connect_timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build();
        let client = client.context(|| "The HTTP client could not be built.".into())?;
        Ok(Self { client, answered: AtomicBool::new(false) })
    }

    /// Gets a page or a file.
    ///
    /// # Errors
    /// Failed when there is no answer.
    pub(super) async fn get(&self, url: &str) -> Result<Answer> {
        let silent = || format!("{url} does not answer.");
        let mut response = self.client.get(url).send().await.context(silent)?;
        self.answered.store(true, Ordering::Relaxed);
        let content_type = response.headers().get(reqwest::header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let (status, length) = (response.status().as_u16(), response.content_length());
        let mut body = Vec::new();
        while body.len() < READ
            && let Some(part) = response.chunk().await.context(silent)?
        {
            body.extend_from_slice(&part);
        }
        Ok(Answer { status, content_type, length, body })
    }
}

impl Answer {
    pub(super) fn starts_like_html(&self) -> bool {
        let start = String::from_utf8_lossy(self.body.get(..64).unwrap_or(&self.body)).trim_start().to_lowercase();
        start.starts_with("<!doctype html") || start.starts_with("<html")
    }
}

/// Asks the service of a role at its port, again and again, until `ask` is content. Nothing if the server has no such
/// service, or, with a warning, if it cannot be reached from this machine.
///
/// # Errors
/// Failed when its container has ended, or `ask` is not content within a minute; with its last words. Cancelled.
pub(super) async fn until_it_answers<T>(
    run: &Run,
    role: Role,
    port: u16,
    ask: impl AsyncFn(&Http, &str) -> Result<T>,
) -> Result<Option<T>> {
    if run.server()?.deployment.service(role).is_none() {
        return Ok(None);
    }
    let (http, begun) = (Http::new()?, Instant::now());
    let task = format!("waiting for the {}", role.title());
    let mut first_count = None;
    loop {
        run.check_cancelled()?;
        let container = container_of(run, role).await?;
        let has_ended = !container.state.running && container.state.status != "restarting";
        let restarts = container.state.restarts;
        if has_ended || restarts >= *first_count.get_or_insert(restarts) + CRASHES {
            return Err(does_not_stay(run, role, &container).await);
        }
        let problem = match container.address(port) {
            None => Error::failed("It has no address that can be reached from this machine."),
            Some(address) => match ask(&http, &address).await {
                Ok(told) => {
                    run.events.progress_ended(&task);
                    return Ok(Some(told));
                }
                Err(problem) => problem,
            },
        };
        if begun.elapsed() > LIMIT {
            let has_answered = http.answered.load(Ordering::Relaxed);
            if let Some(why) = out_of_reach(&container, port, run.platform.is_elsewhere()).filter(|_| !has_answered) {
                run.events.progress_ended(&task);
                run.events.warn(
                    Message::new(Code::NotTested, not_tested(role, &container, port, &why))
                        .about(About::container(&container.name))
                        .about(About::Port(port)),
                );
                return Ok(None);
            }
            let error = Error::failed(format!(
                "The new {} ({}) did not answer as it should within {}.",
                role.title(),
                container.name,
                duration(LIMIT)
            ));
            return Err(with_words(run, &container, error.because(problem)).await);
        }
        run.events.progress(&task, begun.elapsed().as_secs(), Some(LIMIT.as_secs()), Unit::Seconds);
        tokio::time::sleep(POLL).await;
    }
}

/// Returns why a port of a container that runs need not be reachable from this machine. Nothing for what must be: what is
/// published, and the machine's own network. `elsewhere` tells why that is not the containers'.
fn out_of_reach(container: &Container, port: u16, elsewhere: Option<&str>) -> Option<String> {
    if container.network == Network::Host {
        return elsewhere.map(|elsewhere| format!("{elsewhere}, and the network it uses is not this machine's"));
    }
    if container.ports.iter().any(|published| published.container == port) {
        return None;
    }
    let mut others: Vec<String> = container.ports.iter().map(|other| other.container.to_string()).collect();
    others.dedup();
    let mut why = format!("its port {port} is not published");
    match others.as_slice() {
        [] => {}
        [other] => why.push_str(&format!(" (its port {other} is)")),
        several => why.push_str(&format!(" (its ports {} are)", several.join(", "))),
    }
    match elsewhere {
        Some(elsewhere) => why.push_str(&format!(", and {elsewhere}")),
        None if container.addresses.is_empty() => why.push_str(", and it has no address in a network of docker's"),
        None => why.push_str(", and nothing answers at its address in docker's network"),
    }
    Some(why)
}

fn not_tested(role: Role, container: &Container, port: u16, why: &str) -> String {
    format!(
        "The new {} ({}) was not tested from here, because {why}. Its container runs; see whether it answers at port {port} \
         where you use it.",
        role.title(),
        container.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::PublishedPort;
    use std::net::IpAddr;

    const HERE: Option<&str> = None;
    const ROOTLESS: Option<&str> = Some("docker runs without root here");
    const DESKTOP: Option<&str> = Some("containers run in a virtual machine here");

    fn container(ports: &[u16], address: Option<&str>) -> Container {
        let port = |port: &u16| PublishedPort { container: *port, host: 8080, host_ip: String::new() };
        let ip = |ip: &str| ("backend".to_owned(), ip.parse::<IpAddr>().unwrap());
        Container {
            name: "clearml-webserver".into(),
            ports: ports.iter().map(port).collect(),
            addresses: address.map(ip).into_iter().collect(),
            ..Container::default()
        }
    }

    #[test]
    fn what_must_be_reachable_from_this_machine_is_never_left_untested() {
        let published = container(&[80], Some("172.18.0.2"));
        let host = Container { network: Network::Host, ..container(&[], None) };
        for one in [&published, &host] {
            assert_eq!(out_of_reach(one, 80, HERE), None);
        }
        for elsewhere in [ROOTLESS, DESKTOP] {
            assert_eq!(out_of_reach(&published, 80, elsewhere), None);
        }
    }

    #[test]
    fn what_cannot_be_reached_from_this_machine_is_told_with_the_reason() {
        let bridged = container(&[], Some("172.18.0.2"));
        let host = Container { network: Network::Host, ..container(&[], None) };
        let told = [
            out_of_reach(&bridged, 80, ROOTLESS),
            out_of_reach(&bridged, 80, DESKTOP),
            out_of_reach(&bridged, 80, HERE),
            out_of_reach(&container(&[], None), 8081, HERE),
            out_of_reach(&container(&[443, 443], Some("172.18.0.2")), 80, HERE),
            out_of_reach(&host, 80, DESKTOP),
        ];
        let told: Vec<String> = told.into_iter().flatten().collect();
        insta::assert_snapshot!(told.join("\n"), @"
        its port 80 is not published, and docker runs without root here
        its port 80 is not published, and containers run in a virtual machine here
        its port 80 is not published, and nothing answers at its address in docker's network
        its port 8081 is not published, and it has no address in a network of docker's
        its port 80 is not published (its port 443 is), and nothing answers at its address in docker's network
        containers run in a virtual machine here, and the network it uses is not this machine's
        ");
        insta::assert_snapshot!(not_tested(Role::Webserver, &bridged, 80, &told[2]), @"The new web server (clearml-webserver) was not tested from here, because its port 80 is not published, and nothing answers at its address in docker's network. Its container runs; see whether it answers at port 80 where you use it.");
    }
}
