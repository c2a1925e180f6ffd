//! What `--on-id-collision` means.

use super::ReaderChoice;
use crate::cli::OnIdCollisionArg;
use crate::error::{Error, Result};
use crate::plan::OnIdCollision;

/// Resolves what was typed; nothing if nothing was.
///
/// # Errors
/// Fails where documents are to be kept that the reader tells of too late.
pub(super) fn resolve(typed: Option<OnIdCollisionArg>, reader: ReaderChoice) -> Result<Option<OnIdCollision>> {
    let Some(typed) = typed else { return Ok(None) };
    match (typed, reader) {
        (OnIdCollisionArg::Refuse, _) => Ok(Some(OnIdCollision::Refuse)),
        (OnIdCollisionArg::PrefixType, ReaderChoice::Auto | ReaderChoice::Segments) => Ok(Some(OnIdCollision::PrefixType)),
        (OnIdCollisionArg::PrefixType, ReaderChoice::Scroll) => {
            Err(Error::usage("--on-id-collision prefix-type and --reader scroll exclude each other: a node tells too late which documents share their _id.")
                .hint("Leave out --reader scroll; the files tell before anything is copied."))
        }
    }
}
