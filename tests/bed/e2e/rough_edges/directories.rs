//! Directories that are not as they should be, and some that only look so.

use super::words::{from, plain, reasons};
use crate::harness::call::{Outcome, tool};
use crate::harness::elastic_data::ElasticData;
use crate::harness::machine::Machine;
use crate::harness::stopwatch::Stopwatch;
use crate::harness::tree::Tree;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const DOCUMENTS: u64 = 5_000;

/// Calls `elastic`, which must refuse and change nothing.
#[track_caller]
fn refused(machine: &Machine, source: &Path, target: &Path) -> Outcome {
    let before = Tree::of(&machine.home());
    let [source, target] = [source, target].map(|path| path.display().to_string());
    let outcome = machine.migrate(&["elastic", "--yes", "-s", &source, "-t", &target]).run().refused();
    Tree::of(&machine.home()).same_as(&before, "the home after a refusal");
    outcome
}

#[test]
fn directories_of_others_links_and_nested_ones_are_refused_by_name() {
    let (data, _old) = ElasticData::of_a_server(DOCUMENTS);
    let (machine, source, target) = (&data.machine, data.source(), data.target());
    let beside = |name: &str| source.with_file_name(name);
    let told = |outcome: &Outcome| reasons(machine, outcome);
    let error = |outcome: &Outcome| plain(machine, from(&outcome.stderr, "Error:"));
    let shown = |path: &Path| path.display().to_string();

    tool("chown", &["-R", "0:0", &shown(&source)]);
    insta::assert_snapshot!("wrong_owner", told(&refused(machine, &source, &target)));
    tool("chown", &["-R", "1000:1000", &shown(&source)]);

    let mount = Mount::read_only(&machine.home().join("data"));
    insta::assert_snapshot!("read_only", told(&refused(machine, &source, &target)));
    drop(mount);

    symlink(&source, beside("elastic_link")).unwrap();
    insta::assert_snapshot!("source_is_a_link", told(&refused(machine, &beside("elastic_link"), &target)));
    fs::create_dir(beside("elsewhere")).unwrap();
    symlink("elsewhere", beside("new_link")).unwrap();
    insta::assert_snapshot!("target_is_a_link", told(&refused(machine, &source, &beside("new_link"))));

    symlink("data", machine.home().join("link_to_data")).unwrap();
    let through_a_link = machine.home().join("link_to_data/elastic/new");
    insta::assert_snapshot!("target_in_source", error(&refused(machine, &source, &through_a_link)));
    insta::assert_snapshot!("source_in_target", error(&refused(machine, &source, &machine.home().join("data"))));
    insta::assert_snapshot!("same", error(&refused(machine, &source, &machine.home().join("link_to_data/elastic"))));

    fs::write(beside("a_file"), "").unwrap();
    insta::assert_snapshot!("target_is_a_file", told(&refused(machine, &source, &beside("a_file"))));
    fs::write(beside("elsewhere").join("precious"), "").unwrap();
    insta::assert_snapshot!("target_is_not_empty", told(&refused(machine, &source, &beside("elsewhere"))));
}

#[test]
fn a_read_only_source_behind_a_link_moves_into_an_empty_target_once() {
    let (data, old) = ElasticData::of_a_server(DOCUMENTS);
    let clock = Stopwatch::start();
    let (machine, source, target) = (&data.machine, data.source(), data.target());
    let original = Tree::of(&source);
    // Made in advance, by somebody who wanted to be helpful.
    fs::create_dir(&target).unwrap();
    symlink("data", machine.home().join("link_to_data")).unwrap();
    let mount = Mount::read_only(&source);
    let [from_link, to_link] = ["elastic", "elastic_7"].map(|name| machine.home().join("link_to_data").join(name));
    let [from_link, to_link] = [from_link, to_link].map(|path| path.display().to_string());
    let call = || machine.migrate(&["elastic", "--yes", "--no-backup", "-s", &from_link, "-t", &to_link]);
    call().run().done().saying("Upgrade completed.").saying("mount point");
    Tree::of(&source).same_as(&original, "the old data");
    data.with_new_node(|_| old.assert_counts());
    call().run().done().saying("was migrated to Elasticsearch 7.6.2 already");
    clock.tell("migrated");

    // Taken back, the mount is gone, and the next migration finds new data in its way that are its own no more.
    data.rollback().run().done();
    drop(mount);
    Tree::of(&source).same_as(&original, "the old data after a rollback");
    let set_aside = crate::harness::elastic_data::names_in(&machine.home().join("data"));
    let set_aside = set_aside.into_iter().find(|name| name.starts_with("elastic_clearml_")).unwrap();
    let said = reasons(machine, &refused(machine, &source, &machine.home().join("data").join(set_aside)));
    insta::assert_snapshot!("target_of_an_earlier_run", said);
}

#[test]
fn a_disk_that_fills_up_is_named_and_the_run_goes_on_when_there_is_room() {
    let disk = ElasticData::none();
    let small = Mount::small(&disk.machine.home(), "400m");
    let (data, old) = disk.filled_with_a_server(DOCUMENTS);
    let original = Tree::of(&data.source());
    let call = || data.elastic(&["--yes", "--no-backup"]);
    let journal = || fs::read_to_string(data.machine.home().join("data/.clearml-migrate/elastic.journal"));
    let filled = |step: &str, failpoint: &str, moment: &dyn Fn() -> bool| {
        let clock = Stopwatch::start();
        let mut run = call().failpoints(failpoint).start();
        run.wait_for(moment);
        // Again and again: the node deletes files of shards that it gives up.
        let begun = Instant::now();
        let failed = run.wait_looking(|_| small.fill()).with_code(1);
        // A node whose master gave up lets each request wait for a minute: nobody waits for that.
        assert!(begun.elapsed() < Duration::from_secs(45), "{:?}", begun.elapsed());
        clock.tell(&format!("full in {step}"));
        // What the node said varies with the moment; it is the cause.
        let said = plain(&data.machine, from(&failed.stderr, "Error:"));
        let said: Vec<&str> =
            said.lines().filter(|line| line.starts_with("Error:") || line.starts_with("Hint:")).collect();
        insta::assert_snapshot!("disk_full", said.join("\n"));
        small.empty();
    };
    // As soon as there is an index; the request that waits comes to a full disk.
    let made = || data.target().join("nodes/0/indices").read_dir().is_ok_and(|mut entries| entries.next().is_some());
    filled("copy_elastic", "elastic.bulk=sleep:8000@2", &made);
    let copied = || journal().is_ok_and(|text| text.contains(r#""kind":"started","step":"verify_elastic""#));
    filled("verify_elastic", "step.verify_elastic.started=sleep:4000", &copied);
    let clock = Stopwatch::start();
    call().run().done().saying("Upgrade completed.");
    Tree::of(&data.retired().unwrap()).same_as(&original, "the old data");
    data.with_new_node(|_| old.assert_counts());
    clock.tell("finished");
    // Before the machine, which cannot remove a directory that something is mounted on.
    drop(small);
}

/// A mount, taken away at the end.
struct Mount(PathBuf);

impl Mount {
    /// Mounts a directory over itself, read-only.
    fn read_only(path: &Path) -> Self {
        let shown = path.display().to_string();
        tool("mount", &["--bind", &shown, &shown]);
        let mount = Self(path.to_owned());
        tool("mount", &["-o", "remount,bind,ro", &shown]);
        mount
    }

    /// Mounts a small file system in memory.
    fn small(path: &Path, size: &str) -> Self {
        fs::create_dir_all(path).unwrap();
        tool("mount", &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs", &path.display().to_string()]);
        Self(path.to_owned())
    }

    /// Fills what is left of it, up to the last byte.
    fn fill(&self) {
        let fill = format!("of={}", self.0.join("fill").display());
        // It ends with an error when nothing fits any more.
        let _ = Command::new("dd").args(["if=/dev/zero", "bs=4k", "oflag=append", "conv=notrunc", &fill]).output();
    }

    /// Gives the room back.
    fn empty(&self) {
        fs::remove_file(self.0.join("fill")).unwrap();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
