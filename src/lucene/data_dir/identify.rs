//! From a path to what it is.

use super::index::inspect;
use super::list::{Named, list, names, read_if_there};
use super::{DataDir, Finding, Identified, Kind, Problem};
use crate::error::Result;
use crate::lucene::state;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Left by file systems and snapshots at the root of a volume: no data.
const NOT_DATA: [&str; 2] = ["lost+found", ".snapshot"];
/// Files by which other databases are known.
const FOREIGN: [(&str, &str); 5] = [
    ("WiredTiger", "MongoDB"),
    ("storage.bson", "MongoDB"),
    ("dump.rdb", "Redis"),
    ("appendonly.aof", "Redis"),
    ("PG_VERSION", "PostgreSQL"),
];

/// Versions that something in the directory speaks for.
#[derive(Debug, Default)]
pub(super) struct Evidence(Vec<(u32, String)>);

impl Evidence {
    /// Adds that `what` speaks for a major version of Elasticsearch.
    pub(super) fn add(&mut self, major: u32, what: impl Into<String>) {
        self.0.push((major, what.into()));
    }

    /// Returns the newest version and the first that spoke for it.
    fn newest(&self) -> Option<(u32, &str)> {
        let newest = self.0.iter().map(|(major, _)| *major).max()?;
        self.0.iter().find(|(major, _)| *major == newest).map(|(major, what)| (*major, what.as_str()))
    }
}

/// Tells what the directory at `path` is. Reads metadata and changes nothing.
///
/// # Errors
/// Fails if something cannot be read, as for want of permission. Damaged files are findings.
pub fn identify(path: &Path) -> Result<Identified> {
    let found = |kind, reason: String| Ok(Identified { kind, reason });
    let Some(entries) = list(path)? else {
        return match crate::files::exists(path)? {
            true => found(Kind::NotADataDir, format!("{} is a file", path.display())),
            false => found(Kind::Missing, format!("{} does not exist", path.display())),
        };
    };
    let entries: Vec<Named> = entries.into_iter().filter(|entry| !NOT_DATA.contains(&entry.name.as_str())).collect();
    if entries.is_empty() {
        return found(Kind::Empty, format!("{} is empty", path.display()));
    }
    let has_dir = |name: &str| entries.iter().any(|entry| entry.is_dir && entry.name == name);
    if has_dir("nodes") {
        return nodes(path);
    }
    if has_dir("indices") && has_dir("_state") {
        return found(Kind::Elastic(8), format!("{} has indices and _state at its root, as since 8.0", path.display()));
    }
    if let Some(identified) = one_below(path, &entries)? {
        return Ok(identified);
    }
    let foreign = FOREIGN.iter().find(|(name, _)| names(&entries).any(|entry| entry == *name));
    let reason = match foreign {
        Some((name, database)) => format!("the file {name} in {} is one of {database}", path.display()),
        None => format!("{} has no directory nodes in it", path.display()),
    };
    found(Kind::NotADataDir, reason)
}

/// A directory of nodes one level down: of Elasticsearch 2, named by the cluster, or the path is one too short.
fn one_below(path: &Path, entries: &[Named]) -> Result<Option<Identified>> {
    for entry in entries.iter().filter(|entry| entry.is_dir) {
        let below = path.join(&entry.name);
        if list(&below.join("nodes"))?.is_none() {
            continue;
        }
        let kind = match nodes(&below)?.kind {
            Kind::Elastic5(_) | Kind::Elastic(6..) | Kind::SeveralNodes(_) => Kind::NotADataDir,
            _ => Kind::Elastic(2),
        };
        let reason = match kind {
            Kind::NotADataDir => format!("the Elasticsearch data seem to be one level deeper, in {}", below.display()),
            _ => format!("{} is named by a cluster, as before 5.0", below.display()),
        };
        return Ok(Some(Identified { kind, reason }));
    }
    Ok(None)
}

fn nodes(path: &Path) -> Result<Identified> {
    let nodes = path.join("nodes");
    let entries = list(&nodes)?.unwrap_or_default();
    let ordinals: Vec<u32> =
        entries.iter().filter(|entry| entry.is_dir).filter_map(|entry| entry.name.parse().ok()).collect();
    match ordinals.as_slice() {
        [0] => {}
        [] => {
            let reason = format!("{} holds no node", nodes.display());
            return Ok(Identified { kind: Kind::Unknown, reason });
        }
        _ => {
            let reason = format!("{} holds more than the node 0: {ordinals:?}", nodes.display());
            return Ok(Identified { kind: Kind::SeveralNodes(ordinals), reason });
        }
    }
    let node = nodes.join("0");
    let mut evidence = Evidence::default();
    let mut data = DataDir::default();
    let deleted = node_state(&node.join("_state"), &mut data, &mut evidence)?;
    indices(&node.join("indices"), &deleted, &mut data, &mut evidence)?;
    Ok(match evidence.newest() {
        Some((5, reason)) => Identified { kind: Kind::Elastic5(Box::new(data)), reason: reason.to_owned() },
        Some((major, reason)) => Identified { kind: Kind::Elastic(major), reason: reason.to_owned() },
        None => {
            let reason = format!("{} has neither an index nor a template that tells a version", node.display());
            Identified { kind: Kind::Unknown, reason }
        }
    })
}

/// Reads the states of node and cluster. Returns the ids of deleted indices, whose directories may linger.
fn node_state(dir: &Path, data: &mut DataDir, evidence: &mut Evidence) -> Result<BTreeSet<String>> {
    let Some(entries) = list(dir)? else {
        data.findings.push(Finding { path: dir.to_owned(), problem: Problem::Missing });
        return Ok(BTreeSet::new());
    };
    if names(&entries).any(|name| name.starts_with("manifest-") || name.starts_with("segments_")) {
        evidence.add(7, format!("{} holds what Elasticsearch writes since 7.0", dir.display()));
    }
    let mut read_newest = |prefix: &str| -> Result<Option<Value>> {
        let Some(name) = state::newest(names(&entries), prefix) else { return Ok(None) };
        read_state(&dir.join(name), &mut data.findings)
    };
    if let Some(version) = read_newest("node-")?.as_ref().and_then(|node| node.get("node_version")?.as_u64()) {
        let version = super::VersionId(u32::try_from(version).unwrap_or(u32::MAX));
        evidence.add(version.major(), format!("the node's own state says {version}"));
    }
    let Some(global) = read_newest("global-")? else { return Ok(BTreeSet::new()) };
    let Some(global) = global.get("meta-data") else { return Ok(BTreeSet::new()) };
    data.cluster_uuid = global.get("cluster_uuid").and_then(Value::as_str).map(ToOwned::to_owned);
    for (name, template) in global.get("templates").and_then(Value::as_object).into_iter().flatten() {
        // Renamed in 6.0 when a template could have several patterns.
        if template.get("index_patterns").is_some() {
            evidence.add(6, format!("the index template {name} has index_patterns, as since 6.0"));
        } else if template.get("template").is_some() {
            evidence.add(5, format!("the index template {name} has a single pattern, as up to 5.6"));
        }
    }
    let tombstones = global.get("index-graveyard").and_then(|graveyard| graveyard.get("tombstones"));
    let tombstones = tombstones.and_then(Value::as_array).into_iter().flatten();
    let uuids = tombstones.filter_map(|tombstone| tombstone.get("index")?.get("index_uuid")?.as_str());
    Ok(uuids.map(ToOwned::to_owned).collect())
}

/// Reads a state file; a damaged one becomes a finding.
pub(super) fn read_state(path: &Path, findings: &mut Vec<Finding>) -> Result<Option<Value>> {
    let problem = match read_if_there(path)?.map(|bytes| state::parse(&bytes)) {
        Some(Ok(state)) => return Ok(Some(state.content)),
        Some(Err(corrupt)) => Problem::Damaged(corrupt.to_string()),
        None => Problem::Missing,
    };
    findings.push(Finding { path: path.to_owned(), problem });
    Ok(None)
}

fn indices(dir: &Path, deleted: &BTreeSet<String>, data: &mut DataDir, evidence: &mut Evidence) -> Result<()> {
    for entry in list(dir)?.unwrap_or_default().into_iter().filter(|entry| entry.is_dir) {
        let path = dir.join(&entry.name);
        if deleted.contains(&entry.name) {
            data.findings.push(Finding { path, problem: Problem::Leftover });
        } else if let Some(index) = inspect(&path, &entry.name, &mut data.findings, evidence)? {
            data.indices.push(index);
        }
    }
    data.indices.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(())
}
