//! `check`: the checks of a migration alone; the old server may go on running.

use super::known::projects;
use super::lookup::known;
use super::session::{as_refusal, connect};
use super::status::text as status_text;
use super::{Context, findings_text, prepare::prepare};
use crate::error::Result;
use crate::journal::{Phase, Scope};
use crate::plan::ServerPlan;
use crate::preflight;
use crate::settings::Migration;

/// Runs the checks and prints what they found.
///
/// # Errors
/// Refused when a check refuses the migration.
pub async fn check(settings: Migration, context: &Context) -> Result<()> {
    let before = known(&settings.session, Some(Scope::Server))?;
    if let Some(known) = before.as_ref().filter(|known| known.state.phase != Phase::RolledBack) {
        // The checks are about servers that have not been migrated.
        context.display.print(&status_text(known, &settings.session));
        return Ok(());
    }
    let tools = connect(&settings.session, true, context).await?;
    let prepared = prepare(&settings, &tools, projects(before.as_ref()), true, context).await.map_err(as_refusal)?;
    if let Some(ServerPlan { deployment, .. }) = prepared.plan.server() {
        context.display.print(&format!(
            "Trains Server {} in {} ({})\n",
            deployment.version.version,
            deployment.home.display(),
            deployment.found_by
        ));
    }
    context.display.print(&findings_text(&prepared.findings, context.display.paint()));
    match preflight::refusal(&prepared.findings) {
        Some(error) => Err(error),
        None => {
            context.display.print(&format!(
                "Nothing stands in the way of a migration to {}. See the plan: {}",
                prepared.plan.goal(),
                settings.session.command("--dry-run")
            ));
            Ok(())
        }
    }
}
