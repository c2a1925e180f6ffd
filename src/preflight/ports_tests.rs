use super::super::listeners::Process;
use super::*;
use crate::docker::ContainerState;
use crate::plan::sample;

const ALL: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn server(change: impl Fn(&mut Service)) -> ServerPlan {
    let plan = sample::plan();
    let mut server = plan.server().unwrap().clone();
    server.deployment.services.iter_mut().for_each(change);
    server
}

fn in_the_machines_network() -> ServerPlan {
    server(|service| {
        service.host_network = true;
        service.ports.clear();
    })
}

fn ports(server: &ServerPlan) -> Vec<(String, u16)> {
    needs(server, &[]).into_iter().map(|need| (need.service, need.port)).collect()
}

fn need(service: &str, port: u16) -> Need {
    Need { service: service.into(), port, at: ALL, added: false }
}

fn container(name: &str, project: &str, process: i64) -> Container {
    let labels = [("com.docker.compose.project", project), ("com.docker.compose.service", "redis")];
    Container {
        name: name.into(),
        labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        state: ContainerState { running: true, process: Some(process), ..ContainerState::default() },
        network: Network::Host,
        ..Container::default()
    }
}

fn listener(ip: IpAddr, port: u16, process: Option<(&str, &[i64])>) -> Listener {
    let process = process.map(|(name, line)| Process { id: line[0], name: name.into(), line: line.to_vec() });
    Listener { ip, port, process }
}

fn holder(need: &Need, containers: &[Container], listeners: &[Listener]) -> Option<Holder> {
    Seen { projects: ["trains", "clearml"], containers, listeners }.holder(need)
}

#[test]
fn in_the_machines_network_each_service_needs_the_port_that_it_listens_at() {
    let all = [
        ("apiserver", 8008),
        ("elasticsearch", 9200),
        ("fileserver", 8081),
        ("mongo", 27017),
        ("redis", 6379),
        ("webserver", 80),
    ];
    assert_eq!(ports(&in_the_machines_network()), all.map(|(name, port)| (name.to_owned(), port)));
    let mut with_redis = in_the_machines_network();
    with_redis.deployment.services.retain(|service| service.role != Role::Redis);
    with_redis.new_redis = Some("/opt/trains/data/redis".into());
    let added = needs(&with_redis, &[]).pop().unwrap();
    assert_eq!((added.port, added.at, added.added), (6379, LOOPBACK, true));
    // Elsewhere it publishes nothing.
    let mut elsewhere = server(|_| {});
    elsewhere.new_redis = Some("/opt/trains/data/redis".into());
    assert_eq!(ports(&elsewhere), [("webserver".to_owned(), 8080)]);
}

#[test]
fn ports_that_are_configured_are_the_ones_that_count() {
    let mut server = in_the_machines_network();
    for service in &mut server.deployment.services {
        let told = match service.role {
            Role::Apiserver => ("TRAINS_MONGODB_SERVICE_PORT", "27018"),
            Role::Elasticsearch => ("http.port", "9201"),
            _ => continue,
        };
        service.environment = [(told.0.to_owned(), told.1.to_owned())].into();
    }
    let web = server.deployment.services.iter_mut().find(|service| service.role == Role::Webserver).unwrap();
    web.mounts = sample::service("web", Role::Webserver, &[("/etc/nginx/nginx.conf", "/srv/nginx.conf")]).mounts;
    let found: Vec<u16> = needs(&server, &[]).into_iter().map(|need| need.port).collect();
    assert_eq!(found, [8008, 9201, 8081, 27018, 6379]);
}

#[test]
fn where_a_command_or_a_file_of_the_users_own_says_another_port_the_usual_one_is_not_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("apiserver.conf"), "listen { port: 8018 }").unwrap();
    let mut server = in_the_machines_network();
    let place = dir.path().to_str().unwrap();
    for service in &mut server.deployment.services {
        match service.role {
            Role::Apiserver => {
                service.mounts = sample::service("api", Role::Apiserver, &[("/opt/trains/config", place)]).mounts;
            }
            Role::Elasticsearch => {
                let file = "/usr/share/elasticsearch/config/elasticsearch.yml";
                service.mounts = sample::service("es", Role::Elasticsearch, &[(file, "/srv/es.yml")]).mounts;
            }
            Role::Mongo => service.container.as_mut().unwrap().id = "m".into(),
            Role::Redis => service.container.as_mut().unwrap().id = "r".into(),
            _ => {}
        }
    }
    let running = |id: &str, command: &[&str]| Container {
        id: id.into(),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        ..Container::default()
    };
    let found = |mongo: &[&str], redis: &[&str]| -> Vec<u16> {
        let containers = [running("m", mongo), running("r", redis)];
        needs(&server, &containers).into_iter().map(|need| need.port).collect()
    };
    let (own, file) = (["mongod", "--port", "27018"], ["redis-server", "/etc/redis.conf"]);
    assert_eq!(found(&own, &file), [8081, 27018, 80]);
    assert_eq!(found(&["mongod", "--config", "/m"], &["redis-server --port=6380"]), [8081, 6380, 80]);
}

#[test]
fn the_old_servers_own_listeners_are_in_nobodys_way() {
    let own = [container("trains-redis", "trains", 100)];
    let redis = need("redis", 6379);
    let new = [container("clearml-redis", "clearml", 100)];
    assert_eq!(holder(&redis, &new, &[listener(ALL, 6379, Some(("redis-server", &[100, 1])))]), None);
    for process in [Some(("redis-server", &[100, 1][..])), Some(("redis-server", &[101, 100, 1])), None] {
        assert_eq!(holder(&redis, &own, &[listener(ALL, 6379, process)]), None, "{process:?}");
    }
    let published = Container {
        network: Network::Own,
        ports: vec![PublishedPort { container: 6379, host: 6379, host_ip: "0.0.0.0".into() }],
        ..own[0].clone()
    };
    for process in [Some((DOCKER_PROXY, &[7, 1][..])), None] {
        assert_eq!(holder(&redis, std::slice::from_ref(&published), &[listener(ALL, 6379, process)]), None);
    }
}

#[test]
fn whatever_else_listens_is_told_by_its_name() {
    let own = container("trains-redis", "trains", 100);
    let other = container("other-redis", "other", 200);
    let redis = need("redis", 6379);
    let by = |containers: &[Container], process| holder(&redis, containers, &[listener(LOOPBACK, 6379, process)]);
    let name = || Some(Holder::Container("other-redis".into()));
    assert_eq!(by(&[own.clone(), other.clone()], Some(("redis-server", &[201, 200]))), name());
    let ports = vec![PublishedPort { container: 6379, host: 6379, host_ip: String::new() }];
    let publishing = Container { network: Network::Own, ports, ..other };
    assert_eq!(by(&[own.clone(), publishing.clone()], None), name());
    assert_eq!(holder(&redis, &[own.clone(), publishing], &[]), name(), "without docker's proxy");
    let process = Some(Holder::Process(300, "redis-server".into()));
    assert_eq!(by(&[own], Some(("redis-server", &[300, 1]))), process);
    assert_eq!(by(&[], None), Some(Holder::Unknown));
}

#[test]
fn another_address_or_another_port_is_in_nobodys_way() {
    let added = Need { at: LOOPBACK, added: true, ..need("Redis", 6379) };
    let lan: IpAddr = "10.0.0.1".parse().unwrap();
    assert_eq!(holder(&added, &[], &[listener(lan, 6379, None)]), None);
    assert_eq!(holder(&added, &[], &[listener(LOOPBACK, 6380, None)]), None);
    assert_eq!(holder(&added, &[], &[listener(ALL, 6379, None)]), Some(Holder::Unknown));
    assert_eq!(holder(&need("redis", 6379), &[], &[listener(lan, 6379, None)]), Some(Holder::Unknown));
}

#[test]
fn a_refusal_says_who_listens_where_and_what_to_do() {
    let added = Need { at: LOOPBACK, added: true, ..need("Redis", 6379) };
    let found = [
        finding(&need("webserver", 80), &Holder::Container("proxy".into())),
        finding(&need("mongo", 27017), &Holder::Process(4711, "mongod".into())),
        finding(&need("elasticsearch", 9200), &Holder::Unknown),
        finding(&added, &Holder::Process(815, "redis-server".into())),
    ];
    let lines: Vec<String> = found.iter().map(|one| format!("{}\n  {}", one.what, one.remedy)).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    The container proxy listens at port 80 of this machine, where webserver of the new server is to listen.
      If nothing needs it: docker stop proxy. Else let it listen at another port.
    mongod (process 4711) listens at port 27017 of this machine, where mongo of the new server is to listen.
      Stop it, or let it listen at another port (ps -fp 4711 shows what it is).
    Something of another user listens at port 9200 of this machine, where elasticsearch of the new server is to listen.
      Stop it, or let it listen at another port (sudo ss -ltnp 'sport = :9200' shows what it is).
    redis-server (process 815) listens at port 6379 of this machine, where the Redis that is added is to listen.
      Stop it, or let it listen at another port (ps -fp 815 shows what it is). If that is a Redis for this server, name it in the environment of the API server, TRAINS_REDIS_SERVICE_HOST: 127.0.0.1, and none is added.
    ");
}
