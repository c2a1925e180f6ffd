//! How to stop what uses the data, in the words of the tool that started it.

use crate::docker::Container;
use std::path::Path;

const PROJECT: &str = "com.docker.compose.project";
const WORKING_DIR: &str = "com.docker.compose.project.working_dir";
const FILES: &str = "com.docker.compose.project.config_files";
const VERSION: &str = "com.docker.compose.version";
/// The names that compose looks for by itself.
const USUAL_FILES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

/// Says what to type so that a container ends and stays so. A part of a stack would be missed by the rest, and be
/// started again with it: there it is the whole stack.
pub(super) fn stop(container: &Container) -> String {
    match container.label(PROJECT) {
        Some(project) => format!("Take its stack down first: {}", down(container, project)),
        None => format!("Stop it first: docker stop {}", container.name),
    }
}

fn down(container: &Container, project: &str) -> String {
    // Version 1 writes its own number, such as 1.29.2; 2 began to write one with 2.0.
    let old = container.label(VERSION).is_some_and(|version| version.starts_with("1."));
    let compose = if old { "docker-compose" } else { "docker compose" };
    let Some(dir) = container.label(WORKING_DIR) else { return format!("{compose} -p {project} down") };
    let files: String = container
        .label(FILES)
        .into_iter()
        .flat_map(|files| files.split(','))
        .map(|file| in_dir(file, dir))
        .map(|file| format!("-f {file} "))
        .collect();
    let files = if USUAL_FILES.iter().any(|usual| files == format!("-f {usual} ")) { "" } else { &files };
    format!("cd {dir} && {compose} {files}-p {project} down")
}

/// Returns a file as it is named in the project directory. Version 1 wrote names as they were typed, elsewhere perhaps.
fn in_dir<'a>(file: &'a str, dir: &str) -> &'a str {
    let path = Path::new(file);
    let beside = path.file_name().and_then(|name| name.to_str()).filter(|name| Path::new(dir).join(name).is_file());
    let below = path.strip_prefix(dir).ok().and_then(Path::to_str);
    match below {
        Some(below) => below,
        None if path.is_relative() && !Path::new(dir).join(path).is_file() => beside.unwrap_or(file),
        None => file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(labels: &[(&str, &str)]) -> Container {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Container { name: "trains-elastic".to_owned(), labels, ..Container::default() }
    }

    #[test]
    fn each_tool_is_named_with_what_it_needs_to_find_the_project() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("docker-compose.yml"), "").unwrap();
        let home = dir.path().display().to_string();
        let whole = format!("{home}/docker-compose.yml");
        let two = format!("{home}/docker-compose.yml,/etc/trains/more.yml");
        let base = "Take its stack down first: ";
        let cases = [
            (container(&[]), "Stop it first: docker stop trains-elastic".to_owned()),
            (
                container(&[(PROJECT, "trains"), (WORKING_DIR, &home), (FILES, &whole), (VERSION, "2.29.7")]),
                format!("{base}cd {home} && docker compose -p trains down"),
            ),
            (
                container(&[(PROJECT, "trains"), (WORKING_DIR, &home), (FILES, &two), (VERSION, "2.29.7")]),
                format!(
                    "{base}cd {home} && docker compose -f docker-compose.yml -f /etc/trains/more.yml -p trains down"
                ),
            ),
            (
                // Typed in the directory above.
                container(&[
                    (PROJECT, "trains"),
                    (WORKING_DIR, &home),
                    (FILES, "trains/docker-compose.yml"),
                    (VERSION, "1.25.0"),
                ]),
                format!("{base}cd {home} && docker-compose -p trains down"),
            ),
            (container(&[(PROJECT, "trains"), (VERSION, "1.21.0")]), format!("{base}docker-compose -p trains down")),
        ];
        for (container, expected) in cases {
            assert_eq!(stop(&container), expected);
        }
    }
}
