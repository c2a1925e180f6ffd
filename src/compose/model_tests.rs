use super::*;
use serde_json::json;

/// Shaped like the answer of compose 2.40: long forms, numbers as texts, null commands, doubled dollars.
const CONFIG: &str = r#"{
  "name": "trains",
  "services": {
    "apiserver": {
      "command": ["apiserver"], "entrypoint": null, "container_name": "trains-apiserver",
      "image": "allegroai/trains:latest", "privileged": true, "restart": "unless-stopped",
      "depends_on": {"redis": {"condition": "service_started", "required": true}},
      "environment": {"TRAINS_REDIS_SERVICE_PORT": "6379", "PASS": "a$$b", "FROM_SHELL": null},
      "networks": {"backend": null, "other": {"aliases": ["api"]}},
      "ports": [{"mode": "ingress", "target": 8008, "published": "18008", "protocol": "tcp", "host_ip": "127.0.0.1"}],
      "volumes": [
        {"type": "bind", "source": "/opt/trains/logs", "target": "/var/log/trains", "bind": {"create_host_path": true}},
        {"type": "volume", "target": "/cache", "volume": {}},
        {"type": "tmpfs", "target": "/tmp"}
      ],
      "x-anything": [1, {"a": null}]
    }
  },
  "networks": {"backend": {"name": "trains_backend", "driver": "bridge", "ipam": {}}},
  "volumes": {"mongodata": {"name": "trains_mongodata"}, "out": {"name": "o", "external": true}}
}"#;

#[test]
fn the_answer_of_compose_is_read() {
    let project = Project::from_json(CONFIG).unwrap();
    let api = &project.services["apiserver"];
    assert_eq!(project.name.as_deref(), Some("trains"));
    assert_eq!(api.command, ["apiserver"]);
    assert_eq!(api.entrypoint, Vec::<String>::new());
    assert!(api.privileged);
    assert_eq!(api.depends_on, ["redis"]);
    assert_eq!(api.environment["PASS"].as_deref(), Some("a$b"));
    assert_eq!(api.environment["FROM_SHELL"], None);
    assert_eq!(api.networks["other"], ["api"]);
    assert_eq!(api.ports, [Port { target: 8008, published: Some("18008".into()), host_ip: "127.0.0.1".into() }]);
    assert_eq!(api.mount("/var/log/trains").unwrap().source.as_deref(), Some("/opt/trains/logs"));
    assert_eq!(api.mount("/cache").unwrap().source, None);
    assert_eq!(api.mount("/tmp").unwrap().kind, MountKind::Other("tmpfs".into()));
    assert_eq!(project.volumes["mongodata"].name.as_deref(), Some("trains_mongodata"));
    assert!(project.volumes["out"].external);
}

#[test]
fn short_forms_mean_the_same_as_long_ones() {
    let project = Project::from_yaml(
        "services:\n  a:\n    command: --setParameter x=1\n    environment: [A=b=c, B]\n    ports: [9200, '127.0.0.1:80:8080/tcp', '8081:8081']\n    networks: [backend]\n    volumes: ['/a:/b:ro', 'key:/c', /anonymous]\nvolumes:\n  key:\n",
    )
    .unwrap();
    let service = &project.services["a"];
    assert_eq!(service.command, ["--setParameter", "x=1"]);
    assert_eq!(service.environment["A"].as_deref(), Some("b=c"));
    assert_eq!(service.environment["B"], None);
    let ports: Vec<_> = service.ports.iter().map(|port| (port.target, port.published.as_deref())).collect();
    assert_eq!(ports, [(9200, None), (8080, Some("80")), (8081, Some("8081"))]);
    assert_eq!(service.ports[1].host_ip, "127.0.0.1");
    assert!(service.volumes[0].read_only);
    assert_eq!(service.volumes[1].kind, MountKind::Volume);
    assert_eq!(service.volumes[2].source, None);
    assert_eq!(project.volumes["key"], Volume::default());
}

#[test]
fn what_is_no_project_is_an_error() {
    assert!(Project::from_json("WARNING: x").is_err());
    assert!(Project::from_json("{\"services\": null}").is_err());
    assert!(Project::from_yaml("a: [").is_err());
}

#[test]
fn files_of_configs_and_secrets_are_mounted_as_compose_mounts_them() {
    let project = Project::from_value(&json!({
        "services": { "es": { "image": "i", "volumes": ["/a:/b"], "secrets": ["key"], "configs": [
            { "source": "yml", "target": "/usr/share/elasticsearch/config/elasticsearch.yml" }, "plain", "inline"
        ] } },
        "configs": { "yml": { "file": "/srv/es.yml" }, "plain": { "file": "/srv/plain" }, "inline": { "content": "x" } },
        "secrets": { "key": { "file": "/srv/key" } },
    }));
    let mounts: Vec<String> = project.unwrap().services["es"]
        .volumes
        .iter()
        .map(|mount| format!("{}:{}", mount.source.as_deref().unwrap_or_default(), mount.target))
        .collect();
    assert_eq!(
        mounts,
        [
            "/a:/b",
            "/srv/es.yml:/usr/share/elasticsearch/config/elasticsearch.yml",
            "/srv/plain:/plain",
            "/srv/key:/run/secrets/key"
        ]
    );
}
