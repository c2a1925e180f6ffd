//! What steps ask of the platform on which a server runs: where its data are, stopping and starting it, a temporary node, a
//! command in a container, files out of one. [`Docker`] is the only implementation; tests have one in memory.
//!
//! Whatever is made here carries the name of its run, and nothing is removed but what carries it, or by its id.

mod docker;
#[cfg(test)]
pub(crate) mod fake;

pub use docker::Docker;

use crate::docker::{Container, Exit, Output, Part, Project, Restart, ToStop};
use crate::error::Result;
use crate::events::Events;
use crate::findings::Finding;
use crate::plan::Plan;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// An answer that is waited for.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + 'a>>;

/// What becomes of containers that are there when a project is brought up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Made anew where the files have changed.
    Renewed,
    /// The same ones, whatever has changed.
    Kept,
}

/// A temporary node: a service of the run's own, in a network of its own or in none, on data of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// Image with tag; it must be present.
    pub image: String,
    /// The run's id.
    pub run: String,
    /// What it is for; a run has one node of each.
    pub part: Part,
    /// Environment beyond the image's.
    pub environment: BTreeMap<String, String>,
    /// Its data, a directory that exists.
    pub data: PathBuf,
    /// Where it has them.
    pub mounted_at: &'static str,
    /// What it runs; nothing is what the image runs.
    pub command: Option<Vec<String>>,
    /// The port that it answers at; one that answers at none gets no network.
    pub port: Option<u16>,
    /// Time between the stop signal and SIGKILL.
    pub stop_timeout: Duration,
}

/// A temporary node that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningNode {
    /// Its container.
    pub id: String,
    /// Its network, where it has one.
    pub network: Option<String>,
    /// Where its port is published on this machine; nothing if it ended before.
    pub published: Option<SocketAddr>,
    /// Where it is in its network, which this machine need not reach.
    pub own: Option<SocketAddr>,
}

/// The machine, or what else a server runs on. Ids are whatever the platform gives; a name serves as one, too.
///
/// Every method fails when the platform does not answer.
pub trait Platform: Send + Sync {
    /// Returns whether an image is there.
    fn has_image<'a>(&'a self, name: &'a str) -> Asked<'a, bool>;

    /// Fetches an image. Also fails when it cannot be had, and when cancelled.
    fn pull<'a>(&'a self, name: &'a str, events: &'a Events, cancel: &'a CancellationToken) -> Asked<'a, ()>;

    /// Returns all containers, stopped ones too.
    fn containers(&self) -> Asked<'_, Vec<Container>>;

    /// Returns the containers of a project, stopped ones too.
    fn containers_of<'a>(&'a self, project: &'a str) -> Asked<'a, Vec<Container>>;

    /// Returns a container, if it is there.
    fn container<'a>(&'a self, id: &'a str) -> Asked<'a, Option<Container>>;

    /// Removes the containers and networks of a project; whatever runs gets so much time to end. Volumes stay.
    fn take_down<'a>(
        &'a self,
        project: &'a Project,
        patience: Duration,
        cancel: &'a CancellationToken,
    ) -> Asked<'a, ()>;

    /// Creates and starts the containers of a project.
    fn bring_up<'a>(&'a self, project: &'a Project, existing: Existing, cancel: &'a CancellationToken)
    -> Asked<'a, ()>;

    /// Returns what would come up in another place than its data, or with less, if the new server were started now.
    fn would_miss_its_data<'a>(&'a self, plan: &'a Plan, cancel: &'a CancellationToken) -> Asked<'a, Vec<Finding>>;

    /// Returns the command with which people look after a project.
    fn typed(&self, project: &Project) -> Result<String>;

    /// Stops containers, each with its own patience. `still_runs` hears once a second of each that has not ended, with the
    /// time since its signal. Fails when cancelled; what has got its signal ends all the same.
    fn stop<'a>(
        &'a self,
        containers: &'a [ToStop],
        still_runs: &'a dyn Fn(&str, Duration),
        cancel: &'a CancellationToken,
    ) -> Asked<'a, ()>;

    /// Starts a container that is there; one that runs stays as it is.
    fn start<'a>(&'a self, id: &'a str) -> Asked<'a, ()>;

    /// Removes a stopped container; its volumes stay.
    fn remove<'a>(&'a self, id: &'a str) -> Asked<'a, ()>;

    /// Gives a container another name.
    fn rename<'a>(&'a self, id: &'a str, name: &'a str) -> Asked<'a, ()>;

    /// Says when a container is started by itself.
    fn set_restart<'a>(&'a self, id: &'a str, restart: &'a Restart) -> Asked<'a, ()>;

    /// Runs a command in a running container and waits for its end. One that fails is no error: its code tells.
    fn exec<'a>(&'a self, id: &'a str, command: &'a [String]) -> Asked<'a, Output>;

    /// Returns the last lines that a container wrote.
    fn log_tail<'a>(&'a self, id: &'a str, lines: usize) -> Asked<'a, Vec<String>>;

    /// Returns a directory or file of a container, running or not, as a tar stream with numeric owners. The first entry is the
    /// directory or file itself. A stream that is cut off ends in an error.
    fn files_of(&self, id: &str, path: &str) -> BoxStream<'static, io::Result<Bytes>>;

    /// Starts a temporary node; what an earlier one of the same part has left must be gone.
    fn start_node<'a>(&'a self, spec: &'a NodeSpec) -> Asked<'a, RunningNode>;

    /// Stops a temporary node, which gets so much time, and removes what is left of it but its data.
    fn stop_node<'a>(&'a self, node: &'a RunningNode, patience: Duration) -> Asked<'a, ()>;

    /// Waits until a container does not run. Dropping this is safe.
    fn watch_exit<'a>(&'a self, id: &'a str) -> Asked<'a, Exit>;

    /// Removes all containers and networks that a run has made for itself, running or not.
    fn remove_leftovers<'a>(&'a self, run: &'a str) -> Asked<'a, ()>;

    /// Returns the names of all volumes.
    fn volume_names(&self) -> Asked<'_, BTreeSet<String>>;

    /// Makes a volume of a run, for the data of a project if one is named, and returns where its files are. Refused where one of
    /// that name is somebody else's; one of the run's stays as it is.
    fn make_volume<'a>(&'a self, name: &'a str, run: &'a str, project: Option<&'a str>) -> Asked<'a, PathBuf>;

    /// Removes a volume of a run, if it is there. Fails when it is somebody else's.
    fn remove_volume<'a>(&'a self, name: &'a str, run: &'a str) -> Asked<'a, ()>;

    /// Returns why the containers' network is not this machine's, as a clause; nothing where it is.
    fn is_elsewhere(&self) -> Option<&'static str>;
}
