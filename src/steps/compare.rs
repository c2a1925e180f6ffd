//! Compare again: the old and the new data of a migration. Those of Elasticsearch: the old ones read as they were for the copy, the
//! new ones from their files or by a node that works on a clone. Neither is changed, and nothing is written to the
//! journal; what a crash leaves is noted in a file beside it.

use super::clones::Claims;
use super::copied::{CopiedIndex, copied_indices, copy_result, replacement};
use super::old_data::{self, OldData};
use super::{Run, collisions, compare_mongo, new_data, node, sources};
use crate::elastic::{SourceIndex, Target, compare_index, compare_index_with_digest};
use crate::error::{Error, Result};
use crate::files::Owned;
use crate::plan::{Placement, work_dir};
use crate::results::Comparison;
use crate::transfer::{Compared, Copied, Discrepancy, Places, Proof};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Compares all indices that were copied.
///
/// # Errors
/// Fails when somebody uses the data, when a node does not come up, and when cancelled. Differences are no error.
pub async fn compare_again(run: &Run) -> Result<Comparison> {
    node::remove_leftovers(run).await?;
    let compared = compare(run).await;
    // Whatever happened, nothing of ours keeps running or lying about.
    let removed = node::remove_leftovers(run).await;
    let compared = compared?;
    removed.map(|()| compared)
}

async fn compare(run: &Run) -> Result<Comparison> {
    let one = replacement(run)?;
    let source = Some(sources::whereabouts(run, one)?).filter(|path| path.is_dir());
    let target = run.now(one.final_path());
    if !target.is_dir() {
        return Err(Error::refused(format!("The new data are not in {} any more.", target.display()))
            .hint("If the directory was moved, move it back for the comparison."));
    }
    let of_mongo = compare_mongo::directories(run)?;
    let all = source.iter().chain([&target]).chain(of_mongo.iter().flat_map(|(old, new)| [old, new]));
    require_unused(run, &all.map(PathBuf::as_path).collect::<Vec<_>>()).await?;
    let place = beside(run, &target, &one.placement);
    let claims = Claims { source: Owned::claim(&run.now(&run.elastic()?.clone))?, target: Owned::claim(&place)? };
    claims.write(run)?;
    // While they are compared, nobody else may start on them.
    let _held = sources::hold_path(run, &target).await?;
    let _held_source = match &source {
        Some(source) => Some(sources::hold_path(run, source).await?),
        None => None,
    };
    let new = new_data::open(run, &target, claims.target).await?;
    let copied = copied_indices(run)?;
    let (indices, others) = match &source {
        Some(source) => {
            let old = old_data::open(run, source, claims.source).await?;
            old.while_alive(run, new.while_alive(run, with_source(run, &old, &new.target(), &copied))).await?
        }
        None => (new.while_alive(run, with_digests(run, &new.target(), &copied)).await?, Vec::new()),
    };
    let discrepancies = discrepancies(run, &copied, &indices, source.is_some(), &others)?;
    let known = |name: &String| indices.iter().any(|one| one.collection == *name);
    let made_since = new.indices().await?.into_iter().filter(|name| !known(name)).collect();
    let left_out = copied.iter().map(|one| one.outcome.left_out).sum();
    let mongo = compare_mongo::compare(run).await?;
    Ok(Comparison { source, target, indices, discrepancies, made_since, left_out, mongo })
}

/// Holds what was planned and copied against what is there now. What an index is told to differ in is not told once more.
fn discrepancies(
    run: &Run,
    copied: &[CopiedIndex],
    indices: &[Compared],
    with_source: bool,
    others: &[SourceIndex],
) -> Result<Vec<Discrepancy>> {
    let result = copy_result(run)?;
    let planned = run.elastic()?.indices.iter().chain(copied.iter().map(|one| &one.outcome.collection));
    let mut places = Places::new(Some(Proof::Documents), planned.map(String::as_str));
    result.counts.iter().for_each(|(index, count)| places.plan(index, Some(*count)));
    for CopiedIndex { outcome, .. } in copied {
        let now = indices.iter().find(|one| one.collection == outcome.collection);
        let read = now.filter(|_| with_source).map_or(outcome.read, |now| now.documents + outcome.left_out);
        places.copied(&outcome.collection, Copied { there: outcome.there, read, left_out: outcome.left_out });
        places.written(&outcome.collection, outcome.into());
    }
    for other in others {
        let read = other.documents;
        places.copied(&other.name, Copied { there: None, read, left_out: 0 });
    }
    indices.iter().filter(|one| one.there).for_each(|one| places.read(&one.collection, one.into()));
    let is_told = |name: &str| indices.iter().any(|one| one.collection == name && one.differs());
    Ok(places.discrepancies().into_iter().filter(|one| !is_told(&one.collection)).collect())
}

/// Compares with the old data, and returns also the server's indices in these that were not copied.
async fn with_source(
    run: &Run,
    old: &OldData,
    new: &Target,
    copied: &[CopiedIndex],
) -> Result<(Vec<Compared>, Vec<SourceIndex>)> {
    // Opens what is closed, and refuses what is not whole.
    let (others, _) = old.indices(&copied.iter().map(|one| one.outcome.collection.clone()).collect()).await?;
    let source = old.source();
    let rules = collisions::rules(run, old, copied).await?;
    let mut all = Vec::new();
    for CopiedIndex { plan, .. } in copied {
        all.push(compare_index(&source, new, plan, &rules, &run.events, &run.cancel).await?);
    }
    Ok((all, others))
}

async fn with_digests(run: &Run, new: &Target, copied: &[CopiedIndex]) -> Result<Vec<Compared>> {
    let mut all = Vec::new();
    for CopiedIndex { plan, outcome } in copied {
        all.push(compare_index_with_digest(&outcome.digest, new, plan, &run.events, &run.cancel).await?);
    }
    Ok(all)
}

/// A server that runs changes its files while they are read or cloned: they would be of no moment at all.
async fn require_unused(run: &Run, paths: &[&Path]) -> Result<()> {
    let (mut used, mut names) = (Vec::new(), BTreeSet::new());
    for one in run.platform.containers().await?.into_iter().filter(|one| one.state.running) {
        for path in paths.iter().filter(|path| one.uses(path)) {
            used.push(format!("{} is used by the container {}.", path.display(), one.name));
            names.insert(one.name.clone());
        }
    }
    if used.is_empty() {
        return Ok(());
    }
    let names = names.into_iter().collect::<Vec<_>>().join(" ");
    // What docker allows a server of itself, 10 seconds, is not always enough for MongoDB to bring all to its files.
    let stop = if run.plan.server().is_some() { "docker stop --time 180" } else { "docker stop" };
    Err(Error::refused(used.join(" "))
        .hint(format!("Stop it for the comparison: {stop} {names}"))
        .hint(format!("And afterwards: docker start {names}")))
}

/// Returns the place for the clone of the new data: beside them, where links are possible, if that is an ordinary
/// directory.
fn beside(run: &Run, target: &Path, placement: &Placement) -> PathBuf {
    let mut name = OsString::from(".clearml-migrate-clone-");
    match (placement, target.file_name()) {
        (Placement::Retire { .. } | Placement::Swap { .. }, Some(own)) => {
            name.push(own);
            target.with_file_name(name)
        }
        _ => work_dir(&run.now(&run.plan.home.from)).join("clone-target"),
    }
}
