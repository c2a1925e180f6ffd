//! From a path to what it is.

use super::entry::entries as entries_of;
use super::list::{Named, leads_nowhere, list, names, read_if_there};
use super::{DataDir, Finding, Identified, Kind, Problem};
use crate::error::Result;
use crate::lucene::index_metadata::IndexMetadata;
use crate::lucene::state;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Left by file systems and snapshots at the root of a volume: no data.
pub(super) const NOT_DATA: [&str; 2] = ["lost+found", ".snapshot"];
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

    /// Returns whether something that says `what` speaks for a version.
    #[cfg(test)]
    pub(super) fn speaks_for(&self, major: u32, what: &str) -> bool {
        self.0.iter().any(|(version, reason)| *version == major && reason.contains(what))
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
        if leads_nowhere(path)? {
            return found(Kind::NotADataDir, nowhere(path));
        }
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
    if entries.iter().any(|entry| entry.leads_nowhere && entry.name == "nodes") {
        return found(Kind::NotADataDir, nowhere(&path.join("nodes")));
    }
    if let Some(reason) = one_node(path)? {
        return found(Kind::NotADataDir, reason);
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

fn nowhere(link: &Path) -> String {
    format!("{} is a link that leads nowhere (is a disk not mounted?)", link.display())
}

/// Returns why a path is that of one node of Elasticsearch 5 to 7, within a data directory, if it is: since 8.0 the layout
/// of the whole is the same, but the states of cluster and indices tell.
fn one_node(path: &Path) -> Result<Option<String>> {
    let states = list(&path.join("_state"))?.unwrap_or_default();
    let global = state::newest(names(&states), "global-");
    let what = match global {
        Some(name) => format!("has {name} in _state, as up to 7.5"),
        None => match oldest_index(&path.join("indices"))? {
            Some(version) if version.major() < 7 => format!("holds an index that was created by {version}"),
            _ => return Ok(None),
        },
    };
    let whole = path.ancestors().nth(2).filter(|_| path.parent().is_some_and(|nodes| nodes.ends_with("nodes")));
    let whole = whole.map_or_else(String::new, |whole| format!(", which is {}", whole.display()));
    Ok(Some(format!("{} {what}: it is one node's part of a data directory{whole}", path.display())))
}

/// Returns the oldest Elasticsearch that created an index in `dir`, of those that can be told.
fn oldest_index(dir: &Path) -> Result<Option<super::VersionId>> {
    let mut oldest = None;
    for entry in list(dir)?.unwrap_or_default() {
        let states = dir.join(&entry.name).join("_state");
        let entries = list(&states)?.unwrap_or_default();
        let Some(name) = state::newest(names(&entries), "state-") else { continue };
        let Some(Ok(read)) = read_if_there(&states.join(name))?.map(|bytes| state::parse(&bytes)) else { continue };
        let created = IndexMetadata::parse(&read.content).map(|index| index.created);
        oldest = oldest.into_iter().chain(created).min();
    }
    Ok(oldest)
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
    let unknown = |reason: String| Ok(Identified { kind: Kind::Unknown, reason });
    if let Some(lost) = entries.iter().find(|entry| entry.leads_nowhere) {
        return unknown(nowhere(&nodes.join(&lost.name)));
    }
    let ordinals: Vec<u32> =
        entries.iter().filter(|entry| entry.is_dir).filter_map(|entry| entry.name.parse().ok()).collect();
    match ordinals.as_slice() {
        [0] => {}
        [] if entries.is_empty() => return unknown(format!("{} is empty (is a disk not mounted?)", nodes.display())),
        [] => return unknown(format!("{} holds no node", nodes.display())),
        _ => {
            let reason = format!("{} holds more than the node 0: {ordinals:?}", nodes.display());
            return Ok(Identified { kind: Kind::SeveralNodes(ordinals), reason });
        }
    }
    let node = nodes.join("0");
    if list(&node)?.is_none_or(|entries| entries.is_empty()) {
        return unknown(format!("{} is empty (is a disk not mounted?)", node.display()));
    }
    let mut evidence = Evidence::default();
    let mut data = DataDir::default();
    let states = node_state(&node.join("_state"), &mut data, &mut evidence)?;
    entries_of(&node.join("indices"), &states.deleted, &mut data, &mut evidence)?;
    let whole = |data: DataDir, reason: String| Ok(Identified { kind: Kind::Elastic5(Box::new(data)), reason });
    match evidence.newest() {
        Some((5, reason)) => whole(data, reason.to_owned()),
        Some((major, reason)) => Ok(Identified { kind: Kind::Elastic(major), reason: reason.to_owned() }),
        // Of a node that has an index or a template, a version would be told.
        None if states.any => whole(
            data,
            format!("{} has the states of a node of Elasticsearch 5 or 6, and no index that is whole", node.display()),
        ),
        None => {
            let nothing = format!("{} has neither an index nor a template that tells a version", node.display());
            let strays: Vec<String> = data.blocking().filter(|one| one.is_stray()).map(ToString::to_string).collect();
            unknown(std::iter::once(nothing).chain(strays).collect::<Vec<_>>().join("; "))
        }
    }
}

/// What the states of node and cluster tell beside what is in the data and the evidence.
#[derive(Default)]
struct States {
    /// One of them could be read.
    any: bool,
    /// Ids of deleted indices, whose directories may linger.
    deleted: BTreeSet<String>,
}

/// Reads the states of node and cluster.
fn node_state(dir: &Path, data: &mut DataDir, evidence: &mut Evidence) -> Result<States> {
    let Some(entries) = list(dir)? else {
        data.findings.push(Finding { path: dir.to_owned(), problem: Problem::Missing });
        return Ok(States::default());
    };
    let mut read_newest = |prefix: &str| -> Result<Option<Value>> {
        let Some(name) = state::newest(names(&entries), prefix) else { return Ok(None) };
        read_state(&dir.join(name), &mut data.findings)
    };
    let node = read_newest("node-")?;
    if let Some(version) = node.as_ref().and_then(|node| node.get("node_version")?.as_u64()) {
        let version = super::VersionId(u32::try_from(version).unwrap_or(u32::MAX));
        evidence.add(version.major(), format!("the node's own state says {version}"));
    }
    let global = read_newest("global-")?;
    // Behind the node's state, which tells the version to the last number.
    if names(&entries).any(|name| name.starts_with("manifest-") || name.starts_with("segments_")) {
        evidence.add(7, format!("{} holds what Elasticsearch writes since 7.0", dir.display()));
    }
    let mut states = States { any: node.is_some() || global.is_some(), deleted: BTreeSet::new() };
    let Some(global) = global.as_ref().and_then(|global| global.get("meta-data")) else { return Ok(states) };
    data.cluster_uuid = global.get("cluster_uuid").and_then(Value::as_str).map(ToOwned::to_owned);
    for (name, template) in global.get("templates").and_then(Value::as_object).into_iter().flatten() {
        data.templates.push(name.clone());
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
    states.deleted = uuids.map(ToOwned::to_owned).collect();
    Ok(states)
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
