//! The documents that the new Elasticsearch serves.

use crate::elastic::{Client, indices};
use crate::error::{Error, Result};
use crate::role::Role;
use crate::steps::Run;
use crate::steps::containers::container_of;
use crate::steps::copied::copy_result;
use crate::text::documents;
use std::collections::BTreeMap;

/// Counts on the node itself. More than before is fine: workers report as soon as the server is up.
pub(super) async fn check_counts(run: &Run) -> Result<String> {
    let copied = copy_result(run)?;
    let container = container_of(run, Role::Elasticsearch).await?;
    let address = container.elasticsearch().ok_or_else(|| {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wiremock::matchers::path;
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
}
