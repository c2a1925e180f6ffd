//! One whole migration with real servers: seen before, moved, used, taken back, and moved again.
//!
//! `CLEARML_TEST_DOCUMENTS` sets another number of documents.

use crate::harness::call::Outcome;
use crate::harness::deployment::{Deployment, LOOKS_OFTEN, OldServer};
use crate::harness::docker;
use crate::harness::machine::{Everything, Machine};
use crate::harness::node::Node;
use crate::harness::say;
use crate::harness::server::{Server, assert_shows_the_same};
use crate::harness::stopwatch::Stopwatch;
use crate::harness::tree::Tree;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENTS: u64 = 200_000;

#[test]
fn a_server_moves_is_used_comes_back_and_moves_again() {
    let machine = Machine::new();
    let old = Deployment::with_documents(documents()).killed().patient().on(&machine);
    // Containers that are stopped, as after a crash of the machine: nothing writes to the data from here on.
    machine.compose(&machine.home(), &["create"]);
    let originals = Originals::of(&machine.home());
    let begun = Stopwatch::start();

    a_dry_run_changes_nothing(&machine);
    begun.tell("dry run");
    let report = machine.docker_clearml_migrate(&["--yes", "-f", &machine.compose_file()]).run().done();
    begun.tell("migration");
    the_report_says_what_users_need(&machine, &old, &report);
    nothing_of_the_run_is_left();
    the_compose_file_is_still_the_users(&machine, &originals);
    plain_compose_knows_the_new_server(&machine);
    the_new_server_shows_the_same(&machine, &old);
    begun.tell("comparing");
    an_event_sent_again_overwrites(&old);
    a_task_that_is_reset_loses_all_its_events(&old);
    begun.tell("using it");

    a_rollback_says_what_it_would_set_aside(&machine, &old);
    begun.tell("what was recorded");
    machine.docker_clearml_migrate(&["rollback", "--no-start", "--yes"]).run().done();
    originals.are_back_in(&machine.home());
    assert!(!machine.new_home().exists(), "the new home is still there");
    assert_eq!(docker::running("trains"), Vec::<String>::new(), "--no-start");
    begun.tell("rollback --no-start");

    machine.docker_clearml_migrate(&["rollback", "--yes"]).run().done();
    let shown = Server::ready("0.15.1").shown(&old.sample());
    assert_shows_the_same(&old.shown(), &shown, "the old server after a rollback");
    begun.tell("rollback");

    // This time from a server that runs, and found by what runs. The usual half minute between two looks for Elasticsearch was
    // waited for by the first one.
    looks_often(&machine);
    somebody_works_with(&Server::ready("0.15.1"));
    let check = machine.docker_clearml_migrate(&["check"]).run().done();
    // Some of the generated ones are in progress, too.
    check.saying(" experiments are in progress: ").saying("1 agent is connected: gpu-1:0.");
    let report = machine.docker_clearml_migrate(&["--yes"]).run().done();
    servers_that_hear_no_stop_signal_are_not_waited_for(&report);
    nothing_of_the_run_is_left();
    the_new_server_shows_the_same(&machine, &old);
    begun.tell("second migration");
}

fn looks_often(machine: &Machine) {
    let configuration = machine.home().join("config/apiserver.conf");
    let text = fs::read_to_string(&configuration).unwrap();
    fs::write(configuration, format!("{text}{LOOKS_OFTEN}")).unwrap();
}

fn documents() -> u64 {
    std::env::var("CLEARML_TEST_DOCUMENTS").map_or(DOCUMENTS, |number| number.parse().unwrap())
}

fn a_dry_run_changes_nothing(machine: &Machine) {
    let before = Everything::on(machine);
    let plan = machine.docker_clearml_migrate(&["--dry-run", "-f", &machine.compose_file()]).run().done();
    before.is_unchanged_on(machine);
    // What it would do: where from and to, what is kept, the change of the compose file, the way back.
    let plan = plan.saying(&format!("{} → {}", machine.home().display(), machine.new_home().display()));
    let plan = plan.saying("data/elastic_migrated_").saying("elasticsearch:7.6.2").saying("data/fileserver");
    let plan = plan.saying("-    image: allegroai/trains:latest").saying("+    image: allegroai/clearml:1.1.1");
    plan.saying("rollback");
}

fn the_report_says_what_users_need(machine: &Machine, old: &OldServer, report: &Outcome) {
    let said = report.said();
    let total: u64 = old.counts().values().sum();
    let digits: String = said.chars().filter(|c| !matches!(c, ',' | ' ' | '_' | '\u{202f}' | '\u{a0}')).collect();
    assert!(digits.contains(&format!("{total}documents")), "the report does not count {total} documents\n{report}");
    let new_home = machine.new_home();
    for wanted in ["elastic_migrated_", "rollback", "rm -r", "trains.conf", "clearml.conf", "clearml-agent"] {
        assert!(said.contains(wanted), "the report does not mention {wanted}\n{report}");
    }
    assert!(said.contains(&new_home.display().to_string()), "the report does not say where it is now\n{report}");
    let logs: Vec<PathBuf> = files_in(&new_home.join(".clearml-migrate/log"));
    let [log] = logs.as_slice() else { panic!("one log file expected: {logs:?}") };
    assert!(fs::read_to_string(log).unwrap().contains("elastic_migrated_"), "the report is not in the log file");
}

/// A task that reports, and an agent as it registers itself: for ten minutes, in Redis.
fn somebody_works_with(server: &Server) {
    let task = json!({ "id": "0a".repeat(16), "name": "fine tuning", "status": "in_progress" });
    server.call("testbed.put_tasks", &json!({ "tasks": [task] }));
    let key = "worker_d1bd92a3b039400cbafc60a7a5b1e52b_jane_gpu-1:0";
    let entry = json!({ "key": key, "id": "gpu-1:0", "ip": "10.0.0.7" }).to_string();
    docker::docker(&["exec", "trains-redis", "redis-cli", "-n", "4", "setex", key, "600", &entry]);
}

/// The API and file servers get docker's 10 seconds and not the databases' three minutes, one after the other.
fn servers_that_hear_no_stop_signal_are_not_waited_for(report: &Outcome) {
    let said = report.said();
    let (_, took) = said.split_once("project trains is down (").unwrap_or_else(|| panic!("{report}"));
    let took = took.split(')').next().unwrap();
    let seconds: f64 = took.strip_suffix(" s").unwrap_or("").parse().unwrap_or_else(|_| panic!("it took {took}"));
    assert!((10.0..45.0).contains(&seconds), "it took {took}");
    say(&format!("the old server was down after {took}"));
}

fn nothing_of_the_run_is_left() {
    assert_eq!(docker::left_by_runs(), Vec::<String>::new());
    assert_eq!(docker::running("trains"), Vec::<String>::new(), "the old server runs");
}

/// Every comment and every customisation of the fixture survives, and the originals are kept.
fn the_compose_file_is_still_the_users(machine: &Machine, originals: &Originals) {
    let new = fs::read_to_string(machine.new_compose_file()).unwrap();
    let comments = originals.compose.lines().filter_map(|line| line.split_once('#').map(|(_, comment)| comment.trim()));
    for comment in comments {
        assert!(new.contains(comment), "the comment \"{comment}\" is gone:\n{new}");
    }
    for kept in ["-Xms1g -Xmx1g", "\"9200:9200\"", "internalQueryExecMaxBlockingSortBytes", "TRAINS_FILES_HOST"] {
        let renamed = kept.replace("TRAINS_", "CLEARML_");
        assert!(new.contains(kept) || new.contains(&renamed), "{kept} is gone:\n{new}");
    }
    let home = machine.home().display().to_string();
    let stale = new.lines().find(|line| !line.starts_with('#') && line.contains(&home));
    assert_eq!(stale, None, "it still names the old home");
    for (name, text) in [("docker-compose.yml", &originals.compose), (".env", &originals.env)] {
        let kept = files_in(&machine.new_home());
        let kept = kept
            .iter()
            .find(|path| path.file_name().unwrap().to_string_lossy().starts_with(&format!("{name}_migrated_")));
        let kept = kept.unwrap_or_else(|| panic!("the original {name} is not kept"));
        assert_eq!(&fs::read_to_string(kept).unwrap(), text, "{} is not the original", kept.display());
    }
}

fn plain_compose_knows_the_new_server(machine: &Machine) {
    let services = machine.compose(&machine.new_home(), &["ps", "--services", "--status", "running"]);
    for service in ["apiserver", "elasticsearch", "fileserver", "mongo", "redis", "webserver"] {
        assert!(services.lines().any(|line| line == service), "{service} does not run:\n{services}");
    }
}

fn the_new_server_shows_the_same(machine: &Machine, old: &OldServer) {
    let server = Server::ready("1.1.1");
    old.assert_counts();
    assert_shows_the_same(&old.shown(), &server.shown(&old.sample()), "the new server");
    say(&old.compare_answers(machine));
}

/// The new server writes without routing and with the ids of old: what it writes again must replace what was copied.
fn an_event_sent_again_overwrites(old: &OldServer) {
    let server = Server::ready("1.1.1");
    let task = old.sample()[0].clone();
    let totals = server.totals(&task);
    for kind in ["training_stats_scalar", "plot", "training_debug_image"] {
        let events = server.events(&task, kind);
        assert!(!events.is_empty(), "the task has no {kind}");
        let again: Vec<Value> = events.into_iter().take(500).map(marked).collect();
        server.add_events(&again);
        let now = server.events(&task, kind);
        let overwritten = now.iter().filter(|event| event["worker"] == "sent again").count();
        assert_eq!(overwritten, again.len(), "{kind}: overwritten");
    }
    assert_eq!(server.totals(&task), totals, "events sent again have become duplicates");
}

fn marked(mut event: Value) -> Value {
    event["worker"] = json!("sent again");
    event
}

fn a_task_that_is_reset_loses_all_its_events(old: &OldServer) {
    let (server, node) = (Server::ready("1.1.1"), Node::ready());
    let sample = old.sample();
    for task in [&sample[0], sample.last().unwrap()] {
        assert!(node.events_of(task) > 0, "task {task} has no events");
        server.call("tasks.reset", &json!({ "task": task, "force": true }));
        assert_eq!(node.events_of(task), 0, "events of task {task} are left");
    }
}

fn a_rollback_says_what_it_would_set_aside(machine: &Machine, old: &OldServer) {
    let (server, node) = (Server::ready("1.1.1"), Node::ready());
    for name in ["one", "two"] {
        server.call("tasks.create", &json!({ "name": name, "type": "training" }));
    }
    let recorded = |told: Outcome| {
        let told = told
            .saying("Recorded since the migration, by the numbers of documents")
            .saying("2 experiments in backend.task (");
        let reset = old.counts().into_iter().find(|(index, documents)| node.count(index) < *documents);
        let (index, documents) = reset.unwrap_or_else(|| panic!("no event was deleted"));
        told.saying(&format!("fewer in {index} ({}", with_commas(documents)));
    };
    recorded(machine.docker_clearml_migrate(&["rollback", "--dry-run"]).run().done());
    // The server keeps working, and a stopped one is known by its files.
    machine.compose(&machine.new_home(), &["stop", "apiserver", "elasticsearch", "mongo"]);
    let told = machine.docker_clearml_migrate(&["rollback", "--dry-run"]).run().done();
    told.saying("in MongoDB: not known, as it does not run").saying("fewer in events-");
    machine.compose(&machine.new_home(), &["start", "elasticsearch", "mongo", "apiserver"]);
}

fn with_commas(number: u64) -> String {
    clearml_migrate::text::count(number)
}

/// All that a rollback must bring back, as it was in the stopped old server.
struct Originals {
    data: Vec<(&'static str, Tree)>,
    compose: String,
    env: String,
}

impl Originals {
    const DATA: [&str; 6] =
        ["data/elastic", "data/mongo/db", "data/mongo/configdb", "data/redis", "data/fileserver", "config"];

    fn of(home: &Path) -> Self {
        let read = |name: &str| fs::read_to_string(home.join(name)).unwrap();
        let data: Vec<_> = Self::DATA.iter().map(|name| (*name, Tree::of(&home.join(name)))).collect();
        assert!(data.iter().all(|(_, tree)| !tree.is_empty()));
        Self { data, compose: read("docker-compose.yml"), env: read(".env") }
    }

    #[track_caller]
    fn are_back_in(&self, home: &Path) {
        let now = Self::of(home);
        for ((name, before), (_, now)) in self.data.iter().zip(&now.data) {
            now.same_as(before, name);
        }
        assert_eq!(now.compose, self.compose);
        assert_eq!(now.env, self.env);
    }
}

fn files_in(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
}
