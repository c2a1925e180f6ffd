//! One index and its shards.

use super::evidence::Evidence;
use super::list::{Named, is_uuid, list, names, read_if_there};
use super::states::read_state;
use super::{Finding, Index, Problem, Shard};
use crate::error::Result;
use crate::lucene::commit::{self, Contents};
use crate::lucene::index_metadata::IndexMetadata;
use crate::lucene::segment::base36;
use crate::lucene::{Corrupt, segment_info, state, translog};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Begins the name of the marker that Elasticsearch puts into a shard that it found corrupt
/// (`org.elasticsearch.index.store.Store.CORRUPTED`).
const CORRUPTED: &str = "corrupted_";
/// Settings by which an index keeps its shards outside the data directory.
const ELSEWHERE: [&str; 2] = ["index.data_path", "index.shared_filesystem"];

/// Looks again this often when something is not as it should be: a running node replaces files while we look.
const LOOKS: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(30);

/// Inspects the index in `dir`, whose name is `dir_name`. Returns nothing for a directory that is no index.
pub(super) fn inspect(
    dir: &Path,
    dir_name: &str,
    findings: &mut Vec<Finding>,
    evidence: &mut Evidence,
) -> Result<Option<Index>> {
    let mut look = 1;
    loop {
        let mut found = Vec::new();
        let index = inspect_once(dir, dir_name, &mut found, evidence)?;
        if found.is_empty() || look == LOOKS {
            findings.extend(found);
            return Ok(index);
        }
        look += 1;
        thread::sleep(BETWEEN_LOOKS);
    }
}

fn inspect_once(
    dir: &Path,
    dir_name: &str,
    findings: &mut Vec<Finding>,
    evidence: &mut Evidence,
) -> Result<Option<Index>> {
    let states = list(&dir.join("_state"))?.unwrap_or_default();
    let Some(newest) = state::newest(names(&states), "state-") else {
        findings.push(Finding { path: dir.to_owned(), problem: without_state(dir, dir_name)? });
        return Ok(None);
    };
    let path = dir.join("_state").join(newest);
    let Some(content) = read_state(&path, findings)? else { return Ok(None) };
    let described = describe(&content);
    let Some((mut index, shard_count)) = described else {
        let why = "it does not describe an index".to_owned();
        findings.push(Finding { path, problem: Problem::Damaged(why) });
        return Ok(None);
    };
    let settings = content.get(&index.name).and_then(|index| index.get("settings"));
    for setting in ELSEWHERE.iter().filter(|setting| settings.is_some_and(|settings| settings.get(**setting).is_some()))
    {
        findings.push(Finding { path: dir.to_owned(), problem: Problem::Elsewhere((*setting).to_owned()) });
    }
    evidence.add_exact(index.created, format!("the index {} was created by {}", index.name, index.created));
    if dir_name == index.uuid {
        evidence.add(5, format!("the index {} is in a directory named by its id, as since 5.0", index.name));
    } else {
        let why =
            format!("it describes the index {} with the id {}, not that of its directory", index.name, index.uuid);
        findings.push(Finding { path, problem: Problem::Damaged(why) });
    }
    for number in 0..shard_count {
        let shard_dir = dir.join(number.to_string());
        let current = in_sync(&content, &index.name, number);
        match list(&shard_dir)? {
            Some(_) => index.shards.extend(shard(&shard_dir, number, &current, findings, evidence)?),
            None => findings.push(Finding { path: shard_dir, problem: Problem::Missing }),
        }
    }
    Ok(Some(index))
}

/// Returns the index that a state describes, without shards, and how many it has.
fn describe(content: &Value) -> Option<(Index, u32)> {
    let metadata = IndexMetadata::parse(content)?;
    let index = Index {
        types: metadata.types().map(ToOwned::to_owned).collect(),
        name: metadata.name,
        uuid: metadata.uuid,
        openness: metadata.openness,
        created: metadata.created,
        shards: Vec::new(),
    };
    Some((index, metadata.shards))
}

/// Returns what a directory is in which no state says which index it is.
fn without_state(dir: &Path, name: &str) -> Result<Problem> {
    let is_empty = list(dir)?.is_none_or(|entries| entries.is_empty());
    Ok(match (is_empty, is_uuid(name)) {
        (true, true) => Problem::Vacant,
        (true, false) => Problem::Foreign,
        (false, _) if has_shards(dir)? => Problem::Nameless,
        (false, true) => Problem::Stateless,
        (false, false) => Problem::Foreign,
    })
}

/// Returns whether a directory has the commit of a shard in it.
fn has_shards(dir: &Path) -> Result<bool> {
    for entry in list(dir)?.unwrap_or_default().iter().filter(|entry| entry.is_dir) {
        let files = list(&dir.join(&entry.name).join("index"))?.unwrap_or_default();
        if commit::newest(names(&files)).is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the ids of the copies of a shard that have everything that was written, as the state of the index has them
/// (`in_sync_allocations`, since 5.0). None in an index that was last changed before.
fn in_sync<'a>(content: &'a Value, index: &str, number: u32) -> Vec<&'a str> {
    let ids = content.get(index).and_then(|index| index.get("in_sync_allocations")?.get(number.to_string()));
    ids.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Inspects a shard, of which these copies are `current`. Returns nothing for the copy of a shard whose primary is on
/// another node.
fn shard(
    dir: &Path,
    number: u32,
    current: &[&str],
    findings: &mut Vec<Finding>,
    evidence: &mut Evidence,
) -> Result<Option<Shard>> {
    let states = list(&dir.join("_state"))?.unwrap_or_default();
    match state::newest(names(&states), "state-") {
        None => findings.push(Finding { path: dir.join("_state"), problem: Problem::Missing }),
        Some(newest) => {
            let path = dir.join("_state").join(newest);
            let state = read_state(&path, findings)?;
            if state.as_ref().and_then(|state| state.get("primary")?.as_bool()) == Some(false) {
                return Ok(None);
            }
            // Elasticsearch makes no primary of another copy than these.
            let id = state.as_ref().and_then(|state| state.pointer("/allocation_id/id")?.as_str());
            if id.is_some_and(|id| !current.is_empty() && !current.contains(&id)) {
                findings.push(Finding { path, problem: Problem::Stale });
            }
        }
    }
    let index_dir = dir.join("index");
    let index_files = list(&index_dir)?.unwrap_or_default();
    for marker in names(&index_files).filter(|name| name.starts_with(CORRUPTED)) {
        findings.push(Finding { path: index_dir.join(marker), problem: Problem::MarkedCorrupt });
    }
    let contents = newest_commit(&index_dir, &index_files, findings, evidence)?;
    let in_commit = match &contents {
        Some(contents) => live(&index_dir, &index_files, contents, findings)?,
        None => Live { documents: None, bytes: 0 },
    };
    let translog_dir = dir.join("translog");
    let translog_files = list(&translog_dir)?.unwrap_or_default();
    let first = contents.as_ref().and_then(Contents::translog_generation);
    let in_translog = translog_operations(&translog_dir, &translog_files, first, findings, evidence)?;
    Ok(Some(Shard {
        number,
        bytes: index_files.iter().chain(&translog_files).map(|file| file.bytes).sum(),
        live_bytes: in_commit.bytes.saturating_add(in_translog.bytes),
        lucene_documents: in_commit.documents,
        translog_operations: in_translog.operations,
    }))
}

/// Parses a file; damage or absence becomes a finding.
fn parse_file<T>(
    path: PathBuf,
    parse: impl FnOnce(&[u8]) -> Result<T, Corrupt>,
    findings: &mut Vec<Finding>,
) -> Result<Option<T>> {
    let problem = match read_if_there(&path)?.map(|bytes| parse(&bytes)) {
        Some(Ok(parsed)) => return Ok(Some(parsed)),
        Some(Err(corrupt)) => Problem::Damaged(corrupt.to_string()),
        None => Problem::Missing,
    };
    findings.push(Finding { path, problem });
    Ok(None)
}

fn newest_commit(
    dir: &Path,
    files: &[Named],
    findings: &mut Vec<Finding>,
    evidence: &mut Evidence,
) -> Result<Option<Contents>> {
    let Some((name, generation)) = commit::newest(names(files)) else {
        findings.push(Finding { path: dir.join("segments_N"), problem: Problem::Missing });
        return Ok(None);
    };
    let commit =
        parse_file(dir.join(name), |bytes| commit::parse(bytes, generation, &commit::OF_ELASTICSEARCH_5), findings)?;
    let Some(commit) = commit else { return Ok(None) };
    if let Some(lucene) = commit.lucene {
        evidence.add_lucene(lucene, &format!("the last commit of {}", dir.display()));
    }
    Ok(commit.contents)
}

/// What lives in a commit.
struct Live {
    /// Documents; nothing if that of a segment cannot be read.
    documents: Option<u64>,
    /// Their share of the bytes of each segment. One that cannot be read counts whole.
    bytes: u64,
}

fn live(dir: &Path, files: &[Named], contents: &Contents, findings: &mut Vec<Finding>) -> Result<Live> {
    let mut live = Live { documents: Some(0), bytes: 0 };
    for segment in &contents.segments {
        let path = dir.join(format!("{}.si", segment.name));
        let parsed = parse_file(path, |bytes| segment_info::contents(bytes, &segment.id), findings)?;
        let max_doc = parsed.as_ref().map(|segment| u64::from(segment.max_doc));
        let deletes =
            segment.delete_generation.map(|generation| format!("{}_{}.liv", segment.name, base36(generation)));
        let needed = parsed.into_iter().flat_map(|segment| segment.files).chain(deletes);
        let missing = needed.filter(|name| !files.iter().any(|file| file.name == *name && !file.leads_nowhere));
        findings.extend(missing.map(|name| Finding { path: dir.join(name), problem: Problem::Missing }));
        let count = max_doc.and_then(|max_doc| max_doc.checked_sub(segment.deleted.into()));
        live.documents = live.documents.zip(count).map(|(live, count): (u64, u64)| live.saturating_add(count));
        let of_segment =
            |file: &&Named| file.name.strip_prefix(&segment.name).is_some_and(|rest| rest.starts_with(['.', '_']));
        let bytes: u64 = files.iter().filter(of_segment).map(|file| file.bytes).sum();
        live.bytes = live.bytes.saturating_add(share(bytes, count, max_doc));
    }
    Ok(live)
}

/// Returns so many bytes of a segment as it has live documents among all; all of them where that is not known.
fn share(bytes: u64, live: Option<u64>, all: Option<u64>) -> u64 {
    match live.zip(all) {
        Some((live, all)) if all > 0 => {
            u64::try_from(u128::from(bytes) * u128::from(live) / u128::from(all)).unwrap_or(bytes)
        }
        _ => bytes,
    }
}

/// What is in a translog from the generation of the commit on.
#[derive(Default)]
struct Operations {
    operations: u64,
    bytes: u64,
}

/// Sums the operations from the generation `first` of the commit to the current one, and checks that all are there.
fn translog_operations(
    dir: &Path,
    files: &[Named],
    first: Option<i64>,
    findings: &mut Vec<Finding>,
    evidence: &mut Evidence,
) -> Result<Operations> {
    let mut found = Operations::default();
    let Some(current) = parse_file(dir.join(translog::CURRENT), translog::checkpoint, findings)? else {
        return Ok(found);
    };
    // The format changed with sequence numbers in 6.0.
    match current.format {
        1 => evidence.add(5, format!("the translog checkpoints in {} are of the format of 5.x", dir.display())),
        2.. => evidence.add(6, format!("the translog checkpoints in {} are of the format since 6.0", dir.display())),
        _ => {}
    }
    let mut check = |checkpoint: &translog::Checkpoint, generation: i64, findings: &mut Vec<Finding>| {
        let name = translog::operations_name(generation);
        let there = files.iter().find(|file| file.name == name).map(|file| file.bytes);
        let problem = match there {
            None => Some(Problem::Missing),
            Some(bytes) if bytes < checkpoint.offset => {
                Some(Problem::Damaged(format!("it has {bytes} of {} bytes", checkpoint.offset)))
            }
            Some(_) => None,
        };
        findings.extend(problem.map(|problem| Finding { path: dir.join(name), problem }));
        found.operations = found.operations.saturating_add(checkpoint.operations);
        found.bytes = found.bytes.saturating_add(checkpoint.offset);
    };
    let first = first.unwrap_or(current.generation);
    // More generations than files: the numbers are wrong, and the first absent one says so.
    let closed = (first..current.generation).take(files.len().saturating_add(1));
    for generation in closed {
        let path = dir.join(translog::closed_name(generation));
        let Some(checkpoint) = parse_file(path, translog::checkpoint, findings)? else { continue };
        check(&checkpoint, generation, findings);
    }
    check(&current, current.generation, findings);
    Ok(found)
}
