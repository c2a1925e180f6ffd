//! Rewrites the user's own compose files for a release, and gives the result away only when it is proven.
//!
//! The proof: the new text, read by a parser that had no part in the editing, is exactly the old model with exactly the
//! decided changes; and rewriting the result again would change nothing. Whatever fails that is refused, with the file,
//! the line and what to do by hand.

use super::change::{self, Change, Path as Place};
use super::locate::Document;
use super::rules::{self, Problem};
use super::{diff, dotenv, interpolate, splice};
use crate::release::Release;
use crate::role::Role;
use crate::{Error, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const MARK: char = '\u{feff}';

/// A compose file as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it is, absolute.
    pub path: PathBuf,
    /// All of its text.
    pub text: String,
}

/// What the rewritten files are for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The release to come.
    pub release: &'static Release,
    /// The project directory before the migration, absolute: relative paths in the files begin here.
    pub project_directory: PathBuf,
    /// Host directories (or files) that a mount names, with the ones that take their place: exact paths, absolute.
    pub paths: Vec<(PathBuf, PathBuf)>,
    /// Directories that a service gets mounted where it had nothing that lasts: service, absolute path on the host after
    /// the migration, absolute path in the container.
    pub mounts: Vec<(String, PathBuf, String)>,
    /// The old and new root directory, if it moves. Every other host path at or below the old one follows.
    pub home: Option<(PathBuf, PathBuf)>,
    /// Keys of named volumes with the keys of new ones that take their place, and are added to `volumes:`.
    pub volumes: Vec<(String, String)>,
    /// Keys of named volumes that stay, with docker's names of them: written down as `name:`, so that the project's
    /// name may change.
    pub pinned_volumes: Vec<(String, String)>,
    /// The variables that compose fills in.
    pub variables: Variables,
    /// The server lets in only the users that its configuration names.
    pub fixed_users: bool,
    /// Where Redis keeps its data if the server has none yet: absolute path on the host after the migration.
    pub redis: PathBuf,
    /// Something besides these files tells the API server where Redis is: its resolved environment, or its configuration.
    pub redis_told: bool,
    /// Names of containers that files other than these refer to, each with such a place, in words.
    pub mentions: BTreeMap<String, String>,
}

/// Variables as compose sees them: shell and environment file together, the shell winning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    /// With the environment file as it is.
    pub before: BTreeMap<String, String>,
    /// With the environment file as it will be.
    pub after: BTreeMap<String, String>,
    /// Names that are not changed: those that come from the user's shell, which we do not edit.
    pub kept: BTreeSet<String>,
}

/// All files after the rewriting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// In the order in which they were given.
    pub files: Vec<RewrittenFile>,
    /// What the user should know: sentences.
    pub notes: Vec<String>,
    /// Names of services that none of the files had before.
    pub added: Vec<String>,
}

/// One file, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewrittenFile {
    /// Where the file is before the migration.
    pub path: PathBuf,
    /// Its text as it was.
    pub old: String,
    /// Its text for the release.
    pub new: String,
}

impl Variables {
    /// Returns the names that keep their form: what the user's shell sets under its old name only.
    ///
    /// We cannot edit a shell. Whatever is kept is kept in the environment file too (see [`dotenv::Request`]).
    pub fn kept_by(shell: &BTreeMap<String, String>) -> BTreeSet<String> {
        let only_old = |name: &&String| {
            name.strip_prefix("TRAINS_").is_some_and(|rest| !shell.contains_key(&format!("CLEARML_{rest}")))
        };
        shell.keys().filter(only_old).cloned().collect()
    }

    /// Returns the variables as compose sees them with an environment file before and after it is rewritten.
    pub fn new(shell: &BTreeMap<String, String>, env_file_before: &str, env_file_after: &str) -> Self {
        let seen = |text: &str| {
            let mut all = dotenv::values(text, shell);
            all.extend(shell.clone());
            all
        };
        Self { before: seen(env_file_before), after: seen(env_file_after), kept: Self::kept_by(shell) }
    }

    /// Returns the name that a variable has from now on, if it changes.
    pub fn new_name(&self, name: &str) -> Option<String> {
        let rest = name.strip_prefix("TRAINS_").filter(|_| !self.is_kept(name))?;
        Some(format!("CLEARML_{rest}"))
    }

    /// Whether a variable keeps its name.
    pub fn is_kept(&self, name: &str) -> bool {
        self.kept.contains(name)
    }
}

impl RewrittenFile {
    /// Returns whether the text differs at all.
    pub fn is_changed(&self) -> bool {
        self.old != self.new
    }

    /// Returns a unified diff; `new_path` is where the file will be.
    pub fn diff(&self, new_path: &Path) -> String {
        diff::unified(&self.path, &self.old, new_path, &self.new)
    }
}

/// Rewrites the files of a project for a release.
///
/// `roles` are those of all services (see [`super::roles::assign`]). Nothing is written to disk.
///
/// # Errors
/// A refusal that names file, line and remedy: for what is not YAML, what no rule can carry over, and every edit whose
/// result is not exactly the wanted one.
pub fn rewrite(files: &[SourceFile], roles: &BTreeMap<String, Role>, request: &Request) -> Result<Rewritten> {
    let Pass { texts, notes, added } = pass(files, roles, request)?;
    let again: Vec<SourceFile> = files
        .iter()
        .zip(&texts)
        .map(|(file, text)| SourceFile { path: file.path.clone(), text: text.clone() })
        .collect();
    let second = pass(&again, roles, &request.after())?.texts;
    if let Some((file, _)) =
        files.iter().zip(second.iter().zip(&texts)).find_map(|(file, (a, b))| (a != b).then_some((file, a)))
    {
        return Err(Error::internal(format!("The rewriting of {} does not come to an end.", file.path.display())));
    }
    let files = files.iter().zip(texts).map(|(file, new)| RewrittenFile {
        path: file.path.clone(),
        old: file.text.clone(),
        new,
    });
    Ok(Rewritten { files: files.collect(), notes, added })
}

/// Returns the names of all variables that a compose file takes from the shell or the environment file.
///
/// Counts those in values (`${NAME}`) and environment entries without a value.
///
/// # Errors
/// If the text is not YAML.
pub fn interpolations(text: &str) -> Result<BTreeSet<String>> {
    let model: Value = serde_saphyr::from_str(text.trim_start_matches(MARK))
        .map_err(|cause| Error::refused("The compose file is not valid YAML.").because(cause))?;
    let mut names = BTreeSet::new();
    collect_variables(&model, &mut names);
    if let Ok(project) = super::model::Project::from_value(&model) {
        let variables = project.services.into_values().flat_map(|service| service.environment);
        names.extend(variables.filter(|(_, value)| value.is_none()).map(|(name, _)| name));
    }
    Ok(names)
}

/// Returns the services that take variables from files (`env_file`), each with the path of one, as a compose file writes it.
/// None of a text that is not YAML.
pub fn env_file_paths(text: &str) -> Vec<(String, String)> {
    let model: Value = serde_saphyr::from_str(text.trim_start_matches(MARK)).unwrap_or_default();
    let services = model.get("services").and_then(Value::as_object).into_iter().flatten();
    let listed = services.filter_map(|(name, service)| Some((name, service.get("env_file")?)));
    let items = listed.flat_map(|(name, value)| {
        let items = match value {
            Value::Array(items) => items.iter().collect(),
            one => vec![one],
        };
        items.into_iter().map(move |item| (name, item))
    });
    items
        .filter_map(|(name, item)| Some((name.clone(), item.get("path").unwrap_or(item).as_str()?.to_owned())))
        .collect()
}

impl Request {
    /// Returns the request as it is for files that are already rewritten.
    fn after(&self) -> Self {
        let variables = Variables { before: self.variables.after.clone(), ..self.variables.clone() };
        Self { project_directory: self.moved(&self.project_directory), variables, ..self.clone() }
    }
}

fn collect_variables(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => names.extend(interpolate::variables(text)),
        Value::Array(items) => items.iter().for_each(|item| collect_variables(item, names)),
        Value::Object(map) => map.values().for_each(|value| collect_variables(value, names)),
        _ => {}
    }
}

/// What one rewriting comes to.
struct Pass {
    texts: Vec<String>,
    notes: Vec<String>,
    added: Vec<String>,
}

/// Rewrites all files once; every result is checked against its model.
fn pass(files: &[SourceFile], roles: &BTreeMap<String, Role>, request: &Request) -> Result<Pass> {
    let mut models = Vec::with_capacity(files.len());
    for file in files {
        models.push(read(&file.path, body(&file.text))?);
    }
    let stack = request.release.stack()?;
    let decision = rules::decide(models.clone(), roles, request, &stack).map_err(|problem| refused(files, &problem))?;
    let mut texts = Vec::with_capacity(files.len());
    for ((file, model), changes) in files.iter().zip(models).zip(&decision.changes) {
        let old = body(&file.text);
        let new = edit(&file.path, old, model, changes)?;
        texts.push(format!("{}{new}", if old.len() < file.text.len() { MARK.to_string() } else { String::new() }));
    }
    Ok(Pass { texts, notes: decision.notes, added: decision.added })
}

/// Edits one text and proves the result.
fn edit(path: &Path, old: &str, model: Value, changes: &[Change]) -> Result<String> {
    if changes.is_empty() {
        return Ok(old.to_owned());
    }
    let document = parse(path, old)?;
    let new = splice::apply(&document, changes).map_err(|refusal| {
        let line = document.line_of(refusal.change.at());
        by_hand(format!("{}, line {line}, cannot be edited: {}.", path.display(), refusal.reason), refusal.change)
    })?;
    let mut wanted = model;
    change::apply(&mut wanted, changes).map_err(|change| {
        let line = document.line_of(change.at());
        by_hand(format!("{}, line {line}, does not hold what was expected.", path.display()), change)
    })?;
    let found = read(path, &new).map_err(|cause| {
        Error::internal(format!("Editing {} would have broken it, so nothing was done.", path.display())).because(cause)
    })?;
    match change::difference(&wanted, &found) {
        None => Ok(new),
        Some(place) => Err(unwanted(path, &document, &place, changes)),
    }
}

/// An edit that reached further than it should: nearly always a value that is shared through an anchor.
fn unwanted(path: &Path, document: &Document<'_>, place: &Place, changes: &[Change]) -> Error {
    let list = listed(changes.iter().map(|change| format!("line {}: {change}", document.line_of(change.at()))));
    Error::refused(format!(
        "{}, line {}: {place} shares its text with another place that must stay as it is.",
        path.display(),
        document.line_of(place)
    ))
    .hint("Write the shared values (anchors, `<<`) out for each service, and start again.")
    .hint(format!("Or make these changes by hand: {list}."))
}

/// Joins changes; of very many only the first, with how many more there are.
fn listed(changes: impl ExactSizeIterator<Item = String>) -> String {
    const SHOWN: usize = 40;
    let more = changes.len().saturating_sub(SHOWN);
    let mut text = changes.take(SHOWN).collect::<Vec<_>>().join("; ");
    if more > 0 {
        text.push_str(&format!("; and {more} more, which are told when these are made"));
    }
    text
}

fn by_hand(message: String, change: &Change) -> Error {
    Error::refused(message).hint(format!("Make this change by hand and start again: {change}."))
}

fn refused(files: &[SourceFile], problem: &Problem) -> Error {
    let file = files.get(problem.file);
    let place = file.map(|file| {
        let line = Document::parse(body(&file.text)).map(|document| document.line_of(&problem.at)).unwrap_or(1);
        format!("{}, line {line}", file.path.display())
    });
    Error::refused(format!("{}: {}.", place.unwrap_or_default(), problem.message)).hint(problem.hint.clone())
}

fn body(text: &str) -> &str {
    text.strip_prefix(MARK).unwrap_or(text)
}

/// Reads a model without its `x-…` sections: compose reads those only where an alias puts them into a service, and there
/// they are part of the model anyway.
fn read(path: &Path, text: &str) -> Result<Value> {
    let mut model: Value = serde_saphyr::from_str(text).map_err(|cause| {
        Error::refused(format!("{} is not valid YAML.", path.display()))
            .because(cause)
            .hint("Check it with `docker compose -f FILE config`.")
    })?;
    if let Some(map) = model.as_object_mut() {
        map.retain(|key, _| !key.starts_with("x-"));
        return Ok(model);
    }
    Err(Error::refused(format!("{} is not a compose file: its root is not a mapping.", path.display()))
        .hint("Pass the compose files of the server with -f."))
}

fn parse<'a>(path: &Path, text: &'a str) -> Result<Document<'a>> {
    Document::parse(text).map_err(|reason| {
        Error::refused(format!("{} cannot be edited: {reason}.", path.display()))
            .hint("Simplify that part of the file and start again; `docker compose -f FILE config` shows how compose reads it.")
    })
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
