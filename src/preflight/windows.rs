//! Paths of a Windows machine in a compose file that is read on another one: upstream has a file of its own for Windows,
//! `docker-compose-win10.yml`, in which everything lies below `c:/opt`.

use crate::deployment::{Deployment, Storage};
use crate::findings::Finding;
use crate::message::Code;
use std::collections::BTreeSet;
use std::path::Path;

/// Refuses directories that only a Windows machine can have, all of them together.
pub fn paths_of_windows(deployment: &Deployment) -> Vec<Finding> {
    if cfg!(windows) {
        return Vec::new();
    }
    let mounts = deployment.services.iter().flat_map(|service| &service.mounts);
    let foreign: BTreeSet<String> = mounts
        .filter_map(|mount| match &mount.storage {
            Storage::Bind { path } => on_a_drive(path),
            _ => None,
        })
        .collect();
    let Some(first) = foreign.first() else { return Vec::new() };
    let files: Vec<String> = deployment.project.files.iter().map(|file| file.display().to_string()).collect();
    let what = match foreign.len() {
        1 => format!("{first} is a path of Windows, and this is no Windows machine: {} names it.", files.join(", ")),
        count => format!(
            "{first} is a path of Windows, and this is no Windows machine: {} names {count} such directories.",
            files.join(", ")
        ),
    };
    vec![Finding::refusal(
        Code::WindowsPaths,
        what,
        "If the server runs here, write the paths that its directories have here; in WSL, c:/opt is /mnt/c/opt. If this file is upstream's for Windows, take the one for this system: docker-compose.yml",
    )]
}

/// Returns a path whose last absolute part begins with a drive: `c:/opt`, also where compose has put a directory before it.
fn on_a_drive(path: &Path) -> Option<String> {
    let text = path.to_str()?.replace('\\', "/");
    let bytes = text.as_bytes();
    let at = (0..bytes.len()).find(|at| {
        let is = |offset: usize, test: fn(&u8) -> bool| bytes.get(at + offset).is_some_and(test);
        let begins = *at == 0 || bytes.get(at - 1) == Some(&b'/');
        begins && is(0, u8::is_ascii_alphabetic) && is(1, |byte| *byte == b':') && is(2, |byte| *byte == b'/')
    })?;
    text.get(at..).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample;

    #[test]
    fn a_file_for_windows_is_refused_once() {
        let mut deployment = sample::deployment();
        assert_eq!(paths_of_windows(&deployment), []);
        for mount in deployment.services.iter_mut().flat_map(|service| &mut service.mounts) {
            if let Storage::Bind { path } = &mut mount.storage {
                *path = format!("c:{}", path.display()).into();
            }
        }
        let [finding] = paths_of_windows(&deployment).try_into().unwrap();
        insta::assert_snapshot!(format!("{}\n{}", finding.what, finding.remedy), @r"
        c:/opt/trains/config is a path of Windows, and this is no Windows machine: /opt/trains/docker-compose.yml names 6 such directories.
        If the server runs here, write the paths that its directories have here; in WSL, c:/opt is /mnt/c/opt. If this file is upstream's for Windows, take the one for this system: docker-compose.yml
        ");
    }

    #[test]
    fn a_drive_is_one_letter_at_the_beginning_of_a_part() {
        let cases = [
            ("c:/opt/trains", Some("c:/opt/trains")),
            ("C:\\opt", Some("C:/opt")),
            ("/srv/lab/c:/opt", Some("c:/opt")),
            ("/srv/abc:/opt", None),
            ("/opt/trains", None),
            ("/srv/a:b", None),
        ];
        for (path, expected) in cases {
            assert_eq!(on_a_drive(Path::new(path)).as_deref(), expected, "{path}");
        }
    }
}
