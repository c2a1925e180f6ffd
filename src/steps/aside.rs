//! The names under which things are set aside, in the order in which they are taken: each try of a run that starts the new
//! server may need one.

use std::path::{Path, PathBuf};

/// Returns the names for a directory: beside it, with the stamp of the run.
pub(super) fn places(directory: &Path, stamp: &str) -> impl Iterator<Item = PathBuf> {
    let name = format!("{}_clearml_{stamp}", directory.file_name().unwrap_or_default().to_string_lossy());
    let parent = directory.parent().unwrap_or(Path::new("/")).to_owned();
    numbered(name).map(move |name| parent.join(name))
}

/// Returns a name, and the same with numbers behind it.
pub(super) fn numbered(name: String) -> impl Iterator<Item = String> {
    (1..100).map(move |number| if number == 1 { name.clone() } else { format!("{name}_{number}") })
}
