use super::*;

fn roles(services: &str) -> Result<BTreeMap<String, Role>> {
    assign(&Project::from_yaml(&format!("services:\n{services}")).unwrap())
}

#[test]
fn a_service_is_recognised_by_what_it_is() {
    let cases = [
        ("x: {image: allegroai/trains:latest, command: [apiserver]}", Role::Apiserver),
        ("x: {image: 'jarvis:v1', container_name: jarvis-api, command: apiserver}", Role::Apiserver),
        ("x: {image: allegroai/trains, command: [webserver]}", Role::Webserver),
        ("x: {image: allegroai/trains, command: [fileserver]}", Role::Fileserver),
        ("x: {image: allegroai/trains, ports: ['8008:8008']}", Role::Apiserver),
        ("x: {image: allegroai/trains, ports: ['8080:80']}", Role::Webserver),
        ("x: {image: allegroai/trains, container_name: trains-fileserver}", Role::Fileserver),
        ("x: {image: 'docker.elastic.co/elasticsearch/elasticsearch:5.6.16'}", Role::Elasticsearch),
        ("x: {image: 'mirror.corp:5000/elasticsearch@sha256:ab'}", Role::Elasticsearch),
        ("x: {image: 'search:7', volumes: ['/d:/usr/share/elasticsearch/data']}", Role::Elasticsearch),
        ("x: {image: 'mongo:3.6.5'}", Role::Mongo),
        ("x: {image: bitnami/mongodb}", Role::Mongo),
        ("x: {image: db, volumes: ['/a:/data/db', '/b:/data/configdb']}", Role::Mongo),
        ("x: {image: 'redis:5.0'}", Role::Redis),
        ("x: {image: allegroai/trains-agent-services}", Role::AgentServices),
        (
            "x: {image: own, environment: [TRAINS_API_HOST=a, TRAINS_WORKER_ID=b], volumes: ['/var/run/docker.sock:/var/run/docker.sock']}",
            Role::AgentServices,
        ),
        ("x: {image: mongo-express}", Role::Other),
        ("x: {image: redis/redisinsight}", Role::Other),
        ("x: {image: nginx, ports: ['80:80']}", Role::Other),
        ("elasticsearch: {image: nginx}", Role::Other),
        (
            "x: {image: allegroai/clearml, entrypoint: [python3, -m, jobs], environment: {CLEARML_MONGODB_SERVICE_HOST: m}}",
            Role::Other,
        ),
    ];
    for (text, expected) in cases {
        let roles = roles(&format!("  {text}\n")).unwrap();
        assert_eq!(roles.values().copied().collect::<Vec<_>>(), [expected], "{text}");
    }
}

#[test]
fn of_two_databases_the_one_counts_that_the_server_is_told_to_use() {
    let found = roles(
        "  apiserver: {command: [apiserver], image: t, environment: {TRAINS_REDIS_SERVICE_HOST: trains-cache, MONGODB_SERVICE_SERVICE_HOST: db}}\n  redis: {image: redis}\n  cache: {image: redis, container_name: trains-cache}\n  mongo: {image: mongo}\n  m2: {image: mongo, networks: {n: {aliases: [db]}}}\n",
    )
    .unwrap();
    assert_eq!(found["cache"], Role::Redis);
    assert_eq!(found["redis"], Role::Other);
    assert_eq!(found["m2"], Role::Mongo);
    assert_eq!(found["mongo"], Role::Other);
}

#[test]
fn a_database_outside_of_the_project_is_not_mistaken_for_a_neighbour() {
    let found = roles(
        "  apiserver: {command: [apiserver], image: t, environment: {TRAINS_MONGODB_SERVICE_HOST: mongo.corp}}\n  mongo: {image: mongo}\n",
    )
    .unwrap();
    assert_eq!(found["mongo"], Role::Other);
}

#[test]
fn databases_in_the_network_of_the_host_are_found_by_their_kind() {
    let found = roles(
        "  apiserver: {command: [apiserver], image: t, network_mode: host}\n  db: {image: mongo, network_mode: host}\n",
    )
    .unwrap();
    assert_eq!(found["db"], Role::Mongo);
}

#[test]
fn two_that_cannot_be_told_apart_are_refused_by_name() {
    let error = roles(
        "  apiserver: {command: [apiserver], image: t}\n  e1: {image: elasticsearch}\n  e2: {image: elasticsearch}\n",
    )
    .unwrap_err();
    assert!(error.message().contains("e1, e2"), "{error}");
    let error =
        roles("  a: {command: [apiserver], image: trains}\n  b: {command: [apiserver], image: trains}\n").unwrap_err();
    assert!(error.message().contains("a, b"), "{error}");
}

#[test]
fn a_neighbour_with_the_same_command_is_no_second_server() {
    let found =
        roles("  a: {command: [apiserver], image: allegroai/trains}\n  b: {command: [apiserver], image: kube}\n")
            .unwrap();
    assert_eq!((found["a"], found["b"]), (Role::Apiserver, Role::Other));
}

#[test]
fn the_unified_container_is_refused_by_name() {
    let error = roles(
        "  trainsserver: {image: allegroai/trains, entrypoint: /bin/bash, command: [-c, 'run apiserver & webserver'], ports: ['8008:8008', '8080:80', '8081:8081']}\n",
    )
    .unwrap_err();
    assert!(error.message().contains("trainsserver"), "{error}");
    assert!(!error.hints().is_empty());
}
