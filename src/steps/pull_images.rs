//! Pull images: everything that will be needed is on the machine before the old server stops.

use super::{Done, Run};
use crate::error::Result;

pub(super) async fn apply(run: &Run) -> Result<Done> {
    let pulled = require(run, &run.plan.images).await?;
    Ok(Done::line(format!("{pulled} pulled, {} there already", run.plan.images.len() - pulled)))
}

/// Pulls the images that are missing and returns their number.
///
/// # Errors
/// Fails when one cannot be pulled, and when cancelled.
pub(super) async fn require<'a>(run: &Run, images: impl IntoIterator<Item = &'a String>) -> Result<usize> {
    let mut pulled = 0;
    for image in images {
        run.check_cancelled()?;
        if !run.platform.has_image(image).await? {
            run.platform.pull(image, &run.events, &run.cancel).await?;
            pulled += 1;
        }
    }
    Ok(pulled)
}
