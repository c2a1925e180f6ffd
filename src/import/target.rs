//! The Elasticsearch that is given: which it is, and what it holds already.

use super::check::Export;
use super::journal::{Journal, Noted};
use super::tls::{speaks_tls, way_around_tls};
use crate::elastic::{Client, Failure, IndexPlan, Occupant, Version};
use crate::error::{Error, Result};
use crate::events::{Events, Unit};
use crate::message::{Code, Message};
use crate::text::duration;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How many names a refusal tells.
const TOLD: usize = 20;

const LOGIN: &str = "Name the user in the address, --target http://USER@HOST:9200, and give the password in the variable \
                     CLEARML_MIGRATE_PASSWORD.";
const NEVER_OVERWRITTEN: &str = "Nothing there is ever overwritten. Import only others: --index GLOB";

/// As long a node that is starting is waited for.
const STARTS_WITHIN: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_secs(1);

/// What a node says of itself: its version, and its cluster if it is one that takes an import.
struct Answer {
    version: Version,
    cluster: Option<String>,
}

async fn ask(client: &Client) -> Result<Answer, Failure> {
    let version = client.version_once().await?;
    let cluster = if matches!(version.major, 7 | 8) { Some(client.cluster_id().await?) } else { None };
    Ok(Answer { version, cluster })
}

/// A node of Elasticsearch 7 or 8.
#[derive(Debug, Clone)]
pub struct Target {
    /// The way to it.
    pub client: Client,
    /// Its version.
    pub version: Version,
    /// The id of its cluster.
    pub cluster: String,
}

/// How far an index has come in the target.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// It is to be made; what there is of it is half-made and our own.
    Unmade,
    /// It is copied and not yet compared.
    Copied(Box<Noted>),
    /// It is compared, and still bears the mark.
    Compared(Box<Noted>),
    /// It is finished.
    Finished(Box<Noted>),
}

impl Target {
    /// Asks a node what it is; one that is starting is waited for, up to two minutes. Nothing is written.
    ///
    /// # Errors
    /// Refuses a node of another version and one that asks for another login; fails when it does not answer, and on cancel.
    pub async fn open(client: Client, events: &Events, cancel: &CancellationToken) -> Result<Self> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Error::cancelled()),
            opened = Self::open_within(client, STARTS_WITHIN, events) => opened,
        }
    }

    async fn open_within(client: Client, within: Duration, events: &Events) -> Result<Self> {
        let begun = Instant::now();
        let mut task = None;
        let answer = loop {
            let failure = match ask(&client).await {
                Ok(answer) => break Ok(answer),
                Err(failure) => failure,
            };
            if failure.is_no_http()
                && let Some((host, port)) = client.host_and_port()
                && speaks_tls(host, port).await
            {
                return Err(only_tls(&client, host, port));
            }
            let Some(why) = failure.while_starting().filter(|_| begun.elapsed() < within) else { break Err(failure) };
            let task = task.get_or_insert_with(|| {
                events.info(Message::new(
                    Code::Waiting,
                    format!(
                        "Waiting up to {} seconds for Elasticsearch at {}, which seems to be starting: {why}",
                        within.as_secs(),
                        client.address()
                    ),
                ));
                format!("Elasticsearch at {}", client.address())
            });
            events.progress(task, begun.elapsed().as_secs(), None, Unit::Seconds);
            tokio::time::sleep(POLL.min(within)).await;
        };
        if let Some(task) = &task {
            events.progress_ended(task);
            if answer.is_ok() {
                events.info(Message::new(Code::Ready, format!("{task} was ready after {}", duration(begun.elapsed()))));
            }
        }
        Self::of_answer(client, answer, task.map(|_| begun.elapsed()))
    }

    /// `waited` says how long the answer was waited for, where it was.
    fn of_answer(client: Client, answer: Result<Answer, Failure>, waited: Option<Duration>) -> Result<Self> {
        let address = client.address().to_owned();
        let explain = |failure: Failure| match failure.status() {
            Some(401 | 403) => {
                Error::refused(format!("Elasticsearch at {address} does not let this user in.")).hint(LOGIN)
            }
            _ => {
                let still_starts = failure.while_starting().is_some();
                failure.explain(match waited.map(duration) {
                    Some(time) if still_starts => format!("Elasticsearch at {address} was not ready within {time}."),
                    Some(time) => {
                        format!(
                            "Elasticsearch at {address} was waited for {time}, and then did not answer as it should."
                        )
                    }
                    None => format!("Elasticsearch at {address} does not answer as it should."),
                })
            }
        };
        let Answer { version, cluster } = answer.map_err(explain)?;
        if let Some(cluster) = cluster {
            return Ok(Self { client, version, cluster });
        }
        Err(Error::refused(format!(
            "The node at {address} is of version {version}, and only Elasticsearch 7 and 8 take an import."
        ))
        .hint("Name another node: --target URL"))
    }

    /// Finds out how far each of the indices has come.
    ///
    /// # Errors
    /// Refuses, by name, whatever is there and not ours, and aliases whose names are those of indices there. Fails when
    /// the node does not answer.
    pub async fn standings(
        &self,
        export: &Export,
        plans: &[IndexPlan],
        journal: &Journal,
    ) -> Result<Vec<(IndexPlan, Standing)>> {
        let mark = journal.mark();
        let (mut standings, mut taken) = (Vec::new(), Vec::new());
        for plan in plans {
            let content = export.indices.get(&plan.index).map(|index| index.content.as_str());
            let noted = journal.noted(&plan.index)?.filter(|noted| Some(noted.content.as_str()) == content);
            let standing = match (mark.look_up(&self.client, &plan.index).await?, noted) {
                (Occupant::Nobody, _) | (Occupant::Index { marked: true, .. }, None) => Standing::Unmade,
                // Compared by a run that came to its end before the mark was off.
                (Occupant::Index { id, marked: true }, Some(noted)) if noted.finished == Some(id.clone()) => {
                    Standing::Compared(Box::new(noted))
                }
                (Occupant::Index { marked: true, .. }, Some(noted)) => Standing::Copied(Box::new(noted)),
                (Occupant::Index { id, marked: false }, Some(noted)) if noted.finished == Some(id.clone()) => {
                    Standing::Finished(Box::new(noted))
                }
                _ => {
                    taken.push(plan.index.clone());
                    continue;
                }
            };
            if standing == Standing::Unmade {
                self.require_free_aliases(plan, journal).await?;
            }
            standings.push((plan.clone(), standing));
        }
        if taken.is_empty() { Ok(standings) } else { Err(self.taken(&taken)) }
    }

    async fn require_free_aliases(&self, plan: &IndexPlan, journal: &Journal) -> Result<()> {
        for alias in plan.aliases.as_object().into_iter().flat_map(|aliases| aliases.keys()) {
            if let Occupant::Index { .. } = journal.mark().look_up(&self.client, alias).await? {
                return Err(Error::refused(format!(
                    "The index {} has the alias {alias}, and {} has an index of that name.",
                    plan.index,
                    self.client.address()
                ))
                .hint(NEVER_OVERWRITTEN));
            }
        }
        Ok(())
    }

    fn taken(&self, names: &[String]) -> Error {
        let mut told: Vec<&str> = names.iter().map(String::as_str).take(TOLD).collect();
        let more = format!("and {} more", names.len().saturating_sub(TOLD));
        if names.len() > TOLD {
            told.push(&more);
        }
        let (address, first) = (self.client.address(), told.first().copied().unwrap_or_default());
        Error::refused(format!("{address} has indices of these names already: {}.", told.join(", ")))
            .hint(NEVER_OVERWRITTEN)
            .hint(format!("What can be missed there, delete yourself first: curl -X DELETE '{address}/{first}'"))
    }
}

/// A node that speaks TLS will not speak anything else in two minutes.
fn only_tls(client: &Client, host: &str, port: u16) -> Error {
    let error =
        Error::refused(format!("What listens at {} speaks only TLS, and this program has none.", client.address()));
    way_around_tls(host, port).into_iter().fold(error, Error::hint)
}

#[cfg(test)]
mod tests;
