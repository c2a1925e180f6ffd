//! The tasks that events speak of, while they are gathered. Memory: some dozens of bytes for each task, and for each metric
//! that a task has.

use super::event::Event;
use crate::error::{Error, Result};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Names, each kept once: a server has a few hundred of them, and a million pairs of task and metric.
#[derive(Debug, Default)]
struct Names {
    numbers: HashMap<String, u32>,
    names: Vec<String>,
}

impl Names {
    fn number(&mut self, name: String) -> Result<u32> {
        if let Some(number) = self.numbers.get(&name) {
            return Ok(*number);
        }
        let number = u32::try_from(self.names.len()).map_err(|_| Error::failed("There are too many metrics."))?;
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        Ok(number)
    }

    fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", String::as_str)
    }
}

#[derive(Debug, Default)]
struct Task {
    first: Option<i64>,
    last: Option<i64>,
    last_iteration: Option<i64>,
    /// Events by their sort.
    events: BTreeMap<u32, u64>,
    /// Metric and variant, where there is one.
    metrics: BTreeSet<(u32, Option<u32>)>,
}

/// Tasks by company and id.
#[derive(Debug, Default)]
pub(super) struct Tally {
    tasks: BTreeMap<(u32, String), Task>,
    names: Names,
}

/// A task as it is written.
#[derive(Serialize)]
struct Line<'a> {
    task: &'a str,
    company: &'a str,
    first: Option<String>,
    last: Option<String>,
    last_iteration: Option<i64>,
    events: BTreeMap<&'a str, u64>,
    metrics: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl Tally {
    /// Takes an event of a sort, such as `log`, and a company. Returns whether it speaks of a task.
    pub fn add(&mut self, company: &str, sort: &str, event: Event) -> Result<bool> {
        let Some(id) = event.task else { return Ok(false) };
        let [company, sort] = [self.names.number(company.to_owned())?, self.names.number(sort.to_owned())?];
        let metric = event.metric.map(|metric| self.names.number(metric)).transpose()?;
        let variant = event.variant.map(|variant| self.names.number(variant)).transpose()?;
        let task = self.tasks.entry((company, id)).or_default();
        *task.events.entry(sort).or_default() += 1;
        task.first = event.time.into_iter().chain(task.first).min();
        task.last = event.time.max(task.last);
        task.last_iteration = event.iteration.max(task.last_iteration);
        task.metrics.extend(metric.map(|metric| (metric, variant)));
        Ok(true)
    }

    /// Returns how many tasks there are.
    pub fn tasks(&self) -> u64 {
        self.tasks.len() as u64
    }

    /// Returns the tasks as lines of JSON, in the order of their companies and ids.
    pub fn lines(&self) -> impl Iterator<Item = Result<Vec<u8>>> {
        self.tasks.iter().map(|((company, id), task)| {
            let mut metrics: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
            for (metric, variant) in &task.metrics {
                metrics.entry(self.names.name(*metric)).or_default().extend(variant.map(|one| self.names.name(one)));
            }
            let line = Line {
                task: id,
                company: self.names.name(*company),
                first: task.first.and_then(time),
                last: task.last.and_then(time),
                last_iteration: task.last_iteration,
                events: task.events.iter().map(|(sort, count)| (self.names.name(*sort), *count)).collect(),
                metrics,
            };
            let mut text = serde_json::to_vec(&line)
                .map_err(|cause| Error::internal("A task cannot be written as JSON.").because(cause))?;
            text.push(b'\n');
            Ok(text)
        })
    }
}

/// Returns a time in words; nothing for one that no calendar has.
fn time(milliseconds: i64) -> Option<String> {
    Timestamp::from_millisecond(milliseconds).ok().map(|time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_has_its_first_and_last_time_its_metrics_and_its_events_by_their_sort() {
        let mut tally = Tally::default();
        let mut add = |sort: &str, source: &str| tally.add("c1", sort, Event::of(source.as_bytes()).unwrap()).unwrap();
        assert!(add(
            "training_stats_scalar",
            r#"{"task":"t","metric":"loss","variant":"val","timestamp":2000,"iter":7}"#
        ));
        assert!(add(
            "training_stats_scalar",
            r#"{"task":"t","metric":"loss","variant":"train","timestamp":1000,"iter":9}"#
        ));
        assert!(add("log", r#"{"task":"t","timestamp":3000,"msg":"…"}"#));
        assert!(add("plot", r#"{"task":"s","metric":"roc"}"#));
        assert!(!add("log", r#"{"msg":"of nobody"}"#));
        let lines: Vec<String> = tally.lines().map(|line| String::from_utf8(line.unwrap()).unwrap()).collect();
        let none = r#"{"task":"s","company":"c1","first":null,"last":null,"last_iteration":null,"events":{"plot":1},"metrics":{"roc":[]}}"#;
        let all = concat!(
            r#"{"task":"t","company":"c1","first":"1970-01-01T00:00:01Z","last":"1970-01-01T00:00:03Z","last_iteration":9,"#,
            r#""events":{"log":1,"training_stats_scalar":2},"metrics":{"loss":["train","val"]}}"#
        );
        assert_eq!(lines, [format!("{none}\n"), format!("{all}\n")]);
        assert_eq!(tally.tasks(), 2);
    }
}
