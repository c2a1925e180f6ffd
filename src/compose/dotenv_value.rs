//! The value of one line of an environment file: what is in it, and the same with other names and paths.
//!
//! Source of the rules: compose-go `dotenv/parser.go`. In single quotes all is literal. In double quotes a backslash makes
//! the next quote, dollar or backslash literal. Without quotes a `#` behind white space begins a comment.

use super::interpolate;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Everything behind the separator of a line, cut into what opens the value, the value, and what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail<'a> {
    quote: Option<char>,
    value: &'a str,
    rest: &'a str,
}

impl<'a> Tail<'a> {
    pub(super) fn parse(tail: &'a str) -> Self {
        if let (Some(quote), Some(closed)) = (opening_quote(tail), closing_quote(tail)) {
            let (value, rest) = (tail.get(1..closed).unwrap_or_default(), tail.get(closed..).unwrap_or_default());
            return Self { quote: Some(quote), value, rest };
        }
        let text = tail.trim_end_matches(['\n', '\r']);
        let end = text.find(" #").or_else(|| text.find("\t#")).unwrap_or(text.len());
        let end = text.get(..end).unwrap_or(text).trim_end().len();
        Self { quote: None, value: tail.get(..end).unwrap_or(tail), rest: tail.get(end..).unwrap_or_default() }
    }

    /// Returns the value as compose takes it.
    pub(super) fn resolve(&self, variables: &BTreeMap<String, String>) -> String {
        match self.quote {
            Some('\'') => self.value.to_owned(),
            Some(_) => interpolate::resolve(&unescaped(self.value), variables).unwrap_or_default(),
            None => interpolate::resolve(self.value, variables).unwrap_or_default(),
        }
    }

    /// Returns the value as it is written, without its quotes.
    pub(super) fn written(&self) -> &'a str {
        self.value
    }

    /// Returns the same with another value, which is written in the same way.
    pub(super) fn with(&self, value: &str) -> String {
        let quote = self.quote.map(String::from).unwrap_or_default();
        format!("{quote}{value}{}", self.rest)
    }

    /// Returns the text with the variables in its value renamed.
    pub(super) fn renamed(&self, new_name: &dyn Fn(&str) -> Option<String>) -> String {
        if self.quote == Some('\'') {
            return self.with(self.value);
        }
        // What follows `\$` is no variable, whatever it looks like.
        let parts: Vec<String> = self
            .value
            .split("\\$")
            .enumerate()
            .map(|(at, part)| match at {
                0 => interpolate::rename(part, new_name),
                _ => {
                    let literal = part.find('$').unwrap_or(part.len());
                    let (literal, rest) = part.split_at(literal);
                    format!("{literal}{}", interpolate::rename(rest, new_name))
                }
            })
            .collect();
        self.with(&parts.join("\\$"))
    }

    /// Returns the text with paths at or below the old root put below the new one: the value, or, where it is a list, each
    /// part of it.
    pub(super) fn moved(&self, home: &(PathBuf, PathBuf), separator: Option<&str>) -> String {
        let (Some(old), Some(new)) = (home.0.to_str(), home.1.to_str()) else { return self.with(self.value) };
        let value = match separator.filter(|separator| !separator.is_empty()) {
            None => moved(self.value, old, new),
            Some(separator) => {
                let parts: Vec<String> = self.value.split(separator).map(|part| moved(part, old, new)).collect();
                parts.join(separator)
            }
        };
        self.with(&value)
    }
}

/// Puts a path below the new root, also where it is what a variable is without a value of its own: `${ROOT:-/opt/trains}`.
fn moved(value: &str, old: &str, new: &str) -> String {
    let Some((ahead, behind)) = value.split_once(old) else { return value.to_owned() };
    let name = ahead.strip_prefix("${").and_then(|head| head.strip_suffix('-'));
    let name = name.map(|name| name.strip_suffix(':').unwrap_or(name));
    let is_default = name
        .is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
    let whole = behind.is_empty() || behind.starts_with('/') || (is_default && behind.starts_with('}'));
    match whole && (ahead.is_empty() || is_default) {
        true => format!("{ahead}{new}{behind}"),
        false => value.to_owned(),
    }
}

fn opening_quote(tail: &str) -> Option<char> {
    tail.chars().next().filter(|first| matches!(first, '"' | '\''))
}

/// Returns where the quote that opens a value is closed.
pub(super) fn closing_quote(tail: &str) -> Option<usize> {
    let quote = opening_quote(tail)?;
    let mut escaped = false;
    for (at, char) in tail.char_indices().skip(1) {
        match char {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            char if char == quote => return Some(at),
            _ => {}
        }
    }
    None
}

/// Takes the backslashes away, and doubles the dollars that they made literal.
fn unescaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            out.push(char);
            continue;
        }
        match chars.next() {
            Some('$') => out.push_str("$$"),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some(quoted @ ('"' | '\\')) => out.push(quoted),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_name(name: &str) -> Option<String> {
        name.strip_prefix("TRAINS_").map(|rest| format!("CLEARML_{rest}"))
    }

    #[test]
    fn variables_in_values_are_renamed_where_compose_would_fill_them_in() {
        let cases = [
            (
                "http://${TRAINS_HOST_IP}:8081 # of ${TRAINS_HOST_IP}\r\n",
                "http://${CLEARML_HOST_IP}:8081 # of ${TRAINS_HOST_IP}\r\n",
            ),
            ("\"${TRAINS_DATA}/elastic\"\n", "\"${CLEARML_DATA}/elastic\"\n"),
            ("'${TRAINS_DATA}/elastic'\n", "'${TRAINS_DATA}/elastic'\n"),
            ("${TRAINS_A:-${TRAINS_B}}$$TRAINS_C", "${CLEARML_A:-${CLEARML_B}}$$TRAINS_C"),
            ("\"a \\\" \\${TRAINS_A} $TRAINS_B\" # $TRAINS_C", "\"a \\\" \\${TRAINS_A} $CLEARML_B\" # $TRAINS_C"),
            ("\"never closed $TRAINS_A", "\"never closed $CLEARML_A"),
            ("", ""),
        ];
        for (old, new) in cases {
            assert_eq!(Tail::parse(old).renamed(&new_name), new, "{old}");
        }
    }

    #[test]
    fn paths_move_in_values_in_defaults_and_in_lists() {
        let home = ("/opt/trains".into(), "/opt/clearml".into());
        let cases = [
            ("/opt/trains/a", None, "/opt/clearml/a"),
            ("\"/opt/trains\" # /opt/trains", None, "\"/opt/clearml\" # /opt/trains"),
            ("'/opt/trains/a b'", None, "'/opt/clearml/a b'"),
            ("${ROOT:-/opt/trains}/a", None, "${ROOT:-/opt/clearml}/a"),
            ("${ROOT-/opt/trains/x}", None, "${ROOT-/opt/clearml/x}"),
            ("/opt/trains/a.yml:/opt/trains/b.yml:c.yml", Some(":"), "/opt/clearml/a.yml:/opt/clearml/b.yml:c.yml"),
            ("/opt/trains2/a.yml,/opt/trains", Some(","), "/opt/trains2/a.yml,/opt/clearml"),
            ("/data:/opt/trains/config", None, "/data:/opt/trains/config"),
            ("${ROOT}/opt/trains", None, "${ROOT}/opt/trains"),
        ];
        for (old, separator, new) in cases {
            assert_eq!(Tail::parse(old).moved(&home, separator), new, "{old}");
        }
    }

    /// Seen with compose 2.40.3: `docker compose config --environment`.
    #[test]
    fn escapes_count_in_double_quotes_only() {
        let variables = [("A".to_owned(), "1".to_owned())].into();
        let cases =
            [("\"x\\\"$A\\$A\\n\" # c", "x\"1$A\n"), ("'x\\$A'", "x\\$A"), ("$A$$A # c\n", "1$A"), ("\"\"", "")];
        for (tail, expected) in cases {
            assert_eq!(Tail::parse(tail).resolve(&variables), expected, "{tail}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_value_that_does_not_change_keeps_every_byte(tail in "[$A{}:'\"\\\\# /=\n-]{0,24}") {
            proptest::prop_assert_eq!(Tail::parse(&tail).renamed(&|_| None), tail.clone());
            let home = ("/nowhere".into(), "/elsewhere".into());
            proptest::prop_assert_eq!(Tail::parse(&tail).moved(&home, Some(":")), tail);
        }
    }
}
