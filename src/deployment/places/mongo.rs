//! `dbPath` of mongod: an option, or `storage.dbPath` of its configuration file, in YAML or the older `dbpath = …`.

use super::place::{Place, Unclear, absolute, by_default};
use super::process::option;
use super::{Process, Read, Reader, yaml};
use crate::role::Role;
use serde_json::Value;

const PROGRAMS: [&str; 1] = ["mongod"];
const ENTRY_POINTS: [&str; 3] = ["docker-entrypoint.sh", "entrypoint.sh", "tini"];

pub(super) fn place(process: &Process, read: Reader<'_>) -> Result<Place, Unclear> {
    let arguments = process.arguments(&PROGRAMS, &ENTRY_POINTS)?;
    if let Some(path) = option(&arguments, &["--dbpath"]) {
        let path = absolute(&process.filled_in(path)?, &process.directory);
        return Ok(Place { path, setting: "--dbpath in its command".to_owned() });
    }
    let mut configuration_server = arguments.iter().any(|word| word == "--configsvr");
    if let Some(file) = option(&arguments, &["--config", "-f"]) {
        let file = absolute(&process.filled_in(file)?, &process.directory);
        let (found, is_configuration_server) = in_file(&file, process, read)?;
        if let Some(place) = found {
            return Ok(place);
        }
        configuration_server |= is_configuration_server;
    }
    Ok(by_default(if configuration_server { Role::MONGO_CONFIGDB } else { Role::MONGO_DATA }))
}

fn in_file(file: &str, process: &Process, read: Reader<'_>) -> Result<(Option<Place>, bool), Unclear> {
    let (text, shown) = match read(file) {
        Read::Text { text, shown } => (text, shown),
        Read::Missing(shown) => return Err(Unclear::unreadable(&shown, "there is no such file")),
        Read::OfTheImage => return Err(Unclear::OfTheImage(file.to_owned())),
        Read::Unreadable(shown, why) => return Err(Unclear::unreadable(&shown, &why)),
    };
    let of_an_option = |name: &str| {
        let pairs = text.lines().filter_map(|line| line.split('#').next()?.split_once('='));
        let mut values = pairs.filter(|(found, _)| found.trim() == name).map(|(_, value)| value.trim().to_owned());
        values.next()
    };
    let (path, configuration_server) = match yaml::parse(&text, &shown) {
        Ok(value @ (Value::Object(_) | Value::Null)) => (
            yaml::text(&value, "storage.dbPath", &shown, process)?,
            yaml::text(&value, "sharding.clusterRole", &shown, process)?.as_deref() == Some("configsvr"),
        ),
        _ if text.contains('=') => (of_an_option("dbpath"), of_an_option("configsvr").as_deref() == Some("true")),
        Ok(_) => return Err(Unclear::unreadable(&shown, "it has no settings")),
        Err(unclear) => return Err(unclear),
    };
    let place =
        |path: String| Place { path: absolute(&path, &process.directory), setting: format!("dbPath in {shown}") };
    Ok((path.map(place), configuration_server))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(command: &[&str], text: &str) -> Result<String, Unclear> {
        let process =
            Process { command: command.iter().map(|word| (*word).to_owned()).collect(), ..Default::default() };
        let read = |path: &str| match (path, text) {
            ("/etc/mongod.conf", "") => Read::OfTheImage,
            ("/etc/mongod.conf", text) => Read::Text { text: text.into(), shown: "/srv/mongod.conf".into() },
            _ => Read::Missing(path.into()),
        };
        place(&process, &read).map(|place| format!("{} by {}", place.path, place.setting))
    }

    #[test]
    fn it_is_told_by_option_file_and_default_in_this_order() {
        let by_option = &["docker-entrypoint.sh", "mongod", "--dbpath", "/x/"][..];
        let by_file = &["mongod", "--config", "/etc/mongod.conf"][..];
        let yaml = "storage:\n  dbPath: /y\n  journal: {enabled: true}\n";
        let cases: [(&[&str], &str, &str); 11] = [
            (&["docker-entrypoint.sh", "mongod", "--setParameter", "a=1"], "", "/data/db by the image's default"),
            (&["docker-entrypoint.sh", "--setParameter", "a=1"], "", "/data/db by the image's default"),
            (&["mongod", "--configsvr"], "", "/data/configdb by the image's default"),
            (by_option, "", "/x by --dbpath in its command"),
            (&["--dbpath=/x", "-f", "/etc/mongod.conf"], yaml, "/x by --dbpath in its command"),
            (by_file, yaml, "/y by dbPath in /srv/mongod.conf"),
            (&["mongod", "-f", "/etc/mongod.conf"], "storage.dbPath: /y", "/y by dbPath in /srv/mongod.conf"),
            (
                &["mongod", "--config=/etc/mongod.conf"],
                "# old\ndbpath = /y # here\nport=1",
                "/y by dbPath in /srv/mongod.conf",
            ),
            (by_file, "net: {port: 27017}", "/data/db by the image's default"),
            (by_file, "sharding: {clusterRole: configsvr}", "/data/configdb by the image's default"),
            (by_file, "# nothing", "/data/db by the image's default"),
        ];
        for (command, text, expected) in cases {
            assert_eq!(told(command, text).as_deref(), Ok(expected), "{command:?}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_here_is_named() {
        let cases = [
            (&["mongod", "-f", "/no.conf"][..], "", "/no.conf cannot be read here (there is no such file)"),
            (&["mongod", "-f", "/etc/mongod.conf"], "storage: {dbPath: {__exec: x}}", "its storage.dbPath is no text"),
            (&["mongod", "-f", "/etc/mongod.conf"], "{", "it is not YAML"),
            (&["mongod", "-f", "/etc/mongod.conf"], "hello", "it has no settings"),
        ];
        for (command, text, expected) in cases {
            match told(command, text) {
                Err(Unclear::Said { what, .. }) => assert!(what.contains(expected), "{what} / {expected}"),
                other => panic!("{expected}: {other:?}"),
            }
        }
        let of_the_image = told(&["mongod", "-f", "/etc/mongod.conf"], "");
        assert_eq!(of_the_image, Err(Unclear::OfTheImage("/etc/mongod.conf".into())));
        assert_eq!(told(&["/start.sh"], ""), Err(Unclear::Wrapper("/start.sh".into())));
    }
}
