//! Child processes: docker's own command line, run to its end or stopped politely.

use crate::error::{Error, Result};
use std::collections::VecDeque;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// How many last lines of standard error an error shows.
const LAST_LINES: usize = 20;
/// How long a child may take to end after SIGINT, before it is killed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A child that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) stdout: String,
    pub(super) last_lines: Vec<String>,
}

impl Ended {
    /// Returns the last words on standard error as a cause, without warnings unless there is nothing else.
    pub(super) fn said(&self) -> anyhow::Error {
        match self.last_lines.is_empty() {
            false => anyhow::anyhow!("{}", last_words(&self.last_lines)),
            true => anyhow::anyhow!("it ended with {} and said nothing", self.status),
        }
    }
}

/// Returns what matters of the last lines on standard error: no warnings unless there is nothing else, and of a Python
/// program's trace (docker-compose 1.x) only the error itself.
pub(super) fn last_words(lines: &[String]) -> String {
    let is_warning = |line: &&String| {
        // docker-compose 1.x writes no level where there is no terminal.
        line.contains("level=warning") || line.ends_with("variable is not set. Defaulting to a blank string.")
    };
    let is_of_trace = |line: &&String| line.starts_with(' ') || line.starts_with("Traceback (most recent call last)");
    let traced = lines.iter().any(|line| line.starts_with("  File \"") || line.starts_with("Traceback (most recent"));
    let words: Vec<&str> =
        lines.iter().filter(|line| !(is_warning(line) || traced && is_of_trace(line))).map(String::as_str).collect();
    match (traced, words.last()) {
        (_, None) => lines.join("\n"),
        (true, Some(error)) => (*error).to_owned(),
        (false, Some(_)) => words.join("\n"),
    }
}

/// Runs a command to its end. Standard output is returned whole; standard error goes to the log, its last lines are
/// returned. The child gets a process group of its own, so that Ctrl-C reaches it only through `cancel`: compose
/// would otherwise drop what it does before we know.
///
/// # Errors
/// Cancelled, after the child has ended; failed when it cannot be started. Its exit code is not looked at.
pub(super) async fn run(mut command: Command, cancel: &CancellationToken) -> Result<Ended> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    // Without the environment: it may hold passwords.
    tracing::debug!("{program} starts with {:?}", command.as_std().get_args().collect::<Vec<_>>());
    let cannot = |cause: std::io::Error| Error::failed(format!("`{program}` cannot be run.")).because(cause);
    let mut child = command.spawn().map_err(cannot)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let read_stdout = async {
        let mut bytes = Vec::new();
        if let Some(mut stdout) = stdout {
            stdout.read_to_end(&mut bytes).await?;
        }
        std::io::Result::Ok(bytes)
    };
    let read_stderr = async {
        let mut last: VecDeque<String> = VecDeque::new();
        let Some(stderr) = stderr else { return std::io::Result::Ok(last) };
        let mut lines = BufReader::new(stderr).split(b'\n');
        while let Some(line) = lines.next_segment().await? {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            tracing::debug!("{program}: {line}");
            if last.len() == LAST_LINES {
                last.pop_front();
            }
            if !line.is_empty() {
                last.push_back(line);
            }
        }
        Ok(last)
    };
    let outputs = async { tokio::join!(read_stdout, read_stderr) };
    let ended = async { tokio::join!(outputs, wait_or_stop(&mut child, cancel)) };
    let ((stdout, last_lines), status) = ended.await;
    let status = status.map_err(cannot)?;
    if cancel.is_cancelled() {
        return Err(Error::cancelled());
    }
    Ok(Ended {
        status,
        stdout: String::from_utf8_lossy(&stdout.map_err(cannot)?).into_owned(),
        last_lines: last_lines.map_err(cannot)?.into(),
    })
}

async fn wait_or_stop(child: &mut Child, cancel: &CancellationToken) -> std::io::Result<ExitStatus> {
    tokio::select! {
        status = child.wait() => return status,
        () = cancel.cancelled() => interrupt(child),
    }
    match tokio::time::timeout(PATIENCE, child.wait()).await {
        Ok(status) => status,
        Err(_) => {
            kill_group(child);
            child.kill().await?;
            child.wait().await
        }
    }
}

#[cfg(unix)]
fn signal_group(child: &Child, signal: rustix::process::Signal) {
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(Err(error)) = group.map(|group| rustix::process::kill_process_group(group, signal)) {
        tracing::debug!("a child cannot be signalled: {error}");
    }
}

#[cfg(unix)]
fn interrupt(child: &mut Child) {
    signal_group(child, rustix::process::Signal::INT);
}

#[cfg(unix)]
fn kill_group(child: &mut Child) {
    signal_group(child, rustix::process::Signal::KILL);
}

/// Windows has no signal that another process group's console program would take politely.
#[cfg(not(unix))]
fn interrupt(child: &mut Child) {
    kill_group(child);
}

#[cfg(not(unix))]
fn kill_group(child: &mut Child) {
    if let Err(error) = child.start_kill() {
        tracing::debug!("a child cannot be killed: {error}");
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn output_is_whole_and_the_end_of_stderr_is_kept() {
        let script = "i=0; while [ $i -lt 30000 ]; do echo out; echo err $i >&2; i=$((i+1)); done; exit 7";
        let ended = run(shell(script), &CancellationToken::new()).await.unwrap();
        assert_eq!(ended.status.code(), Some(7));
        assert_eq!(ended.stdout.len(), 30000 * 4);
        assert_eq!(ended.last_lines.len(), LAST_LINES);
        assert_eq!(ended.last_lines.last().map(String::as_str), Some("err 29999"));
    }

    #[tokio::test]
    async fn warnings_do_not_hide_the_error() {
        let script = "echo 'time=1 level=warning msg=unset' >&2; echo 'yaml: line 3' >&2; exit 1";
        let ended = run(shell(script), &CancellationToken::new()).await.unwrap();
        assert_eq!(ended.said().to_string(), "yaml: line 3");
    }

    #[test]
    fn of_a_trace_only_the_error_is_told() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let trace = "Traceback (most recent call last):\n  File \"m.py\", line 1\n    x\nKeyError: 'a'\n\nDuring handling:\n  File \"n.py\"\nIOError: b";
        assert_eq!(last_words(&lines(trace)), "IOError: b");
        let unset = "The U variable is not set. Defaulting to a blank string.";
        assert_eq!(last_words(&lines(&format!("{unset}\nis invalid because:\n  x"))), "is invalid because:\n  x");
        assert_eq!(last_words(&lines(unset)), unset);
    }

    #[tokio::test]
    async fn a_cancelled_child_is_asked_to_end_and_waited_for() {
        // As the program does: without a handler, a SIGINT that whoever runs the tests ignores (a shell, for what it runs
        // in the background) would be ignored by the child too.
        let _handler = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).unwrap();
        let cancel = CancellationToken::new();
        let file = tempfile::NamedTempFile::new().unwrap();
        let script = format!(
            "trap 'echo asked >{}; exit 0' INT; echo ready; while :; do sleep 0.05; done",
            file.path().display()
        );
        let stopper = cancel.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(400)).await;
            stopper.cancel();
        });
        let error = run(shell(&script), &cancel).await.unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Cancelled);
        assert_eq!(std::fs::read_to_string(file.path()).unwrap(), "asked\n");
    }
}
