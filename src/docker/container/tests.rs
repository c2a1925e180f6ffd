use super::*;
use bollard::models::ContainerInspectResponse;
use serde_json::json;

#[test]
fn an_answer_of_an_old_daemon_is_read_whole() {
    let response: ContainerInspectResponse = serde_json::from_value(json!({
        "Id": "a".repeat(64), "Name": "/trains-elastic", "Image": "sha256:1", "Path": "/bin/es", "Args": ["-d"],
        "State": { "Status": "exited", "Running": false, "ExitCode": 137, "OOMKilled": true },
        "Config": { "Image": "elasticsearch:5.6.16", "Env": ["A=b=c", "EMPTY="], "Labels": { "l": "v" }, "StopTimeout": 240 },
        "HostConfig": { "RestartPolicy": { "Name": "", "MaximumRetryCount": 0 }, "Privileged": false },
        "Mounts": [
            { "Type": "bind", "Source": "/opt/trains/data/elastic", "Destination": "/usr/share/elasticsearch/data", "RW": true },
            { "Type": "volume", "Name": "x_data", "Source": "/var/lib/docker/volumes/x_data/_data", "Destination": "/v", "RW": false },
            { "Type": "tmpfs", "Destination": "/run" }
        ],
        "NetworkSettings": {
            "Ports": { "9200/tcp": [{ "HostIp": "0.0.0.0", "HostPort": "9200" }, { "HostIp": "::", "HostPort": "9200" }], "9300/tcp": null },
            "Networks": { "backend": { "IPAddress": "172.18.0.2" }, "other": { "IPAddress": "" } }
        }
    }))
    .unwrap();
    let container = view(response);
    assert_eq!(container.name, "trains-elastic");
    assert_eq!(container.state.exit_code, Some(137));
    assert!(container.state.out_of_memory && !container.state.running);
    assert_eq!(container.environment.get("A").map(String::as_str), Some("b=c"));
    assert_eq!(container.restart, Restart::never());
    assert_eq!(container.stop_timeout, Some(Duration::from_secs(240)));
    assert_eq!(container.command, ["/bin/es", "-d"]);
    assert_eq!(container.ports.len(), 2);
    assert_eq!(container.addresses.len(), 1);
    let kinds: Vec<_> = container.mounts.iter().map(|mount| (mount.kind.clone(), mount.read_only)).collect();
    assert_eq!(
        kinds,
        [
            (MountKind::Bind, false),
            (MountKind::Volume("x_data".into()), true),
            (MountKind::Other("tmpfs".into()), false)
        ]
    );
}

#[test]
fn in_the_hosts_network_a_port_is_this_machines_own() {
    let seen = |mode: &str| {
        let json = json!({ "RestartCount": 4, "State": { "Running": true }, "HostConfig": { "NetworkMode": mode },
            "NetworkSettings": { "Ports": {}, "Networks": { "host": { "IPAddress": "" } } } });
        view(serde_json::from_value(json).unwrap())
    };
    assert_eq!(seen("host").address(8008).as_deref(), Some("127.0.0.1:8008"));
    assert_eq!(seen("host").elasticsearch().as_deref(), Some("127.0.0.1:9200"));
    let mut other = seen("host");
    other.environment.insert("http.port".into(), "9201".into());
    assert_eq!(other.elasticsearch().as_deref(), Some("127.0.0.1:9201"));
    other.state.running = false;
    assert_eq!(other.elasticsearch(), None);
    assert_eq!(seen("trains_backend").address(8008), None);
    assert_eq!(seen("container:0f0f").network, Network::Of("0f0f".into()));
    assert_eq!(seen("host").state.restarts, 4);
}

#[test]
fn a_container_falls_while_it_waits_and_when_it_has_just_been_started_again() {
    let now = Timestamp::now();
    let state = |status: &str, restarts: u64, seconds: i64| ContainerState {
        status: status.into(),
        running: status == "running",
        restarts,
        started_at: (now - jiff::SignedDuration::from_secs(seconds)).to_string(),
        ..ContainerState::default()
    };
    assert!(state("restarting", 1, 0).falls() && state("running", 9, 20).falls());
    assert!(!state("running", 9, 3600).falls() && !state("running", 1, 20).falls());
    assert!(!state("exited", 9, 20).falls());
}

#[test]
fn only_a_whole_id_is_an_id() {
    assert!(is_whole_id(&"0f".repeat(32)));
    assert!(!is_whole_id("trains-elastic") && !is_whole_id(&"0f".repeat(31)) && !is_whole_id(&"zz".repeat(32)));
}

#[test]
fn a_container_of_compose_run_is_not_taken_for_the_services() {
    let label = |name: &str, value: &str| (format!("com.docker.compose.{name}"), value.to_owned());
    let with = |one_off: &str| Container {
        labels: [label("service", "apiserver"), label("oneoff", one_off)].into(),
        ..Container::default()
    };
    assert_eq!((with("False").service(), with("True").service()), (Some("apiserver"), None));
}
