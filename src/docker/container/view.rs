//! A container as the daemon tells it, turned into ours.

use super::{Container, ContainerMount, ContainerState, MountKind, Network, PublishedPort};
use crate::docker::keeping::Restart;
use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum, MountPoint, RestartPolicy};
use std::path::PathBuf;
use std::time::Duration;

pub(super) fn view(response: ContainerInspectResponse) -> Container {
    let config = response.config.unwrap_or_default();
    let host = response.host_config.unwrap_or_default();
    let network = response.network_settings.unwrap_or_default();
    let state = response.state.unwrap_or_default();
    let running = state.running.unwrap_or(false);
    let status = state.status.unwrap_or(ContainerStateStatusEnum::EMPTY).to_string();
    let ended = matches!(status.as_str(), "exited" | "dead");
    Container {
        id: response.id.unwrap_or_default(),
        name: response.name.unwrap_or_default().trim_start_matches('/').to_owned(),
        image: config.image.unwrap_or_default(),
        image_id: response.image.unwrap_or_default(),
        command: response.path.into_iter().chain(response.args.unwrap_or_default()).collect(),
        directory: config.working_dir.unwrap_or_default(),
        labels: config.labels.unwrap_or_default().into_iter().collect(),
        environment: config.env.unwrap_or_default().iter().filter_map(|pair| split_pair(pair)).collect(),
        state: ContainerState {
            status,
            running,
            exit_code: state.exit_code.filter(|_| ended),
            out_of_memory: state.oom_killed.unwrap_or(false),
            process: state.pid.filter(|pid| *pid > 0),
            started_at: state.started_at.unwrap_or_default(),
            finished_at: state.finished_at.unwrap_or_default(),
            restarts: response.restart_count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0),
        },
        mounts: response.mounts.unwrap_or_default().into_iter().map(mount).collect(),
        ports: ports(network.ports.unwrap_or_default()),
        addresses: network
            .networks
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(name, endpoint)| Some((name, endpoint.ip_address?.parse().ok()?)))
            .collect(),
        network: network_of(host.network_mode.as_deref().unwrap_or_default()),
        restart: restart(host.restart_policy.unwrap_or_default()),
        privileged: host.privileged.unwrap_or(false),
        layer: response.graph_driver.and_then(|driver| driver.data.get("UpperDir").map(PathBuf::from)),
        stop_timeout: config.stop_timeout.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs),
    }
}

fn network_of(mode: &str) -> Network {
    match mode.split_once(':') {
        Some(("container", other)) => Network::Of(other.to_owned()),
        _ if mode == "host" => Network::Host,
        _ => Network::Own,
    }
}

fn restart(policy: RestartPolicy) -> Restart {
    let name = policy.name.map(|name| name.to_string()).filter(|name| !name.is_empty());
    Restart { policy: name.unwrap_or_else(|| "no".to_owned()), retries: policy.maximum_retry_count.unwrap_or(0) }
}

fn split_pair(pair: &str) -> Option<(String, String)> {
    pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
}

fn mount(point: MountPoint) -> ContainerMount {
    let kind = match point.typ.unwrap_or_default().as_str() {
        "bind" => MountKind::Bind,
        "volume" => MountKind::Volume(point.name.unwrap_or_default()),
        other => MountKind::Other(other.to_owned()),
    };
    ContainerMount {
        kind,
        source: point.source.unwrap_or_default().into(),
        target: point.destination.unwrap_or_default(),
        read_only: !point.rw.unwrap_or(true),
    }
}

fn ports(map: bollard::models::PortMap) -> Vec<PublishedPort> {
    let mut ports: Vec<PublishedPort> = map
        .into_iter()
        // `8080/tcp`; nothing of a server is spoken to over `udp` or `sctp`.
        .filter_map(|(port, bindings)| {
            Some((port.strip_suffix("/tcp").unwrap_or(&port).parse::<u16>().ok()?, bindings?))
        })
        .flat_map(|(container, bindings)| {
            bindings.into_iter().filter_map(move |binding| {
                let host = binding.host_port?.parse().ok()?;
                Some(PublishedPort { container, host, host_ip: binding.host_ip.unwrap_or_default() })
            })
        })
        .collect();
    ports.sort_by(|a, b| (a.container, a.host, &a.host_ip).cmp(&(b.container, b.host, &b.host_ip)));
    ports
}
