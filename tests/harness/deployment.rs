//! An old server with data: Trains Server 0.15.1 as `tests/testbed/deployment` makes it.
//!
//! Making one takes a minute, so each kind is made once, asked all that a test will want to compare, stopped, and kept
//! as an archive in the bed's cache. A test gets it unpacked in its own home.

use super::call::tool;
use super::machine::Machine;
use super::node::Node;
use super::say;
use super::server::Server;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the API server takes Elasticsearch for one that starts: as long as usual, and looking more often.
pub const LOOKS_OFTEN: &str = "elastic { probing { max_retries: 120, timeout: 1 } }\n";
/// For a Java that lives for seconds.
pub const QUICK_START: &str = "-XX:TieredStopAtLevel=1";
/// How many experiments are compared through the API.
const SAMPLE: usize = 6;

/// Which old server is wanted.
pub struct Deployment {
    documents: u64,
    killed: bool,
    patient: bool,
}

impl Deployment {
    /// Returns the wish for a server with so many documents.
    pub fn with_documents(documents: u64) -> Self {
        Self { documents, killed: false, patient: false }
    }

    /// Elasticsearch was killed: its last operations are in the translog only.
    pub fn killed(self) -> Self {
        Self { killed: true, ..self }
    }

    /// Its servers get docker's 10 seconds to end, which they do not use, and the new API server looks for Elasticsearch every
    /// 30 seconds, as with a user's files. Otherwise the files say one second, for the tests that stop and start them again
    /// and again.
    pub fn patient(self) -> Self {
        Self { patient: true, ..self }
    }

    /// Puts the server into the machine's home: all files, no container.
    pub fn on(self, machine: &Machine) -> OldServer {
        let kept = self.kept();
        let home = machine.home();
        fs::create_dir_all(&home).unwrap();
        let [archive, target] = [kept.join("home.tar"), home.clone()].map(|path| path.display().to_string());
        tool(
            "tar",
            &["--extract", "--numeric-owner", "--same-permissions", "--file", &archive, "--directory", &target],
        );
        // The compose file names the directory that it was made for.
        let compose = home.join("docker-compose.yml");
        let text = fs::read_to_string(&compose).unwrap();
        let text = text.replace(&building(&kept).display().to_string(), &target);
        fs::write(&compose, if self.patient { text } else { impatient(&text) }).unwrap();
        if !self.patient {
            let configuration = home.join("config/apiserver.conf");
            let text = fs::read_to_string(&configuration).unwrap();
            fs::write(configuration, format!("{text}{LOOKS_OFTEN}")).unwrap();
        }
        OldServer { home, kept }
    }

    /// Returns the directory in the cache, filled.
    fn kept(&self) -> PathBuf {
        let cache = PathBuf::from(std::env::var_os("CLEARML_BED").expect("the bed sets CLEARML_BED")).join("cache");
        let end = if self.killed { "killed" } else { "stopped" };
        let kept = cache.join(format!("{}-{end}-{}", self.documents, recipe()));
        if !kept.join("home.tar").exists() {
            self.make(&kept);
        }
        kept
    }

    fn make(&self, kept: &Path) {
        say(&format!("making a server with {} documents, once", self.documents));
        let home = building(kept);
        let home_name = home.display().to_string();
        let manifest = PathBuf::from(format!("{home_name}-manifest"));
        let script = |arguments: &[&str]| tool(testbed("deployment/deployment.sh"), arguments);
        script(&["destroy", &home_name]);
        let tail = if self.killed { self.documents / 40 } else { 0 };
        script(&["create", &home_name, "--documents", &self.documents.to_string(), "--tail", &tail.to_string()]);
        let tasks = manifest.join("tasks.ndjson");
        ask("5", &tasks, &manifest.join("answers.json"));
        let shown = Server::ready("0.15.1").shown(&sample(&tasks));
        fs::write(manifest.join("shown.json"), shown.to_string()).unwrap();
        if self.killed {
            script(&["kill", &home_name]);
        }
        script(&["stop", &home_name]);
        let archive = manifest.join("home.tar").display().to_string();
        tool(
            "tar",
            &["--create", "--format=posix", "--numeric-owner", "--file", &archive, "--directory", &home_name, "."],
        );
        fs::create_dir_all(kept.parent().unwrap()).unwrap();
        let _ = fs::remove_dir_all(kept);
        tool("mv", &[&manifest.display().to_string(), &kept.display().to_string()]);
        script(&["destroy", &home_name]);
        fs::remove_dir(home.parent().unwrap()).unwrap();
    }
}

/// The compose file with one second for all that hear no stop signal, and a Java that does not compile for speed: a node that
/// lives for seconds starts with half the work.
fn impatient(text: &str) -> String {
    let line = |line: &str| {
        let more = if line.contains("image: allegroai/trains") { "    stop_grace_period: 1s\n" } else { "" };
        format!("{line}\n{more}")
    };
    let impatient: String = text.lines().map(line).collect();
    assert_eq!(impatient.matches("stop_grace_period").count(), 4);
    let heap = "ES_JAVA_OPTS: '-Xms1g -Xmx1g";
    assert!(impatient.contains(heap));
    impatient.replace(heap, &format!("{heap} {QUICK_START}"))
}

/// Where a deployment is made, before its home is archived.
fn building(kept: &Path) -> PathBuf {
    let name = kept.file_name().unwrap().to_string_lossy().into_owned();
    Path::new("/var/tmp").join(format!("clearml-migrate-making-{name}")).join("trains")
}

fn testbed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testbed").join(name)
}

/// The hash of everything that a deployment is made of or asked with.
fn recipe() -> String {
    let mut files = BTreeMap::new();
    for directory in ["data", "deployment", "images", "questions"] {
        read(&testbed(directory), &mut files);
    }
    for asking in ["deployment.rs", "server.rs"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/harness").join(asking);
        files.insert(path.clone(), fs::read(path).unwrap());
    }
    let mut hash = Sha256::new();
    for (path, content) in files {
        // Wherever the project lies.
        hash.update(path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display().to_string());
        hash.update(content);
    }
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

fn read(directory: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "__pycache__") {
                read(&path, files);
            }
        } else {
            let content = fs::read(&path).unwrap();
            files.insert(path, content);
        }
    }
}

/// Asks the node on port 9200 the recorded questions, in the words of its version, and writes the answers down.
fn ask(dialect: &str, tasks: &Path, answers: &Path) {
    Node::ready();
    let [tasks, answers] = [tasks, answers].map(|path| path.display().to_string());
    let program = testbed("questions/ask.py").display().to_string();
    let node = ["--elastic", "http://localhost:9200", "--dialect", dialect];
    tool("python3", &[&["-B", &program], &node[..], &["--tasks", &tasks, "--output", &answers]].concat());
}

/// A few experiments, evenly spread, the first (the largest) and the last (written just before the kill) among them.
fn sample(tasks: &Path) -> Vec<String> {
    let text = fs::read_to_string(tasks).unwrap();
    let all: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = all.len() - 1;
    (0..SAMPLE).map(|number| all[number * last / (SAMPLE - 1)]["id"].as_str().unwrap().to_owned()).collect()
}

/// The old server on a machine, and all that is known about it.
pub struct OldServer {
    home: PathBuf,
    kept: PathBuf,
}

impl OldServer {
    /// Returns a few of its experiments.
    pub fn sample(&self) -> Vec<String> {
        sample(&self.kept.join("tasks.ndjson"))
    }

    /// Returns what it showed of them.
    pub fn shown(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.kept.join("shown.json")).unwrap()).unwrap()
    }

    /// Returns the number of documents of each index that is the server's own.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let manifest: Value =
            serde_json::from_str(&fs::read_to_string(self.kept.join("manifest.json")).unwrap()).unwrap();
        let indices = manifest["indices"].as_object().unwrap();
        indices.iter().map(|(name, index)| (name.clone(), index["documents"].as_u64().unwrap())).collect()
    }

    /// Starts it and waits until it answers.
    pub fn start(&self) {
        tool(testbed("deployment/deployment.sh"), &["start", &self.home.display().to_string()]);
    }

    /// Stops it; its containers stay.
    pub fn stop(&self) {
        tool(testbed("deployment/deployment.sh"), &["stop", &self.home.display().to_string()]);
    }

    /// Asks the new node what the old one was asked, and requires equal answers, but for the two kinds of questions
    /// whose rounding has changed between the versions. Returns the summary.
    #[track_caller]
    pub fn compare_answers(&self, machine: &Machine) -> String {
        let now = machine.path("answers.json");
        ask("7", &self.kept.join("tasks.ndjson"), &now);
        let [before, now] = [self.kept.join("answers.json"), now].map(|path| path.display().to_string());
        tool("python3", &["-B", &testbed("questions/compare.py").display().to_string(), &before, &now])
    }

    /// Requires that the node on port 9200 holds as many documents as the old one did, index by index.
    #[track_caller]
    pub fn assert_counts(&self) {
        let node = Node::ready();
        let found: BTreeMap<String, u64> =
            self.counts().into_keys().map(|name| (name.clone(), node.count(&name))).collect();
        assert_eq!(found, self.counts());
    }
}
