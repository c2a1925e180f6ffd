//! The routing that a document is meant to have in the target.
//!
//! The old server sent every event with `routing` = its task; the new one neither writes nor reads routing. Where the
//! two are the same, dropping the routing loses nothing and lets the new server overwrite the document under its
//! `_id`. Anything else was written by somebody else and is kept.

use super::json_text::{self, Comments};
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Returns the routing to send: `None` where the document had none or where it equals its own `task` field.
///
/// `source` is the document's JSON. A source that is no object keeps its routing.
pub fn intended<'a>(routing: Option<&'a str>, source: &[u8]) -> Option<&'a str> {
    let routing = routing?;
    if same_task(routing, task_of(source).as_deref()) { None } else { Some(routing) }
}

/// Returns whether a routing says no more than the document's own task.
pub(super) fn same_task(routing: &str, task: Option<&str>) -> bool {
    task == Some(routing)
}

/// Returns the document's own `task`, if that is a string.
pub(super) fn task_of(source: &[u8]) -> Option<Cow<'_, str>> {
    if let Ok(task) = serde_json::Deserializer::from_slice(source).deserialize_map(TaskField) {
        return task;
    }
    // Perhaps it has comments.
    let mut plain = source.to_vec();
    json_text::blank(&mut plain, Comments::All);
    let task = serde_json::Deserializer::from_slice(&plain).deserialize_map(TaskField).ok().flatten();
    task.map(|task| Cow::Owned(task.into_owned()))
}

/// Reads one top-level field and skips the rest, without minding keys that occur twice.
struct TaskField;

impl<'de> Visitor<'de> for TaskField {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut task = None;
        while let Some(Text(key)) = map.next_key()? {
            if key == "task" {
                task = map.next_value::<TextOrOther<'de>>()?.0;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(task)
    }
}

/// A string, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

struct TextOrOther<'a>(Option<Cow<'a, str>>);

impl<'de> serde::Deserialize<'de> for TextOrOther<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de serde_json::value::RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str::<Text<'de>>(raw.get()).ok().map(|text| text.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routing_that_equals_the_task_is_dropped() {
        assert_eq!(intended(Some("t1"), br#"{"a":{"task":"x"},"task":"t1"}"#), None);
        assert_eq!(intended(Some("tä"), br#"{"task":"t\u00e4"}"#), None);
        assert_eq!(intended(None, br#"{"task":"t1"}"#), None);
    }

    #[test]
    fn any_other_routing_is_kept() {
        let sources: [&[u8]; 6] =
            [br#"{"task":"t2"}"#, br#"{"a":{"task":"t1"}}"#, br#"{"task":["t1"]}"#, br#"{"task":null}"#, b"[]", b"{"];
        for source in sources {
            assert_eq!(intended(Some("t1"), source), Some("t1"));
        }
    }

    #[test]
    fn keys_that_occur_twice_are_read_like_elasticsearch_does_the_last_one_wins() {
        assert_eq!(intended(Some("t1"), br#"{"task":"t2","task":"t1"}"#), None);
        assert_eq!(intended(Some("t1"), br#"{"task":"t1","task":"t2"}"#), Some("t1"));
    }
}
