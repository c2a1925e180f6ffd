//! The edits of compose files and env files: what they become, where the originals are kept.

use super::directories::{configuration, mounted, new_redis};
use super::mentions::mentions;
use super::service_files::{is_of_project, of_services};
use super::variables::EnvFile;
use super::{rescue, variables};
use crate::compose::dotenv;
use crate::compose::dotenv::Rewritten;
use crate::compose::outcome::{self, Outcome};
use crate::deployment::{Deployment, Storage};
use crate::docker::Project;
use crate::environment;
use crate::error::{Context, Result};
use crate::plan::{FileEdit, HomeMove, Placement, Replacement, Rescue};
use crate::release::Release;
use crate::rewrite::{self, SourceFile, VariableFile};
use crate::role::Role;
use crate::server::{has_fixed_users, has_redis};
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

/// What the files become.
pub(super) struct Decided {
    /// All edits; files that stay as they are have none.
    pub(super) edits: Vec<FileEdit>,
    /// What the new files say of each service.
    pub(super) outcomes: BTreeMap<String, Outcome>,
    /// Names of services that are new.
    pub(super) added: Vec<String>,
}

/// Decides on all edits.
///
/// # Errors
/// Refused when a file cannot be edited safely; failed when one cannot be read.
pub(super) fn decide(deployment: &Deployment, around: &Around<'_>, notes: &mut Vec<String>) -> Result<Decided> {
    let texts = texts(deployment, around, notes)?;
    let mut edits = Vec::new();
    for file in texts.compose_files {
        push(&mut edits, file.path, file.old, file.new, around.stamp);
    }
    for (path, old, new) in texts.env_files.into_iter().chain(texts.service_files) {
        push(&mut edits, path, old, new, around.stamp);
    }
    Ok(Decided { edits, outcomes: texts.outcomes, added: texts.added })
}

/// The texts of all files, changed or not.
pub(super) struct Texts {
    pub(super) compose_files: Vec<rewrite::RewrittenFile>,
    pub(super) env_files: Vec<EnvFile>,
    /// The files that services take variables from and the project does not.
    service_files: Vec<EnvFile>,
    pub(super) outcomes: BTreeMap<String, Outcome>,
    pub(super) added: Vec<String>,
}

/// Returns what the files become.
///
/// # Errors
/// As [`decide`].
pub(super) fn texts(deployment: &Deployment, around: &Around<'_>, notes: &mut Vec<String>) -> Result<Texts> {
    let Around { release, home, replacements, rescues, new_project, .. } = *around;
    let moved = home.to.as_ref().map(|to| (home.from.clone(), to.clone()));
    let shell = environment::texts();
    let sources = deployment.project.files.iter().map(|path| Ok(SourceFile { path: path.clone(), text: read(path)? }));
    let sources: Vec<SourceFile> = sources.collect::<Result<_>>()?;
    let old_env = deployment.project.env_files.iter().map(|path| Ok((path.clone(), read(path)?)));
    let old_env: Vec<(PathBuf, String)> = old_env.collect::<Result<_>>()?;
    let compose_texts: Vec<String> = sources.iter().map(|file| file.text.clone()).collect();
    let of_services = of_services(deployment, &compose_texts, &old_env, &shell);
    let kept = variables::kept(&of_services, &old_env, &shell, notes);
    let own_files: Vec<VariableFile> = of_services.into_iter().filter(|file| !is_of_project(file, &old_env)).collect();
    let env_files = env_edits(old_env, moved.as_ref(), &kept, notes);
    let variables = variables::filled_in(&env_files, &shell, kept);
    variables::require_same(&variables, &env_files, moved.as_ref())?;
    let roles: BTreeMap<String, Role> = deployment.services.iter().map(|one| (one.name.clone(), one.role)).collect();
    let request = rewrite::Request {
        release,
        project_directory: deployment.project.directory.clone(),
        paths: new_paths(replacements, home),
        mounts: rescue::mounts(rescues, replacements, home),
        home: moved,
        volumes: new_volumes(deployment, replacements),
        pinned_volumes: pinned_volumes(deployment, replacements, new_project),
        variables,
        redis: home.after(&new_redis(deployment)),
        redis_told: is_told_of_redis(deployment)?,
        fixed_users: configuration(deployment).is_some_and(has_fixed_users),
        mentions: mentions(deployment, &sources),
    };
    let rewritten = rewrite::rewrite(&sources, &roles, &request)?;
    notes.extend(rewritten.notes);
    let new: Vec<String> = rewritten.files.iter().map(|file| file.new.clone()).collect();
    let outcomes = outcome::of(&new, &request.variables.after)?;
    let service_files = own_files.into_iter().map(|file| {
        let Rewritten { text, notes: more } = file.rewritten(&request);
        notes.extend(more);
        (file.path, file.text, text)
    });
    let service_files = service_files.collect();
    Ok(Texts { compose_files: rewritten.files, env_files, service_files, outcomes, added: rewritten.added })
}

/// Whether the API server is told where Redis is, by whatever its variables come from, or by its mounted configuration.
///
/// # Errors
/// Refused when nothing but a configuration that cannot be read may tell it.
fn is_told_of_redis(deployment: &Deployment) -> Result<bool> {
    let environment = deployment.service(Role::Apiserver).map(|service| &service.environment);
    let by_variable = environment
        .is_some_and(|all| all.iter().any(|(name, value)| rewrite::tells_of_redis(name) && !value.is_empty()));
    if by_variable {
        return Ok(true);
    }
    let files = ["/opt/trains/config/hosts.conf", "/opt/clearml/config/hosts.conf"];
    let file = mounted(deployment, Role::Apiserver, &files).map(Path::to_owned);
    let file = file.or_else(|| Some(configuration(deployment)?.join("hosts.conf")));
    file.map_or(Ok(false), |file| has_redis(&file))
}

fn push(edits: &mut Vec<FileEdit>, path: PathBuf, old: String, new: String, stamp: &str) {
    if old != new {
        let mut kept_as = path.as_os_str().to_owned();
        kept_as.push(format!("_migrated_{stamp}"));
        edits.push(FileEdit { path, old, new, kept_as: kept_as.into() });
    }
}

fn env_edits(
    files: Vec<(PathBuf, String)>,
    moved: Option<&(PathBuf, PathBuf)>,
    kept: &BTreeSet<String>,
    notes: &mut Vec<String>,
) -> Vec<EnvFile> {
    let mut edited = Vec::new();
    for (path, old) in files {
        let rewritten = dotenv::rewrite(&old, &dotenv::Request { home: moved.cloned(), kept: kept.clone() });
        notes.extend(rewritten.notes);
        edited.push((path, old, rewritten.text));
    }
    edited
}

/// Directories that a mount names and that will be others. A swapped directory keeps its name.
fn new_paths(replacements: &[Replacement], home: &HomeMove) -> Vec<(PathBuf, PathBuf)> {
    let changed = replacements.iter().filter(|one| matches!(one.placement, Placement::Retire { .. } | Placement::Stay));
    changed.map(|one| (one.source.clone(), home.after(&one.target))).collect()
}

fn new_volumes(deployment: &Deployment, replacements: &[Replacement]) -> Vec<(String, String)> {
    let pair = |one: &Replacement| match &one.placement {
        Placement::Volume { key, .. } => Some((key_of_volume(deployment, &one.source)?, key.clone())),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::Mount;
    use crate::plan::sample;

    #[test]
    fn a_file_from_which_a_service_takes_variables_is_edited_as_the_others_are() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let compose = "services:\n  apiserver: {image: 'allegroai/trains:latest', env_file: own.env}\n  elasticsearch: {image: 'elasticsearch:5.6.16'}\n";
        std::fs::write(path("docker-compose.yml"), compose).unwrap();
        std::fs::write(path("own.env"), "TRAINS_CONFIG_DIR=/opt/trains/config\nTRAINS_X=1\n").unwrap();
        let mut deployment = sample::deployment();
        deployment.services.retain(|one| matches!(one.role, Role::Apiserver | Role::Elasticsearch));
        let told = ("TRAINS_REDIS_SERVICE_HOST".to_owned(), "cache".to_owned());
        deployment.services.iter_mut().for_each(|one| one.environment = [told.clone()].into());
        deployment.project.directory = dir.path().to_owned();
        deployment.project.files = vec![path("docker-compose.yml")];
        deployment.project.env_files = vec![];
        let home = HomeMove { from: dir.path().to_owned(), to: None, reason: String::new(), wished: None };
        let around = Around {
            release: crate::release::find("1.1").unwrap(),
            home: &home,
            replacements: &[],
            rescues: &[],
            new_project: &deployment.project,
            stamp: "stamp",
        };
        let edits = decide(&deployment, &around, &mut Vec::new()).unwrap().edits;
        let edit = edits.iter().find(|edit| edit.path == path("own.env")).unwrap();
        assert_eq!(edit.new, "TRAINS_CONFIG_DIR=/opt/clearml/config\nTRAINS_X=1\n");
        assert_eq!(edit.kept_as, path("own.env_migrated_stamp"));
    }

    #[test]
    fn a_redis_that_an_environment_file_or_the_configuration_names_is_known() {
        let mut deployment = sample::deployment();
        let api = deployment.services.iter().position(|one| one.role == Role::Apiserver).unwrap();
        deployment.services[api].environment.clear();
        assert!(!is_told_of_redis(&deployment).unwrap());
        for (name, value, told) in [
            ("TRAINS_REDIS_SERVICE_HOST", "cache", true),
            ("REDIS_SERVICE_SERVICE_HOST", "cache", true),
            ("TRAINS__hosts__redis__apiserver__host", "cache", true),
            ("TRAINS_REDIS_SERVICE_HOST", "", false),
            ("TRAINS_REDIS_SERVICE_PORT", "6380", false),
            ("OTHER_REDIS_SERVICE_HOST", "cache", false),
        ] {
            deployment.services[api].environment = [(name.to_owned(), value.to_owned())].into();
            assert_eq!(is_told_of_redis(&deployment).unwrap(), told, "{name}={value}");
        }
        deployment.services[api].environment.clear();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("hosts.conf");
        std::fs::write(&file, "redis { apiserver { host: cache.corp } }\n").unwrap();
        for (target, path) in [("/opt/trains/config", dir.path()), ("/opt/trains/config/hosts.conf", &*file)] {
            let storage = Storage::Bind { path: path.to_owned() };
            deployment.services[api].mounts = vec![Mount { target: target.into(), storage, read_only: false }];
            assert!(is_told_of_redis(&deployment).unwrap(), "{target}");
        }
        std::fs::write(&file, "redis {").unwrap();
        assert!(is_told_of_redis(&deployment).unwrap_err().message().contains("hosts.conf"));
        let told = ("TRAINS_REDIS_SERVICE_HOST".to_owned(), "cache".to_owned());
        deployment.services[api].environment = [told].into();
        assert!(is_told_of_redis(&deployment).unwrap(), "the variable wins");
    }
}
