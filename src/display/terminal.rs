//! Bars that move, for a terminal: a line for the step at work, and below it one per task with its speed and the time left.

use super::format;
use super::paint::Paint;
use crate::events::{Event, Sink, Unit};
use crate::text;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Mutex;
use std::time::Duration;

/// How often the time of a step that waits is redrawn.
const TICK: Duration = Duration::from_millis(200);

/// Draws events.
pub struct Terminal {
    screen: MultiProgress,
    paint: Paint,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    step: Option<StepOnScreen>,
    /// Whether anything was drawn since the last settling.
    drawn: bool,
    tasks: HashMap<String, ProgressBar>,
}

struct StepOnScreen {
    heading: String,
    bar: ProgressBar,
}

impl Terminal {
    /// Returns a sink that draws on `target`.
    pub fn new(target: ProgressDrawTarget, paint: Paint) -> Self {
        Self { screen: MultiProgress::with_draw_target(target), paint, state: Mutex::default() }
    }

    /// Writes a text above what moves.
    pub fn text(&self, text: &str) {
        // A terminal that is gone takes nothing more; the run goes on, and the log file has it.
        let _ = self.screen.println(text.trim_end_matches('\n'));
    }

    /// Takes away all that moves and leaves the heading of the unfinished step and an empty line, so that a question, a
    /// result or an error can follow.
    pub fn settle(&self) {
        let Ok(mut state) = self.state.lock() else { return };
        state.clear_tasks();
        if let Some(step) = state.step.take() {
            step.bar.finish_and_clear();
            self.text(&format!("{} {}", self.paint.yellow("·"), step.heading));
        }
        if std::mem::take(&mut state.drawn) {
            // The library leaves the cursor in the last line that it wrote.
            self.text("");
        }
    }

    fn start(&self, state: &mut State, heading: String) {
        let bar = self.screen.add(ProgressBar::new_spinner().with_style(step_style()).with_message(heading.clone()));
        bar.enable_steady_tick(TICK);
        state.step = Some(StepOnScreen { heading, bar });
    }

    fn progress(&self, state: &mut State, task: &str, done: u64, total: Option<u64>, unit: Unit) {
        let bar = state.tasks.entry(task.to_owned()).or_insert_with(|| {
            let bar = ProgressBar::no_length().with_prefix(short(task));
            let bar = self.screen.add(bar.with_style(task_style(unit, total.is_some())));
            if unit == Unit::Seconds {
                // A wait tells of itself but once.
                bar.enable_steady_tick(TICK);
            }
            bar
        });
        if let Some(total) = total {
            if bar.length().is_none() {
                bar.set_style(task_style(unit, true));
            }
            bar.set_length(total);
        }
        bar.set_position(done);
        bar.set_message(numbers(bar, done, total, unit));
    }
}

impl State {
    fn clear_tasks(&mut self) {
        for (_, bar) in self.tasks.drain() {
            bar.finish_and_clear();
        }
    }
}

impl Sink for Terminal {
    fn event(&self, event: &Event) {
        let Ok(mut state) = self.state.lock() else { return };
        state.drawn |= !matches!(event, Event::Detail { .. });
        match event {
            Event::StepStarted { number, total, title, .. } => self.start(&mut state, heading(*number, *total, title)),
            Event::StepFinished { summary, elapsed, .. } => {
                state.clear_tasks();
                if let Some(step) = state.step.take() {
                    step.bar.finish_and_clear();
                    let outcome = self.paint.dim(&format::finished(summary, *elapsed));
                    self.text(&format!("{} {}  {outcome}", self.paint.green("✓"), step.heading));
                }
            }
            Event::StepSkipped { number, total, title, reason, .. } => {
                let reason = self.paint.dim(reason);
                self.text(&format!("{} {}  {reason}", self.paint.dim("-"), heading(*number, *total, title)));
            }
            Event::Progress { task, done, total, unit } => self.progress(&mut state, task, *done, *total, *unit),
            Event::ProgressEnded { task } => {
                if let Some(bar) = state.tasks.remove(task) {
                    bar.finish_and_clear();
                }
            }
            Event::Info(message) => self.text(&message.text),
            Event::Detail { .. } => {}
            Event::Warning(message) => self.text(&format!("{} {}", self.paint.yellow("Warning:"), message.text)),
        }
    }
}

fn heading(number: usize, total: usize, title: &str) -> String {
    let width = total.to_string().len();
    format!("[{number:>width$}/{total}] {title}")
}

fn step_style() -> ProgressStyle {
    style("{spinner} {msg}  {time}").tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
}

/// 80 columns are enough for the numbers of ten million documents; in fewer the last ones are cut off.
fn task_style(unit: Unit, bounded: bool) -> ProgressStyle {
    match (unit, bounded) {
        (Unit::Seconds, _) => style("    {prefix}  {time}"),
        (_, true) => style("    {prefix:<26!} {bar:8}  {wide_msg}").progress_chars("━╸─"),
        (_, false) => style("    {prefix:<26!} {wide_msg}"),
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("time", |state: &ProgressState, out: &mut dyn Write| {
        let _ = out.write_str(&text::duration(Duration::from_secs(state.elapsed().as_secs())));
    })
}

/// Returns how much of a task is done, how fast, and how long it still takes: what counts most comes first.
fn numbers(bar: &ProgressBar, done: u64, total: Option<u64>, unit: Unit) -> String {
    // The step says what is counted, and the line is short.
    let unit = if unit == Unit::Documents { Unit::Items } else { unit };
    let mut text = format::progress(done, total, unit);
    let per_second = bar.per_sec();
    if per_second >= 1.0 && done > 0 {
        text.push_str(&format!("  {}", format::rate(whole(per_second), unit)));
        if total.is_some() {
            let left = Duration::from_secs(bar.eta().as_secs());
            text.push_str(&format!("  {} left", text::duration(left)));
        }
    }
    text
}

/// The nearest whole number; `as` saturates at both ends, and makes nothing of NaN.
fn whole(number: f64) -> u64 {
    number.round() as u64
}

/// Shortens ids in a name (`worker_stats_d1bd92a3…_2020-03`): of many monthly indices the end tells them apart.
fn short(task: &str) -> String {
    let mut text = String::new();
    for word in task.split_inclusive(['-', '_', ' ']) {
        let (word, end) = word.split_at(word.trim_end_matches(['-', '_', ' ']).len());
        let is_id = word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        match word.get(..4).filter(|_| is_id) {
            Some(start) => text.extend([start, "…"]),
            None => text.push_str(word),
        }
        text.push_str(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Code, Message};
    use indicatif::InMemoryTerm;
    use std::time::Instant;

    const STEP: &str = "a_step";

    fn terminal() -> (InMemoryTerm, Terminal) {
        let screen = InMemoryTerm::new(20, 120);
        let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
        (screen, Terminal::new(target, Paint::new(false)))
    }

    fn started(number: usize, title: &str) -> Event {
        Event::StepStarted { step: STEP.into(), number, total: 12, title: title.into() }
    }

    /// Waits until the screen shows what it should: bars are taken away for a moment whenever they are drawn anew.
    fn shows(screen: &InMemoryTerm, is_right: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        while !is_right(&screen.contents()) {
            assert!(begun.elapsed() < Duration::from_secs(10), "{}", screen.contents());
            std::thread::sleep(Duration::from_millis(7));
        }
    }

    #[test]
    fn finished_steps_stay_and_bars_go() {
        let (screen, terminal) = terminal();
        terminal.event(&started(1, "Pull images"));
        terminal.event(&Event::StepFinished {
            step: STEP.into(),
            summary: "4 images".into(),
            elapsed: Duration::from_secs(12),
        });
        terminal.event(&started(4, "Copy Elasticsearch data"));
        let (task, unit) = ("events-log".to_owned(), Unit::Documents);
        terminal.event(&Event::Progress { task, done: 1_500, total: Some(3_000), unit });
        let parts = ["[ 4/12] Copy Elasticsearch data", "events-log", "1,500 of 3,000"];
        shows(&screen, |during| {
            during.starts_with("✓ [ 1/12] Pull images  4 images (12 s)\n")
                && parts.iter().all(|part| during.contains(part))
        });
        terminal.event(&Event::ProgressEnded { task: "events-log".into() });
        terminal.event(&Event::StepFinished {
            step: STEP.into(),
            summary: "3,000 documents".into(),
            elapsed: Duration::from_secs(20),
        });
        let expected =
            "✓ [ 1/12] Pull images  4 images (12 s)\n✓ [ 4/12] Copy Elasticsearch data  3,000 documents (20 s)";
        shows(&screen, |at_last| at_last == expected);
    }

    #[test]
    fn no_line_of_a_large_copy_is_torn_in_eighty_columns() {
        let screen = InMemoryTerm::new(20, 80);
        let terminal = Terminal::new(ProgressDrawTarget::term_like(Box::new(screen.clone())), Paint::new(false));
        terminal.event(&started(4, "Copy Elasticsearch"));
        let task = |end: &str| format!("events-training_stats_scalar-d1bd92a3b039400cbafc60a7a5b1e52b{end}");
        for done in [1_000_000, 2_345_678] {
            let (task, total) = (task(""), Some(12_345_678));
            terminal.event(&Event::Progress { task, done, total, unit: Unit::Documents });
            terminal.event(&Event::Progress { task: "elastic.tar.gz".into(), done, total, unit: Unit::Bytes });
            std::thread::sleep(Duration::from_millis(300));
        }
        let parts = ["2,345,678 of 12,345,678", "/s"];
        shows(&screen, |shown| shown.lines().count() == 3 && parts.iter().all(|part| shown.contains(part)));
    }

    #[test]
    fn ids_in_names_are_shortened() {
        assert_eq!(short("worker_stats_d1bd92a3b039400cbafc60a7a5b1e52b_2020-03"), "worker_stats_d1bd…_2020-03");
        assert_eq!(short("verify events-log-"), "verify events-log-");
    }

    #[test]
    fn an_unfinished_step_leaves_its_heading() {
        let (screen, terminal) = terminal();
        terminal.event(&started(2, "Stop the stack"));
        terminal.event(&Event::Warning(Message::new(Code::Waiting, "It takes long.")));
        terminal.settle();
        // An empty line, for what follows.
        shows(&screen, |at_last| at_last == "Warning: It takes long.\n· [ 2/12] Stop the stack\n");
    }
}
