//! Who may use whom: the first page to read. `tests/lines.py` counts how long the rest is.
//!
//! Every path in the sources that leads to another module of this crate, outside of comments and strings, is an arrow
//! from file to file. What a module only hands on (`pub use`) is followed to where it is written. Two rules hold:
//!
//! 1. A top-level module uses only those that [`MAY_USE`] gives it, and needs every one of them.
//! 2. No files of one folder use one another in a circle, a folder in it counting as one file: so each folder can be
//!    read from its ground floor up, and each file be understood without those above it.
//!
//! Tests within the sources keep to the first rule; to what they test they may be as close as they like.
//!
//! ```text
//! app ─ commands ─┬─ display, report     sentences, and who shows them
//!                 ├─ planner, preflight ─ rewrite, deployment       what is there, and what is to become of it
//!                 ├─ engine ─ steps ─┬─ platform ─ docker, compose  what is done, and taken back
//!                 │                  └─ elastic ─ transfer, lucene  the way of the data
//!                 ├─ findings, notices, results                     what there is to tell, as values
//!                 └─ journal, plan                                  what was agreed, and what has happened
//! files, json, role, server, release, text, message, events, failpoints, environment, error     the ground floor
//! ```

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests may panic")]

mod rules;
mod sources;
mod table;

use sources::{Arrow, Sources};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use table::MAY_USE;

fn arrows_below(directory: &Path) -> BTreeSet<Arrow> {
    Sources::read(&directory.join("lib.rs")).arrows()
}

fn sources() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))
}

#[test]
fn every_module_uses_only_those_that_the_table_gives_it() {
    let found = rules::strangers(&arrows_below(sources()), MAY_USE);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_table_gives_nobody_what_he_does_not_use() {
    let found = rules::needless(&arrows_below(sources()), MAY_USE);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_files_of_a_folder_use_one_another_in_a_circle() {
    let circles = rules::circles(&arrows_below(sources()));
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn every_file_of_the_sources_is_looked_at() {
    let read = Sources::read(&sources().join("lib.rs"));
    let known: BTreeSet<&Path> = read.files();
    let mut missing = Vec::new();
    let mut left = vec![sources().to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                left.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let file = path.strip_prefix(sources()).unwrap();
                if !known.contains(file) && file != Path::new("main.rs") {
                    missing.push(file.display().to_string());
                }
            }
        }
    }
    assert!(missing.is_empty(), "not a module of the library: {}", missing.join(", "));
}

#[test]
fn no_file_is_longer_than_350_lines() {
    let read = Sources::read(&sources().join("lib.rs"));
    let lines = |file: &Path| fs::read_to_string(sources().join(file)).unwrap().lines().count();
    let long: Vec<String> = read
        .files()
        .into_iter()
        .map(|file| (lines(file), file))
        .filter(|(lines, _)| *lines > 350)
        .map(|(lines, file)| format!("{} has {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// Writes a small crate and returns what its arrows break.
fn broken_by(files: &[(&str, &str)], table: &[(&str, &[&str])]) -> (Vec<String>, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    for (file, text) in files {
        let path = directory.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let arrows = arrows_below(directory.path());
    (rules::strangers(&arrows, table), rules::circles(&arrows))
}

#[test]
fn an_arrow_that_the_table_does_not_have_is_found_however_it_is_written() {
    let lib = ("lib.rs", "pub mod high;\npub mod low;\npub use high::deep::Thing;");
    let deep = ("high/deep.rs", "pub struct Thing;\n#[macro_export] macro_rules! far { () => { 1 } }");
    let ways = [
        "use crate::high::deep::Thing;",
        "use crate::{high::{deep as other, self as all}};",
        "fn f() -> crate::Thing { todo!() }",
        "fn f() { println!(\"{}\", crate::high::deep::thing()); }",
        "mod tests { fn f(_: super::super::high::Handed) {} }",
        "use crate::high;\nfn f() { high::deep::thing() }",
    ];
    for way in ways {
        let high = ("high/mod.rs", "pub mod deep;\npub use deep::Thing as Handed;");
        let (strangers, _) = broken_by(&[lib, high, deep, ("low.rs", way)], &[]);
        assert!(strangers.iter().any(|line| line.ends_with("low may not use high")), "{way}: {strangers:?}");
    }
    let innocent = "//! As crate::high does.\n/* use crate::high; */\nconst A: &str = \"crate::high::deep\";";
    let high = ("high/mod.rs", "pub mod deep;");
    assert_eq!(broken_by(&[lib, high, deep, ("low.rs", innocent)], &[]).0, Vec::<String>::new());
}

#[test]
fn a_circle_between_files_of_a_folder_is_found_through_what_they_hand_on() {
    let lib = ("lib.rs", "mod a;");
    let one = ("a/one.rs", "use super::Two;\npub struct One;");
    let two = ("a/two/mod.rs", "mod inner;\npub use inner::Two;");
    let inner = ("a/two/inner.rs", "use crate::a::one::One;\npub struct Two(One);");
    let (_, circles) = broken_by(&[lib, ("a/mod.rs", "mod one;\nmod two;\npub use two::Two;"), one, two, inner], &[]);
    assert_eq!(circles, ["a/: one, two use one another"]);

    let test = ("a/one.rs", "pub struct One;\n#[cfg(test)]\nmod tests { use super::super::Two; }");
    let (_, circles) = broken_by(&[lib, ("a/mod.rs", "mod one;\nmod two;\npub use two::Two;"), test, two, inner], &[]);
    assert_eq!(circles, Vec::<String>::new(), "tests may look at what they like");
}
