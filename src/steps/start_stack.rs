//! Start the new server from the rewritten files; take it down again to undo that.

use super::{Done, Run};
use crate::error::Result;
use std::time::Duration;

const STOP_TIMEOUT: Duration = Duration::from_secs(180);

pub(super) async fn apply(run: &Run) -> Result<Done> {
    run.compose.up(&run.new_project(), &run.cancel).await?;
    Ok(Done::line(format!("project {}", run.plan.new_project.name)))
}

pub(super) async fn undo(run: &Run) -> Result<()> {
    run.compose.down(&run.new_project(), STOP_TIMEOUT, &run.cancel).await
}
