//! What is to be copied out of containers, and where to: for data that `down` would lose.

use crate::deployment::{Deployment, Mount, Service, Storage, is_in_memory, lost_with_down};
use crate::docker::{Container, DaemonInfo, MountKind};
use crate::error::Result;
use crate::files;
use crate::findings::{self, Finding};
use crate::message::{About, Code};
use crate::plan::{HomeMove, Replacement, Rescue};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Decides on a rescue for everything that would be lost, and makes the deployment say that the data are where they will
/// be rescued to. `containers` are those of the project, by their ids.
///
/// # Errors
/// Fails when it cannot be told what is there. What cannot be rescued is in the findings.
pub fn decide(
    deployment: &mut Deployment,
    containers: &BTreeMap<String, Container>,
    docker: &DaemonInfo,
    stamp: &str,
) -> Result<(Vec<Rescue>, Vec<Finding>)> {
    let (mut rescues, mut findings) = (Vec::new(), Vec::new());
    let lost: Vec<(Service, Mount)> =
        lost_with_down(deployment).into_iter().map(|(service, mount)| (service.clone(), mount.clone())).collect();
    for (service, mount) in lost {
        let container = service.container.as_ref().and_then(|one| containers.get(&one.id));
        let Some(container) = container else {
            findings.push(
                Finding::refusal(
                    Code::NothingToRescue,
                    format!("The service {} has no container any more that could hold {}.", service.name, mount.target),
                    format!("If its data are somewhere else, mount them at {} in the compose file.", mount.target),
                )
                .about(About::service(&service.name)),
            );
            continue;
        };
        let finding = one_of_several(&service, &mount, containers);
        if let Some(finding) = finding.or_else(|| impossible(&service, &mount, container, docker)) {
            findings.push(finding);
            continue;
        }
        let to = free_directory(deployment, &service, &mount.target, stamp, &rescues)?;
        point_to(deployment, &service.name, &mount.target, &to);
        rescues.push(Rescue {
            service: service.name.clone(),
            role: service.role,
            container: container.id.clone(),
            name: container.name.clone(),
            kept_as: format!("{}_migrated_{stamp}", container.name),
            seen_at: seen_at(&mount.target, container),
            path: mount.target,
            to,
            bytes: None,
        });
    }
    Ok((rescues, findings))
}

/// Refuses a service that was scaled: each of its containers may hold the only copy of other data.
fn one_of_several(service: &Service, mount: &Mount, containers: &BTreeMap<String, Container>) -> Option<Finding> {
    // Those of `compose run` have data of no server.
    let is_its_own = |one: &&Container| one.service() == Some(service.name.as_str());
    let names: Vec<&str> = containers.values().filter(is_its_own).map(|one| one.name.as_str()).collect();
    (names.len() > 1).then(|| {
        Finding::refusal(
            Code::SeveralContainers,
            format!(
                "The service {} has {} containers ({}), and each keeps {} for itself.",
                service.name,
                names.len(),
                names.join(", "),
                mount.target
            ),
            format!(
                "Find out which of them holds the server's data, copy what the others hold to another place (docker cp NAME:{} DIRECTORY), stop and remove those (docker stop NAME; docker rm NAME), and start again.",
                mount.target
            ),
        )
        .about(About::service(&service.name))
    })
}

/// Says why data cannot be copied out of a stopped container as they are, if that is so.
fn impossible(service: &Service, mount: &Mount, container: &Container, docker: &DaemonInfo) -> Option<Finding> {
    let (name, path) = (&container.name, &mount.target);
    if docker.rootless || docker.user_namespaces || docker.in_virtual_machine() {
        return Some(Finding::refusal(
            Code::OwnersCannotBeKept,
            format!(
                "The data of {} in {name}:{path} cannot be rescued with their owners: this docker gives containers user ids of their own.",
                service.name
            ),
            "Rescue them by hand, as without --rescue.",
        )
        .about(About::container(name)));
    }
    is_in_memory(path, container).then(|| findings::kept_in_memory(&service.name, path, name, container.state.running))
}

/// Returns where the data can be looked at on this machine: an anonymous volume lies in a directory, a process that
/// runs shows its whole tree to root, and the layer of one that is stopped may be a directory, too.
fn seen_at(path: &str, container: &Container) -> Option<PathBuf> {
    let of_volume = container.mounts.iter().find(|mount| {
        matches!(mount.kind, MountKind::Volume(_)) && mount.target.trim_end_matches('/') == path.trim_end_matches('/')
    });
    let of_process = || {
        let process = container.state.process?;
        // A number alone may be another process's, such as one of a virtual machine.
        let groups = std::fs::read_to_string(format!("/proc/{process}/cgroup")).unwrap_or_default();
        let is_its_own = groups.contains(&container.id)
            || std::fs::read_to_string(format!("/proc/{process}/mountinfo"))
                .is_ok_and(|list| list.contains(&container.id));
        is_its_own.then(|| Path::new("/proc").join(process.to_string()).join("root").join(path.trim_start_matches('/')))
    };
    // What the image itself has there is not in the layer; databases bring no data in their images.
    let of_layer = || Some(container.layer.as_ref()?.join(path.trim_start_matches('/')));
    let places = [of_volume.map(|mount| mount.source.clone()), of_process(), of_layer()];
    places.into_iter().flatten().find(|path| path.is_dir())
}

/// Returns a directory that is not there, beside the other data.
fn free_directory(
    deployment: &Deployment,
    service: &Service,
    path: &str,
    stamp: &str,
    taken: &[Rescue],
) -> Result<PathBuf> {
    let data = deployment.home.join("data");
    let beside = if data.is_dir() { data } else { deployment.home.clone() };
    let several = lost_with_down(deployment).iter().filter(|(one, _)| one.name == service.name).count() > 1
        || taken.iter().any(|one| one.service == service.name);
    let last = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
    let name = match last.filter(|_| several) {
        Some(last) => format!("{}-{last}", service.name),
        None => service.name.clone(),
    };
    let names = [name.clone(), format!("{name}_rescued"), format!("{name}_rescued_{stamp}")];
    for name in &names {
        let place = beside.join(name);
        if !files::exists(&place)? && taken.iter().all(|one| one.to != place) {
            return Ok(place);
        }
    }
    Ok(beside.join(format!("{name}_rescued_{stamp}_{}", taken.len())))
}

fn point_to(deployment: &mut Deployment, service: &str, target: &str, to: &Path) {
    let services = deployment.services.iter_mut().filter(|one| one.name == service);
    for mount in services.flat_map(|one| &mut one.mounts).filter(|mount| mount.target == target) {
        mount.storage = Storage::Bind { path: to.to_owned() };
    }
}

/// Returns the mounts that the new server needs for what was rescued: service, directory, container path.
pub(super) fn mounts(
    rescues: &[Rescue],
    replacements: &[Replacement],
    home: &HomeMove,
) -> Vec<(String, PathBuf, String)> {
    let of = |rescue: &Rescue| {
        let replaced = replacements.iter().find(|one| one.source == rescue.to);
        let place = replaced.map_or(rescue.to.as_path(), |one| one.final_path());
        (rescue.service.clone(), home.after(place), rescue.path.clone())
    };
    rescues.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::ContainerMount;
    use crate::role::Role;

    const STAMP: &str = "2026-11-22_18-30-00";

    fn info() -> DaemonInfo {
        DaemonInfo {
            version: "20.10.24".into(),
            api_version: "1.41".into(),
            podman: false,
            memory: 8 << 30,
            cpus: 2,
            root_dir: "/var/lib/docker".into(),
            os_type: "linux".into(),
            operating_system: "Debian".into(),
            architecture: "x86_64".into(),
            rootless: false,
            user_namespaces: false,
            selinux: false,
        }
    }

    /// A server whose Elasticsearch keeps its data in its container, with that container.
    fn server(home: &Path) -> (Deployment, BTreeMap<String, Container>) {
        let plan = crate::plan::sample::plan();
        let mut deployment = Deployment { home: home.to_owned(), ..plan.server().unwrap().deployment.clone() };
        let service = deployment.services.iter_mut().find(|one| one.role == Role::Elasticsearch).unwrap();
        service.mounts = vec![Mount {
            target: "/usr/share/elasticsearch/data".into(),
            storage: Storage::ContainerLayer,
            read_only: false,
        }];
        let id = service.container.as_ref().unwrap().id.clone();
        let container = Container { id: id.clone(), name: "trains-elastic".into(), ..Container::default() };
        (deployment, BTreeMap::from([(id, container)]))
    }

    #[test]
    fn what_would_be_lost_is_copied_to_a_free_place_beside_the_other_data() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("data/elasticsearch")).unwrap();
        let (mut deployment, containers) = server(dir.path());
        let (rescues, findings) = decide(&mut deployment, &containers, &info(), STAMP).unwrap();
        assert_eq!(findings, []);
        let [rescue] = &rescues[..] else { panic!("{rescues:?}") };
        assert_eq!(rescue.to, dir.path().join("data/elasticsearch_rescued"), "what is there is left alone");
        assert_eq!(rescue.kept_as, format!("trains-elastic_migrated_{STAMP}"));
        assert_eq!(rescue.place(), "trains-elastic:/usr/share/elasticsearch/data");
        assert!(lost_with_down(&deployment).is_empty(), "the plan is made for the rescued data");
    }

    #[test]
    fn the_data_of_a_stopped_container_are_looked_at_in_its_layer_and_those_of_a_volume_where_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = "/usr/share/elasticsearch/data";
        let seen = |change: &dyn Fn(&mut Container)| {
            let (mut deployment, mut containers) = server(dir.path());
            containers.values_mut().for_each(change);
            decide(&mut deployment, &containers, &info(), STAMP).unwrap().0[0].seen_at.clone()
        };
        assert_eq!(seen(&|_| ()), None, "nobody knows");
        let layer = dir.path().join("diff");
        let in_layer = layer.join(&path[1..]);
        std::fs::create_dir_all(&in_layer).unwrap();
        assert_eq!(seen(&|one| one.layer = Some(layer.clone())), Some(in_layer));
        let volume = dir.path().join("_data");
        std::fs::create_dir(&volume).unwrap();
        let mount = ContainerMount {
            kind: MountKind::Volume("f".repeat(64)),
            source: volume.clone(),
            target: path.to_owned(),
            read_only: false,
        };
        assert_eq!(seen(&|one| one.mounts = vec![mount.clone()]), Some(volume.clone()));
    }

    #[test]
    fn what_compose_run_has_left_is_no_container_of_the_service() {
        let dir = tempfile::tempdir().unwrap();
        let (mut deployment, mut containers) = server(dir.path());
        let label = |name: &str, value: &str| (format!("com.docker.compose.{name}"), value.to_owned());
        containers.values_mut().for_each(|one| one.labels.extend([label("service", "elasticsearch")]));
        let labels = [label("service", "elasticsearch"), label("oneoff", "True")].into();
        let one_off = Container { name: "trains_elasticsearch_run_1".into(), labels, ..Container::default() };
        containers.insert("one-off".into(), one_off);
        let (rescues, findings) = decide(&mut deployment, &containers, &info(), STAMP).unwrap();
        assert_eq!((rescues.len(), findings), (1, Vec::new()));
    }

    #[test]
    fn what_cannot_be_rescued_is_refused_with_what_to_do() {
        let told = |change: &dyn Fn(&mut BTreeMap<String, Container>, &mut DaemonInfo)| {
            let dir = tempfile::tempdir().unwrap();
            let (mut deployment, mut containers) = server(dir.path());
            let mut info = info();
            change(&mut containers, &mut info);
            let (rescues, findings) = decide(&mut deployment, &containers, &info, STAMP).unwrap();
            assert_eq!(rescues, []);
            assert!(!lost_with_down(&deployment).is_empty());
            findings.into_iter().map(|one| format!("{}\n  {}\n", one.what, one.remedy)).collect::<String>()
        };
        let memory = ContainerMount {
            kind: MountKind::Other("tmpfs".into()),
            source: PathBuf::new(),
            target: "/usr/share/elasticsearch".into(),
            read_only: false,
        };
        insta::assert_snapshot!(
            [
                told(&|containers, _| containers.clear()),
                told(&|containers, _| {
                    let label = ("com.docker.compose.service".to_owned(), "elasticsearch".to_owned());
                    containers.values_mut().for_each(|one| one.labels.extend([label.clone()]));
                    let second = Container {
                        name: "trains_elasticsearch_2".into(),
                        ..containers.values().next().unwrap().clone()
                    };
                    containers.insert("second".into(), second);
                }),
                told(&|_, info| info.user_namespaces = true),
                told(&|containers, _| {
                    containers.values_mut().for_each(|one| {
                        one.mounts = vec![memory.clone()];
                        one.state.running = true;
                    })
                }),
            ]
            .concat()
        );
    }
}
