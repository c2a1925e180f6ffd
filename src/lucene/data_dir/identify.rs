//! From a path to what it is.

use super::entry::entries as entries_of;
use super::evidence::Evidence;
use super::list::{NOT_DATA, Named, leads_nowhere, list, names, read_if_there};
use super::states::read_state;
use super::{DataDir, Finding, Identified, Kind, Problem};
use crate::error::Result;
use crate::lucene::commit;
use crate::lucene::state;
use serde_json::Value;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::Path;

/// Of commits of the cluster's state only the version is of interest.
const NO_CONTENTS: RangeInclusive<i32> = 0..=0;
/// Files by which other databases are known.
const FOREIGN: [(&str, &str); 5] = [
    ("WiredTiger", "MongoDB"),
    ("storage.bson", "MongoDB"),
    ("dump.rdb", "Redis"),
    ("appendonly.aof", "Redis"),
    ("PG_VERSION", "PostgreSQL"),
];

/// Tells what the directory at `path` is. Reads metadata and changes nothing.
///
/// # Errors
/// Fails if something cannot be read, as for want of permission. Damaged files are findings.
pub fn identify(path: &Path) -> Result<Identified> {
    let found = |kind, reason: String| Ok(Identified::new(kind, reason));
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
    if has_dir("indices") || has_dir("_state") {
        return without_nodes(path);
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

/// A directory with what a node has, and no directory of nodes: that of a node of Elasticsearch 8, or what one node of
/// Elasticsearch 5 to 7 has within a data directory. Their layouts are the same; what is in them tells.
fn without_nodes(path: &Path) -> Result<Identified> {
    let mut evidence = Evidence::default();
    let mut data = DataDir::default();
    let states = node_state(&path.join("_state"), &mut data, &mut evidence)?;
    entries_of(&path.join("indices"), &states.deleted, &mut data, &mut evidence)?;
    let place = path.display();
    let within_nodes = path.parent().is_some_and(|nodes| nodes.ends_with("nodes"));
    let what = match evidence.newest() {
        Some((major @ 8.., reason)) if !within_nodes => return Ok(Identified::new(Kind::Elastic(major), reason)),
        Some((_, reason)) => format!("{place} is one node's part of a data directory, and {reason}"),
        None if within_nodes => format!("{place} is one node's part of a data directory"),
        None if states.any => {
            format!(
                "{place} seems to be one node's part of a data directory: it has a state of a node, but no directory nodes"
            )
        }
        None => {
            let nothing = format!(
                "{place} may be one node's part of a data directory of Elasticsearch 5 to 7, or the whole of a later one: \
                 nothing in it tells a version"
            );
            return Ok(Identified::new(Kind::Unknown, nothing));
        }
    };
    let instead = path.ancestors().nth(2).filter(|_| within_nodes).map(Path::to_owned);
    Ok(Identified { instead, ..Identified::new(Kind::NotADataDir, what) })
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
        let identified = match kind {
            Kind::NotADataDir => Identified {
                instead: Some(below.clone()),
                ..Identified::new(
                    kind,
                    format!("the Elasticsearch data seem to be one level deeper, in {}", below.display()),
                )
            },
            _ => Identified::new(kind, format!("{} is named by a cluster, as before 5.0", below.display())),
        };
        return Ok(Some(identified));
    }
    Ok(None)
}

fn nodes(path: &Path) -> Result<Identified> {
    let nodes = path.join("nodes");
    let entries = list(&nodes)?.unwrap_or_default();
    let unknown = |reason: String| Ok(Identified::new(Kind::Unknown, reason));
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
            return Ok(Identified::new(Kind::SeveralNodes(ordinals), reason));
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
    let whole = |data: DataDir, reason: String| Ok(Identified::new(Kind::Elastic5(Box::new(data)), reason));
    match evidence.newest() {
        Some((5, reason)) => whole(data, reason.to_owned()),
        Some((major, reason)) => Ok(Identified::new(Kind::Elastic(major), reason)),
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
        evidence.add_exact(version, format!("the node's own state says {version}"));
    }
    let global = read_newest("global-")?;
    if names(&entries).any(|name| name.starts_with("manifest-") || name.starts_with("segments_")) {
        evidence.add(7, format!("{} holds what Elasticsearch writes since 7.0", dir.display()));
    }
    // Since 7.6 the state of the cluster is an index of Lucene.
    if let Some((name, generation)) = commit::newest(names(&entries)) {
        let commit = read_if_there(&dir.join(name))?.map(|bytes| commit::parse(&bytes, generation, &NO_CONTENTS));
        if let Some(lucene) = commit.and_then(Result::ok).and_then(|commit| commit.lucene) {
            evidence.add_lucene(lucene, &format!("the last state of the cluster in {}", dir.display()));
        }
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
    // A node writes them in any order.
    data.templates.sort_unstable();
    let tombstones = global.get("index-graveyard").and_then(|graveyard| graveyard.get("tombstones"));
    let tombstones = tombstones.and_then(Value::as_array).into_iter().flatten();
    let uuids = tombstones.filter_map(|tombstone| tombstone.get("index")?.get("index_uuid")?.as_str());
    states.deleted = uuids.map(ToOwned::to_owned).collect();
    Ok(states)
}
