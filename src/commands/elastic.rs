//! `elastic`: one Elasticsearch data directory, in place of upstream's elastic_upgrade.py.

use super::as_begun::Said;
use super::known::{Known, goes_on, lock_new, lock_to_go_on};
use super::lookup::known;
use super::migrate::outcome;
use super::prepare::Prepared;
use super::session::{
    Tools, as_refusal, begin, connect, go_on_command, open_log_at, resume, session_at, settled, stamp_now,
};
use super::{Context, acceptance, consent};
use crate::elastic::Survey;
use crate::engine::{self, Failure};
use crate::error::{Error, Kind, Result};
use crate::files::blocking;
use crate::files::{self, space};
use crate::journal::{Phase, Scope};
use crate::plan::work_dir;
use crate::planner::{ElasticWishes, Measured, build_elastic};
use crate::preflight::{self, Subject};
use crate::report::elastic_text;
use crate::settings::{Elastic, Session};
use crate::steps::{Options, Run, require_same_collisions};
use std::path::Path;
use std::time::Instant;

/// Migrates a data directory, or goes on with that.
///
/// # Errors
/// As the steps; the hints say how to go on and how to go back.
pub async fn elastic(mut settings: Elastic, context: &Context) -> Result<()> {
    settings.source = settled(&settings.source);
    settings.session.source = Some(settings.source.clone());
    settings.target = settings.target.as_deref().map(settled);
    let stamp = stamp_now();
    if !settings.dry_run {
        open_log(&settings.session, &stamp, context)?;
    }
    let tools = connect(&settings.session, false, context).await?;
    require_no_server_migration(&settings)?;
    match known(&settings.session, Some(Scope::Elastic))? {
        None => begin_anew(settings, tools, &stamp, None, context).await,
        Some(known) => match known.state.phase {
            Phase::Completed if has_new_data(&settings, &known)? => {
                begin_anew(settings, tools, &stamp, None, context).await
            }
            Phase::Completed => {
                context.display.print(&completed_text(&known, &settings.session));
                Ok(())
            }
            Phase::RolledBack => begin_anew(settings, tools, &stamp, Some(&known), context).await,
            _ if goes_on(&known.plan, &known.state) => go_on(settings, tools, known, context).await,
            _ => Err(consent::unfinished_rollback(&settings.session.command("rollback"))),
        },
    }
}

/// Upstream's name for the log, in the directory where it is looked for.
fn open_log(session: &Session, stamp: &str, context: &Context) -> Result<()> {
    let usual = || session.current_dir.join(format!("upgrade_to_7_{stamp}.log"));
    open_log_at(&session.log_file.clone().unwrap_or_else(usual), context)
}

/// Two migrations of the same data would each take the other's work for somebody else's.
fn require_no_server_migration(settings: &Elastic) -> Result<()> {
    let session = &settings.session;
    let Some(server) = known(session, Some(Scope::Server))? else { return Ok(()) };
    if matches!(server.state.phase, Phase::RolledBack | Phase::Completed) {
        return Ok(());
    }
    let home = server.home_now();
    let (source, home) = (settings.source.display(), home.display());
    let plain = session_at(session, &server.home_now());
    Err(Error::refused(format!("{source} belongs to the server in {home}, whose migration was begun."))
        .hint(format!("Go on with that: {}", plain.command("")))
        .hint(format!("Or take it back first: {}", plain.command("rollback"))))
}

/// After a migration the source's name is free; data that are there again are other data.
fn has_new_data(settings: &Elastic, known: &Known) -> Result<bool> {
    let renamed = known.plan.replacements().any(|one| one.retired() != one.source);
    Ok(renamed && settings.source.is_dir() && !files::is_empty(&settings.source)?)
}

fn completed_text(known: &Known, session: &Session) -> String {
    let target = known.plan.replacements().next().map(|one| one.target.display().to_string()).unwrap_or_default();
    format!(
        "{} was migrated to {} already; the new data are in {target}.\nTo compare both once more: {}\nTo go back: {}",
        known.plan.subject().display(),
        known.plan.goal(),
        session.command("verify"),
        session.command("rollback")
    )
}

async fn begin_anew(
    settings: Elastic,
    tools: Tools,
    stamp: &str,
    before: Option<&Known>,
    context: &Context,
) -> Result<()> {
    let session = &settings.session;
    let mut prepared = prepare(&settings, &tools, stamp, context).await.map_err(as_refusal)?;
    let accepts = settings.accept_rejects.as_deref();
    let again = go_on_command(session, &prepared.plan);
    prepared.findings.splice(0..0, acceptance::ask_again(before, accepts, &again)?);
    if !consent::ask(&prepared, settings.dry_run, &session.command("rollback"), context).await? {
        return Ok(());
    }
    let plan = prepared.plan;
    let _lock = lock_new(session, &plan)?;
    let options = options(&settings)?;
    let mut run = begin(session, plan, options, tools, context)?;
    let dir = work_dir(&run.plan.home.from);
    acceptance::keep(&mut run, &dir, accepts)?;
    perform(&run, session, context).await
}

async fn prepare(settings: &Elastic, tools: &Tools, stamp: &str, context: &Context) -> Result<Prepared> {
    let target = settings.target.clone().unwrap_or_else(|| settled(Elastic::TARGET.as_ref()));
    require_there(&settings.source, &target)?;
    let mut measured = Measured { memory: tools.docker.info().memory, ..Measured::default() };
    if settings.source.is_dir() {
        let (source, cancel) = (settings.source.clone(), context.cancel.clone());
        // A node that runs changes its files while they are counted: then the size is not known, and not needed.
        if let Ok(size) = blocking(move || space::measure(&source, &cancel)).await {
            measured.sizes.insert(settings.source.clone(), size);
        }
        let source = settings.source.clone();
        measured.survey = Some(blocking(move || Survey::of(&source)).await?);
    }
    let wishes = ElasticWishes {
        source: settings.source.clone(),
        target,
        version: settings.version.clone().unwrap_or_else(|| Elastic::VERSION.to_owned()),
        backup: settings.backup,
        backup_dir: settings.backup_dir.clone(),
        memory: settings.memory,
        reader: settings.reader,
        verification: settings.verification.unwrap_or_default(),
        on_id_collision: settings.on_id_collision.unwrap_or_default(),
        empty: settings.empty,
    };
    let run_id = format!("{stamp}-{}", std::process::id());
    let mut plan = build_elastic(&wishes, &measured, stamp, &run_id)?;
    let subject = Subject {
        plan: &plan,
        survey: measured.survey.as_ref(),
        docker: &tools.docker,
        may_run: false,
        cancel: &context.cancel,
    };
    let findings = preflight::run(&subject).await?;
    if let Some(elastic) = plan.elastic_mut() {
        elastic.warnings = preflight::lasting(&findings);
    }
    Ok(Prepared { plan, findings })
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

async fn go_on(settings: Elastic, tools: Tools, mut known: Known, context: &Context) -> Result<()> {
    let session = &settings.session;
    let said = Said::of_elastic(&settings);
    let (command, back) = (session.command("elastic"), session.command("rollback"));
    let another_choice = |error| consent::of_another_choice(error, &command, &back);
    said.settle(&mut known.plan).map_err(another_choice)?;
    if !consent::go_on(&known, settings.dry_run, &back, context).await? {
        return Ok(());
    }
    let (_lock, mut known) = lock_to_go_on(session, known)?;
    said.settle(&mut known.plan).map_err(another_choice)?;
    let options = options(&settings)?;
    let dir = known.dir();
    let mut run = resume(known, options, tools, context)?;
    acceptance::keep(&mut run, &dir, settings.accept_rejects.as_deref())?;
    require_same_collisions(&run).map_err(another_choice)?;
    perform(&run, session, context).await
}

fn options(settings: &Elastic) -> Result<Options> {
    // As for a server: what is no rejects file is refused before anything is begun.
    acceptance::read(settings.accept_rejects.as_deref())?;
    Ok(Options {
        verification: settings.verification,
        indices_at_once: (!settings.parallel).then_some(1),
        on_id_collision: settings.on_id_collision,
        ..Options::default()
    })
}

async fn perform(run: &Run, session: &Session, context: &Context) -> Result<()> {
    let begun = Instant::now();
    match engine::execute(run).await {
        Ok(()) => {
            let outcome = outcome(run, begun, context)?;
            let text = elastic_text(&run.plan, &outcome, &session.command("rollback"), &session.command("verify"));
            context.display.print(&text);
            Ok(())
        }
        Err(Failure { error, .. }) => {
            let state = run.journal().state().clone();
            let go_on = match error.kind() {
                Kind::Cancelled => "Go on",
                _ => "Go on, once the cause is gone",
            };
            let error = match goes_on(&run.plan, &state) {
                true => error.hint(format!("{go_on}: {}", session.command("elastic"))),
                false => error,
            };
            let error = error.hint(format!("Take back what was done: {}", session.command("rollback")));
            let subject = run.plan.subject().display();
            Err(error.hint(match state.phase {
                Phase::Preparing => format!("The old data in {subject} are as they were."),
                _ => format!("The old data are as they were, in {subject} or beside it under a name with _migrated_."),
            }))
        }
    }
}
