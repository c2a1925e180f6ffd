//! Variables in values: `${TRAINS_X}` becomes `${CLEARML_X}` wherever it is used, as the names in `.env` do.

use super::Rules;
use crate::compose::change::{Path, PathSegment};
use crate::compose::interpolate;

impl Rules<'_> {
    /// Renames the variables in all texts of all files, and tells what still names the old root.
    pub(super) fn variables(&mut self) {
        let variables = &self.request.variables;
        let new_name = |name: &str| variables.new_name(name);
        for draft in &mut self.files {
            for at in draft.texts() {
                if let Some(text) = draft.text(&at) {
                    draft.set(at, interpolate::rename(&text, &new_name));
                }
            }
        }
        self.leftovers();
    }

    fn leftovers(&mut self) {
        let Some((old, new)) = &self.request.home else { return };
        let Some(old) = old.to_str() else { return };
        let mut notes = Vec::new();
        for draft in &self.files {
            // Mounts are rewritten by rule; what they still say is a place inside a container.
            let is_mount = |at: &Path| matches!(at.0.get(2), Some(PathSegment::Key(key)) if key == "volumes");
            let left = draft.texts().into_iter().filter(|at| !draft.is_removed(at) && !is_mount(at));
            for (at, text) in left.filter_map(|at| draft.text(&at).map(|text| (at, text))) {
                if names_path(&text, old) {
                    notes.push(format!(
                        "{at} still says {text:?}. If that is a place on this machine, it is now below {}.",
                        new.display()
                    ));
                }
            }
        }
        notes.into_iter().for_each(|note| self.note(note));
    }
}

/// Whether a text names `path` or something below it.
pub(in crate::rewrite) fn names_path(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| {
        let behind = text.get(at + path.len()..).and_then(|rest| rest.chars().next());
        let ahead = text.get(..at).and_then(|head| head.chars().next_back());
        behind.is_none_or(|next| !(next.is_alphanumeric() || "-_.".contains(next)))
            && ahead.is_none_or(|last| !(last.is_alphanumeric() || "-_./".contains(last)))
    })
}
