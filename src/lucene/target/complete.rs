//! Whether the last commit of a shard is all there is, by sequence numbers: every operation has one, and the commit says
//! up to which all of them are in it.
//!
//! The translog itself is not read: after a flush nothing in it is missing from the commit.

use super::super::Corrupt;
use super::super::mapped::{names, refused};
use super::super::translog::{self, Sequence};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// A running node writes its checkpoint in place, now and then: what is broken is looked at once more, so often.
const LOOKS: usize = 4;
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// Checks that no operation is missing from the commit in the file `commit`, of which this is the user data.
///
/// # Errors
/// Refuses a shard with others, or that does not tell. Fails if something cannot be read.
pub(super) fn check(dir: &Path, commit: &Path, user_data: &BTreeMap<String, String>) -> Result<()> {
    let number = |key: &str| -> Result<i64> {
        let number = user_data.get(key).and_then(|number| number.parse().ok());
        number.ok_or_else(|| refused(commit, Corrupt::new(format!("it does not tell its {key}"))))
    };
    let (committed, max) = (number("local_checkpoint")?, number("max_seq_no")?);
    let last = last_operation(dir)?.max(max);
    if last == committed {
        return Ok(());
    }
    if last < committed {
        let why = format!("it says that operations up to {committed} are in it, but {last} is the last one");
        return Err(refused(commit, Corrupt::new(why)));
    }
    Err(Error::refused(format!("{} operations of the shard are not in {}.", last - committed, commit.display())).hint(
        "Flush the index first (`POST /<index>/_flush?force=true&wait_if_ongoing=true`), and write nothing meanwhile.",
    ))
}

/// Returns the number of the last operation that the checkpoints of the translog know of.
fn last_operation(dir: &Path) -> Result<i64> {
    let mut look = 1;
    loop {
        match look_once(dir) {
            Err(_) if look < LOOKS => thread::sleep(BETWEEN_LOOKS),
            found => return found,
        }
        look += 1;
    }
}

fn look_once(dir: &Path) -> Result<i64> {
    let current = sequence(dir, translog::CURRENT)?;
    let mut last = current.0.global_checkpoint;
    for name in names(dir)?.iter().filter(|name| name.ends_with(".ckp")) {
        let (sequence, generation, operations) = sequence(dir, name)?;
        if operations > 0 && generation >= current.0.oldest_generation {
            last = last.max(sequence.max);
        }
    }
    Ok(last)
}

/// Returns what a checkpoint says of sequence numbers, its generation, and how many operations there are in that.
fn sequence(dir: &Path, name: &str) -> Result<(Sequence, i64, u64)> {
    let path = dir.join(name);
    let bytes = fs::read(&path).map_err(|cause| crate::files::problem::problem("read", &path, cause))?;
    let checkpoint = translog::checkpoint(&bytes).map_err(|why| refused(&path, why))?;
    let sequence = checkpoint.sequence.filter(|_| checkpoint.format >= 3);
    let sequence = sequence.ok_or_else(|| refused(&path, Corrupt::new("it is older than Elasticsearch 7")))?;
    Ok((sequence, checkpoint.generation, checkpoint.operations))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::{checkpoint, write};

    fn checked(local: &str, max: &str, files: &[(&str, i32, i32, i64)]) -> Result<()> {
        let dir = tempfile::tempdir().unwrap();
        for (name, format, operations, generation) in files {
            write(&dir.path().join(name), &checkpoint(*format, 55, *operations, *generation));
        }
        let user_data = [("local_checkpoint", local), ("max_seq_no", max)];
        let user_data = user_data.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        check(dir.path(), Path::new("segments_5"), &user_data)
    }

    /// Checkpoints of the helper say that 5 is the global checkpoint, 6 the last operation, 4 the oldest generation.
    #[test]
    fn a_commit_is_complete_if_it_has_the_last_operation_that_anything_knows_of() {
        checked("5", "5", &[("translog.ckp", 3, 0, 5)]).unwrap();
        checked("6", "6", &[("translog.ckp", 4, 2, 5)]).unwrap();
        // A closed generation counts as long as it is needed.
        let told = |error: Error| error.message().to_owned();
        let missing = checked("5", "5", &[("translog.ckp", 4, 0, 5), ("translog-4.ckp", 4, 7, 4)]).unwrap_err();
        assert!(told(missing).starts_with("1 operations"));
        checked("5", "5", &[("translog.ckp", 4, 0, 5), ("translog-3.ckp", 4, 7, 3)]).unwrap();
        // A gap: an operation was given a number but is not there.
        assert!(told(checked("5", "9", &[("translog.ckp", 3, 0, 5)]).unwrap_err()).starts_with("4 operations"));
        assert!(told(checked("3", "3", &[("translog.ckp", 3, 0, 5)]).unwrap_err()).starts_with("2 operations"));
    }

    #[test]
    fn what_tells_nothing_is_refused() {
        assert!(checked("", "5", &[("translog.ckp", 3, 0, 5)]).unwrap_err().message().contains("segments_5"));
        assert!(checked("5", "5", &[("translog.ckp", 1, 0, 5)]).unwrap_err().message().contains("translog.ckp"));
        assert!(checked("5", "5", &[]).unwrap_err().message().contains("translog.ckp"));
        assert!(checked("9", "5", &[("translog.ckp", 3, 0, 5)]).is_err());
    }
}
