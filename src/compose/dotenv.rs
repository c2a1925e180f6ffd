//! The `.env` file beside a compose file: `TRAINS_…` names become `CLEARML_…`, in values too; all else stays.
//!
//! Source of the grammar: compose specification, "Env_file": `[export ]NAME=VALUE` (or `NAME: VALUE`), quotes, `#` comments
//! behind white space. Values in quotes may span lines; such lines are passed over as they are.

use super::dotenv_value::{Tail, closing_quote};
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
    let own: Vec<Assignment<'_>> = lines(text).into_iter().filter_map(assignment).collect();
    let names: BTreeSet<&str> = own.iter().map(|found| found.name).collect();
    let new_name = |name: &str| {
        let rest = name.strip_prefix("TRAINS_").filter(|_| !request.kept.contains(name))?;
        let new = format!("CLEARML_{rest}");
        (!names.contains(new.as_str()) || !names.contains(name)).then_some(new)
    };
    let separator = own.iter().rev().find(|found| found.name == "COMPOSE_PATH_SEPARATOR");
    let separator = separator.map(|found| Tail::parse(found.tail).resolve(&BTreeMap::new()));
    let separator = separator.unwrap_or_else(|| if cfg!(windows) { ";" } else { ":" }.to_owned());
    let mut out = String::with_capacity(text.len() + 64);
    let mut notes = Vec::new();
    for line in lines(text) {
        let Some(found) = assignment(line) else {
            out.push_str(line);
            continue;
        };
        let name = new_name(found.name).unwrap_or_else(|| found.name.to_owned());
        let renamed = Tail::parse(found.tail).renamed(&new_name);
        let list = (found.name == "COMPOSE_FILE").then_some(separator.as_str());
        let tail = request.home.as_ref().map(|home| Tail::parse(&renamed).moved(home, list));
        if let Some(moved) = tail.as_ref().filter(|moved| **moved != renamed) {
            let what = if list.is_some_and(|list| moved.contains(list)) { "names files" } else { "points" };
            notes.push(format!("{name} {what} into the old root directory and now names the new one."));
        }
        out.push_str(found.head);
        out.push_str(&name);
        out.push_str(found.separator);
        out.push_str(&tail.unwrap_or(renamed));
    }
    Rewritten { text: out, notes }
}

/// Returns a file with other values: `new_value` gets the number of the line, the name, and the value as it is written,
/// without its quotes. Names and everything else stay.
pub fn with_values(text: &str, mut new_value: impl FnMut(usize, &str, &str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut number = 1;
    for line in lines(text) {
        let found = assignment(line).and_then(|found| {
            let tail = Tail::parse(found.tail);
            let new = new_value(number, found.name, tail.written())?;
            Some(format!("{}{}{}{}", found.head, found.name, found.separator, tail.with(&new)))
        });
        out.push_str(found.as_deref().unwrap_or(line));
        number += line.matches('\n').count();
    }
    out
}

/// Returns the names of the variables that a file sets.
pub fn names(text: &str) -> BTreeSet<String> {
    lines(text).into_iter().filter_map(|line| Some(assignment(line)?.name.to_owned())).collect()
}

/// Returns the variables that a file sets, a later line winning over an earlier one.
///
/// Variables inside values are resolved from the lines above and from `outer`, as compose does.
pub fn values(text: &str, outer: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut known = outer.clone();
    let mut own = BTreeMap::new();
    for found in lines(text).into_iter().filter_map(assignment) {
        let value = Tail::parse(found.tail).resolve(&known);
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
    fn a_name_that_exists_in_both_forms_keeps_them_in_values_too() {
        let old = "TRAINS_HOST_IP=1\nCLEARML_HOST_IP=2\nTRAINS_URL=http://$TRAINS_HOST_IP/${CLEARML_HOST_IP}\n";
        assert_eq!(rewritten(old).text, old.replace("TRAINS_URL", "CLEARML_URL"));
    }

    #[test]
    fn values_follow_the_names_and_the_root() {
        let old = "TRAINS_HOST_IP=10.0.0.1\nTRAINS_FILES_HOST=http://${TRAINS_HOST_IP}:8081\nTRAINS_DATA=/opt/trains/data\nES=\"${TRAINS_DATA}/elastic\"\nCOMPOSE_FILE=/opt/trains/a.yml:/opt/trains/b.yml\n";
        let result = rewritten(old);
        insta::assert_snapshot!(result.text, @r#"
        CLEARML_HOST_IP=10.0.0.1
        CLEARML_FILES_HOST=http://${CLEARML_HOST_IP}:8081
        CLEARML_DATA=/opt/clearml/data
        ES="${CLEARML_DATA}/elastic"
        COMPOSE_FILE=/opt/clearml/a.yml:/opt/clearml/b.yml
        "#);
        insta::assert_snapshot!(result.notes.join("\n"), @r"
        CLEARML_DATA points into the old root directory and now names the new one.
        COMPOSE_FILE names files into the old root directory and now names the new one.
        ");
        let (before, after) = (values(old, &BTreeMap::new()), values(&result.text, &BTreeMap::new()));
        assert_eq!(before["TRAINS_FILES_HOST"], after["CLEARML_FILES_HOST"]);
        assert_eq!(before["ES"].replace("trains", "clearml"), after["ES"]);
        assert_eq!(rewritten(&result.text).text, result.text);
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
    fn values_are_replaced_in_their_places() {
        let text = "\u{feff}# A=1\nexport A = '1' # one\nB=\"x\ny\"\nC=2\r\nD";
        let mut seen = Vec::new();
        let new = with_values(text, |line, name, value| {
            seen.push(format!("{line} {name} {value}"));
            (name != "B").then(|| format!("{value}0"))
        });
        assert_eq!(new, "\u{feff}# A=1\nexport A = '10' # one\nB=\"x\ny\"\nC=20\r\nD");
        assert_eq!(seen, ["2 A 1", "3 B x\ny", "5 C 2"]);
        assert_eq!(with_values(text, |_, _, _| None), text);
    }

    #[test]
    fn a_file_without_our_names_comes_back_byte_for_byte() {
        let text = "\u{feff}A=1\r\n\r\n  # c\n=x\n1A=2\nMULTI=\"a\nTRAINS_X=b\"\n";
        assert_eq!(rewritten(text).text, text);
    }
}
