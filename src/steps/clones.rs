//! The clones that a comparison works on: where they are is written down before they are made, so that whatever is left of
//! them is removed.

use super::Run;
use crate::error::{Context, Error, Result};
use crate::files::blocking;
use crate::files::{self, Owned};
use crate::plan::work_dir;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The places of the clones, written down before anything is made there.
#[derive(Serialize, Deserialize)]
pub(super) struct Claims {
    /// Of the old data.
    pub source: Owned,
    /// Of the new data.
    pub target: Owned,
}

impl Claims {
    fn file(run: &Run) -> PathBuf {
        work_dir(&run.now(&run.plan.home.from)).join(format!("compare-{}.json", run.plan.run_id))
    }

    /// Writes them down.
    ///
    /// # Errors
    /// Fails when the file cannot be written.
    pub fn write(&self, run: &Run) -> Result<()> {
        let text = serde_json::to_vec(self)
            .map_err(|cause| Error::internal("The places of the clones cannot be written.").because(cause))?;
        files::write_atomic(&Self::file(run), &text)
    }
}

/// Removes the clones of a comparison that ended or was cut off.
///
/// # Errors
/// Fails when they cannot be removed.
pub(super) async fn remove_clones(run: &Run) -> Result<()> {
    let file = Claims::file(run);
    if !files::exists(&file)? {
        return Ok(());
    }
    blocking(move || {
        let text = std::fs::read(&file).context(|| format!("{} cannot be read.", file.display()))?;
        let claims: Claims =
            serde_json::from_slice(&text).context(|| format!("{} cannot be understood.", file.display()))?;
        files::remove_tree(&claims.source)?;
        files::remove_tree(&claims.target)?;
        files::remove_file(&file)
    })
    .await
}
