//! What of an event is looked at: its task, its metric, and when it was.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// The fields of an event that tell of its task; a field that is missing, or no text or number, is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Event {
    pub task: Option<String>,
    pub metric: Option<String>,
    pub variant: Option<String>,
    /// In milliseconds since 1970.
    pub time: Option<i64>,
    pub iteration: Option<i64>,
}

impl Event {
    /// Reads the source of a document; nothing if it is no JSON object.
    pub fn of(source: &[u8]) -> Option<Self> {
        serde_json::from_slice(source).ok()
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

/// Takes the fields one by one: a key may be there twice, and then the last one counts.
struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Event;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Event, A::Error> {
        let mut event = Event::default();
        while let Some(key) = fields.next_key::<String>()? {
            match key.as_str() {
                "task" => event.task = text(fields.next_value()?),
                "metric" => event.metric = text(fields.next_value()?),
                "variant" => event.variant = text(fields.next_value()?),
                "timestamp" => event.time = number(&fields.next_value()?),
                "iter" => event.iteration = number(&fields.next_value()?),
                _ => fields.next_value::<IgnoredAny>().map(drop)?,
            }
        }
        Ok(event)
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

fn number(value: &Value) -> Option<i64> {
    let whole = || value.as_f64().filter(|number| number.abs() < 9e15).map(|number| number as i64);
    value.as_i64().or_else(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_or_number_is_nothing_and_the_last_of_a_key_counts() {
        let source =
            br#"{"task": "a", "metric": 7, "plot": {"task": "x"}, "timestamp": 1.5e12, "iter": "3", "task": "b"}"#;
        let expected = Event { task: Some("b".to_owned()), time: Some(1_500_000_000_000), ..Event::default() };
        assert_eq!(Event::of(source), Some(expected));
        assert_eq!(Event::of(br#"{"task": "", "timestamp": 1e300}"#), Some(Event::default()));
        for none in [&b"[1]"[..], b"{", b"7"] {
            assert_eq!(Event::of(none), None);
        }
    }
}
