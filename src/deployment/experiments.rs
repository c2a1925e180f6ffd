//! How many experiments a server has, asked of its MongoDB with MongoDB's own client in its container. They tell whether
//! Elasticsearch data without events can be those of a server that has none.

use super::{Deployment, Role};
use crate::docker::{Daemon, Output};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The numbers of companies, of tasks, and of tasks that were started at any time and not reset since: those are the ones
/// that have events. A server makes its company when it starts first, so that without one these are not its databases.
/// Source: Trains Server 0.15.1, `backend.task` as its API server writes it (`started` is set when a task begins to run, and
/// unset by `tasks.reset`, which deletes its events).
const COUNT: &str = concat!(
    r#"JSON.stringify([db.getSiblingDB("backend").company.count(),"#,
    r#"db.getSiblingDB("backend").task.count(),"#,
    r#"db.getSiblingDB("backend").task.count({started:{$ne:null}})])"#
);
/// A healthy MongoDB answers at once.
const LIMIT: Duration = Duration::from_secs(60);

/// What is known of a server's experiments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "known", rename_all = "kebab-case")]
pub enum Experiments {
    /// They were counted.
    Counted {
        /// All of them.
        all: u64,
        /// Those that have run, and so have events.
        ran: u64,
    },
    /// They could not be.
    Unknown {
        /// Why, as a phrase.
        why: String,
    },
}

impl Default for Experiments {
    /// In plans of the time when nobody asked.
    fn default() -> Self {
        Self::Unknown { why: "an earlier version of this program did not ask".to_owned() }
    }
}

impl Experiments {
    /// Asks the MongoDB of a server, if it runs. What goes wrong is in the answer.
    pub async fn of(deployment: &Deployment, docker: &Daemon) -> Self {
        let unknown = |why: &str| Self::Unknown { why: why.to_owned() };
        let Some(service) = deployment.service(Role::Mongo) else { return unknown("the server has no MongoDB") };
        match &service.container {
            Some(container) if container.running => {
                match count(docker.exec(&container.id, &how_to_count(), &BTreeMap::new())).await {
                    Ok((all, ran)) => Self::Counted { all, ran },
                    Err(error) => unknown(&error.phrase()),
                }
            }
            _ => unknown("MongoDB does not run"),
        }
    }

    /// Returns how many have run; nothing if that is not known.
    pub fn ran(&self) -> Option<u64> {
        match self {
            Self::Counted { ran, .. } => Some(*ran),
            Self::Unknown { .. } => None,
        }
    }
}

/// Returns the command that asks a running MongoDB, in its container, for what [`count`] reads.
pub fn how_to_count() -> [String; 4] {
    ["mongo", "--quiet", "--eval", COUNT].map(str::to_owned)
}

/// Returns the numbers of all experiments in a MongoDB that is asked, and of those that have run.
///
/// # Errors
/// Fails when its client does not answer with them, and when the databases are not a server's.
pub async fn count(asked: impl Future<Output = Result<Output>>) -> Result<(u64, u64)> {
    let message = "The experiments in MongoDB cannot be counted.";
    let asked = tokio::time::timeout(LIMIT, asked).await;
    let output = asked.map_err(|_| Error::failed(message).because(anyhow::anyhow!("it does not answer")))??;
    read(&output.stdout).ok_or_else(|| {
        let said = format!("{} {}", output.stdout.trim(), output.stderr.trim());
        Error::failed(message).because(anyhow::anyhow!("{}", said.trim().to_owned()))
    })
}

/// Reads the answer, which may have warnings of the client around it.
fn read(answer: &str) -> Option<(u64, u64)> {
    let found = answer.lines().rev().find_map(|line| serde_json::from_str::<[u64; 3]>(line.trim()).ok());
    found.filter(|[companies, ..]| *companies > 0).map(|[_, all, ran]| (all, ran))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_read_and_only_those_of_a_server() {
        assert_eq!(read("[1,8,5]\n"), Some((8, 5)));
        assert_eq!(read("2020-06-16 I CONTROL a warning\n[1,0,0]\n"), Some((0, 0)));
        // Of another database, or of none: not an answer of "none".
        assert_eq!(read("[0,0,0]\n"), None);
        assert_eq!(read("Error: not authorized on backend to execute command\n"), None);
        assert_eq!(read(""), None);
    }
}
