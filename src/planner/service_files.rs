//! The files from which services take variables (`env_file`), and who reads each.

use crate::compose::{dotenv, env_file_paths, interpolate};
use crate::deployment::Deployment;
use crate::rewrite::{Reader, VariableFile, has_our_variables};
use crate::role::Role;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// Returns the files that services name, those of the project among them. One that is not there, or is no text, is
/// passed over: compose has read it already where it must be there.
pub(super) fn of_services(
    deployment: &Deployment,
    compose_files: &[String],
    env_files: &[(PathBuf, String)],
    shell: &BTreeMap<String, String>,
) -> Vec<VariableFile> {
    let mut variables = BTreeMap::new();
    env_files.iter().for_each(|(_, text)| variables.extend(dotenv::values(text, shell)));
    variables.extend(shell.clone());
    let mut readers: BTreeMap<PathBuf, Vec<Reader>> = BTreeMap::new();
    for (service, path) in compose_files.iter().flat_map(|text| env_file_paths(text)) {
        let Some(path) = interpolate::resolve(&path, &variables) else { continue };
        let path = plain(&deployment.project.directory.join(path));
        let known = deployment.services.iter().find(|one| one.name == service);
        let role = known.map_or(Role::Other, |one| one.role);
        let is_ours = known.is_some_and(|one| has_our_variables(one.role, &one.image));
        let all = readers.entry(path).or_default();
        if !all.iter().any(|reader| reader.service == service) {
            all.push(Reader { service, role, is_ours });
        }
    }
    let read = |(path, readers): (PathBuf, Vec<Reader>)| {
        let text = std::fs::read_to_string(&path).ok()?;
        Some(VariableFile { path, text, readers })
    };
    readers.into_iter().filter_map(read).collect()
}

/// Whether a file is one of the project's environment files, which are edited as such.
pub(super) fn is_of_project(file: &VariableFile, env_files: &[(PathBuf, String)]) -> bool {
    env_files.iter().any(|(known, _)| plain(known) == file.path)
}

fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}
