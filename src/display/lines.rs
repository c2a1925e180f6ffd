//! Plain lines for pipes, files and journals: one per step, and one of progress every few seconds.

use super::format;
use crate::events::{Event, Sink};
use std::collections::HashMap;
use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Writes events as plain lines.
pub struct Lines<W> {
    state: Mutex<State<W>>,
    every: Duration,
}

struct State<W> {
    out: W,
    /// When a task was last written about; at first, when it began.
    tasks: HashMap<String, Instant>,
}

impl<W: Write + Send> Lines<W> {
    /// Returns a sink that writes to `out`, and about each task's progress at most once in `every`.
    pub fn new(out: W, every: Duration) -> Self {
        Self { state: Mutex::new(State { out, tasks: HashMap::new() }), every }
    }

    /// Writes a text as it is.
    pub fn text(&self, text: &str) {
        if let Ok(mut state) = self.state.lock() {
            state.line(text.trim_end_matches('\n'));
        }
    }
}

impl<W: Write> State<W> {
    fn line(&mut self, line: &str) {
        // Whoever read this is gone; the run goes on, and the log file has it.
        let _ = writeln!(self.out, "{line}").and_then(|()| self.out.flush());
    }

    /// Tells whether it is time to write about `task`. The first time only starts the clock: a short task needs no line.
    fn is_due(&mut self, task: &str, every: Duration) -> bool {
        let now = Instant::now();
        match self.tasks.get_mut(task) {
            Some(last) if now.duration_since(*last) >= every => {
                *last = now;
                true
            }
            Some(_) => false,
            None => {
                self.tasks.insert(task.to_owned(), now);
                false
            }
        }
    }
}

impl<W: Write + Send> Sink for Lines<W> {
    fn event(&self, event: &Event) {
        let Ok(mut state) = self.state.lock() else { return };
        match event {
            Event::StepStarted { number, total, title, .. } => state.line(&format!("[{number}/{total}] {title}")),
            Event::StepFinished { summary, elapsed, .. } => {
                state.tasks.clear();
                state.line(&format!("      {}", format::finished(summary, *elapsed)));
            }
            Event::StepSkipped { number, total, title, reason, .. } => {
                state.line(&format!("[{number}/{total}] {title}: {reason}"));
            }
            Event::Progress { task, done, total, unit } => {
                if state.is_due(task, self.every) {
                    state.line(&format!("      {task}: {}", format::progress(*done, *total, *unit)));
                }
            }
            Event::ProgressEnded { task } => {
                state.tasks.remove(task);
            }
            Event::Info(message) => state.line(&message.text),
            Event::Detail { .. } => {}
            Event::Warning(message) => state.line(&format!("Warning: {}", message.text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Unit;
    use crate::message::{Code, Message};

    fn shown(every: Duration, events: &[Event]) -> String {
        let lines = Lines::new(Vec::new(), every);
        for event in events {
            lines.event(event);
        }
        String::from_utf8(lines.state.into_inner().unwrap().out).unwrap()
    }

    fn progress(done: u64) -> Event {
        Event::Progress { task: "events-log".into(), done, total: Some(2_000), unit: Unit::Documents }
    }

    #[test]
    fn each_step_has_a_line_and_its_outcome_another() {
        let step = || "a_step".to_owned();
        let events = [
            Event::StepStarted { step: step(), number: 1, total: 12, title: "Pull images".into() },
            Event::Detail { text: "for the log file".into() },
            Event::Warning(Message::new(Code::ImagesMissing, "An image is old.")),
            Event::StepFinished { step: step(), summary: "4 images".into(), elapsed: Duration::from_secs(200) },
            Event::StepSkipped {
                step: step(),
                number: 2,
                total: 12,
                title: "Stop the stack".into(),
                reason: "done before".into(),
            },
            Event::StepFinished { step: step(), summary: String::new(), elapsed: Duration::from_secs(11) },
        ];
        insta::assert_snapshot!(shown(Duration::ZERO, &events), @r"
        [1/12] Pull images
        Warning: An image is old.
              4 images (3 min 20 s)
        [2/12] Stop the stack: done before
              done (11 s)
        ");
    }

    #[test]
    fn progress_is_written_now_and_then_only() {
        let events = [progress(1), progress(500), progress(1_000)];
        assert_eq!(shown(Duration::from_secs(3_600), &events), "");
        let expected = "      events-log: 500 of 2,000 documents\n      events-log: 1,000 of 2,000 documents\n";
        assert_eq!(shown(Duration::ZERO, &events), expected);
    }
}
