//! What `--verify` means.

use crate::cli::VerifyArg;
use crate::plan::Verification;

/// Returns how the new data are to be compared, if that was said. Whoever says `full` gets nothing less.
pub(super) fn resolve(typed: Option<VerifyArg>) -> Option<Verification> {
    typed.map(|typed| match typed {
        VerifyArg::Full => Verification::Full { fallback: false },
        VerifyArg::Api => Verification::Api,
        VerifyArg::Counts => Verification::Counts,
    })
}
