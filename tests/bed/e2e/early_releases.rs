//! The first servers, of Trains 0.10 and 0.11, which had no Redis and no variables with a prefix: moved while they run, and
//! taken back.
//!
//! Their files are written as upstream's were: volumes in the long form, `links`,
//! no names for where a service is but those of Kubernetes, or none at all in the machine's network.

use crate::harness::call::tool;
use crate::harness::deployment::{Deployment, LOOKS_OFTEN, OldServer, QUICK_START};
use crate::harness::docker::{self, docker};
use crate::harness::elastic_data::names_in;
use crate::harness::machine::Machine;
use crate::harness::server::{Server, assert_shows_the_same};
use crate::harness::stopwatch::Stopwatch;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

const DOCUMENTS: u64 = 5_000;
const REGISTRY: &str = "registry.corp.example:5000";

#[test]
fn a_server_of_0_11_from_a_private_mirror_gets_redis_and_comes_back() {
    let machine = Machine::new();
    let mirror = Mirror::of_the_images();
    let old = early(&machine, &Stack::of_0_11(&machine.home()));
    let clock = Stopwatch::start();
    run(&old, "0.11.0", "mongodb://mongo");
    clock.tell("0.11 runs");

    let (home, file) = (machine.home(), machine.compose_file());
    let plan = machine.docker_clearml_migrate(&["--dry-run", "-f", &file]).run().done();
    let directory = machine.new_home().join("data/redis");
    let plan = plan.saying(&format!(
        "The service redis is added ({REGISTRY}/redis:5.0), with its data in {}.",
        directory.display()
    ));
    let images = plan.stdout.lines().find(|line| line.contains("while the old server runs:")).unwrap();
    let stock = images.split([' ', ',']).find(|word| word.contains('/') && !word.starts_with(REGISTRY));
    assert_eq!(stock, None, "{images}");
    assert!(!home.join("data/redis").exists(), "a dry run makes nothing");

    machine.docker_clearml_migrate(&["--yes", "-f", &file]).run().done();
    clock.tell("moved");
    shows_the_same_as(&old, "1.1.1");
    let running = docker(&["ps", "--format", "{{.Image}}", "--filter", "label=com.docker.compose.project=clearml"]);
    let stock: Vec<&str> = running.lines().filter(|image| !image.starts_with(REGISTRY)).collect();
    assert!(stock.is_empty() && running.lines().count() == 6, "{running}");
    assert_eq!(docker(&["exec", "clearml-redis", "redis-cli", "set", "seen", "yes"]).trim(), "OK");
    docker(&["exec", "clearml-redis", "redis-cli", "save"]);

    let report = machine.docker_clearml_migrate(&["rollback", "--yes"]).run().done();
    let aside = aside(&home);
    report.saying(&aside.display().to_string());
    assert!(aside.join("dump.rdb").is_file() && !home.join("data/redis").exists());
    shows_the_same_as(&old, "0.11.0");
    assert_eq!(fs::read_to_string(&file).unwrap(), Stack::of_0_11(&home).text());
    assert_eq!(docker::left_by_runs(), Vec::<String>::new());
    assert_eq!(docker::running("clearml"), Vec::<String>::new());
    clock.tell("taken back");
    drop(mirror);
}

#[test]
fn a_server_of_0_10_in_the_machines_network_gets_redis_and_comes_back() {
    let machine = Machine::new();
    let old = early(&machine, &Stack::of_0_10(&machine.home()));
    let clock = Stopwatch::start();
    run(&old, "0.10.1", "mongodb://localhost");
    clock.tell("0.10 runs");

    let (home, file) = (machine.home(), machine.compose_file());
    let call = |arguments: &[&str]| machine.migrate(&[arguments, &["-f", &file]].concat()).run();
    let before = docker::Objects::now();
    let stranger = TcpListener::bind("127.0.0.1:6379").unwrap();
    let refused = call(&["--yes"]).refused();
    refused
        .saying("listens at port 6379 of this machine, where the Redis that is added is to listen.")
        .saying(&format!("(process {})", std::process::id()));
    drop(stranger);
    docker::Objects::now().same_as(&before);
    clock.tell("refused");

    let said = call(&["--yes"]).done();
    let said = said.saying("webserver uses the machine's network: its page is at port 80 of this machine");
    said.saying("the web server serves its page, and the API server through it");
    clock.tell("moved");
    shows_the_same_as(&old, "1.1.1");
    answers("http://localhost/", "ClearML Server 1.1.1");
    let published = docker(&["port", "clearml-redis"]);
    assert_eq!(published.trim(), "6379/tcp -> 127.0.0.1:6379");

    machine.migrate(&["rollback", "--yes"]).run().done();
    shows_the_same_as(&old, "0.10.1");
    answers("http://localhost/", "Trains Server 0.10.1");
    assert!(!home.join("data/redis").exists());
    assert_eq!(fs::read_to_string(&file).unwrap(), Stack::of_0_10(&home).text());
    assert_eq!(docker::left_by_runs(), Vec::<String>::new());
    clock.tell("taken back");
}

/// A compose file of one of these releases.
struct Stack<'a> {
    home: &'a Path,
    /// In the machine's network.
    host: bool,
    server_image: String,
    registry: String,
}

impl<'a> Stack<'a> {
    fn of_0_10(home: &'a Path) -> Self {
        Self { home, host: true, server_image: "allegroai/trains:0.10.1".into(), registry: String::new() }
    }

    /// The mirror has the release under the name that its file has, `latest`.
    fn of_0_11(home: &'a Path) -> Self {
        let registry = format!("{REGISTRY}/");
        Self { home, host: false, server_image: format!("{registry}allegroai/trains:latest"), registry }
    }

    fn text(&self) -> String {
        let api = match self.host {
            // It has no configuration of its own. Trains does not know these names; the new server looks for Elasticsearch
            // every second.
            true => {
                "    environment:\n      CLEARML__APISERVER__ELASTIC__PROBING__MAX_RETRIES: 120\n      \
                CLEARML__APISERVER__ELASTIC__PROBING__TIMEOUT: 1\n"
            }
            false => {
                "    links:\n      - mongo:mongo\n      - elasticsearch:elasticsearch\n      - fileserver:fileserver\n    \
                    environment:\n      ELASTIC_SERVICE_SERVICE_HOST: elasticsearch\n      \
                    MONGODB_SERVICE_SERVICE_HOST: mongo\n"
            }
        };
        let web = if self.host { "" } else { "    links:\n      - apiserver\n" };
        let config = if self.host { None } else { Some(("config", "/opt/trains/config")) };
        let logs = ("logs", "/var/log/trains");
        let java = format!("    environment:\n      ES_JAVA_OPTS: -Xms1g -Xmx1g {QUICK_START}\n");
        let elastic = "      cluster.name: trains\n      \
            discovery.zen.minimum_master_nodes: \"1\"\n      http.compression_level: \"7\"\n      node.ingest: \"true\"\n      \
            node.name: trains\n      reindex.remote.whitelist: '*.*'\n      script.inline: \"true\"\n      \
            script.painless.regex.enabled: \"true\"\n      script.update: \"true\"\n      \
            thread_pool.bulk.queue_size: \"2000\"\n      xpack.monitoring.enabled: \"false\"\n      \
            xpack.security.enabled: \"false\"\n";
        let registry = &self.registry;
        let elasticsearch = match self.host {
            true => "docker.elastic.co/elasticsearch/elasticsearch:5.6.16".to_owned(),
            false => format!("{registry}elasticsearch/elasticsearch:5.6.16"),
        };
        let services = [
            self.server("apiserver", api, "8008:8008", &[Some(logs), config]),
            self.service("elasticsearch", "trains-elastic", &elasticsearch, &(java + elastic), "9200:9200", &[ELASTIC]),
            self.server("fileserver", "", "8081:8081", &[Some(logs), Some(("data/fileserver", "/mnt/fileserver"))]),
            self.service("mongo", "trains-mongo", &format!("{registry}mongo:3.6.5"), "", "27017:27017", &MONGO),
            self.server("webserver", web, "8080:80", &[Some(logs)]),
        ];
        let networks = if self.host { "" } else { "\nnetworks:\n  backend:\n    driver: bridge\n" };
        format!("version: \"3.6\"\nservices:\n{}{networks}", services.concat())
    }

    /// One of the three that hear no stop signal.
    fn server(&self, name: &str, more: &str, port: &str, mounts: &[Option<(&str, &str)>]) -> String {
        let more = format!("    command:\n    - {name}\n    stop_grace_period: 1s\n{more}");
        let mounts: Vec<(&str, &str)> = mounts.iter().flatten().copied().collect();
        self.service(name, &format!("trains-{name}"), &self.server_image, &more, port, &mounts)
    }

    fn service(
        &self,
        name: &str,
        container: &str,
        image: &str,
        more: &str,
        port: &str,
        mounts: &[(&str, &str)],
    ) -> String {
        let network = match self.host {
            true => "    network_mode: host\n".to_owned(),
            false => format!("    ports:\n    - \"{port}\"\n    networks:\n      - backend\n"),
        };
        let mount = |(source, target): &(&str, &str)| {
            format!("    - type: bind\n      source: {}/{source}\n      target: {target}\n", self.home.display())
        };
        let mounts: String = mounts.iter().map(mount).collect();
        format!(
            "  {name}:\n    container_name: {container}\n    image: {image}\n    restart: always\n{more}{network}    volumes:\n{mounts}"
        )
    }
}

const ELASTIC: (&str, &str) = ("data/elastic", "/usr/share/elasticsearch/data");
const MONGO: [(&str, &str); 2] = [("data/mongo/db", "/data/db"), ("data/mongo/configdb", "/data/configdb")];

/// Puts such a server on the machine, with what it had and nothing besides.
fn early(machine: &Machine, stack: &Stack<'_>) -> OldServer {
    let old = Deployment::with_documents(DOCUMENTS).killed().on(machine);
    let home = machine.home();
    fs::write(machine.compose_file(), stack.text()).unwrap();
    fs::remove_file(home.join(".env")).unwrap();
    for directory in ["data/redis", "agent", "config"] {
        fs::remove_dir_all(home.join(directory)).unwrap();
    }
    if !stack.host {
        fs::create_dir(home.join("config")).unwrap();
        fs::write(home.join("config/apiserver.conf"), LOOKS_OFTEN).unwrap();
    }
    old
}

/// Starts it, and requires that it shows what it has. Its MongoDB, at this address, has no stamps of schemas.
fn run(old: &OldServer, version: &str, mongo: &str) {
    old.start();
    let forget = "import sys, pymongo; pymongo.MongoClient(sys.argv[1]).backend.versions.drop()";
    docker(&["exec", "trains-apiserver", "python3", "-c", forget, mongo]);
    shows_the_same_as(old, version);
}

#[track_caller]
fn shows_the_same_as(old: &OldServer, version: &str) {
    let server = Server::ready(version).without_fixed_users();
    old.assert_counts();
    assert_shows_the_same(&old.shown(), &server.shown(&old.sample()), version);
}

/// Where the new server's Redis is after a rollback.
fn aside(home: &Path) -> PathBuf {
    let data = home.join("data");
    let found = names_in(&data).into_iter().find(|name| name.starts_with("redis_clearml_"));
    data.join(found.expect("nothing was set aside"))
}

/// The same images under the names of a registry that nobody can reach.
struct Mirror(Vec<String>);

impl Mirror {
    fn of_the_images() -> Self {
        let images = [
            ("allegroai/trains:0.11.0", "allegroai/trains:latest"),
            ("allegroai/clearml:1.1.1", "allegroai/clearml:1.1.1"),
            ("docker.elastic.co/elasticsearch/elasticsearch:5.6.16", "elasticsearch/elasticsearch:5.6.16"),
            ("docker.elastic.co/elasticsearch/elasticsearch:7.6.2", "elasticsearch/elasticsearch:7.6.2"),
            ("mongo:3.6.5", "mongo:3.6.5"),
            ("redis:5.0", "redis:5.0"),
        ];
        let mirror = |(image, name): (&str, &str)| {
            let name = format!("{REGISTRY}/{name}");
            docker(&["tag", image, &name]);
            name
        };
        Self(images.into_iter().map(mirror).collect())
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        docker::remove_everything();
        self.0.iter().for_each(|image| drop(std::process::Command::new("docker").args(["rmi", image]).output()));
    }
}

#[track_caller]
fn answers(url: &str, with: &str) {
    let page = tool("curl", &["--silent", "--fail", "--max-time", "30", url]);
    assert!(page.contains(with), "{url}: {page}");
}
