//! Builds the plan of `elastic`: one data directory, with the names that upstream's elastic_upgrade.py used.

use super::images::SOURCE_IMAGE;
use super::parts::{Measured, Parts};
use super::replacements::suffixed;
use crate::error::{Error, Result};
use crate::files;
use crate::notices::changed_fields;
use crate::plan::{Archive, HomeMove, Migrated, Placement, Replacement, work_dir};
use crate::role::Role;
use crate::settings::{Backup, Copying};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What was asked for of a data directory.
#[derive(Debug, Clone)]
pub struct DataOptions {
    /// The data directory.
    pub source: PathBuf,
    /// The directory to make.
    pub target: PathBuf,
    /// Version of the Elasticsearch that writes, such as `7.6.2`.
    pub version: String,
}

/// Decides on the migration of one data directory.
///
/// # Errors
/// Refuses directories that lie in one another, and one that has no directory around it.
pub(super) fn decide(options: &DataOptions, copying: &Copying, measured: &Measured, stamp: &str) -> Result<Parts> {
    let (source, target) = (&options.source, &options.target);
    let (Some(parent), Some(name)) = (source.parent(), source.file_name()) else {
        return Err(Error::refused(format!("{} cannot be a data directory.", source.display()))
            .hint("Name the directory that holds nodes/: --source DIR"));
    };
    require_apart(source, target)?;
    let stays = files::exists(source)? && files::is_mount_point(source)?;
    let bytes = measured.bytes(source);
    let mut archives = Vec::new();
    if copying.backup != Some(Backup::None) {
        archives.push(Archive {
            what: "Elasticsearch data".to_owned(),
            source: source.clone(),
            file: archive(copying.backup_dir.as_deref().unwrap_or(parent), source, stamp)?,
            bytes,
        });
    }
    let mut notes: Vec<String> = changed_fields(measured.plans()).into_iter().map(|one| one.text).collect();
    if stays {
        notes.push(format!("{} is a mount point, which cannot be renamed: it keeps its name.", source.display()));
    }
    Ok(Parts {
        migrated: Migrated::Elastic { version: options.version.clone() },
        home: HomeMove {
            from: parent.to_owned(),
            to: None,
            reason: "only the data are migrated".to_owned(),
            wished: None,
        },
        replacements: vec![Replacement {
            role: Role::Elasticsearch,
            mounted_at: Role::ELASTICSEARCH_DATA.to_owned(),
            source: source.clone(),
            target: target.clone(),
            placement: match stays {
                true => Placement::Stay,
                false => Placement::Retire { retired: suffixed(source, &format!("_migrated_{stamp}")) },
            },
            bytes,
        }],
        archives,
        // Links cannot lead out of a mounted file system, so there the clone is as good anywhere.
        clone: match stays {
            true => work_dir(parent).join("clone-elastic"),
            false => parent.join(clone_name(name)),
        },
        source_image: SOURCE_IMAGE.to_owned(),
        target_image: format!("docker.elastic.co/elasticsearch/elasticsearch:{}", options.version),
        images: Vec::new(),
        notes,
    })
}

fn require_apart(source: &Path, target: &Path) -> Result<()> {
    let message = match (target.starts_with(source), source.starts_with(target)) {
        (false, false) => return Ok(()),
        (true, true) => format!("Source and target are the same directory, {}.", source.display()),
        (true, false) => format!("The target {} lies in the source {}.", target.display(), source.display()),
        (false, true) => format!("The source {} lies in the target {}.", source.display(), target.display()),
    };
    Err(Error::refused(message).hint("Name a target of its own, best beside the source: --target DIR"))
}

fn clone_name(source: &std::ffi::OsStr) -> OsString {
    let mut name = OsString::from(".clearml-migrate-clone-");
    name.push(source);
    name
}

/// Returns the file of the backup, named as upstream's script named it. One that is there, perhaps from an earlier try,
/// is kept, and the new one gets the time stamp too.
fn archive(dir: &Path, source: &Path, stamp: &str) -> Result<PathBuf> {
    let name = |suffix: &str| {
        let mut name = source.file_name().unwrap_or_default().to_owned();
        name.push(suffix);
        dir.join(name)
    };
    let usual = name("_5.tar.gz");
    Ok(if files::exists(&usual)? { name(&format!("_5_{stamp}.tar.gz")) } else { usual })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::planner::{self, Subject};

    fn build(source: &Path, target: &Path) -> Result<Plan> {
        let options = DataOptions { source: source.to_owned(), target: target.to_owned(), version: "7.6.2".into() };
        let subject = Subject::Data(&options);
        planner::build(subject, &Copying::default(), &Measured::default(), "2026-11-22_18-30-00", "run")
    }

    #[test]
    fn everything_is_made_beside_the_data() {
        let dir = tempfile::tempdir().unwrap();
        let (source, target) = (dir.path().join("elastic"), dir.path().join("elastic_7"));
        std::fs::create_dir(&source).unwrap();
        let plan = build(&source, &target).unwrap();
        assert_eq!(plan.archives[0].file, dir.path().join("elastic_5.tar.gz"));
        assert_eq!(plan.stores[0].places[0].retired(), dir.path().join("elastic_migrated_2026-11-22_18-30-00"));
        assert_eq!(plan.elastic().unwrap().clone, dir.path().join(".clearml-migrate-clone-elastic"));
        assert_eq!(plan.journal_file(), dir.path().join(".clearml-migrate/elastic.journal"));
        assert_eq!(plan.subject(), source);
        assert_eq!(plan.images, ["docker.elastic.co/elasticsearch/elasticsearch:7.6.2"], "no old node");
        assert!(plan.server().is_none() && plan.edits().is_empty());
        let steps: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
        assert_eq!(steps, ["pull_images", "back_up", "copy_elastic", "verify_elastic", "retire_sources"]);
    }

    #[test]
    fn an_earlier_backup_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("elastic")).unwrap();
        std::fs::write(dir.path().join("elastic_5.tar.gz"), "years of results").unwrap();
        let plan = build(&dir.path().join("elastic"), &dir.path().join("elastic_7")).unwrap();
        assert_eq!(plan.archives[0].file, dir.path().join("elastic_5_2026-11-22_18-30-00.tar.gz"));
    }

    #[test]
    fn directories_in_one_another_are_refused() {
        for (source, target, part) in [
            ("/x/elastic", "/x/elastic", "the same directory"),
            ("/x/elastic", "/x/elastic/7", "lies in the source"),
            ("/x/elastic/5", "/x/elastic", "lies in the target"),
            ("/", "/x", "cannot be a data directory"),
        ] {
            let error = build(Path::new(source), Path::new(target)).unwrap_err();
            assert!(error.message().contains(part) && !error.hints().is_empty(), "{error}");
        }
    }
}
