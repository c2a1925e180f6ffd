//! MongoDB's schema: the stamps that the server's migrations leave.

use super::container_of;
use crate::deployment::Role;
use crate::error::{Error, Result};
use crate::release::Release;
use crate::steps::Run;
use std::collections::BTreeMap;

/// Reads the schema stamps in MongoDB with its own client: the guard against migrations that failed silently.
pub(super) async fn check_versions(run: &Run, release: &Release) -> Result<String> {
    const SCRIPT: &str =
        r#"JSON.stringify(db.getSiblingDB("backend").versions.find().toArray().map(function(v){return v.num}))"#;
    let container = container_of(run, Role::Mongo).await?;
    let command = ["mongo", "--quiet", "--eval", SCRIPT].map(str::to_owned);
    let output = run.docker.exec(&container.id, &command, &BTreeMap::new()).await?;
    let found = output.stdout.lines().rev().find_map(|line| serde_json::from_str::<Vec<String>>(line.trim()).ok());
    let Some(found) = found else {
        return Err(Error::failed("The database versions in MongoDB cannot be read.").because(anyhow::anyhow!(
            "{}{}",
            output.stdout.trim(),
            output.stderr.trim()
        )));
    };
    let newest = found.iter().max_by_key(|version| version_key(version)).cloned().unwrap_or_else(|| "none".to_owned());
    if newest == release.backend_version {
        return Ok(format!("MongoDB's schema is at {newest}"));
    }
    let api = container_of(run, Role::Apiserver).await?;
    let lines = run.docker.log_tail(&api.id, 200).await.unwrap_or_default();
    Err(Error::failed(format!(
        "MongoDB's schema is at {newest}, and release {} needs {}: the new server could not bring it there.",
        release.version, release.backend_version
    ))
    .hint(format!("What {} said about it:\n{}", api.name, trouble(&lines))))
}

/// Returns what a log tells of trouble: the last lines that speak of errors, or the last ones at all.
fn trouble(lines: &[String]) -> String {
    const SHOWN: usize = 8;
    let tells = |line: &&String| ["rror", "ailed", "xception"].iter().any(|word| line.contains(word));
    let telling: Vec<&str> = lines.iter().filter(tells).map(String::as_str).collect();
    let all: Vec<&str> = lines.iter().map(String::as_str).collect();
    let words = if telling.is_empty() { all } else { telling };
    words.get(words.len().saturating_sub(SHOWN)..).unwrap_or_default().join("\n")
}

/// Orders `1.0.2` after `1.0.10`'s predecessor: by number, not by letter.
fn version_key(version: &str) -> Vec<u64> {
    version.split('.').map(|part| part.parse().unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_log_the_lines_that_tell_of_trouble_are_shown() {
        let log = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let told = trouble(&log("starting\nMigration 0.17.0 failed, aborting\nlistening\nGET / 200"));
        assert_eq!(told, "Migration 0.17.0 failed, aborting");
        assert_eq!(trouble(&log("starting\nlistening")), "starting\nlistening");
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version_key("0.16.0") < version_key("1.0.2"));
        assert!(version_key("1.0.2") < version_key("1.0.10"));
    }
}
