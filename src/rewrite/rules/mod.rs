//! What changes in a compose file of Trains 0.12 to 0.16 (and ClearML 0.17 to 1.1) when the server becomes a release.
//!
//! Each module is one subject; [`decide`] runs them in an order in which a later one sees what an earlier one drafted.
//! Every rule leaves alone what is already as the release wants it, so that a rewritten file is never rewritten again.
//! Source of all names: upstream's compose files at the tags 0.11.0 to 1.1.1.

mod advice;
mod agent;
mod draft;
mod elasticsearch;
mod environment;
mod images;
mod mounts;
mod names;
mod networks;
mod redis;
mod references;
mod settings;
mod variables;

use super::request::Request;
use crate::compose::change::{Change, Path};
use crate::compose::model::Project;
use crate::role::Role;
use draft::Draft;
pub(crate) use environment::has_our_variables;
pub(super) use environment::place_of;
pub(crate) use redis::tells_of_redis;
pub(crate) use references::hosts;
use serde_json::Value;
use std::collections::BTreeMap;
pub(super) use variables::names_path;

/// Why a file cannot be rewritten, and where.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) file: usize,
    pub(super) at: Path,
    pub(super) message: String,
    pub(super) hint: String,
}

/// What was decided: the changes per file, in the files' order, and what the user should know.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) changes: Vec<Vec<Change>>,
    pub(super) notes: Vec<String>,
    /// Names of services that none of the files had.
    pub(super) added: Vec<String>,
}

/// What all rules work with.
pub(super) struct Rules<'a> {
    roles: &'a BTreeMap<String, Role>,
    request: &'a Request,
    /// The release's own services.
    stack: &'a Project,
    files: Vec<Draft>,
    notes: Vec<String>,
    added: Vec<String>,
}

/// Where a service is written: a file and the service's place in it.
#[derive(Debug, Clone)]
struct Part {
    file: usize,
    at: Path,
}

/// Decides what changes in the files, whose models are given in their order.
///
/// # Errors
/// What cannot be carried over by rule and is the user's to decide.
pub(super) fn decide(
    models: Vec<Value>,
    roles: &BTreeMap<String, Role>,
    request: &Request,
    stack: &Project,
) -> Result<Decision, Problem> {
    let files = models.into_iter().map(Draft::new).collect();
    let mut rules = Rules { roles, request, stack, files, notes: Vec::new(), added: Vec::new() };
    rules.refuse_references_to_other_files()?;
    rules.images()?;
    rules.container_names();
    rules.environments();
    rules.redis()?;
    rules.elasticsearch()?;
    rules.mounts();
    rules.volumes();
    rules.networks();
    rules.names()?;
    rules.variables();
    rules.advice();
    rules.agents();
    let changes = rules.files.into_iter().map(Draft::into_changes).collect();
    Ok(Decision { changes, notes: rules.notes, added: rules.added })
}

impl Rules<'_> {
    /// Other files that compose would read are not among those that we edit, so their values would stay old.
    fn refuse_references_to_other_files(&self) -> Result<(), Problem> {
        for (file, draft) in self.files.iter().enumerate() {
            let problem = |at: Path, what: &str| Problem {
                file,
                at,
                message: format!("{what}, and the text that it refers to would not be rewritten"),
                hint: "Write the services out in one file, or pass all files with -f, and start again.".into(),
            };
            if draft.model().get("include").is_some() {
                return Err(problem(Path::of(["include"]), "The file includes others"));
            }
            for (name, service) in draft.services() {
                if service.get("extends").is_some() {
                    let at = Path::of(["services", name, "extends"]);
                    return Err(problem(at, &format!("The service {name} extends another one")));
                }
            }
        }
        Ok(())
    }

    /// Returns the names of the services with a role.
    fn named(&self, role: Role) -> Vec<String> {
        self.roles.iter().filter(|(_, held)| **held == role).map(|(name, _)| name.clone()).collect()
    }

    fn role(&self, service: &str) -> Role {
        self.roles.get(service).copied().unwrap_or(Role::Other)
    }

    /// Returns where a service is written, base file first.
    fn parts(&self, service: &str) -> Vec<Part> {
        let at = Path::of(["services", service]);
        let holds = |draft: &Draft| at.get(draft.model()).is_some_and(Value::is_object);
        self.files
            .iter()
            .enumerate()
            .filter(|(_, draft)| holds(draft))
            .map(|(file, _)| Part { file, at: at.clone() })
            .collect()
    }

    /// Returns the part to which things are added: where `key` is written already, else where the image is.
    fn part_for(&self, service: &str, key: &str) -> Option<Part> {
        let parts = self.parts(service);
        let with = |key: &str| {
            parts.iter().find(|part| self.value(part.file, &part.at.key(key)).is_some_and(|value| !value.is_null()))
        };
        with(key).or_else(|| with("image")).or_else(|| parts.first()).cloned()
    }

    fn value(&self, file: usize, at: &Path) -> Option<&Value> {
        at.get(self.files.get(file)?.model())
    }

    /// Returns a text as it is drafted now.
    fn text(&self, file: usize, at: &Path) -> Option<String> {
        self.files.get(file)?.text(at)
    }

    fn set(&mut self, file: usize, at: Path, value: String) {
        if let Some(draft) = self.files.get_mut(file) {
            draft.set(at, value);
        }
    }

    fn change(&mut self, file: usize, change: Change) {
        if let Some(draft) = self.files.get_mut(file) {
            draft.push(change);
        }
    }

    fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Adds entries to a mapping of a file, which may be missing, or a key without a value.
    fn insert_all(&mut self, file: usize, parent: &Path, key: &str, entries: Vec<(String, Value)>) {
        let at = parent.key(key);
        if self.value(file, &at).is_some() {
            for (key, value) in entries {
                self.change(file, Change::Insert { at: at.clone(), key, value });
            }
        } else if !entries.is_empty() {
            let value = Value::Object(entries.into_iter().collect());
            self.change(file, Change::Insert { at: parent.clone(), key: key.to_owned(), value });
        }
    }
}
