//! The deployment as a value, from the project that was found and what docker knows of its containers, volumes and
//! images.

use super::candidates::compose_version_of;
use super::search::{Found, Search};
use super::storage::{self, Facts};
use super::{
    Deployment, Disagreement, Doubt, Project, PublishedPort, Role, Service, ServiceContainer, home, places, version,
};
use crate::compose::model;
use crate::docker::{Container, Daemon, MountKind};
use crate::error::{Context, Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Puts together what was found and what docker knows.
///
/// # Errors
/// Failed when docker does not answer or an environment file cannot be read.
pub(super) async fn deployment(found: Found, search: &Search, daemon: &Daemon) -> Result<Deployment> {
    let project = project(&found, search)?;
    let facts = facts(&found.model, &found.containers, &project.name, daemon).await?;
    let seen = found.model.services.iter().map(|(name, model)| {
        let role = found.roles.get(name).copied().unwrap_or(Role::Other);
        see(name, role, model, container_of(name, &found.containers), &facts, daemon)
    });
    let (mut services, mut disagreements, mut doubts) = (Vec::new(), Vec::new(), Vec::new());
    for seen in futures_util::future::try_join_all(seen).await? {
        services.push(seen.service);
        disagreements.extend(seen.disagreements);
        doubts.extend(seen.doubts);
    }
    let mounts = services.iter().flat_map(|service| service.mounts.iter().map(|mount| (service.role, mount)));
    let home = match &search.home {
        Some(home) => home.clone(),
        None => home::conclude(mounts, &project.directory),
    };
    let version = version::conclude(&found.model, &found.roles);
    let created_with = found.containers.iter().find_map(compose_version_of).map(str::to_owned);
    let (found_by, notes) = (found.by, Vec::new());
    Ok(Deployment { home, project, services, version, found_by, created_with, disagreements, doubts, notes })
}

/// A service as it is, with what is odd about it.
struct SeenService {
    service: Service,
    disagreements: Vec<Disagreement>,
    doubts: Vec<Doubt>,
}

/// Looks at one service: what it has mounted, and where its process keeps its data.
async fn see(
    name: &str,
    role: Role,
    model: &model::Service,
    container: Option<&Container>,
    facts: &Facts,
    daemon: &Daemon,
) -> Result<SeenService> {
    let image = match &model.image {
        Some(image) if container.is_none() || role.usual_data_paths().next().is_some() => daemon.image(image).await?,
        _ => None,
    };
    let (mut mounts, differences) = storage::mounts(model, container, facts);
    let settled = places::settle(
        &places::Seen {
            name,
            role,
            model,
            image: image.as_ref(),
            container,
            model_mounts: &storage::of_model(model, facts),
            mounts: &mounts,
        },
        daemon,
    )
    .await;
    let anonymous = match container {
        // Docker has mounted them already.
        Some(_) => Vec::new(),
        None => storage::will_be_anonymous(role, image.as_ref().map(|image| image.volumes.as_slice())),
    };
    storage::add_data(&mut mounts, &settled.data_paths, &anonymous);
    let mut disagreements = storage::disagreements(name, differences);
    disagreements.extend(container.and_then(|container| other_image(name, model, container)));
    disagreements.extend(settled.disagreement);
    let service = Service { data_paths: settled.data_paths, ..service(name, role, model, container, mounts) };
    Ok(SeenService { service, disagreements, doubts: settled.doubts })
}

fn project(found: &Found, search: &Search) -> Result<Project> {
    let args = &found.args;
    let Some(directory) = args.project_directory().map(Path::to_owned) else {
        return Err(Error::internal("A compose project without a file was found."));
    };
    let Some(name) = args.name.clone().or_else(|| found.model.name.clone()) else {
        return Err(Error::failed("Compose does not say what the project is called.").hint("Name it with -p NAME."));
    };
    let env_files_named = !args.env_files.is_empty();
    let beside = directory.join(".env");
    let env_files = match env_files_named {
        true => args.env_files.clone(),
        false if beside.is_file() => vec![beside],
        false => Vec::new(),
    };
    let is_default = found.generation.default_name(&directory).as_ref() == Some(&name);
    let name_from_directory = is_default && search.named.name.is_none() && !is_named(found, &env_files)?;
    Ok(Project {
        name_from_directory,
        name,
        files: args.files.clone(),
        directory_named: args.directory.is_some(),
        directory,
        env_files,
        env_files_named,
    })
}

/// Whether a file says the project's name, `name:` in a compose file or `COMPOSE_PROJECT_NAME` in an environment file.
fn is_named(found: &Found, env_files: &[PathBuf]) -> Result<bool> {
    for file in env_files {
        let text = read(file)?;
        if crate::compose::dotenv::values(&text, &BTreeMap::new()).contains_key("COMPOSE_PROJECT_NAME") {
            return Ok(true);
        }
    }
    for file in &found.args.files {
        if model::Project::from_yaml(&read(file)?).is_ok_and(|project| project.name.is_some()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn read(file: &Path) -> Result<String> {
    let bytes = std::fs::read(file).context(|| format!("{} cannot be read.", file.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

pub(super) async fn facts(
    model: &model::Project,
    containers: &[Container],
    project: &str,
    daemon: &Daemon,
) -> Result<Facts> {
    let mut facts = Facts {
        project: project.to_owned(),
        keys: model.volumes.clone(),
        volumes: BTreeMap::new(),
        docker_root: daemon.info().root_dir.clone(),
        in_virtual_machine: daemon.info().in_virtual_machine(),
    };
    let mounted = containers.iter().flat_map(|container| &container.mounts).filter_map(|mount| match &mount.kind {
        MountKind::Volume(name) => Some(name.clone()),
        _ => None,
    });
    let names: BTreeSet<String> = model.volumes.keys().map(|key| facts.name_of(key)).chain(mounted).collect();
    for name in names {
        if let Some(volume) = daemon.volume(&name).await? {
            facts.volumes.insert(name, volume);
        }
    }
    Ok(facts)
}

/// The container of a service; of several (`scale`) one that runs.
fn container_of<'a>(service: &str, containers: &'a [Container]) -> Option<&'a Container> {
    let mut own: Vec<&Container> = containers.iter().filter(|one| one.service() == Some(service)).collect();
    own.sort_by_key(|container| !container.state.running);
    own.first().copied()
}

fn other_image(service: &str, model: &model::Service, container: &Container) -> Option<Disagreement> {
    let file = model.image.as_ref().filter(|image| **image != container.image)?;
    Some(Disagreement {
        service: service.to_owned(),
        subject: "image".to_owned(),
        container: container.image.clone(),
        file: file.clone(),
    })
}

fn service(
    name: &str,
    role: Role,
    model: &model::Service,
    container: Option<&Container>,
    mounts: Vec<super::Mount>,
) -> Service {
    let port = |port: &model::Port| {
        let host = port.published.as_ref()?.parse().ok()?;
        Some(PublishedPort { container: port.target, host, host_ip: port.host_ip.clone() })
    };
    Service {
        name: name.to_owned(),
        role,
        image: model.image.clone().unwrap_or_default(),
        container_name: model.container_name.clone(),
        container: container.map(|one| ServiceContainer {
            id: one.id.clone(),
            name: one.name.clone(),
            running: one.state.running,
            fell: one.state.falls() || one.state.exit_code.is_some_and(|code| code != 0),
        }),
        mounts,
        data_paths: Vec::new(),
        ports: model.ports.iter().filter_map(port).collect(),
        environment: model
            .environment
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
            .collect(),
        privileged: model.privileged,
        restart: model.restart.clone(),
        host_network: model.network_mode.as_deref() == Some("host"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_containers_one_that_runs_is_taken() {
        let container = |id: &str, running: bool| {
            let labels = BTreeMap::from([("com.docker.compose.service".to_owned(), "redis".to_owned())]);
            let mut one = Container { id: id.to_owned(), labels, ..Default::default() };
            one.state.running = running;
            one
        };
        let all = [container("a", false), container("b", true)];
        assert_eq!(container_of("redis", &all).map(|one| one.id.as_str()), Some("b"));
        assert_eq!(container_of("mongo", &all), None);
    }
}
