//! No command: find, check, plan, ask, migrate; or go on with what was begun.

use super::as_begun::Said;
use super::known::{Known, goes_on, lock_new, lock_to_go_on, projects};
use super::left_behind::left_behind;
use super::lookup::known;
use super::prepare::prepare;
use super::rollback::roll_back;
use super::session::{Tools, as_refusal, begin, connect, open_log, resume};
use super::{Context, acceptance, consent};
use crate::display::Choice;
use crate::engine::{self, Failure, Reached};
use crate::error::{Error, Kind, Result};
use crate::journal::{Phase, Scope};
use crate::plan::{Action, Plan, work_dir};
use crate::report::{Outcome, success_text};
use crate::settings::{Migration, OnFailure, Session};
use crate::steps::{Checked, Options, Run, VerifiedElastic, extent, require_same_collisions};
use std::time::Instant;

/// Migrates the server, or goes on with a migration.
///
/// # Errors
/// As the steps; the hints say how to go on and how to go back.
pub async fn migrate(settings: Migration, context: &Context) -> Result<()> {
    let tools = connect(&settings.session, true, context).await?;
    match known(&settings.session, Some(Scope::Server))? {
        Some(known) => match known.state.phase {
            Phase::Completed => {
                context.display.print(&completed_text(&known, &settings));
                Ok(())
            }
            Phase::RolledBack => begin_anew(settings, tools, Some(known), context).await,
            _ if goes_on(&known.plan, &known.state) => go_on(settings, tools, known, context).await,
            _ => Err(consent::unfinished_rollback(&settings.session.command("rollback"))),
        },
        None => begin_anew(settings, tools, None, context).await,
    }
}

fn completed_text(known: &Known, settings: &Migration) -> String {
    format!(
        "This server was migrated to {} already; it is in {}.\nTo go back to the old server: {}",
        known.plan.goal(),
        known.plan.new_home().display(),
        settings.session.command("rollback")
    )
}

async fn begin_anew(settings: Migration, tools: Tools, before: Option<Known>, context: &Context) -> Result<()> {
    let mut prepared =
        prepare(&settings, &tools, projects(before.as_ref()), true, context).await.map_err(as_refusal)?;
    let session = &settings.session;
    let accepts = settings.accept_rejects.as_deref();
    prepared.findings.splice(0..0, acceptance::ask_again(before.as_ref(), accepts, &session.command(""))?);
    if !consent::ask(&prepared, settings.dry_run, &session.command("rollback"), context).await? {
        return Ok(());
    }
    let plan = prepared.plan;
    let _lock = lock_new(session, &plan)?;
    let options = options(&settings)?;
    let mut run = begin(session, plan, options, tools, context)?;
    let dir = work_dir(&run.plan.home.from);
    acceptance::keep(&mut run, &dir, accepts)?;
    open_log(session, &run.plan.home.from.clone(), &run.plan.stamp.clone(), context)?;
    perform(&run, &settings, context).await
}

async fn go_on(settings: Migration, tools: Tools, mut known: Known, context: &Context) -> Result<()> {
    let said = Said::of_server(&settings);
    let (command, back) = (settings.session.command(""), settings.session.command("rollback"));
    let another_choice = |error| consent::of_another_choice(error, &command, &back);
    said.settle(&mut known.plan).map_err(another_choice)?;
    if !consent::go_on(&known, settings.dry_run, &back, context).await? {
        return Ok(());
    }
    let (_lock, mut known) = lock_to_go_on(&settings.session, known)?;
    said.settle(&mut known.plan).map_err(another_choice)?;
    open_log(&settings.session, &known.home_now(), &known.plan.stamp, context)?;
    let options = options(&settings)?;
    let dir = known.dir();
    let mut run = resume(known, options, tools, context)?;
    acceptance::keep(&mut run, &dir, settings.accept_rejects.as_deref())?;
    require_same_collisions(&run).map_err(another_choice)?;
    perform(&run, &settings, context).await
}

fn options(settings: &Migration) -> Result<Options> {
    // Before anything is begun: what is no rejects file is refused. It is taken in once there is a place to keep it.
    acceptance::read(settings.accept_rejects.as_deref())?;
    let Migration { verification, on_id_collision, .. } = *settings;
    Ok(Options { verification, on_id_collision, ..Options::default() })
}

async fn perform(run: &Run, settings: &Migration, context: &Context) -> Result<()> {
    let begun = Instant::now();
    let session = &settings.session;
    match engine::execute(run).await {
        Ok(()) => {
            let outcome = outcome(run, begun, context)?;
            context.display.print(&success_text(&run.plan, &outcome, &session.command("rollback")));
            Ok(())
        }
        Err(Failure { error, reached: Reached::NewServer }) if error.kind() != Kind::Cancelled => {
            new_server_failed(run, error, settings, context).await
        }
        Err(Failure { error, reached }) => Err(with_next_steps(error, run, reached, session).await),
    }
}

/// The new server did not come up, or does not show what it should: back, or not, as was said or is answered.
async fn new_server_failed(run: &Run, error: Error, settings: &Migration, context: &Context) -> Result<()> {
    let session = &settings.session;
    let back = match settings.on_failure {
        OnFailure::Stop => return Err(with_next_steps(error, run, Reached::NewServer, session).await),
        OnFailure::Rollback => {
            context.display.error(&error);
            true
        }
        OnFailure::Ask => {
            context.display.error(&error);
            // Whoever answers with Ctrl-C has not said to go back.
            wants_back(context).await.unwrap_or(false)
        }
    };
    if !back {
        let unfinished = Error::new(error.kind(), "The migration is not finished, for the reason above.");
        return Err(with_next_steps(unfinished, run, Reached::NewServer, session).await);
    }
    roll_back(run, true, session, context).await?;
    Err(Error::failed("The migration failed, for the reason above, and was taken back; the old server runs again."))
}

async fn wants_back(context: &Context) -> Result<bool> {
    let choices =
        [Choice { key: 'r', text: "go back to the old server" }, Choice { key: 's', text: "stop here and look" }];
    let hint = "Give --on-failure rollback or --on-failure stop.";
    Ok(context.display.choose("What now?", &choices, hint, &context.cancel).await? == 0)
}

async fn with_next_steps(error: Error, run: &Run, reached: Reached, session: &Session) -> Error {
    let state = run.journal().state().clone();
    let go_on = match error.kind() {
        Kind::Cancelled => "Go on",
        _ => "Go on, once the cause is gone",
    };
    let error = error.hint(left_behind(run, reached, &state).await);
    let error = match goes_on(&run.plan, &state) {
        true => error.hint(format!("{go_on}: {}", session.command(""))),
        false => error,
    };
    error.hint(format!("Go back to the old server: {}", session.command("rollback")))
}

/// Returns what a finished run knows about itself.
///
/// # Errors
/// Fails when the journal has not kept what the steps have found.
pub(super) fn outcome(run: &Run, begun: Instant, context: &Context) -> Result<Outcome> {
    let all = extent(run)?;
    let verified: Option<VerifiedElastic> = run.output(run.id_of(Action::VERIFY_ELASTIC)?)?;
    let checked = run.plan.id_of(Action::CheckHealth).map_or(Ok(None), |step| run.output::<Checked>(step))?;
    Ok(Outcome {
        documents: all.documents,
        indices: all.indices,
        left_out: all.left_out,
        only_counted: verified.is_some_and(|all| all.verified.iter().any(|one| one.fingerprint.is_none())),
        elapsed: begun.elapsed(),
        checks: checked.unwrap_or_default().checks,
        warnings: told(&run.plan, context.display.warnings()),
        log_file: context.display.log().path().map(|path| moved(&run.plan, &path)),
        web: web_address(&run.plan),
    })
}

/// What the checks found of the data comes first: it was said before the question, perhaps in an earlier run.
fn told(plan: &Plan, of_this_run: Vec<String>) -> Vec<String> {
    plan.elastic().into_iter().flat_map(|elastic| elastic.warnings.iter().cloned()).chain(of_this_run).collect()
}

/// The log file may lie in the home, which has moved meanwhile.
fn moved(plan: &Plan, path: &std::path::Path) -> std::path::PathBuf {
    plan.home.after(path)
}

fn web_address(plan: &Plan) -> Option<String> {
    let service = plan.server()?.deployment.service(crate::role::Role::Webserver)?;
    if service.host_network {
        return Some("http://localhost".to_owned());
    }
    let port = service.ports.iter().find(|port| port.container == 80)?;
    Some(format!("http://localhost:{}", port.host))
}
