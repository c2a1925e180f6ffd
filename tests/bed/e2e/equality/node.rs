//! Nodes straight from their distributions, and what fills and asks them.

use crate::golden::{Documents, parse_lines};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/lucene");
const LIMIT: Duration = Duration::from_secs(180);

/// Where a node keeps its data, and where it is to be found.
pub struct Place {
    directory: tempfile::TempDir,
    version: &'static str,
    port: u16,
}

impl Place {
    /// Returns an empty one.
    pub fn new(version: &'static str, port: u16) -> Self {
        let directory = tempfile::tempdir().unwrap();
        // The node runs as nobody.
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        Self { directory, version, port }
    }

    /// Returns the directory that Elasticsearch knows as `path.data`.
    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub fn version(&self) -> &'static str {
        self.version
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// Leaves in all shards what a node leaves that is killed while it closes a generation of the translog: of the copy
    /// of the checkpoint there is the name, and nothing else yet.
    pub fn interrupt_closing(&self) {
        for directory in self.translogs() {
            let generation = |name: String| name.strip_prefix("translog-")?.strip_suffix(".tlog")?.parse::<i64>().ok();
            let newest = names(&directory).into_iter().filter_map(generation).max().unwrap();
            File::create(directory.join(format!("translog-{newest}.ckp"))).unwrap();
        }
    }

    /// Completes such copies. A node of 5.x does not do that itself, and refuses the shard.
    fn complete_closing(&self) {
        for directory in self.translogs() {
            for copy in names(&directory).iter().filter(|name| name.ends_with(".ckp")) {
                let copy = directory.join(copy);
                if copy.metadata().unwrap().len() == 0 {
                    fs::copy(directory.join("translog.ckp"), copy).unwrap();
                }
            }
        }
    }

    /// Returns the directories of all translogs.
    fn translogs(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut waiting = vec![self.data()];
        while let Some(directory) = waiting.pop() {
            if directory.ends_with("translog") {
                found.push(directory);
                continue;
            }
            waiting.extend(names(&directory).iter().map(|name| directory.join(name)).filter(|path| path.is_dir()));
        }
        found
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// A node that runs.
pub struct Node<'a> {
    place: &'a Place,
    process: Child,
}

/// Something that writes to a node until that ends.
pub struct Bulks(Child);

impl Bulks {
    /// Waits until it has noticed that its node ended.
    pub fn ended(mut self) {
        assert!(self.0.wait().unwrap().success());
    }
}

impl<'a> Node<'a> {
    /// Starts a node and waits until it has recovered its shards.
    pub fn start(place: &'a Place) -> Self {
        if place.data().exists() {
            place.complete_closing();
        }
        let log = File::create(place.log()).unwrap();
        let process = Command::new(Path::new(SCRIPTS).join("node.sh"))
            .args(["run", place.version])
            .arg(place.data())
            .arg(place.port.to_string())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut node = Self { place, process };
        let begun = Instant::now();
        while !node.has_recovered() {
            let ended = node.process.try_wait().unwrap();
            let is_late = begun.elapsed() > LIMIT;
            assert!(ended.is_none() && !is_late, "{} does not come up: {}", place.version, node.end_of_log());
            std::thread::sleep(Duration::from_millis(300));
        }
        node
    }

    fn has_recovered(&self) -> bool {
        let url = format!("http://127.0.0.1:{}/_cluster/health?wait_for_status=yellow&timeout=1s", self.place.port);
        let answer = Command::new("curl")
            .args(["--silent", "--noproxy", "*", "--fail", "--max-time", "5", &url])
            .output()
            .unwrap();
        // One that waited in vain answers, too.
        answer.status.success() && String::from_utf8_lossy(&answer.stdout).contains("\"timed_out\":false")
    }

    fn end_of_log(&self) -> String {
        let log = fs::read_to_string(self.place.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn script(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("python3");
        command.arg(Path::new(SCRIPTS).join(name)).arg(self.place.port.to_string()).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, name: &str, arguments: &[&str]) -> Vec<u8> {
        let output = self.script(name, arguments).stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "{name} {arguments:?} of {}: {}", self.place.version, self.end_of_log());
        output.stdout
    }

    /// Fills a node of Elasticsearch 5, as `documents.py` has it.
    pub fn fill(&self, scenario: &str) {
        self.run("documents.py", &[scenario]);
    }

    /// Starts to write without end.
    pub fn write_without_end(&self) -> Bulks {
        Bulks(self.script("documents.py", &["bulks"]).stdout(Stdio::null()).spawn().unwrap())
    }

    /// Returns what a node of Elasticsearch 5 serves.
    pub fn served(&self) -> Documents {
        parse_lines(self.run("documents.py", &["truth"]).as_slice())
    }

    /// Fills a node of Elasticsearch 7 or 8, as `target.py` has it, and returns what it serves, `unflushed` left out.
    pub fn fill_target(&self) -> Documents {
        parse_lines(self.run("target.py", &[self.place.version]).as_slice())
    }

    /// Returns what a node of Elasticsearch 7 or 8 serves.
    pub fn served_by_target(&self) -> Documents {
        parse_lines(self.run("target.py", &[self.place.version, "truth"]).as_slice())
    }

    /// Ends it as it should be ended.
    pub fn stop(mut self) {
        kill_process(Pid::from_child(&self.process), Signal::TERM).unwrap();
        self.process.wait().unwrap();
    }

    /// Ends it as a crash does.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Node<'_> {
    fn drop(&mut self) {
        // Of a test that failed: asked, as the one of Elasticsearch 8 is only a launcher.
        if let Ok(None) = self.process.try_wait() {
            let _ = kill_process(Pid::from_child(&self.process), Signal::TERM);
            let _ = self.process.wait();
        }
    }
}
