//! MongoDB's schema: the stamps that the server's migrations leave.

use crate::docker::trouble;
use crate::error::{Error, Result};
use crate::role::Role;
use crate::steps::Run;
use crate::steps::containers::container_of;

/// Reads the schema stamps in MongoDB with its own client: the guard against migrations that failed silently.
pub(super) async fn check_versions(run: &Run) -> Result<String> {
    const SCRIPT: &str =
        r#"JSON.stringify(db.getSiblingDB("backend").versions.find().toArray().map(function(v){return v.num}))"#;
    let container = container_of(run, Role::Mongo).await?;
    let command = ["mongo", "--quiet", "--eval", SCRIPT].map(str::to_owned);
    let output = run.platform.exec(&container.id, &command).await?;
    let found = output.stdout.lines().rev().find_map(|line| serde_json::from_str::<Vec<String>>(line.trim()).ok());
    let Some(found) = found else {
        return Err(Error::failed("The database versions in MongoDB cannot be read.").because(anyhow::anyhow!(
            "{}{}",
            output.stdout.trim(),
            output.stderr.trim()
        )));
    };
    let newest = found.iter().max_by_key(|version| version_key(version)).cloned().unwrap_or_else(|| "none".to_owned());
    let server = run.server()?;
    let needed = &server.facts.backend_version;
    if newest == *needed {
        return Ok(format!("MongoDB's schema is at {newest}"));
    }
    let api = container_of(run, Role::Apiserver).await?;
    let lines = run.platform.log_tail(&api.id, 200).await.unwrap_or_default();
    Err(Error::failed(format!(
        "MongoDB's schema is at {newest}, and release {} needs {needed}: the new server could not bring it there.",
        server.release
    ))
    .hint(format!("What {} said about it:\n{}", api.name, trouble(&lines, 8))))
}

/// Orders `1.0.2` after `1.0.10`'s predecessor: by number, not by letter.
fn version_key(version: &str) -> Vec<u64> {
    version.split('.').map(|part| part.parse().unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version_key("0.16.0") < version_key("1.0.2"));
        assert!(version_key("1.0.2") < version_key("1.0.10"));
    }
}
