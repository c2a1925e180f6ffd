//! Whether the rewritten files lead each database to the data that are made for it, and not to an empty directory, and
//! give each service what it is told today.

use super::emptier::{self, Written};
use crate::compose::model::Project;
use crate::deployment::{Deployment, Service, Storage, WouldKeep, would_keep};
use crate::docker::{ComposeCommand, Daemon, ProjectArgs};
use crate::error::{Kind, Result};
use crate::files::temporary::PrivateDirectory;
use crate::findings::Finding;
use crate::message::{About, Code};
use crate::plan::{InPlace, Placement, Plan, Replacement, ServerPlan};
use crate::role::Role;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// Asks compose what the rewritten files mean, while everything is still in its place: `texts` are what they would be there.
///
/// # Errors
/// Fails when compose or docker does not answer.
pub async fn would_find_its_data(
    plan: &Plan,
    texts: &InPlace,
    compose: &ComposeCommand,
    docker: &Daemon,
    cancel: &CancellationToken,
) -> Result<Vec<Finding>> {
    let Some(server) = plan.server() else { return Ok(Vec::new()) };
    let directory = PrivateDirectory::new()?;
    let written = |kind: &str, texts: &[String]| -> Result<Vec<PathBuf>> {
        let numbered = texts.iter().enumerate();
        numbered.map(|(number, text)| directory.write(&format!("{number}.{kind}"), text)).collect()
    };
    let args = ProjectArgs {
        files: written("yml", &texts.compose_files)?,
        name: Some(server.new_project.name.clone()),
        directory: Some(server.deployment.project.directory.clone()),
        env_files: written("env", &texts.env_files)?,
    };
    match compose.project(&args, cancel).await {
        Ok(model) => judge(plan, server, (&model, &Written::default()), Path::to_owned, docker).await,
        Err(error) if error.kind() == Kind::Cancelled => Err(error),
        Err(error) => Ok(vec![not_read(&error.causes().join(": "), &directory.path().display().to_string())]),
    }
}

/// Compose did not take the rewritten files. One that lives in a world of its own (Ubuntu's snap) does not even see them.
fn not_read(said: &str, directory: &str) -> Finding {
    if said.contains(directory) && (said.contains("no such file") || said.contains("ermission denied")) {
        return Finding::warning(
            Code::FilesNotAsked,
            "Compose cannot read temporary files, so it was not asked what the rewritten files mean.",
            "It is asked before the new server is started. Should its data not be where they must be, everything is taken back.",
        );
    }
    let said = said.replace(&format!("{directory}/"), "");
    Finding::refusal(
        Code::FilesNotAccepted,
        format!("Compose would not accept the rewritten files: {said}"),
        "See what changes in them, in the plan above. Write the lines that it names in a plainer way, and run the same command again.",
    )
}

/// Asks compose the same of the files as they are now, after the switch.
///
/// # Errors
/// Fails when compose or docker does not answer.
pub async fn will_find_its_data(
    plan: &Plan,
    compose: &ComposeCommand,
    docker: &Daemon,
    cancel: &CancellationToken,
) -> Result<Vec<Finding>> {
    let Some(server) = plan.server() else { return Ok(Vec::new()) };
    let args = &ProjectArgs::of(&server.new_project);
    let model = compose.project(args, cancel).await?;
    judge(plan, server, (&model, &Written::read(args)?), |path| plan.home.after(path), docker).await
}

async fn judge(
    plan: &Plan,
    server: &ServerPlan,
    (model, written): (&Project, &Written),
    place: impl Fn(&Path) -> PathBuf,
    docker: &Daemon,
) -> Result<Vec<Finding>> {
    let mut findings = emptier::services(&server.deployment, model, written);
    // Plans of earlier versions do not know where the data were.
    for service in of_known_place(&server.deployment) {
        let kept = would_keep(model, service, &server.new_project.name, docker).await?;
        findings.extend(compare(service, kept, &expected(plan, service, &place)));
    }
    Ok(findings)
}

fn of_known_place(deployment: &Deployment) -> impl Iterator<Item = &Service> {
    let services = Role::WITH_DATA.into_iter().filter_map(|role| deployment.service(role));
    services.filter(|service| !service.data_paths.is_empty())
}

/// A directory in which data must be found, by the volume's name if it is one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Expected {
    path: PathBuf,
    volume: Option<String>,
}

impl Expected {
    fn is(&self, storage: &Storage) -> bool {
        match (storage, &self.volume) {
            (Storage::Volume { name, .. }, Some(volume)) => name == volume,
            _ => storage.path() == Some(&self.path),
        }
    }
}

/// Where the new server must find the data of a service, the directory of its process first. Artifacts stay. `place`
/// says what a path is called by then.
fn expected(plan: &Plan, service: &Service, place: &impl Fn(&Path) -> PathBuf) -> Vec<Expected> {
    if service.role == Role::Fileserver {
        let folder = service.data_mounts().first().and_then(|mount| mount.storage.path());
        return folder.map(|path| Expected { path: place(path), volume: None }).into_iter().collect();
    }
    let expected = |one: &Replacement| Expected {
        path: place(one.final_path()),
        volume: match &one.placement {
            Placement::Volume { name, .. } => Some(name.clone()),
            _ => None,
        },
    };
    plan.replacements_of(service.role).map(expected).collect()
}

fn compare(service: &Service, kept: Result<WouldKeep, String>, expected: &[Expected]) -> Option<Finding> {
    let name = &service.name;
    let (first, rest) = expected.split_first()?;
    let kept =
        match kept {
            Ok(kept) => kept,
            Err(why) => {
                return Some(Finding::refusal(
                Code::PlaceUnknown,
                format!("It cannot be told where {name} would keep its data after the migration: {why}."),
                "Take this out of the compose file, or write it in a plainer way, and run the same command again.",
            )
            .about(About::service(name)));
            }
        };
    let missed = match first.is(&kept.storage) {
        false => first,
        true => rest.iter().find(|expected| !kept.others.iter().any(|other| expected.is(other)))?,
    };
    Some(Finding::refusal(
        Code::PlaceWrong,
        format!(
            "After the migration {name} would keep its data at {} in its container ({}), where {} is mounted; {} are in {}.",
            kept.path,
            kept.setting,
            kept.storage,
            service.role.its_data(),
            missed.path.display()
        ),
        format!(
            "Take the setting out of the compose file of {name}, or mount the directory of its data where the setting says, and run the same command again.",
        ),
    )
    .about(About::service(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Severity;
    use crate::plan::sample;

    fn bind(path: &str) -> Storage {
        Storage::Bind { path: path.into() }
    }

    fn at(path: &str) -> Expected {
        Expected { path: path.into(), volume: None }
    }

    fn compared(storage: Storage, others: Vec<Storage>, expected: &[&str]) -> Option<String> {
        let kept =
            WouldKeep { path: "/var/tmp/es".into(), setting: "path.data in its environment".into(), storage, others };
        let service = sample::service("elasticsearch", Role::Elasticsearch, &[]);
        let expected: Vec<Expected> = expected.iter().map(|path| at(path)).collect();
        compare(&service, Ok(kept), &expected).map(|finding| finding.what)
    }

    #[test]
    fn each_directory_that_is_made_must_be_where_the_new_server_looks() {
        assert_eq!(compared(bind("/es_7"), vec![], &["/es_7"]), None);
        assert_eq!(compared(bind("/db"), vec![bind("/configdb")], &["/db", "/configdb"]), None);
        assert_eq!(compared(bind("/db"), vec![Storage::Anonymous], &["/db"]), None, "an empty configdb");
        assert!(
            compared(bind("/db"), vec![Storage::Anonymous], &["/db", "/configdb"]).unwrap().ends_with("in /configdb.")
        );
        insta::assert_snapshot!(compared(Storage::ContainerLayer, vec![], &["/es_7"]).unwrap(), @"After the migration elasticsearch would keep its data at /var/tmp/es in its container (path.data in its environment), where nothing is mounted; the new data are in /es_7.");
    }

    #[test]
    fn a_volume_is_known_by_its_name() {
        let volume =
            |name: &str| Storage::Volume { name: name.into(), key: "m".into(), mountpoint: "/v/m/_data".into() };
        let expected = Expected { path: "/v/other/_data".into(), volume: Some("clearml_m".into()) };
        assert!(expected.is(&volume("clearml_m")) && !expected.is(&volume("trains_m")));
    }

    #[test]
    fn files_that_compose_does_not_take_are_refused_and_files_that_it_cannot_see_are_asked_for_later() {
        let unseen = not_read("open /tmp/x/0.yml: no such file or directory", "/tmp/x");
        assert_eq!(unseen.severity, Severity::Warning);
        let refused = not_read("/tmp/x/0.yml: services.a must be a mapping", "/tmp/x");
        assert_eq!(refused.what, "Compose would not accept the rewritten files: 0.yml: services.a must be a mapping");
        assert_eq!(not_read("open /srv/a.env: no such file or directory", "/tmp/x").severity, Severity::Refusal);
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        let service = sample::service("redis", Role::Redis, &[]);
        let finding = compare(&service, Err("its configuration /x cannot be read".into()), &[at("/redis")]).unwrap();
        assert_eq!(
            finding.what,
            "It cannot be told where redis would keep its data after the migration: its configuration /x cannot be read."
        );
        assert_eq!(compare(&service, Err("no".into()), &[]), None, "nothing is expected of a service without data");
    }
}
