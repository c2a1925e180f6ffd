//! The labels that everything created here carries, so that nothing else is ever taken for ours.

use std::collections::{BTreeMap, HashMap};

/// Label with the id of the run that created an object.
pub const RUN_LABEL: &str = "org.clearml-migrate.run";
/// Label that says which part of the run an object plays.
pub const PART_LABEL: &str = "org.clearml-migrate.run.part";

/// What a container of a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The node that data are read from.
    Source,
    /// The node that data are written to.
    Target,
}

/// The labels of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunLabels {
    run: String,
    part: Option<Part>,
}

impl RunLabels {
    /// Returns the labels of a run. `run` is its id, the same in every attempt to finish it.
    pub fn new(run: impl Into<String>) -> Self {
        Self { run: run.into(), part: None }
    }

    /// Returns the same labels with the part an object plays.
    #[must_use]
    pub fn part(&self, part: Part) -> Self {
        Self { part: Some(part), ..self.clone() }
    }

    /// Returns the run's id.
    pub fn run(&self) -> &str {
        &self.run
    }

    pub(super) fn to_map(&self) -> HashMap<String, String> {
        let mut map = HashMap::from([(RUN_LABEL.to_owned(), self.run.clone())]);
        if let Some(part) = self.part {
            let part = match part {
                Part::Source => "source",
                Part::Target => "target",
            };
            map.insert(PART_LABEL.to_owned(), part.to_owned());
        }
        map
    }

    /// Returns the filter that finds every object of a run.
    pub(super) fn filter(run: &str) -> String {
        format!("{RUN_LABEL}={run}")
    }

    /// Returns whether these labels are of the run.
    pub(super) fn match_run(run: &str, labels: &BTreeMap<String, String>) -> bool {
        labels.get(RUN_LABEL).is_some_and(|value| value == run)
    }
}
