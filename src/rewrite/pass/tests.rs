use super::*;
use crate::compose::interpolations;
use crate::compose::model::Project;
use crate::compose::roles;
use crate::release;
use crate::rewrite::Variables;
use crate::rewrite::sample::request;
use serde_json::Value;
use std::path::{Path, PathBuf};

mod redis;

/// A 0.15-like file of our own, with what users do to such files: comments, ports, proxies, neighbours, quotes.
const CUSTOM: &str = include_str!("../fixtures/custom.yml");

fn source(text: &str) -> SourceFile {
    SourceFile { path: "/opt/trains/docker-compose.yml".into(), text: text.into() }
}

/// Roles of the services of a text, and a Redis that many of the texts have no other need for.
fn roles_of(text: &str) -> BTreeMap<String, Role> {
    let mut roles = roles::assign(&Project::from_yaml(text).unwrap()).unwrap();
    roles.entry("redis".into()).or_insert(Role::Redis);
    roles
}

fn rewritten(text: &str, request: &Request) -> Rewritten {
    rewrite(&[source(text)], &roles_of(text), request).unwrap_or_else(|error| panic!("{error}: {:?}", error.hints()))
}

fn shown(result: &Rewritten) -> String {
    let notes: String = result.notes.iter().map(|note| format!("note: {note}\n")).collect();
    let diffs: String =
        result.files.iter().map(|file| file.diff(Path::new("/opt/clearml/docker-compose.yml"))).collect();
    format!("{diffs}\n{notes}")
}

#[test]
fn a_customised_file_keeps_everything_that_is_the_users_own() {
    let result = rewritten(CUSTOM, &request());
    insta::assert_snapshot!(shown(&result));
    insta::assert_snapshot!("custom.yml", result.files[0].new);
}

#[test]
fn without_a_move_of_the_root_only_the_data_directory_changes() {
    let request = Request {
        home: None,
        paths: vec![("/opt/trains/data/elastic".into(), "/opt/trains/data/elastic_7".into())],
        ..request()
    };
    let result = rewritten(CUSTOM, &request);
    assert!(result.files[0].new.contains("- /opt/trains/data/elastic_7:/usr/share/elasticsearch/data"));
    assert!(result.files[0].new.contains("- /opt/trains/config:/opt/clearml/config"));
    assert!(!result.files[0].new.contains("- /opt/clearml"));
}

#[test]
fn the_release_itself_has_nothing_to_be_changed() {
    let release = release::find("1.1").unwrap();
    let result = rewritten(release.stack_text, &request());
    assert_eq!(result.files[0].new, release.stack_text);
    // Only what is the user's to say is missing.
    assert!(result.notes.iter().all(|note| note.starts_with("agent-services ")), "{:?}", result.notes);
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_stay() {
    let text = format!("\u{feff}{}", CUSTOM.replace('\n', "\r\n"));
    let expected = format!("\u{feff}{}", rewritten(CUSTOM, &request()).files[0].new.replace('\n', "\r\n"));
    let result = rewrite(&[source(&text)], &roles_of(CUSTOM), &request()).unwrap();
    assert_eq!(result.files[0].new, expected);
}

#[test]
fn json_and_braces_are_rewritten_to_the_same_model() {
    let model: Value = serde_saphyr::from_str(CUSTOM).unwrap();
    let wanted: Value = serde_saphyr::from_str(&rewritten(CUSTOM, &request()).files[0].new).unwrap();
    for text in [serde_json::to_string(&model).unwrap(), serde_json::to_string_pretty(&model).unwrap()] {
        let result = rewritten(&text, &request());
        let read: Value = serde_json::from_str(&result.files[0].new).unwrap();
        assert_eq!(read, wanted);
    }
}

#[test]
fn each_of_several_files_is_edited_for_what_it_holds() {
    let base = "services:\n  apiserver:\n    image: allegroai/trains:latest\n    command: [apiserver]\n  elasticsearch:\n    image: docker.elastic.co/elasticsearch/elasticsearch:5.6.16\n    volumes: [/opt/trains/data/elastic:/usr/share/elasticsearch/data]\n";
    let over = "services:\n  apiserver:\n    environment:\n    - TRAINS_SERVER_DEPLOYMENT_TYPE=lab # ours\n  elasticsearch:\n    environment: {script.inline: \"true\", TZ: UTC}\n";
    let files = [source(base), SourceFile { path: "/opt/trains/over.yml".into(), text: over.into() }];
    let result = rewrite(&files, &roles_of(base), &request()).unwrap();
    assert_eq!(
        result.files[1].new,
        "services:\n  apiserver:\n    environment:\n    - CLEARML_SERVER_DEPLOYMENT_TYPE=lab # ours\n  elasticsearch:\n    environment: {TZ: UTC, \"discovery.type\": \"single-node\", \"cluster.routing.allocation.disk.watermark.low\": \"500mb\", \"cluster.routing.allocation.disk.watermark.high\": \"500mb\", \"cluster.routing.allocation.disk.watermark.flood_stage\": \"500mb\"}\n"
    );
    assert_eq!(
        result.files[0].new,
        "services:\n  apiserver:\n    image: allegroai/clearml:1.1.1\n    command: [apiserver]\n  elasticsearch:\n    image: docker.elastic.co/elasticsearch/elasticsearch:7.6.2\n    volumes: [/opt/clearml/data/elastic_7:/usr/share/elasticsearch/data, \"/usr/share/elasticsearch/logs\"]\n"
    );
}

#[test]
fn shared_values_are_edited_where_they_are_written() {
    let text = "x-server: &server\n  image: allegroai/trains:latest\n  environment: &env\n    TRAINS_ELASTIC_SERVICE_HOST: elasticsearch\nservices:\n  apiserver:\n    <<: *server\n    command: [apiserver]\n  fileserver:\n    <<: *server\n    command: [fileserver]\n    environment:\n      <<: *env\n      TRAINS_X: 1\n";
    // The names under `x-server` are not a service's, but what they stand for is.
    let result = rewrite(&[source(text)], &roles_of(text), &request()).unwrap();
    let new = &result.files[0].new;
    assert!(new.contains("image: allegroai/clearml:1.1.1\n"), "{new}");
    assert!(new.contains("    CLEARML_ELASTIC_SERVICE_HOST: elasticsearch\n"), "{new}");
    assert!(new.contains("      CLEARML_X: 1\n"), "{new}");
}

#[test]
fn a_value_shared_with_a_neighbour_is_refused_with_its_line() {
    let text = "services:\n  apiserver:\n    image: allegroai/trains:latest\n    command: [apiserver]\n    environment: &env\n      TRAINS_API_HOST: x\n  neighbour:\n    image: mine\n    environment: *env\n";
    let error = rewrite(&[source(text)], &roles_of(text), &request()).unwrap_err();
    assert!(error.message().starts_with("/opt/trains/docker-compose.yml, line 6:"), "{error}");
    assert!(error.hints().iter().any(|hint| hint.contains("TRAINS_API_HOST")), "{:?}", error.hints());
}

#[test]
fn what_no_rule_can_carry_over_is_refused_by_name_and_line() {
    let api = "    image: allegroai/trains\n    command: [apiserver]\n";
    let cases = [
        (format!("services:\n  api:\n{api}    build: .\n"), "line 5: The service api builds its own image"),
        (format!("include: [x.yml]\nservices:\n  api:\n{api}"), "line 1: The file includes others"),
        (format!("services:\n  api:\n{api}    extends: {{file: x.yml, service: y}}\n"), "line 5: The service api extends another"),
        (format!("services:\n  api:\n{api}  db: {{image: mongo}}\n"), "line 5: The image of db, mongo, does not say"),
        (format!("services:\n  api:\n{api}  db: {{image: 'mongo:4.4'}}\n"), "is not a MongoDB 3.6"),
        ("services:\n  es:\n    image: elasticsearch:5.6\n    environment:\n      discovery.zen.ping.unicast.hosts: other\n".into(), "line 5: es is part of a cluster"),
        (format!("services:\n  api:\n{api}    container_name: >-\n      trains-api\n"), "line 5, cannot be edited: the value is written over several lines"),
    ];
    for (text, expected) in cases {
        let error = rewrite(&[source(&text)], &roles_of(&text), &request()).unwrap_err();
        assert!(error.message().contains(expected), "{error}\n{text}");
        assert!(!error.hints().is_empty(), "{error}");
    }
}

#[test]
fn shell_and_environment_file_give_the_variables_that_compose_sees() {
    let shell = [("TRAINS_A", "shell"), ("TRAINS_B", "old"), ("CLEARML_B", "new")];
    let shell = shell.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let found = Variables::new(&shell, "TRAINS_A=file\nTRAINS_C=1\n", "TRAINS_A=file\nCLEARML_C=1\n");
    assert_eq!(found.kept, ["TRAINS_A".to_owned()].into());
    assert_eq!((found.before["TRAINS_A"].as_str(), found.before["TRAINS_C"].as_str()), ("shell", "1"));
    assert_eq!((found.after["TRAINS_A"].as_str(), found.after["CLEARML_C"].as_str()), ("shell", "1"));
    assert_eq!(found.new_name("TRAINS_A"), None);
    assert_eq!(found.new_name("TRAINS_B").as_deref(), Some("CLEARML_B"));
}

#[test]
fn named_volumes_are_replaced_declared_and_pinned() {
    let text = "services:\n  elasticsearch:\n    image: elasticsearch:5.6.16\n    volumes:\n      - es:/usr/share/elasticsearch/data\n  fileserver:\n    image: allegroai/trains\n    command: fileserver\n    volumes:\n      - type: volume\n        source: files\n        target: /mnt/fileserver\nvolumes:\n  es:\n    driver: local\n  files:\n";
    let request = Request {
        volumes: vec![("es".into(), "es_clearml".into())],
        pinned_volumes: vec![("files".into(), "trains_files".into())],
        ..request()
    };
    let new = &rewritten(text, &request).files[0].new;
    assert!(new.contains("- es_clearml:/usr/share/elasticsearch/data\n"), "{new}");
    assert!(
        new.ends_with("volumes:\n  es:\n    driver: local\n  files:\n    name: trains_files\n  es_clearml:\n"),
        "{new}"
    );
}

#[test]
fn variables_from_the_shell_keep_their_names() {
    let text = "services:\n  agent:\n    image: allegroai/trains-agent-services\n    environment:\n      - TRAINS_HOST_IP=${TRAINS_HOST_IP}\n      - TRAINS_AGENT_GIT_USER\n      - TRAINS_AGENT_GIT_PASS\n";
    let kept = ["TRAINS_HOST_IP", "TRAINS_AGENT_GIT_USER"].map(str::to_owned).into();
    let request = Request { variables: Variables { kept, ..Variables::default() }, ..request() };
    let new = &rewritten(text, &request).files[0].new;
    for line in [
        "- CLEARML_HOST_IP=${TRAINS_HOST_IP}\n",
        "- CLEARML_AGENT_GIT_USER=${TRAINS_AGENT_GIT_USER}\n",
        "- CLEARML_AGENT_GIT_PASS\n",
    ] {
        assert!(new.contains(line), "{new}");
    }
    let names: Vec<String> = interpolations(text).unwrap().into_iter().collect();
    assert_eq!(names, ["TRAINS_AGENT_GIT_PASS", "TRAINS_AGENT_GIT_USER", "TRAINS_HOST_IP"]);
}

#[test]
fn a_file_without_our_services_comes_back_byte_for_byte() {
    let text = "# mine\nservices:\n  web: {image: \"nginx\" , ports: [ 80:80 ]}   # x\n\n\nvolumes: {}\n";
    assert_eq!(rewritten(text, &request()).files[0].new, text);
}

#[test]
fn what_is_no_compose_file_is_refused() {
    for text in ["", "- a\n", "a: [\n", "a: 1\n---\nb: 1\n", "a: 1\na: 2\n"] {
        let error = rewrite(&[source(text)], &BTreeMap::new(), &request()).unwrap_err();
        assert!(error.message().contains("/opt/trains/docker-compose.yml"), "{text:?}: {error}");
    }
}

/// The notes on a services agent with these lines of environment.
fn notes_on_agent(environment: &str, request: &Request) -> Vec<String> {
    let text = format!(
        "services:\n  apiserver:\n    image: allegroai/trains:latest\n    command: apiserver\n  helper:\n    \
         image: allegroai/trains-agent-services:latest\n    privileged: true\n    environment:\n{environment}"
    );
    let notes = rewritten(&text, request).notes;
    notes.into_iter().filter(|note| note.starts_with("helper ") || note.contains("services agent")).collect()
}

#[test]
fn what_a_services_agent_is_not_told_is_explained() {
    let stock = "      TRAINS_HOST_IP: ${TRAINS_HOST_IP}\n      TRAINS_AGENT_GIT_USER: ${TRAINS_AGENT_GIT_USER}\n      \
                 TRAINS_AGENT_GIT_PASS: ${TRAINS_AGENT_GIT_PASS}\n      TRAINS_API_ACCESS_KEY: ${TRAINS_API_ACCESS_KEY:-}\n";
    let fixed = Request { fixed_users: true, ..request() };
    insta::assert_snapshot!(notes_on_agent(stock, &fixed).join("\n"), @r"
    helper is not told this machine's address, which its tasks use for web and file server: write CLEARML_HOST_IP=ADDRESS into .env beside the compose file (the old name was TRAINS_HOST_IP).
    helper has no git user, so that it can clone public repositories only. For others set CLEARML_AGENT_GIT_USER and CLEARML_AGENT_GIT_PASS in .env (the old names began with TRAINS_).
    helper has no keys of its own, and with fixed users the new server lets no agent in without: create credentials in the web application, and write them into .env as CLEARML_API_ACCESS_KEY and CLEARML_API_SECRET_KEY.
    ");
    assert_eq!(notes_on_agent(stock, &request()).len(), 2);
}

#[test]
fn a_services_agent_that_is_told_everything_needs_no_word_under_old_names_or_new() {
    let values = |names: [&str; 3]| {
        let after = names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
        Request { variables: Variables { after, ..Variables::default() }, ..request() }
    };
    let stock = "      - TRAINS_HOST_IP=${TRAINS_HOST_IP}\n      - TRAINS_AGENT_GIT_USER\n      - TRAINS_AGENT_GIT_PASS=${TRAINS_AGENT_GIT_PASS}\n";
    let renamed = values(["CLEARML_HOST_IP", "CLEARML_AGENT_GIT_USER", "CLEARML_AGENT_GIT_PASS"]);
    assert_eq!(notes_on_agent(stock, &renamed), Vec::<String>::new());
    // The shell has the old names, and keeps them.
    let mut shell = values(["TRAINS_HOST_IP", "TRAINS_AGENT_GIT_USER", "TRAINS_AGENT_GIT_PASS"]);
    shell.variables.kept = shell.variables.after.keys().cloned().collect();
    assert_eq!(notes_on_agent(stock, &shell), Vec::<String>::new());
    // Both addresses are as good as the one that they are made of.
    let addresses = "      CLEARML_WEB_HOST: http://10.0.0.7:8080\n      CLEARML_FILES_HOST: http://10.0.0.7:8081\n      \
                     CLEARML_AGENT_GIT_USER: jane\n";
    let notes = notes_on_agent(addresses, &request());
    assert_eq!(notes, ["helper lacks CLEARML_AGENT_GIT_PASS, so that it can clone public git repositories only."]);
}

#[test]
fn a_service_whose_data_lay_in_its_container_gets_a_directory_mounted() {
    let text = "services:\n  elasticsearch:\n    image: elasticsearch:5.6.16\n    environment:\n      path.data: /var/tmp/es\n    volumes:\n      - /opt/trains/data/elastic:/usr/share/elasticsearch/data\n  mongo:\n    image: mongo:3.6.5\n  redis:\n    image: redis:5.0\n    volumes:\n      - /data\n  fileserver:\n    image: allegroai/trains\n    command: fileserver\n    volumes:\n      - type: volume\n        target: /mnt/fileserver\n  apiserver:\n    image: allegroai/trains\n    command: apiserver\n";
    let mount = |service: &str, host: &str, target: &str| (service.to_owned(), PathBuf::from(host), target.to_owned());
    let request = Request {
        mounts: vec![
            mount("elasticsearch", "/opt/clearml/data/elasticsearch_7", "/var/tmp/es"),
            mount("mongo", "/opt/clearml/data/mongo", "/data/db"),
            mount("redis", "/opt/clearml/data/redis", "/data"),
            mount("fileserver", "/opt/clearml/data/fileserver", "/mnt/fileserver"),
        ],
        ..request()
    };
    let new = &rewritten(text, &request).files[0].new;
    for line in [
        "- /opt/clearml/data/elasticsearch_7:/var/tmp/es",
        "- /opt/clearml/data/mongo:/data/db",
        "- /opt/clearml/data/redis:/data",
        "- /opt/clearml/data/fileserver:/mnt/fileserver",
    ] {
        assert!(new.contains(line), "{line}\n{new}");
    }
    assert_eq!(new.matches(":/mnt/fileserver").count(), 2, "the API server places artifacts there too\n{new}");
    assert!(!new.contains("- /data\n") && !new.contains("type: volume"), "{new}");
    // At the usual place, and in a service without any mount: two are added at once.
    let text = text.replace("\n    volumes:\n      - /opt/trains/data/elastic:/usr/share/elasticsearch/data", "");
    let mut request = request;
    request.mounts[0].2 = "/usr/share/elasticsearch/data".into();
    let new = &rewritten(&text, &request).files[0].new;
    assert!(new.contains("- /opt/clearml/data/elasticsearch_7:/usr/share/elasticsearch/data"), "{new}");
    assert!(new.contains("- /usr/share/elasticsearch/logs"), "{new}");
}
