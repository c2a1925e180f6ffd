//! Documents that share their `_id`: refused before anything is copied, or written under a new one.

use super::Run;
use super::copied::{CHOICE, CopiedIndex, choice, copied_indices, has_copied, reader};
use super::old_data::OldData;
use crate::elastic::{CopyOptions, CopyRules, Files, IndexPlan, NewIdList, NewIds, Search};
use crate::error::{Error, Result};
use crate::files::blocking;
use crate::message::{About, Code, Message};
use crate::plan::{Action, OnIdCollision, Reader, work_dir};
use crate::text;
use std::sync::Arc;

/// Returns what was said in this run, if it is something else.
fn another_choice(run: &Run) -> Result<Option<OnIdCollision>> {
    let begun = choice(run)?;
    Ok(run.options.on_id_collision.filter(|asked| *asked != begun))
}

/// Makes sure that documents are not copied by two rules, and that all that share their `_id` are known before.
///
/// # Errors
/// Refuses another choice than that of the beginning where it comes too late.
pub fn require_same_collisions(run: &Run) -> Result<()> {
    let Some(asked) = another_choice(run)? else { return Ok(()) };
    let (asked, begun) = (asked.typed(), choice(run)?.typed());
    if has_copied(run)? {
        return Err(Error::refused(format!(
            "Documents were copied with --on-id-collision {begun} already; with {asked}, others would not fit to them."
        )));
    }
    match reader(run)? {
        Reader::Scroll { .. } => Err(Error::refused(format!(
            "--on-id-collision {asked} comes too late: the old data are read by a temporary Elasticsearch, which does not \
             tell beforehand which documents share their _id."
        ))),
        Reader::Segments { .. } => Ok(()),
    }
}

/// Keeps to what was said in this run from here on.
///
/// # Errors
/// As [`require_same_collisions`], and when the note cannot be written.
pub(super) fn settle(run: &Run) -> Result<()> {
    require_same_collisions(run)?;
    let Some(asked) = another_choice(run)? else { return Ok(()) };
    run.note(run.id_of(Action::COPY_ELASTIC)?, CHOICE, &asked)?;
    run.events.info(
        Message::new(Code::ChoiceChanged, format!("From here on it is --on-id-collision {}", asked.typed()))
            .about(About::Setting("on-id-collision".to_owned())),
    );
    Ok(())
}

/// Searches for documents that share their `_id`, before these indices are copied. Returns their new ones.
///
/// # Errors
/// Refuses them if nothing else was chosen. Fails as [`Search`] does.
pub(super) async fn before_copy(
    run: &Run,
    files: &Files,
    plans: &[IndexPlan],
    options: &CopyOptions,
) -> Result<NewIds> {
    let (files, mut plans, cancel) = (files.clone(), plans.to_vec(), run.cancel.clone());
    let directory = work_dir(&run.now(&run.plan.home.from));
    if choice(run)? == OnIdCollision::Refuse {
        let (accepted, rejects) = (Arc::clone(&options.rules.accepted), Arc::clone(&options.rejects));
        return blocking(move || {
            let search = Search { files: &files, plans: &plans, directory: &directory, cancel: &cancel };
            search.collisions(&accepted, &rejects)?.require_none(&rejects)?;
            Ok(NewIds::default())
        })
        .await;
    }
    // Those that are copied already are searched again for the list, which is of all.
    plans.extend(renamed(&copied_indices(run)?));
    let mut list = NewIdList::new(run.plan.new_ids_file());
    let (new_ids, list) = blocking(move || {
        let search = Search { files: &files, plans: &plans, directory: &directory, cancel: &cancel };
        Ok((search.new_ids_listed(&mut list)?, list))
    })
    .await?;
    if list.documents() > 0 {
        let (documents, path) = (text::documents(list.documents()), list.path().display());
        run.events.info(
            Message::new(
                Code::SharedIds,
                format!("{documents} share their _id with another and get a new one: {path}"),
            )
            .about(About::Number(list.documents())),
        );
    }
    Ok(new_ids)
}

/// Returns by which rules these indices were copied, to read the source once more.
///
/// # Errors
/// Fails as [`Search`] does.
pub(super) async fn rules(run: &Run, old: &OldData, copied: &[CopiedIndex]) -> Result<CopyRules> {
    let rules = CopyRules { accepted: Arc::clone(&run.options.accepted), ..CopyRules::default() };
    let plans: Vec<IndexPlan> = renamed(copied).collect();
    let files = match old {
        _ if plans.is_empty() => return Ok(rules),
        OldData::Files(files) => files.clone(),
        OldData::Node(_) => return Err(Error::internal("A node cannot tell which documents were given a new _id.")),
    };
    let (directory, cancel) = (work_dir(&run.now(&run.plan.home.from)), run.cancel.clone());
    let search = move || Search { files: &files, plans: &plans, directory: &directory, cancel: &cancel }.new_ids();
    Ok(CopyRules { new_ids: Arc::new(blocking(search).await?), ..rules })
}

fn renamed(copied: &[CopiedIndex]) -> impl Iterator<Item = IndexPlan> {
    copied.iter().filter(|one| one.outcome.renamed > 0).map(|one| one.plan.clone())
}
