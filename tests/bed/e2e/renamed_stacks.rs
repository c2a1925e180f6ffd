//! A server whose services have other names than upstream's, and share a network with another application: "Done" means
//! that all of it works, and nobody's requests go to somebody else's database. One whose node keeps its data below a wider
//! mount, and whose `.env` is made of other variables, at that.

use crate::harness::call::tool;
use crate::harness::deployment::{Deployment, QUICK_START};
use crate::harness::docker;
use crate::harness::elastic_data::names_in;
use crate::harness::machine::Machine;
use crate::harness::node::Node;
use crate::harness::server::{Server, assert_shows_the_same};
use crate::harness::stopwatch::Stopwatch;
use crate::harness::tree::Tree;
use serde_json::{Value, json};
use std::fs;

const DOCUMENTS: u64 = 5_000;
/// How often each application writes to its own databases, over a new connection each time.
const WRITES: u64 = 10;

/// The other application: it knows its databases as `mongo` and `elasticsearch`.
const APPLICATION: &str = r#"
  app:
    image: clearml-migrate-bed-base:bookworm
    container_name: app
    command: [sleep, infinity]
    stop_grace_period: 1s
    volumes:
    - "@MACHINE@/proxy.conf:/etc/proxy.conf:ro"
    networks:
      - backend

  mongo:
    image: mongo:3.6.5
    container_name: app-mongo
    volumes:
    - "@MACHINE@/app/mongo/db:/data/db"
    - "@MACHINE@/app/mongo/configdb:/data/configdb"
    networks:
      - backend

  elasticsearch:
    image: docker.elastic.co/elasticsearch/elasticsearch:5.6.16
    container_name: app-elastic
    environment:
      ES_JAVA_OPTS: "-Xms256m -Xmx256m @JAVA@"
      xpack.security.enabled: "false"
    volumes:
    - "@MACHINE@/app/elastic:/usr/share/elasticsearch/data"
    networks:
      - backend

networks:
"#;

/// What the other application does: writes, and says how many things it has in which databases.
const WORK: &str = r#"
import json, sys, time, urllib.request, pymongo
def elastic(path, body=None):
    request = urllib.request.Request("http://elasticsearch:9200" + path, body and json.dumps(body).encode(), {"Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=30))
for attempt in range(60):
    try:
        elastic("/_cluster/health?wait_for_status=yellow&timeout=2s")
        break
    except OSError:
        time.sleep(1)
for number in range(int(sys.argv[1])):
    elastic("/app-things/thing?refresh=true", {"number": number})
    pymongo.MongoClient("mongodb://mongo:27017").app.things.insert_one({"number": number})
databases = lambda host: sorted(set(pymongo.MongoClient("mongodb://" + host + ":27017").list_database_names()) - {"admin", "config", "local"})
print(json.dumps({
    "in elasticsearch": elastic("/app-things/_count")["count"],
    "indices": sorted(elastic("/_all/_settings")),
    "in mongo": pymongo.MongoClient("mongodb://mongo:27017").app.things.count_documents({}),
    "databases": databases("mongo"),
    "databases of the server": databases("db"),
    "page": urllib.request.urlopen("http://trains-webserver/", timeout=30).read().decode().count("Server"),
}))
"#;

#[test]
fn six_renamed_services_beside_another_applications_databases_move_and_come_back() {
    let machine = Machine::new();
    let old = Deployment::with_documents(DOCUMENTS).killed().on(&machine);
    fs::create_dir_all(machine.path("app/elastic")).unwrap();
    std::os::unix::fs::chown(machine.path("app/elastic"), Some(1000), Some(1000)).unwrap();
    // As a proxy before the web server has it.
    fs::write(machine.path("proxy.conf"), "location / {\n  proxy_pass http://trains-webserver;\n}\n").unwrap();
    let text = below_a_wider_mount(&with_other_names(&fs::read_to_string(machine.compose_file()).unwrap()));
    let env = machine.home().join(".env");
    let variables = fs::read_to_string(&env).unwrap();
    fs::write(&env, format!("{variables}TRAINS_FILES_HOST=http://${{TRAINS_HOST_IP}}:8081\n")).unwrap();
    let application =
        APPLICATION.replace("@MACHINE@", &machine.path("").display().to_string()).replace("@JAVA@", QUICK_START);
    fs::write(machine.compose_file(), text.replacen("\nnetworks:\n", &application, 1)).unwrap();
    old.start();
    let before = work(WRITES);
    assert_eq!(before, of_the_application(WRITES), "before anything has moved");
    let clock = Stopwatch::start();

    let said = machine.migrate(&["--yes", "-f", &machine.compose_file()]).run().done();
    let said = said.saying("web finds api under the name that its image looks for, apiserver (links).");
    let said = said
        .saying("The container of web keeps its name, trains-webserver:")
        .saying("proxy.conf, line 2, refers to it");
    let said = said.saying("the web server serves its page, and the API server through it");
    let said = said.saying("the file server serves its files (asked for").saying("10 containers ran for");
    clock.tell("moved");
    assert!(!said.said().contains("does not stay up"), "{said}");
    let server = Server::ready("1.1.1");
    old.assert_counts();
    assert_shows_the_same(&old.shown(), &server.shown(&old.sample()), "the new server");
    answers("http://localhost:8080/", "ClearML Server 1.1.1");
    answers("http://localhost:8080/api/server.info", "1.1.1");

    let told = docker::docker(&["inspect", "clearml-agent-services", "--format", "{{json .Config.Env}}"]);
    assert!(told.contains("\"CLEARML_FILES_HOST=http://127.0.0.1:8081\""), "{told}");
    let data = names_in(&machine.new_home().join("data"));
    let retired = data.iter().find(|name| name.starts_with("elastic_migrated_")).unwrap();
    assert!(data.contains(&"elastic".to_owned()), "{data:?}");
    let kept = Tree::of(&machine.new_home().join("data").join(retired));

    // Each application writes, and finds its own in its own databases, and nothing else.
    let node = Node::ready();
    let count = node.count("events-*");
    let task = server.call("tasks.create", &json!({ "name": "after", "type": "training" }))["id"].clone();
    for number in 0..WRITES {
        server.add_events(&[json!({ "type": "log", "task": task, "msg": format!("line {number}"), "worker": "w" })]);
    }
    assert_eq!(work(WRITES), of_the_application(2 * WRITES), "beside the new server");
    assert_eq!(node.count("events-*"), count + WRITES);
    assert_eq!(server.totals(task.as_str().unwrap())["log"], WRITES);
    clock.tell("written to");

    machine.migrate(&["rollback", "--yes", "--no-start"]).run().done();
    Tree::of(&machine.home().join("data/elastic")).same_as(&kept, "the old data");
    old.start();
    let server = Server::ready("0.15.1");
    assert_shows_the_same(&old.shown(), &server.shown(&old.sample()), "the old server after a rollback");
    assert_eq!(work(0), of_the_application(2 * WRITES), "beside the old server again");
    clock.tell("taken back");
}

/// Services as a group may have named them when they merged two files, with two databases known by their containers.
fn with_other_names(text: &str) -> String {
    let names = [
        ("apiserver", "api"),
        ("webserver", "web"),
        ("fileserver", "files"),
        ("elasticsearch", "search"),
        ("mongo", "db"),
        ("redis", "cache"),
    ];
    let mut text = text.to_owned();
    for (old, new) in names {
        for (old, new) in [
            (format!("\n  {old}:\n"), format!("\n  {new}:\n")),
            (format!("      - {old}\n"), format!("      - {new}\n")),
        ] {
            assert!(text.contains(&old) || old.contains("- webserver"), "{old:?}");
            text = text.replace(&old, &new);
        }
    }
    let references = [
        ("TRAINS_ELASTIC_SERVICE_HOST: elasticsearch", "TRAINS_ELASTIC_SERVICE_HOST: trains-elastic"),
        ("TRAINS_MONGODB_SERVICE_HOST: mongo", "TRAINS_MONGODB_SERVICE_HOST: db"),
        ("TRAINS_REDIS_SERVICE_HOST: redis", "TRAINS_REDIS_SERVICE_HOST: trains-redis"),
        ("TRAINS_API_HOST: http://apiserver:8008", "TRAINS_API_HOST: http://trains-apiserver:8008"),
        // The web server is where the proxy finds it.
        ("    ports:\n    - \"8080:80\"\n", "    ports:\n    - \"8080:80\"\n    networks:\n      - backend\n"),
    ];
    for (old, new) in references {
        assert!(text.contains(old), "{old:?}");
        text = text.replace(old, new);
    }
    text
}

/// The whole data directory is mounted once, and the node has its own below it. MongoDB's `/data/configdb`, which nothing is
/// kept in, has no line, so that docker gives it a volume without a name.
fn below_a_wider_mount(text: &str) -> String {
    let (mount, setting) = ("/data/elastic:/usr/share/elasticsearch/data", "      node.name: trains\n");
    assert!(text.contains(mount) && text.contains(setting) && text.contains(":/data/configdb"));
    let wide = text
        .replace(mount, "/data:/srv/data")
        .replace(setting, &format!("{setting}      path.data: /srv/data/elastic\n"));
    wide.lines().filter(|line| !line.contains(":/data/configdb")).map(|line| format!("{line}\n")).collect()
}

/// Has the other application write so often, and returns what it has.
fn work(writes: u64) -> Value {
    let said = docker::docker(&["exec", "app", "python3", "-c", WORK, &writes.to_string()]);
    serde_json::from_str(said.trim()).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// What the application has after so many writes: its own things in databases of its own.
fn of_the_application(writes: u64) -> Value {
    json!({
        "in elasticsearch": writes,
        "indices": ["app-things"],
        "in mongo": writes,
        "databases": ["app"],
        "databases of the server": ["auth", "backend"],
        "page": 2,
    })
}

#[track_caller]
fn answers(url: &str, with: &str) {
    let page = tool("curl", &["--silent", "--fail", "--max-time", "30", url]);
    assert!(page.contains(with), "{url}: {page}");
}
