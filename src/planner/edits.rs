//! The edits of compose files and env files: what they become, where the originals are kept.

use super::rescue;
use crate::compose::{self, SourceFile, Variables, dotenv};
use crate::deployment::{Deployment, Project, Role, Storage};
use crate::environment;
use crate::error::{Context, Result};
use crate::plan::{FileEdit, HomeMove, Replacement, Rescue, Switch};
use crate::release::Release;
use crate::server::has_fixed_users;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What changes around the files.
pub(super) struct Around<'a> {
    pub(super) release: &'static Release,
    pub(super) home: &'a HomeMove,
    pub(super) replacements: &'a [Replacement],
    pub(super) rescues: &'a [Rescue],
    pub(super) new_project: &'a Project,
    pub(super) stamp: &'a str,
}

/// Decides on all edits; files that stay as they are have none.
///
/// # Errors
/// Refused when a file cannot be edited safely; failed when one cannot be read.
pub(super) fn decide(deployment: &Deployment, around: &Around<'_>, notes: &mut Vec<String>) -> Result<Vec<FileEdit>> {
    let texts = texts(deployment, around, notes)?;
    let mut edits = Vec::new();
    for file in texts.compose_files {
        push(&mut edits, file.path, file.old, file.new, around.stamp);
    }
    for (path, old, new) in texts.env_files {
        push(&mut edits, path, old, new, around.stamp);
    }
    Ok(edits)
}

/// The texts of all files, changed or not.
pub(super) struct Texts {
    pub(super) compose_files: Vec<compose::RewrittenFile>,
    pub(super) env_files: Vec<EnvFile>,
}

/// Returns what the files become.
///
/// # Errors
/// As [`decide`].
pub(super) fn texts(deployment: &Deployment, around: &Around<'_>, notes: &mut Vec<String>) -> Result<Texts> {
    let Around { release, home, replacements, rescues, new_project, .. } = *around;
    let moved = home.to.as_ref().map(|to| (home.from.clone(), to.clone()));
    let shell = environment::texts();
    let kept = Variables::kept_by(&shell);
    let env_files = env_edits(deployment, moved.as_ref(), &kept, notes)?;
    let sources = deployment.project.files.iter().map(|path| Ok(SourceFile { path: path.clone(), text: read(path)? }));
    let sources: Vec<SourceFile> = sources.collect::<Result<_>>()?;
    let roles: BTreeMap<String, Role> = deployment.services.iter().map(|one| (one.name.clone(), one.role)).collect();
    let request = compose::Request {
        release,
        project_directory: deployment.project.directory.clone(),
        paths: new_paths(replacements, home),
        mounts: rescue::mounts(rescues, replacements, home),
        home: moved,
        volumes: new_volumes(deployment, replacements),
        pinned_volumes: pinned_volumes(deployment, replacements, new_project),
        variables: variables(&env_files, shell, kept),
        fixed_users: super::configuration(deployment).is_some_and(has_fixed_users),
    };
    let rewritten = compose::rewrite(&sources, &roles, &request)?;
    notes.extend(rewritten.notes);
    Ok(Texts { compose_files: rewritten.files, env_files })
}

fn push(edits: &mut Vec<FileEdit>, path: PathBuf, old: String, new: String, stamp: &str) {
    if old != new {
        let mut kept_as = path.as_os_str().to_owned();
        kept_as.push(format!("_migrated_{stamp}"));
        edits.push(FileEdit { path, old, new, kept_as: kept_as.into() });
    }
}

/// Where it is, its text, and its new text.
pub(super) type EnvFile = (PathBuf, String, String);

fn env_edits(
    deployment: &Deployment,
    moved: Option<&(PathBuf, PathBuf)>,
    kept: &BTreeSet<String>,
    notes: &mut Vec<String>,
) -> Result<Vec<EnvFile>> {
    let mut files = Vec::new();
    for path in &deployment.project.env_files {
        let old = read(path)?;
        let rewritten = dotenv::rewrite(&old, &dotenv::Request { home: moved.cloned(), kept: kept.clone() });
        notes.extend(rewritten.notes);
        files.push((path.clone(), old, rewritten.text));
    }
    Ok(files)
}

/// What compose will fill in, before and after. The shell's own variables win, and we cannot edit them, so what they
/// set keeps its name everywhere.
fn variables(env_files: &[EnvFile], shell: BTreeMap<String, String>, kept: BTreeSet<String>) -> Variables {
    let resolve = |pick: fn(&EnvFile) -> &String| {
        let mut all = BTreeMap::new();
        for file in env_files {
            all.extend(dotenv::values(pick(file), &shell));
        }
        all.extend(shell.clone());
        all
    };
    Variables { before: resolve(|file| &file.1), after: resolve(|file| &file.2), kept }
}

/// Directories that a mount names and that will be others. A swapped directory keeps its name.
fn new_paths(replacements: &[Replacement], home: &HomeMove) -> Vec<(PathBuf, PathBuf)> {
    let changed = replacements.iter().filter(|one| matches!(one.switch, Switch::Retire { .. } | Switch::Stay));
    changed.map(|one| (one.source.clone(), home.after(&one.target))).collect()
}

fn new_volumes(deployment: &Deployment, replacements: &[Replacement]) -> Vec<(String, String)> {
    let pair = |one: &Replacement| match &one.switch {
        Switch::Volume { key, .. } => Some((key_of_volume(deployment, &one.source)?, key.clone())),
        _ => None,
    };
    replacements.iter().filter_map(pair).collect()
}

fn key_of_volume(deployment: &Deployment, source: &Path) -> Option<String> {
    volumes(deployment).find(|(_, _, mountpoint)| *mountpoint == source).map(|(key, _, _)| key.to_owned())
}

fn volumes(deployment: &Deployment) -> impl Iterator<Item = (&str, &str, &Path)> {
    deployment.services.iter().flat_map(|service| &service.mounts).filter_map(|mount| match &mount.storage {
        Storage::Volume { name, key, mountpoint } => Some((key.as_str(), name.as_str(), mountpoint.as_path())),
        _ => None,
    })
}

/// Volumes that stay, where the project's name changes: without docker's name written down, compose would make new,
/// empty ones.
fn pinned_volumes(
    deployment: &Deployment,
    replacements: &[Replacement],
    new_project: &Project,
) -> Vec<(String, String)> {
    if new_project.name == deployment.project.name {
        return Vec::new();
    }
    let replaced = |mountpoint: &Path| replacements.iter().any(|one| one.source == mountpoint);
    let pinned: BTreeSet<(String, String)> = volumes(deployment)
        .filter(|(_, _, mountpoint)| !replaced(mountpoint))
        .map(|(key, name, _)| (key.to_owned(), name.to_owned()))
        .collect();
    pinned.into_iter().collect()
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).context(|| format!("{} cannot be read.", path.display()))
}
