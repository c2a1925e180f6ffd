//! MongoDB's files on their way to release 1.1: every document is read in both, at once and later; a server that was killed
//! is recovered by its own image; and what is not read is refused before anything happens.

use crate::harness::call::{Call, tool};
use crate::harness::deployment::{Deployment, OldServer};
use crate::harness::docker::{self, docker};
use crate::harness::machine::{Everything, Machine};
use crate::harness::server::{Server, assert_shows_the_same};
use crate::harness::stopwatch::Stopwatch;
use crate::harness::tree::Tree;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const DOCUMENTS: u64 = 5_000;
/// What was written last before a server was killed.
const LAST: &str = "written-last-of-all";

struct Moved {
    machine: Machine,
    old: OldServer,
}

impl Moved {
    /// A server whose MongoDB was stopped cleanly, and that does not run.
    fn new() -> Self {
        let machine = Machine::new();
        let old = Deployment::with_documents(DOCUMENTS).on(&machine);
        let server = Self { machine, old };
        assert!(server.data().join("WiredTiger.turtle").is_file(), "the old MongoDB has left no files of WiredTiger");
        server
    }

    fn data(&self) -> PathBuf {
        self.machine.home().join("data/mongo/db")
    }

    fn migrate(&self, more: &[&str]) -> Call {
        self.machine.migrate(&[&["-f", &self.machine.compose_file()], more].concat())
    }

    fn shows_the_same(&self) {
        assert_shows_the_same(&self.old.shown(), &Server::ready("1.1.1").shown(&self.old.sample()), "the new server");
    }

    /// One more document is in the log only.
    fn kill(&self) {
        let engine = Command::new("tests/testbed/lib/wiredtiger.sh").output().unwrap();
        let engine = String::from_utf8(engine.stdout).unwrap();
        let status = Command::new("tests/fixtures/wiredtiger/unclean.py")
            .env("PYTHONPATH", engine.trim_end())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .arg(self.data())
            .args(["backend.project", LAST])
            .status();
        assert_eq!(status.unwrap().code(), None, "it was not killed");
    }
}

/// Runs Python in an image that has a client of MongoDB, in the new server's network.
fn ask_mongo(script: &str) -> String {
    let script = format!("import pymongo\nbackend = pymongo.MongoClient('mongodb://mongo')['backend']\n{script}");
    let run = ["run", "--rm", "--network", "clearml_backend", "--label", "com.docker.compose.project=clearml"];
    docker(&[&run[..], &["--entrypoint", "python3", "allegroai/clearml:1.1.1", "-c", &script]].concat())
}

#[test]
fn every_document_is_compared_with_the_copy_and_at_any_later_time() {
    let server = Moved::new();
    let (machine, clock) = (&server.machine, Stopwatch::start());
    let before = Tree::of(&server.data());
    let done = server.migrate(&["--yes"]).run().done().saying("collections, every one equal");
    done.saying("collections of MongoDB, every one compared").saying("Copied of MongoDB").saying("backend.task: ");
    server.shows_the_same();
    clock.tell("forward");

    let verify = || machine.migrate(&["verify", "--home", &machine.new_home().display().to_string()]);
    let stop = "docker stop --time 180 clearml-elastic clearml-mongo";
    verify().run().refused().saying("is used by the container clearml-mongo").saying(stop);
    docker(&["stop", "--time", "180", "clearml-elastic", "clearml-mongo"]);
    let compared = verify().run().done().saying("are there, and as they were");
    let compared =
        compared.saying("Compared but for the fields that the new release rewrites").saying("backend.task: ");
    // The stamps of the migrations.
    compared.saying("Added since: ").saying("backend.versions: ");
    clock.tell("compared");

    docker(&["start", "clearml-elastic", "clearml-mongo"]);
    let task = server.old.sample()[0].clone();
    let lose = "import time; time.sleep(3)\nprint(backend['queue'].delete_many({}).deleted_count)\n";
    let change = format!("backend['task'].update_one({{'_id': '{task}'}}, {{'$set': {{'name': 'another'}}}})");
    assert!(ask_mongo(&format!("{lose}{change}")).trim().parse::<u64>().unwrap() > 0);
    docker(&["stop", "--time", "180", "clearml-elastic", "clearml-mongo"]);
    verify()
        .run()
        .with_code(4)
        .saying("backend.queue: ")
        .saying(&format!("{task} has another content"))
        .saying("missing");
    clock.tell("compared after something was lost");

    machine.migrate(&["rollback", "--no-start", "--yes"]).run().done();
    Tree::of(&server.data()).same_as(&before, "the old MongoDB");
    server.migrate(&["--yes"]).run().done().saying("collections, every one equal");
    server.shows_the_same();
    clock.tell("back and forward");
}

#[test]
fn a_server_that_was_killed_is_recovered_by_its_own_image_and_compared_with_its_log() {
    let server = Moved::new();
    let clock = Stopwatch::start();
    server.kill();
    let before = Tree::of(&server.data());
    let log_only = "MongoDB was not stopped cleanly: the newest changes of backend.project are in its log only";
    server.migrate(&["--dry-run"]).run().done().saying(log_only);
    // Killed while the image works on the copy: the next try begins with another one.
    server.migrate(&["--yes"]).failpoints("docker.exec=kill").run().killed();
    assert_eq!(docker::left_by_runs().len(), 1);
    server.migrate(&["--yes"]).run().done().saying("recovered by mongo:3.6.5 and equal to what its log has");
    clock.tell("forward");
    assert_eq!(docker::left_by_runs(), Vec::<String>::new());
    let found = ask_mongo(&format!("print(backend['project'].count_documents({{'_id': '{LAST}'}}))"));
    assert_eq!(found.trim(), "1", "what was in the log only");
    server.shows_the_same();
    server.machine.migrate(&["rollback", "--no-start", "--yes"]).run().done();
    Tree::of(&server.data()).same_as(&before, "the old MongoDB");
    clock.tell("back");
}

#[test]
fn a_server_that_has_lost_its_log_is_recovered_as_far_as_its_image_can() {
    let server = Moved::new();
    fs::remove_dir_all(server.data().join("journal")).unwrap();
    server.migrate(&["--dry-run"]).run().done().saying("MongoDB was not stopped cleanly").saying("is missing");
    server
        .migrate(&["--yes"])
        .run()
        .done()
        .saying("recovered by mongo:3.6.5")
        .saying("as mongo:3.6.5 has recovered them");
    server.shows_the_same();
}

#[test]
fn data_that_are_not_read_are_refused_before_anything_happens() {
    let server = Moved::new();
    let file = |name: &str| server.data().join(name).display().to_string();
    tool("mv", &[&file("WiredTiger.turtle"), &file("turtle")]);
    let everything = Everything::on(&server.machine);
    server.migrate(&["--yes"]).run().refused().saying("has lost the file that says where its data begin");
    everything.is_unchanged_on(&server.machine);
    for entry in fs::read_dir(server.data()).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() { fs::remove_dir_all(entry).unwrap() } else { fs::remove_file(entry).unwrap() }
    }
    for name in ["backend.ns", "backend.0", "mongod.lock"] {
        fs::write(file(name), "").unwrap();
    }
    server.migrate(&["--yes"]).run().refused().saying("MMAPv1").saying("mongodump --out DIR");
}
