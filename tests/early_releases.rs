//! A server of Trains 0.11, which had no Redis, pulled from a private mirror: moved, and taken back.
//!
//! Runs in the test bed: `tests/run.sh e2e`. The old stack is down, as its server there would not start without Redis.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests may panic as tests may")]

mod harness;

use harness::deployment::Deployment;
use harness::docker::{self, docker};
use harness::machine::Machine;
use harness::on_the_bed;
use harness::server::{Server, assert_shows_the_same};
use harness::stopwatch::Stopwatch;
use harness::tree::Tree;
use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENTS: u64 = 5_000;
const REGISTRY: &str = "registry.corp.example:5000";

#[test]
fn a_server_without_redis_from_a_private_mirror_gets_one_and_comes_back() {
    if !on_the_bed() {
        return;
    }
    let machine = Machine::new();
    let old = Deployment::with_documents(DOCUMENTS).killed().on(&machine);
    let mirror = Mirror::of_the_images();
    let home = machine.home();
    as_of_0_11(&home);
    let before = Before::of(&home);
    let clock = Stopwatch::start();

    let file = machine.compose_file();
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
    clock.tell("migrated");
    let server = Server::ready("1.1.1");
    old.assert_counts();
    assert_shows_the_same(&old.shown(), &server.shown(&old.sample()), "the new server");
    let running = docker(&["ps", "--format", "{{.Image}}", "--filter", "label=com.docker.compose.project=clearml"]);
    let stock: Vec<&str> = running.lines().filter(|image| !image.starts_with(REGISTRY)).collect();
    assert!(stock.is_empty() && running.lines().count() >= 6, "{running}");
    assert_eq!(docker(&["exec", "clearml-redis", "redis-cli", "set", "seen", "yes"]).trim(), "OK");
    docker(&["exec", "clearml-redis", "redis-cli", "save"]);
    let told = docker(&["inspect", "clearml-agent-services", "--format", "{{json .Config.Env}}"]);
    assert!(told.contains("\"CLEARML_FILES_HOST=http://127.0.0.1:8081\""), "{told}");

    let report = machine.docker_clearml_migrate(&["rollback", "--yes", "--no-start"]).run().done();
    let aside = aside(&home);
    report.saying(&aside.display().to_string());
    assert!(aside.join("dump.rdb").is_file() && !home.join("data/redis").exists());
    before.is_back_in(&home);
    assert_eq!(docker::left_by_runs(), Vec::<String>::new());
    assert_eq!(docker::running("clearml"), Vec::<String>::new());
    clock.tell("taken back");
    drop(mirror);
}

/// Brings the compose file and `.env` to what 0.11 had, with the mirror's images.
fn as_of_0_11(home: &Path) {
    let file = home.join("docker-compose.yml");
    let text = fs::read_to_string(&file).unwrap();
    let (head, rest) = text.split_once("\n  redis:\n").unwrap();
    let (_, tail) = rest.split_once("\n  webserver:\n").unwrap();
    let without_redis = format!("{head}\n  webserver:\n{tail}");
    let lines = without_redis.lines().filter(|line| !line.contains("REDIS") && line.trim() != "- redis");
    let text = lines.collect::<Vec<_>>().join("\n") + "\n";
    // Not yet with the prefix.
    let text =
        text.replace("TRAINS_ELASTIC_SERVICE", "ELASTIC_SERVICE").replace("TRAINS_MONGODB_SERVICE", "MONGODB_SERVICE");
    let text = text
        .replace("image: docker.elastic.co/", "image: ")
        .replace("image: ", &format!("image: {REGISTRY}/"))
        .replace("restart: unless-stopped", "restart: always");
    assert!(!text.to_lowercase().contains("redis"), "{text}");
    fs::write(file, text).unwrap();
    let env = home.join(".env");
    let text = fs::read_to_string(&env).unwrap();
    fs::write(env, format!("{text}TRAINS_FILES_HOST=http://${{TRAINS_HOST_IP}}:8081\n")).unwrap();
    fs::remove_dir_all(home.join("data/redis")).unwrap();
}

/// Where the new server's Redis is after a rollback.
fn aside(home: &Path) -> PathBuf {
    let entries = fs::read_dir(home.join("data")).unwrap().map(|entry| entry.unwrap());
    let mut found = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("redis_clearml_"));
    found.next().expect("nothing was set aside").path()
}

/// The same images under the names of a registry that nobody can reach.
struct Mirror(Vec<String>);

impl Mirror {
    fn of_the_images() -> Self {
        let images = [
            "allegroai/trains:latest",
            "allegroai/clearml:1.1.1",
            "allegroai/trains-agent-services:latest",
            "allegroai/clearml-agent-services:latest",
            "docker.elastic.co/elasticsearch/elasticsearch:5.6.16",
            "docker.elastic.co/elasticsearch/elasticsearch:7.6.2",
            "mongo:3.6.5",
            "redis:5.0",
        ];
        let mirror = |image: &str| {
            let name = format!("{REGISTRY}/{}", image.trim_start_matches("docker.elastic.co/"));
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

/// What a rollback must bring back.
struct Before {
    data: Vec<(&'static str, Tree)>,
    texts: Vec<(&'static str, String)>,
}

impl Before {
    fn of(home: &Path) -> Self {
        let data = ["data/elastic", "data/mongo/db", "data/mongo/configdb", "data/fileserver", "config"];
        let texts = ["docker-compose.yml", ".env"];
        Self {
            data: data.map(|name| (name, Tree::of(&home.join(name)))).into(),
            texts: texts.map(|name| (name, fs::read_to_string(home.join(name)).unwrap())).into(),
        }
    }

    #[track_caller]
    fn is_back_in(&self, home: &Path) {
        for (name, tree) in &self.data {
            Tree::of(&home.join(name)).same_as(tree, name);
        }
        for (name, text) in &self.texts {
            assert_eq!(&fs::read_to_string(home.join(name)).unwrap(), text, "{name}");
        }
    }
}
