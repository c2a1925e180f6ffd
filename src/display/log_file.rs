//! The log file: everything that was shown, and the details that were not. Kept in memory until it is known where the file
//! belongs; a dry run never opens it, and so writes nothing.

use super::format;
use crate::error::{Context, Result};
use crate::events::{Event, Sink};
use crate::message::Message;
use crate::text;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tracing_subscriber::fmt::MakeWriter;

/// Bytes kept in memory before the file is opened; what comes after them is counted and left out.
const BUFFERED: usize = 4 << 20;
/// The least time between two progress lines of one task.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// A handle to the log; clones write to the same one.
#[derive(Clone, Default)]
pub struct LogFile(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    buffer: Vec<u8>,
    left_out: u64,
    file: Option<(PathBuf, File)>,
    failure: Option<io::Error>,
    /// When a task's progress was last written; at first, when it began.
    progress: HashMap<String, Instant>,
}

impl LogFile {
    /// Opens `path` for appending, making its directory, and writes what was kept so far. Later calls are ignored: the
    /// file stays open, even if its directory is renamed.
    ///
    /// # Errors
    /// Fails when the file cannot be made.
    pub fn open(&self, path: &Path) -> Result<()> {
        let Ok(mut state) = self.0.lock() else { return Ok(()) };
        if state.file.is_some() {
            return Ok(());
        }
        let message = || format!("The log file {} cannot be written.", path.display());
        let hint = "Give another place for it: --log-file FILE";
        let opened = path
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| OpenOptions::new().create(true).append(true).open(path))
            .and_then(|mut file| {
                file.write_all(&state.buffer)?;
                if state.left_out > 0 {
                    writeln!(file, "({} of the log came before this file and are lost)", text::bytes(state.left_out))?;
                }
                Ok(file)
            });
        state.file = Some((path.to_owned(), opened.context(message).map_err(|error| error.hint(hint))?));
        state.buffer = Vec::new();
        Ok(())
    }

    /// Returns the path under which the file was opened.
    pub fn path(&self) -> Option<PathBuf> {
        self.0.lock().ok()?.file.as_ref().map(|(path, _)| path.clone())
    }

    /// Returns the first error in writing, once: a full disk must not stop a run because of its log.
    pub fn take_failure(&self) -> Option<io::Error> {
        self.0.lock().ok()?.failure.take()
    }

    /// Writes a text, each line with the time in front.
    pub fn lines(&self, text: &str) {
        let now = timestamp();
        let stamped: String = text.lines().map(|line| format!("{now} {line}\n")).collect();
        self.raw(console::strip_ansi_codes(&stamped).as_bytes());
    }

    fn raw(&self, bytes: &[u8]) {
        let Ok(mut guard) = self.0.lock() else { return };
        let state = &mut *guard;
        match &mut state.file {
            Some((_, file)) => {
                if let Err(error) = file.write_all(bytes) {
                    state.failure.get_or_insert(error);
                }
            }
            None if state.buffer.len() + bytes.len() <= BUFFERED => state.buffer.extend_from_slice(bytes),
            None => state.left_out += bytes.len() as u64,
        }
    }

    fn progress_is_due(&self, task: &str) -> bool {
        let Ok(mut state) = self.0.lock() else { return false };
        let now = Instant::now();
        match state.progress.get_mut(task) {
            Some(last) if now.duration_since(*last) < PROGRESS_EVERY => false,
            Some(last) => {
                *last = now;
                true
            }
            None => {
                state.progress.insert(task.to_owned(), now);
                false
            }
        }
    }

    fn progress_ended(&self, task: &str) {
        if let Ok(mut state) = self.0.lock() {
            state.progress.remove(task);
        }
    }
}

impl Sink for LogFile {
    fn event(&self, event: &Event) {
        match event {
            Event::StepStarted { number, total, title, .. } => self.lines(&format!("[{number}/{total}] {title}")),
            Event::StepFinished { summary, elapsed, .. } => {
                self.lines(&format!("done: {summary} ({})", text::duration(*elapsed)));
            }
            Event::StepSkipped { number, total, title, reason, .. } => {
                self.lines(&format!("[{number}/{total}] {title}: {reason}"));
            }
            Event::Progress { task, done, total, unit } => {
                if self.progress_is_due(task) {
                    self.lines(&format!("{task}: {}", format::progress(*done, *total, *unit)));
                }
            }
            Event::ProgressEnded { task } => self.progress_ended(task),
            Event::Info(Message { text, .. }) | Event::Detail { text } => self.lines(text),
            Event::Warning(message) => self.lines(&format!("Warning: {}", message.text)),
        }
    }
}

/// Local time to the millisecond, with its offset, as in `2026-11-22T18:25:42.123+01:00`.
fn timestamp() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}

/// The writer of [`tracing`] lines.
#[derive(Clone)]
pub struct LogWriter(LogFile);

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.raw(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = LogWriter;

    fn make_writer(&'a self) -> LogWriter {
        LogWriter(self.clone())
    }
}

struct LocalTime;

impl tracing_subscriber::fmt::time::FormatTime for LocalTime {
    fn format_time(&self, writer: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        writer.write_str(&timestamp())
    }
}

/// Sends what the program traces to the log: our own from `DEBUG`, that of libraries from `WARN`. Once per process; a
/// second call does nothing.
pub fn trace_to(log: &LogFile) {
    use tracing_subscriber::layer::SubscriberExt;
    let levels = tracing_subscriber::filter::Targets::new()
        .with_target(env!("CARGO_CRATE_NAME"), tracing::Level::DEBUG)
        .with_default(tracing::Level::WARN);
    let layer = tracing_subscriber::fmt::layer().with_writer(log.clone()).with_ansi(false).with_timer(LocalTime);
    let subscriber = tracing_subscriber::registry().with(levels).with(layer);
    // Fails only if one is set already, which the documentation above allows.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Code;

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn nothing_is_written_before_the_file_is_opened_and_nothing_is_lost() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log/run.log");
        let log = LogFile::default();
        log.event(&Event::Info(Message::new(Code::Waiting, "first")));
        log.event(&Event::Detail { text: "second".into() });
        assert!(!directory.path().join("log").exists() && log.path().is_none());
        log.open(&path).unwrap();
        log.event(&Event::Warning(Message::new(Code::Waiting, "\u{1b}[31mthird\u{1b}[0m\nfourth")));
        let text = read(&path);
        let without_time: Vec<_> = text.lines().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(without_time, ["first", "second", "Warning: third", "fourth"]);
        assert_eq!(log.path(), Some(path));
    }

    #[test]
    fn a_second_run_appends() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.log");
        for line in ["one", "two"] {
            let log = LogFile::default();
            log.lines(line);
            log.open(&path).unwrap();
        }
        assert_eq!(read(&path).lines().count(), 2);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = LogFile::default().open(&file.join("run.log")).unwrap_err();
        assert!(error.message().contains("file/run.log") && error.hints()[0].contains("--log-file"));
    }

    #[test]
    fn what_does_not_fit_in_memory_is_said_to_be_lost() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.log");
        let log = LogFile::default();
        log.lines(&"x".repeat(BUFFERED));
        log.lines("kept");
        log.open(&path).unwrap();
        let text = read(&path);
        assert!(
            text.contains(" kept\n") && text.contains("(4.0 MiB of the log came before this file and are lost)"),
            "{text}"
        );
    }

    #[test]
    fn tracing_lines_land_in_the_log() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.log");
        let log = LogFile::default();
        log.open(&path).unwrap();
        let layer =
            tracing_subscriber::fmt::fmt().with_writer(log.clone()).with_ansi(false).with_timer(LocalTime).finish();
        tracing::subscriber::with_default(layer, || tracing::info!(index = "events-log", "copying"));
        assert!(read(&path).contains("copying index=\"events-log\""), "{}", read(&path));
    }
}
