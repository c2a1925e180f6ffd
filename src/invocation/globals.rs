//! Docker's global options, which stand before the name of the plugin and which a plugin must honour.
//!
//! The set and the arity are those of docker/cli `cli/flags/options.go` (`InstallFlags`), the notation that of pflag:
//! `--name value`, `--name=value`, `-n value`, `-nvalue`, `-n=value`, and bundles such as `-Dc value`.

use crate::error::{Error, Result};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The values of docker's global options.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Globals {
    /// `--config`: directory of docker's client configuration.
    pub config: Option<PathBuf>,
    /// `-c`, `--context`: name of the context that says which daemon to use.
    pub context: Option<String>,
    /// `-D`, `--debug`.
    pub debug: bool,
    /// `-H`, `--host`: the daemon's address, such as `unix:///var/run/docker.sock`.
    pub host: Option<String>,
    /// `-l`, `--log-level`.
    pub log_level: Option<String>,
    /// `--tls`.
    pub tls: bool,
    /// `--tlscacert`.
    pub tlscacert: Option<PathBuf>,
    /// `--tlscert`.
    pub tlscert: Option<PathBuf>,
    /// `--tlskey`.
    pub tlskey: Option<PathBuf>,
    /// `--tlsverify`; `None` when it was not given.
    pub tlsverify: Option<bool>,
}

/// One global option; the order is that of [`Globals::to_args`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Config,
    Context,
    Debug,
    Host,
    LogLevel,
    Tls,
    TlsCaCert,
    TlsCert,
    TlsKey,
    TlsVerify,
}

/// The names that take a value, by their long spelling.
const LONG: [(&str, Name); 10] = [
    ("config", Name::Config),
    ("context", Name::Context),
    ("debug", Name::Debug),
    ("host", Name::Host),
    ("log-level", Name::LogLevel),
    ("tls", Name::Tls),
    ("tlscacert", Name::TlsCaCert),
    ("tlscert", Name::TlsCert),
    ("tlskey", Name::TlsKey),
    ("tlsverify", Name::TlsVerify),
];

const SHORT: [(char, Name); 4] = [('c', Name::Context), ('D', Name::Debug), ('H', Name::Host), ('l', Name::LogLevel)];

impl Name {
    fn is_switch(self) -> bool {
        matches!(self, Self::Debug | Self::Tls | Self::TlsVerify)
    }
}

/// Tells whether `word` is spelled like one of docker's global options.
pub fn is_global(word: &str) -> bool {
    match word.strip_prefix("--") {
        Some(long) => find_long(long.split('=').next().unwrap_or(long)).is_some(),
        None => word.strip_prefix('-').and_then(|short| short.chars().next()).and_then(find_short).is_some(),
    }
}

fn find_long(name: &str) -> Option<Name> {
    LONG.iter().find(|(long, _)| *long == name).map(|(_, name)| *name)
}

fn find_short(letter: char) -> Option<Name> {
    SHORT.iter().find(|(short, _)| *short == letter).map(|(_, name)| *name)
}

impl Globals {
    /// Takes docker's global options off the front of `words`, up to the first word that is none.
    ///
    /// # Errors
    /// Fails when an option lacks its value, when a value is no text or no boolean, or when `-H` is given twice.
    pub fn take(words: &mut VecDeque<OsString>) -> Result<Self> {
        let mut globals = Self::default();
        while let Some(word) = words.front().and_then(|word| word.to_str()).filter(|word| is_global(word)) {
            let word = word.to_owned();
            words.pop_front();
            match word.strip_prefix("--") {
                Some(long) => globals.take_long(long, words)?,
                None => globals.take_bundle(word.trim_start_matches('-'), words)?,
            }
        }
        if words.front().is_some_and(|word| word == "--") {
            words.pop_front();
        }
        Ok(globals)
    }

    fn take_long(&mut self, long: &str, words: &mut VecDeque<OsString>) -> Result<()> {
        let (spelling, glued) = match long.split_once('=') {
            Some((spelling, value)) => (spelling, Some(value)),
            None => (long, None),
        };
        let shown = format!("--{spelling}");
        let Some(name) = find_long(spelling) else { return Err(unknown(&shown)) };
        match glued {
            Some(value) => self.set(name, &shown, value.into()),
            None if name.is_switch() => self.set(name, &shown, "true".into()),
            None => self.set(name, &shown, following(&shown, words)?),
        }
    }

    /// Reads a bundle of short options: switches up to the first letter that takes a value, which owns the rest.
    fn take_bundle(&mut self, bundle: &str, words: &mut VecDeque<OsString>) -> Result<()> {
        let mut rest = bundle.chars();
        while let Some(letter) = rest.next() {
            let shown = format!("-{letter}");
            let Some(name) = find_short(letter) else { return Err(unknown(&shown)) };
            let glued = rest.as_str();
            if let Some(value) = glued.strip_prefix('=') {
                return self.set(name, &shown, value.into());
            }
            if name.is_switch() {
                self.set(name, &shown, "true".into())?;
                continue;
            }
            let value = if glued.is_empty() { following(&shown, words)? } else { glued.into() };
            return self.set(name, &shown, value);
        }
        Ok(())
    }

    fn set(&mut self, name: Name, shown: &str, value: OsString) -> Result<()> {
        match name {
            Name::Config => self.config = Some(value.into()),
            Name::TlsCaCert => self.tlscacert = Some(value.into()),
            Name::TlsCert => self.tlscert = Some(value.into()),
            Name::TlsKey => self.tlskey = Some(value.into()),
            Name::Context => self.context = Some(text(shown, value)?),
            Name::LogLevel => self.log_level = Some(text(shown, value)?),
            Name::Host if self.host.is_some() => {
                return Err(Error::usage(format!("{shown} was given twice."))
                    .hint("Docker uses one daemon at a time: give -H/--host once."));
            }
            Name::Host => self.host = Some(text(shown, value)?),
            Name::Debug => self.debug = boolean(shown, value)?,
            Name::Tls => self.tls = boolean(shown, value)?,
            Name::TlsVerify => self.tlsverify = Some(boolean(shown, value)?),
        }
        Ok(())
    }

    /// Returns the same options with their paths joined to `directory`, for a call from elsewhere.
    #[must_use]
    pub fn absolute(&self, directory: &Path) -> Self {
        let joined = |path: &Option<PathBuf>| path.as_ref().map(|path| directory.join(path));
        Self {
            config: joined(&self.config),
            tlscacert: joined(&self.tlscacert),
            tlscert: joined(&self.tlscert),
            tlskey: joined(&self.tlskey),
            ..self.clone()
        }
    }

    /// Returns the options as arguments, to call docker the way we were called.
    pub fn to_args(&self) -> Vec<OsString> {
        let mut args = Vec::new();
        let paths = [
            ("--config", &self.config),
            ("--tlscacert", &self.tlscacert),
            ("--tlscert", &self.tlscert),
            ("--tlskey", &self.tlskey),
        ];
        for (option, path) in paths {
            if let Some(path) = path {
                args.extend([option.into(), path.clone().into_os_string()]);
            }
        }
        for (option, value) in [("--context", &self.context), ("--host", &self.host), ("--log-level", &self.log_level)]
        {
            if let Some(value) = value {
                args.extend([OsString::from(option), value.into()]);
            }
        }
        if self.debug {
            args.push("--debug".into());
        }
        if self.tls {
            args.push("--tls".into());
        }
        if let Some(verify) = self.tlsverify {
            args.push(format!("--tlsverify={verify}").into());
        }
        args
    }
}

fn unknown(shown: &str) -> Error {
    Error::usage(format!("{shown} is not one of docker's global options."))
        .hint("Options of the migration come after its name: docker clearml migrate --help")
}

fn following(shown: &str, words: &mut VecDeque<OsString>) -> Result<OsString> {
    words
        .pop_front()
        .ok_or_else(|| Error::usage(format!("{shown} needs a value.")).hint("See the global options in: docker --help"))
}

fn text(shown: &str, value: OsString) -> Result<String> {
    value.into_string().map_err(|value| {
        Error::usage(format!("The value of {shown} is not valid UTF-8: {}.", value.to_string_lossy()))
            .hint("Give it in plain characters.")
    })
}

/// Reads a boolean as Go's `strconv.ParseBool` does.
fn boolean(shown: &str, value: OsString) -> Result<bool> {
    match value.to_str() {
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
        _ => Err(Error::usage(format!("The value of {shown} is neither true nor false: {}.", value.display()))
            .hint(format!("Give {shown} alone, or {shown}=false."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(line: &str) -> Result<(Globals, Vec<String>)> {
        let mut words: VecDeque<OsString> = line.split_whitespace().map(OsString::from).collect();
        let globals = Globals::take(&mut words)?;
        Ok((globals, words.into_iter().map(|word| word.into_string().unwrap()).collect()))
    }

    #[test]
    fn every_notation_of_a_value_is_understood() {
        for line in ["--context x w", "--context=x w", "-c x w", "-cx w", "-c=x w"] {
            let (globals, rest) = take(line).unwrap();
            assert_eq!(globals, Globals { context: Some("x".into()), ..Globals::default() }, "{line}");
            assert_eq!(rest, ["w"], "{line}");
        }
    }

    #[test]
    fn a_bundle_is_read_letter_by_letter() {
        for line in ["-DH tcp://h w", "-DHtcp://h w", "-D -H=tcp://h w"] {
            let (globals, rest) = take(line).unwrap();
            assert!(globals.debug, "{line}");
            assert_eq!(globals.host.as_deref(), Some("tcp://h"), "{line}");
            assert_eq!(rest, ["w"], "{line}");
        }
    }

    #[test]
    fn a_value_may_look_like_a_name_or_an_option() {
        let (globals, rest) = take("--context clearml clearml migrate").unwrap();
        assert_eq!(globals.context.as_deref(), Some("clearml"));
        assert_eq!(rest, ["clearml", "migrate"]);
        assert_eq!(take("--config -D w").unwrap().0.config, Some("-D".into()));
    }

    #[test]
    fn switches_take_no_following_value() {
        let (globals, rest) = take("--tls --tlsverify=false --debug=0 true").unwrap();
        assert!(globals.tls && !globals.debug);
        assert_eq!(globals.tlsverify, Some(false));
        assert_eq!(rest, ["true"]);
    }

    #[test]
    fn mistakes_are_refused_with_the_option_named() {
        for (line, part) in [
            ("-H a -H b w", "-H was given twice"),
            ("--context", "--context needs a value"),
            ("--tls=maybe w", "neither true nor false"),
            ("-Dx w", "-x is not one of"),
        ] {
            let error = take(line).unwrap_err();
            assert!(error.message().contains(part), "{line}: {error}");
            assert!(!error.hints().is_empty(), "{line}");
        }
    }

    #[test]
    fn the_first_foreign_word_ends_the_options() {
        assert_eq!(
            take("--dry-run -c x").unwrap(),
            (Globals::default(), vec!["--dry-run".into(), "-c".into(), "x".into()])
        );
        assert_eq!(take("-D -- clearml").unwrap().1, ["clearml"]);
    }

    #[test]
    fn arguments_made_of_the_options_mean_the_same() {
        let line = "--config d --tlscacert a --tlscert b --tlskey k -c x -H unix:///s -l info -D --tls --tlsverify w";
        let (globals, _) = take(line).unwrap();
        let mut words: VecDeque<OsString> = globals.to_args().into();
        assert_eq!(words.len(), 17);
        assert_eq!(Globals::take(&mut words).unwrap(), globals);
        assert!(words.is_empty());
    }
}
