//! Writes values as YAML: in the style that is there, plain where that is safe, quoted where it is not.

use serde_json::Value;

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Without quotes.
    Plain,
    /// In single quotes.
    Single,
    /// In double quotes.
    Double,
}

impl Style {
    /// Returns the style of a written scalar; `None` if it takes several lines or is a block.
    pub(super) fn of(raw: &str) -> Option<Self> {
        match raw.chars().next() {
            _ if raw.contains('\n') => None,
            Some('|' | '>') => None,
            Some('"') => Some(Self::Double),
            Some('\'') => Some(Self::Single),
            _ => Some(Self::Plain),
        }
    }
}

/// Writes a text in a style, or in double quotes if that style could not hold it.
pub(super) fn write(text: &str, style: Style, in_flow: bool) -> String {
    let printable = !text.chars().any(char::is_control);
    match style {
        Style::Plain if is_safe_plain(text, in_flow) => text.to_owned(),
        Style::Single if printable => format!("'{}'", text.replace('\'', "''")),
        // JSON's escapes are all YAML escapes.
        _ => Value::String(text.to_owned()).to_string(),
    }
}

/// Whether a text without quotes is read back as this very text by every YAML version in use.
fn is_safe_plain(text: &str, in_flow: bool) -> bool {
    let reserved = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "<<"];
    let Some(first) = text.chars().next() else { return false };
    let indicator = "-?:,[]{}#&*!|>'\"%@`=".contains(first);
    let broken = text.trim() != text || text.ends_with(':') || text.contains(": ") || text.contains(" #");
    let in_flow_broken = in_flow && text.contains([',', '[', ']', '{', '}']);
    let control = text.chars().any(char::is_control);
    if indicator || broken || in_flow_broken || control || reserved.contains(&text.to_ascii_lowercase().as_str()) {
        return false;
    }
    // Numbers and dates of any kind begin so; `8080:80` was a number in YAML 1.1.
    if text.chars().all(|letter| letter.is_ascii_digit() || ".:_+-eExXoOtTzZ ".contains(letter)) && !text.contains('/')
    {
        return !first.is_ascii_digit() && !".+".contains(first);
    }
    matches!(serde_saphyr::from_str::<Value>(text), Ok(Value::String(read)) if read == text)
}

/// Writes a value within `{…}` or `[…]`: as JSON, with a space behind separators as people write it.
pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| format!("{}: {}", Value::from(key.as_str()), flow(value));
            format!("{{{}}}", map.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Writes an entry of a block mapping as lines, `column` spaces in, each level `step` deeper.
pub(super) fn block_entry(key: &str, value: &Value, column: usize, step: usize) -> Vec<String> {
    let head = format!("{}{}:", " ".repeat(column), write(key, Style::Plain, false));
    match value {
        Value::Object(map) if !map.is_empty() => {
            let inner = map.iter().flat_map(|(key, value)| block_entry(key, value, column + step, step));
            std::iter::once(head).chain(inner).collect()
        }
        Value::Array(items) if !items.is_empty() => {
            let indent = " ".repeat(column + step);
            let inner = items.iter().map(|item| format!("{indent}- {}", leaf(item)));
            std::iter::once(head).chain(inner).collect()
        }
        Value::Null => vec![head],
        other => vec![format!("{head} {}", leaf(other))],
    }
}

fn leaf(value: &Value) -> String {
    match value {
        Value::String(text) => write(text, Style::Plain, false),
        other => flow(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_stays_plain_only_where_it_means_the_same() {
        for text in ["allegroai/clearml:1.1.1", "/a:/b", "500mb", "single-node", "${A:->=1}", "c:/x:/y", "a b"] {
            assert_eq!(write(text, Style::Plain, false), text);
        }
        for text in [
            "yes",
            "8080:80",
            "1",
            "1.5",
            "2020-01-01",
            ">=1",
            "a: b",
            "a #b",
            "",
            " a",
            "a:",
            "*",
            "'*.*'",
            "0x1f",
            "null",
            "12e3",
        ] {
            assert_eq!(write(text, Style::Plain, false), Value::from(text).to_string(), "{text}");
        }
        assert_eq!(write("${A}", Style::Plain, true), "\"${A}\"");
    }

    proptest::proptest! {
        #[test]
        fn every_style_reads_back_as_the_text(text in "[ -~\\n\\tä]{0,12}") {
            for style in [Style::Plain, Style::Single, Style::Double] {
                for (in_flow, document) in [(false, format!("k: {}\n", write(&text, style, false))), (true, format!("{{k: {}}}", write(&text, style, true)))] {
                    let read: Value = serde_saphyr::from_str(&document).unwrap();
                    proptest::prop_assert_eq!(&read["k"], &Value::from(text.as_str()), "{} {}", in_flow, document);
                }
            }
        }
    }
}
