//! What lies in `nodes/0/indices/`: each entry is an index, what is left of a deleted one, or a finding.

use super::evidence::Evidence;
use super::index::inspect;
use super::list::{NOT_DATA, Named, is_uuid, leads_nowhere, list};
use super::{DataDir, Finding, Problem};
use crate::error::Result;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Reads all that lies in the directory of the indices, of which those with the ids `deleted` may linger.
pub(super) fn entries(
    dir: &Path,
    deleted: &BTreeSet<String>,
    data: &mut DataDir,
    evidence: &mut Evidence,
) -> Result<()> {
    let Some(entries) = list(dir)? else {
        if leads_nowhere(dir)? {
            data.findings.push(Finding { path: dir.to_owned(), problem: Problem::LeadsNowhere });
        }
        return Ok(());
    };
    for entry in entries.iter().filter(|entry| !NOT_DATA.contains(&entry.name.as_str())) {
        let path = dir.join(&entry.name);
        match what_it_is(entry, deleted) {
            Some(problem) => data.findings.push(Finding { path, problem }),
            None => data.indices.extend(inspect(&path, &entry.name, &mut data.findings, evidence)?),
        }
    }
    data.indices.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(())
}

/// Returns what an entry is, as far as its name and kind tell; nothing for a directory that may be an index.
fn what_it_is(entry: &Named, deleted: &BTreeSet<String>) -> Option<Problem> {
    match entry {
        Named { name, .. } if deleted.contains(name) => Some(Problem::Leftover),
        Named { leads_nowhere: true, .. } => Some(Problem::LeadsNowhere),
        Named { is_dir: true, .. } => None,
        Named { name, .. } if is_uuid(name) => Some(Problem::NoDirectory),
        _ => Some(Problem::Foreign),
    }
}

impl Finding {
    /// Returns whether this is something among the indices of which nobody can tell which index it is, or was.
    pub fn is_stray(&self) -> bool {
        use Problem::{LeadsNowhere, Nameless, NoDirectory, Stateless, Vacant};
        matches!(self.problem, LeadsNowhere | Vacant | Nameless | Stateless | NoDirectory)
    }

    /// Returns what to do about something that [is a stray](Self::is_stray), a line for each way; nothing for others.
    pub fn ways_out(&self) -> Option<String> {
        if !self.is_stray() {
            return None;
        }
        let first = match self.problem {
            Problem::LeadsNowhere | Problem::Vacant => {
                "Mount the disk. If there is none any more, restore the data from a backup.".to_owned()
            }
            _ => "If the old server misses an index, restore it from a backup first.".to_owned(),
        };
        let Some(place) = self.place_outside() else { return Some(first) };
        let (path, place) = (self.path.display(), place.display());
        Some(format!("{first}\nOr, if the old server shows all that it ever had, do without it: mv {path} {place}"))
    }

    /// Returns a place outside of `<data>/nodes/0/indices/<entry>`, on the same disk.
    fn place_outside(&self) -> Option<PathBuf> {
        let indices = self.path.parent().filter(|parent| parent.file_name().is_some_and(|name| name == "indices"))?;
        let data = indices.ancestors().nth(3)?;
        let mut place = data.file_name()?.to_owned();
        place.push("_without_");
        place.push(self.path.file_name()?);
        Some(data.with_file_name(place))
    }
}
