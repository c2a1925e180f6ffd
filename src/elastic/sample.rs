//! A few tasks of an index with their exact numbers of documents, to ask the new server for later. Counted while the
//! documents are read: from the source itself, and without keeping all tasks in mind.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// The tasks whose names have the smallest hashes, with their numbers of documents.
///
/// A task that is among the smallest of all is so among any part of them, so it is never dropped once it was seen: the
/// numbers are exact, in whatever order and parts the documents come. Which tasks these are is as good as random.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(String, u64)>", into = "Vec<(String, u64)>")]
pub struct TaskSample {
    /// Hash, name and number of documents, by the first two.
    smallest: Vec<(u64, String, u64)>,
}

impl TaskSample {
    /// Tasks that are kept.
    pub const TASKS: usize = 20;

    /// Counts a document of a task.
    pub fn add(&mut self, task: &str) {
        self.count(task, 1);
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        other.tasks().for_each(|(task, documents)| self.count(task, documents));
    }

    fn count(&mut self, task: &str, documents: u64) {
        let hash = xxh3_64(task.as_bytes());
        match self.smallest.binary_search_by(|(other, name, _)| (*other, name.as_str()).cmp(&(hash, task))) {
            Ok(at) => {
                if let Some((.., counted)) = self.smallest.get_mut(at) {
                    *counted += documents;
                }
            }
            Err(at) if at < Self::TASKS => {
                self.smallest.truncate(Self::TASKS - 1);
                self.smallest.insert(at, (hash, task.to_owned(), documents));
            }
            Err(_) => {}
        }
    }

    /// Returns the tasks with their numbers of documents.
    pub fn tasks(&self) -> impl Iterator<Item = (&str, u64)> {
        self.smallest.iter().map(|(_, task, documents)| (task.as_str(), *documents))
    }
}

impl From<Vec<(String, u64)>> for TaskSample {
    fn from(tasks: Vec<(String, u64)>) -> Self {
        let mut sample = Self::default();
        tasks.iter().for_each(|(task, documents)| sample.count(task, *documents));
        sample
    }
}

impl From<TaskSample> for Vec<(String, u64)> {
    fn from(sample: TaskSample) -> Self {
        sample.smallest.into_iter().map(|(_, task, documents)| (task, documents)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_exact_in_any_order_and_parts(tasks in proptest::collection::vec(0_u32..60, 0..400), cut in 0_usize..400) {
            let sample = |tasks: &[u32]| {
                let mut sample = TaskSample::default();
                tasks.iter().for_each(|task| sample.add(&format!("task{task}")));
                sample
            };
            let whole = sample(&tasks);
            for (task, documents) in whole.tasks() {
                let exact = tasks.iter().filter(|one| format!("task{one}") == task).count();
                prop_assert_eq!(documents, exact as u64);
            }
            let different: std::collections::BTreeSet<_> = tasks.iter().collect();
            prop_assert_eq!(whole.tasks().count(), different.len().min(TaskSample::TASKS));
            let (one, other) = tasks.split_at(cut.min(tasks.len()));
            let mut merged = sample(other);
            merged.merge(&sample(one));
            prop_assert_eq!(&merged, &whole);
            let text = serde_json::to_string(&whole).unwrap();
            prop_assert_eq!(serde_json::from_str::<TaskSample>(&text).unwrap(), whole);
        }
    }
}
