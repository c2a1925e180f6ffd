//! Machines as the program of commit 7fc5be1 has left them when it was killed, or had come to its end: this one goes on with
//! them, compares them and takes them back. `tests/golden/make.sh` has made them.
//!
//! Out of an archive, each file has another number on its disk, which counts for Elasticsearch's: they are told to have changed
//! since they were copied, and are copied once more. That a copy goes on where it was is shown in `src/steps/golden_tests.rs`.

use crate::harness::call::tool;
use crate::harness::docker;
use crate::harness::elastic_data::ElasticData;
use crate::harness::machine::Machine;
use crate::harness::node::Node;
use crate::harness::server::Server;
use crate::harness::tree::Tree;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Where the machines were, with `opt` and `state` below it.
const PLACE: &str = "/var/tmp/clearml-migrate-golden";
const DATA: [&str; 5] = ["elastic", "mongo/db", "mongo/configdb", "redis", "fileserver"];

#[test]
fn a_copy_that_was_begun_is_gone_on_with_and_taken_back() {
    let (machine, counts) = machine("server-in-copy");
    let before = DATA.map(|name| Tree::of(&machine.home().join("data").join(name)));
    machine.migrate(&["status"]).run().done().saying("the old server is stopped, its files are as they were");
    machine.migrate(&["--yes"]).run().done().saying("changed since it was copied, so it is copied again");
    Server::ready("1.1.1");
    require(&counts);
    machine.migrate(&["rollback", "--yes", "--no-start"]).run().done();
    require_as_of_old(&machine, &before);
}

#[test]
fn a_switch_that_was_begun_is_taken_back_and_done_again() {
    let (machine, counts) = machine("server-in-switch");
    let retired = |name: &str| {
        let place = machine.home().join("data").join(name);
        let begins = format!("{}_migrated_", place.file_name().unwrap().display());
        let mut beside = place.parent().unwrap().read_dir().unwrap().map(|entry| entry.unwrap().path());
        let is_it = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(&begins);
        Tree::of(&beside.find(is_it).unwrap_or(place))
    };
    let before = DATA.map(retired);
    machine.migrate(&["status"]).run().done().saying("the switch to the new server is under way");
    machine.migrate(&["rollback", "--yes", "--no-start"]).run().done();
    require_as_of_old(&machine, &before);
    machine.migrate(&["--yes", "-f", &machine.compose_file()]).run().done();
    Server::ready("1.1.1");
    require(&counts);
}

#[test]
fn a_migration_that_is_done_is_compared_and_taken_back() {
    let (machine, counts) = machine("server-completed");
    machine.migrate(&["status"]).run().done().saying("Done: the server is in");
    machine.migrate(&["verify"]).run().done().saying("are there, unchanged");
    machine.compose(&machine.new_home(), &["up", "--detach"]);
    Server::ready("1.1.1");
    require(&counts);
    machine.migrate(&["rollback", "--yes"]).run().done();
    Server::ready("0.15.1");
    require(&counts);
    assert!(!machine.new_home().exists());
}

#[test]
fn data_that_were_not_compared_yet_are_compared_and_taken_back() {
    let (machine, counts) = machine("elastic-in-verification");
    let data = ElasticData { machine };
    let before = Tree::of(&data.source());
    let finished = data.elastic(&["--yes"]).run().done().saying("Upgrade completed.");
    finished.saying("Get the images: done by an earlier run").saying("changed since it was copied");
    Tree::of(&data.retired().unwrap()).same_as(&before, "the old data");
    data.verify().run().done().saying("are there, unchanged");
    data.with_new_node(|_| require(&counts));
    data.rollback().run().done();
    Tree::of(&data.source()).same_as(&before, "the old data after a rollback");
}

/// Returns a machine as it was left, and how many documents each index has.
fn machine(name: &str) -> (Machine, BTreeMap<String, u64>) {
    let machine = Machine::new();
    let packed = File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/7fc5be1/machines.tar.zst")).unwrap();
    let archive = machine.path("machines.tar");
    let mut text = ruzstd::decoding::StreamingDecoder::new(packed).unwrap();
    std::io::copy(&mut text, &mut File::create(&archive).unwrap()).unwrap();
    let [file, place] = [archive.display().to_string(), machine.path("").display().to_string()];
    let extract = ["--extract", "--numeric-owner", "--same-permissions", "--strip-components=2", "--file", &file];
    tool("tar", &[&extract[..], &["--directory", &place, &format!("./{name}")]].concat());
    fs::remove_file(archive).unwrap();
    let old = machine.home();
    let in_home = [old.join("data/.clearml-migrate"), old, machine.new_home(), machine.state_dir().join("index")];
    let directories =
        in_home.iter().flat_map(|home| [home.clone(), home.join(".clearml-migrate"), home.join("config")]);
    directories.for_each(|directory| put_in_place(&directory, place.trim_end_matches('/')));
    let counts = fs::read_to_string(machine.path("counts.tsv")).unwrap();
    let count = |line: &str| line.split_once('\t').map(|(index, count)| (index.to_owned(), count.parse().unwrap()));
    (machine, counts.lines().filter_map(count).collect())
}

/// Has the texts of a directory name this machine's place.
fn put_in_place(directory: &Path, place: &str) {
    let files = directory.read_dir().into_iter().flatten().map(|entry| entry.unwrap().path());
    for file in files.filter(|file| file.is_file()) {
        let text = fs::read_to_string(&file).unwrap();
        let mut text = text.replace(PLACE, place);
        if file.ends_with(".clearml-migrate/journal") || file.extension().is_some_and(|end| end == "journal") {
            text = text.lines().map(|line| format!("{}\n", checked(line))).collect();
        }
        fs::write(file, text).unwrap();
    }
}

/// Gives a journal's line the sum of what it says now.
fn checked(line: &str) -> String {
    let mut words = line.splitn(4, ' ');
    let [version, number, _, text] = [(); 4].map(|()| words.next().unwrap());
    format!("{version} {number} {:08x} {text}", crc32fast::hash(format!("{number} {text}").as_bytes()))
}

/// Requires that the node on port 9200 has these documents.
#[track_caller]
fn require(counts: &BTreeMap<String, u64>) {
    let node = Node::ready();
    assert!(counts.values().sum::<u64>() > 100, "{counts:?}");
    let found: BTreeMap<String, u64> = counts.keys().map(|index| (index.clone(), node.count(index))).collect();
    assert_eq!(&found, counts);
}

/// Requires that all is where the old server has it, and nothing else is there.
#[track_caller]
fn require_as_of_old(machine: &Machine, before: &[Tree; 5]) {
    assert_eq!(docker::left_by_runs(), Vec::<String>::new());
    assert!(!machine.new_home().exists());
    for (name, before) in DATA.iter().zip(before) {
        Tree::of(&machine.home().join("data").join(name)).same_as(before, name);
    }
}
