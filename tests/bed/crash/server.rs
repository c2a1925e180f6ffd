//! Killed with SIGKILL anywhere, the same command finishes; and what somebody changed in between is not lost.
//!
//! One migration is killed again and again, each time further on, and at the
//! end everything is there. Failpoints (`src/failpoints.rs`) make the moment exact.

use crate::harness::deployment::{Deployment, OldServer};
use crate::harness::docker;
use crate::harness::kills::{Kills, Way};
use crate::harness::machine::Machine;
use crate::harness::node::Node;
use crate::harness::server::{Server, assert_shows_the_same};
use crate::harness::stopwatch::Stopwatch;
use crate::harness::tree::Tree;
use serde_json::json;
use std::fs;
use std::path::Path;

const DOCUMENTS: u64 = 5_000;

/// Where a migration is killed, in the order in which it comes there.
const FORWARD: [&str; 25] = [
    "step.pull_images.started=kill",
    "docker.compose_down=kill",
    "step.stop_stack.applied=kill",
    "files.archive.entry=kill@9",
    "files.archive.verify=kill",
    "docker.start=kill",
    "elastic.create_index=kill@3",
    "transfer.checkpoint_due=error;transfer.checkpoint=kill",
    "elastic.bulk=kill@2",
    "elastic.flush=kill",
    "step.copy_elastic.applied=kill",
    "step.verify_elastic.started=kill",
    "files.copy.file=kill@2",
    "step.copy_redis.applied=kill",
    "step.retire_sources.started=kill",
    // Every rename of the switch: one is done by each run, and the next one kills it.
    "files.rename=kill@1",
    "files.rename=kill@2",
    "files.rename=kill@2",
    "files.rename=kill@2",
    "files.rename=kill@2",
    "step.move_home.applied=kill",
    "files.write_new=kill@2",
    "step.rewrite_compose.applied=kill",
    "docker.compose_up=kill",
    "step.check_health.started=kill",
];

/// Where a rollback is killed.
const BACK: [&str; 10] = [
    "step.check_health.undo=kill",
    "docker.compose_down=kill",
    "step.rewrite_compose.undo=kill",
    "step.move_home.undo=kill",
    "files.rename=kill@1",
    "files.rename=kill@2",
    "files.rename=kill@2",
    "step.copy_mongo.undo=kill",
    "step.stop_stack.undo=kill",
    "docker.compose_up=kill",
];

#[test]
fn a_migration_that_is_killed_anywhere_finishes_and_so_does_its_rollback() {
    let machine = Machine::new();
    let old = Deployment::with_documents(DOCUMENTS).killed().on(&machine);
    let homes = [machine.home(), machine.new_home()];
    let mut kills = Kills::of(homes.map(|home| home.join(".clearml-migrate/journal")).to_vec());

    for (number, place) in FORWARD.into_iter().enumerate() {
        let typed = ways_to_type_it(&machine, number);
        kills.add(Way::There, place, typed.shown(), migrate(&machine, &typed).failpoints(place).run());
    }
    migrate(&machine, &Typed::Nothing).run().done();
    kills.finished(Way::There);
    everything_is_there(&old);
    assert_eq!(docker::left_by_runs(), Vec::<String>::new());

    for (number, place) in BACK.into_iter().enumerate() {
        let typed = ways_to_type_it(&machine, number);
        kills.add(Way::Back, place, typed.shown(), roll_back(&machine, &typed).failpoints(place).run());
    }
    roll_back(&machine, &Typed::Nothing).run().done();
    kills.finished(Way::Back);
    kills.print_and_require_every_step("migrate");

    let shown = Server::ready("0.15.1").shown(&old.sample());
    assert_shows_the_same(&old.shown(), &shown, "the old server after a rollback");
    assert!(!machine.new_home().exists());
}

#[test]
fn a_rollback_that_was_killed_brings_every_byte_back() {
    let machine = Machine::new();
    let _old = Deployment::with_documents(DOCUMENTS).killed().on(&machine);
    let data = |name: &str| Tree::of(&machine.home().join("data").join(name));
    let names = ["elastic", "mongo/db", "mongo/configdb", "redis", "fileserver"];
    let before = names.map(data);
    let compose = fs::read(machine.compose_file()).unwrap();

    let clock = Stopwatch::start();
    // Half-way through the switch, where the most is on its way.
    let half = migrate(&machine, &Typed::OldFile).failpoints("step.start_stack.started=kill");
    half.run().killed();
    clock.tell("killed after the switch");
    for place in ["files.rename=kill@1", "files.rename=kill@3", "step.copy_elastic.undo=kill", "files.remove_tree=kill"]
    {
        machine.migrate(&["rollback", "--no-start", "--yes"]).failpoints(place).run().killed();
    }
    machine.migrate(&["rollback", "--no-start", "--yes"]).run().done();
    clock.tell("taken back");

    for (name, before) in names.iter().zip(&before) {
        data(name).same_as(before, name);
    }
    assert_eq!(fs::read(machine.compose_file()).unwrap(), compose);
    assert_eq!(docker::left_by_runs(), Vec::<String>::new());
    assert_eq!(leftovers(&machine.home()), Vec::<String>::new());
}

#[test]
fn what_the_old_server_recorded_in_between_is_copied_too() {
    let machine = Machine::new();
    let old = Deployment::with_documents(DOCUMENTS).killed().on(&machine);
    let clock = Stopwatch::start();
    migrate(&machine, &Typed::OldFile).failpoints("step.copy_elastic.started=kill").run().killed();
    // Whatever wrote to the data since they were backed up: the archive is to hold what is migrated.
    let index = machine.home().join("data/elastic/nodes/0/indices");
    let written = fs::File::open(
        files_below(&index).into_iter().find(|file| file.extension().is_some_and(|end| end == "tlog")).unwrap(),
    );
    written.unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    let again = migrate(&machine, &Typed::OldFile).failpoints("step.copy_redis.started=kill").run().killed();
    again.saying("changed since it was backed up, so it is backed up again");
    // Somebody gives up waiting and uses the old server for a while.
    let task = old.sample()[0].clone();
    clock.tell("killed after the copy");
    old.start();
    Node::ready().add_old_event(LOG_INDEX, NEW_EVENT, &new_event(&task));
    old.stop();
    clock.tell("the old server was used");
    // Whatever the journal has of it when it is cut off, nothing of the outdated copy is taken for done.
    let noticed = migrate(&machine, &Typed::OldFile).failpoints("files.journal_append=kill@2").run().killed();
    noticed.saying("changed since it was copied");
    // The copy that does not hold any more is removed, and the one who waits loses patience again.
    let outdated = migrate(&machine, &Typed::OldFile).failpoints("step.copy_elastic.undo=kill").run().killed();
    outdated.saying("changed since it was copied");
    let finished = migrate(&machine, &Typed::OldFile).run().done();
    assert!(!finished.said().contains("Verify Elasticsearch: done by an earlier run"), "{finished}");
    clock.tell("copied again and finished");
    let found = Node::ready().find(LOG_INDEX, "worker", "in-between");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["_id"], NEW_EVENT);
    assert_eq!(found[0]["_source"], new_event(&task));
    let mut expected = old.counts();
    *expected.get_mut(LOG_INDEX).unwrap() += 1;
    let node = Node::ready();
    let events = expected.iter().filter(|(name, _)| name.starts_with("events-"));
    for (index, count) in events {
        assert_eq!(node.count(index), *count, "{index}");
    }
}

#[test]
fn killed_while_the_new_server_starts_it_finishes() {
    let machine = Machine::new();
    let old = Deployment::with_documents(DOCUMENTS).killed().on(&machine);
    let clock = Stopwatch::start();
    migrate(&machine, &Typed::OldFile).failpoints("docker.compose_up=kill").run().killed();
    clock.tell("killed before up");
    // The program dies, compose goes on for a while, and the user types at once.
    let up = migrate(&machine, &Typed::OldFile).start();
    up.kill_when(|| !docker::running("clearml").is_empty()).killed();
    clock.tell("killed during up");
    let mut check = migrate(&machine, &Typed::OldFile).failpoints("step.check_health.started=sleep:3000").start();
    check.wait_for(|| journal(&machine).contains("\"step\":\"check_health\""));
    check.signal(rustix::process::Signal::INT);
    let stopped = check.wait().with_code(130).saying("The new server is left as it is");
    assert!(!journal(&machine).contains("\"failed\""), "stopped, not failed: {stopped}");
    // It works, whoever looks at it: what is recorded from now on is the user's.
    let server = Server::ready("1.1.1");
    Node::ready().add_new_event(LOG_INDEX, NEW_EVENT, &new_event("a task of the new server"));
    clock.tell("stopped while it was checked, and used");
    let finished = migrate(&machine, &Typed::OldFile).run().done();
    assert!(!finished.said().contains("fresh copies"), "{finished}");
    assert_eq!(Node::ready().find(LOG_INDEX, "worker", "in-between").len(), 1);
    assert_shows_the_same(&old.shown(), &server.shown(&old.sample()), "the new server");
    clock.tell("finished");
}

fn journal(machine: &Machine) -> String {
    fs::read_to_string(machine.new_home().join(".clearml-migrate/journal")).unwrap_or_default()
}

const LOG_INDEX: &str = "events-log-d1bd92a3b039400cbafc60a7a5b1e52b";
const NEW_EVENT: &str = "0123456789abcdef0123456789abcdef";

fn new_event(task: &str) -> serde_json::Value {
    json!({
        "type": "log", "task": task, "timestamp": 1_594_800_000_000_u64, "@timestamp": "2020-07-15T08:00:00.000Z",
        "level": "info", "worker": "in-between", "msg": "written between two tries", "metric": "", "variant": "",
    })
}

/// How the server is named by whoever types the command again.
#[derive(Debug, Clone, Copy)]
enum Typed {
    OldFile,
    NewFile,
    Nothing,
}

impl Typed {
    fn shown(self) -> &'static str {
        match self {
            Self::OldFile => "-f old",
            Self::NewFile => "-f new",
            Self::Nothing => "",
        }
    }
}

/// All three in turn; the new file only once it is there.
fn ways_to_type_it(machine: &Machine, number: usize) -> Typed {
    match number % 3 {
        0 => Typed::OldFile,
        1 if machine.new_home().exists() => Typed::NewFile,
        // The first run has to be told: nothing runs, and nothing is known yet.
        _ if machine.state_dir().exists() => Typed::Nothing,
        _ => Typed::OldFile,
    }
}

fn arguments(machine: &Machine, typed: &Typed) -> Vec<String> {
    match typed {
        Typed::OldFile => vec!["-f".to_owned(), machine.compose_file()],
        Typed::NewFile => vec!["-f".to_owned(), machine.new_compose_file()],
        Typed::Nothing => Vec::new(),
    }
}

fn migrate(machine: &Machine, typed: &Typed) -> crate::harness::call::Call {
    let file = arguments(machine, typed);
    let mut words = vec!["--yes"];
    words.extend(file.iter().map(String::as_str));
    machine.migrate(&words)
}

fn roll_back(machine: &Machine, typed: &Typed) -> crate::harness::call::Call {
    let file = arguments(machine, typed);
    let mut words = vec!["rollback", "--yes"];
    words.extend(file.iter().map(String::as_str));
    machine.migrate(&words)
}

fn everything_is_there(old: &OldServer) {
    let server = Server::ready("1.1.1");
    old.assert_counts();
    assert_shows_the_same(&old.shown(), &server.shown(&old.sample()), "the new server");
}

fn files_below(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// Returns what the program has left in the data directory, by the names that it gives.
fn leftovers(home: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for directory in ["data", "data/mongo"] {
        let names = fs::read_dir(home.join(directory)).unwrap().map(|entry| entry.unwrap().file_name());
        found.extend(names.map(|name| name.to_string_lossy().into_owned()));
    }
    let ours = |name: &String| {
        ["_migrated_", "clearml-migrate", "elastic_7", "_clearml"].iter().any(|part| name.contains(part))
    };
    found.into_iter().filter(ours).collect()
}
