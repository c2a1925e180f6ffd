//! Data that are not where the stock files have them: what the process that runs says counts, before anything is
//! stopped, and what cannot outlive its container is refused.
//!
//! Data below a wider mount are moved in `renamed_stacks`, those of containers in
//! `rescue`.

use crate::harness::call::Outcome;
use crate::harness::deployment::Deployment;
use crate::harness::machine::{Everything, Machine};
use crate::harness::node::Node;
use crate::harness::stopwatch::Stopwatch;
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};

const DOCUMENTS: u64 = 5_000;

/// Returns a machine with an old server that does not run, its compose file changed.
fn machine_with(edits: &[(&str, &str)]) -> Machine {
    let machine = Machine::new();
    Deployment::with_documents(DOCUMENTS).killed().on(&machine);
    let mut text = fs::read_to_string(machine.compose_file()).unwrap();
    for (before, after) in edits {
        assert!(text.contains(before), "{before} is not in the compose file");
        text = text.replace(before, after);
    }
    fs::write(machine.compose_file(), text).unwrap();
    machine
}

/// Returns the findings that refuse, and the error.
fn reasons(machine: &Machine, outcome: &Outcome) -> String {
    let lines = outcome.stdout.lines().skip_while(|line| !line.starts_with("refused"));
    let kept: Vec<&str> = lines.take_while(|line| !line.starts_with("warning")).collect();
    machine.redacted(format!("{}\n\n{}", kept.join("\n").trim_end(), outcome.stderr).trim())
}

/// The field fault: the mount of the stock file is there, holds older data, and is not what the node uses. Redis has
/// left its mount by a word of its command.
#[test]
fn data_in_the_containers_of_a_server_that_runs_are_refused_and_nothing_is_stopped() {
    let clock = Stopwatch::start();
    let machine = machine_with(&[
        ("      node.name: trains\n", "      node.name: trains\n      path.data: /var/tmp/es\n"),
        (
            "    container_name: trains-redis\n",
            "    container_name: trains-redis\n    command: redis-server --dir /tmp\n",
        ),
    ]);
    machine.compose(&machine.home(), &["up", "-d", "elasticsearch", "redis", "mongo"]);
    let node = Node::ready();
    node.add_old_event("events-log-onlyhere", "1", &json!({ "task": "t", "msg": "on no disk but the container's" }));
    clock.tell("up");

    let before = Everything::on(&machine);
    let begun = Instant::now();
    let outcome = machine.docker_clearml_migrate(&["--dry-run", "-f", &machine.compose_file()]).run().refused();
    let took = begun.elapsed();
    let forced = machine.docker_clearml_migrate(&["--yes", "-f", &machine.compose_file()]).run().refused();
    before.is_unchanged_on(&machine);
    assert_eq!(node.count("events-log-onlyhere"), 1);
    clock.tell("refused");
    insta::assert_snapshot!(reasons(&machine, &outcome), @r"
    refused  The service elasticsearch keeps /var/tmp/es in its container itself: taking the stack down would lose it. [machine]/opt/trains/data/elastic is mounted at /usr/share/elasticsearch/data, but Elasticsearch does not use it.
             Rescue it into a directory: docker stop trains-elastic && docker cp -a trains-elastic:/var/tmp/es [machine]/opt/trains/data/elasticsearch; then mount [machine]/opt/trains/data/elasticsearch at /var/tmp/es in the compose file, start the stack, see that all is there, and run again.
             Or let this program copy them out, and keep the container: docker clearml migrate -f [machine]/opt/trains/docker-compose.yml --rescue --dry-run
    refused  The service redis keeps /tmp in its container itself: taking the stack down would lose it. [machine]/opt/trains/data/redis is mounted at /data, but Redis does not use it.
             Rescue it into a directory: docker stop trains-redis && docker cp -a trains-redis:/tmp [machine]/opt/trains/data/redis_rescued; then mount [machine]/opt/trains/data/redis_rescued at /tmp in the compose file, start the stack, see that all is there, and run again.
             Or let this program copy them out, and keep the container: docker clearml migrate -f [machine]/opt/trains/docker-compose.yml --rescue --dry-run

    Error: 2 checks refuse the migration; nothing was changed.
    Hint: Do what is said above, then run the same command again.
    ");
    assert_eq!(reasons(&machine, &forced), reasons(&machine, &outcome));
    assert!(took < Duration::from_secs(5), "a dry run that asks all processes took {took:?}");
    machine.compose(&machine.home(), &["down"]);
}

/// What the file says now is not what the containers were made with: the next ones would find nothing.
#[test]
fn a_file_that_was_changed_since_the_containers_were_made_is_refused() {
    let machine = machine_with(&[]);
    machine.compose(&machine.home(), &["create", "elasticsearch", "redis", "mongo"]);
    let text = fs::read_to_string(machine.compose_file()).unwrap();
    let text = text.replace("      node.name: trains\n", "      node.name: trains\n      path.data: /var/tmp/es\n");
    fs::write(machine.compose_file(), text).unwrap();
    let before = Everything::on(&machine);
    let outcome = machine.docker_clearml_migrate(&["--dry-run", "-f", &machine.compose_file()]).run().refused();
    before.is_unchanged_on(&machine);
    machine.compose(&machine.home(), &["down"]);
    insta::assert_snapshot!(reasons(&machine, &outcome), @r"
    refused  The container of elasticsearch keeps its data at /usr/share/elasticsearch/data; by the compose file it would keep them at /var/tmp/es (path.data in its environment).
             Make the compose file say /usr/share/elasticsearch/data again, if that is where your data are; or let compose create elasticsearch anew, if they are where the file says.
    refused  After the migration elasticsearch would keep its data at /var/tmp/es in its container (path.data in its environment), where nothing is mounted; the new data are in [machine]/opt/trains/data/elastic_7.
             Take the setting out of the compose file of elasticsearch, or mount the directory of its data where the setting says, and run the same command again.

    Error: 2 checks refuse the migration; nothing was changed.
    Hint: Do what is said above, then run the same command again.
    ");
}
