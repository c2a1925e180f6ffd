//! Data in memory: a `tmpfs`, which ends with its container's process.

use crate::docker::{Container, MountKind};
use std::path::Path;

/// Returns whether a path of a container lies in a file system in memory, as the kernel's list of the container's mounts says, or docker's.
pub fn is_in_memory(path: &str, container: &Container) -> bool {
    let of_docker = container.mounts.iter().any(|mount| {
        matches!(&mount.kind, MountKind::Other(kind) if kind == "tmpfs") && Path::new(path).starts_with(&mount.target)
    });
    let list = container.state.process.map(|process| format!("/proc/{process}/mountinfo"));
    let list = list.and_then(|list| std::fs::read_to_string(list).ok()).unwrap_or_default();
    of_docker || kind_of_mount(&list, path).is_some_and(|kind| kind == "tmpfs" || kind == "ramfs")
}

/// Returns the kind of the file system that a path lies in (proc(5), `/proc/PID/mountinfo`).
fn kind_of_mount<'a>(list: &'a str, path: &str) -> Option<&'a str> {
    let mounts = list.lines().filter_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        Some((place.split(' ').nth(4)?, kind.split(' ').next()?))
    });
    let covering = mounts.filter(|(place, _)| Path::new(path).starts_with(place));
    // Of several at one place the last one is seen.
    covering.max_by_key(|(place, _)| place.len()).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_tells_what_a_path_lies_in() {
        let list = "1 0 0:1 / / rw - overlay overlay rw\n2 1 0:2 / /data rw,nosuid shared:1 - ext4 /dev/sda1 rw\n3 1 0:3 / /data/db rw - tmpfs tmpfs rw\n";
        for (path, kind) in
            [("/var/tmp/es", "overlay"), ("/data", "ext4"), ("/data/db/x", "tmpfs"), ("/database", "overlay")]
        {
            assert_eq!(kind_of_mount(list, path), Some(kind), "{path}");
        }
        assert_eq!(kind_of_mount("", "/data"), None);
    }
}
