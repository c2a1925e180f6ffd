//! The tasks that events speak of: what is left of the experiments where MongoDB is lost and Elasticsearch's files are there.
//!
//! A line of JSON for each:
//!
//! ```text
//! {"task":"…","company":"…","first":"2020-06-01T10:00:00Z","last":"…","last_iteration":99,
//!  "events":{"log":12,"training_stats_scalar":300},"metrics":{"loss":["train","validation"]}}
//! ```

mod event;
mod tally;

use super::Names;
use crate::error::{Error, Result};
use crate::events::{Events, Unit as Counted};
use crate::lucene::directory::{DataDirectory, Meant, Shard, Unit};
use crate::message::{Code, Message};
use event::Event;
use std::path::Path;
use tally::Tally;
use tokio_util::sync::CancellationToken;

/// The API server names its indices of events `events-<sort>-<company>`.
const EVENTS: &str = "events-";
/// Documents between two looks at whether somebody wants to stop.
const OFTEN: u64 = 4096;

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskTotals {
    /// Tasks.
    pub tasks: u64,
    /// Indices of events.
    pub indices: u64,
    /// Events in them.
    pub events: u64,
    /// Of these, those that name no task, or cannot be understood.
    pub of_no_task: u64,
    /// What was not read, a sentence for each.
    pub warnings: Vec<String>,
}

/// Reads all events of the indices whose names match, and gives a line for each task to `write`. Blocks.
///
/// # Errors
/// Refuses what is in use, damaged or unknown, and data without any index of events. Fails if something cannot be read, on
/// cancel, and with the first error of `write`.
pub fn tasks_from_events(
    source: &Path,
    names: &Names,
    events: &Events,
    cancel: &CancellationToken,
    mut write: impl FnMut(&[u8]) -> Result<()>,
) -> Result<TaskTotals> {
    let such = |name: &str| name.starts_with(EVENTS) && names.include(name);
    let directory = DataDirectory::open_indices(source, Meant::Such(&such))?;
    if directory.indices().is_empty() {
        return Err(Error::refused(format!("There is no index of events in {}.", source.display()))
            .because(anyhow::anyhow!("none that matches {:?} begins with {EVENTS}", names.text()))
            .hint("--list shows what is there."));
    }
    let mut totals = TaskTotals { warnings: super::warnings(&directory), ..TaskTotals::default() };
    totals.warnings.iter().for_each(|warning| events.warn(Message::new(Code::ExportWarning, warning.clone())));
    let mut tally = Tally::default();
    for index in directory.indices() {
        let (sort, company) = sort_and_company(&index.name);
        let shards = directory.shards(index)?;
        let lives = shards.iter().map(Shard::live_documents).sum();
        let mut done: u64 = 0;
        for unit in shards.iter().flat_map(Shard::units).collect::<Vec<Unit>>() {
            unit.read(|document| {
                let speaks = match Event::of(document.source) {
                    Some(event) => tally.add(company, sort, event)?,
                    None => false,
                };
                totals.of_no_task += u64::from(!speaks);
                done += 1;
                match done.is_multiple_of(OFTEN) && cancel.is_cancelled() {
                    true => Err(Error::cancelled()),
                    false => Ok(()),
                }
            })?;
            events.progress(&index.name, done, Some(lives), Counted::Documents);
        }
        events.progress_ended(&index.name);
        totals.indices += 1;
        totals.events += done;
    }
    totals.tasks = tally.tasks();
    tally.lines().try_for_each(|line| write(&line?))?;
    Ok(totals)
}

/// Takes the name of an index apart; what has no company is of the one without a name.
fn sort_and_company(index: &str) -> (&str, &str) {
    let rest = index.strip_prefix(EVENTS).unwrap_or(index);
    rest.split_once('-').unwrap_or((rest, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_index_tells_sort_and_company() {
        assert_eq!(sort_and_company("events-training_stats_scalar-d1bd"), ("training_stats_scalar", "d1bd"));
        assert_eq!(sort_and_company("events-log-of-two"), ("log", "of-two"));
        assert_eq!(sort_and_company("events-log"), ("log", ""));
    }
}
