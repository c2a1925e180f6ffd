//! Which of the compose projects on this machine is the server: named, known from a journal, running, or lying around.

use super::candidates::{by_project, from_labels, has_something_in, is_server};
use super::default_files::{Caller, DefaultFiles};
use super::rivals::{self, Judged};
use super::search::{Asked, Candidate, Found, Search, file_list};
use super::unclear::{LookedAt, data_of, none, options, several};
use super::{Deployment, inspect};
use crate::compose::model;
use crate::docker::{ComposeCommand, Container, Daemon, ProjectArgs};
use crate::error::{Error, Kind, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// Finds the server on this machine. Reads only.
///
/// # Errors
/// Refused when there is none or more than one, with what was found; failed when compose does not accept the files.
pub async fn find(
    search: &Search,
    compose: &ComposeCommand,
    daemon: &Daemon,
    cancel: &CancellationToken,
) -> Result<Deployment> {
    let projects = by_project(daemon.containers(&["com.docker.compose.project".to_owned()]).await?);
    let finder = Finder { search, compose, daemon, cancel, projects, shell: crate::environment::texts() };
    let (found, others) = finder.find().await?;
    let mut deployment = inspect::deployment(found, search, daemon).await?;
    for files in others {
        let note = finder.judge(&deployment, files).await?;
        deployment.notes.extend(note);
    }
    Ok(deployment)
}

/// What the search works with.
pub(super) struct Finder<'a> {
    pub(super) search: &'a Search,
    pub(super) compose: &'a ComposeCommand,
    pub(super) daemon: &'a Daemon,
    pub(super) cancel: &'a CancellationToken,
    pub(super) projects: BTreeMap<String, Vec<Container>>,
    pub(super) shell: BTreeMap<String, String>,
}

/// How a project came up that nothing but a journal tells of.
const BY_JOURNAL: &str = "known from the journal of an earlier run";

/// Sets of other files that lie beside those that compose takes.
type Others = Vec<Vec<PathBuf>>;

impl Finder<'_> {
    async fn find(&self) -> Result<(Found, Others)> {
        self.require_home()?;
        if let Some(candidate) = self.named()? {
            return Ok((self.require(candidate).await?, Others::new()));
        }
        let mut looked_at = LookedAt::default();
        match self.known(&mut looked_at).as_slice() {
            [] => {}
            [only] => {
                let others = self.beside(only)?;
                return Ok((self.require(only.clone()).await?, others));
            }
            many => return Err(self.several(many).await),
        }
        let mut unreadable = None;
        for candidates in self.directories(&mut looked_at)? {
            let mut found = Vec::new();
            for candidate in candidates {
                match self.load(candidate.clone()).await {
                    Ok(Some(one)) => found.push((candidate, one)),
                    Ok(None) => {
                        let files = file_list(&candidate.args);
                        looked_at.places.push(format!("{files}: not of a Trains or ClearML server"));
                    }
                    Err(error) if error.kind() == Kind::Cancelled => return Err(error),
                    Err(error) => unreadable = unreadable.or(Some(error)),
                }
            }
            if found.len() > 1 {
                let all: Vec<Candidate> = found.into_iter().map(|(candidate, _)| candidate).collect();
                return Err(self.several(&all).await);
            }
            if let Some((candidate, one)) = found.pop() {
                return self.as_compose_takes_it(candidate, one).await;
            }
        }
        Err(unreadable.unwrap_or_else(|| none(looked_at, self.search)))
    }

    /// The files that compose would take by now, or might, instead of those that only a journal tells of: the server may have
    /// been started from others since that was written.
    fn beside(&self, candidate: &Candidate) -> Result<Others> {
        let directory = candidate.args.project_directory().filter(|_| candidate.by == BY_JOURNAL);
        let Some(directory) = directory else { return Ok(Others::new()) };
        let Some(taken) = self.caller().takes_in(directory)? else { return Ok(Others::new()) };
        let sets = std::iter::once(taken.files).chain(taken.others);
        Ok(sets.filter(|files| *files != candidate.args.files).collect())
    }

    /// Makes sure that compose, called in the directory with no file named, means the same project.
    async fn as_compose_takes_it(&self, candidate: Candidate, found: Found) -> Result<(Found, Others)> {
        let Some(Asked { directory, others }) = candidate.asked else { return Ok((found, Others::new())) };
        let own = ProjectArgs { name: found.args.name.clone(), ..self.search.named.clone() };
        let asked = self.compose.project_in(&directory, &own, &found.args, self.cancel).await;
        let unlike = |error: Error| {
            let command = format!("{} {}", self.search.command, options(&found.args.files));
            error.hint(format!("If {} is right, name it: {command}", file_list(&found.args)))
        };
        match asked {
            Ok(model) if same(&model, &found.model) => Ok((found, others)),
            Ok(_) => Err(unlike(Error::refused(format!(
                "In {} compose takes other files than {}, which were concluded from their names and from .env.",
                directory.display(),
                file_list(&found.args)
            )))),
            Err(error) if error.kind() == Kind::Cancelled => Err(error),
            Err(error) => Err(unlike(
                Error::refused(format!("Compose does not say which files it takes in {}.", directory.display()))
                    .because(anyhow::anyhow!("{}", error.causes().last().map_or(error.message(), String::as_str))),
            )),
        }
    }

    /// Looks at other files in the directory of a server that was found. Returns what its owner should know of them.
    async fn judge(&self, chosen: &Deployment, files: Vec<PathBuf>) -> Result<Option<String>> {
        let name = Some(chosen.project.name.clone());
        let args = ProjectArgs { files: files.clone(), name, ..self.search.named.clone() };
        let found = match self.load(Candidate { args, by: String::new(), asked: None }).await {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == Kind::Cancelled => return Err(error),
            Err(error) => return Ok(Some(rivals::not_accepted(&chosen.project.directory, &files, &error))),
        };
        let other = inspect::deployment(found, self.search, self.daemon).await?;
        let taken_by = format!("{} {}", self.compose.as_typed(), self.compose.version());
        match rivals::judge(chosen, &other, &taken_by, self.search.command) {
            // Some of the same files, which mean the same server.
            Judged::Note(_) if files.iter().all(|file| chosen.project.files.contains(file)) => Ok(None),
            Judged::Note(note) => Ok(Some(note)),
            Judged::Different(error) => Err(error),
        }
    }

    /// The refusal of several servers, with where their data are as far as that can be told.
    async fn several(&self, candidates: &[Candidate]) -> Error {
        let mut all = Vec::new();
        for candidate in candidates {
            let data = match self.load(candidate.clone()).await {
                Ok(Some(found)) => inspect::deployment(found, self.search, self.daemon).await.ok(),
                _ => None,
            };
            all.push((candidate.clone(), data.as_ref().and_then(data_of)));
        }
        several(&all, self.search.command)
    }

    /// The files that were named. Files that are gone are looked up in the journals: the home may be called
    /// otherwise by now.
    fn named(&self) -> Result<Option<Candidate>> {
        let named = &self.search.named;
        let Some(first) = named.files.first() else { return Ok(None) };
        match named.files.iter().find(|file| !file.is_file()) {
            None => {
                let by = "named with -f or COMPOSE_FILE".to_owned();
                Ok(Some(Candidate { args: named.clone(), by, asked: None }))
            }
            Some(_) if !self.search.journals.is_empty() => Ok(None),
            Some(gone) => {
                let base = first.parent().filter(|dir| dir.is_dir()).unwrap_or(Path::new("/"));
                Err(Error::refused(format!("The compose file {} does not exist.", gone.display())).hint(format!(
                    "`ls {}` shows what is there; without -f the running server is looked for.",
                    base.display()
                )))
            }
        }
    }

    /// A home that does not exist was mistyped, whatever else runs here.
    fn require_home(&self) -> Result<()> {
        match &self.search.home {
            Some(home) if !home.is_dir() => {
                Err(Error::refused(format!("There is no directory {}.", home.display())).hint(
                    "--home names the old server's root directory, such as /opt/trains; without it the server is looked for.",
                ))
            }
            _ => Ok(()),
        }
    }

    /// Projects that are known without looking for files: by their containers, else from journals. What containers say
    /// is newer than any journal, which is only asked for what has none.
    fn known(&self, looked_at: &mut LookedAt) -> Vec<Candidate> {
        let containers = self.by_containers(looked_at);
        let Some(journal) = self.search.journals.first() else { return containers };
        let of_same_name = containers.iter().find(|one| one.args.name == journal.name);
        let of_same_place = || containers.iter().find(|one| self.is_of(one, journal));
        if let Some(one) = of_same_name.or_else(of_same_place) {
            return vec![one.clone()];
        }
        let known = Candidate { args: journal.clone(), by: BY_JOURNAL.to_owned(), asked: None };
        match self.is_meant(journal) {
            true => vec![known],
            false => containers.into_iter().filter(|one| self.runs(one)).chain([known]).collect(),
        }
    }

    /// Whether a project that runs has its data or its file where the project of a journal has them.
    fn is_of(&self, candidate: &Candidate, journal: &ProjectArgs) -> bool {
        let containers = candidate.args.name.as_ref().and_then(|name| self.projects.get(name));
        let place = journal.project_directory();
        self.runs(candidate) && containers.zip(place).is_some_and(|(all, place)| has_something_in(all, place))
    }

    fn runs(&self, candidate: &Candidate) -> bool {
        let containers = candidate.args.name.as_ref().and_then(|name| self.projects.get(name));
        containers.is_some_and(|all| all.iter().any(|one| one.state.running))
    }

    /// Whether something that was typed, or where it was typed, says that a journal's project is the one.
    fn is_meant(&self, journal: &ProjectArgs) -> bool {
        let here = &self.search.current_directory;
        let inside = journal.project_directory().is_some_and(|directory| here.starts_with(directory));
        inside || self.search.home.is_some() || self.search.named != ProjectArgs::default()
    }

    /// Projects whose containers exist, running or not.
    fn by_containers(&self, looked_at: &mut LookedAt) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for (name, containers) in self.projects.iter().filter(|(_, containers)| is_server(containers)) {
            if self.search.named.name.as_ref().is_some_and(|wanted| wanted != name) {
                let place = format!("the project {name} runs a server, but is not the one named with -p");
                looked_at.places.push(place);
                continue;
            }
            if let Some(home) = self.search.home.as_ref().filter(|home| !has_something_in(containers, home)) {
                let place = format!("the project {name} runs a server, but has nothing in {}", home.display());
                looked_at.places.push(place);
                continue;
            }
            let runs = containers.iter().any(|container| container.state.running);
            let by = format!("{} as the compose project {name}", if runs { "runs" } else { "stopped, known" });
            match from_labels(name, containers) {
                Ok(args) => candidates.push(Candidate { args, by, asked: None }),
                Err(no_use) => {
                    looked_at.places.push(no_use.why);
                    looked_at.remedies.extend(no_use.remedy);
                }
            }
        }
        candidates
    }

    /// The current directory, then the usual ones; compose files of each.
    fn directories(&self, looked_at: &mut LookedAt) -> Result<[Vec<Candidate>; 2]> {
        let named = &self.search.named;
        let caller = self.caller();
        let current = named.directory.as_ref().unwrap_or(&self.search.current_directory);
        let (here, usual) = match &self.search.home {
            Some(home) => (None, vec![home.clone()]),
            None => (Some(caller.takes_at_or_above(current)?), self.search.well_known.clone()),
        };
        let here = here.and_then(|taken| self.candidate(taken, current, looked_at));
        let mut seen: BTreeSet<PathBuf> = here.iter().flat_map(|one| one.args.files.clone()).collect();
        let mut others = Vec::new();
        for directory in &usual {
            let one = self.candidate(caller.takes_in(directory)?, directory, looked_at);
            others.extend(one.filter(|one| one.args.files.iter().all(|file| seen.insert(file.clone()))));
        }
        Ok([here.into_iter().collect(), others])
    }

    fn caller(&self) -> Caller<'_> {
        let generation = self.compose.choice().generation;
        Caller { generation, env_files: &self.search.named.env_files, shell: &self.shell }
    }

    fn candidate(&self, taken: Option<DefaultFiles>, place: &Path, looked_at: &mut LookedAt) -> Option<Candidate> {
        let Some(DefaultFiles { files, env_files, said_by, others }) = taken else {
            looked_at.places.push(format!("{}: no compose file", place.display()));
            return None;
        };
        let mut args = ProjectArgs { files, ..self.search.named.clone() };
        args.env_files.extend(env_files);
        let by = match said_by {
            Some(file) => format!("named by COMPOSE_FILE in {}", file.display()),
            None => format!("found in {}", place.display()),
        };
        Some(Candidate { args, by, asked: Some(Asked { directory: place.to_owned(), others }) })
    }
}

/// Whether two readings are of the same project.
fn same(one: &model::Project, other: &model::Project) -> bool {
    one.services == other.services && one.volumes == other.volumes && one.networks == other.networks
}
