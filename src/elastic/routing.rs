//! The routing that a document is meant to have in the target.
//!
//! The old server sent every event with `routing` = its task; the new one neither writes nor reads routing. Where the
//! two are the same, dropping the routing loses nothing and lets the new server overwrite the document under its
//! `_id`. Anything else was written by somebody else and is kept.

use super::json_text::{self, Comments};
use crate::json::{self, Malformed, Parts, Text};
use memchr::{memchr, memchr_iter, memchr2, memmem};
use std::borrow::Cow;

/// Returns whether a routing says no more than the document's own task.
pub(super) fn same_task(routing: &str, task: Option<&str>) -> bool {
    task == Some(routing)
}

/// Returns the document's own `task`, if that is a string.
pub(super) fn task_of(source: &[u8]) -> Option<Cow<'_, str>> {
    if let Some(task) = plain_task(source) {
        return Some(Cow::Borrowed(task));
    }
    if let Ok(task) = task_field(source) {
        return task;
    }
    // Perhaps it has comments.
    let mut plain = source.to_vec();
    json_text::blank(&mut plain, Comments::All);
    let task = task_field(&plain).ok().flatten();
    task.map(|task| Cow::Owned(task.into_owned()))
}

/// Returns the `task` of an object that can be told without reading all of it, as those of nearly all events: nothing is
/// escaped, nothing looks like a comment, the word occurs once, and only before or only behind it there are more braces.
fn plain_task(source: &[u8]) -> Option<&str> {
    let is_object = source.first() == Some(&b'{') && source.last() == Some(&b'}');
    if !is_object || memchr(b'\\', source).is_some() || may_have_comments(source) {
        return None;
    }
    let mut found = memmem::find_iter(source, br#""task""#);
    let at = found.next().filter(|_| found.next().is_none())?;
    let (before, behind) = (source.get(1..at)?, source.get(at + br#""task""#.len()..)?);
    let value = behind.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
    let (task, behind) = value.split_at_checked(memchr(b'"', value)?)?;
    let rest = behind.get(1..behind.len().checked_sub(1)?)?;
    // What opens and closes on one side only leaves the word at the top; so does what stands in strings.
    if has_braces(before) && has_braces(rest) {
        return None;
    }
    std::str::from_utf8(task).ok()
}

fn may_have_comments(source: &[u8]) -> bool {
    memchr_iter(b'/', source).any(|at| matches!(source.get(at + 1), Some(b'/' | b'*')))
}

fn has_braces(text: &[u8]) -> bool {
    memchr2(b'{', b'}', text).is_some() || memchr2(b'[', b']', text).is_some()
}

/// Reads one top-level field and skips the rest. Of keys that occur twice, the last one counts.
fn task_field(source: &[u8]) -> Result<Option<Cow<'_, str>>, Malformed> {
    let mut task = None;
    let mut parts = Parts::of_object(source)?;
    while let Some(part) = parts.next()? {
        if json::is_named(part.key, "task") {
            task = serde_json::from_slice::<Text<'_>>(part.value).ok().map(|text| text.0);
        }
    }
    Ok(task)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::json;

    /// Returns the routing that is kept.
    fn intended<'a>(routing: Option<&'a str>, source: &[u8]) -> Option<&'a str> {
        routing.filter(|routing| !same_task(routing, task_of(source).as_deref()))
    }

    #[test]
    fn routing_that_equals_the_task_is_dropped() {
        assert_eq!(intended(Some("t1"), br#"{"a":{"task":"x"},"task":"t1"}"#), None);
        assert_eq!(intended(Some("tä"), br#"{"task":"t\u00e4"}"#), None);
        assert_eq!(intended(None, br#"{"task":"t1"}"#), None);
    }

    #[test]
    fn a_document_that_is_not_all_unicode_has_its_task() {
        let sources: [&[u8]; 5] = [
            b"{\"msg\":\"\xED\xB3\xA9\",\"task\":\"t1\"}",
            b"{\"msg\":\"\\n\xED\xB3\xA9\",\"task\":\"t1\"}",
            b"{\"k\xED\xB3\xA9\\n\":\"\xC0\xAF\",\"task\":\"t1\"}",
            b"{\"k\\uDCE9\":1,/**/\"task\":\"t1\"}",
            b"\xEF\xBB\xBF{\"task\":\"t1\"}",
        ];
        for source in sources {
            assert_eq!(intended(Some("t1"), source), None, "{source:?}");
        }
        assert_eq!(intended(Some("t1"), b"{\"task\":\"t1\xED\xB3\xA9\"}"), Some("t1"));
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

    proptest! {
        #[test]
        fn a_task_that_is_told_at_a_glance_is_the_one_that_is_read(
            keys in vec(prop::sample::select(vec!["task", "a", "x/y", "tas", "\"task", "[", "{}"]), 0..5),
            values in vec(prop::sample::select(vec![
                r#""t1""#, r#" "task""#, "1", "{}", "[1,{\"task\":\"t2\"}]", r#"{ "task" : "t3" }"#, r#""}{//""#, r#""a\"""#, "null", "\"\"",
            ]), 5),
            space in prop::sample::select(vec!["", " ", "\n"]),
        ) {
            let fields = keys.iter().zip(&values).map(|(key, value)| format!("{space}{}{space}:{value}{space}", json!(key)));
            let source = format!("{{{}}}", fields.collect::<Vec<_>>().join(","));
            let read = task_field(source.as_bytes()).unwrap();
            if let Some(task) = plain_task(source.as_bytes()) {
                prop_assert_eq!(Some(task), read.as_deref(), "{}", source);
            }
        }
    }

    #[test]
    fn the_task_of_a_usual_event_is_told_at_a_glance() {
        let events = [
            r#"{"timestamp":1,"type":"training_stats_scalar","task":"t1","iter":2,"metric":"a/b","value":0.5}"#,
            r#"{"variants":{"task_x":[1]},"task": "t1"}"#,
            r#"{"task":"t1","nested":[{}]}"#,
        ];
        for event in events {
            assert_eq!(plain_task(event.as_bytes()), Some("t1"), "{event}");
        }
        let others = [
            r#"{"a":{"task":"t1"},"b":{}}"#,
            r#"{"a":"task","task":"t1","a":"task"}"#,
            r#"{"a":"//","task":"t1"}"#,
            r#"{"task":["t1"]}"#,
            r#"{"task":"t\u0031"}"#,
        ];
        for other in others {
            assert_eq!(plain_task(other.as_bytes()), None, "{other}");
        }
    }
}
