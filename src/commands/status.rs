//! `status`: where a migration stands, and what can be done next.

use super::Context;
use super::session::{Known, known, progress};
use crate::error::Result;
use crate::journal::Phase;
use crate::settings::Session;

/// Prints where the migration of a server stands. Changes nothing, not even a torn tail of the journal.
///
/// # Errors
/// Fails when a journal cannot be read.
pub async fn status(session: Session, context: &Context) -> Result<()> {
    match known(&session)? {
        None => context
            .display
            .print(&format!("No migration was begun here. To see what one would do: {}", session.command("--dry-run"))),
        Some(known) => context.display.print(&text(&known, &session)),
    }
    Ok(())
}

fn text(known: &Known, session: &Session) -> String {
    let (done, all) = progress(known);
    let home = &known.plan.home.from;
    let begun = &known.state.opened.created.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let go_on = session.command("");
    let go_back = session.command("rollback");
    let mut lines = vec![format!("Migration of {} to release {}, begun {begun}", home.display(), known.plan.release)];
    match known.state.phase {
        Phase::Preparing => {
            lines.push(format!("{done} of {all} steps are done; the old server's files are as they were."));
            lines.push(format!("Go on: {go_on}"));
            lines.push(format!("Go back: {go_back}"));
        }
        Phase::Committed => {
            lines.push(format!("{done} of {all} steps are done; the switch to the new server is under way."));
            lines.push(format!("Go on: {go_on}"));
            lines.push(format!("Go back: {go_back}"));
        }
        Phase::Completed => {
            lines.push(format!("Done: the server is in {}.", known.plan.new_home().display()));
            lines.push(format!("Go back: {go_back}"));
        }
        Phase::RollingBack => {
            lines.push("The way back was begun and not finished.".into());
            lines.push(format!("Finish it: {go_back}"));
        }
        Phase::RolledBack => {
            lines.push("It was taken back; the old server is as it was.".into());
            lines.push(format!("Migrate again: {go_on}"));
        }
        Phase::Stuck => {
            lines.push("A step of the way back failed and needs your help; see below.".into());
            lines.push(format!("When the cause is gone: {go_back}"));
        }
    }
    if let Some(stopped) = &known.state.stopped {
        lines.push(match stopped {
            crate::journal::Stopped::Cancelled => "The last run was stopped on request.".into(),
            crate::journal::Stopped::Failed { step, error } => format!("The last run failed in {step}: {error}"),
        });
    }
    lines.push(format!("Journal: {}", known.journal_path.display()));
    lines.join("\n")
}
