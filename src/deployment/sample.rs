//! A deployment for tests: a stock Trains Server 0.15.1 in `/opt/trains`.

use super::{Deployment, Mount, Service, ServiceContainer, Storage, VersionEvidence};
use crate::docker::{Project, PublishedPort};
use crate::role::Role;

pub(crate) fn deployment() -> Deployment {
    Deployment {
        home: "/opt/trains".into(),
        project: Project {
            name: "trains".into(),
            name_from_directory: true,
            files: vec!["/opt/trains/docker-compose.yml".into()],
            directory: "/opt/trains".into(),
            env_files: vec!["/opt/trains/.env".into()],
            env_files_named: false,
            directory_named: false,
        },
        services: vec![
            service("apiserver", Role::Apiserver, &[("/opt/trains/config", "/opt/trains/config")]),
            service(
                "elasticsearch",
                Role::Elasticsearch,
                &[("/usr/share/elasticsearch/data", "/opt/trains/data/elastic")],
            ),
            service("fileserver", Role::Fileserver, &[("/mnt/fileserver", "/opt/trains/data/fileserver")]),
            service(
                "mongo",
                Role::Mongo,
                &[("/data/db", "/opt/trains/data/mongo/db"), ("/data/configdb", "/opt/trains/data/mongo/configdb")],
            ),
            service("redis", Role::Redis, &[("/data", "/opt/trains/data/redis")]),
            Service {
                ports: vec![PublishedPort { container: 80, host: 8080, host_ip: String::new() }],
                ..service("webserver", Role::Webserver, &[])
            },
        ],
        version: VersionEvidence { version: "0.15.1".into(), evidence: "Elasticsearch 5.6.16".into() },
        found_by: "runs as the compose project trains".into(),
        created_with: Some("1.29.2".into()),
        disagreements: Vec::new(),
        doubts: Vec::new(),
        notes: Vec::new(),
    }
}

pub(crate) fn service(name: &str, role: Role, mounts: &[(&str, &str)]) -> Service {
    Service {
        name: name.into(),
        role,
        image: "allegroai/trains:latest".into(),
        container_name: Some(format!("trains-{name}")),
        container: Some(ServiceContainer {
            id: "0".into(),
            name: format!("trains-{name}"),
            running: true,
            fell: false,
        }),
        mounts: mounts
            .iter()
            .map(|(target, path)| Mount {
                target: (*target).into(),
                storage: Storage::Bind { path: path.into() },
                read_only: false,
            })
            .collect(),
        data_paths: role.usual_data_paths().map(str::to_owned).collect(),
        ports: Vec::new(),
        environment: Default::default(),
        privileged: false,
        restart: Some("unless-stopped".into()),
        host_network: false,
    }
}
