//! What is said when there is no server, or when there are several and nothing says which is meant.

use super::search::{Candidate, Search, file_list};
use super::{Deployment, Role};
use crate::error::Error;
use std::path::Path;
use std::time::SystemTime;

/// What the search has passed over, and what can be done about it.
#[derive(Debug, Default)]
pub(super) struct LookedAt {
    /// Sentences without their full stops.
    pub(super) places: Vec<String>,
    /// What to do so that one of them is found.
    pub(super) remedies: Vec<String>,
}

/// Several servers, each with what its data look like, where that is known.
pub(super) fn several(candidates: &[(Candidate, Option<String>)], command: &str) -> Error {
    let line = |(one, data): &(Candidate, Option<String>)| {
        let data = data.as_ref().map(|data| format!("; {data}")).unwrap_or_default();
        format!("{} ({}{data})", file_list(&one.args), one.by)
    };
    let list: Vec<String> = candidates.iter().map(line).collect();
    let error = Error::refused(format!("{} servers were found; which one is meant?", candidates.len()))
        .because(anyhow::anyhow!(list.join("\n")));
    candidates.iter().fold(error, |error, (one, _)| {
        let name = one.args.name.as_ref().map(|name| format!(" -p {name}")).unwrap_or_default();
        error.hint(format!("{command} {}{name}", options(&one.args.files)))
    })
}

/// Returns files as options.
pub(super) fn options(files: &[std::path::PathBuf]) -> String {
    files.iter().map(|file| format!("-f {}", file.display())).collect::<Vec<_>>().join(" ")
}

pub(super) fn none(looked_at: LookedAt, search: &Search) -> Error {
    let mut error = Error::refused("No Trains or ClearML server was found on this machine.");
    if search.named.name.is_some() {
        error = error.hint("Leave out -p, or give the name that the server's project has in: docker compose ls -a");
    }
    for remedy in looked_at.remedies {
        error = error.hint(remedy);
    }
    let error = error
        .hint(format!("Name its compose file: {} -f /path/to/docker-compose.yml", search.command))
        .hint("A server that was started with `docker run` has no compose file: write one for it first, with the same mounts.");
    match looked_at.places.is_empty() {
        true => error.because(anyhow::anyhow!("no compose project of this docker runs one")),
        false => error.because(anyhow::anyhow!("{}", looked_at.places.join("\n"))),
    }
}

/// Returns where the Elasticsearch data of a server are, and when they were last written to.
pub(super) fn data_of(deployment: &Deployment) -> Option<String> {
    let elastic = deployment.service(Role::Elasticsearch)?;
    let storage = &elastic.data_mounts().first()?.storage;
    let newest = match storage.path().map(newest_segment) {
        None => return Some(format!("Elasticsearch in {storage}")),
        Some(None) => "no segment there".to_owned(),
        Some(Some(time)) => format!("newest segment of {time}"),
    };
    Some(format!("Elasticsearch in {storage}, {newest}"))
}

/// Returns when the newest file of any shard was written, local time: `nodes/N/indices/INDEX/SHARD/index/FILE`.
fn newest_segment(data: &Path) -> Option<String> {
    let mut level = vec![data.join("nodes")];
    for fixed in [None, Some("indices"), None, None, Some("index"), None] {
        level = level.iter().flat_map(|path| below(path, fixed)).collect();
    }
    let times = level.iter().filter_map(|file| std::fs::symlink_metadata(file).ok()?.modified().ok());
    local(times.max()?)
}

/// Returns the directory of a name in a directory, or all that is in it.
fn below(directory: &Path, name: Option<&str>) -> Vec<std::path::PathBuf> {
    match name {
        Some(name) => vec![directory.join(name)],
        None => {
            std::fs::read_dir(directory).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect()
        }
    }
}

fn local(time: SystemTime) -> Option<String> {
    let stamp = jiff::Timestamp::try_from(time).ok()?;
    Some(stamp.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::ProjectArgs;
    use std::fs;
    use std::time::Duration;

    #[test]
    fn the_newest_file_of_any_shard_dates_the_data() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(newest_segment(dir.path()), None);
        for (name, seconds) in
            [("nodes/0/indices/a/0/index/_0.cfs", 86_400), ("nodes/0/indices/b/1/index/_1.si", 90_000)]
        {
            let file = dir.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            let file = fs::File::create(file).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        }
        // What a node writes beside its shards says nothing of when documents came.
        fs::write(dir.path().join("nodes/0/node.lock"), "").unwrap();
        let expected = local(SystemTime::UNIX_EPOCH + Duration::from_secs(90_000));
        assert_eq!(newest_segment(dir.path()), expected);
    }

    #[test]
    fn several_servers_are_listed_with_their_data_and_the_command_for_each() {
        let candidate = |file: &str, by: &str, name: Option<&str>| Candidate {
            args: ProjectArgs { files: vec![file.into()], name: name.map(str::to_owned), ..Default::default() },
            by: by.to_owned(),
            asked: None,
        };
        let all = [
            (candidate("/a/x.yml", "runs as the compose project a", Some("a")), None),
            (candidate("/b/x.yml", "found in /b", None), Some("Elasticsearch in /b/e, no segment there".to_owned())),
        ];
        let error = several(&all, "docker clearml-migrate");
        insta::assert_snapshot!(format!("{}\n{}\n{}", error.message(), error.causes().join("\n"), error.hints().join("\n")), @r"
        2 servers were found; which one is meant?
        /a/x.yml (runs as the compose project a)
        /b/x.yml (found in /b; Elasticsearch in /b/e, no segment there)
        docker clearml-migrate -f /a/x.yml -p a
        docker clearml-migrate -f /b/x.yml
        ");
    }
}
