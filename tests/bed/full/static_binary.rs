//! The static build exports and lists in a container that has nothing else: no libraries, no shell, no network, nothing to write to
//! but the output.
//!
//! `CLEARML_STATIC_PROGRAM` names the program, see `tests/static.sh`.

use crate::golden::Golden;
use crate::harness::docker::docker;
use crate::harness::machine::Machine;
use crate::harness::require_the_bed;
use crate::mongo_golden as mongo;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the program is.
const PROGRAM: &str = "CLEARML_STATIC_PROGRAM";
const IMAGE: &str = "clearml-migrate-static-test";

/// What was exported, by file; of the manifest, which tells times and paths, only that it is there.
fn exported(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut content = BTreeMap::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(place) = waiting.pop() {
        for path in fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                waiting.push(path);
            } else if !path.ends_with("manifest.json") && !path.ends_with("SHA256SUMS") {
                content.insert(path.strip_prefix(directory).unwrap().to_owned(), fs::read(path).unwrap());
            }
        }
    }
    content
}

/// Runs the static program in a container that has nothing else, on a data directory at `/data`; returns what it says.
fn alone(data: &Path, output: &Path, arguments: &[&str]) -> String {
    let volumes = [format!("{}:/data:ro", data.display()), format!("{}:/out", output.display())];
    let run = ["run", "--rm", "--network=none", "--read-only", "--volume", &volumes[0], "--volume", &volumes[1], IMAGE];
    docker(&[&run[..], &["export", "-s", "/data"], arguments].concat())
}

/// Exports a data directory with this build and with the static one, which find the same.
fn is_exported_alike(name: &str, data: &Path, arguments: &[&str]) {
    let machine = Machine::without_docker();
    let [here, there] = ["here", "there"].map(|name| machine.path(name));
    let [source, output] = [data, &here].map(|path| path.display().to_string());
    machine.migrate(&[&["export", "-s", &source, "-o", &output], arguments].concat()).run().done();
    fs::create_dir_all(&there).unwrap();
    alone(data, &there, &[&["-o", "/out/exported"], arguments].concat());
    let found = exported(&there.join("exported"));
    assert!(found.values().map(Vec::len).sum::<usize>() > 10_000, "{:?}", found.keys());
    assert!(found == exported(&here), "{name}: another export");
}

#[test]
fn it_exports_what_any_build_exports() {
    require_the_bed();
    let program = std::env::var_os(PROGRAM).expect("CLEARML_STATIC_PROGRAM names the program: tests/run.sh full");
    let context = tempfile::tempdir().unwrap();
    fs::copy(program, context.path().join("program")).unwrap();
    fs::write(context.path().join("Dockerfile"), "FROM scratch\nCOPY program /\nENTRYPOINT [\"/program\"]\n").unwrap();
    docker(&["build", "--quiet", "--tag", IMAGE, &context.path().display().to_string()]);
    for name in ["killed", "merged", "kinds"] {
        is_exported_alike(name, Golden::new(name).directory.path(), &[]);
    }
    for (name, arguments) in [("clearml", &[][..]), ("mongodb-3.6", &["--format", "ndjson"]), ("killed", &["--replay"])]
    {
        let golden = mongo::Golden::new(name);
        is_exported_alike(name, golden.path(), arguments);
        let nowhere = tempfile::tempdir().unwrap();
        let listed = alone(golden.path(), nowhere.path(), &["--list"]);
        assert!(golden.truth.keys().all(|namespace| listed.contains(namespace)), "{listed}");
    }
    docker(&["image", "rm", IMAGE]);
}
