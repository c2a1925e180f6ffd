//! No command, and `elastic`: find, check, plan, ask, migrate; or go on with what was begun.

use super::existing_run::{ExistingRun, goes_on, lock_new, lock_to_go_on, projects};
use super::find_run::find_run;
use super::left_behind::left_behind;
use super::prepare::prepare;
use super::resume_options::TypedOptions;
use super::rollback::roll_back;
use super::session::{Tools, as_refusal, begin, connect, go_on_command, open_log, resume, stamp_now};
use super::{Context, acceptance, consent, elastic};
use crate::display::Choice;
use crate::engine::{self, Failure, Reached};
use crate::error::{Error, Kind, Result};
use crate::journal::{Phase, Scope};
use crate::mongo::CopiedMongo;
use crate::plan::{Action, Plan, work_dir};
use crate::report::{Outcome, elastic_text, success_text};
use crate::role::Role;
use crate::settings::{Copying, Migration, OnFailure, Subject};
use crate::steps::{Checked, Options, Run, VerifiedElastic, extent, require_same_collisions};
use std::time::Instant;

/// Migrates a server or a data directory, or goes on with that.
///
/// # Errors
/// As the steps; the hints say how to go on and how to go back.
pub async fn migrate(mut settings: Migration, context: &Context) -> Result<()> {
    let stamp = stamp_now();
    let scope = match settings.subject {
        Subject::Server(_) => Scope::Server,
        Subject::Data(_) => Scope::Elastic,
    };
    elastic::settle(&mut settings, &stamp, context)?;
    let tools = connect(&settings.session, scope == Scope::Server, context).await?;
    elastic::require_no_server_migration(&settings)?;
    match find_run(&settings.session, Some(scope))? {
        Some(existing) => match existing.state.phase {
            Phase::Completed if elastic::has_new_data(&settings, &existing)? => {
                begin_anew(settings, tools, &stamp, None, context).await
            }
            Phase::Completed => {
                context.display.print(&completed_text(&existing, &settings));
                Ok(())
            }
            Phase::RolledBack => begin_anew(settings, tools, &stamp, Some(existing), context).await,
            _ if goes_on(&existing.plan, &existing.state) => go_on(settings, tools, existing, context).await,
            _ => Err(consent::unfinished_rollback(&settings.session.command("rollback"))),
        },
        None => begin_anew(settings, tools, &stamp, None, context).await,
    }
}

fn completed_text(existing: &ExistingRun, settings: &Migration) -> String {
    let goal = existing.plan.goal();
    let go_back = settings.session.command("rollback");
    if existing.plan.server().is_some() {
        let home = existing.plan.new_home().display();
        return format!(
            "This server was migrated to {goal} already; it is in {home}.\nTo go back to the old server: {go_back}"
        );
    }
    let target = existing.plan.replacements().next().map(|one| one.target.display().to_string()).unwrap_or_default();
    let (subject, verify) = (existing.plan.subject().display(), settings.session.command("verify"));
    format!(
        "{subject} was migrated to {goal} already; the new data are in {target}.\nTo compare both once more: {verify}\nTo go back: {go_back}"
    )
}

async fn begin_anew(
    settings: Migration,
    tools: Tools,
    stamp: &str,
    before: Option<ExistingRun>,
    context: &Context,
) -> Result<()> {
    let (session, copying) = (&settings.session, &settings.copying);
    let prepared = match &settings.subject {
        Subject::Server(server) => prepare(session, server, copying, &tools, projects(before.as_ref()), context).await,
        Subject::Data(data) => elastic::prepare(data, copying, &tools, stamp, context).await,
    };
    let mut prepared = prepared.map_err(as_refusal)?;
    let accepts = copying.accept_rejects.as_deref();
    let again = go_on_command(session, &prepared.plan);
    prepared.findings.splice(0..0, acceptance::ask_again(before.as_ref(), accepts, &again)?);
    if !consent::ask(&prepared, settings.dry_run, &session.command("rollback"), context).await? {
        return Ok(());
    }
    let plan = prepared.plan;
    let _lock = lock_new(session, &plan)?;
    let options = options(&settings)?;
    let mut run = begin(session, plan, options, tools, context)?;
    let dir = work_dir(&run.plan.home.from);
    acceptance::keep(&mut run, &dir, accepts)?;
    if run.plan.server().is_some() {
        open_log(session, &run.plan.home.from.clone(), &run.plan.stamp.clone(), context)?;
    }
    perform(&run, &settings, context).await
}

async fn go_on(settings: Migration, tools: Tools, mut existing: ExistingRun, context: &Context) -> Result<()> {
    let typed = TypedOptions::of(&settings);
    let (command, back) = (settings.session.command(settings.command()), settings.session.command("rollback"));
    let another_choice = |error| consent::of_another_choice(error, &command, &back);
    typed.settle(&mut existing.plan).map_err(another_choice)?;
    if !consent::go_on(&existing, settings.dry_run, &back, context).await? {
        return Ok(());
    }
    let (_lock, mut existing) = lock_to_go_on(&settings.session, existing)?;
    typed.settle(&mut existing.plan).map_err(another_choice)?;
    if existing.plan.server().is_some() {
        open_log(&settings.session, &existing.home_now(), &existing.plan.stamp, context)?;
    }
    let options = options(&settings)?;
    let dir = existing.dir();
    let mut run = resume(existing, options, tools, context)?;
    acceptance::keep(&mut run, &dir, settings.copying.accept_rejects.as_deref())?;
    require_same_collisions(&run).map_err(another_choice)?;
    perform(&run, &settings, context).await
}

fn options(settings: &Migration) -> Result<Options> {
    // Before anything is begun: what is no rejects file is refused. It is taken in once there is a place to keep it.
    acceptance::read(settings.copying.accept_rejects.as_deref())?;
    let Copying { verification, on_id_collision, .. } = settings.copying;
    let one_by_one = matches!(&settings.subject, Subject::Data(data) if !data.parallel);
    let indices_at_once = one_by_one.then_some(1);
    let replay = matches!(&settings.subject, Subject::Server(server) if server.replay);
    Ok(Options { verification, on_id_collision, indices_at_once, replay, ..Options::default() })
}

async fn perform(run: &Run, settings: &Migration, context: &Context) -> Result<()> {
    let begun = Instant::now();
    let session = &settings.session;
    match (engine::execute(run).await, &settings.subject) {
        (Ok(()), subject) => {
            let (plan, outcome) = (&run.plan, outcome(run, begun, context)?);
            let go_back = session.command("rollback");
            context.display.print(&match subject {
                Subject::Server(_) => success_text(plan, &outcome, &go_back),
                Subject::Data(_) => elastic_text(plan, &outcome, &go_back, &session.command("verify")),
            });
            Ok(())
        }
        (Err(Failure { error, reached: Reached::NewServer }), Subject::Server(server))
            if error.kind() != Kind::Cancelled =>
        {
            new_server_failed(run, error, server.on_failure, settings, context).await
        }
        (Err(Failure { error, reached }), _) => Err(with_next_steps(error, run, reached, settings).await),
    }
}

/// The new server did not come up, or does not show what it should: back, or not, as was said or is answered.
async fn new_server_failed(
    run: &Run,
    error: Error,
    on_failure: OnFailure,
    settings: &Migration,
    context: &Context,
) -> Result<()> {
    let back = match on_failure {
        OnFailure::Stop => return Err(with_next_steps(error, run, Reached::NewServer, settings).await),
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
        return Err(with_next_steps(unfinished, run, Reached::NewServer, settings).await);
    }
    roll_back(run, true, &settings.session, context).await?;
    Err(Error::failed("The migration failed, for the reason above, and was taken back; the old server runs again."))
}

async fn wants_back(context: &Context) -> Result<bool> {
    let choices =
        [Choice { key: 'r', text: "go back to the old server" }, Choice { key: 's', text: "stop here and look" }];
    let hint = "Give --on-failure rollback or --on-failure stop.";
    Ok(context.display.choose("What now?", &choices, hint, &context.cancel).await? == 0)
}

async fn with_next_steps(error: Error, run: &Run, reached: Reached, settings: &Migration) -> Error {
    let state = run.journal().state().clone();
    let session = &settings.session;
    let go_on = match error.kind() {
        Kind::Cancelled => "Go on",
        _ => "Go on, once the cause is gone",
    };
    let go_on = format!("{go_on}: {}", session.command(settings.command()));
    let go_on = goes_on(&run.plan, &state).then_some(go_on);
    let back = session.command("rollback");
    let hints = match settings.subject {
        Subject::Server(_) => {
            let left = left_behind(run, reached, &state).await;
            [Some(left), go_on, Some(format!("Go back to the old server: {back}"))]
        }
        Subject::Data(_) => {
            let left = elastic::left_behind(&run.plan, state.phase);
            [go_on, Some(format!("Take back what was done: {back}")), Some(left)]
        }
    };
    hints.into_iter().flatten().fold(error, Error::hint)
}

/// Returns what a finished run knows about itself.
///
/// # Errors
/// Fails when the journal has not kept what the steps have found.
fn outcome(run: &Run, begun: Instant, context: &Context) -> Result<Outcome> {
    let all = extent(run)?;
    let verified: Option<VerifiedElastic> = run.output(run.id_of(Action::VERIFY_ELASTIC)?)?;
    let checked = run.plan.id_of(Action::CheckHealth).map_or(Ok(None), |step| run.output::<Checked>(step))?;
    let copied_mongo = run.plan.id_of(Action::CopyFiles { store: Role::Mongo });
    Ok(Outcome {
        documents: all.documents,
        indices: all.indices,
        left_out: all.left_out,
        only_counted: verified.is_some_and(|all| all.verified.iter().any(|one| one.fingerprint.is_none())),
        mongo: copied_mongo.map_or(Ok(None), |step| run.output::<Option<CopiedMongo>>(step))?.flatten(),
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
    let service = plan.server()?.deployment.service(Role::Webserver)?;
    if service.host_network {
        return Some("http://localhost".to_owned());
    }
    let port = service.ports.iter().find(|port| port.container == 80)?;
    Some(format!("http://localhost:{}", port.host))
}
