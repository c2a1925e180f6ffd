//! One Elasticsearch node over HTTP: calls, retries, and errors in the node's own words.

use super::backoff::Backoff;
use super::failure::{Failure, Refusal};
use crate::error::{Error, Result};
use crate::failpoints;
use bytes::Bytes;
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// Time for calls that a node answers at once.
const SHORT: Duration = Duration::from_secs(60);
/// Time for calls that move data or wait for a disk: bulk, flush, refresh, a page of huge documents.
pub(super) const LONG: Duration = Duration::from_secs(20 * 60);

/// A request, ready to be sent more than once.
#[derive(Debug, Clone)]
pub(super) struct Call {
    method: Method,
    segments: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<(Bytes, &'static str)>,
    timeout: Duration,
    seam: Option<&'static str>,
}

impl Call {
    fn new(method: Method, segments: &[&str]) -> Self {
        let segments = segments.iter().map(|&segment| segment.to_owned()).collect();
        Self { method, segments, query: Vec::new(), body: None, timeout: SHORT, seam: None }
    }

    pub fn get(segments: &[&str]) -> Self {
        Self::new(Method::GET, segments)
    }

    /// A POST that reads: search, scroll, count, multi-get.
    pub fn ask(segments: &[&str], body: &Value) -> Self {
        Self::new(Method::POST, segments).json(body)
    }

    /// A call that changes the node; `seam` is the name of its failpoint.
    pub fn change(method: Method, segments: &[&str], seam: &'static str) -> Self {
        Self { seam: Some(seam), ..Self::new(method, segments) }
    }

    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub fn json(mut self, body: &Value) -> Self {
        self.body = Some((Bytes::from(body.to_string()), "application/json"));
        self
    }

    pub fn ndjson(mut self, body: Bytes) -> Self {
        self.body = Some((body, "application/x-ndjson"));
        self
    }

    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// A node. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    /// With user and password, where the node asks for them: each request is signed with these, and sent without.
    base: Url,
    /// Without.
    address: String,
    backoff: Backoff,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Client {
    /// Returns a client of the node at `base`, such as `http://127.0.0.1:9200`, perhaps with `user:password@` before the
    /// host. Nothing is sent yet.
    ///
    /// # Errors
    /// Fails when `base` is no HTTP address.
    pub fn new(base: &str) -> Result<Self> {
        // What is no address is not repeated: there may be a password in it.
        let invalid = || Error::usage("That is not the HTTP address of an Elasticsearch node.");
        let base = Url::parse(base).map_err(|cause| invalid().because(cause))?;
        if base.cannot_be_a_base() || !matches!(base.scheme(), "http" | "https") {
            return Err(invalid().hint("An address looks like http://127.0.0.1:9200."));
        }
        let http = reqwest::Client::builder()
            // A proxy from the environment must never see a node on this machine.
            .no_proxy()
            .connect_timeout(Duration::from_secs(10))
            .build()
            .map_err(|cause| Error::internal("The HTTP client could not be made.").because(cause))?;
        let address = without_login(&base).as_str().trim_end_matches('/').to_owned();
        Ok(Self { http, base, address, backoff: Backoff::default() })
    }

    /// Returns the same client with other waits between tries.
    #[must_use]
    pub fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Returns the waits between tries.
    pub fn backoff(&self) -> Backoff {
        self.backoff
    }

    /// Returns the host, without the brackets of an IPv6 address, and the port.
    pub fn host_and_port(&self) -> Option<(&str, u16)> {
        Some((self.base.host_str()?.trim_matches(['[', ']']), self.base.port_or_known_default()?))
    }

    /// Returns the address of the node, for messages: without user and password.
    pub fn address(&self) -> &str {
        &self.address
    }

    fn url(&self, call: &Call) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(&call.segments);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        url
    }

    /// Sends `call` once. The answer's body is still to be read.
    pub(super) async fn send_once(&self, call: &Call) -> Result<reqwest::Response, Failure> {
        if let Some(seam) = call.seam {
            failpoints::reach(seam).map_err(Failure::Stopped)?;
        }
        let mut request = self.http.request(call.method.clone(), self.url(call)).timeout(call.timeout);
        if let Some((body, content_type)) = &call.body {
            request = request.header(reqwest::header::CONTENT_TYPE, *content_type).body(body.clone());
        }
        let response = request.send().await.map_err(Failure::from_http)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.map_err(Failure::from_http)?;
        Err(Failure::Refused(Refusal::parse(status.as_u16(), &body)))
    }

    /// Sends `call` once and reads the JSON answer.
    pub(super) async fn json_once<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Failure> {
        let body = self.send_once(call).await?.bytes().await.map_err(Failure::from_http)?;
        serde_json::from_slice(&body).map_err(|error| {
            let start: String = String::from_utf8_lossy(&body).chars().take(200).collect();
            Failure::Unreadable(format!("{error} in {start}"))
        })
    }

    /// Sends `call` until it is answered, with waits between tries while the node is busy or not reached.
    /// Only for calls that may be carried out twice.
    pub(super) async fn json<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Failure> {
        let mut retry = 0;
        loop {
            let failure = match self.json_once(call).await {
                Ok(answer) => return Ok(answer),
                Err(failure) if failure.is_transient() => failure,
                Err(failure) => return Err(failure),
            };
            let Some(wait) = self.backoff.wait(retry) else { return Err(failure) };
            tracing::debug!(?failure, path = %call.segments.join("/"), "trying again in {wait:?}");
            tokio::time::sleep(wait).await;
            retry += 1;
        }
    }

    /// Like [`Client::json`], for calls whose success says everything.
    pub(super) async fn done(&self, call: &Call) -> Result<(), Failure> {
        self.json::<Value>(call).await.map(drop)
    }
}

fn without_login(base: &Url) -> Url {
    let mut address = base.clone();
    // Fails only for addresses that have no place for them.
    let _ = address.set_username("").and_then(|()| address.set_password(None));
    address
}

#[cfg(test)]
mod tests {
    use super::*;
    use wiremock::matchers::header;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    #[tokio::test]
    async fn user_and_password_are_sent_and_never_shown() {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(200).set_body_json(serde_json::json!({}));
        // `elastic` and `p@ss`.
        let signed = Mock::given(header("authorization", "Basic ZWxhc3RpYzpwQHNz"));
        signed.respond_with(answer).mount(&server).await;
        let client = Client::new(&server.uri().replace("http://", "http://elastic:p%40ss@")).unwrap();
        client.done(&Call::get(&["_count"])).await.unwrap();
        assert_eq!(client.address(), server.uri());
        let shown = format!("{client:?} {}", client.version().await.unwrap_err());
        assert!(!shown.contains("p%40ss") && !shown.contains("p@ss"), "{shown}");
    }

    #[test]
    fn index_names_are_escaped_in_the_path() {
        let client = Client::new("http://127.0.0.1:9200").unwrap();
        let call = Call::get(&["events-100%-ä", "_count"]).query("q", "a b&c");
        assert_eq!(client.url(&call).as_str(), "http://127.0.0.1:9200/events-100%25-%C3%A4/_count?q=a+b%26c");
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        assert!(Client::new("elasticsearch").is_err());
        assert!(Client::new("mailto:a@b").is_err());
    }
}
