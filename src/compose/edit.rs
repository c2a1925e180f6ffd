//! Edits one compose file, and gives the result away only when it is proven.
//!
//! The proof: the new text, read by a parser that had no part in the editing, is exactly the old model with exactly the
//! decided changes. Whatever fails that is refused, with the file, the line and what to do by hand.

use super::change::{self, Change, Path as Place};
use super::locate::Document;
use super::splice;
use crate::error::{Error, Result};
use serde_json::Value;
use std::path::Path;

/// What a text may begin with (`U+FEFF`).
pub(crate) const MARK: char = '\u{feff}';

/// Edits one text and proves the result.
pub(crate) fn edit(path: &Path, old: &str, model: Value, changes: &[Change]) -> Result<String> {
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

pub(crate) fn body(text: &str) -> &str {
    text.strip_prefix(MARK).unwrap_or(text)
}

/// Reads a model without its `x-…` sections: compose reads those only where an alias puts them into a service, and there
/// they are part of the model anyway.
///
/// # Errors
/// A refusal of what is not YAML or not a mapping.
pub(crate) fn read(path: &Path, text: &str) -> Result<Value> {
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

/// Returns the line of a place in a text, from 1; 1 where it is in none.
pub(crate) fn line_of(text: &str, at: &Place) -> usize {
    Document::parse(body(text)).map(|document| document.line_of(at)).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn a_list_that_is_cut_says_how_many_are_missing() {
        let changes = |count: usize| listed((0..count).map(|number| format!("c{number}")));
        assert_eq!(changes(2), "c0; c1");
        assert!(changes(40).ends_with("; c39"));
        assert!(changes(43).ends_with("; c39; and 3 more, which are told when these are made"));
    }
}
