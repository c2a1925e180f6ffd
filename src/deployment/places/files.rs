//! Configuration files of a container, read where they are mounted from.

use super::super::Mount;
use super::super::below;
use std::io::ErrorKind;
use std::path::PathBuf;

/// What became of reading a file in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// Its text, and what it is called for people: the path on this host, where it is mounted from there.
    Text {
        /// All of it.
        text: String,
        /// The name.
        shown: String,
    },
    /// It is a file of the image, or there is none.
    OfTheImage,
    /// It is mounted, and missing there.
    Missing(String),
    /// It is mounted and cannot be read here: its name, and why.
    Unreadable(String, String),
}

/// Reads a file by its path in the container.
pub type Reader<'a> = &'a dyn Fn(&str) -> Read;

/// Reads a file of a container with these mounts.
pub fn mounted(mounts: &[Mount], path: &str) -> Read {
    let around = mounts.iter().filter_map(|mount| Some((mount, below(path, &mount.target)?)));
    let Some((mount, rest)) = around.max_by_key(|(mount, _)| mount.target.trim_end_matches('/').len()) else {
        return Read::OfTheImage;
    };
    let Some(source) = mount.storage.path() else {
        return Read::Unreadable(path.to_owned(), format!("{} is mounted there", mount.storage));
    };
    let file: PathBuf = if rest.is_empty() { source.to_owned() } else { source.join(rest) };
    let shown = file.display().to_string();
    match std::fs::read(&file) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Read::Text { text, shown },
            Err(_) => Read::Unreadable(shown, "it is not UTF-8".to_owned()),
        },
        Err(cause) if cause.kind() == ErrorKind::NotFound => Read::Missing(shown),
        Err(cause) => Read::Unreadable(shown, reason(&cause)),
    }
}

fn reason(cause: &std::io::Error) -> String {
    let text = cause.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::Storage;

    #[test]
    fn a_file_is_read_from_the_nearest_mount_and_told_from_one_of_the_image() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("redis.conf"), "dir /x").unwrap();
        std::fs::create_dir(dir.path().join("folder")).unwrap();
        let mount = |target: &str, storage| Mount { target: target.into(), storage, read_only: true };
        let bind = |name: &str| Storage::Bind { path: dir.path().join(name) };
        let mounts = [
            mount("/etc", Storage::Anonymous),
            mount("/etc/redis", bind("")),
            mount("/etc/redis/own.conf", bind("redis.conf")),
        ];
        let shown = dir.path().join("redis.conf").display().to_string();
        for path in ["/etc/redis/redis.conf", "/etc/redis/own.conf"] {
            let text = Read::Text { text: "dir /x".into(), shown: shown.clone() };
            assert_eq!(mounted(&mounts, path), text, "{path}");
        }
        assert_eq!(mounted(&mounts, "/usr/redis.conf"), Read::OfTheImage);
        assert!(matches!(mounted(&mounts, "/etc/redis/none"), Read::Missing(_)));
        let Read::Unreadable(_, why) = mounted(&mounts, "/etc/redis/folder") else { panic!() };
        assert_eq!(why, "is a directory");
        let Read::Unreadable(_, why) = mounted(&mounts, "/etc/redis.conf") else { panic!() };
        assert_eq!(why, "an anonymous volume is mounted there");
    }
}
