//! The docker daemon and the compose command: the one seam to containers, images, networks and projects.
//!
//! Reading goes through [`Daemon`] (the API) and [`ComposeCommand`] (docker's own CLI, which alone resolves a compose
//! file the way the user's docker does). Whatever is created here carries the labels of its run, and nothing is
//! removed but by its id.

mod child;
pub mod compose_command;
mod compose_probe;
mod compose_v1;
pub mod container;
mod container_file;
pub mod context;
pub mod daemon;
pub mod exec;
pub mod image;
pub mod keeping;
pub mod labels;
pub mod project;
pub mod resources;
pub mod run;
pub mod stopping;
pub mod trouble;
pub mod watch;

pub use compose_command::{ComposeChoice, ComposeCommand, DockerCli};
pub use compose_probe::{is_installed, not_installed};
pub use container::{Container, ContainerMount, ContainerState, MountKind, Network, PublishedPort};
pub use context::{DockerEnvironment, Endpoint, Host};
pub use daemon::{Daemon, DaemonInfo};
pub use exec::Output;
pub use image::Image;
pub use keeping::Restart;
pub use labels::{Part, RunLabels};
pub use project::{Project, ProjectArgs};
pub use resources::{Leftovers, Volume};
pub use run::{ContainerSpec, MountSource, RunningContainer, SpecMount, Ulimit};
pub use stopping::ToStop;
pub use trouble::trouble;
pub use watch::{Exit, explain_exit};
