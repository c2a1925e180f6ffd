//! Pull images: everything that will be needed is on the machine before the old server stops.

use super::{Done, Run};
use crate::error::Result;

pub(super) async fn apply(run: &Run) -> Result<Done> {
    let mut pulled = 0;
    for image in &run.plan.images {
        run.check_cancelled()?;
        if run.docker.image(image).await?.is_none() {
            run.docker.pull(image, &run.events, &run.cancel).await?;
            pulled += 1;
        }
    }
    Ok(Done::line(format!("{pulled} pulled, {} there already", run.plan.images.len() - pulled)))
}
