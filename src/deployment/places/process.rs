//! What a service's process is started with.

use super::place::Unclear;
use crate::compose::model;
use crate::compose::words::{Words, commands};
use crate::docker::{Container, Image};
use std::collections::BTreeMap;

/// Command line, environment and working directory, those of the image included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Process {
    /// Entry point and command.
    pub command: Vec<String>,
    /// Environment.
    pub environment: BTreeMap<String, String>,
    /// Where relative paths begin; empty for the image's own choice, where that is not known.
    pub directory: String,
}

impl Process {
    /// Returns what a container was created with.
    pub fn of_container(container: &Container) -> Self {
        Self {
            command: container.command.clone(),
            environment: container.environment.clone(),
            directory: container.directory.clone(),
        }
    }

    /// Returns what compose would start; `image` is what the image brings, if it is here.
    pub fn of_model(service: &model::Service, image: Option<&Image>) -> Self {
        let mut command = service.entrypoint.clone();
        // As docker does it: with an entry point of one's own, the image's command is gone, too.
        if service.entrypoint.is_empty() {
            command.extend(image.into_iter().flat_map(|image| image.entrypoint.clone()));
        }
        match (service.command.is_empty(), service.entrypoint.is_empty()) {
            (true, true) => command.extend(image.into_iter().flat_map(|image| image.command.clone())),
            (true, false) => {}
            (false, _) => command.extend(service.command.clone()),
        }
        let mut environment = image.map(|image| image.environment.clone()).unwrap_or_default();
        let own = service.environment.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        environment.extend(own);
        let directory = service.working_directory.clone();
        let directory = directory.or_else(|| image.map(|image| image.directory.clone())).unwrap_or_default();
        Self { command, environment, directory }
    }

    /// Returns the words that start one of the programs, behind its name, if they are in the command; else all words,
    /// which an image's entry point may make a call of the program from.
    ///
    /// # Errors
    /// If something else is started, which may do anything.
    pub(super) fn arguments(&self, programs: &[&str], entry_points: &[&str]) -> Result<Words, Unclear> {
        let commands = self.commands();
        let is_program = |word: &String| programs.contains(&base_name(word));
        if commands.iter().flatten().any(is_program) {
            // Of several commands with the name in them (`chown elasticsearch …`) one is the program.
            let behind =
                |words: &Words| words.iter().skip_while(|word| !is_program(word)).skip(1).cloned().collect::<Words>();
            return Ok(commands.iter().flat_map(behind).collect());
        }
        let words: Words = commands.into_iter().flatten().collect();
        match words.iter().find(|word| !base_name(word).is_empty()) {
            Some(first) if !first.starts_with('-') && !entry_points.contains(&base_name(first)) => {
                Err(Unclear::Wrapper(first.clone()))
            }
            _ => Ok(words),
        }
    }

    /// Returns the command, a shell's script cut into the commands in it.
    fn commands(&self) -> Vec<Words> {
        let shell = self.command.iter().position(|word| matches!(base_name(word), "sh" | "bash" | "dash" | "ash"));
        let rest = self.command.get(shell.map_or(0, |at| at + 1)..).unwrap_or_default();
        let script =
            rest.iter().position(|word| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c'));
        match (shell, script.and_then(|at| rest.get(at + 1))) {
            (Some(_), Some(script)) => commands(script),
            // `bash bin/es-docker`
            (Some(_), None) => vec![rest.to_vec()],
            (None, _) => vec![self.command.clone()],
        }
    }

    /// Fills in `$NAME`, `${NAME}`, `${NAME:default}` and `${NAME:-default}` from the environment.
    pub(super) fn filled_in(&self, text: &str) -> Result<String, Unclear> {
        let unclear = || {
            Unclear::said(
                format!("the value {text:?} is not known before it is started"),
                "Write the path itself in its place, or start the service so that it can be asked; then run the same command again.",
            )
        };
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            filled.push_str(before);
            let (name, default) = match after.strip_prefix('{').map(|inner| inner.split_once('}')) {
                Some(None) => return Err(unclear()),
                Some(Some((inner, behind))) => {
                    rest = behind;
                    match inner.split_once(':') {
                        Some((name, default)) => (name, Some(default.strip_prefix('-').unwrap_or(default))),
                        None => (inner, None),
                    }
                }
                None => {
                    let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
                    let (name, behind) = after.split_at(after.find(|char| !is_name(char)).unwrap_or(after.len()));
                    rest = behind;
                    (name, None)
                }
            };
            let value = self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty());
            filled.push_str(value.or(default).ok_or_else(unclear)?);
        }
        if rest.contains('`') {
            return Err(unclear());
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

/// Returns the value of an option, `--name value` or `--name=value`; of several the last.
pub(super) fn option<'a>(words: &'a [String], names: &[&str]) -> Option<&'a str> {
    let value = |(at, word): (usize, &'a String)| match word.split_once('=') {
        Some((name, value)) if names.contains(&name) => Some(value),
        _ if names.contains(&word.as_str()) => words.get(at + 1).map(String::as_str),
        _ => None,
    };
    words.iter().enumerate().filter_map(value).next_back()
}

pub(super) fn base_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(command: &[&str]) -> Process {
        Process { command: command.iter().map(|word| (*word).to_owned()).collect(), ..Default::default() }
    }

    #[test]
    fn the_words_behind_the_program_are_its_arguments_wherever_it_stands() {
        let cases: [(&[&str], &[&str]); 7] = [
            (&["sh", "-c", "chown redis-server /x && redis-server --dir /x"], &["/x", "--dir", "/x"]),
            (&["docker-entrypoint.sh", "redis-server", "--dir", "/x"], &["--dir", "/x"]),
            (&["sh", "-c", "mkdir /x; exec /usr/bin/redis-server --dir '/x'"], &["--dir", "/x"]),
            (&["/bin/bash", "-ec", "redis-server"], &[]),
            (&["docker-entrypoint.sh", "--dir", "/x"], &["docker-entrypoint.sh", "--dir", "/x"]),
            (&["--dir", "/x"], &["--dir", "/x"]),
            (&[], &[]),
        ];
        for (command, expected) in cases {
            let arguments = process(command).arguments(&["redis-server"], &["docker-entrypoint.sh"]).unwrap();
            assert_eq!(arguments, expected, "{command:?}");
        }
    }

    #[test]
    fn a_script_of_the_users_may_do_anything() {
        for command in [&["/scripts/start.sh", "--dir", "/x"][..], &["bash", "/start.sh"], &["sh", "-c", "/start.sh"]] {
            let unclear = process(command).arguments(&["redis-server"], &["docker-entrypoint.sh"]).unwrap_err();
            assert!(matches!(&unclear, Unclear::Wrapper(script) if script.ends_with("start.sh")), "{unclear:?}");
        }
    }

    #[test]
    fn what_the_image_brings_holds_until_the_file_says_otherwise() {
        let image = Image {
            entrypoint: vec!["entry".into()],
            command: vec!["mongod".into()],
            environment: BTreeMap::from([("A".into(), "image".into()), ("B".into(), "image".into())]),
            directory: "/data".into(),
            ..Default::default()
        };
        let mut service = model::Service::default();
        assert_eq!(Process::of_model(&service, Some(&image)).command, ["entry", "mongod"]);
        service.environment.insert("A".into(), Some("file".into()));
        service.command = vec!["--x".into()];
        let process = Process::of_model(&service, Some(&image));
        assert_eq!(process.command, ["entry", "--x"]);
        assert_eq!(process.environment.into_values().collect::<Vec<_>>(), ["file", "image"]);
        assert_eq!(process.directory, "/data");
        service.command.clear();
        service.entrypoint = vec!["own".into()];
        assert_eq!(Process::of_model(&service, Some(&image)).command, ["own"]);
    }

    #[test]
    fn variables_are_filled_in_or_the_value_is_not_known() {
        let mut process = process(&[]);
        process.environment.insert("DIR".into(), "/x".into());
        let cases =
            [("/a", "/a"), ("${DIR}/es", "/x/es"), ("$DIR/es", "/x/es"), ("${NO:/y}", "/y"), ("${NO:-/y}", "/y")];
        for (text, expected) in cases {
            assert_eq!(process.filled_in(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["$NO", "${NO}", "${NO", "$(pwd)", "`pwd`"] {
            assert!(process.filled_in(text).is_err(), "{text}");
        }
    }
}
