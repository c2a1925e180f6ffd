//! `dir` of redis: its options come after its configuration file, each is carried out as it is met, and a relative one
//! begins where the last one led.

use super::place::{Place, Unclear, absolute, by_default};
use super::{Process, Read, Reader};
use crate::role::Role;

const PROGRAMS: [&str; 1] = ["redis-server"];
const ENTRY_POINTS: [&str; 3] = ["docker-entrypoint.sh", "entrypoint.sh", "tini"];
/// The image's working directory, where its data are unless it is told otherwise.
const HOME: &str = Role::REDIS_DATA;
/// How deep files may include others.
const DEPTH: usize = 8;

pub(super) fn place(process: &Process, read: Reader<'_>) -> Result<Place, Unclear> {
    let mut place = by_default(if process.directory.is_empty() { HOME } else { &process.directory });
    for Line { name, value, shown } in lines(process, read)? {
        if name == "dir" {
            let path = absolute(&value, &place.path);
            place = Place { path, setting: format!("dir in {shown}") };
        }
    }
    Ok(place)
}

/// Returns the password that it asks for, if it is told one.
pub(super) fn password(process: &Process, read: Reader<'_>) -> Option<String> {
    let lines = lines(process, read).ok()?;
    lines.into_iter().rev().find(|line| line.name == "requirepass").map(|line| line.value)
}

struct Line {
    name: String,
    value: String,
    shown: String,
}

fn lines(process: &Process, read: Reader<'_>) -> Result<Vec<Line>, Unclear> {
    let arguments = process.arguments(&PROGRAMS, &ENTRY_POINTS)?;
    // An image's entry point puts the program before options, and before a file.
    let own = arguments.iter().skip_while(|word| ENTRY_POINTS.contains(&super::process::base_name(word)));
    let mut own = own.peekable();
    let mut found = Vec::new();
    if let Some(file) = own.next_if(|word| !word.starts_with('-')) {
        let directory = if process.directory.is_empty() { HOME } else { &process.directory };
        in_file(&absolute(&process.filled_in(file)?, directory), read, DEPTH, &mut found)?;
    }
    let mut open: Option<Line> = None;
    for word in own {
        match word.strip_prefix("--") {
            Some(name) => {
                found.extend(open.take());
                let (name, value) = name.split_once('=').unwrap_or((name, ""));
                let (name, value) = (name.to_ascii_lowercase(), process.filled_in(value)?);
                open = Some(Line { name, value, shown: "its command".to_owned() });
            }
            None if word == "-" => {
                return Err(Unclear::said(
                    "it reads its configuration from standard input",
                    "Mount its configuration as a file and name that in its command, then run the same command again.",
                ));
            }
            None => {
                if let Some(line) = open.as_mut().filter(|line| line.value.is_empty()) {
                    line.value = process.filled_in(word)?;
                }
            }
        }
    }
    found.extend(open);
    Ok(found)
}

fn in_file(path: &str, read: Reader<'_>, depth: usize, found: &mut Vec<Line>) -> Result<(), Unclear> {
    let (text, shown) = match read(path) {
        Read::Text { text, shown } => (text, shown),
        Read::Missing(shown) => return Err(Unclear::unreadable(&shown, "there is no such file")),
        Read::OfTheImage => return Err(Unclear::OfTheImage(path.to_owned())),
        Read::Unreadable(shown, why) => return Err(Unclear::unreadable(&shown, &why)),
    };
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let Some((name, value)) = line.split_once(char::is_whitespace) else { continue };
        let value = value.trim().trim_matches(['"', '\'']).to_owned();
        let name = name.to_ascii_lowercase();
        if name != "include" {
            found.push(Line { name, value, shown: shown.clone() });
        } else if depth == 0 || value.contains('*') {
            return Err(Unclear::unreadable(&shown, "it includes other files in a way that is not followed"));
        } else {
            in_file(&absolute(&value, HOME), read, depth - 1, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(command: &[&str]) -> Process {
        Process { command: command.iter().map(|word| (*word).to_owned()).collect(), ..Default::default() }
    }

    fn file(path: &str) -> Read {
        let text = match path {
            "/etc/redis.conf" => "# dir /no\nappendonly yes\ndir \"/conf\"\nrequirepass secret\n",
            "/etc/outer.conf" => "include /etc/redis.conf\ndir below\n",
            "/etc/round.conf" => "include /etc/round.conf\n",
            "/data/own.conf" => "DIR /own\n",
            "/etc/image.conf" => return Read::OfTheImage,
            _ => return Read::Missing(path.into()),
        };
        Read::Text { text: text.into(), shown: format!("/srv{path}") }
    }

    #[test]
    fn it_is_told_by_options_after_the_file_and_by_the_last_of_them() {
        let cases: [(&[&str], &str); 10] = [
            (&["docker-entrypoint.sh", "redis-server"], "/data by the image's default"),
            (&["docker-entrypoint.sh", "--appendonly", "yes"], "/data by the image's default"),
            (&["redis-server", "--dir", "/tmp"], "/tmp by dir in its command"),
            (&["redis-server", "--dir", "/tmp/", "--dir", "sub"], "/tmp/sub by dir in its command"),
            (&["redis-server", "--save", "60", "1", "--dir", "sub"], "/data/sub by dir in its command"),
            (&["redis-server", "/etc/redis.conf"], "/conf by dir in /srv/etc/redis.conf"),
            (&["redis-server", "own.conf"], "/own by dir in /srv/data/own.conf"),
            (&["redis-server", "/etc/redis.conf", "--dir", "/tmp"], "/tmp by dir in its command"),
            (&["redis-server", "/etc/outer.conf"], "/conf/below by dir in /srv/etc/outer.conf"),
            (&["sh", "-c", "redis-server --dir /tmp"], "/tmp by dir in its command"),
        ];
        for (command, expected) in cases {
            let place = place(&process(command), &file).unwrap();
            assert_eq!(format!("{} by {}", place.path, place.setting), expected, "{command:?}");
        }
        assert_eq!(password(&process(&["redis-server", "/etc/redis.conf"]), &file).as_deref(), Some("secret"));
        assert_eq!(password(&process(&["redis-server", "--requirepass", "own"]), &file).as_deref(), Some("own"));
        assert_eq!(password(&process(&["redis-server"]), &file), None);
    }

    #[test]
    fn a_file_that_cannot_be_read_here_is_named() {
        let cases = [
            (&["redis-server", "/no.conf"][..], "/no.conf cannot be read here"),
            (&["redis-server", "/etc/round.conf"], "it includes other files"),
            (&["redis-server", "-"], "standard input"),
        ];
        for (command, expected) in cases {
            match place(&process(command), &file) {
                Err(Unclear::Said { what, .. }) => assert!(what.contains(expected), "{what} / {expected}"),
                other => panic!("{expected}: {other:?}"),
            }
        }
        let of_the_image = place(&process(&["redis-server", "/etc/image.conf"]), &file);
        assert_eq!(of_the_image, Err(Unclear::OfTheImage("/etc/image.conf".into())));
    }
}
