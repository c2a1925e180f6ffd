//! What the program said, without what is different each time.

use crate::harness::call::Outcome;
use crate::harness::machine::Machine;

/// The findings that refuse and the error after them, as users read them.
pub fn reasons(machine: &Machine, outcome: &Outcome) -> String {
    let findings: Vec<&str> = outcome
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with("refused"))
        .take_while(|line| !line.starts_with("warning"))
        .collect();
    plain(machine, &format!("{}\n{}", findings.join("\n").trim_end(), from(&outcome.stderr, "Error:")))
}

/// What was said on standard error from the line on that begins like this.
pub fn from<'a>(text: &'a str, begin: &str) -> &'a str {
    let at = text.match_indices(begin).map(|(at, _)| at).find(|at| *at == 0 || text.as_bytes()[at - 1] == b'\n');
    &text[at.unwrap_or_else(|| panic!("no line begins with {begin}: {text}"))..]
}

/// The text with this machine's paths, process ids, numbers of files and the run's time replaced by words.
pub fn plain(machine: &Machine, text: &str) -> String {
    let text = machine.redacted(text.trim());
    let text = without_numbers_after(&text, "process ", "[pid]");
    // How many files a node has made is its own affair.
    let text = without_numbers_after(&text, ") and ", "[number]");
    let mut out = String::new();
    for (number, line) in text.lines().enumerate() {
        out.push_str(if number == 0 { "" } else { "\n" });
        out.push_str(&without_stamps(line));
    }
    out
}

fn without_numbers_after(text: &str, before: &str, word: &str) -> String {
    let mut parts = text.split(before);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|character: char| character.is_ascii_digit());
        out.push_str(before);
        out.push_str(if rest.len() < part.len() { word } else { "" });
        out.push_str(rest);
    }
    out
}

/// Replaces `2026-11-22_18-30-00`.
fn without_stamps(line: &str) -> String {
    const SHAPE: &str = "dddd-dd-dd_dd-dd-dd";
    let bytes = line.as_bytes();
    let is_stamp = |at: usize| {
        bytes.get(at..at + SHAPE.len()).is_some_and(|part| {
            part.iter()
                .zip(SHAPE.bytes())
                .all(|(byte, kind)| if kind == b'd' { byte.is_ascii_digit() } else { *byte == kind })
        })
    };
    let (mut out, mut at, mut kept) = (String::new(), 0, 0);
    while at < bytes.len() {
        if is_stamp(at) {
            out.push_str(&line[kept..at]);
            out.push_str("[stamp]");
            at += SHAPE.len();
            kept = at;
        } else {
            at += 1;
        }
    }
    out + &line[kept..]
}

/// Takes what is to be typed out of a message: from `begin` to the end of its line or sentence.
pub fn command(said: &str, begin: &str) -> String {
    let found = said.lines().find_map(|line| Some(&line[line.find(begin)?..]));
    let found = found.unwrap_or_else(|| panic!("it does not say {begin}: {said}"));
    found.split("; the other").next().unwrap_or(found).trim_end_matches('.').to_owned()
}
