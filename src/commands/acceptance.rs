//! Documents that are accepted to be left out: the acceptance belongs to the migration. It need not be said again to go on
//! with it or to compare; a document that has changed since is another one, which is not accepted. Another migration asks
//! again.

use super::existing_run::ExistingRun;
use crate::error::{Context, Result};
use crate::files;
use crate::findings::Finding;
use crate::message::Code;
use crate::steps::Run;
use crate::text::documents;
use crate::text::quote;
use crate::transfer::Accepted;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads the rejects file that the user has given back.
///
/// # Errors
/// Fails when it cannot be read.
pub(super) fn read(file: Option<&Path>) -> Result<Arc<Accepted>> {
    Ok(Arc::new(file.map(Accepted::read).transpose()?.unwrap_or_default()))
}

/// Keeps in `dir`, where the journal of the run is, what was accepted in it before and is now in `file`, and has the run go by
/// all of it.
///
/// # Errors
/// Fails when a file cannot be read or written.
pub(super) fn keep(run: &mut Run, dir: &Path, file: Option<&Path>) -> Result<()> {
    run.options.accepted = kept_with(&file_in(dir, &run.plan.stamp), file)?;
    Ok(())
}

fn kept_with(kept: &Path, file: Option<&Path>) -> Result<Arc<Accepted>> {
    if let Some(file) = file {
        // What is no rejects file is refused with its line.
        Accepted::read(file)?;
        let read = |path: &Path| std::fs::read(path).context(|| format!("{} cannot be read.", path.display()));
        let mut all = if files::exists(kept)? { read(kept)? } else { Vec::new() };
        let given = read(file)?;
        let before = all.clone();
        let there: HashSet<&[u8]> = before.split(|byte| *byte == b'\n').collect();
        for line in given.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && !there.contains(line)) {
            all.extend_from_slice(line);
            all.push(b'\n');
        }
        files::write_atomic(kept, &all)?;
    }
    read(Some(kept).filter(|kept| kept.exists()))
}

/// Returns the file of what was accepted in a migration, if anything was.
pub(super) fn of(existing: &ExistingRun) -> Option<PathBuf> {
    let file = file_in(existing.journal_path.parent()?, &existing.plan.stamp);
    file.exists().then_some(file)
}

fn file_in(dir: &Path, stamp: &str) -> PathBuf {
    dir.join(format!("accepted-{stamp}.ndjson"))
}

/// Asks once more for what was accepted in a migration that was taken back, ahead of everything: found out in the middle of
/// the next one, the server would stand still.
///
/// # Errors
/// Fails when the file cannot be read.
pub(super) fn ask_again(before: Option<&ExistingRun>, said: Option<&Path>, again: &str) -> Result<Option<Finding>> {
    let Some(file) = before.and_then(of).filter(|_| said.is_none()) else { return Ok(None) };
    let number = Accepted::read(&file)?.len() as u64;
    Ok(Some(finding(number, &file, again)))
}

fn finding(number: u64, file: &Path, again: &str) -> Finding {
    let were = format!("{} {}", documents(number), if number == 1 { "was" } else { "were" });
    let file = quote(&file.display().to_string());
    Finding::refusal(
        Code::AcceptanceOver,
        format!(
            "In the migration that was taken back, {were} accepted to be left out. The old server may have changed since, so \
             that this is to be said again."
        ),
        format!(
            "Read {file}, and if you can still do without: {again} --accept-rejects {file}\nIf not, or if they are mended: rm {file}"
        ),
    )
}

/// Returns a command with what was accepted, to begin the same migration once more.
pub(super) fn with_accepted(command: String, run: &Run) -> String {
    let dir = crate::plan::work_dir(&run.plan.home.from);
    let file = file_in(&dir, &run.plan.stamp);
    if file.exists() { format!("{command} --accept-rejects {}", quote(&file.display().to_string())) } else { command }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::Key;
    use std::fs;

    fn line(id: &str) -> String {
        format!(
            "{{\"index\":\"x\",\"type\":\"event\",\"id\":\"{id}\",\"routing\":null,\"reason\":\"r\",\"source\":\"s\"}}\n"
        )
    }

    #[test]
    fn what_was_accepted_in_a_migration_stays_accepted_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let kept = dir.path().join("accepted-s.ndjson");
        assert!(kept_with(&kept, None).unwrap().is_empty());
        let given = |ids: &[&str]| {
            let file = dir.path().join("rejects.ndjson");
            fs::write(&file, ids.iter().map(|id| line(id)).collect::<String>()).unwrap();
            file
        };
        let all = |ids: &[&str]| {
            let mut all = Accepted::default();
            let key = |id: &str| Key { id: id.into(), kind: Some("event".into()), routing: None };
            ids.iter().for_each(|id| all.insert("x".into(), key(id), b"s"));
            Arc::new(all)
        };
        kept_with(&kept, Some(&given(&["a", "b"]))).unwrap();
        // A later try refused others: its file has only those.
        let both = kept_with(&kept, Some(&given(&["b", "c"]))).unwrap();
        assert_eq!(both, all(&["a", "b", "c"]));
        assert_eq!(fs::read_to_string(&kept).unwrap(), ["a", "b", "c"].map(line).concat(), "as it is given back");
        fs::remove_file(dir.path().join("rejects.ndjson")).unwrap();
        assert_eq!(kept_with(&kept, None).unwrap(), both);
        let wrong = dir.path().join("wrong");
        fs::write(&wrong, "no rejects").unwrap();
        assert!(kept_with(&kept, Some(&wrong)).is_err());
        assert_eq!(kept_with(&kept, None).unwrap(), both);
    }

    #[test]
    fn after_a_way_back_it_is_asked_for_with_number_and_file() {
        let finding = finding(5, Path::new("/opt/trains/.clearml-migrate/accepted-s.ndjson"), "docker clearml-migrate");
        insta::assert_snapshot!(format!("{}\n{}", finding.what, finding.remedy), @r"
        In the migration that was taken back, 5 documents were accepted to be left out. The old server may have changed since, so that this is to be said again.
        Read /opt/trains/.clearml-migrate/accepted-s.ndjson, and if you can still do without: docker clearml-migrate --accept-rejects /opt/trains/.clearml-migrate/accepted-s.ndjson
        If not, or if they are mended: rm /opt/trains/.clearml-migrate/accepted-s.ndjson
        ");
    }
}
