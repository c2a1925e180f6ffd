//! What is to change in a compose file, said against its model and not against its text.

use serde_json::{Map, Value};
use std::fmt;

/// One step of a path into a model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathSegment {
    /// Into a mapping.
    Key(String),
    /// Into a sequence.
    Item(usize),
}

/// A place in a model, such as `services.apiserver.volumes[0]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Path(pub Vec<PathSegment>);

impl Path {
    /// Returns the place of a chain of keys.
    pub fn of<const N: usize>(keys: [&str; N]) -> Self {
        Self(keys.into_iter().map(|key| PathSegment::Key(key.to_owned())).collect())
    }

    /// Returns the place one key deeper.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.then(PathSegment::Key(key.to_owned()))
    }

    /// Returns the place one item deeper.
    #[must_use]
    pub fn item(&self, index: usize) -> Self {
        self.then(PathSegment::Item(index))
    }

    fn then(&self, step: PathSegment) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// Returns the value at this place, if it exists.
    pub fn get<'a>(&self, model: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(model, |value, step| match step {
            PathSegment::Key(key) => value.get(key),
            PathSegment::Item(index) => value.get(index),
        })
    }

    fn get_mut<'a>(&self, model: &'a mut Value) -> Option<&'a mut Value> {
        self.0.iter().try_fold(model, |value, step| match step {
            PathSegment::Key(key) => value.get_mut(key),
            PathSegment::Item(index) => value.get_mut(index),
        })
    }

    /// Returns the place of the collection that holds this one, and the last step.
    pub(super) fn split(&self) -> Option<(Self, &PathSegment)> {
        let (last, parent) = self.0.split_last()?;
        Some((Self(parent.to_vec()), last))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                PathSegment::Key(key) if at == 0 => f.write_str(key)?,
                PathSegment::Key(key) if key.contains('.') => write!(f, "[{key:?}]")?,
                PathSegment::Key(key) => write!(f, ".{key}")?,
                PathSegment::Item(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// One change. All paths are those of the model before any change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A text gets another value.
    Set {
        /// The text.
        at: Path,
        /// Its new value.
        value: String,
    },
    /// An entry of a mapping gets another key and keeps its place.
    Rename {
        /// The entry.
        at: Path,
        /// Its new key.
        key: String,
    },
    /// An entry or item goes.
    Remove {
        /// The entry or item.
        at: Path,
    },
    /// A mapping (or a key without a value) gets an entry.
    Insert {
        /// The mapping.
        at: Path,
        /// Key of the new entry.
        key: String,
        /// Its value.
        value: Value,
    },
    /// A sequence gets an item at its end.
    Push {
        /// The sequence.
        at: Path,
        /// The item.
        value: String,
    },
}

impl Change {
    /// Returns the place that the change is about.
    pub fn at(&self) -> &Path {
        match self {
            Self::Set { at, .. }
            | Self::Rename { at, .. }
            | Self::Remove { at }
            | Self::Insert { at, .. }
            | Self::Push { at, .. } => at,
        }
    }
}

/// What to do by hand, for a user whose file we do not dare to edit.
///
/// The value of an item `NAME=VALUE` is left out: it may be a password, and this text ends in log files.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_variable = |at: &Path| at.0.iter().any(|step| *step == PathSegment::Key("environment".into()));
        match self {
            Self::Set { at, value } if is_variable(at) && matches!(at.0.last(), Some(PathSegment::Item(_))) => {
                write!(f, "name {at} {}", value.split('=').next().unwrap_or_default())
            }
            Self::Set { at, value } => write!(f, "set {at} to {value:?}"),
            Self::Rename { at, key } => write!(f, "rename {at} to {key}"),
            Self::Remove { at } => write!(f, "remove {at}"),
            Self::Insert { at, key, value } => write!(f, "add {key}: {value} to {at}"),
            Self::Push { at, value } => write!(f, "add {value:?} to the list {at}"),
        }
    }
}

/// Carries changes out on a model. Returns the first change that does not fit it.
pub(crate) fn apply<'a>(model: &mut Value, changes: &'a [Change]) -> Result<(), &'a Change> {
    for change in changes {
        let done = match change {
            Change::Set { at, value } => {
                at.get_mut(model).filter(|old| !old.is_array() && !old.is_object()).map(|old| {
                    *old = Value::String(value.clone());
                })
            }
            Change::Push { at, value } => {
                at.get_mut(model).and_then(Value::as_array_mut).map(|items| items.push(Value::String(value.clone())))
            }
            Change::Insert { at, key, value } => insert(model, at, key, value),
            Change::Rename { .. } | Change::Remove { .. } => Some(()),
        };
        done.ok_or(change)?;
    }
    // Last, since they move what the paths of the others name; items from the end for the same reason.
    let mut moving: Vec<&Change> =
        changes.iter().filter(|change| matches!(change, Change::Rename { .. } | Change::Remove { .. })).collect();
    moving.sort_by(|one, other| other.at().cmp(one.at()));
    for change in moving {
        move_or_remove(model, change).ok_or(change)?;
    }
    Ok(())
}

fn insert(model: &mut Value, at: &Path, key: &str, value: &Value) -> Option<()> {
    let target = at.get_mut(model)?;
    if target.is_null() {
        *target = Value::Object(Map::new());
    }
    let map = target.as_object_mut().filter(|map| !map.contains_key(key))?;
    map.insert(key.to_owned(), value.clone());
    Some(())
}

fn move_or_remove(model: &mut Value, change: &Change) -> Option<()> {
    let (parent, last) = change.at().split()?;
    let parent = parent.get_mut(model)?;
    match (change, last) {
        (Change::Remove { .. }, PathSegment::Item(index)) => {
            let items = parent.as_array_mut().filter(|items| *index < items.len())?;
            items.remove(*index);
        }
        (Change::Remove { .. }, PathSegment::Key(key)) => {
            parent.as_object_mut()?.remove(key)?;
        }
        (Change::Rename { key: new, .. }, PathSegment::Key(old)) => {
            let map = parent.as_object_mut().filter(|map| !map.contains_key(new))?;
            let value = map.remove(old)?;
            map.insert(new.clone(), value);
        }
        _ => return None,
    }
    Some(())
}

/// Returns the first place at which two models differ.
pub(super) fn difference(one: &Value, other: &Value) -> Option<Path> {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            keys.into_iter().find_map(|key| match (a.get(key), b.get(key)) {
                (Some(a), Some(b)) => difference(a, b).map(|inner| Path::of([key]).join(inner)),
                _ => Some(Path::of([key])),
            })
        }
        (Value::Array(a), Value::Array(b)) => (0..a.len().max(b.len())).find_map(|index| {
            let here = Path(vec![PathSegment::Item(index)]);
            match (a.get(index), b.get(index)) {
                (Some(a), Some(b)) => difference(a, b).map(|inner| here.join(inner)),
                _ => Some(here),
            }
        }),
        _ => (one != other).then(Path::default),
    }
}

impl Path {
    fn join(mut self, inner: Self) -> Self {
        self.0.extend(inner.0);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_always_mean_the_model_before_the_changes() {
        let mut model = json!({"s": {"env": ["A=1", "B=2", "C=3"], "old": "x", "gone": 1, "empty": null}});
        let s = Path::of(["s"]);
        let changes = [
            Change::Remove { at: s.key("env").item(0) },
            Change::Remove { at: s.key("env").item(1) },
            Change::Set { at: s.key("env").item(2), value: "C=4".into() },
            Change::Push { at: s.key("env"), value: "D=5".into() },
            Change::Rename { at: s.key("old"), key: "new".into() },
            Change::Set { at: s.key("old"), value: "y".into() },
            Change::Remove { at: s.key("gone") },
            Change::Insert { at: s.key("empty"), key: "k".into(), value: Value::Null },
        ];
        apply(&mut model, &changes).unwrap();
        assert_eq!(model, json!({"s": {"env": ["C=4", "D=5"], "new": "y", "empty": {"k": null}}}));
    }

    #[test]
    fn a_change_that_does_not_fit_is_named() {
        let bad = [
            Change::Set { at: Path::of(["a", "x"]), value: String::new() },
            Change::Set { at: Path::of(["a"]), value: String::new() },
            Change::Remove { at: Path::of(["a", "b"]).item(7) },
            Change::Rename { at: Path::of(["a", "b"]), key: "c".into() },
            Change::Insert { at: Path::of(["a"]), key: "b".into(), value: Value::Null },
            Change::Push { at: Path::of(["a"]), value: String::new() },
        ];
        for change in &bad {
            let mut model = json!({"a": {"b": [1], "c": 2}});
            assert_eq!(apply(&mut model, std::slice::from_ref(change)), Err(change));
        }
    }

    #[test]
    fn advice_never_holds_the_value_of_a_variable() {
        let at = Path::of(["services", "agent", "environment"]).item(1);
        let change = Change::Set { at, value: "CLEARML_AGENT_GIT_PASS=secret=x".into() };
        assert_eq!(change.to_string(), "name services.agent.environment[1] CLEARML_AGENT_GIT_PASS");
    }

    #[test]
    fn a_difference_is_found_where_it_is() {
        let one = json!({"a": {"b.c": [1, {"x": 1}]}, "z": 1});
        assert_eq!(difference(&one, &one), None);
        let found = difference(&one, &json!({"a": {"b.c": [1, {"x": 2}]}, "z": 1}));
        assert_eq!(found.map(|path| path.to_string()).as_deref(), Some("a[\"b.c\"][1].x"));
        assert_eq!(difference(&one, &json!({"a": {"b.c": [1]}, "z": 1})).unwrap().to_string(), "a[\"b.c\"][1]");
        assert_eq!(difference(&one, &json!({"a": {"b.c": [1, {"x": 1}]}, "z": 1, "q": 0})).unwrap().to_string(), "q");
    }
}
