//! Copy Elasticsearch: every document of the server's indices, from the files of the old data (or a 5.6 node on a clone of
//! them) into a new node on the new directory.
//!
//! The source is fingerprinted first; each index that is copied and flushed is noted with that fingerprint, and of files
//! also each part of an index, so that a run that was cut off goes on behind it, and never trusts what was copied from
//! other data.

use super::copied::{
    CopiedElastic, CopiedIndex, HalfCopied, Sample, copied_indices, index_key, partly_copied, replacement,
};
use super::disk_watch::while_there_is_room;
use super::node::{self, Node};
use super::old_data::{self, OldData};
use super::preserve::preserve;
use super::{Done, Run, collisions, containers, extent, sources, values};
use crate::elastic::{BulkSink, Copier, CopyOptions, IndexPlan, SourceIndex, Templates, require_complete};
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::files::blocking;
use crate::findings::Severity;
use crate::message::{About, Code, Message};
use crate::notices::notices;
use crate::plan::{Placement, Replacement};
use crate::preflight;
use crate::text;
use crate::transfer::{Checkpoints, CopyOutcome, Mode, Partial, RejectLog};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// Notes in the journal what is copied: an index as far as it has come, then as a whole under the same key.
struct Notes<'a> {
    run: &'a Run,
    step: &'a str,
    plans: BTreeMap<String, IndexPlan>,
}

impl Checkpoints for Notes<'_> {
    fn finished(&self, outcome: &CopyOutcome) -> Result<()> {
        // An index with refused documents is gone on with once they are accepted, or the cause is gone.
        match self.plans.get(&outcome.collection) {
            Some(plan) if outcome.is_complete() => {
                // Files tell only at most how many documents there are.
                let plan = IndexPlan { documents: outcome.read, ..plan.clone() };
                self.run.note(
                    self.step,
                    &index_key(&outcome.collection),
                    &CopiedIndex { plan, outcome: outcome.clone() },
                )
            }
            _ => Ok(()),
        }
    }

    fn partly(&self, partial: &Partial) -> Result<()> {
        self.run.note(self.step, &index_key(&partial.collection), &HalfCopied { partial: partial.clone() })
    }

    fn earlier(&self, index: &str) -> Result<Option<Partial>> {
        partly_copied(self.run.journal().state(), self.step, index)
    }
}

pub(super) async fn apply(run: &Run, step: &str) -> Result<Done> {
    let one = replacement(run)?;
    containers::require_stopped(run).await?;
    node::remove_leftovers(run).await?;
    require_whole(run, one).await?;
    let _held = sources::hold(run, one).await?;
    collisions::settle(run)?;
    let before = sources::note(run, step, one).await?;
    prepare_target(run, step, one).await?;
    let old = match old_data::open_to_copy(run, &one.source).await? {
        Some(files) => OldData::Files(files),
        None => OldData::Node(Box::new(node::start_source(run, one).await?)),
    };
    let target = node::start_target(run, &one.target).await?;
    let copying = old.while_alive(run, target.while_alive(run, copy(run, step, &old, &target)));
    let copied = while_there_is_room(&one.target, copying).await?;
    old.close(run).await?;
    target.stop(run).await?;
    run.remove_claimed(step, &run.elastic()?.clone).await?;
    sources::require_unchanged(&before, &sources::take(run, one).await?, &one.source, "copied")?;
    let all = extent::of_copies(run, &copied_indices(run)?)?;
    let indices = text::plural(all.indices, "index", "indices");
    let summary = format!("{} in {indices}", text::documents(all.documents));
    Done::new(summary, &copied)
}

/// Damage within the documents shows only when they are read. No other reader takes over then: it would not notice.
fn explain(old: &OldData, error: Error) -> Error {
    let damaged = matches!(old, OldData::Files(_)) && error.kind() == Kind::Refused;
    if damaged { error.hint(old_data::WITH_A_NODE) } else { error }
}

pub(super) async fn undo(run: &Run, step: &str) -> Result<()> {
    node::remove_leftovers(run).await?;
    run.remove_claimed(step, &run.elastic()?.clone).await?;
    preserve(run, step, replacement(run)?).await
}

/// The data were judged before the plan; by now the old server has stopped, perhaps not cleanly.
async fn require_whole(run: &Run, one: &Replacement) -> Result<()> {
    let (source, plan) = (one.source.clone(), run.plan.clone());
    let findings = blocking(move || preflight::data::judge(&source, &plan)).await?;
    match findings.iter().find(|finding| finding.severity == Severity::Refusal) {
        None => Ok(()),
        Some(first) => {
            let error = Error::refused(first.what.clone());
            Err(first.remedy.lines().fold(error, Error::hint))
        }
    }
}

/// Makes the new data directory with the old one's owner and mode, unless an earlier try did.
async fn prepare_target(run: &Run, step: &str, one: &Replacement) -> Result<()> {
    if let Placement::Volume { name, .. } = &one.placement {
        run.ensure_volume(name).await?;
    }
    let owned = run.claim(step, &one.target)?;
    let source = one.source.clone();
    blocking(move || {
        let path = owned.path();
        // What an earlier try of this run has copied is gone on with.
        let begun = files::exists(path)? && !files::is_empty(path)?;
        if begun { Ok(()) } else { files::create_dir_like(&owned, &source) }
    })
    .await
}

async fn copy(run: &Run, step: &str, old: &OldData, target: &Node) -> Result<CopiedElastic> {
    let templates = Templates::of_plan(&run.elastic()?.templates)?;
    templates.put(&target.client).await?;
    let done: BTreeSet<String> = copied_indices(run)?.into_iter().map(|one| one.outcome.collection).collect();
    let (ours, left) = old.indices(&done).await?;
    for name in &left {
        run.events.detail(format!("{name} is not the server's and is left behind"));
    }
    // Before hours are spent on the others.
    let here = ours.iter().map(|index| index.name.as_str()).chain(done.iter().map(String::as_str));
    extent::require_planned(run, here)?;
    tell_closed(run, &ours);
    let plans = ours.iter().map(|index| IndexPlan::new(index, &templates)).collect::<Result<Vec<_>>>()?;
    if !done.is_empty() {
        run.events.info(
            Message::new(
                Code::GoesOn,
                format!("{} are copied already", text::plural(done.len() as u64, "index", "indices")),
            )
            .about(About::Number(done.len() as u64)),
        );
    }
    let rejects = rejects_file(run);
    let mut options = CopyOptions::new(RejectLog::new(&rejects));
    options.rules.accepted = Arc::clone(&run.options.accepted);
    options.collections_at_once = run.options.indices_at_once.unwrap_or(options.collections_at_once);
    // A node has no way to tell beforehand; there, collisions show when the second document of an `_id` is written.
    if let OldData::Files(files) = old {
        options.rules.new_ids = Arc::new(collisions::before_copy(run, files, &plans, &options).await?);
    }
    let plans = values::settle(run, &old.source(), &plans, &target.client, &options).await?;
    let sink = BulkSink::new(target.client.clone(), Mode::Create).await?;
    let copier = Copier::new(old.source(), sink, options, run.events.clone(), run.cancel.clone());
    let notes = Notes { run, step, plans: plans.iter().map(|plan| (plan.index.clone(), plan.clone())).collect() };
    let outcomes = copier.copy_all(plans, &notes).await.map_err(|error| explain(old, error))?;
    require_complete(&outcomes, &rejects)?;
    let copied = copied_indices(run)?;
    tell_notices(run, &copied);
    values::tell(run, &copied, &outcomes, &target.client).await?;
    let counts = copied.iter().map(|one| (one.outcome.collection.clone(), one.outcome.written)).collect();
    Ok(CopiedElastic { counts, samples: samples(&copied) })
}

fn tell_closed(run: &Run, ours: &[SourceIndex]) {
    let closed: Vec<&str> = ours.iter().filter(|one| one.closed).map(|one| one.name.as_str()).collect();
    if !closed.is_empty() {
        let names = closed.join(", ");
        run.events.info(Message::new(
            Code::IndicesClosed,
            format!("Closed, and copied, compared and closed again in the new data: {names}"),
        ));
    }
}

fn tell_notices(run: &Run, copied: &[CopiedIndex]) {
    let outcomes: Vec<&CopyOutcome> = copied.iter().map(|one| &one.outcome).collect();
    notices(&outcomes).into_iter().for_each(|line| run.events.warn(line));
    let renamed = outcomes.iter().map(|one| one.renamed).sum();
    if renamed > 0 {
        run.events.warn(Message::new(Code::DocumentsRenamed, format!(
            "{} had an _id that another document of the same index has too, and got a new one; .clearml-migrate/{} lists them.",
            text::documents(renamed),
            run.plan.new_ids_file().file_name().unwrap_or_default().to_string_lossy()
        )).about(About::Number(renamed)));
    }
}

/// Each try has a rejects file of its own: the user may be reading an earlier one, or giving it back.
fn rejects_file(run: &Run) -> PathBuf {
    let dir = run.plan.work_dir();
    let stamp = &run.plan.stamp;
    let name = |n: u32| dir.join(format!("rejects-{stamp}-{n}.ndjson"));
    (1..).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(0))
}

/// Picks tasks of every event index of every company, with the numbers of events that were read.
fn samples(copied: &[CopiedIndex]) -> Vec<Sample> {
    let mut samples = Vec::new();
    // Where documents were left out by consent, the counts differ by them; what is in a closed index, no server shows.
    let shown = copied.iter().filter(|one| one.outcome.left_out == 0 && !one.plan.closed);
    for CopyOutcome { collection, samples: tasks, .. } in shown.map(|one| &one.outcome) {
        // events-<type>-<company>; the server is asked as a user of its own company only.
        let Some((event_type, company)) = collection.strip_prefix("events-").and_then(|rest| rest.rsplit_once('-'))
        else {
            continue;
        };
        samples.extend(tasks.groups().map(|(task, events)| Sample {
            event_type: event_type.to_owned(),
            task: task.to_owned(),
            events,
            company: Some(company.to_owned()),
        }));
    }
    samples
}
