//! The `.env` file beside a compose file: `TRAINS_…` names become `CLEARML_…`, all else stays.
//!
//! Source of the grammar: compose specification, "Env_file": `[export ]NAME=VALUE` (or `NAME: VALUE`), quotes, `#` comments
//! behind white space. Values in quotes may span lines; such lines are passed over as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What to do with an environment file.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The old and new root directory, if it moves: values that are a path at or below the old one follow.
    pub home: Option<(PathBuf, PathBuf)>,
    /// Names that do not change (see [`super::Variables::kept`]).
    pub kept: BTreeSet<String>,
}

/// A rewritten environment file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The new text.
    pub text: String,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// One line that sets a variable.
struct Assignment<'a> {
    /// Bytes ahead of the name: indentation and `export`.
    head: &'a str,
    name: &'a str,
    /// Separator with the white space around it.
    separator: &'a str,
    /// Everything behind the separator: value, comment, line end.
    tail: &'a str,
}

/// Rewrites an environment file.
pub fn rewrite(text: &str, request: &Request) -> Rewritten {
    let names: BTreeSet<&str> =
        lines(text).into_iter().filter_map(|line| assignment(line).map(|found| found.name)).collect();
    let mut out = String::with_capacity(text.len() + 64);
    let mut notes = Vec::new();
    for line in lines(text) {
        let Some(found) = assignment(line) else {
            out.push_str(line);
            continue;
        };
        let mut name = found.name.to_owned();
        if let Some(rest) = found.name.strip_prefix("TRAINS_").filter(|_| !request.kept.contains(found.name)) {
            let new = format!("CLEARML_{rest}");
            if names.contains(new.as_str()) {
                notes.push(format!(
                    "{} and {new} are both set; {new} is the one that the new server reads, the other line stays unused.",
                    found.name
                ));
            } else {
                name = new;
            }
        }
        let tail = moved(found.tail, request);
        if tail != found.tail {
            notes.push(format!("{name} points into the old root directory and now names the new one."));
        }
        out.push_str(found.head);
        out.push_str(&name);
        out.push_str(found.separator);
        out.push_str(&tail);
    }
    Rewritten { text: out, notes }
}

/// Returns the variables that a file sets, a later line winning over an earlier one.
///
/// Variables inside values are resolved from the lines above and from `outer`, as compose does.
pub fn values(text: &str, outer: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut known = outer.clone();
    let mut own = BTreeMap::new();
    for found in lines(text).into_iter().filter_map(assignment) {
        let (value, literal) = bare(found.tail);
        let value =
            if literal { value.to_owned() } else { super::interpolate::resolve(value, &known).unwrap_or_default() };
        if !outer.contains_key(found.name) {
            known.insert(found.name.to_owned(), value.clone());
        }
        own.insert(found.name.to_owned(), value);
    }
    own
}

/// Splits into lines that keep their ends; a quoted value that spans lines is one of them.
fn lines(text: &str) -> Vec<&str> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (bom, mut rest) = text.split_at(text.len() - body.len());
    let mut lines = vec![bom];
    while !rest.is_empty() {
        let end = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let end = assignment(rest.get(..end).unwrap_or(rest)).map_or(end, |found| {
            let start = found.head.len() + found.name.len() + found.separator.len();
            let closed = closing_quote(rest.get(start..).unwrap_or_default()).map(|at| start + at);
            match closed {
                Some(at) if at >= end => {
                    rest.get(at..).and_then(|tail| tail.find('\n')).map_or(rest.len(), |eol| at + eol + 1)
                }
                _ => end,
            }
        });
        let (line, after) = rest.split_at(end);
        lines.push(line);
        rest = after;
    }
    lines
}

/// Returns where the quote that opens a value is closed.
fn closing_quote(value: &str) -> Option<usize> {
    let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    value.get(1..)?.find(quote).map(|at| at + 1)
}

fn assignment(line: &str) -> Option<Assignment<'_>> {
    let mut start = line.len() - line.trim_start().len();
    let rest = line.get(start..)?;
    if let Some(exported) = rest.strip_prefix("export").filter(|after| after.starts_with([' ', '\t'])) {
        start = line.len() - exported.trim_start().len();
    }
    let rest = line.get(start..)?;
    let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let (name, after) = rest.split_at_checked(length)?;
    let value = after.trim_start_matches([' ', '\t']).strip_prefix(['=', ':'])?;
    let value = value.trim_start_matches([' ', '\t']);
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let separator = after.get(..after.len() - value.len())?;
    Some(Assignment { head: line.get(..start)?, name, separator, tail: value })
}

/// Returns the value without quotes and comment, and whether nothing in it is interpolated.
fn bare(tail: &str) -> (&str, bool) {
    let tail = tail.trim_end_matches(['\n', '\r']);
    for (quote, literal) in [('\'', true), ('"', false)] {
        if let Some(rest) = tail.strip_prefix(quote) {
            return rest.split_once(quote).map_or((rest, literal), |(value, _)| (value, literal));
        }
    }
    let end = tail.find(" #").or_else(|| tail.find("\t#")).unwrap_or(tail.len());
    (tail.get(..end).unwrap_or(tail).trim_end(), false)
}

/// Returns the tail with a path below the old root put below the new one.
fn moved(tail: &str, request: &Request) -> String {
    let Some((old, new)) = &request.home else { return tail.to_owned() };
    let (Some(old), Some(new)) = (old.to_str(), new.to_str()) else { return tail.to_owned() };
    let (value, _) = bare(tail);
    let Some(rest) = value.strip_prefix(old) else { return tail.to_owned() };
    if !(rest.is_empty() || rest.starts_with('/')) {
        return tail.to_owned();
    }
    tail.replacen(old, new, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str) -> Rewritten {
        rewrite(text, &Request { home: Some(("/opt/trains".into(), "/opt/clearml".into())), kept: BTreeSet::new() })
    }

    #[test]
    fn names_change_and_everything_else_stays() {
        let old = "# host of TRAINS_API\r\nexport TRAINS_HOST_IP = 10.0.0.1  # lan\r\n\nTRAINS_AGENT_GIT_PASS='a=b # c'\nPROXY=http://x\nnot a line\nTRAINS__SECURE__A=\"TRAINS_B\"";
        let new = "# host of TRAINS_API\r\nexport CLEARML_HOST_IP = 10.0.0.1  # lan\r\n\nCLEARML_AGENT_GIT_PASS='a=b # c'\nPROXY=http://x\nnot a line\nCLEARML__SECURE__A=\"TRAINS_B\"";
        let result = rewritten(old);
        assert_eq!(result.text, new);
        assert_eq!(result.notes, Vec::<String>::new());
        assert_eq!(rewritten(new).text, new);
    }

    #[test]
    fn a_name_that_exists_in_both_forms_is_left_and_told() {
        let old = "TRAINS_HOST_IP=1\nCLEARML_HOST_IP=2\n";
        let result = rewritten(old);
        assert_eq!(result.text, old);
        assert!(result.notes[0].contains("CLEARML_HOST_IP"), "{:?}", result.notes);
    }

    #[test]
    fn a_name_that_comes_from_the_shell_stays_here_too() {
        let request = Request { home: None, kept: ["TRAINS_HOST_IP".to_owned()].into() };
        assert_eq!(rewrite("TRAINS_HOST_IP=1\nTRAINS_X=2\n", &request).text, "TRAINS_HOST_IP=1\nCLEARML_X=2\n");
    }

    #[test]
    fn paths_follow_the_root_and_lookalikes_do_not() {
        let result = rewritten("A=/opt/trains\nB=\"/opt/trains/data\" # x\nC=/opt/trains2\nD=x/opt/trains\n");
        assert_eq!(result.text, "A=/opt/clearml\nB=\"/opt/clearml/data\" # x\nC=/opt/trains2\nD=x/opt/trains\n");
        assert_eq!(result.notes.len(), 2);
    }

    #[test]
    fn values_are_read_as_compose_reads_them() {
        let outer = [("HOME".to_owned(), "/root".to_owned())].into();
        let found = values("\u{feff}A=1\nexport B = \"$A-${HOME}\" # c\nC='$A'\nD=x y # z\nA=2\nE=#no\nF=\n", &outer);
        let expected = [("A", "2"), ("B", "1-/root"), ("C", "$A"), ("D", "x y"), ("E", "#no"), ("F", "")];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn a_file_without_our_names_comes_back_byte_for_byte() {
        let text = "\u{feff}A=1\r\n\r\n  # c\n=x\n1A=2\nMULTI=\"a\nTRAINS_X=b\"\n";
        assert_eq!(rewritten(text).text, text);
    }
}
