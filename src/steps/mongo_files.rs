//! MongoDB's files, read without a mongod: what a directory of the old server's is, and whether another one has its documents.

use super::Run;
use crate::error::{Error, Result};
use crate::files::blocking;
use crate::mongo::{AT_A_TIME, CollectionCompared, Found, Rule, Sides, is_servers_own};
use crate::plan::work_dir;
use crate::wiredtiger::directory::{MongoDirectory, ReadUpTo, State};
use std::path::{Path, PathBuf};

/// Looks at a directory on which no mongod runs.
///
/// # Errors
/// As [`Found::at_rest`].
pub(super) async fn look(run: &Run, path: &Path) -> Result<Found> {
    let (path, temporary) = (path.to_owned(), temporary(run));
    blocking(move || Found::at_rest(&path, &temporary)).await
}

/// Which collections are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// All of them: no server was started on the new side.
    All,
    /// Those that are no server's own.
    Users,
}

/// Compares two directories on which no mongod runs.
///
/// # Errors
/// As [`Sides::compare`], and where one of them cannot be read.
pub(super) async fn compare(
    run: &Run,
    old: &Path,
    new: &Path,
    rule: Rule,
    which: Which,
) -> Result<Vec<CollectionCompared>> {
    let (old, new, temporary) = (old.to_owned(), new.to_owned(), temporary(run));
    let (events, cancel) = (run.events.clone(), run.cancel.clone());
    blocking(move || {
        let [old, new] = [whole(&old, &temporary)?, whole(&new, &temporary)?];
        let sides = Sides { old: &old, new: &new, rule, at_a_time: AT_A_TIME, events: &events, cancel: &cancel };
        sides.compare(|collection| which == Which::All || !is_servers_own(collection))
    })
    .await
}

/// Opens a directory in which nothing can be missing.
fn whole(path: &Path, temporary: &Path) -> Result<MongoDirectory> {
    let directory = MongoDirectory::read(path, ReadUpTo::Newest, temporary)?;
    match directory.state() {
        State::Complete | State::Replayed(_) => Ok(directory),
        State::LastCheckpoint(why) => Err(Error::refused(format!("{} was not left in order.", path.display()))
            .because(anyhow::Error::msg(why.clone()))
            .hint("Start its server once, and stop it with time enough: docker stop --time 180")),
    }
}

/// Returns where what does not fit into memory is kept, in files without names.
fn temporary(run: &Run) -> PathBuf {
    work_dir(&run.now(&run.plan.home.from))
}
