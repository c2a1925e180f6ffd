//! No command: find, check, plan, ask, migrate; or go on with what was begun.

use super::prepare::prepare;
use super::rollback::roll_back;
use super::session::{
    Known, Tools, as_refusal, begin, can_go_on, connect, known, lock_new, lock_to_go_on, open_log, resume,
};
use super::{Context, consent};
use crate::display::Choice;
use crate::error::{Error, Kind, Result};
use crate::executor::{self, Failure, Reached};
use crate::journal::{Phase, Scope};
use crate::plan::{Plan, Step};
use crate::report::{Outcome, success_text};
use crate::settings::{Migration, OnFailure};
use crate::steps::{CopiedElastic, Options, Run, VerifiedElastic, project_args};
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
            _ if can_go_on(&known) => go_on(settings, tools, known, context).await,
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
    let journals = before.iter().filter_map(|known| known.plan.server());
    let journals = journals.map(|server| project_args(&server.deployment.project)).collect();
    let prepared = prepare(&settings, &tools, journals, true, context).await.map_err(as_refusal)?;
    let session = &settings.session;
    if !consent::ask(&prepared, settings.dry_run, &session.command("rollback"), context).await? {
        return Ok(());
    }
    let plan = prepared.plan;
    let _lock = lock_new(session, &plan)?;
    let options = options(&settings)?;
    let run = begin(session, plan, options, tools, context)?;
    open_log(session, &run.plan.home.from.clone(), &run.plan.stamp.clone(), context)?;
    perform(&run, &settings, context).await
}

async fn go_on(settings: Migration, tools: Tools, known: Known, context: &Context) -> Result<()> {
    if !consent::go_on(&known, settings.dry_run, &settings.session.command("rollback"), context) {
        return Ok(());
    }
    let (_lock, known) = lock_to_go_on(&settings.session, known)?;
    open_log(&settings.session, &known.home_now(), &known.plan.stamp, context)?;
    let options = options(&settings)?;
    let run = resume(known, options, tools, context)?;
    perform(&run, &settings, context).await
}

fn options(settings: &Migration) -> Result<Options> {
    let accepted_rejects = consent::accepted(settings.accept_rejects.as_deref())?;
    Ok(Options { accepted_rejects, verification: settings.verification, ..Options::default() })
}

async fn perform(run: &Run, settings: &Migration, context: &Context) -> Result<()> {
    let begun = Instant::now();
    let session = &settings.session;
    let Failure { error, reached } = match executor::execute(run).await {
        Ok(()) => {
            let outcome = outcome(run, begun, context);
            context.display.print(&success_text(&run.plan, &outcome, &session.command("rollback")));
            return Ok(());
        }
        Err(failure) => failure,
    };
    let back = reached == Reached::NewServer && wants_rollback(&error, settings, context).await?;
    if back {
        context.display.error(&error);
        roll_back(run, true, session, context).await?;
        return Err(Error::failed(
            "The migration failed, for the reason above, and was taken back; the old server runs again.",
        ));
    }
    let state = match reached {
        Reached::Preparation => "The old server's data and files are as they were; it is stopped.",
        Reached::NewServer => "The new server is left as it is.",
    };
    Err(error
        .hint(state)
        .hint(format!("Go on, once the cause is gone: {}", session.command("")))
        .hint(format!("Go back to the old server: {}", session.command("rollback"))))
}

async fn wants_rollback(error: &Error, settings: &Migration, context: &Context) -> Result<bool> {
    match settings.on_failure {
        _ if error.kind() == Kind::Cancelled => Ok(false),
        OnFailure::Rollback => Ok(true),
        OnFailure::Stop => Ok(false),
        OnFailure::Ask => {
            context.display.error(error);
            let choices = [
                Choice { key: 'r', text: "go back to the old server" },
                Choice { key: 's', text: "stop here and look" },
            ];
            let hint = "Give --on-failure rollback or --on-failure stop.";
            let choice = context.display.choose("What now?", &choices, hint, &context.cancel).await?;
            Ok(choice == 0)
        }
    }
}

/// Returns what a finished run knows about itself.
pub(super) fn outcome(run: &Run, begun: Instant, context: &Context) -> Outcome {
    let copied: CopiedElastic = run.output(Step::CopyElastic).unwrap_or_default();
    let verified: Option<VerifiedElastic> = run.output(Step::VerifyElastic);
    let checks = run.output::<serde_json::Value>(Step::CheckHealth);
    let checks = checks.and_then(|value| serde_json::from_value(value.get("checks")?.clone()).ok()).unwrap_or_default();
    Outcome {
        documents: copied.counts.values().sum(),
        indices: copied.counts.len() as u64,
        only_counted: verified.is_some_and(|all| all.verified.iter().any(|one| one.fingerprint.is_none())),
        elapsed: begun.elapsed(),
        checks,
        warnings: context.display.warnings(),
        log_file: context.display.log().path().map(|path| moved(&run.plan, &path)),
        web: web_address(&run.plan),
    }
}

/// The log file may lie in the home, which has moved meanwhile.
fn moved(plan: &Plan, path: &std::path::Path) -> std::path::PathBuf {
    plan.home.after(path)
}

fn web_address(plan: &Plan) -> Option<String> {
    let service = plan.server()?.deployment.service(crate::deployment::Role::Webserver)?;
    let port = service.ports.iter().find(|port| port.container == 80)?;
    Some(format!("http://localhost:{}", port.host))
}
