//! The variables that compose fills in, before and after: which keep their names, and the proof that each keeps its value.

use super::service_files::is_of_project;
use crate::compose::{dotenv, interpolate};
use crate::error::{Error, Result};
use crate::rewrite::{VariableFile, Variables};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Where it is, its text, and its new text.
pub(super) type EnvFile = (PathBuf, String, String);

/// Returns the names that do not change: what the shell sets, which we cannot edit; what environment files set under both
/// names, since they may differ; what the `env_file`s of services name; and, where the project's environment file is one of a
/// neighbour's, all that it sets.
pub(super) fn kept(
    of_services: &[VariableFile],
    env_files: &[(PathBuf, String)],
    shell: &BTreeMap<String, String>,
    notes: &mut Vec<String>,
) -> BTreeSet<String> {
    let mut kept = Variables::kept_by(shell);
    let set: BTreeSet<String> = env_files.iter().flat_map(|(_, text)| dotenv::names(text)).collect();
    let is_set = |name: &String| set.contains(name);
    for (old, new) in set.iter().filter_map(|old| Some((old, format!("CLEARML_{}", old.strip_prefix("TRAINS_")?)))) {
        if is_set(&new) && !kept.contains(old) {
            notes.push(format!(
                "{old} and {new} are both set in an environment file; each keeps its name and its value."
            ));
            kept.insert(old.clone());
        }
    }
    for file in of_services {
        if is_of_project(file, env_files) {
            keep_for_neighbours(file, &mut kept, notes);
            continue;
        }
        let used = file.text.lines().flat_map(interpolate::variables);
        for name in used.filter(|name| name.starts_with("TRAINS_") && is_set(name)) {
            if kept.insert(name.clone()) {
                notes.push(format!(
                    "{} names the variable {name}, and names in that file stay, so {name} keeps its name.",
                    file.path.display()
                ));
            }
        }
    }
    kept
}

/// A neighbour that reads the project's own environment file looks there for the names that it knows.
fn keep_for_neighbours(file: &VariableFile, kept: &mut BTreeSet<String>, notes: &mut Vec<String>) {
    let Some(neighbour) = file.others().next() else { return };
    let names = dotenv::names(&file.text).into_iter().filter(|name| name.starts_with("TRAINS_"));
    let new: Vec<String> = names.filter(|name| kept.insert(name.clone())).collect();
    if !new.is_empty() {
        notes.push(format!(
            "{} takes its variables from {} (env_file), so {} keep their names there.",
            neighbour.service,
            file.path.display(),
            new.join(", ")
        ));
    }
}

/// What compose will fill in, before and after. The shell's own variables win.
pub(super) fn filled_in(env_files: &[EnvFile], shell: &BTreeMap<String, String>, kept: BTreeSet<String>) -> Variables {
    let resolve = |pick: fn(&EnvFile) -> &String| {
        let mut all = BTreeMap::new();
        for file in env_files {
            all.extend(dotenv::values(pick(file), shell));
        }
        all.extend(shell.clone());
        all
    };
    Variables { before: resolve(|file| &file.1), after: resolve(|file| &file.2), kept }
}

/// Refuses environment files of which a variable would get another value than it has, but for the root directory. The
/// values may be secrets, so that only names are told.
///
/// # Errors
/// Refused, with the names.
pub(super) fn require_same(
    variables: &Variables,
    env_files: &[EnvFile],
    home: Option<&(PathBuf, PathBuf)>,
) -> Result<()> {
    let settled = |value: &str| match home.and_then(|(old, new)| Some((old.to_str()?, new.to_str()?))) {
        // The longer first: one may be below the other, or begin with its name.
        Some((old, new)) => {
            let (longer, shorter) = if old.len() > new.len() { (old, new) } else { (new, old) };
            value.replace(longer, "\u{0}").replace(shorter, "\u{0}")
        }
        None => value.to_owned(),
    };
    let names: BTreeSet<String> = env_files.iter().flat_map(|file| dotenv::names(&file.1)).collect();
    let changed: Vec<String> = names
        .into_iter()
        .filter(|name| {
            let new = variables.new_name(name).unwrap_or_else(|| name.clone());
            let (before, after) = (variables.before.get(name), variables.after.get(&new));
            before.map(|value| settled(value)) != after.map(|value| settled(value))
        })
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let files: Vec<String> = env_files.iter().map(|file| file.0.display().to_string()).collect();
    Err(Error::refused(format!(
        "{} of {} would have another value under the new name.",
        changed.join(", "),
        files.join(", ")
    ))
    .hint("Unset variables in your shell that begin with CLEARML_, write the value out instead of other variables, and run the same command again."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample;
    use crate::planner::service_files::of_services;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn required(old: &str, new: &str, shell: &[(&str, &str)]) -> Result<()> {
        let home = ("/opt/trains".into(), "/opt/clearml".into());
        let files = [("/opt/trains/.env".into(), old.to_owned(), new.to_owned())];
        let shell = map(shell);
        let kept = Variables::kept_by(&shell);
        require_same(&filled_in(&files, &shell, kept), &files, Some(&home))
    }

    #[test]
    fn a_value_that_would_become_emptier_is_refused_by_the_name_of_its_variable() {
        let old = "TRAINS_HOST_IP=10.0.0.1\nTRAINS_FILES_HOST=http://${TRAINS_HOST_IP}:8081\nDATA=/opt/trains/data\n";
        let new =
            "CLEARML_HOST_IP=10.0.0.1\nCLEARML_FILES_HOST=http://${CLEARML_HOST_IP}:8081\nDATA=/opt/clearml/data\n";
        required(old, new, &[]).unwrap();
        let emptier = new.replace("${CLEARML_HOST_IP}", "${TRAINS_HOST_IP}");
        let error = required(old, &emptier, &[]).unwrap_err();
        insta::assert_snapshot!(format!("{}\n{}", error.message(), error.hints().join("\n")), @r"
        TRAINS_FILES_HOST of /opt/trains/.env would have another value under the new name.
        Unset variables in your shell that begin with CLEARML_, write the value out instead of other variables, and run the same command again.
        ");
        let error = required(old, new, &[("CLEARML_HOST_IP", "10.9.9.9")]).unwrap_err();
        assert!(error.message().starts_with("TRAINS_FILES_HOST, TRAINS_HOST_IP of"), "{error:?}");
        assert!(required(old, &new.replace("DATA=/opt/clearml/data\n", ""), &[]).is_err());
    }

    #[test]
    fn a_root_whose_name_begins_with_the_other_ones_is_no_other_value() {
        for (old, new) in [("/opt/trains-server", "/opt/trains"), ("/opt/trains", "/opt/trains-server")] {
            let text = |root: &str| format!("DATA={root}/data\nOTHER=1\n");
            let files = [(format!("{old}/.env").into(), text(old), text(new))];
            let variables = filled_in(&files, &BTreeMap::new(), BTreeSet::new());
            require_same(&variables, &files, Some(&(old.into(), new.into()))).unwrap();
            let other = [(format!("{old}/.env").into(), text(old), text("/srv/other"))];
            let variables = filled_in(&other, &BTreeMap::new(), BTreeSet::new());
            assert!(require_same(&variables, &other, Some(&(old.into(), new.into()))).is_err());
        }
    }

    #[test]
    fn a_name_that_a_file_uses_which_is_not_rewritten_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("api.env"), "HOST=http://${TRAINS_HOST_IP}\nOTHER=$TRAINS_ELSEWHERE\n").unwrap();
        let mut deployment = sample::deployment();
        deployment.project.directory = dir.path().to_owned();
        let compose =
            "services: {apiserver: {env_file: ['./.env', {path: '${NAME}.env', required: false}]}}".to_owned();
        let env = (
            dir.path().join(".env"),
            "NAME=api\nTRAINS_HOST_IP=1\nTRAINS_A=$TRAINS_HOST_IP\nTRAINS_B=1\nCLEARML_B=2\n".to_owned(),
        );
        std::fs::write(&env.0, &env.1).unwrap();
        let (mut notes, shell) = (Vec::new(), map(&[("TRAINS_SHELL", "x")]));
        let files = of_services(&deployment, &[compose], std::slice::from_ref(&env), &shell);
        let kept = kept(&files, &[env], &shell, &mut notes);
        assert_eq!(kept.into_iter().collect::<Vec<_>>(), ["TRAINS_B", "TRAINS_HOST_IP", "TRAINS_SHELL"]);
        insta::assert_snapshot!(notes.join("\n").replace(&*dir.path().to_string_lossy(), "/opt/trains"), @r"
        TRAINS_B and CLEARML_B are both set in an environment file; each keeps its name and its value.
        /opt/trains/api.env names the variable TRAINS_HOST_IP, and names in that file stay, so TRAINS_HOST_IP keeps its name.
        ");
    }

    #[test]
    fn a_neighbour_that_reads_the_environment_file_finds_its_names_there() {
        let dir = tempfile::tempdir().unwrap();
        let text = "TRAINS_HOST_IP=1\nTRAINS_AGENT_GIT_USER=jane\nOTHER=2\n";
        let env = [(dir.path().join(".env"), text.to_owned())];
        std::fs::write(&env[0].0, text).unwrap();
        let mut deployment = sample::deployment();
        deployment.project.directory = dir.path().to_owned();
        let kept_with = |compose: &str| {
            let (shell, mut notes) = (BTreeMap::new(), Vec::new());
            let files = of_services(&deployment, &[compose.to_owned()], &env, &shell);
            let kept: Vec<String> = kept(&files, &env, &shell, &mut notes).into_iter().collect();
            (kept, notes.join("\n").replace(&*dir.path().to_string_lossy(), "/opt/trains"))
        };
        let (kept, notes) = kept_with("services: {apiserver: {env_file: .env}, backup: {env_file: [.env]}}");
        assert_eq!(kept, ["TRAINS_AGENT_GIT_USER", "TRAINS_HOST_IP"]);
        insta::assert_snapshot!(notes, @"backup takes its variables from /opt/trains/.env (env_file), so TRAINS_AGENT_GIT_USER, TRAINS_HOST_IP keep their names there.");
        assert_eq!(
            kept_with("services: {apiserver: {env_file: .env}}"),
            (vec![], String::new()),
            "they are renamed for it"
        );
    }
}
