//! Steps on a platform in memory: what they ask of it, in which order, and what they leave there.

use super::{Options, Run, keep, node, preserve, rescue, start_stack, stop_stack};
use crate::docker::Exit;
use crate::events::Events;
use crate::journal::{Journal, Record, sample::opened};
use crate::plan::{InTheWay, Placement, Plan, Rescue, sample};
use crate::platform::fake::Fake;
use crate::role::Role;
use std::path::Path;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

const VOLUME: &str = "clearml_mongo";

/// A run of a plan on an empty platform, with the steps that were begun and where it was committed.
fn run(plan: Plan, begun: &[&str]) -> (Run, Fake, TempDir) {
    let (fake, place) = (Fake::default(), tempfile::tempdir().unwrap());
    let mut journal = Journal::create(&place.path().join("journal"), opened()).unwrap();
    let value = serde_json::to_value(&plan).unwrap();
    journal.append(Record::Planned { plan: value, fingerprints: Default::default() }).unwrap();
    for (number, step) in begun.iter().enumerate() {
        if *step == "committed" {
            let done = |step: &&str| Record::Finished { step: (*step).to_owned(), output: serde_json::Value::Null };
            begun[..number].iter().map(done).for_each(|record| journal.append(record).unwrap());
            journal.append(Record::Committed).unwrap();
        } else {
            journal.append(Record::Started { step: (*step).to_owned() }).unwrap();
        }
    }
    let (events, cancel) = (Events::silent(), CancellationToken::new());
    (Run::new(plan, Options::default(), Box::new(fake.clone()), journal, events, cancel), fake, place)
}

/// A plan whose Elasticsearch has its data in the container itself; they are to be rescued to `to`.
fn with_rescue(to: &Path) -> Plan {
    let mut plan = sample::plan();
    plan.rescues = vec![Rescue {
        service: "redis".into(),
        role: Role::Redis,
        container: "id of trains-redis".into(),
        name: "trains-redis".into(),
        kept_as: "trains-redis-kept".into(),
        path: "/data".into(),
        to: to.to_owned(),
        bytes: Some(5),
        seen_at: None,
    }];
    plan.steps = plan.usual_steps();
    plan
}

/// A directory with one file, as a platform gives it.
fn stream(content: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let own = |header: &mut tar::Header| {
        header.set_uid(rustix::process::geteuid().as_raw().into());
        header.set_gid(rustix::process::getegid().as_raw().into());
    };
    let mut header = tar::Header::new_gnu();
    own(&mut header);
    header.set_entry_type(tar::EntryType::Directory);
    header.set_mode(0o755);
    header.set_size(0);
    tar.append_data(&mut header, "data/", std::io::empty()).unwrap();
    let mut header = tar::Header::new_gnu();
    own(&mut header);
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    tar.append_data(&mut header, "data/dump.rdb", content.as_bytes()).unwrap();
    tar.into_inner().unwrap()
}

#[tokio::test]
async fn the_old_server_is_stopped_before_its_databases_and_taken_down() {
    let (run, fake, _place) = run(sample::plan(), &["stop_stack"]);
    fake.add("trains", &["mongo", "apiserver", "webserver", "elasticsearch"]);
    fake.add("somebody-else", &["mongo"]);
    stop_stack::apply(&run, "stop_stack").await.unwrap();
    let expected = [
        "stop id of trains-apiserver, id of trains-webserver",
        "stop id of trains-mongo, id of trains-elasticsearch",
        "take down trains",
    ];
    assert_eq!(fake.done(), expected);
    stop_stack::apply(&run, "stop_stack").await.unwrap();
    let there: Vec<String> = fake.things().containers.iter().map(|one| one.name.clone()).collect();
    assert_eq!(there, ["somebody-else-mongo"], "twice is as good as once");
    fake.done();
    stop_stack::undo(&run, "stop_stack").await.unwrap();
    assert_eq!(fake.done(), ["bring up trains, Renewed"]);
}

#[tokio::test]
async fn names_that_the_new_server_needs_are_lent_to_it_and_given_back() {
    let mut plan = sample::plan();
    let id = "id of others-web".to_owned();
    plan.in_the_way = vec![InTheWay { id, name: "others-web".into(), aside: "others-web-aside".into() }];
    let (run, fake, _place) = run(plan, &["start_stack"]);
    fake.add("others", &["web"]);
    start_stack::apply(&run, "start_stack").await.unwrap();
    assert_eq!(fake.done(), ["rename id of others-web to others-web-aside", "bring up clearml, Renewed"]);
    fake.add("clearml", &["redis"]);
    start_stack::undo(&run, "start_stack").await.unwrap();
    let done = fake.done();
    assert_eq!(done.last().unwrap(), "rename id of others-web to others-web");
    assert!(done.contains(&"take down clearml".to_owned()), "{done:?}");
}

#[tokio::test]
async fn a_container_that_holds_the_data_is_kept_without_restarting_and_brought_back_as_it_was() {
    let place = tempfile::tempdir().unwrap();
    let (run, fake, _journal) = run(with_rescue(&place.path().join("redis")), &["stop_stack"]);
    fake.add("trains", &["redis", "apiserver"]);
    keep::stop_and_keep(&run, "stop_stack").await.unwrap();
    let kept = fake.things().containers.clone();
    let shown: Vec<_> =
        kept.iter().map(|one| (one.name.as_str(), one.restart.policy.as_str(), one.state.running)).collect();
    assert_eq!(shown, [("trains-redis-kept", "no", false)]);
    keep::bring_back(&run, "stop_stack").await.unwrap();
    let back = fake.things().containers[0].clone();
    assert_eq!(
        (back.name.as_str(), back.restart.policy.as_str(), back.state.running),
        ("trains-redis", "unless-stopped", true)
    );
}

#[tokio::test]
async fn what_only_a_container_holds_is_copied_out_once_and_compared_with_a_second_reading() {
    let place = tempfile::tempdir().unwrap();
    let to = place.path().join("redis");
    let (run, fake, _journal) = run(with_rescue(&to), &["stop_stack", "rescue"]);
    fake.add("trains", &["redis"]);
    keep::stop_and_keep(&run, "stop_stack").await.unwrap();
    let readings = |all: &[&str]| {
        let all = all.iter().map(|content| stream(content)).collect();
        fake.things().files.insert("id of trains-redis:/data".to_owned(), all);
    };
    readings(&["first", "later"]);
    rescue::apply(&run, "rescue").await.unwrap_err();
    readings(&["first"]);
    rescue::apply(&run, "rescue").await.unwrap();
    assert_eq!(std::fs::read_to_string(to.join("dump.rdb")).unwrap(), "first");
    // What is copied out is not read again while the container has not run since.
    fake.things().files.clear();
    rescue::apply(&run, "rescue").await.unwrap();
    assert_eq!(rescue::changes(&run).await.unwrap(), []);
    fake.things().containers[0].state.finished_at = "later".to_owned();
    assert_eq!(rescue::changes(&run).await.unwrap().len(), 1);
    rescue::undo(&run, "rescue").await.unwrap();
    assert!(!to.exists());
}

#[tokio::test]
async fn a_node_is_started_without_options_that_its_java_does_not_know_and_nothing_is_left_of_it() {
    let (run, fake, place) = run(sample::plan(), &["copy_elastic"]);
    let server = MockServer::start().await;
    let answer = serde_json::json!({ "version": { "number": "7.6.2" }, "status": "green", "initializing_shards": 0,
        "number_of_pending_tasks": 0, "number_of_in_flight_fetch": 0 });
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(answer)).mount(&server).await;
    let exit = |line: &str| Exit { code: 1, out_of_memory: false, last_lines: vec![line.to_owned()] };
    fake.things().nodes = vec![Err(exit("Unrecognized VM option 'UseParallelGC'")), Ok(*server.address())];
    let node = node::start_target(&run, place.path()).await.unwrap();
    assert!(fake.done()[2].ends_with("with -Xms2048m -Xmx2048m"), "the heap, and nothing else");
    node.stop(&run).await.unwrap();
    assert_eq!(fake.things().nodes, []);

    fake.things().nodes = vec![Err(exit("java.nio.file.AccessDeniedException: /usr/share/elasticsearch/data"))];
    let Err(error) = node::start_target(&run, place.path()).await else { panic!("it ended") };
    assert!(error.hints().iter().any(|hint| hint.contains("may not write to its data directory")), "{error:?}");
}

#[tokio::test]
async fn a_volume_that_the_new_server_has_worked_with_is_kept_and_one_that_is_as_copied_is_removed() {
    for used in [false, true] {
        let (mut plan, volume) = (sample::plan(), tempfile::tempdir().unwrap());
        std::fs::write(volume.path().join("WiredTiger"), "").unwrap();
        let replacement = plan.stores[1].places.first_mut().unwrap();
        replacement.placement = Placement::Volume { key: "mongo".into(), name: VOLUME.into() };
        volume.path().clone_into(&mut replacement.target);
        let one = replacement.clone();
        let begun: &[&str] = if used { &["copy_mongo", "committed", "start_stack"] } else { &["copy_mongo"] };
        let (run, fake, _place) = run(plan, begun);
        run.ensure_volume(VOLUME).await.unwrap();
        run.go_back();
        preserve::preserve(&run, "copy_mongo", &one).await.unwrap();
        assert_eq!(fake.things().volumes.contains_key(VOLUME), used);
    }
    let (run, fake, _place) = run(sample::plan(), &[]);
    fake.things().volumes.insert(VOLUME.to_owned(), "another run".to_owned());
    run.platform.remove_volume(VOLUME, &run.plan.run_id).await.unwrap_err();
}
