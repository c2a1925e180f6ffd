//! The two rules, and what breaks them, as lines for whoever has to mend it.

use crate::sources::Arrow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Returns the top-level module that a file belongs to: `elastic` for `elastic/client.rs`, `error` for `error.rs`.
pub fn top_level(file: &Path) -> String {
    node(file, Path::new(""))
}

/// Returns the arrows that a table of (module, what it may use) does not have.
pub fn strangers(arrows: &BTreeSet<Arrow>, table: &[(&str, &[&str])]) -> Vec<String> {
    let table: BTreeMap<&str, &[&str]> = table.iter().copied().collect();
    let mut found = Vec::new();
    for arrow in arrows {
        let (from, to) = (top_level(&arrow.from), top_level(&arrow.to));
        let allowed = table.get(from.as_str()).copied().unwrap_or_default();
        if from != to && !allowed.contains(&to.as_str()) {
            found.push(format!("{} uses {}: {from} may not use {to}", arrow.from.display(), arrow.to.display()));
        }
    }
    found
}

/// Returns the arrows that a table has and the sources do not need any more.
pub fn needless(arrows: &BTreeSet<Arrow>, table: &[(&str, &[&str])]) -> Vec<String> {
    let real: BTreeSet<(String, String)> =
        arrows.iter().map(|arrow| (top_level(&arrow.from), top_level(&arrow.to))).collect();
    let listed = table.iter().flat_map(|(from, to)| to.iter().map(|to| ((*from).to_owned(), (*to).to_owned())));
    listed.filter(|pair| !real.contains(pair)).map(|(from, to)| format!("{from} does not use {to}")).collect()
}

/// Returns the circles between the files of each folder, where a folder in it counts as one file. Tests may look at
/// whatever they test.
pub fn circles(arrows: &BTreeSet<Arrow>) -> Vec<String> {
    let mut folders: BTreeMap<&Path, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for arrow in arrows.iter().filter(|arrow| !arrow.is_test) {
        for folder in arrow.from.ancestors().skip(1) {
            if arrow.to.starts_with(folder) {
                let (from, to) = (node(&arrow.from, folder), node(&arrow.to, folder));
                if from != to {
                    folders.entry(folder).or_default().entry(from).or_default().insert(to);
                }
                break;
            }
        }
    }
    folders.into_iter().flat_map(|(folder, graph)| circles_of(folder, &graph)).collect()
}

/// What reaches itself is in a circle; what reaches each other is in the same one.
fn circles_of(folder: &Path, graph: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let reached: BTreeMap<&String, BTreeSet<&String>> = graph.keys().map(|from| (from, reach(from, graph))).collect();
    let mut circles = BTreeSet::new();
    for (one, far) in &reached {
        let members: Vec<&str> = far
            .iter()
            .filter(|other| reached.get(**other).is_some_and(|back| back.contains(one)))
            .map(|other| other.as_str())
            .collect();
        if members.contains(&one.as_str()) {
            circles.insert(format!("{}/: {} use one another", folder.display(), members.join(", ")));
        }
    }
    circles.into_iter().collect()
}

fn reach<'a>(from: &String, graph: &'a BTreeMap<String, BTreeSet<String>>) -> BTreeSet<&'a String> {
    let mut seen = BTreeSet::new();
    let mut left: Vec<&String> = graph.get(from).into_iter().flatten().collect();
    while let Some(next) = left.pop() {
        if seen.insert(next) {
            left.extend(graph.get(next).into_iter().flatten());
        }
    }
    seen
}

/// Returns what a file counts as in a folder above it: itself, or the folder in that folder.
fn node(file: &Path, folder: &Path) -> String {
    let rest = file.strip_prefix(folder).unwrap_or(file);
    let first = rest.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned());
    first.unwrap_or_default().trim_end_matches(".rs").to_owned()
}
