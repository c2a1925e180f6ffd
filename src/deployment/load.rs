//! Reads a project that may be the server's, with the compose that will take it down.

use super::candidates::{created_from, is_server};
use super::find::Finder;
use super::renamed;
use super::search::{Candidate, Found, file_list};
use crate::compose::{model, roles};
use crate::docker::ProjectArgs;
use crate::error::{Error, Result};
use crate::role::Role;

impl Finder<'_> {
    /// Reads a project that is the only one in question.
    pub(super) async fn require(&self, candidate: Candidate) -> Result<Found> {
        let files = file_list(&candidate.args);
        self.load(candidate).await?.ok_or_else(|| {
            Error::refused(format!("{files} describes no Trains or ClearML server: it has no service of one."))
                .hint("Name the server's own compose file with -f.")
        })
    }

    /// Reads a project. Returns `None` when it is not a server's.
    pub(super) async fn load(&self, candidate: Candidate) -> Result<Option<Found>> {
        let Candidate { mut args, by, .. } = candidate;
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
        self.require_its_name(&args)?;
        self.compose.require_daemon(&args, self.cancel).await?;
        let containers = args.name.as_ref().and_then(|name| self.projects.get(name)).cloned().unwrap_or_default();
        let generation = self.compose.choice().generation;
        Ok(Some(Found { args, model, roles, containers, by, generation }))
    }

    /// Refuses a directory that was called otherwise when the containers of its server were made.
    fn require_its_name(&self, args: &ProjectArgs) -> Result<()> {
        let Some(directory) = args.project_directory() else { return Ok(()) };
        let servers = self.projects.iter().filter(|(_, containers)| is_server(containers));
        let mut renamed = servers.filter_map(|(name, all)| renamed::refusal(name, all, directory, &args.files));
        renamed.next().map_or(Ok(()), Err)
    }

    async fn model(&self, args: &ProjectArgs) -> Result<model::Project> {
        self.compose.project(args, self.cancel).await
    }
}
