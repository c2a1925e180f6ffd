//! Where the services keep their data: in places that last, and in the ones that the compose file says.

use super::Subject;
use crate::deployment::{Deployment, Disagreement, Mount, Service, Storage, deeper, is_in_memory, without_a_place};
use crate::docker::container::is_whole_id;
use crate::docker::{Container, MountKind};
use crate::error::Result;
use crate::files;
use crate::findings::{self, Finding};
use crate::message::{About, Code};
use crate::role::Role;
use std::path::{Path, PathBuf};

/// Every stateful service has its data in a bind mount or a named volume: anything else dies with `down`. `containers` are
/// those of the project.
pub fn unsafe_storage(deployment: &Deployment, containers: &[Container]) -> Vec<Finding> {
    let finding = |(service, mount): (&Service, &Mount)| match deeper(service, mount) {
        Some(deeper) => only_a_part(deployment, service, mount, deeper),
        None => of_memory(service, mount, containers).unwrap_or_else(|| would_be_lost(deployment, service, mount)),
    };
    without_a_place(deployment).map(finding).collect()
}

/// Whether any of the data are in memory, so that nothing can copy them out of a container that has stopped.
pub fn any_in_memory(deployment: &Deployment, containers: &[Container]) -> bool {
    without_a_place(deployment).any(|(service, mount)| of_memory(service, mount, containers).is_some())
}

fn of_memory(service: &Service, mount: &Mount, containers: &[Container]) -> Option<Finding> {
    let known = service.container.as_ref()?;
    let container = containers.iter().find(|one| one.id == known.id)?;
    let (path, is_running) = (&mount.target, container.state.running);
    is_in_memory(path, container).then(|| findings::kept_in_memory(&service.name, path, &container.name, is_running))
}

/// What could not be settled about where the data are, refusals and warnings.
pub fn doubts(deployment: &Deployment) -> Vec<Finding> {
    let finding = |doubt: &crate::deployment::Doubt| match doubt.refuses {
        true => Finding::refusal(Code::PlaceUnclear, doubt.what.clone(), doubt.remedy.clone()),
        false => Finding::warning(Code::PlaceUnclear, doubt.what.clone(), doubt.remedy.clone()),
    };
    deployment.doubts.iter().map(finding).collect()
}

fn would_be_lost(deployment: &Deployment, service: &Service, mount: &Mount) -> Finding {
    let target = &mount.target;
    let place = match mount.storage {
        Storage::Anonymous => "an anonymous volume",
        _ => "its container itself",
    };
    let directory = free_directory(deployment, service);
    let directory = directory.display();
    let rescue = match &service.container {
        Some(container) => format!(
            "Rescue it into a directory: docker stop {0} && docker cp -a {0}:{target} {directory}; then mount",
            container.name
        ),
        None => "There is no container any more that could hold data. Make a directory for them and mount".to_owned(),
    };
    let unused = not_used(service, mount).map(|unused| {
        let storage = match &unused.storage {
            Storage::Volume { name, .. } => format!("The volume {name}"),
            other => other.to_string(),
        };
        format!(" {storage} is mounted at {}, but {} does not use it.", unused.target, service.role.title())
    });
    Finding::refusal(
        Code::DataWouldBeLost,
        format!(
            "The service {} keeps {target} in {place}: taking the stack down would lose it.{}",
            service.name,
            unused.unwrap_or_default()
        ),
        format!(
            "{rescue} {directory} at {target} in the compose file, start the stack, see that all is there, and run again."
        ),
    )
    .about(About::service(&service.name))
}

/// A mount where the stock image keeps its data, and this process does not.
fn not_used<'a>(service: &'a Service, data: &Mount) -> Option<&'a Mount> {
    let usual = service.role.usual_data_paths().next()?;
    service.mount(usual).filter(|mount| mount.target != data.target && mount.storage.path().is_some())
}

fn only_a_part(deployment: &Deployment, service: &Service, data: &Mount, deeper: &Mount) -> Finding {
    let directory = free_directory(deployment, service);
    let (directory, target, below) = (directory.display(), &data.target, &deeper.target);
    let name = Path::new(below).strip_prefix(target).unwrap_or(Path::new("")).display();
    let stop = service.container.as_ref().map(|container| format!("docker stop {} && ", container.name));
    let from = deeper.storage.path().unwrap_or(Path::new("")).display();
    Finding::refusal(
        Code::DataPartlyMounted,
        format!(
            "The service {} keeps its data at {target}, and only {below} of it is mounted, from {}. This program moves the directory as a whole.",
            service.name, deeper.storage
        ),
        format!(
            "Put it into one directory: {}mkdir -p {directory} && cp -a {from} {directory}/{name}; then mount {directory} at {target} in the compose file, in place of that mount, start the stack, see that all is there, and run again.",
            stop.unwrap_or_default()
        ),
    )
    .about(About::service(&service.name))
}

/// Returns a directory that could take the data of a service: docker copies into one that exists, not over it.
fn free_directory(deployment: &Deployment, service: &Service) -> PathBuf {
    let usual = deployment.home.join("data").join(&service.name);
    match files::exists(&usual) {
        Ok(false) | Err(_) => usual,
        Ok(true) => deployment.home.join("data").join(format!("{}_rescued", service.name)),
    }
}

/// Where a container has other data than the compose file names, nobody can say which are meant.
pub(super) fn disagreements(deployment: &Deployment) -> Vec<Finding> {
    let service = |one: &Disagreement| deployment.services.iter().find(|service| service.name == one.service);
    let is_about_data = |one: &&Disagreement| {
        let mounted = |service: &Service| service.data_mounts().iter().any(|mount| mount.is_inside(&one.subject));
        one.subject == Disagreement::DATA || service(one).is_some_and(mounted)
    };
    let finding = |one: &Disagreement| {
        let remedy = match one.subject.as_str() {
            Disagreement::DATA => format!(
                "Make the compose file say {0} again, if that is where your data are; or let compose create {1} anew, if they are where the file says.",
                one.container, one.service
            ),
            _ => format!(
                "Make them agree: put {} back into the compose file if that is where your data are, or let compose create {} anew.",
                one.container, one.service
            ),
        };
        Finding::refusal(Code::PlacesDisagree, one.to_string(), remedy).about(About::service(&one.service))
    };
    // Where the process keeps its data elsewhere, the mounts of both places differ as well: that is one trouble.
    let of_data = |service: &str| {
        deployment.disagreements.iter().any(|one| one.subject == Disagreement::DATA && one.service == service)
    };
    let is_told = |one: &&Disagreement| one.subject == Disagreement::DATA || !of_data(&one.service);
    deployment.disagreements.iter().filter(is_about_data).filter(is_told).map(finding).collect()
}

/// Neighbours are taken down, too. What they keep in volumes without a name is left behind there, and nothing uses it
/// afterwards.
pub(super) async fn neighbours(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut bare = Vec::new();
    let services = subject.plan.server().map_or(&[][..], |server| server.deployment.services.as_slice());
    for service in services.iter().filter(|service| service.role == Role::Other) {
        let Some(known) = &service.container else { continue };
        let Some(container) = subject.docker.container(&known.id).await? else { continue };
        findings.extend(left_behind(&service.name, &container));
        if !has_a_lasting_place(&container) {
            bare.push(service.name.as_str());
        }
    }
    findings.extend((!bare.is_empty()).then(|| only_in_themselves(&bare)));
    Ok(findings)
}

/// Whether it has a directory or a named volume that it can write to.
fn has_a_lasting_place(container: &Container) -> bool {
    container.mounts.iter().filter(|mount| !mount.read_only).any(|mount| match &mount.kind {
        MountKind::Bind => mount.source.is_dir(),
        MountKind::Volume(_) => true,
        MountKind::Other(_) => false,
    })
}

fn only_in_themselves(services: &[&str]) -> Finding {
    Finding::warning(
        Code::NeighboursTakenDown,
        format!(
            "Not part of the server, but of its project, and taken down with it: {}. The containers are made anew, without what was written inside of them.",
            services.join(", ")
        ),
        "If one of them keeps something inside of itself, copy it out first: docker cp -a CONTAINER:PATH DIRECTORY",
    )
}

fn left_behind(service: &str, container: &Container) -> Vec<Finding> {
    let anonymous = container.mounts.iter().filter_map(|mount| match &mount.kind {
        MountKind::Volume(name) if is_whole_id(name) => Some((name, mount)),
        _ => None,
    });
    // One that cannot be looked into may hold something.
    let used = anonymous.filter(|(_, mount)| !files::is_empty(&mount.source).unwrap_or(false));
    let finding = |(name, mount): (&String, &crate::docker::ContainerMount)| {
        Finding::warning(
            Code::NeighbourVolume,
            format!(
                "{service} is not part of the server, but of its project, so its container is removed and made anew, too. What it has at {} is in a volume without a name, {name}, which the new container will not use.",
                mount.target
            ),
            format!(
                "Nothing in the volume is deleted. If it is needed, mount a directory or a named volume at {0} first; what is there now: docker cp -a {1}:{0} DIRECTORY",
                mount.target, container.name
            ),
        )
        .about(About::service(service))
        .about(About::Volume(name.clone()))
    };
    used.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::ContainerMount;
    use crate::plan::sample;

    fn deployment(role: Role, data_path: &str, storage: Storage, others: &[(&str, &str)]) -> Deployment {
        let mut deployment = sample::deployment();
        deployment.home = "/nowhere/trains".into();
        let service = deployment.services.iter_mut().find(|service| service.role == role).unwrap();
        service.data_paths = vec![data_path.to_owned()];
        service.mounts = vec![Mount { target: data_path.into(), storage, read_only: false }];
        service.mounts.extend(others.iter().map(|(target, path)| Mount {
            target: (*target).into(),
            storage: Storage::Bind { path: path.into() },
            read_only: false,
        }));
        deployment
    }

    fn words(findings: &[Finding]) -> String {
        findings.iter().map(|one| format!("{}\n  {}", one.what, one.remedy)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_mount_that_is_not_used_is_named_beside_the_place_that_is() {
        let usual = "/usr/share/elasticsearch/data";
        let stale = [(usual, "/opt/trains/data/elastic")];
        let found =
            unsafe_storage(&deployment(Role::Elasticsearch, "/var/tmp/es", Storage::ContainerLayer, &stale), &[]);
        insta::assert_snapshot!(words(&found), @r"
        The service elasticsearch keeps /var/tmp/es in its container itself: taking the stack down would lose it. /opt/trains/data/elastic is mounted at /usr/share/elasticsearch/data, but Elasticsearch does not use it.
          Rescue it into a directory: docker stop trains-elasticsearch && docker cp -a trains-elasticsearch:/var/tmp/es /nowhere/trains/data/elasticsearch; then mount /nowhere/trains/data/elasticsearch at /var/tmp/es in the compose file, start the stack, see that all is there, and run again.
        ");
    }

    #[test]
    fn data_that_nothing_is_mounted_at_come_with_the_commands_that_rescue_them() {
        let mut server = deployment(Role::Redis, "/data", Storage::Anonymous, &[]);
        let stopped = words(&unsafe_storage(&server, &[]));
        server.services.iter_mut().for_each(|service| service.container = None);
        insta::assert_snapshot!(format!("{stopped}\n{}", words(&unsafe_storage(&server, &[]))), @r"
        The service redis keeps /data in an anonymous volume: taking the stack down would lose it.
          Rescue it into a directory: docker stop trains-redis && docker cp -a trains-redis:/data /nowhere/trains/data/redis; then mount /nowhere/trains/data/redis at /data in the compose file, start the stack, see that all is there, and run again.
        The service redis keeps /data in an anonymous volume: taking the stack down would lose it.
          There is no container any more that could hold data. Make a directory for them and mount /nowhere/trains/data/redis at /data in the compose file, start the stack, see that all is there, and run again.
        ");
    }

    #[test]
    fn data_in_memory_are_not_told_to_be_copied_out_of_a_container_that_has_stopped() {
        let server = deployment(Role::Redis, "/data", Storage::ContainerLayer, &[]);
        let told = |running: bool| {
            let mut container = Container { id: "0".into(), name: "trains-redis".into(), ..Container::default() };
            container.state.running = running;
            container.mounts = vec![crate::docker::ContainerMount {
                kind: MountKind::Other("tmpfs".into()),
                source: PathBuf::new(),
                target: "/data".into(),
                read_only: false,
            }];
            let containers = [container];
            assert!(any_in_memory(&server, &containers));
            words(&unsafe_storage(&server, &containers))
        };
        insta::assert_snapshot!(format!("{}\n{}", told(true), told(false)), @r"
        The service redis keeps /data in memory (tmpfs): they are gone as soon as it stops.
          Copy them to a place that lasts while it runs, for example: docker exec trains-redis tar -C /data -c . | tar -C DIRECTORY -x; then mount DIRECTORY at /data in the compose file.
        The service redis kept /data in memory (tmpfs), and trains-redis is stopped, so that what was there is gone.
          If there is a copy of it, put that into a directory and mount it at /data in the compose file; else mount an empty one there, start the stack, see what is there, and run again.
        ");
        assert!(!any_in_memory(&server, &[]));
    }

    #[test]
    fn a_mount_one_level_deeper_holds_the_data_and_is_not_called_lost() {
        let usual = "/usr/share/elasticsearch/data";
        let deeper = [("/usr/share/elasticsearch/data/nodes", "/opt/trains/data/nodes")];
        let found = unsafe_storage(&deployment(Role::Elasticsearch, usual, Storage::ContainerLayer, &deeper), &[]);
        insta::assert_snapshot!(words(&found), @r"
        The service elasticsearch keeps its data at /usr/share/elasticsearch/data, and only /usr/share/elasticsearch/data/nodes of it is mounted, from /opt/trains/data/nodes. This program moves the directory as a whole.
          Put it into one directory: docker stop trains-elasticsearch && mkdir -p /nowhere/trains/data/elasticsearch && cp -a /opt/trains/data/nodes /nowhere/trains/data/elasticsearch/nodes; then mount /nowhere/trains/data/elasticsearch at /usr/share/elasticsearch/data in the compose file, in place of that mount, start the stack, see that all is there, and run again.
        ");
    }

    #[test]
    fn a_container_that_has_its_data_elsewhere_than_the_file_says_is_refused() {
        let mut server = sample::deployment();
        let disagreement = |subject: &str, container: &str, file: &str| Disagreement {
            service: "redis".into(),
            subject: subject.into(),
            container: container.into(),
            file: file.into(),
        };
        server.disagreements = vec![
            disagreement(Disagreement::DATA, "/tmp", "/data (the image's default)"),
            disagreement("/data", "/opt/trains/data/redis", "nothing"),
            disagreement("/etc/redis", "/etc/redis", "nothing"),
        ];
        insta::assert_snapshot!(words(&disagreements(&server)), @r"
        The container of redis keeps its data at /tmp; by the compose file it would keep them at /data (the image's default).
          Make the compose file say /tmp again, if that is where your data are; or let compose create redis anew, if they are where the file says.
        ");
        server.disagreements.remove(0);
        insta::assert_snapshot!(words(&disagreements(&server)), @r"
        The container of redis has /opt/trains/data/redis at /data; the compose file now says nothing.
          Make them agree: put /opt/trains/data/redis back into the compose file if that is where your data are, or let compose create redis anew.
        ");
    }

    #[test]
    fn a_neighbours_volume_without_a_name_is_named_unless_it_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        let mount = |name: &str, target: &str| ContainerMount {
            kind: MountKind::Volume(name.repeat(64 / name.len())),
            source: dir.path().to_owned(),
            target: target.into(),
            read_only: false,
        };
        let mounts = vec![mount("a", "/var/lib/grafana"), mount("named_vo", "/named")];
        let container = Container { name: "grafana".into(), mounts, ..Default::default() };
        assert_eq!(left_behind("grafana", &container), []);
        std::fs::write(dir.path().join("grafana.db"), "x").unwrap();
        assert!(has_a_lasting_place(&container) && !has_a_lasting_place(&Container::default()));
        insta::assert_snapshot!(words(&[only_in_themselves(&["nginx", "grafana"])]), @r"
        Not part of the server, but of its project, and taken down with it: nginx, grafana. The containers are made anew, without what was written inside of them.
          If one of them keeps something inside of itself, copy it out first: docker cp -a CONTAINER:PATH DIRECTORY
        ");
        insta::assert_snapshot!(words(&left_behind("grafana", &container)), @r"
        grafana is not part of the server, but of its project, so its container is removed and made anew, too. What it has at /var/lib/grafana is in a volume without a name, aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, which the new container will not use.
          Nothing in the volume is deleted. If it is needed, mount a directory or a named volume at /var/lib/grafana first; what is there now: docker cp -a grafana:/var/lib/grafana DIRECTORY
        ");
    }
}
