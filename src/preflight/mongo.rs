//! MongoDB's old data: whether they are of a kind that is read and, where no server runs, in order. Told by their files alone.

use super::Subject;
use crate::error::Result;
use crate::files::blocking;
use crate::files::locks::{Holding, hold};
use crate::findings::Finding;
use crate::message::{About, Code};
use crate::mongo::{Found, is_refusal};
use crate::role::Role;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Judges each data directory of MongoDB's.
///
/// # Errors
/// Fails if a directory cannot be read.
pub(super) async fn old_data(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let is_open = subject.plan.server().is_some_and(|server| server.deployment.is_running());
    let mut findings = Vec::new();
    for one in subject.plan.replacements_of(Role::Mongo) {
        let path = subject.plan.seen_at(&one.source).filter(|path| path.is_dir());
        let Some(path) = path.map(Path::to_owned) else { continue };
        let cancel = subject.cancel.clone();
        findings.extend(blocking(move || judge(&path, is_open, &cancel)).await?);
    }
    Ok(findings)
}

fn judge(path: &Path, is_open: bool, cancel: &CancellationToken) -> Result<Option<Finding>> {
    let of_open = || Found::require_readable(path).map(|()| Found::Unknown);
    let found = match is_open {
        true => of_open(),
        // Somebody else may have it open, which is told by itself.
        false => match hold(path, cancel)? {
            Holding::Held(_held) => Found::at_rest(path, &std::env::temp_dir()),
            Holding::InUse(_) => of_open(),
        },
    };
    match found {
        Ok(Found::Nothing | Found::Unknown | Found::InOrder) => Ok(None),
        Ok(Found::ToReplay(changed)) => {
            Ok(Some(unclean(&format!("the newest changes of {} are in its log only", changed.join(", ")))))
        }
        Ok(Found::WithoutLog(why)) => Ok(Some(unclean(&why).about(About::path(path)))),
        Err(error) if is_refusal(&error) => {
            Ok(Some(Finding::from_error(Code::MongoUnreadable, &error).about(About::path(path))))
        }
        Err(error) => Err(error),
    }
}

fn unclean(why: &str) -> Finding {
    Finding::warning(
        Code::MongoUnclean,
        format!("MongoDB was not stopped cleanly: {why}."),
        "Nothing need be done: its own image recovers the copy, without a network, and the original stays as it is. Or start \
         the old server once, and stop it with time enough (docker stop --time 180).",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Severity;
    use std::fs;

    #[test]
    fn what_is_refused_is_told_with_the_plan_whether_the_server_runs_or_not() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("mongod.lock"), "").unwrap();
        let judged = |is_open| judge(directory.path(), is_open, &CancellationToken::new()).unwrap();
        assert_eq!((judged(true), judged(false)), (None, None));
        fs::write(directory.path().join("backend.ns"), "").unwrap();
        for is_open in [true, false] {
            let finding = judged(is_open).unwrap();
            assert_eq!(finding.severity, Severity::Refusal);
            assert!(finding.what.contains("MMAPv1") && finding.remedy.contains("mongodump"), "{finding:?}");
        }
    }
}
