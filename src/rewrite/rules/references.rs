//! References to containers by name: a container that is renamed is not found under its old name any more.
//!
//! Docker's name server answers to a container's name as well as to its service's. What the compose files say follows the
//! new name; for the sake of what they do not hold, a mounted configuration file or an environment file, the container
//! keeps its old one.

use super::Rules;
use crate::compose::change::{Path, PathSegment};
use std::collections::{BTreeMap, BTreeSet};

/// What a service says that is never the name of a host: paths, images, its own names, names of services and of files.
const NO_HOSTS: [&str; 12] = [
    "container_name",
    "hostname",
    "domainname",
    "image",
    "build",
    "volumes",
    "networks",
    "depends_on",
    "env_file",
    "working_dir",
    "profiles",
    "user",
];
/// What other programs read, each in its own way: these texts stay, and so do the containers that they name.
const FOR_OTHERS: [&str; 3] = ["labels", "logging", "deploy"];
/// Names under which the world outside finds a container: nginx-proxy, and its companion.
const OUTSIDE_NAMES: [&str; 4] = ["VIRTUAL_HOST", "VIRTUAL_HOST_MULTIPORTS", "LETSENCRYPT_HOST", "CERT_NAME"];

impl Rules<'_> {
    /// Gives stock container names their new prefix, and the references to them as well.
    pub(super) fn container_names(&mut self) {
        let renamed = self.rename_containers();
        let services: BTreeSet<String> = self.roles.keys().cloned().collect();
        let mut notes = Vec::new();
        for draft in &mut self.files {
            for at in draft.texts() {
                if !may_name_a_host(&at) || draft.is_removed(&at) {
                    continue;
                }
                let Some(text) = draft.text(&at) else { continue };
                if is_outside_name(&at, &text) {
                    continue;
                }
                let is_mode = matches!(at.0.get(2), Some(PathSegment::Key(key)) if key == "network_mode" || key == "pid" || key == "ipc");
                let mut new = text.clone();
                for (old, name) in &renamed {
                    // A service of that name is found under it still, but by its container's name only here.
                    if !services.contains(old) || (is_mode && text.starts_with("container:")) {
                        new = replace_host(&new, old, name);
                    }
                }
                if new != text {
                    notes.push(format!("{at} follows the new name of a container."));
                    draft.set(at, new);
                }
            }
        }
        notes.into_iter().for_each(|note| self.note(note));
    }

    /// Returns the old names with the new ones.
    fn rename_containers(&mut self) -> BTreeMap<String, String> {
        let mut renamed = BTreeMap::new();
        for (service, role) in self.roles.clone() {
            if role == crate::role::Role::Other {
                continue;
            }
            for part in self.parts(&service) {
                let at = part.at.key("container_name");
                let Some(old) = self.text(part.file, &at) else { continue };
                let Some(rest) = old.strip_prefix("trains-") else { continue };
                let mention = self.request.mentions.get(&old).cloned().or_else(|| self.mention_for_others(&old));
                if let Some(mention) = mention {
                    self.note(format!(
                        "The container of {service} keeps its name, {old}: {mention} refers to it. Use the name of the service there, {service}, if it is to be renamed."
                    ));
                    continue;
                }
                let new = format!("clearml-{rest}");
                self.set(part.file, at, new.clone());
                renamed.insert(old, new);
            }
        }
        renamed
    }

    /// Returns a place that other programs read and that names a container, in words. A service of that name is found in
    /// any case.
    fn mention_for_others(&self, name: &str) -> Option<String> {
        if self.roles.contains_key(name) {
            return None;
        }
        self.files.iter().find_map(|draft| {
            let places = draft.texts().into_iter();
            let mut places = places.filter(|at| key_of_service(at).is_some_and(|key| FOR_OTHERS.contains(&key)));
            let at = places.find(|at| draft.text(at).is_some_and(|text| hosts(&text, name).next().is_some()))?;
            Some(format!("{at} of the compose file"))
        })
    }
}

fn may_name_a_host(at: &Path) -> bool {
    key_of_service(at).is_some_and(|key| !NO_HOSTS.contains(&key) && !FOR_OTHERS.contains(&key))
}

/// Returns the key of a service below which a text is.
fn key_of_service(at: &Path) -> Option<&str> {
    match (at.0.first(), at.0.get(2)) {
        (Some(PathSegment::Key(top)), Some(PathSegment::Key(key))) if top == "services" => Some(key),
        _ => None,
    }
}

/// Whether a text is a variable of [`OUTSIDE_NAMES`], as an entry of a map or an item of a list.
fn is_outside_name(at: &Path, text: &str) -> bool {
    let name = match at.0.get(3) {
        Some(PathSegment::Key(name)) => name.as_str(),
        _ => text.split('=').next().unwrap_or_default(),
    };
    key_of_service(at) == Some("environment") && OUTSIDE_NAMES.contains(&name)
}

/// Returns where a text has a name as a whole word, and not as a part of a path.
pub(crate) fn hosts<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_part = |letter: char| letter.is_alphanumeric() || "-_.".contains(letter);
    text.match_indices(name).map(|(at, _)| at).filter(move |at| {
        let (head, tail) = (text.get(..*at).unwrap_or_default(), text.get(at + name.len()..).unwrap_or_default());
        let in_path = head.ends_with('/') && !head.ends_with("//");
        let ends = match tail.strip_prefix('.') {
            // The end of a sentence, and no domain.
            Some(rest) => rest.chars().next().is_none_or(char::is_whitespace),
            None => tail.chars().next().is_none_or(|next| !is_part(next)),
        };
        ends && !in_path && head.chars().next_back().is_none_or(|last| !is_part(last))
    })
}

fn replace_host(text: &str, old: &str, new: &str) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut from = 0;
    for at in hosts(text, old) {
        replaced.push_str(text.get(from..at).unwrap_or_default());
        replaced.push_str(new);
        from = at + old.len();
    }
    replaced.push_str(text.get(from..).unwrap_or_default());
    replaced
}

#[cfg(test)]
#[path = "references_tests.rs"]
mod tests;
