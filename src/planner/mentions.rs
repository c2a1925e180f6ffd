//! Names of the server's containers in files that are not rewritten: configuration that services have mounted, and what
//! environment files say.

use crate::compose::model::Project;
use crate::deployment::{Deployment, Service, Storage};
use crate::rewrite::{SourceFile, hosts};
use crate::role::Role;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A configuration file is shorter.
const LONGEST: u64 = 64 * 1024;
/// Of a mounted directory, so many files and directories are looked at, so deep.
const LOOKED_AT: usize = 500;
const DEPTH: usize = 4;
/// Mounts of the server's own in which nobody configures anything.
const NO_CONFIGURATION: [&str; 6] = [
    Role::FILESERVER_DATA,
    "/var/log/trains",
    "/var/log/clearml",
    "/root/.trains",
    "/root/.clearml",
    "/var/run/docker.sock",
];

/// Returns the old names that the stock containers would lose, and that something else refers to: each with one such
/// place, in words. A name that a service has too is found in any case.
pub(super) fn mentions(deployment: &Deployment, compose_files: &[SourceFile]) -> BTreeMap<String, String> {
    let services = &deployment.services;
    let own = services.iter().filter(|service| service.role != Role::Other);
    let names = own
        .filter_map(|service| service.container_name.as_deref())
        .filter(|name| name.starts_with("trains-") && !services.iter().any(|service| service.name == *name));
    let files = mounted_files(services);
    let found = |name: &str| {
        let in_files = files.iter().find_map(|(path, text)| place_in(path, text, name));
        in_files.or_else(|| from_elsewhere(services, compose_files, name))
    };
    names.filter_map(|name| Some((name.to_owned(), found(name)?))).collect()
}

fn place_in(path: &Path, text: &str, name: &str) -> Option<String> {
    let at = hosts(text, name).next()?;
    let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    Some(format!("{}, line {line},", path.display()))
}

/// A variable that does not have the name in the compose files, for this very service, has it from an environment file or
/// the shell.
fn from_elsewhere(services: &[Service], compose_files: &[SourceFile], name: &str) -> Option<String> {
    let names = |text: &str| hosts(text, name).next().is_some();
    let models: Vec<Project> = compose_files
        .iter()
        .filter_map(|file| Project::from_yaml(file.text.trim_start_matches('\u{feff}')).ok())
        .collect();
    let is_written = |service: &str, variable: &str| {
        let written =
            models.iter().filter_map(|model| model.services.get(service)?.environment.get(variable)?.as_deref());
        written.into_iter().any(names)
    };
    services.iter().find_map(|service| {
        let mut naming = service.environment.iter().filter(|(_, value)| names(value));
        let (variable, _) = naming.find(|(variable, _)| !is_written(&service.name, variable))?;
        Some(format!("the variable {variable} of {}, which comes from a file of variables,", service.name))
    })
}

/// Returns the small texts that services have mounted from this machine.
fn mounted_files(services: &[Service]) -> Vec<(PathBuf, String)> {
    let mut files = BTreeMap::new();
    for service in services {
        let data: Vec<&str> = service.data_mounts().iter().map(|mount| mount.target.as_str()).collect();
        for mount in &service.mounts {
            let target = mount.target.as_str();
            if let Storage::Bind { .. } = mount.storage
                && !data.contains(&target)
                && !NO_CONFIGURATION.contains(&target)
                && let Some(path) = mount.storage.path()
            {
                collect(path, DEPTH, &mut LOOKED_AT.clone(), &mut files);
            }
        }
    }
    files.into_iter().collect()
}

/// What cannot be read, is long or no text, is passed over: it names nobody.
fn collect(path: &Path, depth: usize, left: &mut usize, files: &mut BTreeMap<PathBuf, String>) {
    let Some(now_left) = left.checked_sub(1) else { return };
    *left = now_left;
    // What a link leads to is what the container reads, if that is mounted too; going round in links ends with the depth.
    let Ok(metadata) = std::fs::metadata(path) else { return };
    if metadata.is_file() && metadata.len() <= LONGEST {
        if let Ok(text) = std::fs::read_to_string(path) {
            files.insert(path.to_owned(), text);
        }
    } else if metadata.is_dir() && depth > 0 {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            collect(&entry.path(), depth - 1, left, files);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::Mount;
    use crate::plan::sample;
    use std::fs;

    fn with_proxy(directory: &Path) -> Deployment {
        let mut deployment = sample::deployment();
        for service in &mut deployment.services {
            service.container_name = Some(format!("trains-{}", service.name));
        }
        let mut proxy = sample::service("proxy", Role::Other, &[]);
        let storage = Storage::Bind { path: directory.to_owned() };
        proxy.mounts.push(Mount { target: "/etc/nginx".into(), storage, read_only: true });
        deployment.services.push(proxy);
        deployment
    }

    #[test]
    fn a_proxys_configuration_keeps_the_name_that_it_refers_to() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("conf.d")).unwrap();
        let file = dir.path().join("conf.d/trains.conf");
        fs::write(&file, "server {\n  proxy_pass http://trains-webserver/;\n  root /srv/trains-mongo;\n}\n").unwrap();
        let found = mentions(&with_proxy(dir.path()), &[]);
        assert_eq!(found, BTreeMap::from([("trains-webserver".into(), format!("{}, line 2,", file.display()))]));
    }

    #[test]
    #[cfg(unix)]
    fn a_configuration_that_is_linked_into_the_mounted_directory_is_read_too() {
        let dir = tempfile::tempdir().unwrap();
        let (mounted, kept) = (dir.path().join("conf.d"), dir.path().join("sites"));
        fs::create_dir(&mounted).unwrap();
        fs::create_dir(&kept).unwrap();
        fs::write(kept.join("trains.conf"), "proxy_pass http://trains-webserver/;\n").unwrap();
        std::os::unix::fs::symlink(kept.join("trains.conf"), mounted.join("trains.conf")).unwrap();
        std::os::unix::fs::symlink(&mounted, mounted.join("round")).unwrap();
        let found = mentions(&with_proxy(&mounted), &[]);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["trains-webserver"]);
    }

    #[test]
    fn a_variable_that_no_compose_file_holds_keeps_the_name_that_it_refers_to() {
        let dir = tempfile::tempdir().unwrap();
        let mut deployment = with_proxy(dir.path());
        let api = deployment.services.iter_mut().find(|one| one.role == Role::Apiserver).unwrap();
        api.environment.insert("TRAINS_REDIS_SERVICE_HOST".into(), "trains-redis".into());
        let file = |text: &str| [SourceFile { path: "/opt/trains/docker-compose.yml".into(), text: text.into() }];
        let compose = |more: &str| {
            file(&format!(
                "services:\n  redis: {{container_name: trains-redis}}\n  apiserver:\n    env_file: api.env\n{more}"
            ))
        };
        let named = mentions(&deployment, &compose(""));
        assert_eq!(
            named.get("trains-redis").map(String::as_str),
            Some("the variable TRAINS_REDIS_SERVICE_HOST of apiserver, which comes from a file of variables,")
        );
        let elsewhere = [
            "    # asks trains-redis\n",
            "    command: ask trains-redis\n",
            "  other: {environment: {A: trains-redis}}\n",
        ];
        for other_place in elsewhere {
            assert_eq!(mentions(&deployment, &compose(other_place)), named, "{other_place}");
        }
        let written = mentions(&deployment, &compose("    environment: [TRAINS_REDIS_SERVICE_HOST=trains-redis]\n"));
        assert_eq!(written, BTreeMap::new());
    }
}
