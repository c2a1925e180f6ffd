//! How a journal begins, for tests.

use super::Opened;

/// Returns how the journal of a run begins.
pub(crate) fn opened() -> Opened {
    Opened {
        run_id: "r".into(),
        program: "0.1.0".into(),
        created: jiff::Timestamp::UNIX_EPOCH,
        home: "/opt/trains".into(),
    }
}
