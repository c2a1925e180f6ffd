//! What `elastic` has of its own: one Elasticsearch data directory, in place of upstream's elastic_upgrade.py.

use super::Context;
use super::existing_run::ExistingRun;
use super::find_run::find_run;
use super::prepare::{Prepared, size};
use super::session::{Tools, open_log_at, session_at, settled};
use crate::elastic::Survey;
use crate::error::{Error, Result};
use crate::files::{self, blocking};
use crate::journal::{Phase, Scope};
use crate::plan::Plan;
use crate::planner::{self, DataOptions, Measured};
use crate::preflight;
use crate::settings::{Copying, Data, Migration, Session, Subject};
use std::path::Path;

/// Settles where the data are, and opens the log. Does nothing where a server is migrated.
///
/// # Errors
/// Fails when the log cannot be written.
pub(super) fn settle(settings: &mut Migration, stamp: &str, context: &Context) -> Result<()> {
    let Subject::Data(data) = &mut settings.subject else { return Ok(()) };
    data.source = settled(&data.source);
    data.target = data.target.as_deref().map(settled);
    settings.session.source = Some(data.source.clone());
    if settings.dry_run { Ok(()) } else { open_log(&settings.session, stamp, context) }
}

/// Upstream's name for the log, in the directory where it is looked for.
fn open_log(session: &Session, stamp: &str, context: &Context) -> Result<()> {
    let usual = || session.current_dir.join(format!("upgrade_to_7_{stamp}.log"));
    open_log_at(&session.log_file.clone().unwrap_or_else(usual), context)
}

/// Two migrations of the same data would each take the other's work for somebody else's.
///
/// # Errors
/// Refused, naming the other, where a data directory belongs to a server whose migration was begun.
pub(super) fn require_no_server_migration(settings: &Migration) -> Result<()> {
    let (Subject::Data(data), session) = (&settings.subject, &settings.session) else { return Ok(()) };
    let Some(server) = find_run(session, Some(Scope::Server))? else { return Ok(()) };
    if matches!(server.state.phase, Phase::RolledBack | Phase::Completed) {
        return Ok(());
    }
    let home = server.home_now();
    let (source, home) = (data.source.display(), home.display());
    let plain = session_at(session, &server.home_now());
    Err(Error::refused(format!("{source} belongs to the server in {home}, whose migration was begun."))
        .hint(format!("Go on with that: {}", plain.command("")))
        .hint(format!("Or take it back first: {}", plain.command("rollback"))))
}

/// After a migration the source's name is free; data that are there again are other data.
///
/// # Errors
/// Fails when the source cannot be looked at.
pub(super) fn has_new_data(settings: &Migration, existing: &ExistingRun) -> Result<bool> {
    let Subject::Data(data) = &settings.subject else { return Ok(false) };
    let renamed = existing.plan.replacements().any(|one| one.retired() != one.source);
    Ok(renamed && data.source.is_dir() && !files::is_empty(&data.source)?)
}

/// Measures, plans and checks. Reads only.
///
/// # Errors
/// Refused when there are no data, or no place for the new ones; failed when something cannot be read.
pub(super) async fn prepare(
    data: &Data,
    copying: &Copying,
    tools: &Tools,
    stamp: &str,
    context: &Context,
) -> Result<Prepared> {
    let options = DataOptions {
        source: data.source.clone(),
        target: data.target.clone().unwrap_or_else(|| settled(Data::TARGET.as_ref())),
        version: data.version.clone().unwrap_or_else(|| Data::VERSION.to_owned()),
    };
    require_there(&options.source, &options.target)?;
    let mut measured = Measured { memory: tools.docker.info().memory, ..Measured::default() };
    if data.source.is_dir() {
        measured.sizes.extend(size(&data.source, context).await);
        let source = data.source.clone();
        measured.survey = Some(blocking(move || Survey::of(&source)).await?);
    }
    let run_id = format!("{stamp}-{}", std::process::id());
    let plan = planner::build(planner::Subject::Data(&options), copying, &measured, stamp, &run_id)?;
    let subject = preflight::Subject {
        plan: &plan,
        survey: measured.survey.as_ref(),
        docker: &tools.docker,
        may_run: false,
        cancel: &context.cancel,
    };
    let findings = preflight::run(&subject).await?;
    Ok(Prepared::new(plan, findings))
}

/// Without these there is no plan to show.
fn require_there(source: &Path, target: &Path) -> Result<()> {
    if !files::exists(source)? {
        return Err(Error::refused(format!("There is no directory {}.", source.display()))
            .hint("Name the directory that holds Elasticsearch's nodes/: --source DIR")
            .hint("If it should be there: is a disk not mounted?"));
    }
    match target.parent() {
        Some(parent) if !parent.is_dir() => {
            Err(Error::refused(format!("There is no directory {} to make the new data in.", parent.display()))
                .hint(format!("Name another place, best beside the old data: --target {}_7", source.display())))
        }
        _ => Ok(()),
    }
}

/// Says what a run that ended early has left.
pub(super) fn left_behind(plan: &Plan, phase: Phase) -> String {
    let subject = plan.subject().display();
    match phase {
        Phase::Preparing => format!("The old data in {subject} are as they were."),
        _ => format!("The old data are as they were, in {subject} or beside it under a name with _migrated_."),
    }
}
