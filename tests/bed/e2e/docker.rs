//! The docker seam against a real daemon.

use crate::harness::require_the_bed;
use clearml_migrate::docker::{
    ComposeCommand, ContainerSpec, Daemon, DockerCli, DockerEnvironment, Endpoint, MountKind, MountSource, Part,
    ProjectArgs, RunLabels, SpecMount, ToStop, Ulimit,
};
use clearml_migrate::error::Kind;
use clearml_migrate::events::Events;
use clearml_migrate::invocation::{self, Globals};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const BASE: &str = "clearml-migrate-bed-base:bookworm";

/// A run of its own for each test.
struct Run {
    daemon: Daemon,
    labels: RunLabels,
    name: String,
}

async fn run(test: &str) -> Run {
    require_the_bed();
    let endpoint = Endpoint::resolve(&Globals::default(), &DockerEnvironment::from_process()).unwrap();
    let daemon = Daemon::connect(&endpoint).await.unwrap();
    let name = format!("seam-{test}-{}", std::process::id());
    Run { daemon, labels: RunLabels::new(&name), name }
}

fn docker_on_path(globals: Globals) -> invocation::DockerCli {
    invocation::DockerCli { program: "docker".into(), globals }
}

fn sleeper(run: &Run, script: &str) -> ContainerSpec {
    let mut spec = ContainerSpec::new(BASE, format!("{}-c", run.name), run.labels.part(Part::Source));
    spec.command = Some(["sh", "-c", script].map(str::to_owned).to_vec());
    spec.stop_timeout = Duration::from_secs(2);
    spec
}

#[tokio::test]
async fn a_container_lives_is_used_and_is_removed_with_its_run() {
    let run = run("life").await;
    let daemon = &run.daemon;
    assert!(daemon.info().memory > 1 << 30 && daemon.info().cpus >= 1, "{:?}", daemon.info());
    daemon.ping().await.unwrap();
    let network = daemon.create_network(&format!("{}-n", run.name), &run.labels).await.unwrap();
    let volume = daemon.create_volume(&format!("{}-v", run.name), &run.labels, &BTreeMap::new()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut spec = sleeper(&run, "trap 'exit 0' TERM; echo up; echo trouble >&2; while :; do sleep 0.1; done");
    spec.network = Some(network);
    spec.publish = vec![9200];
    spec.ulimits = vec![Ulimit { name: "nofile".into(), soft: 1024, hard: 1024 }];
    spec.environment.insert("GREETING".into(), "good = day".into());
    spec.mounts = vec![
        SpecMount { source: MountSource::Bind(dir.path().into()), target: "/bind".into(), read_only: true },
        SpecMount { source: MountSource::Volume(volume.name.clone()), target: "/volume".into(), read_only: false },
    ];
    let running = daemon.run(&spec).await.unwrap();
    assert!(running.ip.is_some() && running.host_ports[&9200] > 0, "{running:?}");

    let container = daemon.container(&running.id).await.unwrap().unwrap();
    assert!(container.state.running);
    assert_eq!(container.environment["GREETING"], "good = day");
    let bind = container.mounts.iter().find(|mount| mount.target == "/bind").unwrap();
    assert_eq!((&bind.kind, bind.read_only, bind.source.as_path()), (&MountKind::Bind, true, dir.path()));
    let mounted = container.mounts.iter().find(|mount| mount.target == "/volume").unwrap();
    assert_eq!((&mounted.kind, &mounted.source), (&MountKind::Volume(volume.name.clone()), &volume.mountpoint));

    let script = "echo \"$A\"; echo err >&2; exit 3";
    let environment = BTreeMap::from([("A".to_owned(), "ä".to_owned())]);
    let command = ["sh", "-c", script].map(str::to_owned);
    let output = daemon.exec(&running.id, &command, &environment).await.unwrap();
    assert_eq!((output.code, output.stdout.as_str(), output.stderr.as_str()), (3, "ä\n", "err\n"));

    let name_is_no_id = daemon.remove(&running.name).await.unwrap_err();
    assert_eq!(name_is_no_id.kind(), Kind::Internal);
    assert!(daemon.remove(&running.id).await.is_err(), "a running container is not removed");
    daemon.stop(&running.id, Duration::from_secs(10)).await.unwrap();
    daemon.stop(&running.id, Duration::from_secs(10)).await.unwrap();
    let mut lines = daemon.log_tail(&running.id, 10).await.unwrap();
    lines.sort();
    assert_eq!(lines, ["trouble", "up"]);
    let stopped = daemon.container(&running.id).await.unwrap().unwrap();
    assert_eq!(stopped.state.exit_code, Some(0));

    let leftovers = daemon.remove_leftovers(run.labels.run()).await.unwrap();
    assert_eq!((leftovers.containers.len(), leftovers.networks.len()), (1, 1));
    assert!(daemon.volume(&volume.name).await.unwrap().is_some(), "volumes stay");
    let stranger = RunLabels::new("somebody else");
    assert_eq!(daemon.remove_volume(&volume.name, &stranger).await.unwrap_err().kind(), Kind::Internal);
    let taken = daemon.create_volume(&volume.name, &stranger, &BTreeMap::new()).await.unwrap_err();
    assert_eq!(taken.kind(), Kind::Refused);
    daemon.remove_volume(&volume.name, &run.labels).await.unwrap();
    assert!(daemon.volume(&volume.name).await.unwrap().is_none());
    assert!(daemon.container(&running.id).await.unwrap().is_none());
}

#[tokio::test]
async fn containers_are_stopped_side_by_side_and_what_still_runs_is_told() {
    let run = run("stops").await;
    let started = |name: &'static str, script: &'static str| {
        let mut spec = sleeper(&run, script);
        spec.name = format!("{}-{name}", run.name);
        let daemon = &run.daemon;
        async move { daemon.run(&spec).await.unwrap().id }
    };
    // The first process of a container is not ended by a signal that it does not handle.
    let deaf = "while :; do sleep 0.1; done";
    let slow = started("slow", "trap 'sleep 2; exit 0' TERM; while :; do sleep 0.1; done").await;
    let (one, other) = (started("one", deaf).await, started("other", deaf).await);
    let wanted = |ids: &[&String], seconds: u64| -> Vec<ToStop> {
        ids.iter().map(|id| ToStop { id: (*id).clone(), patience: Duration::from_secs(seconds) }).collect()
    };
    let told: Mutex<BTreeSet<String>> = Mutex::default();
    let tell = |id: &str, _: Duration| {
        told.lock().unwrap().insert(id.to_owned());
    };
    let never = CancellationToken::new();

    let begun = Instant::now();
    run.daemon.stop_all(&wanted(&[&one, &other, &slow], 4), tell, &never).await.unwrap();
    let took = begun.elapsed();
    assert!((Duration::from_secs(4)..Duration::from_secs(8)).contains(&took), "{took:?}");
    assert_eq!(told.lock().unwrap().len(), 3);
    let mut codes = Vec::new();
    for id in [&one, &other, &slow] {
        codes.push(run.daemon.container(id).await.unwrap().unwrap().state.exit_code);
    }
    assert_eq!(codes, [Some(137), Some(137), Some(0)]);
    run.daemon.stop_all(&wanted(&[&one, &slow], 4), tell, &never).await.unwrap();

    run.daemon.start(&one).await.unwrap();
    let cancel = CancellationToken::new();
    let (begun, wish) = (Instant::now(), cancel.clone());
    let stopping = wanted(&[&one], 60);
    let stop = run.daemon.stop_all(&stopping, |_, _| wish.cancel(), &cancel);
    assert_eq!(stop.await.unwrap_err().kind(), Kind::Cancelled);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    run.daemon.remove_leftovers(run.labels.run()).await.unwrap();
}

#[tokio::test]
async fn the_end_of_a_container_comes_with_its_last_words() {
    let run = run("end").await;
    let running = run
        .daemon
        .run(&sleeper(&run, "echo first; echo No space left on device >&2; sleep 0.3; exit 9"))
        .await
        .unwrap();
    let exit = run.daemon.watch_exit(&running.id).await.unwrap();
    assert_eq!(exit.code, 9);
    assert_eq!(exit.last_lines.len(), 2);
    run.daemon.remove_leftovers(run.labels.run()).await.unwrap();
    assert!(run.daemon.watch_exit(&running.id).await.unwrap_err().message().contains("removed"));
}

#[tokio::test]
async fn what_cannot_be_created_or_started_leaves_nothing() {
    let run = run("fail").await;
    let mut missing_image = sleeper(&run, "true");
    missing_image.image = "clearml-migrate/none:0".into();
    let error = run.daemon.run(&missing_image).await.unwrap_err();
    assert!(error.causes()[0].contains("No such image"), "{:?}", error.causes());
    let mut missing_bind = sleeper(&run, "true");
    let source = MountSource::Bind("/nonexistent/directory".into());
    missing_bind.mounts = vec![SpecMount { source, target: "/x".into(), read_only: true }];
    assert!(run.daemon.run(&missing_bind).await.unwrap_err().causes()[0].contains("does not exist"));
    let mut not_a_program = sleeper(&run, "true");
    not_a_program.command = Some(vec!["/nonexistent".into()]);
    assert!(run.daemon.run(&not_a_program).await.is_err());
    assert_eq!(run.daemon.remove_leftovers(run.labels.run()).await.unwrap().containers, Vec::<String>::new());
    let nowhere = "127.0.0.1:1/none:0";
    let error = run.daemon.pull(nowhere, &Events::silent(), &CancellationToken::new()).await.unwrap_err();
    assert!(error.causes()[0].contains("127.0.0.1:1") && error.hints()[0].contains("docker pull"), "{error:?}");
    assert!(run.daemon.image("clearml-migrate/none:0").await.unwrap().is_none());
    assert!(run.daemon.image(BASE).await.unwrap().is_some_and(|image| image.size > 1 << 20));
}

#[tokio::test]
async fn compose_brings_a_project_up_and_down_and_keeps_its_volumes() {
    let run = run("compose").await;
    let cancel = CancellationToken::new();
    let endpoint = Endpoint::resolve(&Globals::default(), &DockerEnvironment::from_process()).unwrap();
    let compose =
        ComposeCommand::probe(DockerCli::new(&docker_on_path(Globals::default())), &endpoint, &cancel).await.unwrap();
    assert!(compose.version().starts_with("2."), "{}", compose.version());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("docker-compose.yml");
    let text = format!(
        "services:\n  a:\n    image: {BASE}\n    command: sleep 1000\n    restart: always\n    stop_grace_period: 1s\n    environment:\n      DOLLAR: a$$b\n    volumes:\n      - data:/data\nvolumes:\n  data:\n"
    );
    std::fs::write(&file, text).unwrap();
    let project = ProjectArgs { files: vec![file.clone()], name: Some(run.name.clone()), ..Default::default() };
    let model = compose.project(&project, &cancel).await.unwrap();
    assert_eq!(model.services["a"].environment["DOLLAR"].as_deref(), Some("a$b"));

    compose.up(&project, &cancel).await.unwrap();
    let containers = run.daemon.project_containers(&run.name).await.unwrap();
    assert!(containers.len() == 1 && containers[0].state.running && containers[0].restart.policy == "always");
    compose.down(&project, Duration::from_secs(2), &cancel).await.unwrap();
    assert!(run.daemon.project_containers(&run.name).await.unwrap().is_empty());
    let volume = format!("{}_data", run.name);
    assert!(run.daemon.volume(&volume).await.unwrap().is_some(), "down keeps volumes");
    std::process::Command::new("docker").args(["volume", "rm", &volume]).status().unwrap();

    std::fs::write(&file, "services: [").unwrap();
    let error = compose.project(&project, &cancel).await.unwrap_err();
    assert!(error.message().contains("docker-compose.yml") && !error.causes().is_empty(), "{error:?}");
    let unknown = Globals { context: Some("nowhere".into()), ..Default::default() };
    let refused = ComposeCommand::probe(DockerCli::new(&docker_on_path(unknown.clone())), &endpoint, &cancel).await;
    if let Err(error) = refused {
        assert_eq!(error.kind(), Kind::Refused);
        assert!(error.hints()[0].contains("apt-get install docker-compose-plugin"));
    }
}
