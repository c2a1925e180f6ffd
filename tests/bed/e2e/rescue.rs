//! A server that keeps its data in its containers: refused without a word to them, or rescued, moved and brought back.

use crate::harness::call::tool;
use crate::harness::deployment::{Deployment, OldServer};
use crate::harness::docker::{self, docker};
use crate::harness::machine::Machine;
use crate::harness::node::Node;
use crate::harness::server::{Server, assert_shows_the_same};
use crate::harness::stopwatch::Stopwatch;
use serde_json::json;
use std::fs;
use std::path::Path;

const DOCUMENTS: u64 = 10_000;
/// Where Elasticsearch is told to keep its data: beside its mount.
const PLACE: &str = "/var/tmp/es";
/// An index that was made after somebody had set `path.data`, so that it is nowhere but in the container. No experiment's: the
/// health check asks the API for those.
const ONLY_HERE: &str = "worker_stats_d1bd92a3b039400cbafc60a7a5b1e52b_2019-01";
const ELASTIC: &str = "trains-elastic";

#[test]
fn data_that_only_containers_hold_are_rescued_moved_and_served_again_after_a_rollback() {
    let machine = Machine::new();
    let old = in_containers(&machine);
    let clock = Stopwatch::start();
    let container = id(ELASTIC);

    let before = docker::Objects::now();
    let refused = machine.docker_clearml_migrate(&["--yes"]).run().refused();
    refused.saying("elasticsearch keeps /var/tmp/es in its container itself").saying("--rescue");
    docker::Objects::now().same_as(&before);
    let plan = machine.docker_clearml_migrate(&["--rescue", "--dry-run"]).run().done();
    plan.saying("trains-elastic:/var/tmp/es (")
        .saying("is not removed, as it holds the only copy of")
        .saying("15 indices:");
    docker::Objects::now().same_as(&before);
    clock.tell("refused and planned");

    // Killed in the middle of a file, and gone on with.
    let call = || machine.migrate(&["--rescue", "--yes"]);
    call().failpoints("files.unpack.entry=kill@40").run().killed();
    clock.tell("killed");
    let done = machine.migrate(&["--yes"]).run().done();
    done.saying("equal to what the containers hold").saying("docker rm -v trains-elastic_migrated_");
    clock.tell("migrated");
    is_all_there(&machine, &old);
    assert_eq!(restart_policy(&container), "no");
    let status = machine.migrate(&["status"]).run().done();
    status.saying("The container trains-elastic_migrated_").saying("docker rm -v");

    machine.docker_clearml_migrate(&["rollback", "--yes"]).run().done().saying("the old server runs again");
    let shown = Server::ready("0.15.1").shown(&old.sample());
    assert_shows_the_same(&old.shown(), &shown, "the old server after a rollback");
    assert_eq!(Node::ready().count(ONLY_HERE), 3);
    assert_eq!(id(ELASTIC), container, "it is the same container, with its data");
    assert_eq!(restart_policy(&container), "unless-stopped");
    for name in ["elasticsearch", "redis"] {
        assert!(!machine.home().join("data").join(name).exists(), "what was copied out for {name} is still there");
    }
    clock.tell("rolled back");

    // Once the container is gone there is no way back, nor is it tried: what was copied out stays.
    call().failpoints("step.back_up.started=kill").run().killed();
    let kept = docker(&["ps", "--all", "--filter", "name=trains-elastic_migrated_", "--format", "{{.Names}}"]);
    docker(&["rm", "-v", kept.trim()]);
    let before = docker::Objects::now();
    let refused = machine.docker_clearml_migrate(&["rollback", "--yes"]).run().refused();
    refused.saying("is not there any more");
    docker::Objects::now().same_as(&before);
    assert!(machine.home().join("data/elasticsearch/nodes").is_dir());
    clock.tell("rescued again, without a way back");
}

/// Starts a server whose Elasticsearch works beside its mount, and whose Redis has none.
fn in_containers(machine: &Machine) -> OldServer {
    let old = Deployment::with_documents(DOCUMENTS).on(machine);
    let home = machine.home();
    let text = fs::read_to_string(machine.compose_file()).unwrap();
    let redis = format!("    volumes:\n    - {}/data/redis:/data\n", home.display());
    assert!(text.contains(&redis) && text.contains("      xpack.security.enabled: \"false\"\n"));
    let text = text.replace(&redis, "");
    let setting = "      xpack.security.enabled: \"false\"\n";
    fs::write(machine.compose_file(), text.replace(setting, &format!("{setting}      path.data: {PLACE}\n"))).unwrap();
    machine.compose(&home, &["create"]);
    put(&home.join("data"), "elastic", ELASTIC, PLACE);
    put(&home.join("data"), "redis", "trains-redis", "/data");
    tool("rm", &["-r", &home.join("data/redis").display().to_string()]);
    old.start();
    Server::ready("0.15.1");
    for number in 0..3 {
        let event =
            json!({ "task": "t", "msg": format!("line {number}"), "timestamp": 1_592_300_000_000_u64 + number });
        Node::ready().add_old_event(ONLY_HERE, &number.to_string(), &event);
    }
    old
}

/// Puts a directory into a container that was created and not started, with its owners.
fn put(beside: &Path, name: &str, container: &str, place: &str) {
    let place = Path::new(place);
    let (parent, last) = (place.parent().unwrap().display(), place.file_name().unwrap().display());
    let tar = format!("tar -C {} --transform 's,^{name},{last},' -c {name}", beside.display());
    tool("sh", &["-c", &format!("{tar} | docker cp - {container}:{parent}")]);
}

fn is_all_there(machine: &Machine, old: &OldServer) {
    let server = Server::ready("1.1.1");
    old.assert_counts();
    assert_eq!(Node::ready().count(ONLY_HERE), 3);
    assert_shows_the_same(&old.shown(), &server.shown(&old.sample()), "the new server");
    let mounted =
        docker(&["inspect", "--format", "{{range .Mounts}}{{.Source}}:{{.Destination}} {{end}}", "clearml-elastic"]);
    let new = format!("{}/data/elasticsearch_7:{PLACE}", machine.new_home().display());
    assert!(mounted.contains(&new), "{mounted}");
}

fn id(name: &str) -> String {
    docker(&["inspect", "--format", "{{.Id}}", name]).trim().to_owned()
}

fn restart_policy(id: &str) -> String {
    docker(&["inspect", "--format", "{{.HostConfig.RestartPolicy.Name}}", id]).trim().to_owned()
}
