use super::*;

/// The services that Trains 0.11 had, in few lines.
const WITHOUT_REDIS: &str = "version: '3.6'
services:
  apiserver:
    command:
    - apiserver
    container_name: trains-apiserver
    image: mirror:5000/allegroai/trains:latest
    restart: always
    environment:
      ELASTIC_SERVICE_SERVICE_HOST: elasticsearch
      MONGODB_SERVICE_SERVICE_HOST: mongo
    links:
    - mongo:mongo
    - elasticsearch:elasticsearch
    networks:
    - backend
  elasticsearch:
    image: mirror:5000/elasticsearch/elasticsearch:5.6.16
    networks:
    - backend
  mongo:
    image: mirror:5000/mongo:3.6.5
    networks:
    - backend
networks:
  backend:
    driver: bridge
";

fn added_redis(text: &str) -> (Rewritten, Vec<String>) {
    let roles = roles::assign(&Project::from_yaml(text).unwrap()).unwrap();
    let result = rewrite(&[source(text)], &roles, &request()).unwrap_or_else(|error| panic!("{error}"));
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let old = lines(text);
    let new = lines(&result.files[0].new).into_iter().filter(|line| !old.contains(line)).collect();
    (result, new)
}

#[test]
fn a_server_of_before_redis_gets_one_as_the_release_has_it() {
    let (result, _) = added_redis(WITHOUT_REDIS);
    assert_eq!(result.added, ["redis"]);
    insta::assert_snapshot!(shown(&result));
    let again = roles::assign(&Project::from_yaml(&result.files[0].new).unwrap()).unwrap();
    assert_eq!(again["redis"], Role::Redis);
    let told = WITHOUT_REDIS.replace("environment:\n", "environment:\n      REDIS_SERVICE_HOST: cache.corp\n");
    assert_eq!(added_redis(&told).0.added, [""; 0], "it is told of one elsewhere");
}

/// Trains 0.10 has all services on the host's network.
#[test]
fn on_the_hosts_network_redis_is_reached_by_way_of_the_loopback() {
    let host = "    network_mode: host\n";
    let text = WITHOUT_REDIS
        .replace("    networks:\n    - backend\n", host)
        .replace("networks:\n  backend:\n    driver: bridge\n", "")
        .replace("    environment:\n      ELASTIC_SERVICE_SERVICE_HOST: elasticsearch\n      MONGODB_SERVICE_SERVICE_HOST: mongo\n    links:\n    - mongo:mongo\n    - elasticsearch:elasticsearch\n", "");
    let (result, new) = added_redis(&text);
    assert_eq!(result.added, ["redis"]);
    insta::assert_snapshot!(new.join("\n"), @r#"
      container_name: clearml-apiserver
      image: mirror:5000/allegroai/clearml:1.1.1
      depends_on:
        - redis
      environment:
        CLEARML_REDIS_SERVICE_HOST: "127.0.0.1"
      image: mirror:5000/elasticsearch/elasticsearch:7.6.2
      environment:
        discovery.type: single-node
        cluster.routing.allocation.disk.watermark.low: 500mb
        cluster.routing.allocation.disk.watermark.high: 500mb
        cluster.routing.allocation.disk.watermark.flood_stage: 500mb
    redis:
      image: mirror:5000/redis:5.0
      container_name: clearml-redis
      volumes:
        - /opt/clearml/data/redis:/data
      ports:
        - "127.0.0.1:6379:6379"
    "#);
}

#[test]
fn a_new_redis_is_written_as_the_file_is_and_takes_no_name_that_is_taken() {
    let json = r#"{"services": {"api": {"image": "allegroai/trains", "command": ["apiserver"], "depends_on": {"mongo": {"condition": "service_started"}}}, "redis": {"image": "own/metrics"}, "mongo": {"image": "mongo:3.6.5"}}}"#;
    let (result, _) = added_redis(json);
    assert_eq!(result.added, ["clearml-redis"]);
    insta::assert_snapshot!(result.files[0].new, @r#"{"services": {"api": {"image": "allegroai/clearml:1.1.1", "command": ["apiserver"], "depends_on": {"mongo": {"condition": "service_started"}, "clearml-redis": {"condition": "service_started"}}, "environment": {"CLEARML_REDIS_SERVICE_HOST": "clearml-redis"}}, "redis": {"image": "own/metrics"}, "mongo": {"image": "mongo:3.6.5"}, "clearml-redis": {"image": "redis:5.0", "volumes": ["/opt/clearml/data/redis:/data"]}}}"#);
}

fn lines_of_api(more: &str, redis: &str, networks: &str) -> String {
    format!(
        "services:\n  apiserver:\n    image: allegroai/trains:latest\n    command: [apiserver]\n{more}  redis:\n    image: redis:5.0\n{redis}{networks}"
    )
}

/// What a text becomes, and the notes that name Redis.
fn told(text: &str, request: &Request) -> (String, Vec<String>) {
    let roles = roles::assign(&Project::from_yaml(text).unwrap()).unwrap();
    let result = rewrite(&[source(text)], &roles, request).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(result.added, [""; 0]);
    (result.files[0].new.clone(), result.notes.into_iter().filter(|note| note.contains("Redis")).collect())
}

#[test]
fn an_api_server_that_nothing_tells_of_the_redis_beside_it_is_told() {
    let (new, notes) = told(&lines_of_api("", "    command: redis-server --port 7000\n", ""), &request());
    assert!(
        new.contains(
            "    environment:\n      CLEARML_REDIS_SERVICE_HOST: redis\n      CLEARML_REDIS_SERVICE_PORT: \"7000\"\n"
        ),
        "{new}"
    );
    insta::assert_snapshot!(notes.join("\n"), @"Nothing told apiserver where Redis is, and 1.1 would look for it in its own container; it is told of the service redis (CLEARML_REDIS_SERVICE_HOST=redis).");
    let (new, _) = told(&lines_of_api("", "", ""), &request());
    assert!(new.contains("CLEARML_REDIS_SERVICE_HOST: redis\n") && !new.contains("SERVICE_PORT"), "{new}");
    let apart = lines_of_api("    networks: [a]\n", "    networks: [b]\n", "networks: {a: {}, b: {}}\n");
    let (new, notes) = told(&apart, &request());
    assert!(!new.contains("REDIS"), "{new}");
    insta::assert_snapshot!(notes.join("\n"), @"Nothing tells apiserver where Redis is, and whether it finds the service redis from the network that the file gives it, is not known here: set CLEARML_REDIS_SERVICE_HOST in its environment.");
    let host = "    network_mode: host\n";
    assert!(!told(&lines_of_api(host, host, ""), &request()).0.contains("REDIS"), "it looks there of itself");
}

#[test]
fn an_api_server_that_is_told_of_redis_elsewhere_keeps_what_it_is_told() {
    let request = Request { redis_told: true, ..request() };
    for text in [WITHOUT_REDIS, &lines_of_api("", "", "")] {
        let (new, notes) = told(text, &request);
        assert!(!new.contains("REDIS_SERVICE_HOST"), "{new}");
        assert_eq!(notes, [""; 0]);
    }
}

#[test]
fn a_new_redis_among_other_applications_has_a_name_of_its_own() {
    let shared = WITHOUT_REDIS.replace("driver: bridge", "external: true");
    let named = WITHOUT_REDIS.replace("driver: bridge", "name: company");
    let neighbour =
        WITHOUT_REDIS.replace("\nnetworks:", "\n  metrics:\n    image: own/m\n    networks: [backend]\nnetworks:");
    let called_redis =
        WITHOUT_REDIS.replace("mirror:5000/mongo:3.6.5\n", "mirror:5000/mongo:3.6.5\n    container_name: redis\n");
    for text in [shared, named, neighbour, called_redis] {
        let (result, new) = added_redis(&text);
        assert_eq!(result.added, ["clearml-redis"], "{text}");
        let wanted = ["      CLEARML_REDIS_SERVICE_HOST: clearml-redis", "    container_name: clearml-redis"];
        assert!(wanted.iter().all(|line| new.iter().any(|one| one == line)), "{new:?}");
    }
}

#[test]
fn a_server_in_the_network_of_another_container_must_get_redis_by_hand() {
    let text = WITHOUT_REDIS.replacen("    networks:\n    - backend\n", "    network_mode: container:vpn\n", 1);
    let roles = roles::assign(&Project::from_yaml(&text).unwrap()).unwrap();
    let error = rewrite(&[source(&text)], &roles, &request()).unwrap_err();
    insta::assert_snapshot!(format!("{}\n{}", error.message(), error.hints().join("\n")), @r"
    /opt/trains/docker-compose.yml, line 15: The server has no Redis, and apiserver is in the network of something else (container:vpn).
    Add a service `redis` with `image: redis:5.0` and a directory of its own mounted at /data, tell the API server its host with CLEARML_REDIS_SERVICE_HOST, and start again.
    ");
}
