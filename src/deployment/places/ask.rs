//! Where a process that runs keeps its data, in its own words.

use super::place::absolute;
use super::{Process, Reader, mongo, redis};
use crate::docker::{Container, Daemon};
use crate::elastic::Client;
use crate::role::Role;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// A process that is well answers within milliseconds. One that does not has the whole time.
const LIMIT: Duration = Duration::from_secs(10);

/// Why there is no answer that says one directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// It could not be asked, and why.
    Silent(String),
    /// It has several.
    Several(Vec<String>),
}

fn silent(why: impl Into<String>) -> NoAnswer {
    NoAnswer::Silent(why.into())
}

/// Asks the process in a container. Nothing for roles that have no way to be asked but what they were started with.
pub(super) async fn ask(
    role: Role,
    container: &Container,
    process: &Process,
    read: Reader<'_>,
    docker: &Daemon,
) -> Option<Result<String, NoAnswer>> {
    match container.state.status.as_str() {
        "running" => {}
        "restarting" => return Some(Err(silent("it ends and is started again and again"))),
        other => return Some(Err(silent(format!("its container is {other}")))),
    }
    let asked = async {
        match role {
            Role::Elasticsearch => Some(elasticsearch(container, process, docker).await),
            Role::Mongo => Some(mongod(container, process, read, docker).await),
            Role::Redis => Some(redis_server(container, process, read, docker).await),
            _ => None,
        }
    };
    let late = || Some(Err(silent(format!("it did not answer within {} seconds", LIMIT.as_secs()))));
    tokio::time::timeout(LIMIT, asked).await.unwrap_or_else(|_| late())
}

async fn elasticsearch(container: &Container, process: &Process, docker: &Daemon) -> Result<String, NoAnswer> {
    let port = process.environment.get("http.port").and_then(|port| port.parse().ok()).unwrap_or(9200);
    let by_address = match container.address(port).and_then(|address| Client::new(&format!("http://{address}")).ok()) {
        Some(client) => client.data_paths(Duration::from_secs(3)).await.ok(),
        None => None,
    };
    let paths = match by_address {
        Some(paths) => paths,
        // Not every network of docker's can be reached from here.
        None => {
            let url = format!("http://localhost:{port}/_nodes/_local/stats/fs");
            let said = run(container, docker, &["curl", "-s", "-m", "5", &url], &[]).await?;
            crate::elastic::paths_of_stats(&serde_json::from_str(&said).unwrap_or_default())
        }
    };
    match paths.as_slice() {
        [] => Err(silent("its answer to _nodes/stats/fs names no directory")),
        [one] => Ok(absolute(one, "/")),
        several => Err(NoAnswer::Several(several.to_vec())),
    }
}

async fn mongod(
    container: &Container,
    process: &Process,
    read: Reader<'_>,
    docker: &Daemon,
) -> Result<String, NoAnswer> {
    const SCRIPT: &str = "JSON.stringify(db.adminCommand({getCmdLineOpts: 1}))";
    let words: Vec<String> = process.command.clone();
    let port = super::process::option(&words, &["--port"]).unwrap_or("27017");
    let mut why = silent("it has no shell");
    for shell in ["mongo", "mongosh"] {
        match run(container, docker, &[shell, "--quiet", "--port", port, "--eval", SCRIPT], &[]).await {
            Ok(said) => {
                if let Some(options) = last_json(&said).filter(|options| options.get("parsed").is_some()) {
                    return Ok(data_path_of(&options, &process.directory));
                }
                why = silent(format!("its shell said: {}", said.trim().chars().take(200).collect::<String>()));
                break;
            }
            Err(error) => why = error,
        }
    }
    // One that asks for a password tells the system all the same how it was started.
    let Ok(said) = run(container, docker, &["cat", "/proc/1/cmdline"], &[]).await else { return Err(why) };
    let command = said.split('\0').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let started = Process { command, ..process.clone() };
    if !started.command.iter().any(|word| super::process::base_name(word) == "mongod") {
        return Err(why);
    }
    mongo::place(&started, read).map(|place| place.path).map_err(|_| why)
}

fn last_json(said: &str) -> Option<Value> {
    said.lines().rev().find_map(|line| serde_json::from_str(line.trim()).ok())
}

/// Reads the answer of `getCmdLineOpts`, which is silent about defaults.
fn data_path_of(options: &Value, directory: &str) -> String {
    let at = |pointer: &str| options.pointer(pointer).and_then(Value::as_str);
    match at("/parsed/storage/dbPath") {
        Some(path) => absolute(path, directory),
        None if at("/parsed/sharding/clusterRole") == Some("configsvr") => Role::MONGO_CONFIGDB.to_owned(),
        None => Role::MONGO_DATA.to_owned(),
    }
}

async fn redis_server(
    container: &Container,
    process: &Process,
    read: Reader<'_>,
    docker: &Daemon,
) -> Result<String, NoAnswer> {
    let password = redis::password(process, read);
    let port = super::process::option(&process.command, &["--port"]).unwrap_or("6379");
    let environment: Vec<(&str, String)> = password.into_iter().map(|password| ("REDISCLI_AUTH", password)).collect();
    let said = run(container, docker, &["redis-cli", "-p", port, "config", "get", "dir"], &environment).await?;
    let mut lines = said.lines().map(str::trim);
    match (lines.next(), lines.next()) {
        (Some("dir"), Some(path)) if path.starts_with('/') => Ok(absolute(path, "/")),
        _ => Err(silent(format!("redis-cli said: {}", said.trim().chars().take(200).collect::<String>()))),
    }
}

/// Runs a program in the container and returns what it wrote.
async fn run(
    container: &Container,
    docker: &Daemon,
    command: &[&str],
    environment: &[(&str, String)],
) -> Result<String, NoAnswer> {
    let words: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
    let environment: BTreeMap<String, String> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let program = command.first().copied().unwrap_or_default();
    match docker.exec(&container.id, &words, &environment).await {
        Ok(output) if output.code == 0 => Ok(output.stdout),
        Ok(output) if matches!(output.code, 126 | 127) => {
            Err(silent(format!("there is no {program} in its container")))
        }
        Ok(output) => {
            let said = [output.stdout.trim(), output.stderr.trim()].join(" ");
            let said: String = said.trim().chars().take(200).collect();
            Err(silent(format!("{program} ended with code {} {said}", output.code).trim_end().to_owned()))
        }
        Err(error) => Err(silent(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn mongod_is_silent_about_its_defaults() {
        let cases = [
            (json!({ "parsed": {}, "ok": 1 }), "/data/db"),
            (json!({ "parsed": { "storage": { "dbPath": "/x/" } } }), "/x"),
            (json!({ "parsed": { "storage": { "dbPath": "x" } } }), "/home/x"),
            (json!({ "parsed": { "sharding": { "clusterRole": "configsvr" } } }), "/data/configdb"),
        ];
        for (options, expected) in cases {
            assert_eq!(data_path_of(&options, "/home"), expected, "{options}");
        }
        assert_eq!(last_json("2020 warning\n{\"parsed\":{}}\n"), Some(json!({ "parsed": {} })));
    }
}
