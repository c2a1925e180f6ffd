//! The web server: its page, and the API server behind it.
//!
//! From ClearML 0.17 on its nginx passes `/api` and `/files` on to the two other servers, and does not start where it
//! finds no such host; where it finds a stranger of that name, it starts and is no good.

use super::asking::{Http, until_it_answers};
use crate::error::{Error, Result};
use crate::role::Role;
use crate::steps::Run;
use serde_json::Value;

/// What a web server does that is as upstream's.
const PAGE: &str = "serves its page";

/// Asks the web server for its page and, through it, the API server. Nothing if the server has none.
///
/// # Errors
/// Failed, with its last words, when either does not come.
pub(super) async fn check_web_server(run: &Run) -> Result<Option<String>> {
    until_it_answers(run, Role::Webserver, 80, async |http, address| {
        let found = page(http, address).await?;
        passes_on(http, address, &found).await
    })
    .await
}

/// Returns what it does when asked for its page, which is HTML. Whoever has put a redirection, a password, TLS or a path
/// before it, has a server that answers.
async fn page(http: &Http, address: &str) -> Result<String> {
    let answer = http.get(&format!("http://{address}/")).await?;
    let is_html = answer.content_type.contains("html") || answer.starts_like_html();
    match answer.status {
        200 if is_html => Ok(PAGE.to_owned()),
        500.. => Err(Error::failed(format!("It answers / with {}.", answer.status))),
        200 => Ok(format!("answers / with 200 and {:?}", answer.content_type)),
        other => Ok(format!("answers / with {other}")),
    }
}

/// Asks for what the API server tells anybody, by way of the web server.
async fn passes_on(http: &Http, address: &str, page: &str) -> Result<String> {
    let answer = http.get(&format!("http://{address}/api/auth.fixed_users_mode")).await?;
    let is_the_api = |value: Value| value.pointer("/meta/result_code").is_some();
    match answer.status {
        502..=504 => Err(Error::failed(format!(
            "It {page}, but does not reach the API server: it answers /api with {}.",
            answer.status
        ))),
        200 if serde_json::from_slice(&answer.body).is_ok_and(is_the_api) => {
            let serves = if page == PAGE { "" } else { "serves " };
            Ok(format!("the web server {page}, and {serves}the API server through it"))
        }
        // Behind a redirection, a password, or a configuration of the user's own.
        _ => Ok(format!("the web server {page}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wiremock::matchers::path;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    async fn told(page_answer: ResponseTemplate, api_answer: ResponseTemplate) -> std::result::Result<String, String> {
        let server = MockServer::start().await;
        Mock::given(path("/")).respond_with(page_answer).mount(&server).await;
        Mock::given(path("/api/auth.fixed_users_mode")).respond_with(api_answer).mount(&server).await;
        let http = Http::new().unwrap();
        let address = server.address().to_string();
        let asked = async {
            let found = page(&http, &address).await?;
            passes_on(&http, &address, &found).await
        };
        asked.await.map_err(|error| error.message().to_owned())
    }

    #[tokio::test]
    async fn a_web_server_works_when_its_page_and_the_api_behind_it_come() {
        let html = || ResponseTemplate::new(200).set_body_raw("<!doctype html>", "text/html");
        let api = || ResponseTemplate::new(200).set_body_json(json!({ "meta": { "result_code": 200 }, "data": {} }));
        let status = ResponseTemplate::new;
        let works = "the web server serves its page, and the API server through it".to_owned();
        let has_a_page = "the web server serves its page".to_owned();
        assert_eq!(told(html(), api()).await, Ok(works));
        assert_eq!(told(html(), html()).await, Ok(has_a_page));
        let gateway = "It serves its page, but does not reach the API server: it answers /api with 502.".to_owned();
        assert_eq!(told(html(), status(502)).await, Err(gateway));
        assert_eq!(told(status(500), api()).await, Err("It answers / with 500.".to_owned()));
    }

    #[tokio::test]
    async fn any_answer_below_500_is_one_of_a_web_server_that_runs_and_is_told() {
        for status in [301, 400, 401, 403, 404] {
            let answer = || ResponseTemplate::new(status);
            assert_eq!(told(answer(), answer()).await, Ok(format!("the web server answers / with {status}")));
        }
        let api = ResponseTemplate::new(200).set_body_json(json!({ "meta": { "result_code": 200 }, "data": {} }));
        let works = "the web server answers / with 404, and serves the API server through it".to_owned();
        assert_eq!(told(ResponseTemplate::new(404), api).await, Ok(works));
        let json = || ResponseTemplate::new(200).set_body_json(json!({}));
        assert_eq!(
            told(json(), json()).await,
            Ok("the web server answers / with 200 and \"application/json\"".to_owned())
        );
    }
}
