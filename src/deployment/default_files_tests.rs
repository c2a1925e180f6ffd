//! Directories with several files, and `.env` files that list them. What compose takes was asked of 1.29.2 and 2.40.3;
//! `tests/bed/e2e/find` asks the real ones.

use super::*;

/// A directory with these files; a text behind `=` is what is in it.
fn directory(files: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        let (name, text) = file.split_once('\n').unwrap_or((file, ""));
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

/// What is taken in `at`, and what else is there, by names below the directory.
fn taken(generation: Generation, dir: &tempfile::TempDir, at: &str, shell: &[(&str, &str)]) -> String {
    let shell = shell.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let caller = Caller { generation, env_files: &[], shell: &shell };
    let Some(found) = caller.takes_at_or_above(&dir.path().join(at)).unwrap() else { return "nothing".to_owned() };
    let names = |files: &[PathBuf]| {
        let name = |file: &PathBuf| file.strip_prefix(dir.path()).unwrap_or(file).display().to_string();
        files.iter().map(name).collect::<Vec<_>>().join("+")
    };
    let mut text = names(&found.files);
    found.others.iter().for_each(|other| text.push_str(&format!(" or {}", names(other))));
    if !found.env_files.is_empty() {
        text.push_str(&format!(" with {}", names(&found.env_files)));
    }
    text
}

#[test]
fn each_generation_has_its_own_order_of_the_same_names() {
    let one = directory(&["docker-compose.yml", "docker-compose.override.yml"]);
    let both = directory(&["compose.yaml", "docker-compose.yml"]);
    let overridden = directory(&["compose.yaml", "docker-compose.yml", "docker-compose.override.yml"]);
    let two = directory(&["compose.yml", "compose.override.yml", "docker-compose.override.yml"]);
    let three = directory(&["compose.yaml", "compose.yml", "docker-compose.yml"]);
    let table = [
        (&one, "docker-compose.yml+docker-compose.override.yml", "docker-compose.yml+docker-compose.override.yml"),
        (&both, "docker-compose.yml or compose.yaml", "compose.yaml or docker-compose.yml"),
        (
            &overridden,
            "docker-compose.yml+docker-compose.override.yml or compose.yaml+docker-compose.override.yml",
            "compose.yaml+docker-compose.override.yml or docker-compose.yml+docker-compose.override.yml",
        ),
        (
            &two,
            "compose.yml+docker-compose.override.yml or compose.yml+compose.override.yml",
            "compose.yml+compose.override.yml or compose.yml+docker-compose.override.yml",
        ),
        (
            &three,
            "docker-compose.yml or compose.yaml or compose.yml",
            "compose.yaml or docker-compose.yml or compose.yml",
        ),
    ];
    for (dir, v1, v2) in table {
        assert_eq!(taken(Generation::V1, dir, "", &[]), v1);
        assert_eq!(taken(Generation::V2, dir, "", &[]), v2);
        assert_eq!(taken(Generation::V2, dir, "sub/directory", &[]), v2, "from below");
    }
    assert_eq!(taken(Generation::V2, &directory(&["x.yml"]), "", &[]), "nothing");
}

#[test]
fn the_environment_file_lists_the_files() {
    let same =
        directory(&[".env\nexport COMPOSE_FILE=\"docker-compose.yml:./sub/../more.yml\" # both\n", "compose.yaml"]);
    assert_eq!(taken(Generation::V2, &same, "", &[]), "docker-compose.yml+more.yml");
    let separated = directory(&[".env\nCOMPOSE_FILE=a.yml,${MORE}\nCOMPOSE_PATH_SEPARATOR=,\n"]);
    assert_eq!(taken(Generation::V1, &separated, "", &[("MORE", "b.yml")]), "a.yml+b.yml");
    let shell = [("MORE", "b.yml"), ("COMPOSE_PATH_SEPARATOR", ";")];
    assert_eq!(taken(Generation::V1, &separated, "", &shell), "a.yml,b.yml", "the shell's variable wins");
    let empty = directory(&[".env\nCOMPOSE_FILE=\n", "docker-compose.yml"]);
    assert_eq!(taken(Generation::V2, &empty, "", &[]), "docker-compose.yml");
}

#[test]
fn files_elsewhere_keep_the_environment_that_named_them() {
    let dir = directory(&["run/.env\nCOMPOSE_FILE=../trains/a.yml\n", "trains/.env\nA=1\n"]);
    assert_eq!(taken(Generation::V2, &dir, "run", &[]), "trains/a.yml with trains/.env+run/.env");
    assert_eq!(taken(Generation::V1, &dir, "run", &[]), "trains/a.yml with run/.env");
}
