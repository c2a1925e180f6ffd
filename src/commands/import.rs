//! `import`: an export into an Elasticsearch 7 or 8 that is given.

use super::consent::DRY_RUN;
use super::session::{as_refusal, open_log_at};
use super::{Context, acceptance};
use crate::display::{Align, table};
use crate::elastic::{Client, IndexPlan, Look, Source, Templates, look_at_all, require_none_refused, settle};
use crate::error::{Error, Kind, Result};
use crate::events::{Event, Events};
use crate::files::blocking;
use crate::import::{Chosen, Export, Journal, Noted, Proof, Standing, Target, Work, plan};
use crate::message::{About, Code, Message};
use crate::notices::{changed_fields, notices, refused_documents, unindexed_fields};
use crate::report;
use crate::settings::Import;
use crate::text;
use crate::text::bytes;
use crate::text::documents;
use crate::text::plural;
use crate::transfer::{self, CopyOutcome, Places, RejectLog};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// The parts of an import: their names, and as they are told.
const STEPS: [(&str, &str); 3] =
    [("check", "Check the export and the target"), ("copy", "Copy the documents"), ("verify", "Verify the documents")];

/// Checks, copies and compares.
///
/// # Errors
/// Refuses an export that is cut off or damaged, a target that is no Elasticsearch 7 or 8, and indices that are there
/// already: by then nothing is written. Fails when documents are refused or something does not answer; a difference
/// when what was written is not what was read.
pub async fn import(settings: Import, context: &Context) -> Result<()> {
    if let Some(log) = settings.session.log_file.as_ref().filter(|_| !settings.dry_run) {
        open_log_at(log, context)?;
    }
    let begun = Instant::now();
    let step = ImportStep::begin(1, context);
    let (work, standings) = check(&settings, context, &step).await.map_err(as_refusal)?;
    if settings.dry_run {
        context.display.print(&format!("{}\n{DRY_RUN}", dry_text(&work.target, &standings)));
        return Ok(());
    }
    let planned: Vec<String> = standings.iter().map(|(plan, _)| plan.index.clone()).collect();
    let finished = standings.iter().filter_map(|(_, standing)| match standing {
        Standing::Finished(noted) | Standing::Compared(noted) => Some(Noted::clone(noted)),
        Standing::Unmade | Standing::Copied(_) => None,
    });
    let finished: Vec<Noted> = finished.collect();

    let step = ImportStep::begin(2, context);
    let copied = work.copy(standings).await.map_err(as_failure)?;
    let outcomes: Vec<&CopyOutcome> = copied.iter().map(|one| &one.outcome).collect();
    notices(&outcomes).into_iter().for_each(|line| context.events.warn(line));
    let is_left = |name: &&String| finished.iter().all(|one| one.outcome.collection != **name);
    let mut places = Places::new(None, planned.iter().filter(is_left).map(String::as_str));
    copied.iter().for_each(|one| places.outcome(&one.outcome));
    let written = settle("imported", &places)?;
    step.end(format!("{} in {}", documents(written.documents), plural(written.indices, "index", "indices")));

    let step = ImportStep::begin(3, context);
    let mut verified = Vec::new();
    for one in &copied {
        verified.push(work.finish(one, settings.verify).await.map_err(as_failure)?);
    }
    step.end(format!(
        "{} {}",
        documents(written.documents),
        if settings.verify == Proof::Documents { "equal, byte for byte" } else { "counted" }
    ));
    // Of those that an earlier run has finished it is known what that has shown, and no more is said.
    verified.extend(finished.iter().map(|one| one.verified.clone().unwrap_or_else(|| one.outcome.counted())));
    let is_compared = verified.iter().all(|one| one.fingerprint.is_some());
    let proof = if is_compared { transfer::Proof::Documents } else { transfer::Proof::Counts };
    let mut places = Places::new(Some(proof), planned.iter().map(String::as_str));
    copied.iter().chain(&finished).for_each(|one| places.outcome(&one.outcome));
    verified.iter().for_each(|one| places.read(&one.collection, one.into()));
    let all = settle("imported", &places)?;
    let left_out = match all.left_out {
        0 => String::new(),
        number => format!(" Not among them: {}.", report::left_out(number)),
    };
    context.display.print(&format!(
        "{} in {} are in Elasticsearch {} at {}, every one {}, in {}.{left_out}",
        documents(all.documents),
        plural(all.indices, "index", "indices"),
        work.target.version,
        work.target.client.address(),
        if is_compared { "compared" } else { "counted" },
        text::duration(begun.elapsed())
    ));
    Ok(())
}

/// Looks at both sides, the quick things first. Nothing is written but the journal's lock.
async fn check(
    settings: &Import,
    context: &Context,
    step: &ImportStep<'_>,
) -> Result<(Work, Vec<(IndexPlan, Standing)>)> {
    if let Some(host) = settings.target.exposes_password_to() {
        context.events.warn(Message::new(
            Code::PasswordInTheClear,
            format!("The password goes to {host} unencrypted, as all documents do."),
        ));
    }
    let (input, wanted) = (settings.input.clone(), settings.wanted.clone());
    let finish = settings.session.command("export");
    let export = blocking(move || Export::open(&input, &wanted, &finish)).await?;
    let target = Target::open(Client::new(settings.target.with_password())?, &context.events, &context.cancel).await?;
    let templates = Templates::release_1_1()?;
    let plans = export.indices.iter().map(|(name, index)| plan(name, index, &templates, &target.version));
    let plans = plans.collect::<Result<Vec<_>>>()?;
    let (state_dir, address) = (&settings.session.state_dir, target.client.address());
    let journal = match settings.dry_run {
        true => Journal::look(state_dir, &target.cluster, address)?,
        false => Journal::open(state_dir, &target.cluster, address)?,
    };
    let standings = target.standings(&export, &plans, &journal).await?;
    let is_finished = |standing: &Standing| matches!(standing, Standing::Finished(_) | Standing::Compared(_));
    for (plan, _) in standings.iter().filter(|(_, standing)| is_finished(standing)) {
        context.events.info(
            Message::new(Code::IndexThere, format!("{} is there already", plan.index)).about(About::index(&plan.index)),
        );
    }
    for warning in &export.warnings {
        context.events.warn(Message::new(Code::ExportWarning, format!("The export says: {warning}")));
    }
    if settings.wanted == Chosen::Servers && !export.left.is_empty() {
        let names = export.left.join(", ");
        context.events.info(Message::new(
            Code::IndexLeftBehind,
            format!("Left out, as they are not the server's: {names} (--index '*' imports all)"),
        ));
    }
    let unfinished = standings.iter().filter(|(_, standing)| !is_finished(standing));
    let names: Vec<String> = unfinished.map(|(plan, _)| plan.index.clone()).collect();
    let (checked, events, cancel) = (export.clone(), context.events.clone(), context.cancel.clone());
    let read = blocking(move || checked.check_files(names.iter().map(String::as_str), &events, &cancel)).await?;
    let accepted = acceptance::read(settings.accept_rejects.as_deref())?;
    let rejects = (!settings.dry_run).then(|| Arc::new(RejectLog::new(journal.rejects_file())));
    let look = Look {
        target: &target.version,
        accepted: Arc::clone(&accepted),
        rejects: rejects.clone(),
        gently: false,
        events: &context.events,
        cancel: &context.cancel,
    };
    let standings = settle_values(&export, standings, &look, rejects.as_deref(), context).await?;
    step.end(format!("{} as they were written; Elasticsearch {}", bytes(read), target.version));
    let (events, cancel) = (context.events.clone(), context.cancel.clone());
    Ok((Work { export, target, journal, accepted, events, cancel }, standings))
}

/// Looks at the documents of the indices that are to be made, and returns these with mappings that take them.
async fn settle_values(
    export: &Export,
    standings: Vec<(IndexPlan, Standing)>,
    look: &Look<'_>,
    rejects: Option<&RejectLog>,
    context: &Context,
) -> Result<Vec<(IndexPlan, Standing)>> {
    let source = Source::from(export.source()?);
    let unmade: Vec<IndexPlan> =
        standings.iter().filter(|(_, one)| *one == Standing::Unmade).map(|(plan, _)| plan.clone()).collect();
    let looked = look_at_all(&source, &unmade, look).await?;
    refused_documents(&looked, look.target).into_iter().for_each(|line| context.events.warn(line));
    if let Some(rejects) = rejects {
        require_none_refused(&looked, look.target, rejects)?;
    }
    let mut settled: BTreeMap<String, IndexPlan> =
        looked.into_iter().map(|one| (one.plan.index.clone(), one.plan)).collect();
    changed_fields(settled.values()).into_iter().for_each(|line| context.events.warn(line));
    unindexed_fields(settled.values()).into_iter().for_each(|line| context.events.warn(line));
    let with_plan = |(plan, standing): (IndexPlan, Standing)| (settled.remove(&plan.index).unwrap_or(plan), standing);
    Ok(standings.into_iter().map(with_plan).collect())
}

/// Indices have been made by now, so that nothing is a refusal any more, which says that nothing was changed.
fn as_failure(error: Error) -> Error {
    if error.kind() == Kind::Refused { error.with_kind(Kind::Failed) } else { error }
}

/// A part of an import that is being done.
struct ImportStep<'a> {
    name: &'static str,
    events: &'a Events,
    begun: Instant,
}

impl<'a> ImportStep<'a> {
    fn begin(number: usize, context: &'a Context) -> Self {
        let (name, title) = STEPS.get(number - 1).copied().unwrap_or_default();
        let (step, title) = (name.to_owned(), title.to_owned());
        context.events.emit(Event::StepStarted { step, number, total: STEPS.len(), title });
        Self { name, events: &context.events, begun: Instant::now() }
    }

    fn end(&self, summary: String) {
        let step = self.name.to_owned();
        self.events.emit(Event::StepFinished { step, summary, elapsed: self.begun.elapsed() });
    }
}

fn dry_text(target: &Target, standings: &[(IndexPlan, Standing)]) -> String {
    let row = |(plan, standing): &(IndexPlan, Standing)| {
        let what = match standing {
            Standing::Unmade => "is made",
            Standing::Copied(_) => "is compared",
            Standing::Finished(_) | Standing::Compared(_) => "is there already",
        };
        vec![plan.index.clone(), documents(plan.documents), what.to_owned()]
    };
    let rows: Vec<Vec<String>> = standings.iter().map(row).collect();
    format!(
        "In Elasticsearch {} at {}:\n{}",
        target.version,
        target.client.address(),
        table(2, &[Align::Left, Align::Right, Align::Left], &rows)
    )
}
