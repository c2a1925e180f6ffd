//! A platform in memory: its containers and volumes are values, and it remembers what was asked of it.

use super::{Asked, Existing, NodeSpec, Platform, RunningNode};
use crate::docker::{Container, ContainerState, Exit, Output, Project, Restart, ToStop};
use crate::error::{Error, Result};
use crate::events::Events;
use crate::findings::Finding;
use crate::plan::Plan;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The label of a container that names its project.
const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";

/// What is there. Clones are of the same platform.
#[derive(Clone, Default)]
pub(crate) struct Fake(Arc<Mutex<Things>>);

/// Everything of a [`Fake`].
#[derive(Default)]
pub(crate) struct Things {
    pub containers: Vec<Container>,
    /// The runs that volumes are of; an empty name is nobody's.
    pub volumes: BTreeMap<String, String>,
    /// What a container's path holds, as a tar stream; of each reading the next, and the last again.
    pub files: BTreeMap<String, Vec<Vec<u8>>>,
    pub images: BTreeSet<String>,
    /// Where the next nodes answer, or how they end.
    pub nodes: Vec<Result<SocketAddr, Exit>>,
    /// What was changed, in order.
    pub done: Vec<String>,
}

impl Fake {
    pub fn things(&self) -> MutexGuard<'_, Things> {
        self.0.lock().unwrap()
    }

    /// Adds containers that run services of a project.
    pub fn add(&self, project: &str, services: &[&str]) {
        services.iter().for_each(|service| self.add_one(project, service));
    }

    fn add_one(&self, project: &str, service: &str) {
        let name = format!("{project}-{service}");
        let labels =
            [(PROJECT, project), (SERVICE, service)].map(|(label, value)| (label.to_owned(), value.to_owned()));
        self.things().containers.push(Container {
            id: format!("id of {name}"),
            name,
            labels: labels.into(),
            state: ContainerState { running: true, status: "running".to_owned(), ..ContainerState::default() },
            restart: Restart { policy: "unless-stopped".to_owned(), retries: 0 },
            ..Container::default()
        });
    }

    /// Returns what was changed since the last question.
    pub fn done(&self) -> Vec<String> {
        std::mem::take(&mut self.things().done)
    }

    fn act(&self, what: String, change: impl FnOnce(&mut Things)) -> Asked<'static, ()> {
        let mut things = self.things();
        things.done.push(what);
        change(&mut things);
        answer(Ok(()))
    }

    fn change(&self, id: &str, what: String, change: impl FnOnce(&mut Container)) -> Asked<'static, ()> {
        let mut things = self.things();
        let Some(one) = things.containers.iter_mut().find(|one| one.id == id) else {
            return answer(Err(Error::failed(format!("There is no container {id}."))));
        };
        change(one);
        things.done.push(what);
        answer(Ok(()))
    }
}

fn answer<T: 'static>(answer: Result<T>) -> Asked<'static, T> {
    Box::pin(std::future::ready(answer))
}

fn end(container: &mut Container) {
    let (running, status, finished_at) = (false, "exited".to_owned(), "then".to_owned());
    container.state = ContainerState { running, status, finished_at, exit_code: Some(0), ..container.state.clone() };
}

fn is_of(container: &Container, project: &str) -> bool {
    container.label(PROJECT) == Some(project)
}

impl Platform for Fake {
    fn has_image<'a>(&'a self, name: &'a str) -> Asked<'a, bool> {
        answer(Ok(self.things().images.contains(name)))
    }

    fn pull<'a>(&'a self, name: &'a str, _: &'a Events, _: &'a CancellationToken) -> Asked<'a, ()> {
        self.act(format!("pull {name}"), |things| things.images.extend([name.to_owned()]))
    }

    fn containers(&self) -> Asked<'_, Vec<Container>> {
        answer(Ok(self.things().containers.clone()))
    }

    fn containers_of<'a>(&'a self, project: &'a str) -> Asked<'a, Vec<Container>> {
        answer(Ok(self.things().containers.iter().filter(|one| is_of(one, project)).cloned().collect()))
    }

    fn container<'a>(&'a self, id: &'a str) -> Asked<'a, Option<Container>> {
        answer(Ok(self.things().containers.iter().find(|one| one.id == id).cloned()))
    }

    fn take_down<'a>(&'a self, project: &'a Project, _: Duration, _: &'a CancellationToken) -> Asked<'a, ()> {
        let name = &project.name;
        self.act(format!("take down {name}"), |things| things.containers.retain(|one| !is_of(one, name)))
    }

    fn bring_up<'a>(&'a self, project: &'a Project, existing: Existing, _: &'a CancellationToken) -> Asked<'a, ()> {
        self.act(format!("bring up {}, {existing:?}", project.name), |_| {})
    }

    fn would_miss_its_data<'a>(&'a self, _: &'a Plan, _: &'a CancellationToken) -> Asked<'a, Vec<Finding>> {
        answer(Ok(Vec::new()))
    }

    fn typed(&self, project: &Project) -> Result<String> {
        Ok(format!("stack {}", project.name))
    }

    fn stop<'a>(
        &'a self,
        containers: &'a [ToStop],
        _: &'a dyn Fn(&str, Duration),
        _: &'a CancellationToken,
    ) -> Asked<'a, ()> {
        let ids: Vec<&str> = containers.iter().map(|one| one.id.as_str()).collect();
        self.act(format!("stop {}", ids.join(", ")), |things| {
            things.containers.iter_mut().filter(|one| ids.contains(&one.id.as_str())).for_each(end);
        })
    }

    fn start<'a>(&'a self, id: &'a str) -> Asked<'a, ()> {
        self.change(id, format!("start {id}"), |one| one.state.running = true)
    }

    fn remove<'a>(&'a self, id: &'a str) -> Asked<'a, ()> {
        self.act(format!("remove {id}"), |things| things.containers.retain(|one| one.id != id))
    }

    fn rename<'a>(&'a self, id: &'a str, name: &'a str) -> Asked<'a, ()> {
        self.change(id, format!("rename {id} to {name}"), |one| one.name = name.to_owned())
    }

    fn set_restart<'a>(&'a self, id: &'a str, restart: &'a Restart) -> Asked<'a, ()> {
        self.change(id, format!("restart {id} {}", restart.policy), |one| one.restart = restart.clone())
    }

    fn exec<'a>(&'a self, id: &'a str, _: &'a [String]) -> Asked<'a, Output> {
        answer(Err(Error::failed(format!("There is nothing to be run in {id}."))))
    }

    fn log_tail<'a>(&'a self, _: &'a str, _: usize) -> Asked<'a, Vec<String>> {
        answer(Ok(Vec::new()))
    }

    fn files_of(&self, id: &str, path: &str) -> BoxStream<'static, io::Result<Bytes>> {
        let mut things = self.things();
        let parts: Vec<io::Result<Bytes>> = match things.files.get_mut(&format!("{id}:{path}")) {
            Some(readings) if readings.len() > 1 => vec![Ok(readings.remove(0).into())],
            Some(readings) => readings.iter().map(|one| Ok(one.clone().into())).collect(),
            None => vec![Err(io::Error::other("no such container"))],
        };
        futures_util::stream::iter(parts).boxed()
    }

    fn start_node<'a>(&'a self, spec: &'a NodeSpec) -> Asked<'a, RunningNode> {
        let java = spec.environment.get("ES_JAVA_OPTS").cloned().unwrap_or_default();
        let mut things = self.things();
        let id = format!("node {}", things.nodes.len());
        things.done.push(format!("start a node of {} on {} with {java}", spec.image, spec.data.display()));
        let next = things.nodes.first().map(|next| next.as_ref().ok().copied());
        answer(match next {
            None => Err(Error::failed("No node can be started.")),
            Some(published) => Ok(RunningNode { id, network: Some("n".to_owned()), published, own: None }),
        })
    }

    fn stop_node<'a>(&'a self, node: &'a RunningNode, _: Duration) -> Asked<'a, ()> {
        self.act(format!("stop {}", node.id), |things| drop(things.nodes.remove(0)))
    }

    fn watch_exit<'a>(&'a self, _: &'a str) -> Asked<'a, Exit> {
        match self.things().nodes.first() {
            Some(Err(exit)) => answer(Ok(exit.clone())),
            _ => Box::pin(std::future::pending()),
        }
    }

    fn remove_leftovers<'a>(&'a self, _: &'a str) -> Asked<'a, ()> {
        answer(Ok(()))
    }

    fn volume_names(&self) -> Asked<'_, BTreeSet<String>> {
        answer(Ok(self.things().volumes.keys().cloned().collect()))
    }

    fn make_volume<'a>(&'a self, name: &'a str, run: &'a str, _: Option<&'a str>) -> Asked<'a, PathBuf> {
        self.things().volumes.insert(name.to_owned(), run.to_owned());
        answer(Ok(PathBuf::from("/nowhere").join(name)))
    }

    fn remove_volume<'a>(&'a self, name: &'a str, run: &'a str) -> Asked<'a, ()> {
        let mut things = self.things();
        if things.volumes.get(name).is_some_and(|of| of != run) {
            return answer(Err(Error::internal(format!("The volume {name} is not of this run."))));
        }
        things.volumes.remove(name);
        things.done.push(format!("remove the volume {name}"));
        answer(Ok(()))
    }

    fn is_elsewhere(&self) -> Option<&'static str> {
        None
    }
}
