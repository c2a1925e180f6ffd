//! Stopped in the middle of the copy, in each of the ways in which that happens; and a second run beside the first.

use super::words::{from, plain};
use crate::harness::call::{Outcome, Running};
use crate::harness::docker;
use crate::harness::elastic_data::{ElasticData, names_in};
use crate::harness::stopwatch::Stopwatch;
use crate::harness::tree::Tree;
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::process::Command;
use std::time::Duration;

const DOCUMENTS: u64 = 5_000;
/// The second index waits for a while in its first bulk request: long enough to be met there.
const IN_THE_COPY: &str = "elastic.bulk=sleep:3000@2";

#[test]
fn however_it_is_stopped_in_the_copy_it_says_how_to_go_on_and_does() {
    let (data, old) = ElasticData::of_a_server(DOCUMENTS);
    let clock = Stopwatch::start();
    let original = Tree::of(&data.source());
    let after_all = |name: &str, said: &str| {
        assert_eq!(docker::left_by_runs(), Vec::<String>::new(), "after {name}");
        Tree::of(&data.source()).same_as(&original, "the old data");
        clock.tell(name);
        plain(&data.machine, said)
    };

    let mut first = begun(&data);
    copying(&data, &mut first);
    let second = data.elastic(&["--yes"]).run();
    insta::assert_snapshot!("second_run", plain(&data.machine, from(&second.refused().stderr, "Error:")));
    first.signal(Signal::INT);
    let said = after_all("SIGINT", &stopped(first.wait()));
    insta::assert_snapshot!("stopped", said);

    let mut run = begun(&data);
    copying(&data, &mut run);
    run.signal(Signal::TERM);
    assert_eq!(after_all("SIGTERM", &stopped(run.wait())), said);

    let name = format!("docker_cli_rough_{}", std::process::id());
    let socket = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let call = data.elastic(&["--yes", "--no-backup"]).failpoints(IN_THE_COPY);
    let mut run = call.env("DOCKER_CLI_PLUGIN_SOCKET", format!("@{name}")).start();
    let (docker, _) = socket.accept().unwrap();
    copying(&data, &mut run);
    drop(docker);
    assert_eq!(after_all("the end of docker's socket", &stopped(run.wait())), said);

    in_a_terminal_that_is_closed(&data);
    let log = fs::read_to_string(data.newest_log()).unwrap();
    assert!(
        log.contains("Stopping at the next safe point") && log.contains("Stopped on request in step 2 of 4"),
        "{log}"
    );
    assert!(log.contains("Go on: docker-clearml-migrate elastic --source"), "{log}");
    after_all("a closed terminal", "");

    let done = data.elastic(&["--yes", "--no-backup"]).run().done().saying("Upgrade completed.");
    done.saying("copied already");
    Tree::of(&data.retired().unwrap()).same_as(&original, "the old data");
    data.nothing_of_the_run_is_left(&["elastic_7"]);
    data.with_new_node(|_| old.assert_counts());
    clock.tell("finished");
}

fn begun(data: &ElasticData) -> Running {
    data.elastic(&["--yes", "--no-backup"]).failpoints(IN_THE_COPY).start()
}

/// Waits until a run has finished an index and made the next one. What an earlier run had half-made gets a new name.
fn copying(data: &ElasticData, run: &mut Running) {
    let before = indices(data);
    run.wait_for(|| indices(data).difference(&before).count() > 1);
    std::thread::sleep(Duration::from_millis(300));
}

fn indices(data: &ElasticData) -> BTreeSet<String> {
    let dir = data.target().join("nodes/0/indices");
    if dir.is_dir() { names_in(&dir).into_iter().collect() } else { BTreeSet::new() }
}

/// Requires exit code 130, and returns what was said from the wish to stop on.
fn stopped(outcome: Outcome) -> String {
    let outcome = outcome.with_code(130);
    from(&outcome.stderr, "Stopping").to_owned()
}

/// Gives the program a terminal, and closes its other end in the middle of the copy, as a lost connection does.
fn in_a_terminal_that_is_closed(data: &ElasticData) {
    const SCRIPT: &str = "
import os, pty, select, sys
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
while not os.path.exists(sys.argv[1]):
    if select.select([terminal], [], [], 0.05)[0]:
        os.read(terminal, 65536)
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
";
    let now = data.machine.path("close-the-terminal");
    let call = data.elastic(&["--yes", "--no-backup"]).failpoints(IN_THE_COPY);
    let call = call.behind(Command::new("python3").args(["-c", SCRIPT]).arg(&now));
    let mut run = call.start();
    copying(data, &mut run);
    fs::write(&now, "").unwrap();
    run.wait().with_code(130);
}
