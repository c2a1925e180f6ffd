//! What is missing is noticed without reading a document, and directories that are named by mistake are told.

use crate::golden::Golden;
use clearml_migrate::export::{Names, list};
use clearml_migrate::lucene::data_dir::{Kind, identify};
use clearml_migrate::lucene::directory::DataDirectory;
use std::fs;
use std::path::{Path, PathBuf};

/// Files of commits and segments, which a node that was stopped leaves none of that is not needed.
fn files_of_shards(data: &Path) -> Vec<PathBuf> {
    let below = |dir: PathBuf| fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path());
    let shards = below(data.join("nodes/0/indices")).flat_map(below);
    let files = shards.flat_map(|shard| below(shard.join("index")));
    files.filter(|file| !file.ends_with("write.lock")).collect()
}

#[test]
fn each_file_that_a_commit_or_a_segment_names_is_missed_by_name() {
    let golden = Golden::new("merged");
    let data = golden.directory.path();
    let every = Names::new("*").unwrap();
    assert_eq!(list(data, &every, false).unwrap().findings, []);
    let files = files_of_shards(data);
    let ending = |file: &PathBuf| file.extension().unwrap_or_default().to_str().unwrap().to_owned();
    for kind in ["cfs", "cfe", "si", "fdt", "liv"] {
        assert!(files.iter().any(|file| ending(file) == kind), "no .{kind} in {files:?}");
    }
    let away = data.join("away");
    for file in &files {
        fs::rename(file, &away).unwrap();
        let found: Vec<String> = list(data, &every, false).unwrap().findings.iter().map(ToString::to_string).collect();
        let name = file.file_name().unwrap().to_str().unwrap();
        let name = if name.starts_with("segments_") { "segments_N" } else { name };
        let missing = format!("{} is missing", file.with_file_name(name).display());
        assert_eq!(found, [missing.as_str()]);
        let refused = DataDirectory::open(data).unwrap_err();
        assert!(refused.causes().concat().contains(&missing), "{refused:?}");
        assert!(refused.hints().concat().contains("If the directory is a copy, copy it again"), "{refused:?}");
        fs::rename(&away, file).unwrap();
    }
}

/// `-s /opt/trains/data/elastic/nodes/0`.
#[test]
fn the_directory_of_one_node_is_told_with_the_one_to_name() {
    for golden in ["merged", "7.17.29"] {
        let golden = Golden::new(golden);
        let data = golden.directory.path();
        fs::create_dir_all(data.join("nodes/0/_state")).unwrap();
        let identified = identify(&data.join("nodes/0")).unwrap();
        assert_eq!(identified.kind, Kind::NotADataDir, "{}", identified.reason);
        assert_eq!(identified.instead.as_deref(), Some(data));
        let refused = list(&data.join("nodes/0"), &Names::new("*").unwrap(), false).unwrap_err();
        assert_eq!(refused.hints(), [format!("Name the data directory: --source {}", data.display())]);
    }
}
