//! What the checks look at.

use crate::docker::Daemon;
use crate::elastic::Survey;
use crate::plan::Plan;
use tokio_util::sync::CancellationToken;

/// What the checks look at.
pub struct Subject<'a> {
    /// The plan that would be carried out.
    pub plan: &'a Plan,
    /// What the old Elasticsearch data are, where they could be looked at.
    pub survey: Option<&'a Survey>,
    /// The daemon.
    pub docker: &'a Daemon,
    /// Whether the old server is allowed to run: for `check`, and until the migration stops it.
    pub may_run: bool,
    /// The wish to stop.
    pub cancel: &'a CancellationToken,
}
