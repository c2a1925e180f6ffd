//! Whether the home gets the new server's name, and what the compose project is called afterwards.

use super::parts::PlanOptions;
use crate::compose::name::Generation;
use crate::deployment::{Deployment, Storage};
use crate::docker::Project;
use crate::files;
use crate::plan::HomeMove;
use std::path::{Path, PathBuf};

/// Decides on the home. It moves only if it holds all the data, is no mount point, and its new name is free.
pub(super) fn decide(deployment: &Deployment, options: &PlanOptions) -> HomeMove {
    let from = deployment.home.clone();
    let wished = options.new_home.clone();
    let stays = |reason: String| HomeMove { from: from.clone(), to: None, reason, wished: wished.clone() };
    if options.keep_home {
        return stays("--keep-home was given".into());
    }
    let to = match (&options.new_home, from.file_name()) {
        (Some(to), _) => to.clone(),
        (None, Some(name)) if name == "trains" => from.with_file_name("clearml"),
        _ => return stays(format!("{} is a name of your own", from.display())),
    };
    if to == from {
        return stays("it has the wished name already".into());
    }
    if let Some(outside) = first_outside(deployment, &from) {
        return stays(format!("{} lies outside of it", outside.display()));
    }
    if files::is_mount_point(&from).unwrap_or(true) {
        return stays(format!("{} is a mount point, which cannot be renamed", from.display()));
    }
    if files::exists(&to).unwrap_or(true) {
        return stays(format!("{} exists already", to.display()));
    }
    if to.parent() != from.parent() && !files::same_filesystem(&from, to.parent().unwrap_or(&to)).unwrap_or(false) {
        return stays(format!("{} is on another file system", to.display()));
    }
    HomeMove { from, to: Some(to), reason: "it holds all the data".into(), wished }
}

/// Returns a directory of the server that is not below the home.
fn first_outside<'a>(deployment: &'a Deployment, home: &Path) -> Option<&'a PathBuf> {
    let mounts = deployment.services.iter().filter(|one| one.role != crate::role::Role::Other);
    mounts.flat_map(|service| &service.mounts).find_map(|mount| match &mount.storage {
        // The docker socket, time zone files and the like are the machine's, not the server's.
        Storage::Bind { path } if !path.starts_with(home) && path.is_dir() && !is_of_the_machine(path) => Some(path),
        _ => None,
    })
}

fn is_of_the_machine(path: &Path) -> bool {
    ["/var/run", "/run", "/etc", "/dev", "/proc", "/sys", "/usr"].iter().any(|dir| path.starts_with(dir))
}

/// Returns the project as the user's own compose, called plainly, will see it in the new place.
pub(super) fn new_project(old: &Project, home: &HomeMove, compose: Generation) -> Project {
    let directory = home.after(&old.directory);
    let name = if old.name_from_directory { compose.default_name(&directory) } else { None };
    Project {
        name: name.unwrap_or_else(|| old.name.clone()),
        files: old.files.iter().map(|file| home.after(file)).collect(),
        env_files: old.env_files.iter().map(|file| home.after(file)).collect(),
        directory,
        ..old.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::Role;

    fn options() -> PlanOptions {
        PlanOptions { release: crate::release::find("1.1").unwrap(), new_home: None, keep_home: false }
    }

    /// A stock server with this root.
    fn server_in(home: &Path) -> Deployment {
        let plan = crate::plan::sample::plan();
        Deployment { home: home.to_owned(), ..plan.server().unwrap().deployment.clone() }
    }

    #[test]
    fn the_home_moves_only_whole_to_a_free_name_and_says_why_it_stays() {
        let dir = tempfile::tempdir().unwrap();
        let [home, own, outside] = ["trains", "ml", "artifacts"].map(|name| dir.path().join(name));
        for path in [&home, &own, &outside] {
            std::fs::create_dir(path).unwrap();
        }
        let server = server_in(&home);
        let new_home = |to: &str| PlanOptions { new_home: Some(dir.path().join(to)), ..options() };
        assert_eq!(decide(&server, &options()).to, Some(dir.path().join("clearml")));
        assert_eq!(decide(&server_in(&own), &new_home("new")).to, Some(dir.path().join("new")));

        let stays = |server: &Deployment, options: &PlanOptions, why: &str| {
            let decided = decide(server, options);
            assert!(decided.to.is_none() && decided.reason.contains(why), "{why}: {decided:?}");
        };
        stays(&server, &PlanOptions { keep_home: true, ..options() }, "--keep-home was given");
        stays(&server_in(&own), &options(), "is a name of your own");
        stays(&server, &new_home("trains"), "it has the wished name already");
        stays(&server_in(Path::new("/proc")), &new_home("new"), "is a mount point");
        let mut apart = server.clone();
        let fileserver = apart.services.iter_mut().find(|one| one.role == Role::Fileserver).unwrap();
        fileserver.mounts[0].storage = Storage::Bind { path: outside.clone() };
        stays(&apart, &options(), "artifacts lies outside of it");
        std::fs::create_dir(dir.path().join("clearml")).unwrap();
        stays(&server, &options(), "clearml exists already");
    }

    #[test]
    fn a_project_named_by_its_directory_is_named_by_the_new_one() {
        let old = Project {
            name: "_ml".into(),
            name_from_directory: true,
            files: vec!["/opt/_ML/docker-compose.yml".into()],
            directory: "/opt/_ML".into(),
            env_files: Vec::new(),
            env_files_named: false,
            directory_named: false,
        };
        let home = HomeMove {
            from: "/opt/_ML".into(),
            to: Some("/opt/_Clear.ML".into()),
            reason: String::new(),
            wished: None,
        };
        let new = |old: &Project, compose| new_project(old, &home, compose).name;
        assert_eq!(new(&old, Generation::V1), "_clearml");
        assert_eq!(new(&old, Generation::V2), "clearml");
        let named = Project { name_from_directory: false, ..old };
        assert_eq!(new(&named, Generation::V2), "_ml");
    }
}
