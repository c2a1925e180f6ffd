//! `elastic` on the data of real stacks, of compose version 2 and of docker-compose 1.29.2: refused while they run, with
//! what to type, and done when that was typed.

use super::words::{command, plain, reasons};
use crate::harness::call::{Outcome, tool};
use crate::harness::elastic_data::ElasticData;
use crate::harness::node::Node;
use crate::harness::stopwatch::Stopwatch;
use crate::harness::tree::Tree;
use clearml_migrate::text::documents;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

const DOCUMENTS: u64 = 5_000;

#[test]
fn a_stack_of_compose_version_2() {
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    refused_while_it_runs_and_moved_when_it_is_down("docker compose up -d", &inherited, "v2");
}

#[test]
fn a_stack_of_docker_compose_1_29() {
    let bed = PathBuf::from(std::env::var_os("CLEARML_BED").unwrap()).join("compose-v1/bin");
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(bed).chain(std::env::split_paths(&inherited))).unwrap();
    refused_while_it_runs_and_moved_when_it_is_down("docker-compose up -d", &path, "v1");
}

fn refused_while_it_runs_and_moved_when_it_is_down(up: &str, path: &OsString, version: &str) {
    let (data, old) = ElasticData::of_a_server(DOCUMENTS);
    let clock = Stopwatch::start();
    let home = data.machine.home().display().to_string();
    let shell = |line: &str| {
        let path = path.to_string_lossy();
        tool("env", &[&format!("PATH={path}"), "sh", "-c", &format!("cd {home} && {line}")])
    };
    shell(up);
    Node::ready();
    clock.tell("up");
    let refused = data.elastic(&["--yes"]).run().refused();
    insta::assert_snapshot!(format!("{version}_runs"), reasons(&data.machine, &refused));
    assert!(!data.target().exists());

    let said = refused.said();
    shell(&command(&said, &format!("cd {home}")));
    clock.tell("down");
    let original = Tree::of(&data.source());
    let done = data.elastic(&["--yes"]).run().done();
    insta::assert_snapshot!(format!("{version}_migrated"), without_times(&plain(&data.machine, &told(&done))));
    let log = fs::read_to_string(data.newest_log()).unwrap();
    for line in done.stdout.lines().filter(|line| !line.trim().is_empty()) {
        assert!(log.contains(line), "the log has no line: {line}\n{log}");
    }
    Tree::of(&data.retired().unwrap()).same_as(&original, "the old data");
    data.nothing_of_the_run_is_left(&["elastic_5.tar.gz", "elastic_7"]);
    done.saying(&documents(old.counts().values().sum()));
    clock.tell("migrated");
}

/// The report, from the plan's end on.
fn told(done: &Outcome) -> String {
    let at = done.stdout.find("Done: ").unwrap_or_else(|| panic!("{done}"));
    done.stdout[at..].to_owned()
}

/// Replaces how long it took.
fn without_times(text: &str) -> String {
    let line = |line: &str| match line.split_once("This run took ") {
        Some((before, _)) => format!("{before}This run took [time]."),
        None => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
