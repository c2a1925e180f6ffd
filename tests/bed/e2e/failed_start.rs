//! A new server that starts and cannot work: it fails in the middle of a migration of MongoDB's schema, as real ones do
//! on data that they did not expect, and only its log says so.

use crate::harness::call::Call;
use crate::harness::deployment::Deployment;
use crate::harness::docker;
use crate::harness::machine::Machine;
use crate::harness::server::{Server, assert_shows_the_same};
use crate::harness::stopwatch::Stopwatch;
use crate::harness::tree::Tree;
use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENTS: u64 = 5_000;
/// The stand-in of the server fails half-way in the migration that its configuration names.
const CAUSE: &str = "TESTBED_FAILS_IN";
const NEEDED_NAME: &str = "clearml-redis";

#[test]
fn a_new_server_that_fails_is_taken_back_or_looked_at_and_gets_fresh_copies() {
    let machine = Machine::new();
    let old = Deployment::with_documents(DOCUMENTS).killed().on(&machine);
    let text = fs::read_to_string(machine.compose_file()).unwrap();
    let line = "      TRAINS_REDIS_SERVICE_PORT: 6379\n";
    assert!(text.contains(line));
    let more = format!("{line}      TRAINS__testbed__fail_migration: \"${{{CAUSE}:-none}}\"\n");
    let original = in_a_volume(&machine, &text.replacen(line, &more, 1));
    fs::write(machine.compose_file(), &original).unwrap();
    // Left over from somebody's first try with the new server, under a name that it needs.
    let create = ["create", "--name", NEEDED_NAME, "--label", "org.clearml-migrate.run=test"];
    let other = docker::docker(&[&create[..], &["clearml-migrate-bed-base:bookworm", "true"]].concat());
    let name_of_other = || docker::docker(&["inspect", "--format", "{{.Name}}", other.trim()]).trim().to_owned();
    let clock = Stopwatch::start();
    let file = machine.compose_file();
    let migrate = |more: &[&str]| machine.migrate(&[&["--yes", "-f", &file], more].concat());
    let failing = |call: Call| call.env(CAUSE, "0.17.0").run().with_code(1);

    // Without a terminal nobody can be asked, so it goes back by itself.
    let back = failing(migrate(&[]));
    let back = back.saying("MongoDB's schema is at 0.16.2, and release 1.1 needs 1.0.2");
    let back = back.saying("Migration 0.17.0 failed, aborting");
    let back =
        back.saying("is named clearml-redis, as the new server's will be. It is renamed to clearml-redis_before_");
    let back = back.saying("was taken back; the old server runs again");
    // It ran for a moment, and whoever reported to it then must not lose that.
    back.saying("What the new server recorded is not in the old one, and is set aside");
    assert_eq!(set_aside(&machine.home(), "elastic_clearml_"), 1);
    assert_eq!(set_aside(&machine.home(), "db_clearml_"), 1);
    assert_eq!(name_of_other(), format!("/{NEEDED_NAME}"), "it has its name back");
    let shown = Server::ready("0.15.1").shown(&old.sample());
    assert_shows_the_same(&old.shown(), &shown, "the old server after a failed start");
    assert!(!machine.new_home().exists());
    old.stop();
    let mongo = Tree::of(&machine.home().join("data/mongo/db"));
    clock.tell("taken back by itself");

    let stopped = failing(migrate(&["--on-failure", "stop"])).saying("The new server is left as it is");
    let stopped = stopped.saying("Go on, once the cause is gone: docker-clearml-migrate");
    stopped.saying("Go back to the old server: docker-clearml-migrate");
    assert!(!docker::running("clearml").is_empty());
    assert!(name_of_other().starts_with(&format!("/{NEEDED_NAME}_before_")), "{}", name_of_other());
    let status = machine.migrate(&["status"]).run().done();
    status.saying("The last run failed in \"Check the new server\": MongoDB's schema is at 0.16.2");
    clock.tell("left to be looked at");

    // What the failed server has half-migrated is no good for the next try.
    let again = failing(migrate(&["--on-failure", "stop"])).saying("it gets fresh copies of the databases");
    again.saying("What the new server has recorded in MongoDB is kept");
    clock.tell("failed once more");
    // The same if its user was on the way back meanwhile, and thought better of it.
    machine.migrate(&["rollback", "--yes"]).failpoints("docker.compose_down=kill").run().killed();
    let finished = migrate(&[]).run().done().saying("What the new server has recorded in MongoDB is kept");
    finished.saying("What the new server has recorded in Redis is kept: the volume clearml_redis_clearml2_");
    let aside = docker::docker(&["volume", "ls", "--quiet", "--filter", "name=clearml_redis_clearml2_"]);
    assert_eq!(aside.lines().count(), 2, "{aside}");
    assert!(aside.lines().all(|volume| mountpoint(volume).join("dump.rdb").exists()));
    assert_eq!(set_aside(&machine.new_home(), "elastic_clearml_"), 1);
    assert_eq!(set_aside(&machine.new_home(), "db_clearml_"), 3);
    let server = Server::ready("1.1.1");
    old.assert_counts();
    assert_shows_the_same(&old.shown(), &server.shown(&old.sample()), "the new server");
    clock.tell("finished");

    let told = machine.migrate(&["rollback", "--no-start", "--dry-run"]).run().done();
    let told = told.saying("The way back - Stop the new server - Put the old compose file back");
    let told = told.saying("This was a dry run: nothing was changed.");
    assert!(!told.said().contains("Start the old server"), "{told}");
    assert!(!docker::running("clearml").is_empty());

    // Without the old data there is no way back, and the new server is not touched.
    let mongo_dir = machine.new_home().join("data/mongo");
    let retired = fs::read_dir(&mongo_dir).unwrap().map(|entry| entry.unwrap().path());
    let retired = retired.into_iter().find(|path| path.to_string_lossy().contains("/db_migrated_")).unwrap();
    let elsewhere = mongo_dir.join("moved by hand");
    fs::rename(&retired, &elsewhere).unwrap();
    let refused = machine.migrate(&["rollback", "--no-start", "--yes"]).run().refused();
    refused.saying("The old MongoDB data are not there any more").saying("If they were moved, move them back to");
    Server::ready("1.1.1");
    fs::rename(&elsewhere, &retired).unwrap();
    // The old compose file that was kept is not needed: the journal has its text.
    let kept = fs::read_dir(machine.new_home()).unwrap().map(|entry| entry.unwrap().path());
    let kept = kept.into_iter().find(|path| path.to_string_lossy().contains("docker-compose.yml_migrated_")).unwrap();
    fs::remove_file(kept).unwrap();
    let edited = format!("{}# Jane's\n", fs::read_to_string(machine.new_compose_file()).unwrap());
    fs::write(machine.new_compose_file(), &edited).unwrap();
    let back = machine.migrate(&["rollback", "--no-start", "--yes"]).run().done();
    let back = back.saying("the volume clearml_redis_clearml2").saying("db_clearml_");
    let (_, kept) =
        back.stderr.split_once("What you have written into docker-compose.yml since the migration is kept:").unwrap();
    let kept = kept.split_whitespace().next().unwrap();
    assert_eq!(fs::read_to_string(kept).unwrap(), edited, "where it is told to be, in {}", machine.home().display());
    assert_eq!(fs::read_to_string(machine.compose_file()).unwrap(), original);
    Tree::of(&machine.home().join("data/mongo/db")).same_as(&mongo, "MongoDB's data");
    assert_eq!(name_of_other(), format!("/{NEEDED_NAME}"));
    docker::docker(&["rm", other.trim()]);
    assert_eq!(docker::left_by_runs(), Vec::<String>::new());
}

const REDIS_VOLUME: &str = "trains_redis";

/// Moves Redis into a named volume; returns the compose file's text with that.
fn in_a_volume(machine: &Machine, text: &str) -> String {
    let label = |name: &str, value: &str| format!("com.docker.compose.{name}={value}");
    let [project, volume] = [label("project", "trains"), label("volume", "redis")];
    docker::docker(&["volume", "create", "--label", &project, "--label", &volume, REDIS_VOLUME]);
    let directory = machine.home().join("data/redis");
    for entry in fs::read_dir(&directory).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), mountpoint(REDIS_VOLUME).join(entry.file_name())).unwrap();
    }
    let mount = format!("- {}:/data", directory.display());
    assert!(text.contains(&mount));
    format!("{}\nvolumes:\n  redis:\n", text.replacen(&mount, "- redis:/data", 1))
}

fn mountpoint(volume: &str) -> PathBuf {
    docker::docker(&["volume", "inspect", "--format", "{{.Mountpoint}}", volume]).trim().into()
}

/// Returns how many data directories were set aside under names that begin so.
fn set_aside(home: &Path, beginning: &str) -> usize {
    let names = ["data", "data/mongo"].map(|directory| fs::read_dir(home.join(directory)).unwrap());
    let names = names.into_iter().flatten().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(beginning)).count()
}
