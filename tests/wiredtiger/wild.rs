//! Directories that real servers have left. `CLEARML_MONGO_WILD` names a directory of such directories, with what was
//! counted in them in `counts.json`. They are other people's, and no part of this project, so this is run by hand.

use crate::golden::{Contents, contents, open};
use clearml_migrate::wiredtiger::directory::{ReadUpTo, State};
use clearml_migrate::wiredtiger::evidence::Evidence;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

#[derive(Deserialize)]
struct Counted {
    checkpoint: Contents,
    /// The feature compatibility version.
    fcv: Option<String>,
    /// What the log had, or that there is none.
    journal: serde_json::Value,
}

#[test]
#[ignore = "needs other people's data: CLEARML_MONGO_WILD=DIR cargo test --test wiredtiger wild -- --ignored"]
fn directories_of_real_servers_have_what_was_counted_in_them() {
    let wild = std::env::var_os("CLEARML_MONGO_WILD").unwrap();
    let wild = Path::new(&wild);
    let all: BTreeMap<String, Counted> =
        serde_json::from_reader(File::open(wild.join("counts.json")).unwrap()).unwrap();
    assert!(!all.is_empty());
    for (name, counted) in all {
        let newest = open(&wild.join(&name), ReadUpTo::Newest).unwrap();
        match (counted.journal.is_object(), newest.state()) {
            (true, State::Complete) | (false, State::LastCheckpoint(_)) => {}
            (log, state) => panic!("{name}: {state:?}, and whether there is a log: {log}"),
        }
        assert_eq!(contents(&newest).unwrap(), counted.checkpoint, "{name}");
        // Each is named after the server that was started on it last.
        let evidence = Evidence::read(&newest).unwrap();
        assert!(evidence.mongod.is_some_and(|version| name.starts_with(&version)), "{name}");
        assert_eq!(evidence.feature_compatibility, counted.fcv, "{name}");
        let checkpoint = open(&wild.join(&name), ReadUpTo::LastCheckpoint).unwrap();
        assert_eq!(contents(&checkpoint).unwrap(), counted.checkpoint, "{name}");
    }
}
