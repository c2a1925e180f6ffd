//! Values that the new Elasticsearch does not take: their fields are settled before anything is copied, and told in the
//! end.

use super::Run;
use super::copied::CopiedIndex;
use crate::elastic::{
    Client, CopyOptions, IndexPlan, Kept, Look, Source, count_ignored, look_at_all, require_none_refused,
};
use crate::error::Result;
use crate::notices::{not_as_foretold, unindexed_fields};
use crate::transfer::CopyOutcome;
use std::sync::Arc;

/// Looks at all documents of the indices that are to be copied, and returns their plans with mappings that take them.
///
/// # Errors
/// Refuses documents that the node takes under no mapping and that are not accepted to be left out. Fails as reading
/// does, and when the node does not answer.
pub(super) async fn settle(
    run: &Run,
    source: &Source,
    plans: &[IndexPlan],
    target: &Client,
    options: &CopyOptions,
) -> Result<Vec<IndexPlan>> {
    let version = target.version_once().await;
    let version = version.map_err(|failure| failure.explain("The new Elasticsearch does not tell its version."))?;
    let look = Look {
        target: &version,
        accepted: Arc::clone(&options.rules.accepted),
        rejects: Some(Arc::clone(&options.rejects)),
        gently: false,
        events: &run.events,
        cancel: &run.cancel,
    };
    let looked = look_at_all(source, plans, &look).await?;
    require_none_refused(&looked, &version, &options.rejects)?;
    let plans: Vec<IndexPlan> = looked.into_iter().map(|one| one.plan).collect();
    unindexed_fields(&plans).into_iter().for_each(|line| run.events.info(line));
    Ok(plans)
}

/// Tells which values are kept and not indexed, and makes sure that they are as many as were foretold.
///
/// # Errors
/// Fails when the node does not answer.
pub(super) async fn tell(run: &Run, copied: &[CopiedIndex], now: &[CopyOutcome], target: &Client) -> Result<()> {
    unindexed_fields(copied.iter().map(|one| &one.plan)).into_iter().for_each(|line| run.events.warn(line));
    for one in copied.iter().filter(|one| now.iter().any(|now| now.collection == one.outcome.collection)) {
        let index = &one.plan.index;
        for field in one.plan.unindexed.iter().filter(|field| field.how == Kept::Malformed) {
            let counted = count_ignored(target, index, &field.field).await?;
            if counted != field.documents {
                run.events.warn(not_as_foretold(index, &field.field, field.documents, counted));
            }
        }
    }
    Ok(())
}
