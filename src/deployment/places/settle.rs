//! What holds when a process, its container and the compose file each say where the data are: the process that runs,
//! then what its container was made with, then the file.

use super::ask::{self, NoAnswer};
use super::place::{Place, Unclear};
use super::told::{all, told};
use super::{Process, Read, mounted};
use crate::compose::model;
use crate::deployment::{Disagreement, Mount};
use crate::docker::{Container, Daemon, Image};
use crate::role::Role;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// What could not be settled about where a service keeps its data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// What, as a sentence.
    pub what: String,
    /// What the user can do.
    pub remedy: String,
    /// Whether nothing may be done until it is settled.
    pub refuses: bool,
}

/// A service, and what docker knows about it.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its role.
    pub role: Role,
    /// What the compose project says.
    pub model: &'a model::Service,
    /// The image that it names there, if it is here.
    pub image: Option<&'a Image>,
    /// Its container, if there is one.
    pub container: Option<&'a Container>,
    /// Mounts by the compose project.
    pub model_mounts: &'a [Mount],
    /// Mounts of the container, or else by the compose project.
    pub mounts: &'a [Mount],
}

/// Where a service keeps its data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Absolute paths in the container.
    pub data_paths: Vec<String>,
    /// That the compose file says something else than what is true now.
    pub disagreement: Option<Disagreement>,
    /// What could not be settled.
    pub doubts: Vec<Doubt>,
}

/// Settles where a service keeps its data. Asks the process if it runs.
pub async fn settle(seen: &Seen<'_>, docker: &Daemon) -> Settled {
    if seen.role.usual_data_paths().next().is_none() {
        return Settled::default();
    }
    let by_file = told(seen.role, &Process::of_model(seen.model, seen.image), &|path| mounted(seen.model_mounts, path));
    match seen.container {
        None => without_container(seen, by_file),
        Some(container) => {
            let (now, asked) = now(seen, container, docker).await;
            judge(seen, container, now, asked, by_file)
        }
    }
}

type Told = Result<Option<Place>, Unclear>;
type Asked = Option<Result<String, NoAnswer>>;

fn without_container(seen: &Seen<'_>, by_file: Told) -> Settled {
    match by_file {
        Ok(place) => at(seen.role, place.as_ref().map(|place| place.path.as_str())),
        Err(unclear) => Settled { doubts: vec![doubt(seen, &unclear)], ..usual(seen.role) },
    }
}

/// Returns what the container was made with says, and what the process says.
async fn now(seen: &Seen<'_>, container: &Container, docker: &Daemon) -> (Told, Asked) {
    let process = Process::of_container(container);
    // Files of the image, by their paths in the container: read as they are met.
    let own: RefCell<BTreeMap<String, Option<String>>> = RefCell::default();
    let wanted: RefCell<Option<String>> = RefCell::default();
    let read = |path: &str| match mounted(seen.mounts, path) {
        Read::OfTheImage => match own.borrow().get(path) {
            Some(Some(text)) => Read::Text { text: text.clone(), shown: format!("{path} in its image") },
            Some(None) => Read::Missing(format!("{path} in its image")),
            None => {
                wanted.replace(Some(path.to_owned()));
                Read::OfTheImage
            }
        },
        other => other,
    };
    let told = loop {
        let told = told(seen.role, &process, &read);
        let Some(path) = wanted.take() else { break told };
        match docker.container_file(&container.id, &path).await {
            Ok(text) => own.borrow_mut().insert(path, text),
            Err(error) => break Err(Unclear::unreadable(&format!("{path} in its image"), &error.to_string())),
        };
    };
    let asked = match container.state.running {
        true => ask::ask(seen.role, container, &process, &read, docker).await,
        false => None,
    };
    (told, asked)
}

/// Decides what holds. Only what is asked or told plainly is believed; the file must say the same, since by the file
/// the next container is made.
fn judge(seen: &Seen<'_>, container: &Container, told: Told, asked: Asked, by_file: Told) -> Settled {
    let name = seen.name;
    let mut doubts = Vec::new();
    let truth = match (asked, told) {
        (Some(Ok(path)), _) => Some(path),
        (Some(Err(NoAnswer::Several(paths))), _) => {
            let unclear = super::place::several(&format!("the node ({})", paths.join(", ")));
            return Settled { doubts: vec![doubt(seen, &unclear)], ..usual(seen.role) };
        }
        (Some(Err(NoAnswer::Silent(why))), Ok(Some(place))) => {
            doubts.push(Doubt {
                what: format!(
                    "{name} runs but does not say where its data are ({why}); by {} they are at {}.",
                    place.setting, place.path
                ),
                remedy: format!(
                    "If you know better, do not go on. What it says of itself: docker logs --tail 20 {}",
                    container.name
                ),
                refuses: false,
            });
            Some(place.path)
        }
        (Some(Err(NoAnswer::Silent(why))), Err(unclear)) => {
            let mut doubt = doubt(seen, &unclear);
            doubt.what = format!("{} It runs, but does not say so itself: {why}.", doubt.what);
            doubt.remedy = format!(
                "Let it come up, so that it can be asked, or stop it (docker stop {}); then run the same command again.",
                container.name
            );
            return Settled { doubts: vec![doubt], ..usual(seen.role) };
        }
        (_, Ok(place)) => place.map(|place| place.path),
        (_, Err(unclear)) => return Settled { doubts: vec![doubt(seen, &unclear)], ..usual(seen.role) },
    };
    let mut settled = Settled { doubts, ..at(seen.role, truth.as_deref()) };
    match (by_file, truth) {
        (Ok(Some(file)), Some(truth)) if file.path != truth => {
            settled.disagreement = Some(Disagreement {
                service: name.to_owned(),
                subject: Disagreement::DATA.to_owned(),
                container: truth,
                file: format!("{} ({})", file.path, file.setting),
            });
        }
        // Whatever the script or the image says, it has said it.
        (Err(Unclear::Wrapper(_) | Unclear::OfTheImage(_)), Some(_)) => {}
        (Err(unclear), _) => settled.doubts.push(doubt(seen, &unclear)),
        _ => {}
    }
    settled
}

fn at(role: Role, path: Option<&str>) -> Settled {
    let data_paths = path.map(|path| all(role, path)).unwrap_or_default();
    Settled { data_paths, ..Settled::default() }
}

fn usual(role: Role) -> Settled {
    let data_paths = role.usual_data_paths().map(str::to_owned).collect();
    Settled { data_paths, ..Settled::default() }
}

fn doubt(seen: &Seen<'_>, unclear: &Unclear) -> Doubt {
    let name = seen.name;
    match unclear {
        Unclear::Wrapper(script) => Doubt {
            what: format!("{name} is started by {script}, so it cannot be told where it keeps its data."),
            remedy: format!(
                "Start it, so that it can be asked (docker compose up -d {name}), and run the same command again."
            ),
            refuses: true,
        },
        Unclear::OfTheImage(file) => Doubt {
            what: format!(
                "It cannot be told where {name} keeps its data: its configuration {file} is a file of its image."
            ),
            remedy: format!(
                "Start it, so that it can be asked (docker compose up -d {name}), or mount the file from this machine; then run the same command again."
            ),
            refuses: true,
        },
        Unclear::Said { what, remedy } => Doubt {
            what: format!("It cannot be told where {name} keeps its data: {what}."),
            remedy: remedy.clone(),
            refuses: true,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(role: Role, told: Told, asked: Asked, by_file: Told) -> Settled {
        let model = model::Service::default();
        let seen =
            Seen { name: "db", role, model: &model, image: None, container: None, model_mounts: &[], mounts: &[] };
        judge(&seen, &Container { name: "trains-db".into(), ..Default::default() }, told, asked, by_file)
    }

    fn place(path: &str) -> Told {
        Ok(Some(Place { path: path.into(), setting: "dir in its command".into() }))
    }

    #[test]
    fn the_process_that_runs_is_believed_before_all_and_the_file_must_agree() {
        let asked = |path: &str| Some(Ok(path.to_owned()));
        let settled = judged(Role::Redis, place("/data"), asked("/tmp"), place("/data"));
        assert_eq!(settled.data_paths, ["/tmp"]);
        let told = settled.disagreement.unwrap().to_string();
        assert_eq!(
            told,
            "The container of db keeps its data at /tmp; by the compose file it would keep them at /data (dir in its command)."
        );
        let settled = judged(Role::Mongo, place("/x"), asked("/x"), place("/x"));
        assert_eq!(settled, Settled { data_paths: vec!["/x".into(), "/data/configdb".into()], ..Settled::default() });
    }

    #[test]
    fn a_process_that_is_silent_is_a_warning_if_all_else_agrees() {
        let silent = || Some(Err(NoAnswer::Silent("it did not answer".into())));
        let settled = judged(Role::Redis, place("/data"), silent(), place("/data"));
        assert_eq!((settled.data_paths, settled.disagreement), (vec!["/data".to_owned()], None));
        let [doubt] = settled.doubts.as_slice() else { panic!("{:?}", settled.doubts) };
        assert!(
            !doubt.refuses && doubt.what.contains("does not say where its data are (it did not answer)"),
            "{doubt:?}"
        );
        assert!(judged(Role::Redis, place("/data"), silent(), place("/x")).disagreement.is_some());
        let script = || Err(Unclear::Wrapper("/start.sh".into()));
        let settled = judged(Role::Redis, script(), silent(), script());
        assert!(settled.doubts.iter().any(|doubt| doubt.refuses && doubt.what.contains("/start.sh")), "{settled:?}");
    }

    #[test]
    fn a_script_of_the_users_is_no_doubt_while_its_process_can_be_asked() {
        let script = || Err(Unclear::Wrapper("/start.sh".into()));
        let settled = judged(Role::Redis, script(), Some(Ok("/x".into())), script());
        assert_eq!(settled, Settled { data_paths: vec!["/x".into()], ..Settled::default() });
        let of_the_image = || Err(Unclear::OfTheImage("/etc/redis.conf".into()));
        assert_eq!(judged(Role::Redis, place("/x"), None, of_the_image()), settled);
        assert!(judged(Role::Redis, of_the_image(), None, of_the_image()).doubts[0].what.contains("/etc/redis.conf"));
        assert!(judged(Role::Redis, script(), None, script()).doubts[0].refuses);
    }

    #[test]
    fn several_directories_and_files_that_cannot_be_read_are_refused() {
        let several = Some(Err(NoAnswer::Several(vec!["/a".into(), "/b".into()])));
        let settled = judged(Role::Elasticsearch, place("/a"), several, place("/a"));
        assert!(settled.doubts[0].refuses && settled.doubts[0].what.contains("(/a, /b) names several"), "{settled:?}");
        let unreadable = Err(Unclear::unreadable("/etc/redis.conf", "permission denied"));
        let settled = judged(Role::Redis, place("/data"), Some(Ok("/data".into())), unreadable);
        assert!(settled.doubts[0].refuses && settled.doubts[0].what.contains("/etc/redis.conf"), "{settled:?}");
    }
}
