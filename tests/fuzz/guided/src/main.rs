//! libFuzzer on one of the targets: CLEARML_FUZZ_TARGET names it. Started by `tests/fuzz/guided.sh`.

#![no_main]

#[path = "../../targets/mod.rs"]
mod targets;

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use targets::{TARGETS, Target};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("CLEARML_FUZZ_TARGET").expect("CLEARML_FUZZ_TARGET names the target");
    TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| panic!("there is no target {name}"))
});

fuzz_target!(|input: &[u8]| {
    TARGET.check(input);
});
