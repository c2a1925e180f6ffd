//! What a run tells about itself: events as data that serialise, with no idea of how they are shown.
//!
//! Steps emit; [`crate::display`] and the log file render. An [`Events`] handle is cheap to clone and can be sent
//! to any task.

use crate::message::Message;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// What the numbers of a progress event count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Bytes of file content.
    Bytes,
    /// Elasticsearch documents.
    Documents,
    /// Anything else: images, files.
    Items,
    /// Seconds of waiting.
    Seconds,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A step begins; `number` of `total` counts from 1.
    StepStarted {
        /// The step's name in the journal, such as `copy_elastic`.
        step: String,
        /// Position in the plan, from 1.
        number: usize,
        /// Number of steps in the plan.
        total: usize,
        /// What the step does, as a phrase: "Copy Elasticsearch data".
        title: String,
    },
    /// The step that began last is done.
    StepFinished {
        /// The step's name in the journal.
        step: String,
        /// One line on what was done, such as "200,000 documents in 9 indices".
        summary: String,
        /// How long it took.
        #[serde(rename = "elapsed_ms", with = "milliseconds")]
        elapsed: Duration,
    },
    /// The step needs nothing, because an earlier run did it or there is nothing to do.
    StepSkipped {
        /// The step's name in the journal.
        step: String,
        /// Position in the plan, from 1.
        number: usize,
        /// Number of steps in the plan.
        total: usize,
        /// What the step would do.
        title: String,
        /// Why it is skipped.
        reason: String,
    },
    /// A task within a step advanced. Absolute numbers, so that a lost event does no harm.
    Progress {
        /// The task's name, such as an index or a path; stable from the first event to the last.
        task: String,
        /// Units done.
        done: u64,
        /// Units in all, if known.
        total: Option<u64>,
        /// What is counted.
        unit: Unit,
    },
    /// A task within a step has ended and its progress can be taken away.
    ProgressEnded {
        /// The task's name.
        task: String,
    },
    /// A line worth showing.
    Info(Message),
    /// A line for the log file only, for whoever looks into what went wrong.
    Detail {
        /// The line.
        text: String,
    },
    /// Something the user should know, that does not stop the run. Repeated in the report.
    Warning(Message),
}

/// Takes events. Called from many threads.
pub trait Sink: Send + Sync {
    /// Takes one event. Must not block for long and must not fail.
    fn event(&self, event: &Event);
}

/// A handle to emit events with.
#[derive(Clone)]
pub struct Events(Arc<dyn Sink>);

impl Events {
    /// Returns a handle to `sink`.
    pub fn new(sink: impl Sink + 'static) -> Self {
        Self(Arc::new(sink))
    }

    /// Returns a handle that drops everything, for tests and probes.
    pub fn silent() -> Self {
        struct Silent;
        impl Sink for Silent {
            fn event(&self, _: &Event) {}
        }
        Self::new(Silent)
    }

    /// Emits any event.
    pub fn emit(&self, event: Event) {
        self.0.event(&event);
    }

    /// Emits a line worth showing.
    pub fn info(&self, message: Message) {
        self.emit(Event::Info(message));
    }

    /// Emits a line for the log file.
    pub fn detail(&self, line: impl Into<String>) {
        self.emit(Event::Detail { text: line.into() });
    }

    /// Emits a warning.
    pub fn warn(&self, message: Message) {
        self.emit(Event::Warning(message));
    }

    /// Emits the absolute progress of a task.
    pub fn progress(&self, task: &str, done: u64, total: Option<u64>, unit: Unit) {
        self.emit(Event::Progress { task: task.to_owned(), done, total, unit });
    }

    /// Emits the end of a task's progress.
    pub fn progress_ended(&self, task: &str) {
        self.emit(Event::ProgressEnded { task: task.to_owned() });
    }
}

mod milliseconds {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::time::Duration;

    pub(super) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}
