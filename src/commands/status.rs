//! `status`: where a migration stands, and what can be done next.

use super::existing_run::{ExistingRun, goes_on, progress};
use super::find_run::find_run;
use super::session::{go_on_command, session_of};
use super::{Context, acceptance};
use crate::engine::has_begun;
use crate::error::Result;
use crate::journal::Phase;
use crate::plan::{Action, Plan};
use crate::settings::{self, Session};
use std::collections::BTreeSet;
use std::path::Path;

/// Prints where the migration of a server stands. Changes nothing, not even a torn tail of the journal.
///
/// # Errors
/// Fails when a journal cannot be read.
pub async fn status(session: Session, context: &Context) -> Result<()> {
    match find_run(&session, None)? {
        None => context.display.print(&format!(
            "No migration was begun here{}. To see what one would do: {}",
            if others_may_have(&session) { " by this user; what root has begun, `sudo` shows" } else { "" },
            session.command("--dry-run")
        )),
        Some(existing) => context.display.print(&text(&existing, &session)),
    }
    Ok(())
}

/// Whether root's index of migrations is there, and is not the one that was looked into.
fn others_may_have(session: &Session) -> bool {
    let of_root = Path::new(settings::STATE_DIR_OF_ROOT);
    session.state_dir != of_root && of_root.is_dir()
}

/// Returns the title of a step, as the plan names it.
fn title(plan: &Plan, id: &str) -> String {
    let step = plan.steps.iter().find(|step| step.id == id);
    step.map_or_else(|| id.to_owned(), |step| format!("\"{}\"", step.title()))
}

/// Returns where a migration stands, and what can be done next.
pub(super) fn text(existing: &ExistingRun, session: &Session) -> String {
    let (done, all) = progress(existing);
    let is_server = existing.plan.server().is_some();
    let either = |server: &str, elastic: &str| if is_server { server.to_owned() } else { elastic.to_owned() };
    let session = &session_of(session, &existing.plan);
    let begun = &existing.state.opened.created.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let go_on = go_on_command(session, &existing.plan);
    let go_back = session.command("rollback");
    let mut lines =
        vec![format!("Migration of {} to {}, begun {begun}", existing.plan.subject().display(), existing.plan.goal())];
    match existing.state.phase {
        Phase::Preparing => {
            let stopped = has_begun(&existing.plan, &existing.state, Action::StopStack);
            let server =
                if stopped { "the old server is stopped, its files are" } else { "the old server's files are" };
            lines.push(format!("{done} of {all} steps are done; {} as they were.", either(server, "the old data are")));
            lines.push(format!("Go on: {go_on}"));
            lines.push(format!("Go back: {go_back}"));
        }
        Phase::Committed => {
            let what = either("the switch to the new server", "the renaming of the old data");
            lines.push(format!("{done} of {all} steps are done; {what} is under way."));
            lines.push(format!("Go on: {go_on}"));
            lines.push(format!("Go back: {go_back}"));
        }
        Phase::Completed => {
            lines.push(match (is_server, existing.plan.replacements().next()) {
                (false, Some(one)) => format!("Done: the new data are in {}.", one.target.display()),
                _ => format!("Done: the server is in {}.", existing.plan.new_home().display()),
            });
            lines.push(format!("Compare old and new once more: {}", session.command("verify")));
            lines.push(format!("Go back: {go_back}"));
        }
        Phase::RollingBack if goes_on(&existing.plan, &existing.state) => {
            lines.push("The switch was being taken back; that is not finished.".into());
            lines.push(format!("Go on: {go_on}"));
            lines.push(format!("Go back: {go_back}"));
        }
        Phase::RollingBack => {
            lines.push("The way back was begun and not finished.".into());
            lines.push(format!("Finish it: {go_back}"));
        }
        Phase::RolledBack => {
            let old = either("the old server is as it was", "the old data are as they were");
            lines.push(format!("It was taken back; {old}."));
            lines.push(format!("Migrate again: {go_on}"));
        }
        Phase::Stuck => {
            lines.push("A step of the way back failed and needs your help; see below.".into());
            lines.push(format!("When the cause is gone: {go_back}"));
        }
    }
    if existing.state.phase != Phase::RolledBack
        && let Some(file) = acceptance::of(existing)
    {
        lines.push(format!("Documents are left out, as accepted with --accept-rejects: {}", file.display()));
    }
    if let Some(stopped) = &existing.state.stopped {
        lines.push(match stopped {
            crate::journal::Stopped::Cancelled => "The last run was stopped on request.".into(),
            crate::journal::Stopped::Failed { step, error } => {
                format!("The last run failed in {}: {error}", title(&existing.plan, step))
            }
        });
    }
    if existing.state.phase != Phase::RolledBack && has_begun(&existing.plan, &existing.state, Action::StopStack) {
        let kept: BTreeSet<&str> = existing.plan.rescues.iter().map(|one| one.kept_as.as_str()).collect();
        // Until all is done there is no way on, and no way back, without it.
        let is_done = existing.state.phase == Phase::Completed;
        lines.extend(kept.into_iter().map(|name| match is_done {
            true => format!("The container {name} is kept: it holds the old server's own data. To delete it, once you are sure: docker rm -v {name}"),
            false => format!("The container {name} is kept: it holds the old server's own data."),
        }));
    }
    lines.push(format!("Journal: {}", existing.journal_path.display()));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::session::typed_in;
    use super::*;
    use crate::journal::sample::{Golden, cut_off_everywhere};
    use crate::plan::journal_file;

    #[test]
    fn where_a_migration_of_7fc5be1_stands_is_told_wherever_it_was_cut_off() {
        let golden = Golden::new();
        let mut told = BTreeSet::new();
        for journal in golden.of_7fc5be1() {
            let home = tempfile::tempdir().unwrap();
            let mut session = typed_in("/".into(), home.path().join("state"));
            session.home = Some(home.path().to_owned());
            cut_off_everywhere(&journal, &journal_file(home.path(), None), |_, how| {
                let existing = find_run(&session, None).unwrap_or_else(|error| panic!("{how}: {error:?}")).unwrap();
                let text = text(&existing, &session);
                let (words, ways) = match existing.state.phase {
                    Phase::Preparing => ("steps are done; the old", ["Go on: ", "Go back: "]),
                    Phase::Committed => ("is under way", ["Go on: ", "Go back: "]),
                    Phase::Completed => ("Done: ", ["Compare old and new once more: ", "Go back: "]),
                    // Whether only the switch is taken back shows when a step ahead of it is.
                    Phase::RollingBack => ("not finished", ["rollback", "Journal: "]),
                    Phase::RolledBack => ("It was taken back", ["Migrate again: ", "Journal: "]),
                    Phase::Stuck => panic!("{how}: none of them was stuck"),
                };
                assert!(text.contains(words) && ways.iter().all(|way| text.contains(way)), "{how}: {text}");
                told.insert((existing.plan.server().is_some(), words));
            });
        }
        assert_eq!(told.len(), 10, "five places where a server's and one of Elasticsearch's can stand: {told:?}");
    }
}
