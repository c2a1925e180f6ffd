//! Who works with a server right now, by its own word.

use super::ApiServer;
use crate::error::Result;
use serde_json::{Value, json};

/// The most that the server tells at once (`page_size` of `tasks.get_all`).
const MOST: usize = 500;
/// A worker that has not been heard of for so many seconds is gone; the server forgets it then by itself.
const LAST_SEEN_SECONDS: u64 = 600;

/// Who works with a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AtWork {
    /// Names of the experiments that are in progress, at most 500.
    pub experiments: Vec<String>,
    /// Ids of the workers that have reported in the last ten minutes.
    pub workers: Vec<String>,
}

impl ApiServer {
    /// Asks who works with the server. It must be logged in.
    ///
    /// # Errors
    /// Fails when the server does not answer, or not in the API's form.
    pub async fn at_work(&self) -> Result<AtWork> {
        let wanted = json!({ "status": ["in_progress"], "only_fields": ["name"], "page": 0, "page_size": MOST });
        let tasks = self.call("tasks.get_all", &wanted).await?;
        let workers = self.call("workers.get_all", &json!({ "last_seen": LAST_SEEN_SECONDS })).await?;
        Ok(AtWork { experiments: texts(&tasks, "tasks", "name"), workers: texts(&workers, "workers", "id") })
    }
}

fn texts(answer: &Value, list: &str, field: &str) -> Vec<String> {
    let all = answer.get(list).and_then(Value::as_array).into_iter().flatten();
    all.map(|one| one.get(field).and_then(Value::as_str).unwrap_or("without a name").to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wiremock::matchers::{body_partial_json, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    #[tokio::test]
    async fn only_what_is_in_progress_is_asked_for() {
        let server = MockServer::start().await;
        let tasks = json!({ "data": { "tasks": [{ "id": "1", "name": "resnet" }, { "id": "2" }] } });
        let workers = json!({ "data": { "workers": [{ "id": "gpu-1:0", "ip": "10.0.0.7" }] } });
        Mock::given(path("/tasks.get_all"))
            .and(body_partial_json(json!({ "status": ["in_progress"] })))
            .respond_with(ResponseTemplate::new(200).set_body_json(tasks))
            .mount(&server)
            .await;
        let answer = ResponseTemplate::new(200).set_body_json(workers);
        Mock::given(path("/workers.get_all")).respond_with(answer).mount(&server).await;
        let found = ApiServer::new(server.uri()).unwrap().at_work().await.unwrap();
        assert_eq!(found.experiments, ["resnet", "without a name"]);
        assert_eq!(found.workers, ["gpu-1:0"]);
    }
}
