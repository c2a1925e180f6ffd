//! A project directory that has another name by now: its containers live on, and know it by the old one.

use super::label_paths::{listed_files, working_directory};
use crate::docker::Container;
use crate::error::Error;
use std::path::{Path, PathBuf};

/// A directory that is gone, and those beside it that may be it.
struct Gone<'a> {
    old: &'a Path,
    now: Vec<PathBuf>,
}

/// Returns the directory in which a project's containers were made, if there is nothing of that name any more.
fn gone(containers: &[Container]) -> Option<Gone<'_>> {
    let old = working_directory(containers).filter(|dir| std::fs::symlink_metadata(dir).is_err())?;
    let file = listed_files(containers).into_iter().find_map(|file| Path::new(file).file_name())?;
    let beside = std::fs::read_dir(old.parent()?).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let mut now: Vec<PathBuf> = beside.filter(|dir| dir.join(file).is_file()).collect();
    now.sort();
    Some(Gone { old, now })
}

/// Returns what to do about compose files that are not where a project's labels say, if their directory is gone.
pub(super) fn remedy(containers: &[Container]) -> Option<String> {
    let Gone { old, now } = gone(containers)?;
    let (old, now): (_, Vec<String>) = (old.display(), now.iter().map(|dir| dir.display().to_string()).collect());
    Some(match now.as_slice() {
        [] => format!(
            "There is no directory {old} any more. If it was renamed, give it its old name back, and run this command again: mv NEW_NAME {old}"
        ),
        [one] => format!(
            "There is no directory {old} any more; it was probably renamed to {one}. Give it its old name back, and run this command again: mv {one} {old}"
        ),
        many => format!(
            "There is no directory {old} any more; it was probably renamed to one of {}. Give it its old name back, and run this command again: mv NEW_NAME {old}",
            many.join(", ")
        ),
    })
}

/// Returns the refusal of a project directory that was called otherwise when the containers of a project were made.
/// `files` are the compose files in it.
pub(super) fn refusal(project: &str, containers: &[Container], directory: &Path, files: &[PathBuf]) -> Option<Error> {
    let Gone { old, now } = gone(containers)?;
    if !now.iter().any(|dir| dir == directory) {
        return None;
    }
    let (old, new) = (old.display(), directory.display());
    let named: Vec<String> = files.iter().map(|file| format!("-f {}", file.display())).collect();
    let error = Error::refused(format!(
        "The directory {new} was probably called {old} before: the containers of the project {project} were made there, from a file of the same name, and it is gone."
    ));
    Some(
        error
            .hint(format!(
                "Give it its old name back, since the containers know their data by it, and run this command again: mv {new} {old}"
            ))
            .hint(format!(
                "If all paths in the compose file are of the new name already, remove the containers of before instead, which keeps the data: docker compose -p {project} {} down (without -v)",
                named.join(" ")
            )),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_in(directory: &Path, file: &str) -> [Container; 1] {
        let label = |name: &str, value: String| (format!("com.docker.compose.project.{name}"), value);
        let working_dir = label("working_dir", directory.display().to_string());
        let labels = [working_dir, label("config_files", file.to_owned())].into();
        [Container { labels, ..Container::default() }]
    }

    fn with_files(directories: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for name in directories {
            std::fs::create_dir(root.path().join(name)).unwrap();
            std::fs::write(root.path().join(name).join("docker-compose.yml"), "").unwrap();
        }
        root
    }

    #[test]
    fn a_renamed_directory_is_called_so_with_the_command_that_mends_it() {
        let root = with_files(&["trains-old"]);
        let said = |text: String| text.replace(&root.path().display().to_string(), "/opt");
        let (old, new) = (root.path().join("trains"), root.path().join("trains-old"));
        let containers = made_in(&old, &old.join("docker-compose.yml").display().to_string());
        insta::assert_snapshot!(said(remedy(&containers).unwrap()), @"There is no directory /opt/trains any more; it was probably renamed to /opt/trains-old. Give it its old name back, and run this command again: mv /opt/trains-old /opt/trains");
        let error = refusal("trains", &containers, &new, &[new.join("docker-compose.yml")]).unwrap();
        insta::assert_snapshot!(said(format!("{}\n{}", error.message(), error.hints().join("\n"))), @r"
        The directory /opt/trains-old was probably called /opt/trains before: the containers of the project trains were made there, from a file of the same name, and it is gone.
        Give it its old name back, since the containers know their data by it, and run this command again: mv /opt/trains-old /opt/trains
        If all paths in the compose file are of the new name already, remove the containers of before instead, which keeps the data: docker compose -p trains -f /opt/trains-old/docker-compose.yml down (without -v)
        ");
        assert!(refusal("trains", &containers, Path::new("/srv"), &[]).is_none(), "another directory");
        std::fs::create_dir(&old).unwrap();
        assert!(remedy(&containers).is_none(), "it is there, and only the file is gone");
    }

    #[test]
    fn where_the_new_name_cannot_be_told_none_is_guessed() {
        let root = with_files(&["a", "b"]);
        let said =
            |containers: &[Container]| remedy(containers).unwrap().replace(&root.path().display().to_string(), "/opt");
        let old = root.path().join("trains");
        insta::assert_snapshot!(said(&made_in(&old, "docker-compose.yml")), @"There is no directory /opt/trains any more; it was probably renamed to one of /opt/a, /opt/b. Give it its old name back, and run this command again: mv NEW_NAME /opt/trains");
        insta::assert_snapshot!(said(&made_in(&old, "other.yml")), @"There is no directory /opt/trains any more. If it was renamed, give it its old name back, and run this command again: mv NEW_NAME /opt/trains");
    }
}
