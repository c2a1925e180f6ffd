//! Variables in compose values: `$NAME`, `${NAME}`, `${NAME:-default}` and their kin, found, renamed, resolved.
//!
//! Source of the grammar: compose specification, "Interpolation": operators `:-`, `-`, `:?`, `?`, `:+`, `+`; the
//! argument may hold variables itself; `$$` is a literal dollar.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// One variable in a value.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reference<'a> {
    /// The whole of it, `${…}` or `$NAME`.
    range: Range<usize>,
    /// Where the name is.
    name: Range<usize>,
    /// Operator, empty without one.
    operator: &'a str,
    /// Argument of the operator.
    argument: &'a str,
}

/// A piece of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece<'a> {
    /// Text as it is.
    Literal(&'a str),
    /// `$$`.
    Dollar,
    /// A variable.
    Variable(Reference<'a>),
}

/// Returns the names of all variables in a value, those in arguments included.
pub fn variables(value: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for piece in pieces(value) {
        if let Piece::Variable(reference) = piece {
            names.insert(value.get(reference.name).unwrap_or_default().to_owned());
            names.extend(variables(reference.argument));
        }
    }
    names
}

/// Returns the value with its variables renamed; everything else stays byte for byte.
pub fn rename(value: &str, new_name: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(value.len());
    for piece in pieces(value) {
        match piece {
            Piece::Literal(text) => out.push_str(text),
            Piece::Dollar => out.push_str("$$"),
            Piece::Variable(reference) => {
                let name = value.get(reference.name.clone()).unwrap_or_default();
                out.push_str(value.get(reference.range.start..reference.name.start).unwrap_or_default());
                out.push_str(&new_name(name).unwrap_or_else(|| name.to_owned()));
                if reference.range.end > reference.name.end {
                    out.push_str(reference.operator);
                    out.push_str(&rename(reference.argument, new_name));
                    out.push('}');
                }
            }
        }
    }
    out
}

/// Returns the value as compose resolves it, or `None` if a required variable (`${NAME:?…}`) is missing.
pub fn resolve(value: &str, variables: &BTreeMap<String, String>) -> Option<String> {
    let mut out = String::with_capacity(value.len());
    for piece in pieces(value) {
        match piece {
            Piece::Literal(text) => out.push_str(text),
            Piece::Dollar => out.push('$'),
            Piece::Variable(reference) => {
                let set = variables.get(value.get(reference.name.clone())?);
                let filled = set.filter(|text| !text.is_empty());
                let argument = || resolve(reference.argument, variables);
                match reference.operator {
                    ":-" => out.push_str(&filled.cloned().or_else(argument)?),
                    "-" => out.push_str(&set.cloned().or_else(argument)?),
                    ":?" => out.push_str(filled?),
                    "?" => out.push_str(set?),
                    ":+" if filled.is_some() => out.push_str(&argument()?),
                    "+" if set.is_some() => out.push_str(&argument()?),
                    ":+" | "+" => {}
                    _ => out.push_str(set.map_or("", String::as_str)),
                }
            }
        }
    }
    Some(out)
}

/// Returns where the literal text behind the last variable begins; 0 without variables.
pub fn literal_tail(value: &str) -> usize {
    let mut at = 0;
    let mut end = 0;
    for piece in pieces(value) {
        at += match &piece {
            Piece::Literal(text) => text.len(),
            Piece::Dollar => 2,
            Piece::Variable(reference) => reference.range.len(),
        };
        if !matches!(piece, Piece::Literal(_)) {
            end = at;
        }
    }
    end
}

/// Returns text in which every dollar is literal.
pub fn escape(text: &str) -> String {
    text.replace('$', "$$")
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn pieces(value: &str) -> Vec<Piece<'_>> {
    let bytes = value.as_bytes();
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(found) = value.get(at..).and_then(|rest| rest.find('$')) {
        let dollar = at + found;
        let (piece, end) = if bytes.get(dollar + 1) == Some(&b'$') {
            (Piece::Dollar, dollar + 2)
        } else if let Some(reference) = reference_at(value, dollar) {
            let end = reference.range.end;
            (Piece::Variable(reference), end)
        } else {
            at = dollar + 1;
            continue;
        };
        if start < dollar {
            pieces.push(Piece::Literal(value.get(start..dollar).unwrap_or_default()));
        }
        pieces.push(piece);
        (start, at) = (end, end);
    }
    if start < value.len() {
        pieces.push(Piece::Literal(value.get(start..).unwrap_or_default()));
    }
    pieces
}

/// Reads the variable at a dollar; `None` if there is none.
fn reference_at(value: &str, dollar: usize) -> Option<Reference<'_>> {
    let bytes = value.as_bytes();
    let braced = bytes.get(dollar + 1) == Some(&b'{');
    let start = dollar + 1 + usize::from(braced);
    if !bytes.get(start).copied().is_some_and(is_name_start) {
        return None;
    }
    let length = bytes.get(start..)?.iter().take_while(|byte| is_name(**byte)).count();
    let name = start..start + length;
    if !braced {
        return Some(Reference { range: dollar..name.end, name, operator: "", argument: "" });
    }
    let rest = value.get(name.end..)?;
    let operator = [":-", ":?", ":+", "-", "?", "+"].into_iter().find(|operator| rest.starts_with(operator));
    let body = name.end + operator.map_or(0, str::len);
    let close = closing_brace(value, body)?;
    if operator.is_none() && close != body {
        return None;
    }
    let argument = value.get(body..close)?;
    Some(Reference { range: dollar..close + 1, name, operator: operator.unwrap_or(""), argument })
}

/// Returns the brace that closes the variable whose argument begins at `from`.
fn closing_brace(value: &str, from: usize) -> Option<usize> {
    let bytes = value.as_bytes();
    let mut depth = 0_usize;
    for at in from..bytes.len() {
        match bytes.get(at)? {
            b'{' if at > 0 && bytes.get(at - 1) == Some(&b'$') => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> BTreeMap<String, String> {
        [("ROOT", "/srv"), ("EMPTY", "")].map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    #[test]
    fn every_operator_resolves_as_compose_does() {
        let cases = [
            ("$ROOT/a", Some("/srv/a")),
            ("${ROOT}/a", Some("/srv/a")),
            ("${NONE}/a", Some("/a")),
            ("${NONE:-/d}", Some("/d")),
            ("${EMPTY:-/d}", Some("/d")),
            ("${EMPTY-/d}", Some("")),
            ("${NONE-${ROOT}/x}", Some("/srv/x")),
            ("${NONE:?say it}", None),
            ("${EMPTY?say it}", Some("")),
            ("${ROOT:+yes}", Some("yes")),
            ("${NONE:+yes}", Some("")),
            ("a$$b", Some("a$b")),
            ("cost: 5$", Some("cost: 5$")),
            ("${VERSION:->=0.15.0}", Some(">=0.15.0")),
        ];
        for (value, expected) in cases {
            assert_eq!(resolve(value, &values()).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn renaming_leaves_all_other_bytes() {
        let renamed = rename("a $$TRAINS_X ${TRAINS_A:->=${TRAINS_B}} $TRAINS_C, ${OTHER}", &|name| {
            name.strip_prefix("TRAINS_").map(|rest| format!("CLEARML_{rest}"))
        });
        assert_eq!(renamed, "a $$TRAINS_X ${CLEARML_A:->=${CLEARML_B}} $CLEARML_C, ${OTHER}");
    }

    #[test]
    fn variables_in_defaults_are_found_too() {
        let names: Vec<String> = variables("${A:-${B}}$$C $D").into_iter().collect();
        assert_eq!(names, ["A", "B", "D"]);
    }

    #[test]
    fn the_literal_tail_begins_behind_the_last_variable() {
        assert_eq!(literal_tail("/opt/x"), 0);
        assert_eq!(literal_tail("${A}/x"), 4);
        assert_eq!(literal_tail("/a/${A:-}/x"), 9);
    }

    proptest::proptest! {
        #[test]
        fn renaming_to_nothing_new_changes_nothing(value in "[$A-C{}:?+-]{0,24}") {
            proptest::prop_assert_eq!(rename(&value, &|_| None), value);
        }
    }
}
