//! `rollback`: back to the old server, from wherever a migration stands.

use super::existing_run::{ExistingRun, lock};
use super::find_run::find_run;
use super::session::{connect, go_on_command, open_log, resume};
use super::{Context, acceptance, consent};
use crate::engine;
use crate::error::{Error, Kind, Result};
use crate::journal::Phase;
use crate::platform::{Existing, Platform};
use crate::report::{elastic_back_text, recorded_text, rolled_back_text};
use crate::settings::Rollback;
use crate::steps::{
    Migrated, Options, Run, may_have_been_in_use, may_have_recorded, preserved, recorded, require_old_data,
};

/// Takes a migration back.
///
/// # Errors
/// Refused when there is none; stuck when a step cannot be taken back.
pub async fn rollback(settings: Rollback, context: &Context) -> Result<()> {
    let session = &settings.session;
    let Some(existing) = find_run(session, None)? else {
        let of_project = session.compose.project_name.as_ref();
        let of_project = of_project.map(|name| format!(" of a compose project {name}")).unwrap_or_default();
        return Err(Error::refused(format!(
            "No migration{of_project} was begun here, so there is nothing to take back."
        ))
        .hint("If it was another server, name it: --home DIR or -f FILE."));
    };
    if existing.state.phase == Phase::RolledBack {
        return start_again(&settings, &existing, context).await;
    }
    context.display.print(&what_it_does(&existing, &settings));
    let home = existing.home_now();
    if settings.dry_run {
        let ExistingRun { plan, state, .. } = &existing;
        if may_have_recorded(plan, state) {
            match connect(session, false, context).await {
                Ok(tools) => {
                    tell_recorded(Migrated { plan, state, home: &home, platform: &tools.platform() }, context).await?;
                }
                Err(error) => {
                    context.display.print(&format!("What was recorded since the migration is not known: {error}"))
                }
            }
        }
        context.display.print(consent::DRY_RUN);
        return Ok(());
    }
    let tools = connect(session, existing.plan.server().is_some(), context).await?;
    let (_lock, existing) = lock(session, existing)?;
    open_log(session, &existing.home_now(), &existing.plan.stamp, context)?;
    let question = question(&existing);
    let options = Options { no_start: !settings.start, ..Options::default() };
    let run = resume(existing, options, tools, context)?;
    require_old_data(&run).await?;
    let state = run.journal().state().clone();
    if may_have_recorded(&run.plan, &state) {
        let migrated = Migrated { plan: &run.plan, state: &state, home: &home, platform: &*run.platform };
        tell_recorded(migrated, context).await?;
    }
    consent::require_yes(&question, context).await?;
    roll_back(&run, settings.start, session, context).await
}

/// Says what is set aside, or that it is not known.
async fn tell_recorded(migrated: Migrated<'_>, context: &Context) -> Result<()> {
    let recorded = recorded(migrated, &context.cancel).await?;
    context.display.print(recorded_text(&recorded).trim_end());
    Ok(())
}

/// After a rollback that left the old server stopped, or when it was stopped since: the server is what is wished for.
async fn start_again(settings: &Rollback, existing: &ExistingRun, context: &Context) -> Result<()> {
    let place = existing.plan.subject().display();
    match existing.plan.server() {
        Some(server) if settings.start && !settings.dry_run => {
            let platform = connect(&settings.session, true, context).await?.platform();
            // Containers that hold the data must not be made anew.
            let there = if existing.plan.rescues.is_empty() { Existing::Renewed } else { Existing::Kept };
            platform.bring_up(&server.deployment.project, there, &context.cancel).await?;
            context.display.print(&format!("The migration was taken back before; the old server runs from {place}."));
        }
        _ => {
            context.display.print(&format!("The migration was taken back before; everything in {place} is as it was."))
        }
    }
    Ok(())
}

fn what_it_does(existing: &ExistingRun, settings: &Rollback) -> String {
    let lines = engine::what_rollback_does(&existing.plan, &existing.state, !settings.start);
    if lines.is_empty() {
        return "There is nothing to be put back: the old server and its data were not touched.".to_owned();
    }
    let lines: String = lines.iter().map(|line| format!("\n  - {line}")).collect();
    format!("The way back{lines}")
}

fn question(existing: &ExistingRun) -> String {
    let subject = existing.plan.subject().display();
    let (question, used) = match existing.plan.server() {
        Some(_) => {
            (format!("Go back to the old server in {subject}?"), " What the new server has recorded is set aside.")
        }
        None => (
            format!("Go back to the old data in {subject}?"),
            " The new data are removed, or set aside if anything has used them since.",
        ),
    };
    match may_have_been_in_use(&existing.plan, &existing.state) {
        true => question + used,
        false => question,
    }
}

/// Undoes a run and reports.
///
/// # Errors
/// Stuck when a step cannot be taken back.
pub(super) async fn roll_back(
    run: &Run,
    start: bool,
    session: &crate::settings::Session,
    context: &Context,
) -> Result<()> {
    engine::roll_back(run).await.map_err(|error| match error.kind() {
        Kind::Cancelled => Error::new(Kind::Cancelled, "Stopped on request; the way back is not finished.")
            .hint(format!("Finish it: {}", session.command("rollback"))),
        _ => error,
    })?;
    let aside = preserved(run).await?;
    let Some(server) = run.plan.server() else {
        let again = acceptance::with_accepted(go_on_command(session, &run.plan), run);
        context.display.print(&elastic_back_text(&run.plan, &aside, &again));
        return Ok(());
    };
    let old_stack = run.platform.typed(&server.deployment.project)?;
    context.display.print(&rolled_back_text(
        &run.plan,
        start,
        &aside,
        &format!("{old_stack} up -d{}", if run.plan.rescues.is_empty() { "" } else { " --no-recreate" }),
        &acceptance::with_accepted(session.command(""), run),
    ));
    Ok(())
}
