//! Which of the compose projects on this machine is the server: named, known from a journal, running, or lying around.

use super::candidates::{
    by_project, created_from, files_at_or_above, files_in, from_labels, has_something_in, is_server,
};
use super::{Deployment, Role, inspect};
use crate::compose::name::Generation;
use crate::compose::{model, roles};
use crate::docker::{ComposeCommand, Container, Daemon, ProjectArgs};
use crate::error::{Error, Kind, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// What is known ahead of the search. All paths are absolute.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// What was named: `-f`, `-p`, `--project-directory`, `--env-file`, or their variables (`COMPOSE_FILE`, …).
    pub named: ProjectArgs,
    /// Projects that journals of earlier runs tell of; asked when no named file exists.
    pub journals: Vec<ProjectArgs>,
    /// How the user calls this program, for what to type next.
    pub command: &'static str,
    /// `--home`.
    pub home: Option<PathBuf>,
    /// The directory that the command was called in.
    pub current_directory: PathBuf,
    /// Where servers are usually installed; [`Search::WELL_KNOWN`] but in tests.
    pub well_known: Vec<PathBuf>,
}

impl Search {
    /// Where the documentation of Trains and ClearML puts the server.
    pub const WELL_KNOWN: [&'static str; 2] = ["/opt/trains", "/opt/clearml"];
}

/// The project that was settled on, with everything the search has read of it.
pub(super) struct Found {
    pub(super) args: ProjectArgs,
    pub(super) model: model::Project,
    pub(super) roles: BTreeMap<String, Role>,
    pub(super) containers: Vec<Container>,
    pub(super) by: String,
    /// Which compose it was read with.
    pub(super) generation: Generation,
}

/// A place to look at: the arguments that mean a project, and how it came up.
#[derive(Clone)]
struct Candidate {
    args: ProjectArgs,
    by: String,
}

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
    let finder = Finder { search, compose, cancel, projects };
    let found = finder.find().await?;
    inspect::deployment(found, search, daemon).await
}

struct Finder<'a> {
    search: &'a Search,
    compose: &'a ComposeCommand,
    cancel: &'a CancellationToken,
    projects: BTreeMap<String, Vec<Container>>,
}

impl Finder<'_> {
    async fn find(&self) -> Result<Found> {
        self.require_home()?;
        if let Some(candidate) = self.named()? {
            return self.require(candidate).await;
        }
        let mut looked_at = Vec::new();
        for candidates in [self.journals(), self.by_containers(&mut looked_at)] {
            match candidates.as_slice() {
                [] => {}
                [only] => return self.require(only.clone()).await,
                many => return Err(several(many, self.search.command)),
            }
        }
        let mut unreadable = None;
        for candidates in self.directories(&mut looked_at) {
            let mut found = Vec::new();
            for candidate in candidates {
                let files = file_list(&candidate.args);
                match self.load(candidate).await {
                    Ok(Some(one)) => found.push(one),
                    Ok(None) => looked_at.push(format!("{files}: not of a Trains or ClearML server")),
                    Err(error) if error.kind() == Kind::Cancelled => return Err(error),
                    Err(error) => unreadable = unreadable.or(Some(error)),
                }
            }
            if found.len() > 1 {
                let all: Vec<Candidate> =
                    found.into_iter().map(|one| Candidate { args: one.args, by: one.by }).collect();
                return Err(several(&all, self.search.command));
            }
            if let Some(one) = found.pop() {
                return Ok(one);
            }
        }
        Err(unreadable.unwrap_or_else(|| none(&looked_at, self.search)))
    }

    /// The files that were named. Files that are gone are looked up in the journals: the home may be called
    /// otherwise by now.
    fn named(&self) -> Result<Option<Candidate>> {
        let named = &self.search.named;
        let Some(first) = named.files.first() else { return Ok(None) };
        match named.files.iter().find(|file| !file.is_file()) {
            None => Ok(Some(Candidate { args: named.clone(), by: "named with -f or COMPOSE_FILE".to_owned() })),
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

    fn journals(&self) -> Vec<Candidate> {
        let by = "known from the journal of an earlier run".to_owned();
        self.search.journals.iter().map(|args| Candidate { args: args.clone(), by: by.clone() }).collect()
    }

    /// Projects whose containers exist, running or not.
    fn by_containers(&self, looked_at: &mut Vec<String>) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for (name, containers) in self.projects.iter().filter(|(_, containers)| is_server(containers)) {
            if self.search.named.name.as_ref().is_some_and(|wanted| wanted != name) {
                looked_at.push(format!("the project {name} runs a server, but is not the one named with -p"));
                continue;
            }
            if let Some(home) = self.search.home.as_ref().filter(|home| !has_something_in(containers, home)) {
                looked_at.push(format!("the project {name} runs a server, but has nothing in {}", home.display()));
                continue;
            }
            let runs = containers.iter().any(|container| container.state.running);
            let by = format!("{} as the compose project {name}", if runs { "runs" } else { "stopped, known" });
            match from_labels(name, containers) {
                Ok(args) => candidates.push(Candidate { args, by }),
                Err(why) => looked_at.push(why),
            }
        }
        candidates
    }

    /// The current directory, then the usual ones; compose files of each.
    fn directories(&self, looked_at: &mut Vec<String>) -> [Vec<Candidate>; 2] {
        let named = &self.search.named;
        let current = named.directory.as_ref().unwrap_or(&self.search.current_directory);
        let mut candidate = |files: Option<Vec<PathBuf>>, place: &Path| match files {
            Some(files) => Some(Candidate {
                args: ProjectArgs { files, ..named.clone() },
                by: format!("found in {}", place.display()),
            }),
            None => {
                looked_at.push(format!("{}: no compose file", place.display()));
                None
            }
        };
        let (here, usual) = match &self.search.home {
            Some(home) => (None, vec![home.clone()]),
            None => (candidate(files_at_or_above(current), current), self.search.well_known.clone()),
        };
        let mut seen: BTreeSet<PathBuf> = here.iter().flat_map(|one| one.args.files.clone()).collect();
        let usual = usual
            .iter()
            .filter_map(|directory| candidate(files_in(directory), directory))
            .filter(|one| one.args.files.iter().all(|file| seen.insert(file.clone())))
            .collect();
        [here.into_iter().collect(), usual]
    }

    /// Reads a project that is the only one in question.
    async fn require(&self, candidate: Candidate) -> Result<Found> {
        let files = file_list(&candidate.args);
        self.load(candidate).await?.ok_or_else(|| {
            Error::refused(format!("{files} describes no Trains or ClearML server: it has no service of one."))
                .hint("Name the server's own compose file with -f.")
        })
    }

    /// Reads a project. Returns `None` when it is not a server's.
    async fn load(&self, candidate: Candidate) -> Result<Option<Found>> {
        let Candidate { mut args, by } = candidate;
        let mut model = self.model(&args).await?;
        let roles = roles::assign(&model)?;
        let has = |role: Role| roles.values().any(|held| *held == role);
        let of_a_server = [Role::Apiserver, Role::Webserver, Role::Fileserver].into_iter().any(has);
        if !(of_a_server || has(Role::Elasticsearch) && has(Role::Mongo)) {
            return Ok(None);
        }
        if !has(Role::Elasticsearch) {
            let files = file_list(&args);
            return Err(Error::refused(format!(
                "{files} has no Elasticsearch service, so there are no metrics to migrate."
            ))
            .hint("If it is in another file of the same project, name both: -f FILE -f OTHER.")
            .hint("An Elasticsearch that runs elsewhere cannot be migrated from here."));
        }
        if args.name.is_none() {
            let fixed: Vec<&str> = model.services.values().filter_map(|one| one.container_name.as_deref()).collect();
            match created_from(&self.projects, &args.files, &fixed).as_slice() {
                [] => args.name = model.name.clone(),
                [name] => args.name = Some((*name).to_owned()),
                names => {
                    let files = file_list(&args);
                    return Err(Error::refused(format!(
                        "Several compose projects were made from {files}: {}.",
                        names.join(", ")
                    ))
                    .hint("Say which one is the server's: -p NAME"));
                }
            }
            if args.name != model.name {
                // Names of volumes and networks follow the project's.
                model = self.model(&args).await?;
            }
        }
        self.compose.require_daemon(&args, self.cancel).await?;
        let containers = args.name.as_ref().and_then(|name| self.projects.get(name)).cloned().unwrap_or_default();
        let generation = self.compose.choice().generation;
        Ok(Some(Found { args, model, roles, containers, by, generation }))
    }

    async fn model(&self, args: &ProjectArgs) -> Result<model::Project> {
        self.compose.project(args, self.cancel).await
    }
}

fn file_list(args: &ProjectArgs) -> String {
    args.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn several(candidates: &[Candidate], command: &str) -> Error {
    let list: Vec<String> = candidates.iter().map(|one| format!("{} ({})", file_list(&one.args), one.by)).collect();
    let error = Error::refused(format!("{} servers were found; which one is meant?", candidates.len()))
        .because(anyhow::anyhow!(list.join("\n")));
    candidates.iter().fold(error, |error, one| {
        let files: Vec<String> = one.args.files.iter().map(|file| format!("-f {}", file.display())).collect();
        let name = one.args.name.as_ref().map(|name| format!(" -p {name}")).unwrap_or_default();
        error.hint(format!("{command} {}{name}", files.join(" ")))
    })
}

fn none(looked_at: &[String], search: &Search) -> Error {
    let mut error = Error::refused("No Trains or ClearML server was found on this machine.");
    if search.named.name.is_some() {
        error = error.hint("Leave out -p, or give the name that the server's project has in: docker compose ls -a");
    }
    let error = error
        .hint(format!("Name its compose file: {} -f /path/to/docker-compose.yml", search.command))
        .hint("A server that was started with `docker run` has no compose file: write one for it first, with the same mounts.");
    match looked_at.is_empty() {
        true => error.because(anyhow::anyhow!("no compose project of this docker runs one")),
        false => error.because(anyhow::anyhow!("{}", looked_at.join("\n"))),
    }
}
