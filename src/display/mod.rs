//! What the user sees: the only place that prints.
//!
//! Results (plan, report, status) go to standard output, what happens and what is asked to standard error, and all of it
//! to the log file.

mod error;
pub mod format;
mod lines;
mod log_file;
mod paint;
mod prompt;
mod terminal;

pub use log_file::{LogFile, trace_to};
pub use paint::{Align, Paint, table};
pub use prompt::Choice;

use crate::error::{Error, Result};
use crate::events::{Event, Events, Sink};
use crate::settings;
use indicatif::ProgressDrawTarget;
use lines::Lines;
use std::io::{self, Stderr, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use terminal::Terminal;
use tokio_util::sync::CancellationToken;

/// The least time between two plain lines on one task's progress.
const LINES_EVERY: Duration = Duration::from_secs(5);

/// All that a run shows, asks and logs. Clones share everything.
#[derive(Clone)]
pub struct Display {
    shared: Arc<Shared>,
    settings: settings::Terminal,
    assume_yes: bool,
}

struct Shared {
    screen: Screen,
    log: LogFile,
    warnings: Mutex<Vec<String>>,
    /// A question was asked and has no answer yet.
    is_asking: AtomicBool,
}

enum Screen {
    Terminal(Terminal),
    Lines(Lines<Stderr>),
}

impl Screen {
    fn sink(&self) -> &dyn Sink {
        match self {
            Self::Terminal(terminal) => terminal,
            Self::Lines(lines) => lines,
        }
    }

    fn text(&self, text: &str) {
        match self {
            Self::Terminal(terminal) => terminal.text(text),
            Self::Lines(lines) => lines.text(text),
        }
    }

    fn settle(&self) {
        if let Self::Terminal(terminal) = self {
            terminal.settle();
        }
    }
}

struct Tee(Arc<Shared>);

impl Sink for Tee {
    fn event(&self, event: &Event) {
        let shared = &self.0;
        shared.screen.sink().event(event);
        shared.log.event(event);
        if let Event::Warning(message) = event
            && let Ok(mut warnings) = shared.warnings.lock()
        {
            warnings.push(message.text.clone());
        }
        if let Some(failure) = shared.log.take_failure() {
            shared.screen.text(&format!("Warning: the log file cannot be written any more: {failure}"));
        }
    }
}

impl Display {
    /// Returns a display for what the terminal can do.
    pub fn new(settings: settings::Terminal, assume_yes: bool) -> Self {
        let screen = match settings.bars {
            true => Screen::Terminal(Terminal::new(ProgressDrawTarget::stderr(), Paint::new(settings.color_stderr))),
            false => Screen::Lines(Lines::new(io::stderr(), LINES_EVERY)),
        };
        let shared =
            Shared { screen, log: LogFile::default(), warnings: Mutex::default(), is_asking: AtomicBool::new(false) };
        Self { shared: Arc::new(shared), settings, assume_yes }
    }

    /// Returns a handle for emitting events to the screen and the log.
    pub fn events(&self) -> Events {
        Events::new(Tee(self.shared.clone()))
    }

    /// Returns the log.
    pub fn log(&self) -> &LogFile {
        &self.shared.log
    }

    /// Opens the log file at `path`; what was logged so far goes into it. Never called in a dry run.
    ///
    /// # Errors
    /// Fails when the file cannot be made.
    pub fn open_log(&self, path: &Path) -> Result<()> {
        self.shared.log.open(path)
    }

    /// Returns whether an answer is awaited, or was when the user stopped the program: then nothing else is at work.
    pub fn is_asking(&self) -> bool {
        self.shared.is_asking.load(Ordering::Acquire)
    }

    /// Returns the painter for texts given to [`Display::print`].
    pub fn paint(&self) -> Paint {
        Paint::new(self.settings.color_stdout)
    }

    /// Returns the warnings so far, each once, in order, for the report.
    pub fn warnings(&self) -> Vec<String> {
        let mut seen = Vec::new();
        if let Ok(warnings) = self.shared.warnings.lock() {
            for warning in warnings.iter().filter(|warning| !warning.is_empty()) {
                if !seen.contains(warning) {
                    seen.push(warning.clone());
                }
            }
        }
        seen
    }

    /// Prints a result, such as the plan or the report, on standard output.
    pub fn print(&self, text: &str) {
        self.shared.screen.settle();
        self.shared.log.lines(text);
        print(text);
    }

    /// Shows an error, after taking away whatever moves.
    pub fn error(&self, error: &Error) {
        self.shared.screen.settle();
        self.shared.log.lines(&error::render(error, Paint::new(false)));
        self.shared.screen.text(&error::render(error, Paint::new(self.settings.color_stderr)));
        if let Some(path) = self.shared.log.path() {
            self.shared.screen.text(&format!("The log file is {}.", path.display()));
        }
    }

    /// Asks a question that `--yes` answers; an empty line means no.
    ///
    /// # Errors
    /// Fails when nobody can be asked, or when cancelled.
    pub async fn confirm(&self, question: &str, cancel: &CancellationToken) -> Result<bool> {
        if self.assume_yes {
            self.shared.log.lines(&format!("{question} --yes"));
            return Ok(true);
        }
        let hint = "Give --yes to have it done without being asked.";
        Ok(self.ask(question, &prompt::YES_NO, Some(1), hint, cancel).await? == 0)
    }

    /// Asks which of several things to do, and returns the index in `choices`. `hint` tells what to type where nobody can
    /// be asked.
    ///
    /// # Errors
    /// Fails when nobody can be asked, or when cancelled.
    pub async fn choose(
        &self,
        question: &str,
        choices: &[Choice],
        hint: &str,
        cancel: &CancellationToken,
    ) -> Result<usize> {
        self.ask(question, choices, None, hint, cancel).await
    }

    async fn ask(
        &self,
        question: &str,
        choices: &[Choice],
        default: Option<usize>,
        hint: &str,
        cancel: &CancellationToken,
    ) -> Result<usize> {
        if !self.settings.interactive {
            return Err(prompt::nobody(question, hint));
        }
        self.shared.screen.settle();
        self.shared.is_asking.store(true, Ordering::Release);
        loop {
            write_to(&mut io::stderr(), &prompt::offer(question, choices, default));
            // The terminal shows what was pressed behind the question: what follows begins on a line of its own.
            let answer = prompt::line(prompt::read_stdin, cancel).await.inspect_err(|_| print_error("\n"))?;
            self.shared.log.lines(&format!("{question} {}", answer.trim_end()));
            if let Some(choice) = prompt::interpret(&answer, choices, default) {
                self.shared.is_asking.store(false, Ordering::Release);
                return Ok(choice);
            }
        }
    }
}

/// Prints a text on standard output.
pub fn print(text: &str) {
    write_to(&mut io::stdout(), text);
}

/// Prints a text on standard error, for before a [`Display`] exists and after it.
pub fn print_error(text: &str) {
    write_to(&mut io::stderr(), text);
}

/// Prints an error on standard error, for where there is no [`Display`].
pub fn error(error: &Error, terminal: settings::Terminal) {
    print_error(&error::render(error, Paint::new(terminal.color_stderr)));
}

/// Prints help, or what is wrong with a command line, as clap words it; returns whether it was help.
pub fn usage(error: &clap::Error, terminal: settings::Terminal) -> bool {
    let help = !error.use_stderr();
    let color = if help { terminal.color_stdout } else { terminal.color_stderr };
    let text = if color { error.render().ansi().to_string() } else { error.render().to_string() };
    // As all other errors begin.
    let text = text.replacen("error:", "Error:", 1);
    match help {
        true => print(&text),
        false => print_error(&text),
    }
    help
}

fn write_to(out: &mut dyn Write, text: &str) {
    let newline = if text.ends_with(['\n', ' ']) { "" } else { "\n" };
    // Whoever read this is gone (`| head`, a closed terminal), which is no error of ours.
    let _ = write!(out, "{text}{newline}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Code, Message};

    #[test]
    fn everything_also_goes_into_the_log_and_warnings_are_kept_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.log");
        let display = Display::new(settings::Terminal::default(), false);
        let events = display.events();
        events.detail("a detail");
        events.warn(Message::new(Code::ReadOnly, "It is old."));
        events.warn(Message::new(Code::ReadOnly, "It is old."));
        display.error(&Error::refused("It cannot be done.").hint("Do something else."));
        display.open_log(&path).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        for part in ["a detail", "Warning: It is old.", "Error: It cannot be done.", "Hint: Do something else."] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(display.warnings(), ["It is old."]);
    }

    #[tokio::test]
    async fn without_a_terminal_only_yes_goes_on() {
        let cancel = CancellationToken::new();
        let nobody = Display::new(settings::Terminal::default(), false);
        let error = nobody.confirm("Migrate now?", &cancel).await.unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Refused);
        assert!(error.message().ends_with("Migrate now?") && error.hints()[0].contains("--yes"));
        let yes = Display::new(settings::Terminal::default(), true);
        assert!(yes.confirm("Migrate now?", &cancel).await.unwrap());
        let choices = [Choice { key: 'r', text: "roll back" }];
        let error = yes.choose("What now?", &choices, "Give --on-failure.", &cancel).await.unwrap_err();
        assert_eq!(error.hints(), ["Give --on-failure."]);
    }
}
