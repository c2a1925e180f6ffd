//! The ClearML API server over HTTP, as far as a migration needs it: is it healthy, and does it serve the old data?
//!
//! Facts used here (seen on servers 0.15.1 and 1.1.1): `auth.fixed_users_mode` answers without login on every
//! version since 0.16 and carries `server_errors`; `get_task_events.total` is exact, `get_task_log.total` is capped;
//! an index that is missing answers 200 with empty results, so only counts prove anything.

mod at_work;
mod credentials;

pub use at_work::AtWork;
pub use credentials::{Credentials, Origin, find_credentials, has_fixed_users, has_redis};

use crate::error::{Context, Error, Result};
use crate::json::lossy;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::Duration;

/// A connection to one API server.
pub struct ApiServer {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// What the server says about itself without login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Complaints in `server_errors` that are set, such as `missed_es_upgrade`.
    pub errors: Vec<String>,
}

impl ApiServer {
    /// Returns a client for `base`, such as `http://127.0.0.1:8008`. Connects to nothing yet.
    ///
    /// # Errors
    /// Fails when the HTTP client cannot be built.
    pub fn new(base: impl Into<String>) -> Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .connect_timeout(Duration::from_secs(5))
            .no_proxy()
            .build()
            .context(|| "The HTTP client could not be built.".into())?;
        Ok(Self { http, base: base.into(), token: None })
    }

    /// Returns the address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Asks for the health that needs no login.
    ///
    /// # Errors
    /// Fails when the server does not answer, or not in the API's form.
    pub async fn health(&self) -> Result<Health> {
        let data: Value = self.call("auth.fixed_users_mode", &json!({})).await?;
        let errors = data.get("server_errors").and_then(Value::as_object);
        let errors = errors.into_iter().flatten().filter(|(_, value)| is_set(value)).map(|(name, _)| name.clone());
        Ok(Health { errors: errors.collect() })
    }

    /// Asks for the version, such as `1.1.1`.
    ///
    /// # Errors
    /// Fails when the server does not answer, or asks for a login.
    pub async fn version(&self) -> Result<String> {
        let data: Value = self.call("server.info", &json!({})).await?;
        let version = data.get("version").and_then(Value::as_str);
        version.map(str::to_owned).ok_or_else(|| Error::failed(format!("{} names no version.", self.base)))
    }

    /// Logs in with a key pair or a fixed user's name and password; later calls use the token.
    ///
    /// # Errors
    /// Fails when the server refuses.
    pub async fn log_in(&mut self, credentials: &Credentials) -> Result<()> {
        let url = format!("{}/auth.login", self.base);
        let request = self.http.post(url).basic_auth(&credentials.user, Some(&credentials.secret)).json(&json!({}));
        let data: Value = self.send("auth.login", request).await?;
        let token = data.get("token").and_then(Value::as_str);
        self.token = Some(token.map(str::to_owned).ok_or_else(|| Error::failed("auth.login gave no token."))?);
        Ok(())
    }

    /// Returns the id of the company that the login belongs to: the server shows nothing of others. Nothing before a login, or
    /// where the token does not say it.
    ///
    /// The token is a JSON web token whose payload holds `identity.company`. Source: upstream's
    /// `service_repo/auth/payload/token.py` and `identity.py`.
    pub fn company(&self) -> Option<String> {
        let payload = self.token.as_deref()?.split('.').nth(1)?;
        let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        let payload: Value = serde_json::from_slice(&payload).ok()?;
        payload.pointer("/identity/company")?.as_str().map(str::to_owned)
    }

    /// Returns how many events of a type a task has, by the server's own exact count.
    ///
    /// # Errors
    /// Fails when the server refuses or gives no total.
    pub async fn task_events_total(&self, task: &str, event_type: &str) -> Result<u64> {
        /// The events that come with it are skipped: what they hold need not be Unicode.
        #[derive(Deserialize)]
        struct Found {
            total: Option<u64>,
        }
        let body = json!({ "task": task, "event_type": event_type, "batch_size": 1 });
        let found: Found = self.call("events.get_task_events", &body).await?;
        found.total.ok_or_else(|| Error::failed(format!("events.get_task_events gave no total for task {task}.")))
    }

    async fn call<T: DeserializeOwned>(&self, endpoint: &str, body: &Value) -> Result<T> {
        let mut request = self.http.post(format!("{}/{endpoint}", self.base)).json(body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        self.send(endpoint, request).await
    }

    async fn send<T: DeserializeOwned>(&self, endpoint: &str, request: reqwest::RequestBuilder) -> Result<T> {
        let unreachable = || format!("The API server at {} did not answer {endpoint}.", self.base);
        let response = request.send().await.context(unreachable)?;
        let status = response.status();
        let answer = response.bytes().await.context(unreachable)?;
        if !status.is_success() {
            let answer: Refused = serde_json::from_slice(&answer).context(unreachable)?;
            let said = answer.meta.and_then(|meta| meta.result_msg);
            let said = said.as_deref().unwrap_or("no reason given");
            return Err(Error::failed(format!("The API server answered {endpoint} with {status}: {said}.")));
        }
        let answer: Answer<T> = serde_json::from_slice(&answer).context(unreachable)?;
        answer.data.ok_or_else(|| Error::failed(format!("The answer to {endpoint} is not in the API server's form.")))
    }
}

#[derive(Deserialize)]
struct Answer<T> {
    data: Option<T>,
}

#[derive(Deserialize)]
struct Refused {
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default, deserialize_with = "lossy")]
    result_msg: Option<String>,
}

/// A server error is set when it is neither absent nor false nor empty.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wiremock::matchers::{header, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    async fn server_with(endpoint: &str, status: u16, body: Value) -> (MockServer, ApiServer) {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(path(format!("/{endpoint}")))
            .respond_with(ResponseTemplate::new(status).set_body_json(body))
            .mount(&server)
            .await;
        let api = ApiServer::new(server.uri()).unwrap();
        (server, api)
    }

    #[tokio::test]
    async fn only_errors_that_are_set_count_as_unhealthy() {
        let body = json!({"data": {"server_errors": {"es_connection_error": false, "missed_es_upgrade": true}}});
        let (_server, api) = server_with("auth.fixed_users_mode", 200, body).await;
        assert_eq!(api.health().await.unwrap().errors, ["missed_es_upgrade"]);
    }

    #[tokio::test]
    async fn events_that_are_not_unicode_are_counted() {
        let body = br#"{"data":{"events":[{"msg":"caf\udce9"}],"total":7}}"#;
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(200).set_body_raw(&body[..], "application/json");
        Mock::given(path("/events.get_task_events")).respond_with(answer).mount(&server).await;
        assert_eq!(ApiServer::new(server.uri()).unwrap().task_events_total("t", "log").await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_refusal_repeats_what_the_server_said() {
        let body = json!({"meta": {"result_msg": "Unauthorized (invalid credentials)"}, "data": {}});
        let (_server, api) = server_with("server.info", 401, body).await;
        let said = api.version().await.unwrap_err().to_string();
        assert!(said.contains("invalid credentials"), "{said}");
    }

    #[tokio::test]
    async fn the_token_tells_whose_events_a_login_sees() {
        let token = format!("h.{}.s", URL_SAFE_NO_PAD.encode(r#"{"identity":{"user":"u","company":"d1bd"}}"#));
        let (_server, mut api) = server_with("auth.login", 200, json!({"data": {"token": token}})).await;
        assert_eq!(api.company(), None);
        let credentials = Credentials { user: "u".into(), secret: "s".into(), origin: Origin::FixedUsers };
        api.log_in(&credentials).await.unwrap();
        assert_eq!(api.company().as_deref(), Some("d1bd"));
    }

    #[tokio::test]
    async fn the_token_of_the_login_is_used_afterwards() {
        let (server, mut api) = server_with("auth.login", 200, json!({"data": {"token": "t0"}})).await;
        Mock::given(path("/events.get_task_events"))
            .and(header("authorization", "Bearer t0"))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({"data": {"total": 12345}})))
            .mount(&server)
            .await;
        let credentials = Credentials { user: "u".into(), secret: "s".into(), origin: Origin::FixedUsers };
        api.log_in(&credentials).await.unwrap();
        assert_eq!(api.task_events_total("t", "log").await.unwrap(), 12345);
    }
}
