//! Docker: the daemon of this machine, and the compose command of its user.

use super::{Asked, Existing, NodeSpec, Platform, RunningNode};
use crate::docker::{
    ComposeCommand, Container, ContainerSpec, Daemon, Exit, MountSource, Output, Part, Project, ProjectArgs, Restart,
    RunLabels, SpecMount, ToStop,
};
use crate::error::{Error, Result};
use crate::events::Events;
use crate::findings::Finding;
use crate::plan::Plan;
use crate::preflight;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A docker daemon. Where no server is concerned, there need be no compose command.
pub struct Docker {
    daemon: Daemon,
    compose: Option<ComposeCommand>,
}

impl Docker {
    /// Returns the platform that these are.
    pub fn new(daemon: Daemon, compose: Option<ComposeCommand>) -> Self {
        Self { daemon, compose }
    }

    fn compose(&self) -> Result<&ComposeCommand> {
        self.compose.as_ref().ok_or_else(|| Error::internal("The run has no compose command."))
    }
}

impl Platform for Docker {
    fn has_image<'a>(&'a self, name: &'a str) -> Asked<'a, bool> {
        Box::pin(async move { Ok(self.daemon.image(name).await?.is_some()) })
    }

    fn pull<'a>(&'a self, name: &'a str, events: &'a Events, cancel: &'a CancellationToken) -> Asked<'a, ()> {
        Box::pin(self.daemon.pull(name, events, cancel))
    }

    fn containers(&self) -> Asked<'_, Vec<Container>> {
        Box::pin(self.daemon.containers(&[]))
    }

    fn containers_of<'a>(&'a self, project: &'a str) -> Asked<'a, Vec<Container>> {
        Box::pin(self.daemon.project_containers(project))
    }

    fn container<'a>(&'a self, id: &'a str) -> Asked<'a, Option<Container>> {
        Box::pin(self.daemon.container(id))
    }

    fn take_down<'a>(
        &'a self,
        project: &'a Project,
        patience: Duration,
        cancel: &'a CancellationToken,
    ) -> Asked<'a, ()> {
        Box::pin(async move { self.compose()?.down(&ProjectArgs::of(project), patience, cancel).await })
    }

    fn bring_up<'a>(
        &'a self,
        project: &'a Project,
        existing: Existing,
        cancel: &'a CancellationToken,
    ) -> Asked<'a, ()> {
        Box::pin(async move {
            let project = ProjectArgs::of(project);
            match existing {
                Existing::Renewed => self.compose()?.up(&project, cancel).await,
                Existing::Kept => self.compose()?.up_beside(&project, cancel).await,
            }
        })
    }

    fn would_miss_its_data<'a>(&'a self, plan: &'a Plan, cancel: &'a CancellationToken) -> Asked<'a, Vec<Finding>> {
        Box::pin(async move { preflight::will_find_its_data(plan, self.compose()?, &self.daemon, cancel).await })
    }

    fn typed(&self, project: &Project) -> Result<String> {
        Ok(self.compose()?.typed(&ProjectArgs::of(project)))
    }

    fn stop<'a>(
        &'a self,
        containers: &'a [ToStop],
        still_runs: &'a dyn Fn(&str, Duration),
        cancel: &'a CancellationToken,
    ) -> Asked<'a, ()> {
        Box::pin(self.daemon.stop_all(containers, still_runs, cancel))
    }

    fn start<'a>(&'a self, id: &'a str) -> Asked<'a, ()> {
        Box::pin(self.daemon.start(id))
    }

    fn remove<'a>(&'a self, id: &'a str) -> Asked<'a, ()> {
        Box::pin(self.daemon.remove(id))
    }

    fn rename<'a>(&'a self, id: &'a str, name: &'a str) -> Asked<'a, ()> {
        Box::pin(self.daemon.rename(id, name))
    }

    fn set_restart<'a>(&'a self, id: &'a str, restart: &'a Restart) -> Asked<'a, ()> {
        Box::pin(self.daemon.set_restart(id, restart))
    }

    fn exec<'a>(&'a self, id: &'a str, command: &'a [String]) -> Asked<'a, Output> {
        Box::pin(async move { self.daemon.exec(id, command, &BTreeMap::new()).await })
    }

    fn log_tail<'a>(&'a self, id: &'a str, lines: usize) -> Asked<'a, Vec<String>> {
        Box::pin(self.daemon.log_tail(id, lines))
    }

    fn files_of(&self, id: &str, path: &str) -> BoxStream<'static, io::Result<Bytes>> {
        self.daemon.files_of(id, path).boxed()
    }

    fn start_node<'a>(&'a self, spec: &'a NodeSpec) -> Asked<'a, RunningNode> {
        Box::pin(async move {
            let labels = RunLabels::new(&spec.run);
            // A network each: the nodes have nothing to say to one another.
            let name = name_of(&spec.run, spec.part);
            let network = match spec.port {
                Some(_) => Some(self.daemon.create_network(&name, &labels).await?),
                None => None,
            };
            let source = MountSource::Bind(spec.data.clone());
            let mounts = vec![SpecMount { source, target: spec.mounted_at.to_owned(), read_only: false }];
            let container = ContainerSpec {
                environment: spec.environment.clone(),
                mounts,
                command: spec.command.clone(),
                network: Some(if network.is_some() { name.clone() } else { "none".to_owned() }),
                publish: spec.port.into_iter().collect(),
                stop_timeout: spec.stop_timeout,
                ..ContainerSpec::new(&spec.image, name, labels.part(spec.part))
            };
            let running = self.daemon.run(&container).await?;
            let published = spec.port.and_then(|port| running.host_ports.get(&port));
            Ok(RunningNode {
                id: running.id,
                network,
                published: published.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, *port))),
                own: running.ip.zip(spec.port).map(|(ip, port)| SocketAddr::new(ip, port)),
            })
        })
    }

    fn stop_node<'a>(&'a self, node: &'a RunningNode, patience: Duration) -> Asked<'a, ()> {
        Box::pin(async move {
            self.daemon.stop(&node.id, patience).await?;
            self.daemon.remove(&node.id).await?;
            match &node.network {
                Some(network) => self.daemon.remove_network(network).await,
                None => Ok(()),
            }
        })
    }

    fn watch_exit<'a>(&'a self, id: &'a str) -> Asked<'a, Exit> {
        Box::pin(self.daemon.watch_exit(id))
    }

    fn remove_leftovers<'a>(&'a self, run: &'a str) -> Asked<'a, ()> {
        Box::pin(async move { self.daemon.remove_leftovers(run).await.map(drop) })
    }

    fn volume_names(&self) -> Asked<'_, BTreeSet<String>> {
        Box::pin(self.daemon.volume_names())
    }

    fn make_volume<'a>(&'a self, name: &'a str, run: &'a str, project: Option<&'a str>) -> Asked<'a, PathBuf> {
        Box::pin(async move {
            let labels = project.map(|project| labels_of_compose(name, project)).unwrap_or_default();
            Ok(self.daemon.create_volume(name, &RunLabels::new(run), &labels).await?.mountpoint)
        })
    }

    fn remove_volume<'a>(&'a self, name: &'a str, run: &'a str) -> Asked<'a, ()> {
        Box::pin(async move { self.daemon.remove_volume(name, &RunLabels::new(run)).await })
    }

    fn is_elsewhere(&self) -> Option<&'static str> {
        self.daemon.info().is_elsewhere()
    }
}

fn name_of(run: &str, part: Part) -> String {
    let word = match part {
        Part::Source => "source",
        Part::Target => "target",
    };
    format!("clearml-migrate-{run}-{word}")
}

/// The labels that make compose take a volume for its project's own.
fn labels_of_compose(name: &str, project: &str) -> BTreeMap<String, String> {
    let key = name.strip_prefix(&format!("{project}_")).unwrap_or(name);
    BTreeMap::from([
        ("com.docker.compose.project".to_owned(), project.to_owned()),
        ("com.docker.compose.volume".to_owned(), key.to_owned()),
    ])
}
