//! What the checks refuse on a machine with docker: each says what is wrong and what to do, and changes nothing.

use crate::harness::call::{Call, Outcome, tool};
use crate::harness::deployment::Deployment;
use crate::harness::docker::docker;
use crate::harness::machine::{Everything, Machine};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const DOCUMENTS: u64 = 5_000;

/// Runs a call that must be refused with exit code 3 and change nothing.
#[track_caller]
fn refusal(machine: &Machine, call: Call) -> Outcome {
    let before = Everything::on(machine);
    let outcome = call.run().refused();
    before.is_unchanged_on(machine);
    outcome
}

/// Returns the findings that refuse, and the error: what is left when plan and warnings are taken away.
#[track_caller]
fn reasons(machine: &Machine) -> String {
    let outcome = refusal(machine, machine.docker_clearml_migrate(&["--yes", "-f", &machine.compose_file()]));
    let lines = outcome.stdout.lines().skip_while(|line| !line.starts_with("refused"));
    let kept: Vec<&str> = lines.take_while(|line| !line.starts_with("warning")).collect();
    machine.redacted(format!("{}\n\n{}", kept.join("\n").trim_end(), outcome.stderr).trim())
}

/// Returns a machine with an old server that is stopped, and no container of it.
fn machine_with_server() -> Machine {
    let machine = Machine::new();
    Deployment::with_documents(DOCUMENTS).killed().on(&machine);
    machine
}

/// Changes the old compose file.
fn edit_compose(machine: &Machine, old: &str, new: &str) {
    let text = fs::read_to_string(machine.compose_file()).unwrap();
    assert!(text.contains(old), "{old} is not in the compose file");
    fs::write(machine.compose_file(), text.replace(old, new)).unwrap();
}

fn elastic_data(machine: &Machine) -> PathBuf {
    machine.home().join("data/elastic")
}

#[test]
fn docker_is_not_installed() {
    let machine = Machine::new();
    let nothing = machine.work_dir();
    let said = refusal(&machine, machine.migrate(&["--yes"]).env("PATH", nothing)).said();
    insta::assert_snapshot!(machine.redacted(said.trim()), @r"
    Error: Docker is not installed here, or not on PATH.
    Caused by:
      1: `docker` cannot be run.
      2: No such file or directory (os error 2)
    Hint: The migration has to run on the machine of the old server; is this the one?
    Hint: If it is, install Docker's command line (Debian and Ubuntu: docker-ce-cli from Docker's repository, or docker.io), or put the directory it is in on PATH.
    ");
}

#[test]
fn there_is_no_server() {
    let machine = Machine::new();
    let said = refusal(&machine, machine.docker_clearml_migrate(&["--yes"])).said();
    insta::assert_snapshot!(machine.redacted(said.trim()), @r"
    Error: No Trains or ClearML server was found on this machine.
    Caused by: [machine]/somewhere: no compose file
        /opt/trains: no compose file
        /opt/clearml: no compose file
    Hint: Name its compose file: docker clearml migrate -f /path/to/docker-compose.yml
    Hint: A server that was started with `docker run` has no compose file: write one for it first, with the same mounts.
    ");
}

#[test]
fn there_are_two_servers() {
    let machine = Machine::new();
    for name in ["vision", "speech"] {
        let home = machine.path("opt").join(name);
        fs::create_dir_all(home.join("elastic")).unwrap();
        fs::write(home.join("docker-compose.yml"), SMALL_SERVER.replace("@HOME@", &home.display().to_string()))
            .unwrap();
        machine.compose(&home, &["create"]);
    }
    let said = refusal(&machine, machine.docker_clearml_migrate(&["--yes"])).said();
    for name in ["vision", "speech"] {
        machine.compose(&machine.path("opt").join(name), &["down"]);
    }
    insta::assert_snapshot!(machine.redacted(said.trim()), @r"
    Error: 2 servers were found; which one is meant?
    Caused by: [machine]/opt/speech/docker-compose.yml (stopped, known as the compose project speech; Elasticsearch in [machine]/opt/speech/elastic, no segment there)
        [machine]/opt/vision/docker-compose.yml (stopped, known as the compose project vision; Elasticsearch in [machine]/opt/vision/elastic, no segment there)
    Hint: docker clearml migrate -f [machine]/opt/speech/docker-compose.yml -p speech
    Hint: docker clearml migrate -f [machine]/opt/vision/docker-compose.yml -p vision
    ");
}

const SMALL_SERVER: &str = "
services:
  apiserver:
    image: allegroai/trains:0.15.1
    command: [apiserver]
  elasticsearch:
    image: docker.elastic.co/elasticsearch/elasticsearch:5.6.16
    volumes: ['@HOME@/elastic:/usr/share/elasticsearch/data']
";

#[test]
fn the_compose_file_is_not_yaml() {
    let machine = machine_with_server();
    fs::write(machine.compose_file(), "services:\n  apiserver: [\n  image: allegroai/trains:latest\n").unwrap();
    let said = refusal(&machine, machine.docker_clearml_migrate(&["--yes", "-f", &machine.compose_file()])).said();
    insta::assert_snapshot!(machine.redacted(said.trim()), @r"
    Error: Compose does not accept [machine]/opt/trains/docker-compose.yml.
    Caused by: yaml: line 1: did not find expected ',' or ']'
    Hint: Correct the file until this succeeds: docker compose --file [machine]/opt/trains/docker-compose.yml config --quiet
    ");
}

#[test]
fn the_compose_file_does_not_exist() {
    let machine = Machine::new();
    let said = refusal(&machine, machine.docker_clearml_migrate(&["--yes", "-f", "docker-compose.yml"])).said();
    insta::assert_snapshot!(machine.redacted(said.trim()), @r"
    Error: The compose file [machine]/somewhere/docker-compose.yml does not exist.
    Hint: `ls [machine]/somewhere` shows what is there; without -f the running server is looked for.
    ");
}

#[test]
fn there_is_no_elasticsearch_service() {
    let machine = machine_with_server();
    let text = fs::read_to_string(machine.compose_file()).unwrap();
    let (before, rest) = text.split_once("  elasticsearch:\n    image:").unwrap();
    let (_, after) = rest.split_once("  fileserver:\n    image:").unwrap();
    let without = format!("{before}  fileserver:\n    image:{after}").replace("      - elasticsearch\n", "");
    fs::write(machine.compose_file(), without).unwrap();
    insta::assert_snapshot!(reasons(&machine), @r"
    Error: [machine]/opt/trains/docker-compose.yml has no Elasticsearch service, so there are no metrics to migrate.
    Hint: If it is in another file of the same project, name both: -f FILE -f OTHER.
    Hint: An Elasticsearch that runs elsewhere cannot be migrated from here.
    ");
}

#[test]
fn elasticsearch_keeps_its_data_in_an_anonymous_volume() {
    let machine = machine_with_server();
    let mount = format!("\"{}:/usr/share/elasticsearch/data\"", elastic_data(&machine).display());
    edit_compose(&machine, &mount, "/usr/share/elasticsearch/data");
    machine.compose(&machine.home(), &["create"]);
    insta::assert_snapshot!(reasons(&machine), @r"
    refused  The service elasticsearch keeps /usr/share/elasticsearch/data in an anonymous volume: taking the stack down would lose it.
             Rescue it into a directory: docker stop trains-elastic && docker cp -a trains-elastic:/usr/share/elasticsearch/data [machine]/opt/trains/data/elasticsearch; then mount [machine]/opt/trains/data/elasticsearch at /usr/share/elasticsearch/data in the compose file, start the stack, see that all is there, and run again.
             Or let this program copy them out, and keep the container: docker clearml migrate -f [machine]/opt/trains/docker-compose.yml --rescue --dry-run

    Error: One check refuses the migration; nothing was changed.
    Hint: Do what is said above, then run the same command again.
    ");
}

#[test]
fn elasticsearch_keeps_its_data_in_its_container() {
    let machine = machine_with_server();
    let mount = format!("\"{}:/usr/share/elasticsearch/data\"", elastic_data(&machine).display());
    edit_compose(&machine, &mount, "/tmp/backups:/backups");
    machine.compose(&machine.home(), &["create"]);
    insta::assert_snapshot!(reasons(&machine), @r"
    refused  The service elasticsearch keeps /usr/share/elasticsearch/data in its container itself: taking the stack down would lose it.
             Rescue it into a directory: docker stop trains-elastic && docker cp -a trains-elastic:/usr/share/elasticsearch/data [machine]/opt/trains/data/elasticsearch; then mount [machine]/opt/trains/data/elasticsearch at /usr/share/elasticsearch/data in the compose file, start the stack, see that all is there, and run again.
             Or let this program copy them out, and keep the container: docker clearml migrate -f [machine]/opt/trains/docker-compose.yml --rescue --dry-run

    Error: One check refuses the migration; nothing was changed.
    Hint: Do what is said above, then run the same command again.
    ");
}

#[test]
fn the_data_directory_is_missing() {
    let machine = machine_with_server();
    fs::rename(elastic_data(&machine), machine.path("opt/elsewhere")).unwrap();
    insta::assert_snapshot!(reasons(&machine), @r"
    refused  The data directory [machine]/opt/trains/data/elastic does not exist.
             Check the path in the compose file: is a disk not mounted, or was the directory moved?

    Error: One check refuses the migration; nothing was changed.
    Hint: Do what is said above, then run the same command again.
    ");
}

#[test]
fn the_indices_are_not_there_and_mongodb_has_their_experiments() {
    let machine = machine_with_server();
    let (indices, elsewhere) = (elastic_data(&machine).join("nodes/0/indices"), machine.path("opt/elsewhere"));
    fs::rename(&indices, &elsewhere).unwrap();
    // With all of the server stopped, nobody knows.
    let unknown = reasons(&machine);
    assert!(unknown.contains("MongoDB does not run. Start the old server"), "{unknown}");
    let migrate = |arguments: &[&str]| {
        let file = machine.compose_file();
        machine.docker_clearml_migrate(&[arguments, &["-f", &file]].concat()).run()
    };
    let believed = migrate(&["--dry-run", "--empty"]).done();
    believed.saying("The server is taken for empty: --empty was given; MongoDB was not asked");
    machine.compose(&machine.home(), &["up", "--detach", "mongo"]);
    let begun = Instant::now();
    while !docker_answers(&["exec", "trains-mongo", "mongo", "--quiet", "--eval", "db.version()"]) {
        assert!(begun.elapsed() < Duration::from_secs(60), "MongoDB does not answer");
    }
    for arguments in [&["--yes"][..], &["--yes", "--empty"], &["check", "--empty"]] {
        let refused = migrate(arguments).refused();
        let refused = refused.saying("holds no index of the server: nothing is in").saying("templates events");
        refused.saying("but MongoDB has").saying("of them have run.").saying("Is a disk not mounted");
    }
    assert!(docker_answers(&["exec", "trains-mongo", "true"]), "nothing was stopped");
    // A single index on a disk of its own.
    fs::rename(&elsewhere, &indices).unwrap();
    let index = fs::read_dir(&indices).unwrap().next().unwrap().unwrap().path();
    fs::rename(&index, &elsewhere).unwrap();
    std::os::unix::fs::symlink("/mnt/gone", &index).unwrap();
    let refused = migrate(&["--yes"]).refused().saying("is a link that leads nowhere (is a disk not mounted?)");
    refused.saying(&format!("mv {}", index.display()));
    fs::remove_file(&index).unwrap();
    fs::rename(&elsewhere, &index).unwrap();
    migrate(&["check", "--empty"]).refused().saying("is not empty: it holds").saying("Leave out --empty");
    machine.compose(&machine.home(), &["down"]);
}

/// Returns whether docker does what it is told.
fn docker_answers(arguments: &[&str]) -> bool {
    Command::new("docker").args(arguments).output().unwrap().status.success()
}

#[test]
fn somebody_has_the_data_open() {
    let machine = machine_with_server();
    let holder = Holder::of(&elastic_data(&machine).join("nodes/0/node.lock"));
    let said = reasons(&machine).replace(&format!("process {}", holder.0.id()), "process [pid]");
    insta::assert_snapshot!(said, @r"
    refused  [machine]/opt/trains/data/elastic is in use: [machine]/opt/trains/data/elastic/nodes/0/node.lock is locked by process [pid].
             Stop the program or container that uses it, then run the same command again.

    Error: One check refuses the migration; nothing was changed.
    Hint: Do what is said above, then run the same command again.
    ");
}

/// Another process that locks a file as Lucene does: a record lock on the whole of it. A process of its own, for the
/// lock ends as soon as any other part of its process closes the file.
struct Holder(Child);

impl Holder {
    fn of(file: &Path) -> Self {
        let script = "import fcntl, sys; file = open(sys.argv[1], 'r+'); fcntl.lockf(file, fcntl.LOCK_EX); print('locked', flush=True); sys.stdin.read()";
        let mut command = Command::new("python3");
        command.args(["-c", script]).arg(file).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "locked\n");
        Self(child)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_container_of_another_project_has_the_data_open() {
    let machine = machine_with_server();
    let data = format!("{}:/data", elastic_data(&machine).display());
    let name = "clearml-migrate-test-other";
    let run = ["run", "--detach", "--name", name, "--label", "org.clearml-migrate.run=test", "--volume", &data];
    docker(&[&run[..], &["clearml-migrate-bed-base:bookworm", "sleep", "600"]].concat());
    let said = reasons(&machine);
    docker(&["rm", "--force", name]);
    insta::assert_snapshot!(said, @r"
    refused  The container clearml-migrate-test-other has [machine]/opt/trains/data/elastic mounted and is not of this project.
             Stop it first: docker stop clearml-migrate-test-other

    Error: One check refuses the migration; nothing was changed.
    Hint: Do what is said above, then run the same command again.
    ");
}

#[test]
fn a_container_that_runs_has_a_name_that_the_new_server_needs() {
    let machine = machine_with_server();
    let run = ["run", "--detach", "--name", "clearml-redis", "--label", "org.clearml-migrate.run=test"];
    docker(&[&run[..], &["clearml-migrate-bed-base:bookworm", "sleep", "600"]].concat());
    let said = reasons(&machine);
    docker(&["rm", "--force", "clearml-redis"]);
    insta::assert_snapshot!(said, @r"
    refused  A container named clearml-redis runs that is not of this project.
             The new server needs the name. If nothing needs that container: docker stop clearml-redis

    Error: One check refuses the migration; nothing was changed.
    Hint: Do what is said above, then run the same command again.
    ");
}

#[test]
fn the_data_are_of_elasticsearch_7() {
    let machine = machine_with_server();
    replace_by_elasticsearch_7(&elastic_data(&machine));
    insta::assert_snapshot!(reasons(&machine), @r"
    refused  [machine]/opt/trains/data/elastic holds Elasticsearch 7 data, not 5: the node's own state says 7.6.2.
             This server has left Elasticsearch 5 already, so there is nothing for this migration to do with it. Leave its images as they are: an older database does not open what a newer one has written.

    Error: One check refuses the migration; nothing was changed.
    Hint: Do what is said above, then run the same command again.
    ");
    // As the files of ClearML 1.2 have them: its MongoDB is no reason, and nothing older is advised.
    edit_compose(&machine, "elasticsearch/elasticsearch:5.6.16", "elasticsearch/elasticsearch:7.16.2");
    edit_compose(&machine, "mongo:3.6.5", "mongo:4.4.9");
    insta::assert_snapshot!(reasons(&machine), @r"
    refused  This is ClearML Server 1.2 to 1.9 (Elasticsearch 7.16.2). [machine]/opt/trains/data/elastic holds Elasticsearch 7 data, not 5: the node's own state says 7.6.2.
             This server has left Elasticsearch 5 already, so there is nothing for this migration to do with it. Leave its images as they are: an older database does not open what a newer one has written.

    Error: One check refuses the migration; nothing was changed.
    Hint: Do what is said above, then run the same command again.
    ");
}

/// Lets a real node write a directory of its own. Its version speaks as soon as the node has started.
fn replace_by_elasticsearch_7(data: &Path) {
    fs::remove_dir_all(data).unwrap();
    fs::create_dir(data).unwrap();
    tool("chown", &["1000:1000", &data.display().to_string()]);
    let name = "clearml-migrate-test-seven";
    let volume = format!("{}:/usr/share/elasticsearch/data", data.display());
    let run = ["run", "--detach", "--name", name, "--label", "org.clearml-migrate.run=test", "--volume", &volume];
    let settings = ["--env", "discovery.type=single-node", "--env", "ES_JAVA_OPTS=-Xms512m -Xmx512m"];
    let image = ["docker.elastic.co/elasticsearch/elasticsearch:7.6.2"];
    docker(&[&run[..], &settings, &image].concat());
    let state = data.join("nodes/0/_state");
    let has_started = || {
        let files = fs::read_dir(&state).into_iter().flatten().map(|entry| entry.unwrap().file_name());
        files.into_iter().any(|name| name.to_string_lossy().starts_with("manifest-"))
    };
    let begun = Instant::now();
    while !has_started() {
        let logs = || docker(&["logs", "--tail", "20", name]);
        assert!(begun.elapsed().as_secs() < 120, "Elasticsearch 7 does not start: {}", logs());
        std::thread::sleep(Duration::from_millis(200));
    }
    docker(&["stop", name]);
    docker(&["rm", name]);
}

#[test]
fn a_shard_is_corrupt_and_a_target_is_taken_and_both_are_told_at_once() {
    let machine = machine_with_server();
    let shard = first_shard(&elastic_data(&machine));
    // As Elasticsearch marks what it could not read.
    let marker = shard.join("corrupted_Qk3bWq0tTzq5mXJ1n0aUgg");
    fs::write(&marker, b"\x3f\xd7\x6c\x17").unwrap();
    tool("chown", &["1000:1000", &marker.display().to_string()]);
    let target = machine.home().join("data/elastic_7");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("from-an-earlier-try"), b"").unwrap();
    insta::assert_snapshot!(without_names(&reasons(&machine), &shard), @r"
    refused  [machine]/opt/trains/data/elastic_7 is there already and not empty, perhaps from an earlier try.
             If nothing needs it, move it away: mv [machine]/opt/trains/data/elastic_7 [machine]/opt/trains/data/elastic_7.old
    refused  The index [name] is not whole: Elasticsearch marked a shard as corrupt: [index]/0/index/corrupted_Qk3bWq0tTzq5mXJ1n0aUgg.
             The old server cannot show these data either. Restore [index] from a backup.
             Or do without the index: mv [index] [machine]/opt/trains/data/elastic_without_[name]; the other 14 indices are whole and are migrated.

    Error: 2 checks refuse the migration; nothing was changed.
    Hint: Do what is said above, then run the same command again.
    ");
}

#[test]
fn a_commit_is_damaged() {
    let machine = machine_with_server();
    let shard = first_shard(&elastic_data(&machine));
    let commit = fs::read_dir(&shard).unwrap().map(|entry| entry.unwrap().path());
    let commit =
        commit.into_iter().find(|path| path.file_name().unwrap().to_string_lossy().starts_with("segments_")).unwrap();
    let mut bytes = fs::read(&commit).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&commit, bytes).unwrap();
    let file = commit.file_name().unwrap().to_string_lossy().into_owned();
    insta::assert_snapshot!(without_names(&reasons(&machine), &shard).replace(&file, "[commit]"), @r"
    refused  The index [name] is not whole: [index]/0/index/[commit] is damaged: its checksum is wrong.
             The old server cannot show these data either. Restore [index] from a backup.
             Or do without the index: mv [index] [machine]/opt/trains/data/elastic_without_[name]; the other 14 indices are whole and are migrated.

    Error: One check refuses the migration; nothing was changed.
    Hint: Do what is said above, then run the same command again.
    ");
}

/// Replaces the name and the directory of a shard's index: ids, and with them their order, are made anew with the data.
fn without_names(said: &str, shard: &Path) -> String {
    let id = shard.iter().rev().nth(2).unwrap().to_string_lossy();
    let said = said.replace(&format!("[machine]/opt/trains/data/elastic/nodes/0/indices/{id}"), "[index]");
    let (_, rest) = said.split_once("The index ").unwrap();
    let (name, _) = rest.split_once(" is not whole").unwrap();
    said.replace(name, "[name]")
}

/// The first shard, by name, that has a commit.
fn first_shard(data: &Path) -> PathBuf {
    let mut indices: Vec<PathBuf> =
        fs::read_dir(data.join("nodes/0/indices")).unwrap().map(|entry| entry.unwrap().path()).collect();
    indices.sort();
    indices.into_iter().map(|index| index.join("0/index")).find(|shard| shard.is_dir()).unwrap()
}

#[test]
fn the_disk_is_too_small() {
    let machine = Machine::new();
    let disk = SmallDisk::mounted_at(&machine.home());
    Deployment::with_documents(DOCUMENTS).killed().on(&machine);
    disk.leave_free(1 << 20);
    let said = reasons(&machine);
    // Sizes depend on how Elasticsearch happened to merge.
    let told = said.lines().find(|line| line.starts_with("refused")).unwrap_or_else(|| panic!("{said}"));
    assert!(told.contains("free; the migration will write up to"), "{said}");
    assert!(said.contains("--no-backup") && said.contains("One check refuses the migration"), "{said}");
}

#[test]
fn an_image_is_neither_here_nor_in_a_registry() {
    let machine = machine_with_server();
    edit_compose(&machine, "image: mongo:3.6.5", "image: localhost:9/mongo:3.6.99");
    let said = reasons(&machine);
    let told = "refused  These images are not on this machine and cannot be pulled: localhost:9/mongo:3.6.99 (";
    assert!(said.starts_with(told) && said.contains("docker pull localhost:9/mongo:3.6.99"), "{said}");
}

/// A file system in memory.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mounted_at(path: &Path) -> Self {
        fs::create_dir_all(path).unwrap();
        tool("mount", &["-t", "tmpfs", "-o", "size=300m", "tmpfs", &path.display().to_string()]);
        Self(path.to_owned())
    }

    /// Fills it up.
    fn leave_free(&self, bytes: u64) {
        let state = rustix::fs::statvfs(&self.0).unwrap();
        let fill = state.f_bavail * state.f_frsize - bytes;
        let path = self.0.join("data/fill").display().to_string();
        tool("fallocate", &["--length", &fill.to_string(), &path]);
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
