//! Services and containers under other names than upstream's: whoever looks for them still finds them.

use super::{Request, SourceFile, rewrite};
use crate::compose::model::Project;
use crate::compose::roles;
use crate::rewrite::sample::request;
use std::collections::BTreeMap;

const SIX_RENAMED: &str = include_str!("fixtures/renamed.yml");

/// What came of a text: its new form, and the notes.
fn rewritten(text: &str, request: &Request) -> (String, Vec<String>) {
    let roles = roles::assign(&Project::from_yaml(text).unwrap()).unwrap();
    let source = SourceFile { path: "/opt/trains/docker-compose.yml".into(), text: text.into() };
    let result = rewrite(&[source], &roles, request).unwrap_or_else(|error| panic!("{error}: {:?}", error.hints()));
    (result.files[0].new.clone(), result.notes)
}

fn refused(text: &str) -> String {
    let roles = roles::assign(&Project::from_yaml(text).unwrap()).unwrap();
    let source = SourceFile { path: "/opt/trains/docker-compose.yml".into(), text: text.into() };
    rewrite(&[source], &roles, &request()).unwrap_err().to_string()
}

/// Three servers and what they need, in the order API server, web server, file server, with more lines for each.
fn servers(names: [&str; 3], more: [&str; 3]) -> String {
    let [api, web, file] = names;
    let [of_api, of_web, of_file] = more;
    format!(
        "services:\n  {api}:\n    image: allegroai/trains:latest\n    command: [apiserver]\n{of_api}  {web}:\n    image: allegroai/trains:latest\n    command: [webserver]\n{of_web}  {file}:\n    image: allegroai/trains:latest\n    command: [fileserver]\n{of_file}  redis:\n    image: redis:5.0\n"
    )
}

#[test]
fn a_server_with_six_renamed_services_and_a_proxy_finds_itself() {
    let (new, notes) = rewritten(SIX_RENAMED, &request());
    let diff = crate::compose::diff::unified(
        std::path::Path::new("/opt/trains/docker-compose.yml"),
        SIX_RENAMED,
        std::path::Path::new("/opt/clearml/docker-compose.yml"),
        &new,
    );
    let notes: String = notes.iter().map(|note| format!("note: {note}\n")).collect();
    insta::assert_snapshot!(format!("{diff}\n{notes}"));
}

#[test]
fn what_has_upstreams_names_gets_no_links() {
    let (new, notes) = rewritten(&servers(["apiserver", "webserver", "fileserver"], [""; 3]), &request());
    assert!(!new.contains("links"), "{new}");
    assert!(notes.iter().all(|note| !note.contains("finds")), "{notes:?}");
}

#[test]
fn an_alias_or_a_container_name_is_enough_where_nobody_else_has_it() {
    let own = ["    container_name: apiserver\n", "", "    networks: {default: {aliases: [fileserver]}}\n"];
    let (new, _) = rewritten(&servers(["api", "web", "files"], own), &request());
    assert!(!new.contains("links"), "{new}");
}

#[test]
fn a_stranger_of_the_same_name_is_not_asked_in_the_api_servers_place() {
    // Another application's service in the same network calls itself `apiserver`, too.
    let stranger = "  other:\n    image: example/other:1\n    container_name: apiserver\n";
    let text = servers(["apiserver", "webserver", "fileserver"], [""; 3]) + stranger;
    let (new, _) = rewritten(&text, &request());
    assert!(new.contains("    links:\n      - apiserver:apiserver\n"), "{new}");
}

#[test]
fn in_a_network_that_other_projects_join_the_web_server_asks_its_own_api_server() {
    let shared = "    networks: [proxy]\n";
    let text =
        servers(["apiserver", "webserver", "fileserver"], [shared; 3]) + "networks:\n  proxy:\n    external: true\n";
    let (new, _) = rewritten(&text, &request());
    assert!(new.contains("    links:\n      - apiserver:apiserver\n      - fileserver:fileserver\n"), "{new}");
    let own = text.replace("external: true", "driver: bridge");
    assert!(!rewritten(&own, &request()).0.contains("links"));
}

#[test]
fn a_server_that_is_started_behind_the_web_server_cannot_be_linked() {
    let more = ["    depends_on: [web]\n", "", ""];
    let said = refused(&servers(["api", "web", "fileserver"], more));
    assert_eq!(
        said,
        "/opt/trains/docker-compose.yml, line 5: web must find api under the name apiserver, and api is started behind web."
    );
}

#[test]
fn in_the_machines_network_the_web_server_finds_the_others_on_the_machine() {
    let host = "    network_mode: host\n";
    let (new, notes) = rewritten(&servers(["apiserver", "webserver", "fileserver"], [host; 3]), &request());
    assert!(new.contains("    extra_hosts:\n      - apiserver:127.0.0.1\n      - fileserver:127.0.0.1\n"), "{new}");
    assert!(notes.iter().any(|note| note.contains("at port 80 of this machine")), "{notes:?}");
    // The others may publish their ports instead.
    let ports = ["    ports: [\"8008:8008\"]\n", host, "    ports: [\"8081:8081\"]\n"];
    let (new, _) = rewritten(&servers(["apiserver", "webserver", "fileserver"], ports), &request());
    assert!(new.contains("fileserver:127.0.0.1"), "{new}");
    let elsewhere = ["    ports: [\"18008:8008\"]\n", host, host];
    let said = refused(&servers(["apiserver", "webserver", "fileserver"], elsewhere));
    assert!(
        said.contains("line 5: webserver uses the machine's network and must find apiserver at port 8008"),
        "{said}"
    );
}

#[test]
fn from_a_network_of_dockers_own_the_machine_is_the_way_to_its_network() {
    let host = "    network_mode: host\n";
    let (new, _) = rewritten(&servers(["apiserver", "webserver", "fileserver"], [host, "", host]), &request());
    assert!(new.contains("- apiserver:host-gateway\n") && new.contains("- fileserver:host-gateway\n"), "{new}");
}

#[test]
fn without_a_file_server_the_api_server_has_its_name() {
    let text = "services:\n  apiserver:\n    image: allegroai/trains:latest\n    command: [apiserver]\n  webserver:\n    image: allegroai/trains:latest\n    command: [webserver]\n  redis:\n    image: redis:5.0\n";
    let (new, _) = rewritten(text, &request());
    assert!(new.contains("    links:\n      - apiserver:fileserver\n"), "{new}");
}

#[test]
fn a_container_that_other_files_refer_to_keeps_its_name() {
    let mention = "/etc/nginx/conf.d/trains.conf, line 4,".to_owned();
    let request = Request { mentions: BTreeMap::from([("trains-webserver".to_owned(), mention)]), ..request() };
    let more = ["    container_name: trains-apiserver\n", "    container_name: trains-webserver\n", ""];
    let (new, notes) = rewritten(&servers(["apiserver", "webserver", "fileserver"], more), &request);
    assert!(
        new.contains("container_name: trains-webserver") && new.contains("container_name: clearml-apiserver"),
        "{new}"
    );
    assert!(notes.contains(&"The container of webserver keeps its name, trains-webserver: /etc/nginx/conf.d/trains.conf, line 4, refers to it. Use the name of the service there, webserver, if it is to be renamed.".to_owned()), "{notes:?}");
}

#[test]
fn a_container_that_a_label_or_a_logging_option_names_keeps_its_name() {
    for place in [
        "    labels: ['traefik.http.services.x.loadbalancer.server.url=http://trains-webserver:80']\n",
        "    logging: {driver: syslog, options: {tag: trains-webserver}}\n",
        "    deploy: {labels: {beside: trains-webserver}}\n",
    ] {
        let more = ["    container_name: trains-apiserver\n", "    container_name: trains-webserver\n", place];
        let (new, notes) = rewritten(&servers(["apiserver", "webserver", "fileserver"], more), &request());
        assert!(new.contains("container_name: trains-webserver\n") && new.contains(place), "{new}");
        assert!(new.contains("container_name: clearml-apiserver"), "{new}");
        let kept = "The container of webserver keeps its name, trains-webserver: services.fileserver.";
        assert!(notes.iter().any(|note| note.starts_with(kept)), "{notes:?}");
    }
}

#[test]
fn what_is_no_host_does_not_follow_a_containers_new_name() {
    let place = "    domainname: trains-webserver\n    user: trains-webserver\n    profiles: [trains-webserver]\n    environment:\n      - VIRTUAL_HOST=trains-webserver\n      - ASK=http://trains-webserver\n";
    let more = ["", "    container_name: trains-webserver\n", place];
    let (new, _) = rewritten(&servers(["apiserver", "webserver", "fileserver"], more), &request());
    assert!(new.contains("container_name: clearml-webserver"), "{new}");
    assert!(new.contains(&place.replace("http://trains", "http://clearml")), "{new}");
}

#[test]
fn a_service_that_has_a_containers_name_is_still_found_under_it() {
    let more = ["    environment: {TRAINS_REDIS_SERVICE_HOST: trains-redis}\n    container_name: trains-api\n", "", ""];
    let text = servers(["trains-api", "webserver", "fileserver"], more)
        .replace("  redis:", "  trains-redis:\n    container_name: trains-redis")
        + "  neighbour:\n    image: example/n:1\n    network_mode: container:trains-redis\n    command: ask trains-redis trains-api\n";
    let (new, _) = rewritten(&text, &request());
    assert!(new.contains("CLEARML_REDIS_SERVICE_HOST: trains-redis"), "{new}");
    assert!(
        new.contains("container_name: clearml-redis") && new.contains("network_mode: container:clearml-redis"),
        "{new}"
    );
    assert!(new.contains("command: ask trains-redis trains-api"), "{new}");
}
