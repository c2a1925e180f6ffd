//! What the new server has recorded since the migration, in numbers: what a rollback sets aside. Only asked for: nothing is
//! started, and where it cannot be told, that is said.

use super::copied::CopiedElastic;
use super::databases::{self, LIMIT};
use crate::docker::Container;
use crate::elastic::{Backoff, Client, TargetFiles, indices, refresh};
use crate::error::{Error, Kind, Result};
use crate::files::blocking;
use crate::journal::{Phase, State, Status};
use crate::plan::{Action, Plan};
use crate::platform::Platform;
use crate::results::{Change, Recorded, Told};
use crate::role::Role;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A migration that may be taken back.
#[derive(Clone, Copy)]
pub struct Migrated<'a> {
    /// Its plan.
    pub plan: &'a Plan,
    /// Its journal.
    pub state: &'a State,
    /// The home as it is called now.
    pub home: &'a Path,
    /// What the new server runs on.
    pub platform: &'a dyn Platform,
}

/// Returns whether there is anything to ask: a server has the new data, and nothing of them has been put away yet.
pub fn may_have_recorded(plan: &Plan, state: &State) -> bool {
    let stands = matches!(state.phase, Phase::Committed | Phase::Completed);
    stands && super::may_have_been_in_use(plan, state)
}

/// Asks the new server or, of Elasticsearch, its files.
///
/// # Errors
/// Only when cancelled.
pub async fn recorded(migrated: Migrated<'_>, cancel: &CancellationToken) -> Result<Recorded> {
    let asked = async {
        let has_mongo = migrated.plan.server().is_some_and(|server| server.deployment.service(Role::Mongo).is_some());
        let mongo = async { if has_mongo { Some(told(migrated.mongo().await)) } else { None } };
        let (elastic, mongo) = tokio::join!(migrated.elastic(), mongo);
        Recorded { elastic: told(elastic), mongo }
    };
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::cancelled()),
        recorded = asked => Ok(recorded),
    }
}

fn told(changes: Result<Vec<Change>>) -> Told {
    changes.map_or_else(|error| Told::Unknown(error.phrase()), Told::Changes)
}

impl Migrated<'_> {
    async fn elastic(&self) -> Result<Vec<Change>> {
        let copy = self.plan.id_of(Action::COPY_ELASTIC);
        let copied = copy.map_or(Ok(None), |step| self.state.output::<CopiedElastic>(step))?;
        let before = copied.ok_or_else(|| unknown("the journal does not say how much was copied"))?.counts;
        let node = match self.plan.server() {
            Some(_) => self.running(Role::Elasticsearch).await?,
            None => None,
        };
        let now = match node.as_ref().and_then(|node| node.elasticsearch()) {
            Some(address) => {
                let asked = tokio::time::timeout(LIMIT, count_in_node(&address, &before)).await;
                asked.map_err(|_| unknown("it took too long to count its documents"))??
            }
            None => self.count_in_files().await?,
        };
        Ok(changes(&before, &now))
    }

    /// Counts in the files of the new data.
    async fn count_in_files(&self) -> Result<BTreeMap<String, u64>> {
        let one = self.plan.replacements_of(Role::Elasticsearch).next();
        let path = one.ok_or_else(|| Error::internal("The plan has no Elasticsearch data."))?.final_path();
        let path = self.now(path);
        blocking(move || TargetFiles::open(&path)?.counts()).await.map_err(|error| match error.kind() {
            Kind::Refused => unknown("it does not run, and its files do not tell").because(error),
            _ => error,
        })
    }

    fn now(&self, path: &Path) -> PathBuf {
        let has_moved = self.plan.home.to.as_deref() == Some(self.home);
        if has_moved { self.plan.home.after(path) } else { path.to_owned() }
    }

    async fn mongo(&self) -> Result<Vec<Change>> {
        let Some(before) = databases::noted(self.plan, self.state)? else {
            let checked = self.plan.id_of(Action::CheckHealth).map(|step| &self.state.step(step).status);
            return Err(unknown(match checked {
                Some(Status::Finished) => "its documents were not counted when the new server was started",
                _ => "the new server was never found to work, so its documents were not counted before",
            }));
        };
        let container = self.running(Role::Mongo).await?.ok_or_else(|| unknown("it does not run"))?;
        Ok(changes(&before.documents, &databases::count(self.platform, &container.id).await?))
    }

    /// Returns the container of the role's service of the new server, if it runs.
    async fn running(&self, role: Role) -> Result<Option<Container>> {
        let Some(server) = self.plan.server() else { return Ok(None) };
        let Some(service) = server.deployment.service(role) else { return Ok(None) };
        let containers = self.platform.containers_of(&server.new_project.name).await?;
        Ok(containers.into_iter().find(|one| one.state.running && one.service() == Some(service.name.as_str())))
    }
}

fn unknown(why: &str) -> Error {
    Error::failed(why)
}

/// Counts in a node. What is in a closed index cannot change; it is taken to be as it was.
async fn count_in_node(address: &str, before: &BTreeMap<String, u64>) -> Result<BTreeMap<String, u64>> {
    let backoff = Backoff { first: Duration::from_millis(200), cap: Duration::from_secs(1), retries: 3 };
    let client = Client::new(&format!("http://{address}"))?.with_backoff(backoff);
    let mut counts = BTreeMap::new();
    for listed in indices::list(&client).await?.into_iter().filter(indices::Listed::is_ours) {
        let documents = match listed.is_closed() {
            true => before.get(&listed.name).copied().unwrap_or_default(),
            false => {
                // What was recorded in the last seconds counts too.
                refresh(&client, &listed.name).await?;
                indices::count(&client, &listed.name).await?
            }
        };
        counts.insert(listed.name, documents);
    }
    Ok(counts)
}

fn changes(before: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>) -> Vec<Change> {
    let mut names: Vec<&String> = before.keys().chain(now.keys()).collect();
    names.sort();
    names.dedup();
    let change =
        |name: &String| Change { name: name.clone(), before: before.get(name).copied(), now: now.get(name).copied() };
    // An index or collection without documents is as good as none.
    let differs = |one: &Change| one.before.unwrap_or(0) != one.now.unwrap_or(0);
    names.into_iter().map(change).filter(differs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample;
    use serde_json::json;
    use wiremock::matchers::path;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    fn counts(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
        counts.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect()
    }

    fn change(name: &str, before: Option<u64>, now: Option<u64>) -> Change {
        Change { name: name.to_owned(), before, now }
    }

    #[test]
    fn what_has_as_many_documents_as_before_is_no_change() {
        let before = counts(&[("a", 5), ("b", 7), ("gone", 3), ("empty", 0)]);
        let now = counts(&[("a", 5), ("b", 9), ("new", 1), ("new and empty", 0)]);
        assert_eq!(
            changes(&before, &now),
            [change("b", Some(7), Some(9)), change("gone", Some(3), None), change("new", None, Some(1))]
        );
    }

    #[tokio::test]
    async fn the_node_s_own_indices_are_counted_and_what_is_closed_is_as_it_was() {
        let server = MockServer::start().await;
        let listed = json!([{"index": "events-a", "status": "open"}, {"index": "events-b", "status": "close"},
            {"index": ".kibana", "status": "open"}]);
        let shards = json!({"total": 1, "successful": 1, "skipped": 0, "failed": 0});
        for (at, answer) in [
            ("/_cat/indices", listed),
            ("/events-a/_refresh", json!({"_shards": shards})),
            ("/events-a/_count", json!({"count": 12, "_shards": shards})),
        ] {
            Mock::given(path(at)).respond_with(ResponseTemplate::new(200).set_body_json(answer)).mount(&server).await;
        }
        let address = server.uri().replace("http://", "");
        let found = count_in_node(&address, &counts(&[("events-b", 7)])).await.unwrap();
        assert_eq!(found, counts(&[("events-a", 12), ("events-b", 7)]));
    }

    #[test]
    fn only_a_server_that_has_the_new_data_is_asked() {
        let plan = sample::plan();
        let mut state = State::new(crate::journal::sample::opened());
        assert!(!may_have_recorded(&plan, &state));
        state.phase = Phase::Completed;
        assert!(!may_have_recorded(&plan, &state), "no server was started");
    }
}
