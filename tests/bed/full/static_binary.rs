//! The static build exports in a container that has nothing else: no libraries, no shell, no network, nothing to write to
//! but the output.
//!
//! `CLEARML_STATIC_PROGRAM` names the program, see `tests/static.sh`.

use crate::golden::Golden;
use crate::harness::docker::docker;
use crate::harness::machine::Machine;
use crate::harness::require_the_bed;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Where the program is.
const PROGRAM: &str = "CLEARML_STATIC_PROGRAM";
const IMAGE: &str = "clearml-migrate-static-test";

/// What was exported, by file; of the manifest, which tells times, only that it is there.
fn exported(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let content = files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap()));
    content.filter(|(name, _)| name != "manifest.json" && name != "SHA256SUMS").collect()
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
        let (golden, machine) = (Golden::new(name), Machine::without_docker());
        let data = golden.directory.path().display().to_string();
        let [here, there] = ["here", "there"].map(|name| machine.path(name));
        machine.migrate(&["export", "-s", &data, "-o", &here.display().to_string()]).run().done();
        fs::create_dir_all(&there).unwrap();
        let volumes = [format!("{data}:/data:ro"), format!("{}:/out", there.display())];
        let alone = ["run", "--rm", "--network=none", "--read-only", "--volume", &volumes[0], "--volume", &volumes[1]];
        docker(&[&alone[..], &[IMAGE, "export", "-s", "/data", "-o", "/out/exported"]].concat());
        let found = exported(&there.join("exported"));
        assert!(found.values().map(Vec::len).sum::<usize>() > 10_000, "{:?}", found.keys());
        assert!(found == exported(&here), "{name}: another export");
    }
    docker(&["image", "rm", IMAGE]);
}
