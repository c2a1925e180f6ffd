//! `rollback`: back to the old server, from wherever a migration stands.

use super::Context;
use super::session::{Known, Tools, connect, known, lock, open_log, resume};
use crate::error::{Error, Result};
use crate::executor;
use crate::journal::Phase;
use crate::report::rolled_back_text;
use crate::settings::Rollback;
use crate::steps::{Options, Run, old_project_args, set_aside};

/// Takes a migration back.
///
/// # Errors
/// Refused when there is none; stuck when a step cannot be taken back.
pub async fn rollback(settings: Rollback, context: &Context) -> Result<()> {
    let session = &settings.session;
    let tools = connect(session, context).await?;
    let Some(known) = known(session)? else {
        return Err(Error::refused("No migration was begun here, so there is nothing to take back.")
            .hint("If it was another server, name it: --home DIR or -f FILE."));
    };
    if known.state.phase == Phase::RolledBack {
        return start_again(&settings, &known, &tools, context).await;
    }
    let (_lock, known) = lock(session, known)?;
    open_log(session, &known.home_now(), &known.plan.stamp, context)?;
    let question = format!(
        "Go back to the old server in {}?{}",
        known.plan.home.from.display(),
        if known.state.was_completed() {
            " What the new server recorded since the migration is set aside."
        } else {
            ""
        }
    );
    if !context.display.confirm(&question, &context.cancel).await? {
        return Err(Error::cancelled());
    }
    let options = Options { no_start: !settings.start, ..Options::default() };
    let run = resume(known, options, tools, context)?;
    roll_back(&run, settings.start, session, context).await
}

/// After a rollback that left the old server stopped, or when it was stopped since: the server is what is wished for.
async fn start_again(settings: &Rollback, known: &Known, tools: &Tools, context: &Context) -> Result<()> {
    let home = known.plan.home.from.display();
    if settings.start {
        tools.compose.up(&old_project_args(&known.plan), &context.cancel).await?;
        context.display.print(&format!("The migration was taken back before; the old server runs from {home}."));
    } else {
        context.display.print(&format!("The migration was taken back before; everything in {home} is as it was."));
    }
    Ok(())
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
    let aside = set_aside(run);
    executor::roll_back(run).await?;
    let aside: Vec<_> = aside.into_iter().filter(|path| path.exists()).collect();
    let old_stack = run.compose.typed(&run.old_project());
    context.display.print(&rolled_back_text(
        &run.plan,
        start,
        &aside,
        &format!("{old_stack} up -d"),
        &session.command(""),
    ));
    Ok(())
}
