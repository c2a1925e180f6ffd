//! Other compose files in the directory of the one that compose takes: the two generations of compose prefer other
//! names, so that the server may have been started from either. Where both keep its data in the same places it does not
//! matter; where they do not, nobody but its owner knows which data are the server's.

use super::unclear::{data_of, options};
use super::{Deployment, Role, Storage};
use crate::error::Error;
use std::path::{Path, PathBuf};

/// What the other files come to.
#[derive(Debug)]
pub(super) enum Judged {
    /// A sentence for the plan.
    Note(String),
    /// They keep the data elsewhere.
    Different(Error),
}

/// Judges files that describe a server too. `taken_by` is the compose that has chosen, as it is called.
pub(super) fn judge(chosen: &Deployment, other: &Deployment, taken_by: &str, command: &str) -> Judged {
    let (files, others) = (&chosen.project.files, &other.project.files);
    if Role::WITH_DATA.into_iter().any(|role| places(chosen, role) != places(other, role)) {
        return Judged::Different(different(chosen, other, command));
    }
    Judged::Note(format!(
        "{} has {}, too, with the data in the same places. {} is taken and rewritten, as {taken_by} would take it. The old server must not be started from {} any more: move it away afterwards.",
        chosen.project.directory.display(),
        names(others),
        names(files),
        names(others),
    ))
}

/// Returns the sentence about files that compose does not accept.
pub(super) fn not_accepted(directory: &Path, files: &[PathBuf], error: &Error) -> String {
    let causes = error.causes();
    let why = causes.last().map_or(error.message(), String::as_str);
    format!(
        "{} has {}, too, which compose does not accept ({why}). It stays as it is.",
        directory.display(),
        names(files)
    )
}

fn different(chosen: &Deployment, other: &Deployment, command: &str) -> Error {
    let line = |one: &Deployment| {
        let mut places: Vec<String> = data_of(one).into_iter().collect();
        let others = [Role::Mongo, Role::Redis, Role::Fileserver].into_iter();
        let differing = others.filter(|role| self::places(chosen, *role) != self::places(other, *role));
        places.extend(differing.map(|role| {
            let storages: Vec<String> = self::places(one, role).iter().map(ToString::to_string).collect();
            format!("{} in {}", role.title(), storages.join(" and "))
        }));
        format!("{}: {}", names(&one.project.files), places.join("; "))
    };
    let error = Error::refused(format!(
        "{} has more than one compose file for this server, and they keep its data in different places.",
        chosen.project.directory.display()
    ))
    .because(anyhow::anyhow!("{}\n{}", line(chosen), line(other)));
    [chosen, other].into_iter().fold(error, |error, one| {
        let files = &one.project.files;
        error.hint(format!("If the server runs from {}: {command} {}", names(files), options(files)))
    })
}

/// Where a service keeps its data.
fn places(deployment: &Deployment, role: Role) -> Vec<Storage> {
    let service = deployment.service(role);
    service.map_or_else(Vec::new, |one| one.data_mounts().into_iter().map(|mount| mount.storage.clone()).collect())
}

fn names(files: &[PathBuf]) -> String {
    let name = |file: &PathBuf| file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    files.iter().map(name).collect::<Vec<_>>().join(" with ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::sample;

    fn with(file: &str, elastic: &str) -> Deployment {
        let mut deployment = sample::deployment();
        deployment.project.files = vec![deployment.project.directory.join(file)];
        for service in deployment.services.iter_mut().filter(|one| one.role == Role::Elasticsearch) {
            for mount in &mut service.mounts {
                mount.storage = Storage::Bind { path: elastic.into() };
            }
        }
        deployment
    }

    #[test]
    fn other_data_are_refused_by_name_and_the_same_are_a_note() {
        let chosen = with("compose.yaml", "/opt/trains/data/elastic_copy");
        let other = with("docker-compose.yml", "/opt/trains/data/elastic");
        let Judged::Different(error) = judge(&chosen, &other, "docker compose 2.40.3", "docker clearml-migrate") else {
            panic!("other data");
        };
        insta::assert_snapshot!(format!("{}\n{}\n{}", error.message(), error.causes().join("\n"), error.hints().join("\n")), @r"
        /opt/trains has more than one compose file for this server, and they keep its data in different places.
        compose.yaml: Elasticsearch in /opt/trains/data/elastic_copy, no segment there
        docker-compose.yml: Elasticsearch in /opt/trains/data/elastic, no segment there
        If the server runs from compose.yaml: docker clearml-migrate -f /opt/trains/compose.yaml
        If the server runs from docker-compose.yml: docker clearml-migrate -f /opt/trains/docker-compose.yml
        ");
        let same = with("docker-compose.yml", "/opt/trains/data/elastic_copy");
        let Judged::Note(note) = judge(&chosen, &same, "docker compose 2.40.3", "docker clearml-migrate") else {
            panic!("the same data");
        };
        insta::assert_snapshot!(note, @"/opt/trains has docker-compose.yml, too, with the data in the same places. compose.yaml is taken and rewritten, as docker compose 2.40.3 would take it. The old server must not be started from docker-compose.yml any more: move it away afterwards.");
        let error = Error::failed("Compose does not accept it.").because(anyhow::anyhow!("yaml: line 3"));
        insta::assert_snapshot!(not_accepted(Path::new("/opt/trains"), &same.project.files, &error), @"/opt/trains has docker-compose.yml, too, which compose does not accept (yaml: line 3). It stays as it is.");
    }
}
