//! `verify`: the old and the new data of a migration, compared once more.

use super::existing_run::lock;
use super::find_run::find_run;
use super::session::{connect, go_on_command, open_log, resume, session_of};
use super::{Context, acceptance, consent};
use crate::error::{Error, Result};
use crate::journal::{Phase, Status};
use crate::plan::Action;
use crate::report::{comparison_error, comparison_text};
use crate::settings::Verify;
use crate::steps::{Options, compare_again};

/// Compares the data of a migration.
///
/// # Errors
/// A difference when something is missing or changed; refused when there is nothing to compare.
pub async fn verify(settings: Verify, context: &Context) -> Result<()> {
    let session = &settings.session;
    let Some(known) = find_run(session, None)? else {
        return Err(Error::refused("No migration was begun here, so there is nothing to compare.")
            .hint("If it was another server, name it: --home DIR or -f FILE; if it was `elastic`: --source DIR."));
    };
    let go_on = go_on_command(session, &known.plan);
    if known.state.phase == Phase::RolledBack {
        return Err(Error::refused("The migration was taken back, so there are no new data to compare.")
            .hint(format!("Migrate again: {go_on}")));
    }
    if matches!(known.state.phase, Phase::RollingBack | Phase::Stuck) {
        return Err(consent::unfinished_rollback(&session_of(session, &known.plan).command("rollback")));
    }
    let copy = known.plan.id_of(Action::COPY_ELASTIC);
    if copy.is_none_or(|step| known.state.step(step).status != Status::Finished) {
        return Err(Error::refused(
            "The migration has not copied all data yet; when it has, it compares them by itself.",
        )
        .hint(format!("Go on with it: {go_on}")));
    }
    let tools = connect(session, false, context).await?;
    let (_lock, known) = lock(session, known)?;
    open_log(session, &known.home_now(), &known.plan.stamp, context)?;
    let dir = known.dir();
    let mut run = resume(known, Options::default(), tools, context)?;
    acceptance::keep(&mut run, &dir, settings.accept_rejects.as_deref())?;
    let comparison = compare_again(&run).await?;
    context.display.print(&comparison_text(&comparison));
    comparison_error(&comparison).map_or(Ok(()), Err)
}
