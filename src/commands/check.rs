//! `check`: the checks of a migration alone; the old server may go on running.

use super::existing_run::projects;
use super::find_run::find_run;
use super::session::{as_refusal, connect};
use super::status::text as status_text;
use super::{Context, acceptance, findings_text, look, prepare::prepare};
use crate::error::Result;
use crate::journal::{Phase, Scope};
use crate::plan::ServerPlan;
use crate::preflight;
use crate::settings::Check;

/// Runs the checks and prints what they found.
///
/// # Errors
/// Refused when a check refuses the migration.
pub async fn check(settings: Check, context: &Context) -> Result<()> {
    let Check { session, server, copying, documents, rejects } = settings;
    let session = &session;
    let before = find_run(session, Some(Scope::Server))?;
    if let Some(known) = before.as_ref().filter(|known| known.state.phase != Phase::RolledBack) {
        // The checks are about servers that have not been migrated.
        context.display.print(&status_text(known, session));
        return Ok(());
    }
    let tools = connect(session, true, context).await?;
    let mut prepared =
        prepare(session, &server, &copying, &tools, projects(before.as_ref()), context).await.map_err(as_refusal)?;
    let accepts = copying.accept_rejects.as_deref();
    prepared.findings.splice(0..0, acceptance::ask_again(before.as_ref(), accepts, &session.command(""))?);
    if let Some(ServerPlan { deployment, .. }) = prepared.plan.server() {
        context.display.print(&format!(
            "Trains Server {} in {} ({})\n",
            deployment.version.version,
            deployment.home.display(),
            deployment.found_by
        ));
    }
    context.display.print(&findings_text(&prepared.findings, context.display.paint()));
    let refused = match documents {
        true => {
            let accepted = acceptance::read(accepts)?;
            let looked = look::documents(&prepared.plan, rejects.as_deref(), accepted, session, context).await;
            looked.map_err(as_refusal)?
        }
        false => None,
    };
    match preflight::refusal(&prepared.findings).or(refused) {
        Some(error) => Err(error),
        None => {
            context.display.print(&format!(
                "Nothing stands in the way of a migration to {}. See the plan: {}",
                prepared.plan.goal(),
                session.command("--dry-run")
            ));
            Ok(())
        }
    }
}
