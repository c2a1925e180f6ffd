//! Directories: what the run would write must be free and writable, and nothing may be in its way.

use crate::files;
use crate::findings::Finding;
use crate::message::{About, Code};
use crate::plan::{Placement, Plan, Replacement};
use rustix::fs::{Access, access};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::path::Path;

/// Everything that the run makes must find its place free.
pub(super) fn targets(plan: &Plan) -> Vec<Finding> {
    let mut findings = Vec::new();
    for one in plan.replacements() {
        match &one.placement {
            Placement::Retire { retired } | Placement::Swap { retired } => {
                findings.extend(in_the_way(retired));
                findings.extend(in_the_way(&one.target));
            }
            Placement::Stay => findings.extend(in_the_way(&one.target)),
            // The volume's name is docker's business and is checked when it is created.
            Placement::Volume { .. } => {}
        }
        findings.extend(symbolic_link(plan, one));
    }
    findings.extend(plan.rescues.iter().filter_map(|rescue| in_the_way(&rescue.to)));
    findings.extend(plan.server().and_then(|server| server.new_redis.as_deref()).and_then(in_the_way));
    findings.extend(plan.elastic().and_then(|elastic| in_the_way(&elastic.clone)));
    findings.extend(plan.edits().iter().filter_map(|edit| in_the_way(&edit.kept_as)));
    findings.extend(plan.archives.iter().filter_map(|archive| in_the_way(&archive.file)));
    findings
}

/// An empty directory is as good as none: users make it in advance, to give it an owner.
fn in_the_way(path: &Path) -> Option<Finding> {
    if std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()) {
        let place = std::fs::canonicalize(path);
        return Some(match place {
            Ok(real) => Finding::refusal(
                Code::SymbolicLink,
                format!("{} is a symbolic link to {}.", path.display(), real.display()),
                "Name the directory itself, or remove the link.",
            )
            .about(About::path(path)),
            Err(_) => Finding::refusal(
                Code::SymbolicLink,
                format!("{} is a symbolic link that leads nowhere.", path.display()),
                format!("If nothing needs it, remove it: rm {}", path.display()),
            )
            .about(About::path(path)),
        });
    }
    if !files::exists(path).unwrap_or(true) || (path.is_dir() && files::is_empty(path).unwrap_or(false)) {
        return None;
    }
    let what = if path.is_dir() { " and not empty, perhaps from an earlier try" } else { "" };
    Some(
        Finding::refusal(
            Code::PathTaken,
            format!("{} is there already{what}.", path.display()),
            format!("If nothing needs it, move it away: mv {0} {0}.old", path.display()),
        )
        .about(About::path(path)),
    )
}

/// A symbolic link would be renamed instead of the data, and the old compose file would still reach them.
fn symbolic_link(plan: &Plan, one: &Replacement) -> Option<Finding> {
    let link = std::fs::symlink_metadata(&one.source).is_ok_and(|meta| meta.is_symlink());
    link.then(|| {
        let real = std::fs::canonicalize(&one.source).unwrap_or_default();
        Finding::refusal(
            Code::SymbolicLink,
            format!("{} is a symbolic link to {}.", one.source.display(), real.display()),
            match plan.server() {
                Some(_) => {
                    format!("Name {} itself in the compose file, recreate the stack, and run again.", real.display())
                }
                None => format!("Name the directory itself: --source {}", real.display()),
            },
        )
        .about(About::path(&one.source))
    })
}

/// Reading what is copied, writing beside it, renaming what is retired.
pub(super) fn permissions(plan: &Plan) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rescue in &plan.rescues {
        let parent = rescue.to.parent();
        findings.extend(parent.and_then(|parent| needs(parent, Access::WRITE_OK | Access::EXEC_OK, "written to")));
    }
    for one in plan.replacements().filter(|one| plan.rescue_to(&one.source).is_none()) {
        match std::fs::metadata(&one.source) {
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                findings.push(
                    Finding::refusal(
                        Code::DataMissing,
                        format!("The data directory {} does not exist.", one.source.display()),
                        format!("Check {}: is a disk not mounted, or was the directory moved?", plan.source_named_in()),
                    )
                    .about(About::path(&one.source)),
                );
                continue;
            }
            _ => findings.extend(needs(&one.source, Access::READ_OK | Access::EXEC_OK, "read")),
        }
        if let (Some(parent), false) = (one.source.parent(), matches!(one.placement, Placement::Volume { .. })) {
            findings.extend(needs(parent, Access::WRITE_OK | Access::EXEC_OK, "written to"));
        }
        // Beside the source, but where the user has named another place.
        if let (Some(parent), false) = (one.target.parent(), matches!(one.placement, Placement::Volume { .. })) {
            findings.extend(needs(parent, Access::WRITE_OK | Access::EXEC_OK, "written to"));
        }
    }
    findings.extend(needs(&plan.home.from, Access::WRITE_OK | Access::EXEC_OK, "written to"));
    if let Some(to) = &plan.home.to {
        findings.extend(to.parent().and_then(|parent| needs(parent, Access::WRITE_OK | Access::EXEC_OK, "written to")));
    }
    for archive in &plan.archives {
        let place = archive.file.ancestors().skip(1).find(|one| one.is_dir());
        findings.extend(place.and_then(|place| needs(place, Access::WRITE_OK | Access::EXEC_OK, "written to")));
    }
    for edit in plan.edits() {
        findings.extend(needs(&edit.path, Access::READ_OK | Access::WRITE_OK, "written to"));
    }
    let mut seen = BTreeSet::new();
    findings.retain(|finding: &Finding| seen.insert(finding.what.clone()));
    findings
}

fn needs(path: &Path, wanted: Access, verb: &str) -> Option<Finding> {
    let cause = access(path, wanted).err()?;
    if cause == Errno::ROFS {
        return Some(Finding::refusal(
            Code::ReadOnly,
            format!("{} is on a file system that is mounted read-only.", path.display()),
            format!(
                "The kernel does that by itself when a disk fails: see dmesg. If it was on purpose, allow writing for the migration: sudo mount -o remount,rw {}",
                mount_of(path).display()
            ),
        )
        .about(About::path(path)));
    }
    if cause == Errno::NOENT {
        return Some(
            Finding::refusal(
                Code::PathMissing,
                format!("{} does not exist.", path.display()),
                "Check how it is written, or make the directory.",
            )
            .about(About::path(path)),
        );
    }
    Some(
        Finding::refusal(
            Code::NotPermitted,
            format!("{} cannot be {verb} by this user ({}).", path.display(), reason(cause)),
            "Run the same command as root (sudo); the new files get the owners of the old ones.",
        )
        .about(About::path(path)),
    )
}

/// Returns what the system says, without its number.
fn reason(cause: Errno) -> String {
    let text = std::io::Error::from(cause).to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

/// Returns where the file system of a path is mounted.
fn mount_of(path: &Path) -> &Path {
    path.ancestors().find(|one| files::is_mount_point(one).unwrap_or(false)).unwrap_or(Path::new("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_holds_something_is_in_the_way() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(in_the_way(&dir.path().join("none")), None);
        assert_eq!(in_the_way(dir.path()), None);
        std::fs::write(dir.path().join("x"), "").unwrap();
        assert!(in_the_way(dir.path()).is_some());
        assert!(in_the_way(&dir.path().join("x")).is_some());
    }
}
