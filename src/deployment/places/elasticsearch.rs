//! `path.data` of Elasticsearch 5 to 8.
//!
//! The images' entry points make `-E` of every environment variable that has a dot in its name; where the command calls
//! `elasticsearch` itself, nobody does. `-E` and `-Des.path.data` (`EnvironmentAwareCommand`) win over
//! `elasticsearch.yml`; `default.path.data` of 5.x counts last.

use super::place::{Place, Unclear, absolute, by_default, several};
use super::process::{base_name, option};
use super::{Process, Read, Reader, yaml};
use crate::compose::words::words;

const HOME: &str = "/usr/share/elasticsearch";
const PROGRAM: &str = "elasticsearch";
/// Of the images of 5.x, of later ones, and their arguments.
const ENTRY_POINTS: [&str; 5] = ["es-docker", "docker-entrypoint.sh", "eswrapper", "tini", "server"];

/// A setting and where it is from, as a phrase.
type Setting = (String, String, String);

pub(super) fn place(process: &Process, read: Reader<'_>) -> Result<Place, Unclear> {
    let arguments = process.arguments(&[PROGRAM], &ENTRY_POINTS)?;
    let settings = settings(process, &arguments)?;
    let all = |name: &'static str| settings.iter().filter(move |one| one.0 == name);
    if let Some(place) = given(all("path.data"), process)? {
        return Ok(place);
    }
    if let Some((name, _, origin)) = all("path.home").next() {
        return Err(Unclear::said(
            format!("{name} in {origin} moves everything that it has"),
            "Set path.data as well, to the directory where its data are, and run the same command again.",
        ));
    }
    let mut directories: Vec<String> = all("path.conf").map(|one| one.1.clone()).collect();
    // Read by 6.0 and later.
    directories.extend(process.environment.get("ES_PATH_CONF").cloned());
    if all("path.conf").next().is_none() {
        directories.push(format!("{HOME}/config"));
    }
    let mut found: Option<Place> = None;
    for directory in directories {
        let Some(place) = in_file(&absolute(&format!("{directory}/elasticsearch.yml"), HOME), process, read)? else {
            continue;
        };
        match &found {
            Some(other) if other.path != place.path => {
                return Err(Unclear::said(
                    format!("it is told {} by {} and {} by {}", other.path, other.setting, place.path, place.setting),
                    "Leave only the one that it uses, and run the same command again.",
                ));
            }
            _ => found = Some(place),
        }
    }
    match found {
        Some(place) => Ok(place),
        None => Ok(given(all("default.path.data"), process)?.unwrap_or_else(|| by_default(&format!("{HOME}/data")))),
    }
}

/// Returns the place that settings of one name say, which are all the same if there are several: it does not start
/// otherwise.
fn given<'a>(settings: impl Iterator<Item = &'a Setting>, process: &Process) -> Result<Option<Place>, Unclear> {
    let mut found: Option<Place> = None;
    for (name, value, origin) in settings {
        let setting = format!("{name} in {origin}");
        if value.contains(',') {
            return Err(several(&setting));
        }
        let path = absolute(&process.filled_in(value)?, home_of(process));
        match &found {
            Some(other) if other.path != path => {
                return Err(Unclear::said(
                    format!("{} says {} and {setting} says {path}", other.setting, other.path),
                    "Leave only the one that it uses, and run the same command again.",
                ));
            }
            _ => found = Some(Place { path, setting }),
        }
    }
    Ok(found)
}

/// Returns all settings that it gets besides its file.
fn settings(process: &Process, arguments: &[String]) -> Result<Vec<Setting>, Unclear> {
    let mut settings = Vec::new();
    let mut add = |pair: &str, origin: &str| {
        if let Some((name, value)) = pair.split_once('=') {
            settings.push((name.to_owned(), value.to_owned(), origin.to_owned()));
        }
    };
    let command = "its command";
    for (at, word) in arguments.iter().enumerate() {
        match word.strip_prefix("-E") {
            Some("") => arguments.get(at + 1).into_iter().for_each(|pair| add(pair, command)),
            Some(pair) => add(pair, command),
            None => {}
        }
    }
    // As up to 2.x.
    if let Some(value) = option(arguments, &["--path.data"]) {
        add(&format!("path.data={value}"), command);
    }
    let starts_itself = process.command.iter().any(|word| base_name(word) == PROGRAM)
        || process.command.iter().any(|word| words(word).iter().any(|word| base_name(word) == PROGRAM));
    for (name, value) in process.environment.iter().filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "path.data" | "path.home" | "path.conf" | "default.path.data" if !starts_itself => {
                add(&format!("{name}={value}"), "its environment");
            }
            "ES_JAVA_OPTS" => {
                for word in words(value) {
                    word.strip_prefix("-Des.").into_iter().for_each(|pair| add(pair, "its ES_JAVA_OPTS"));
                }
            }
            _ => {}
        }
    }
    Ok(settings)
}

fn in_file(path: &str, process: &Process, read: Reader<'_>) -> Result<Option<Place>, Unclear> {
    let (text, shown) = match read(path) {
        Read::Text { text, shown } => (text, shown),
        // The stock file has no path.data, and without any file it starts as well.
        Read::OfTheImage | Read::Missing(_) => return Ok(None),
        Read::Unreadable(shown, why) => return Err(Unclear::unreadable(&shown, &why)),
    };
    let value = yaml::parse(&text, &shown)?;
    let found = yaml::text(&value, "path.data", &shown, process)?;
    let Some(found) = found else { return Ok(None) };
    if found.contains(',') {
        return Err(several(&shown));
    }
    let path = absolute(&found, home_of(process));
    Ok(Some(Place { path, setting: format!("path.data in {shown}") }))
}

fn home_of(process: &Process) -> &str {
    if process.directory.is_empty() { HOME } else { &process.directory }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Command, environment, files, and what is said.
    type Case<'a> = (&'a [&'a str], Pairs<'a>, Pairs<'a>, &'a str);
    type Pairs<'a> = &'a [(&'a str, &'a str)];

    fn read(files: &[(&str, &str)], path: &str) -> Read {
        match files.iter().find(|(name, _)| *name == path) {
            Some((name, text)) => Read::Text { text: (*text).to_owned(), shown: (*name).to_owned() },
            None => Read::OfTheImage,
        }
    }

    fn told(command: &[&str], environment: &[(&str, &str)], files: &[(&str, &str)]) -> Result<String, Unclear> {
        let process = Process {
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            environment: environment
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect::<BTreeMap<_, _>>(),
            directory: String::new(),
        };
        place(&process, &|path| read(files, path)).map(|place| format!("{} by {}", place.path, place.setting))
    }

    const YML: &str = "/usr/share/elasticsearch/config/elasticsearch.yml";
    const STOCK: &[&str] = &["/bin/bash", "bin/es-docker"];

    #[test]
    fn it_is_told_by_command_environment_file_and_default_in_this_order() {
        let yml = [(YML, "path.data: /yml")];
        let cases: [Case<'_>; 14] = [
            (STOCK, &[], &[], "/usr/share/elasticsearch/data by the image's default"),
            (&[], &[], &[], "/usr/share/elasticsearch/data by the image's default"),
            (STOCK, &[("path.data", "/var/tmp/es/")], &yml, "/var/tmp/es by path.data in its environment"),
            (STOCK, &[], &yml, "/yml by path.data in /usr/share/elasticsearch/config/elasticsearch.yml"),
            (
                STOCK,
                &[],
                &[(YML, "path:\n  data: /yml\n")],
                "/yml by path.data in /usr/share/elasticsearch/config/elasticsearch.yml",
            ),
            (STOCK, &[], &[(YML, "# nothing\n")], "/usr/share/elasticsearch/data by the image's default"),
            (
                STOCK,
                &[("D", "/d")],
                &[(YML, "path.data: ${D}/es")],
                "/d/es by path.data in /usr/share/elasticsearch/config/elasticsearch.yml",
            ),
            (&["elasticsearch", "-Epath.data=/c"], &yml, &yml, "/c by path.data in its command"),
            (&["bin/elasticsearch", "-E", "path.data=/c"], &[], &[], "/c by path.data in its command"),
            (&["bin/elasticsearch", "--path.data", "/c"], &[], &[], "/c by path.data in its command"),
            (
                &["sh", "-c", "exec bin/elasticsearch -Epath.data=other"],
                &[],
                &[],
                "/usr/share/elasticsearch/other by path.data in its command",
            ),
            // Nobody makes settings of the environment then.
            (&["elasticsearch"], &[("path.data", "/e")], &[], "/usr/share/elasticsearch/data by the image's default"),
            (STOCK, &[("ES_JAVA_OPTS", "-Xmx1g -Des.path.data=/j")], &yml, "/j by path.data in its ES_JAVA_OPTS"),
            (STOCK, &[("default.path.data", "/d")], &[], "/d by default.path.data in its environment"),
        ];
        for (command, environment, files, expected) in cases {
            assert_eq!(told(command, environment, files).as_deref(), Ok(expected), "{command:?} {environment:?}");
        }
    }

    #[test]
    fn the_file_is_where_the_configuration_is() {
        let files = [("/own/elasticsearch.yml", "path.data: /yml")];
        for variable in ["path.conf", "ES_PATH_CONF"] {
            let said = told(STOCK, &[(variable, "/own")], &files).unwrap();
            assert_eq!(said, "/yml by path.data in /own/elasticsearch.yml");
        }
    }

    #[test]
    fn what_does_not_say_one_place_is_named() {
        let cases: [Case<'_>; 7] = [
            (STOCK, &[("path.data", "/a,/b")], &[], "path.data in its environment names several data directories"),
            (STOCK, &[], &[(YML, "path.data: [/a, /b]")], "names several data directories"),
            (STOCK, &[], &[(YML, "path.data: {")], "cannot be read here (it is not YAML)"),
            (STOCK, &[("path.data", "/a"), ("ES_JAVA_OPTS", "-Des.path.data=/b")], &[], "says"),
            (STOCK, &[("path.home", "/a")], &[], "path.home in its environment moves everything"),
            (STOCK, &[], &[(YML, "path.data: ${D}")], "\"${D}\" is not known"),
            (
                STOCK,
                &[("ES_PATH_CONF", "/own")],
                &[(YML, "path.data: /a"), ("/own/elasticsearch.yml", "path.data: /b")],
                "it is told /b by",
            ),
        ];
        for (command, environment, files, expected) in cases {
            match told(command, environment, files) {
                Err(Unclear::Said { what, .. }) => assert!(what.contains(expected), "{what} / {expected}"),
                other => panic!("{expected}: {other:?}"),
            }
        }
        assert_eq!(told(&["/start.sh"], &[], &[]), Err(Unclear::Wrapper("/start.sh".into())));
        let unreadable = |path: &str| Read::Unreadable(path.into(), "permission denied".into());
        let said = place(&Process::default(), &unreadable).unwrap_err();
        assert!(
            matches!(said, Unclear::Said { what, .. } if what.contains("elasticsearch.yml cannot be read here (permission denied)"))
        );
    }
}
