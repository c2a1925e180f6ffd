//! The Elasticsearch that is given: which it is, and what it holds already.

use super::check::Export;
use super::journal::{Journal, Noted};
use crate::elastic::{Client, Failure, IndexPlan, Occupant, Version};
use crate::error::{Error, Result};

/// How many names a refusal tells.
const TOLD: usize = 20;

const LOGIN: &str = "Name the user in the address, --target http://USER@HOST:9200, and give the password in the variable \
                     CLEARML_MIGRATE_PASSWORD.";
const NEVER_OVERWRITTEN: &str = "Nothing there is ever overwritten. Import only others: --index GLOB";

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
    /// Asks a node what it is. Nothing is written.
    ///
    /// # Errors
    /// Refuses a node of another version and one that asks for another login; fails when it does not answer.
    pub async fn open(client: Client) -> Result<Self> {
        let address = client.address().to_owned();
        let explain = |failure: Failure| match failure.status() {
            Some(401 | 403) => {
                Error::refused(format!("Elasticsearch at {address} does not let this user in.")).hint(LOGIN)
            }
            _ => failure.explain(format!("Elasticsearch at {address} does not answer as it should.")),
        };
        let version = client.version_once().await.map_err(explain)?;
        if matches!(version.major, 7 | 8) {
            let cluster = client.cluster_id().await.map_err(explain)?;
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
