//! Asking a service of the new server over HTTP until it answers as it should.

use super::api::POLL;
use super::container_of;
use super::ended::{does_not_stay, with_words};
use crate::deployment::Role;
use crate::display::format::duration;
use crate::error::{Context, Error, Result};
use crate::events::Unit;
use crate::steps::Run;
use std::time::{Duration, Instant};

/// The API server answers by then, so the others have had their time to start.
const LIMIT: Duration = Duration::from_secs(60);
/// Docker starts what cannot start again in less than a second, and what has ended twice meanwhile ends again.
const CRASHES: u64 = 2;
/// Of what is served, no more than this is read.
const READ: usize = 64 * 1024;

/// HTTP as a browser speaks it, but nobody's redirections are followed.
pub(super) struct Http(reqwest::Client);

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
        Ok(Self(client.context(|| "The HTTP client could not be built.".into())?))
    }

    /// Gets a page or a file.
    ///
    /// # Errors
    /// Failed when there is no answer.
    pub(super) async fn get(&self, url: &str) -> Result<Answer> {
        let silent = || format!("{url} does not answer.");
        let mut response = self.0.get(url).send().await.context(silent)?;
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
/// service.
///
/// # Errors
/// Failed when its container has ended, or `ask` is not content within a minute; with its last words. Cancelled.
pub(super) async fn until_it_answers(
    run: &Run,
    role: Role,
    port: u16,
    ask: impl AsyncFn(&Http, &str) -> Result<String>,
) -> Result<Option<String>> {
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
