//! Which migration is meant by what was typed, or by where it was typed.

use super::existing_run::{ExistingRun, open};
use super::session::{session_at, settled};
use crate::deployment::{Search, any_files_in};
use crate::error::{Error, Result};
use crate::files::{self, problem::problem};
use crate::journal::{Journal, Phase, RegistryEntry, RunRegistry, Scope};
use crate::plan::journal_file;
use crate::settings::Session;
use crate::text::quote;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Returns the migration that is meant, of a scope if one is given: by any old or new path that was named, else that of
/// the current directory, else the only one there is.
///
/// # Errors
/// Refused when several are possible; failed when a journal cannot be read.
pub(super) fn find_run(session: &Session, scope: Option<Scope>) -> Result<Option<ExistingRun>> {
    let registry = RunRegistry::new(session.state_dir.clone());
    let mut named: Vec<PathBuf> = session.compose.files.clone();
    named.extend(session.home.clone());
    named.extend(session.compose.project_directory.clone());
    named.extend(session.source.iter().flat_map(|source| [source.clone(), settled(source)]));
    let project = session.compose.project_name.as_deref();
    let entry = match (named.is_empty(), project) {
        (true, Some(name)) => only_one(of_project(registry.all()?, name)?, scope, session)?,
        (true, None) => only_one(registry.all()?, scope, session)?,
        (false, _) => registry.find(&named, scope)?,
    };
    let existing = match entry.map(open).transpose()?.flatten() {
        Some(existing) => Some(existing),
        None => not_registered(session, scope, &named)?,
    };
    match (existing, project) {
        (Some(existing), Some(name)) if !is_of_project(&existing, name) => {
            another_project(existing, name, &named, session)
        }
        (existing, _) => Ok(existing),
    }
}

/// Returns the migrations of a compose project, by its name before or after.
fn of_project(entries: Vec<RegistryEntry>, name: &str) -> Result<Vec<RegistryEntry>> {
    let mut matching = Vec::new();
    for entry in entries.into_iter().filter(|entry| entry.scope == Scope::Server) {
        if open(entry.clone())?.is_some_and(|existing| is_of_project(&existing, name)) {
            matching.push(entry);
        }
    }
    Ok(matching)
}

fn is_of_project(existing: &ExistingRun, name: &str) -> bool {
    let Some(server) = existing.plan.server() else { return false };
    // Compose v1 makes a name of what was typed by leaving out what no name can hold.
    let plain = |name: &str| -> String {
        name.chars().filter(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).collect::<String>().to_lowercase()
    };
    [&server.deployment.project.name, &server.new_project.name]
        .into_iter()
        .any(|existing| plain(existing) == plain(name))
}

/// The same files under another project name would be another server, with other containers and volumes.
fn another_project(
    existing: ExistingRun,
    name: &str,
    named: &[PathBuf],
    session: &Session,
) -> Result<Option<ExistingRun>> {
    let Some(server) = existing.plan.server() else { return Ok(Some(existing)) };
    if named.is_empty() {
        return Ok(None);
    }
    if existing.state.phase == Phase::RolledBack {
        return Ok(Some(existing));
    }
    let begun = &server.deployment.project.name;
    let home = existing.home_now();
    let same = session_at(session, &home);
    Err(Error::refused(format!(
        "The migration of {} was begun with the project name {begun}, not {name}.",
        home.display()
    ))
    .hint(format!("If it is meant, leave out -p, and unset COMPOSE_PROJECT_NAME: {}", same.command("status"))))
}

/// The journal lies in the home. Where the registry does not know it, since it is another user's or was lost, it is found
/// all the same.
fn not_registered(session: &Session, scope: Option<Scope>, named: &[PathBuf]) -> Result<Option<ExistingRun>> {
    if let (Some(source), None | Some(Scope::Elastic)) = (&session.source, scope) {
        return match journal_of_data(&settled(source)) {
            Some(journal) if is_there(&journal)? => open_unknown(Scope::Elastic, source, journal),
            _ => Ok(None),
        };
    }
    if scope == Some(Scope::Elastic) {
        return Ok(None);
    }
    let parents = named.iter().filter_map(|path| path.parent().map(Path::to_owned));
    let mut homes: Vec<PathBuf> = named.iter().cloned().chain(parents).collect();
    if named.is_empty() {
        homes.push(session.current_dir.clone());
        homes.extend(Search::WELL_KNOWN.map(PathBuf::from));
    }
    for home in homes {
        let journal = journal_of(&home);
        if is_there(&journal)? {
            return open_unknown(Scope::Server, &home, journal);
        }
    }
    Ok(None)
}

/// Returns whether there is a journal.
///
/// # Errors
/// Refused where this user may not look: "none" would be the wrong answer.
fn is_there(journal: &Path) -> Result<bool> {
    match std::fs::metadata(journal) {
        Err(cause) if cause.kind() == ErrorKind::PermissionDenied => {
            let dir = journal.parent().unwrap_or(journal);
            Err(Error::refused(format!("{} cannot be looked into by this user.", dir.display())).because(cause).hint(
                "A migration was begun here by another user, most likely by root: run the same command with sudo.",
            ))
        }
        Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        Err(cause) => Err(problem("look at", journal, cause)),
        Ok(meta) => Ok(meta.is_file()),
    }
}

fn open_unknown(scope: Scope, now: &Path, journal: PathBuf) -> Result<Option<ExistingRun>> {
    let opened = Journal::peek(&journal)?.opened;
    let mut entry = RegistryEntry::new(opened.run_id, scope, opened.created, opened.home, now.to_owned());
    entry.journals = vec![journal];
    open(entry)
}

fn journal_of_data(source: &Path) -> Option<PathBuf> {
    Some(journal_file(source.parent()?, Some(source.file_name()?)))
}

fn journal_of(home: &Path) -> PathBuf {
    journal_file(home, None)
}

fn only_one(entries: Vec<RegistryEntry>, scope: Option<Scope>, session: &Session) -> Result<Option<RegistryEntry>> {
    let mut newest: Vec<RegistryEntry> = Vec::new();
    for entry in entries.into_iter().filter(|entry| scope.is_none_or(|scope| entry.scope == scope)) {
        // The list is newest first; an older run of the same deployment is history.
        if !newest.iter().any(|existing| existing.key == entry.key) && entry.journal().is_some() {
            newest.push(entry);
        }
    }
    let current = [session.current_dir.clone(), files::canonical(&session.current_dir).unwrap_or_default()];
    let here = |entry: &&RegistryEntry| current.iter().any(|dir| entry.paths.contains(dir));
    if let Some(entry) = newest.iter().find(here) {
        return Ok(Some(entry.clone()));
    }
    if let (Some(file), Some(first)) = (other_server_here(session, &newest)?, newest.first()) {
        let home = first.old_home.display();
        return Err(Error::refused(format!(
            "A migration was begun of {home}, and this directory holds the compose file of another server."
        ))
        .hint(format!("Say which one is meant: {} {home}, or -f {}", named_by(first.scope), quote(&file))));
    }
    match newest.as_slice() {
        [] | [_] => Ok(newest.pop()),
        [first, ..] => {
            let homes: Vec<String> = newest.iter().map(|entry| entry.old_home.display().to_string()).collect();
            let option = named_by(first.scope);
            Err(Error::refused(format!("Several migrations were begun on this machine: {}.", homes.join(", ")))
                .hint(format!("Say which one is meant: {option} {}", first.old_home.display())))
        }
    }
}

/// Returns the option that names a migration.
fn named_by(scope: Scope) -> &'static str {
    match scope {
        Scope::Server => "--home",
        Scope::Elastic => "--source",
    }
}

/// Returns the compose file in the current directory if it is a server's, and of none of these migrations.
///
/// # Errors
/// Fails when the `.env` there cannot be read.
fn other_server_here(session: &Session, existing: &[RegistryEntry]) -> Result<Option<String>> {
    let files = any_files_in(&session.current_dir)?;
    let is_known = |file: &PathBuf| existing.iter().any(|entry| entry.paths.contains(file));
    if existing.iter().all(|entry| entry.scope == Scope::Elastic) || files.iter().any(is_known) {
        return Ok(None);
    }
    let of_server = |file: &&PathBuf| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        ["allegroai/trains", "allegroai/clearml", "clearml/server"].iter().any(|image| text.contains(image))
    };
    Ok(files.iter().find(of_server).map(|file| file.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::session::typed_in;
    use crate::journal::{Opened, Record};
    use crate::plan::sample;
    use std::fs;

    /// A machine with servers that were begun to be migrated, each in a directory of its own.
    struct Servers {
        dir: tempfile::TempDir,
    }

    impl Servers {
        fn new(projects: &[&str]) -> Self {
            let servers = Self { dir: tempfile::tempdir().unwrap() };
            fs::create_dir(servers.path("elsewhere")).unwrap();
            projects.iter().for_each(|project| servers.begin(project));
            servers
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().canonicalize().unwrap().join(name)
        }

        fn begin(&self, project: &str) {
            let home = self.path(project);
            let journal = journal_of(&home);
            fs::create_dir_all(journal.parent().unwrap()).unwrap();
            let mut plan = sample::plan();
            plan.home.from.clone_from(&home);
            if let crate::plan::Migrated::Server(server) = &mut plan.migrated {
                server.deployment.project.name = project.into();
                server.new_project.name = format!("{project}-new");
            }
            let opened = Opened { run_id: project.into(), home: home.clone(), ..crate::journal::sample::opened() };
            let planned =
                Record::Planned { plan: serde_json::to_value(&plan).unwrap(), fingerprints: Default::default() };
            Journal::create(&journal, opened).unwrap().append(planned).unwrap();
            let mut entry = RegistryEntry::new(
                project.into(),
                Scope::Server,
                jiff::Timestamp::UNIX_EPOCH,
                home.clone(),
                home.clone(),
            );
            entry.journals = vec![journal];
            entry.paths.insert(home.join("docker-compose.yml"));
            RunRegistry::new(self.path("state")).put(&entry).unwrap();
        }

        /// Returns what is meant by what was typed in the directory `current`: the project, nothing, or the refusal.
        fn meant(&self, current: &str, change: impl FnOnce(&mut Session)) -> String {
            let mut session = typed_in(self.path(current), self.path("state"));
            change(&mut session);
            match find_run(&session, Some(Scope::Server)) {
                Ok(Some(existing)) => existing.plan.server().unwrap().deployment.project.name.clone(),
                Ok(None) => "nothing".to_owned(),
                Err(error) => format!("{} {}", error.message(), error.hints().join(" ")),
            }
        }
    }

    fn project(name: &str) -> impl FnOnce(&mut Session) {
        let name = name.to_owned();
        move |session: &mut Session| session.compose.project_name = Some(name)
    }

    #[test]
    fn the_only_migration_is_meant_wherever_it_was_typed() {
        let servers = Servers::new(&["trains"]);
        assert_eq!(servers.meant("elsewhere", |_| {}), "trains");
        assert_eq!(servers.meant("trains", |_| {}), "trains");
        fs::write(servers.path("elsewhere/docker-compose.yml"), "services: {web: {image: nginx}}").unwrap();
        assert_eq!(servers.meant("elsewhere", |_| {}), "trains", "no server");
    }

    #[test]
    fn a_project_name_is_not_passed_over() {
        let servers = Servers::new(&["trains", "lab"]);
        assert_eq!(servers.meant("elsewhere", project("lab")), "lab");
        assert_eq!(servers.meant("trains", project("lab")), "lab");
        assert_eq!(servers.meant("elsewhere", project("trains-new")), "trains", "as it is called afterwards");
        assert_eq!(servers.meant("elsewhere", project("Lab")), "lab", "as compose v1 reads it");
        assert_eq!(servers.meant("trains", project("other")), "nothing");
        let both = servers.meant("elsewhere", |session| {
            session.compose.project_name = Some("other".into());
            session.compose.files = vec![servers.path("lab/docker-compose.yml")];
        });
        assert!(
            both.contains("was begun with the project name lab, not other. If it is meant, leave out -p"),
            "{both}"
        );
    }

    #[test]
    fn in_the_directory_of_another_server_it_is_not_the_only_one() {
        let servers = Servers::new(&["trains"]);
        let file = servers.path("elsewhere/docker-compose.yml");
        fs::write(&file, "services: {apiserver: {image: allegroai/trains:latest}}").unwrap();
        let refused = servers.meant("elsewhere", |_| {});
        assert!(refused.contains("this directory holds the compose file of another server"), "{refused}");
        assert!(refused.contains(&format!("-f {}", file.display())), "{refused}");
        let named = servers.meant("elsewhere", |session| session.compose.files = vec![file.clone()]);
        assert_eq!(named, "nothing");
    }

    #[test]
    fn of_several_migrations_none_is_guessed() {
        let servers = Servers::new(&["trains", "lab"]);
        assert_eq!(servers.meant("lab", |_| {}), "lab");
        let refused = servers.meant("elsewhere", |_| {});
        assert!(refused.contains("Several migrations were begun on this machine"), "{refused}");
    }
}
