//! One file while the rules work on it: its model as it is, and what has been decided so far.

use crate::compose::change::{self, Change, Path, PathSegment};
use crate::compose::model::scalar;
use serde_json::Value;
use std::collections::BTreeMap;

/// A file's model with drafted texts and changes.
#[derive(Debug)]
pub(super) struct Draft {
    model: Value,
    texts: BTreeMap<Path, String>,
    changes: Vec<Change>,
}

impl Draft {
    pub(super) fn new(model: Value) -> Self {
        Self { model, texts: BTreeMap::new(), changes: Vec::new() }
    }

    /// Returns the model before any change.
    pub(super) fn model(&self) -> &Value {
        &self.model
    }

    /// Returns the model as it will be by what is decided so far, but for texts.
    pub(super) fn after(&self) -> Value {
        let mut model = self.model.clone();
        // A change that does not fit is found, and told, when the text is edited.
        let _ = change::apply(&mut model, &self.changes);
        model
    }

    /// Returns the services with their values.
    pub(super) fn services(&self) -> impl Iterator<Item = (&str, &Value)> {
        let services = self.model.get("services").and_then(Value::as_object);
        services.into_iter().flatten().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns a text as it is now, and `None` for what is no text, number or truth value.
    pub(super) fn text(&self, at: &Path) -> Option<String> {
        self.texts.get(at).cloned().or_else(|| scalar(at.get(&self.model)?))
    }

    /// Drafts a text. Several rules may draft the same one in turn.
    pub(super) fn set(&mut self, at: Path, value: String) {
        if self.text(&at).as_ref() != Some(&value) {
            self.texts.insert(at, value);
        }
    }

    /// Adds any other change.
    pub(super) fn push(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Returns the value of an entry that is added to a mapping, to be added to.
    pub(super) fn added(&mut self, parent: &Path, name: &str) -> Option<&mut Value> {
        self.changes.iter_mut().find_map(|change| match change {
            Change::Insert { at, key, value } if at == parent && key == name => Some(value),
            _ => None,
        })
    }

    /// Whether an entry or item, or what holds it, has been given up.
    pub(super) fn is_removed(&self, at: &Path) -> bool {
        self.changes.iter().any(|change| matches!(change, Change::Remove { at: gone } if at.0.starts_with(&gone.0)))
    }

    /// Returns the places of all texts.
    pub(super) fn texts(&self) -> Vec<Path> {
        let mut found = Vec::new();
        collect(&self.model, &mut Path::default(), &mut found);
        found
    }

    /// Returns all changes; drafted texts that ended as they began are none.
    pub(super) fn into_changes(self) -> Vec<Change> {
        let removed = |at: &Path| self.is_removed(at);
        let sets = self
            .texts
            .iter()
            .filter(|(at, value)| !removed(at) && at.get(&self.model).and_then(scalar).as_ref() != Some(value))
            .map(|(at, value)| Change::Set { at: at.clone(), value: value.clone() });
        sets.chain(self.changes.iter().cloned()).collect()
    }
}

fn collect(value: &Value, at: &mut Path, found: &mut Vec<Path>) {
    let mut deeper = |step: PathSegment, value: &Value| {
        at.0.push(step);
        collect(value, at, found);
        at.0.pop();
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| deeper(PathSegment::Key(key.clone()), value)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| deeper(PathSegment::Item(index), value))
        }
        Value::String(_) => found.push(at.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
