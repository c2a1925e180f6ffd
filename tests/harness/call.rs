//! One call of the program, and what came of it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The program watches a new server for a minute before it says "Done". That is tested by itself; in every other run the
/// minute is over as soon as all else is checked.
const SOON_STEADY: &str = "health.steady_due=error@*";
const FAILPOINTS: &str = "CLEARML_MIGRATE_FAILPOINTS";
/// Longer than anything here takes, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(600);

/// A call that has not been made yet.
pub struct Call {
    command: Command,
    output: PathBuf,
}

impl Call {
    /// Returns a call of `command`. Its output goes to files named after `output`: a pipe would stay open as long as
    /// any child of a killed program.
    pub fn new(mut command: Command, output: PathBuf) -> Self {
        command.stdin(Stdio::null()).env(FAILPOINTS, SOON_STEADY);
        // As `LESS_TERMCAP_md=$'\e[01;31m\xff'` in a profile: no call may stumble over what is not UTF-8.
        command.env("LESS_TERMCAP_md", OsStr::from_bytes(b"\x1b[01;31m\xff"));
        command.env(OsStr::from_bytes(b"odd\xffname"), OsStr::from_bytes(b"\xfe"));
        Self { command, output }
    }

    /// Arms failpoints, see `src/failpoints.rs`.
    pub fn failpoints(self, failpoints: &str) -> Self {
        self.env(FAILPOINTS, format!("{failpoints};{SOON_STEADY}"))
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    /// Has another command run this one: its words come behind that one's.
    pub fn behind(mut self, first: &mut Command) -> Self {
        let mut command = Command::new(first.get_program());
        command.args(first.get_args()).arg(self.command.get_program()).args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdin(Stdio::null());
        if let Some(directory) = self.command.get_current_dir() {
            command.current_dir(directory);
        }
        self.command = command;
        self
    }

    /// Changes the working directory.
    pub fn in_directory(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Starts it.
    pub fn start(mut self) -> Running {
        let (stdout, stderr) = (self.output.with_extension("out"), self.output.with_extension("err"));
        self.command.stdout(File::create(&stdout).unwrap()).stderr(File::create(&stderr).unwrap());
        let shown = shown(&self.command);
        let child = self.command.spawn().unwrap_or_else(|error| panic!("{shown}: {error}"));
        Running { child, shown, stdout, stderr, begun: Instant::now() }
    }

    /// Makes it and waits for its end.
    pub fn run(self) -> Outcome {
        self.start().wait()
    }
}

/// The words of a command, with the failpoints in front.
fn shown(command: &Command) -> String {
    let failpoints = command.get_envs().find(|(name, _)| *name == FAILPOINTS);
    let failpoints = failpoints.and_then(|(_, value)| Some(format!("[{}] ", value?.to_string_lossy())));
    let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    format!("{}{}", failpoints.unwrap_or_default(), words.join(" "))
}

/// A call that was made and goes on.
pub struct Running {
    child: Child,
    shown: String,
    stdout: PathBuf,
    stderr: PathBuf,
    begun: Instant,
}

impl Running {
    /// Waits for its end.
    pub fn wait(self) -> Outcome {
        self.wait_looking(|_| {})
    }

    /// Waits for its end, and meanwhile looks at the process by its id, again and again.
    pub fn wait_looking(mut self, mut look: impl FnMut(u32)) -> Outcome {
        loop {
            look(self.child.id());
            if let Some(status) = self.child.try_wait().unwrap() {
                return self.outcome(status);
            }
            assert!(self.begun.elapsed() < LIMIT, "{} does not end: {}", self.shown, self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends SIGKILL to the program alone as soon as `moment` has come.
    pub fn kill_when(mut self, moment: impl FnMut() -> bool) -> Outcome {
        self.wait_for(moment);
        self.child.kill().unwrap();
        self.wait()
    }

    /// Sends a signal to the program alone.
    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until `moment` has come, which must be before the program ends.
    pub fn wait_for(&mut self, mut moment: impl FnMut() -> bool) {
        while !moment() {
            if let Some(status) = self.child.try_wait().unwrap() {
                let outcome = self.outcome(status);
                panic!("it ended before the moment had come\n{outcome}");
            }
            assert!(self.begun.elapsed() < LIMIT, "{}: the moment never comes: {}", self.shown, self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn said(&self) -> String {
        [&self.stdout, &self.stderr].map(|file| std::fs::read_to_string(file).unwrap()).join("\n")
    }

    fn outcome(&self, status: ExitStatus) -> Outcome {
        let read = |file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned();
        Outcome { status, stdout: read(&self.stdout), stderr: read(&self.stderr), shown: self.shown.clone() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only a failed test leaves it running.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// What came of a call.
pub struct Outcome {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    shown: String,
}

impl Outcome {
    /// Requires exit code 0.
    #[track_caller]
    pub fn done(self) -> Self {
        self.with_code(0)
    }

    /// Requires exit code 3: a check refused, nothing was changed.
    #[track_caller]
    pub fn refused(self) -> Self {
        self.with_code(3)
    }

    /// Requires this exit code.
    #[track_caller]
    pub fn with_code(self, code: i32) -> Self {
        assert!(self.status.code() == Some(code), "exit code {code} expected\n{self}");
        self
    }

    /// Returns whether it died of SIGKILL.
    pub fn was_killed(&self) -> bool {
        self.status.signal() == Some(9)
    }

    /// Requires that it died of SIGKILL.
    #[track_caller]
    pub fn killed(self) -> Self {
        assert!(self.was_killed(), "death by SIGKILL expected\n{self}");
        self
    }

    /// Requires that it said this, on either stream; runs of blanks and line ends count as one blank.
    #[track_caller]
    pub fn saying(self, text: &str) -> Self {
        assert!(one_line(&self.said()).contains(&one_line(text)), "expected it to say: {text}\n{self}");
        self
    }

    /// Returns all that it said: standard output, then standard error.
    pub fn said(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}\n-- stdout\n{}\n-- stderr\n{}", self.shown, self.status, self.stdout, self.stderr)
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs a tool of the test itself and returns its standard output. Panics, with all it said, unless it succeeds.
#[track_caller]
pub fn tool(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> String {
    let output = Command::new(&program).args(arguments).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.as_ref().display()));
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let shown = program.as_ref().display();
    assert!(output.status.success(), "{shown} {}: {}\n{stdout}\n{stderr}", arguments.join(" "), output.status);
    stdout
}
