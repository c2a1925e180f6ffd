//! Mistakes on the command line that are easily made here, answered with what was meant.

use crate::invocation::{Door, is_global};
use clap::Command;
use clap::error::{ContextKind, ErrorKind};
use std::ffi::{OsStr, OsString};

/// The command that holds all others at [`Door::Plugin`].
pub(super) const MIGRATE: &str = "migrate";

/// Returns clap's error, or a better one where it is known what was meant.
pub(super) fn explain(error: clap::Error, tree: &Command, door: Door, words: &[OsString]) -> clap::Error {
    if !matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand) {
        return error;
    }
    let meant = parallel_with_value(&error, words)
        .or_else(|| global_behind_the_name(&error, words))
        .or_else(|| without_migrate(tree, door, words))
        .or_else(|| option_without_dashes(&error, tree, door));
    meant.map_or(error, |message| clap::Error::raw(ErrorKind::UnknownArgument, message + "\n"))
}

/// `elastic -p NAME`: elsewhere, that is the name of the project.
fn parallel_with_value(error: &clap::Error, words: &[OsString]) -> Option<String> {
    let behind = words.iter().position(|word| word == "elastic").and_then(|at| words.get(at + 1..))?;
    let unexpected = context(error, ContextKind::InvalidArg)?;
    let is_meant = |two: &[OsString]| matches!(two, [option, value] if option == "-p" && *value == *unexpected);
    behind.windows(2).any(is_meant).then(|| {
        "-p means --parallel behind `elastic` and takes no value; a project name has no meaning here".to_owned()
    })
}

/// `clearml migrate --context x`: docker's own options stand before the name.
fn global_behind_the_name(error: &clap::Error, words: &[OsString]) -> Option<String> {
    let word = words.iter().filter_map(|word| word.to_str()).find(|word| word.starts_with('-') && is_global(word))?;
    error.to_string().contains(word).then(|| {
        format!("{word} is an option of docker: put it before the name, as in `docker {word} … clearml migrate`")
    })
}

/// `docker clearml rollback`, `docker clearml --dry-run`: the word in between was left out.
fn without_migrate(tree: &Command, door: Door, words: &[OsString]) -> Option<String> {
    let missing = door == Door::Plugin && words.first().is_some_and(|first| first != MIGRATE);
    let whole: Vec<OsString> = std::iter::once(MIGRATE.into()).chain(words.iter().cloned()).collect();
    let would_do = missing && tree.clone().try_get_matches_from(&whole).is_ok();
    would_do.then(|| {
        let typed: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        format!("the word `{MIGRATE}` is missing; what was meant is: {} {}", door.command(), typed.join(" "))
    })
}

/// `dry-run`: a word that is an option.
fn option_without_dashes(error: &clap::Error, tree: &Command, door: Door) -> Option<String> {
    let word = context(error, ContextKind::InvalidSubcommand)?;
    let migrate = if door == Door::Plugin { tree.find_subcommand(MIGRATE)? } else { tree };
    let known = migrate.get_arguments().any(|argument| argument.get_long().is_some_and(|long| *word == *long));
    known.then(|| format!("{} is an option: --{0}", word.to_string_lossy()))
}

fn context(error: &clap::Error, kind: ContextKind) -> Option<OsString> {
    error.get(kind).map(|value| OsStr::new(&value.to_string()).to_owned())
}
