//! Completion in the wire format of cobra, which docker speaks with its plugins: lines of `value<TAB>description`, then
//! `:<directive>`, a sum of flags that tells the shell what else to offer (cobra `completions.go`).

use clap::{Arg, Command, ValueHint};
use std::fmt::Write;

/// Offer nothing but what was listed.
const NO_FILE_COMPLETION: u8 = 4;
/// The lines are file name extensions to filter by.
const FILTER_FILE_EXTENSIONS: u8 = 8;
/// Offer directories.
const FILTER_DIRECTORIES: u8 = 16;

#[derive(Debug, PartialEq, Eq)]
struct Offer {
    lines: Vec<(String, String)>,
    directive: u8,
}

/// Returns the answer for `words`, the last of which is being typed, in a built tree of commands.
pub fn answer(tree: &Command, words: &[String], descriptions: bool) -> String {
    let offer = offer(tree, words);
    let mut text = String::new();
    for (value, description) in offer.lines {
        // Writing into a String cannot fail.
        let _ = match description.lines().next() {
            Some(first) if descriptions => writeln!(text, "{value}\t{first}"),
            _ => writeln!(text, "{value}"),
        };
    }
    let _ = writeln!(text, ":{}", offer.directive);
    text
}

fn offer(tree: &Command, words: &[String]) -> Offer {
    let (typed, before) = words.split_last().map_or(("", [].as_slice()), |(last, rest)| (last.as_str(), rest));
    let mut command = tree;
    let mut awaited = None;
    for word in before {
        awaited = match awaited {
            Some(_) => None,
            None if word.starts_with('-') => option(command, word).filter(|_| !word.contains('=')),
            None => {
                command = command.find_subcommand(word).unwrap_or(command);
                None
            }
        };
    }
    match (awaited, typed.split_once('=')) {
        (Some(argument), _) => values(argument, "", typed),
        (None, Some((name, value))) if name.starts_with("--") => {
            option(command, name).map_or(nothing(), |argument| values(argument, &format!("{name}="), value))
        }
        (None, _) if typed.starts_with('-') => options(command, typed),
        (None, _) => commands(command, typed),
    }
}

fn nothing() -> Offer {
    Offer { lines: Vec::new(), directive: NO_FILE_COMPLETION }
}

/// Finds the option that `word` spells, if it takes a value.
fn option<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    let name = word.split('=').next().unwrap_or(word);
    command.get_arguments().find(|argument| {
        let long = argument.get_long().is_some_and(|long| name.strip_prefix("--") == Some(long));
        let short = argument.get_short().is_some_and(|short| name.strip_prefix('-') == Some(&short.to_string()));
        (long || short) && argument.get_action().takes_values()
    })
}

fn values(argument: &Arg, prefix: &str, typed: &str) -> Offer {
    match argument.get_value_hint() {
        ValueHint::DirPath => Offer { lines: Vec::new(), directive: FILTER_DIRECTORIES },
        ValueHint::FilePath if argument.get_id() == "file" => Offer {
            lines: vec![("yml".to_owned(), String::new()), ("yaml".to_owned(), String::new())],
            directive: FILTER_FILE_EXTENSIONS,
        },
        ValueHint::FilePath => Offer { lines: Vec::new(), directive: 0 },
        _ => {
            let possible = argument.get_possible_values();
            let lines = possible
                .iter()
                .filter(|value| value.get_name().starts_with(typed))
                .map(|value| (format!("{prefix}{}", value.get_name()), describe(value.get_help())))
                .collect();
            Offer { lines, directive: NO_FILE_COMPLETION }
        }
    }
}

fn options(command: &Command, typed: &str) -> Offer {
    let lines = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set())
        .filter_map(|argument| Some((format!("--{}", argument.get_long()?), describe(argument.get_help()))))
        .filter(|(long, _)| long.starts_with(typed))
        .collect();
    Offer { lines, directive: NO_FILE_COMPLETION }
}

fn commands(command: &Command, typed: &str) -> Offer {
    let mut lines: Vec<_> = command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set())
        .map(|sub| (sub.get_name().to_owned(), describe(sub.get_about())))
        .collect();
    let positional = command.get_positionals().flat_map(Arg::get_possible_values);
    lines.extend(positional.map(|value| (value.get_name().to_owned(), describe(value.get_help()))));
    lines.retain(|(name, _)| name.starts_with(typed));
    Offer { lines, directive: NO_FILE_COMPLETION }
}

fn describe(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::cli::command;
    use crate::invocation::Door;

    fn complete(door: Door, words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        super::answer(&command(door), &words, false)
    }

    #[test]
    fn commands_are_offered_by_their_beginning() {
        assert_eq!(complete(Door::Plugin, &["mig"]), "migrate\n:4\n");
        assert_eq!(complete(Door::Plugin, &["migrate", "ro"]), "rollback\n:4\n");
        assert_eq!(complete(Door::Standalone, &["--home", "check", "st"]), "status\n:4\n");
        assert_eq!(complete(Door::Plugin, &["migrate", "nonsense"]), ":4\n");
    }

    #[test]
    fn options_are_those_of_the_command() {
        assert_eq!(complete(Door::Hyphen, &["rollback", "--no"]), "--no-start\n:4\n");
        assert_eq!(complete(Door::Hyphen, &["--no"]), "--no-backup\n:4\n");
        assert_eq!(complete(Door::Hyphen, &["rollback", "--pro"]), "--project-name\n--project-directory\n:4\n");
    }

    #[test]
    fn values_are_listed_or_left_to_the_shell() {
        assert_eq!(complete(Door::Standalone, &["--backup", ""]), "all\nelastic\nnone\n:4\n");
        assert_eq!(complete(Door::Standalone, &["--backup=e"]), "--backup=elastic\n:4\n");
        assert_eq!(complete(Door::Standalone, &["--home", ""]), ":16\n");
        assert_eq!(complete(Door::Standalone, &["-f", ""]), "yml\nyaml\n:8\n");
        assert_eq!(complete(Door::Standalone, &["--env-file", ""]), ":0\n");
        assert_eq!(complete(Door::Standalone, &["shell-init", "z"]), "zsh\n:4\n");
        assert_eq!(complete(Door::Plugin, &["migrate", "import", "--verify", ""]), "api\ncounts\n:4\n");
        assert_eq!(complete(Door::Hyphen, &["import", "-i", ""]), ":16\n");
        assert_eq!(complete(Door::Hyphen, &["import", "--target", ""]), ":4\n");
    }

    #[test]
    fn descriptions_follow_a_tab() {
        let words = ["migrate".to_owned(), "stat".to_owned()];
        let text = super::answer(&command(Door::Plugin), &words, true);
        assert_eq!(text, "status\tTell where a migration stands\n:4\n");
    }
}
