//! The files from which services take variables (`env_file`), and who reads each.

use crate::compose::{dotenv, env_file_paths, interpolate};
use crate::deployment::Deployment;
use crate::rewrite::{Reader, VariableFile, has_our_variables};
use crate::role::Role;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// Returns the files that services name, those of the project among them. One that is not there is passed
/// over: compose has read it already where it must be there.
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
        let path = the_one(&deployment.project.directory.join(path));
        let known = deployment.services.iter().find(|one| one.name == service);
        let role = known.map_or(Role::Other, |one| one.role);
        let is_ours = known.is_some_and(|one| has_our_variables(one.role, &one.image));
        let all = readers.entry(path).or_default();
        if !all.iter().any(|reader| reader.service == service) {
            all.push(Reader { service, role, is_ours });
        }
    }
    let read = |(path, readers): (PathBuf, Vec<Reader>)| {
        let bytes = std::fs::read(&path).ok()?;
        let is_text = std::str::from_utf8(&bytes).is_ok();
        Some(VariableFile { path, text: String::from_utf8_lossy(&bytes).into_owned(), is_text, readers })
    };
    readers.into_iter().filter_map(read).collect()
}

/// Whether a file is one of the project's environment files, which are edited as such.
pub(super) fn is_of_project(file: &VariableFile, env_files: &[(PathBuf, String)]) -> bool {
    env_files.iter().any(|(known, _)| the_one(known) == file.path)
}

/// Returns the one path of a file that several lead to, over links or `..`.
fn the_one(path: &Path) -> PathBuf {
    let plain = || path.components().filter(|part| *part != Component::CurDir).collect();
    std::fs::canonicalize(path).unwrap_or_else(|_| plain())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_file_is_the_same_one_by_whatever_path_it_is_named_and_bytes_that_are_no_text_are_read_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        fs::create_dir(root.join("sub")).unwrap();
        fs::write(root.join(".env"), "TRAINS_CONFIG_DIR=/opt/trains/config\n").unwrap();
        symlink(".env", root.join("server.env")).unwrap();
        fs::write(root.join("own.env"), b"# caf\xe9\nX=${TRAINS_HOST_IP:-127.0.0.1}\n").unwrap();
        let compose = "services:\n  apiserver: {env_file: [server.env, sub/../.env]}\n  backup: {env_file: own.env}\n";
        let mut deployment = sample::deployment();
        deployment.project.directory = root.clone();
        let env_files = [(dir.path().join("./.env"), String::new())];
        let files = of_services(&deployment, &[compose.to_owned()], &env_files, &BTreeMap::new());
        let found: Vec<(&Path, usize, bool)> =
            files.iter().map(|file| (file.path.as_path(), file.readers.len(), file.is_text)).collect();
        assert_eq!(found, [(root.join(".env").as_path(), 1, true), (root.join("own.env").as_path(), 1, false)]);
        assert!(is_of_project(&files[0], &env_files) && !is_of_project(&files[1], &env_files));
        assert!(files[1].text.contains("TRAINS_HOST_IP"));
    }
}
