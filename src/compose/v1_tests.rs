//! What the real docker-compose 1.25.0 and 1.29.2 say, read.

use super::super::model::{Mount, MountKind};
use super::*;

/// As compose 1.29.2 says it; 1.25.0 lists `depends_on` without conditions.
const CONFIG: &str = r#"
networks:
  backend:
    driver: bridge
services:
  elasticsearch:
    command:
    - sh
    - -c
    - echo $$HOME $${X}
    container_name: trains-elastic
    depends_on:
      redis:
        condition: service_started
    environment:
      BIG: 123456789012345678901234567890
      DOLLAR: a$$b
      EMPTY: null
      EMPTYSTR: ''
      EXP: 1e3
      FLOAT: 1.50
      FROM_FILE: x$$$$y
      INF: '.inf'
      LONG: aaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb ccccccccccccccccccccccccccccc
        ddddddddddddddddd eeeeeee
      ML: 'a

        b

        '
      NAN: NaN
      NUM: 5
      OCT: 0o14
      SEXAGESIMAL: '12:30:45'
      UMLAUT: ü😀 x
      YES: "yes"
      bootstrap.memory_lock: "true"
    image: docker.elastic.co/elasticsearch/elasticsearch:5.6.16
    networks:
      backend: null
    ports:
    - published: 9200
      target: 9200
    - 127.0.0.1:22:22/tcp
    - protocol: udp
      target: 56
    volumes:
    - /srv/data/elastic:/usr/share/elasticsearch/data:rw
    - esvol:/vol:ro
    - /anon
    - read_only: true
      source: /srv/lo$$ng
      target: /long
      type: bind
    - target: /tmpfs
      type: tmpfs
    - /srv/do$lar:/dollar:rw
    - /srv/two$$dollars:/two:rw
  extra:
    image: i
    profiles:
    - more
  redis:
    command: sh -c "echo $$PATH"
    depends_on:
    - elasticsearch
    image: redis:5.0
    labels:
      k$$$$k: v
version: '3.6'
volumes:
  esvol: {}
  ext:
    external: true
    name: ext
  named:
    name: n$$m
"#;

fn read() -> Project {
    project(CONFIG, "trains", &[]).unwrap()
}

#[test]
fn every_value_of_the_environment_is_the_text_that_the_container_gets() {
    let project = read();
    let environment = &project.services["elasticsearch"].environment;
    let table = [
        ("BIG", "123456789012345678901234567890"),
        ("DOLLAR", "a$b"),
        ("EMPTYSTR", ""),
        ("EXP", "1e3"),
        ("FLOAT", "1.50"),
        ("FROM_FILE", "x$$y"),
        ("INF", ".inf"),
        ("ML", "a\nb\n"),
        ("NAN", "NaN"),
        ("NUM", "5"),
        ("OCT", "0o14"),
        ("SEXAGESIMAL", "12:30:45"),
        ("UMLAUT", "ü😀 x"),
        ("YES", "yes"),
        ("bootstrap.memory_lock", "true"),
    ];
    for (name, value) in table {
        assert_eq!(environment[name].as_deref(), Some(value), "{name}");
    }
    assert_eq!(environment["EMPTY"], None, "comes from the shell");
    assert!(environment["LONG"].as_deref().unwrap().ends_with("ccccc ddddddddddddddddd eeeeeee"));
}

#[test]
fn dollars_of_short_mounts_are_not_doubled_and_all_others_are() {
    let project = read();
    let elastic = &project.services["elasticsearch"];
    let source = |target: &str| elastic.mount(target).unwrap().source.as_deref();
    assert_eq!(source("/dollar"), Some("/srv/do$lar"));
    assert_eq!(source("/two"), Some("/srv/two$$dollars"));
    assert_eq!(source("/long"), Some("/srv/lo$ng"));
    assert_eq!(elastic.command, ["sh", "-c", "echo $HOME ${X}"]);
    assert_eq!(project.volumes["named"].name.as_deref(), Some("n$m"));
}

#[test]
fn mounts_ports_and_order_are_read_in_both_forms() {
    let project = read();
    let elastic = &project.services["elasticsearch"];
    let mount = |kind, source: Option<&str>, target: &str, read_only| Mount {
        kind,
        source: source.map(str::to_owned),
        target: target.to_owned(),
        read_only,
    };
    let data = mount(MountKind::Bind, Some("/srv/data/elastic"), "/usr/share/elasticsearch/data", false);
    assert_eq!(elastic.volumes[0], data);
    assert_eq!(elastic.volumes[1], mount(MountKind::Volume, Some("esvol"), "/vol", true));
    assert_eq!(elastic.volumes[2], mount(MountKind::Volume, None, "/anon", false));
    assert!(elastic.volumes[3].read_only && elastic.volumes[4].kind == MountKind::Other("tmpfs".into()));
    let ports: Vec<_> = elastic.ports.iter().map(|port| (port.target, port.published.as_deref())).collect();
    assert_eq!(ports, [(9200, Some("9200")), (22, Some("22")), (56, None)]);
    assert_eq!(elastic.ports[1].host_ip, "127.0.0.1");
    assert_eq!(elastic.depends_on, ["redis"]);
    assert_eq!(project.services["redis"].depends_on, ["elasticsearch"]);
    assert!(project.volumes["ext"].external && !project.volumes["esvol"].external);
}

#[test]
fn the_name_is_the_given_one_and_profiles_count_as_in_version_2() {
    assert_eq!(read().name.as_deref(), Some("trains"));
    assert!(!read().services.contains_key("extra"));
    let with = |profile: &str| project(CONFIG, "trains", &[profile.to_owned()]).unwrap();
    assert!(with("more").services.contains_key("extra") && !with("other").services.contains_key("extra"));
}

#[test]
fn what_is_no_answer_is_told() {
    assert!(project("services: [", "x", &[]).unwrap_err().message().contains("docker-compose config"));
    assert!(project("version: '3.6'\n", "x", &[]).is_err());
}
