//! The benchmark works: few documents and one round, some of the ways, and what it writes. How fast
//! anything is, this does not judge.

use crate::harness::require_the_bed;
use serde_json::Value;
use std::process::Command;

/// One of each sort.
const WAYS: [&str; 4] = ["reindex-parallel", "scroll-verified", "segments-verified", "bulk-ceiling"];

#[test]
fn each_way_moves_all_documents_and_is_in_the_result() {
    require_the_bed();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("result.json");
    let run = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/run.sh"))
        .args(["--documents", "5000", "--rounds", "1", "--json"])
        .arg(&file)
        .args(WAYS)
        // The bed has no way out, and nobody reads these figures.
        .envs([("CARGO_NET_OFFLINE", "true"), ("BENCH_PROFILE", "dev")])
        .output()
        .unwrap();
    let table = String::from_utf8(run.stdout).unwrap();
    assert!(run.status.success(), "{table}{}", String::from_utf8_lossy(&run.stderr));
    let result: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!((&result["documents"], &result["rounds"]), (&5000.into(), &1.into()));
    for way in WAYS {
        let one = &result["ways"][way];
        assert!(table.contains(way), "{table}");
        assert_eq!(one["documents_missing"], 0, "{way}");
        let speed = &one["documents_per_second"];
        let [min, median, max] = ["min", "median", "max"].map(|key| speed[key].as_f64().unwrap());
        assert!(0.0 < min && min <= median && median <= max, "{way}: {speed}");
        let memory = one["peak_anonymous_bytes"].as_u64();
        assert_eq!(memory.is_some(), way.starts_with('s'), "{way}: {memory:?}");
        assert!(memory.is_none_or(|bytes| bytes < 256 << 20), "{way}: {memory:?}");
    }
}
