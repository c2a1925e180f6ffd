//! The machine: memory, kernel settings, disk space, images.

use super::{Finding, Subject};
use crate::display::format::bytes;
use crate::error::Result;
use crate::files::space::{self, TreeSize};
use crate::plan::{Plan, Reader, Switch};
use crate::planner::memory_needed;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const GIB: u64 = 1 << 30;

/// Upstream documents 8 GB; what the plan itself needs is less and is a must.
pub(super) fn memory(plan: &Plan, memory: u64) -> Vec<Finding> {
    let needed = memory_needed(plan.elastic.heaps);
    if memory < needed {
        let (what, least) = match plan.elastic.reader {
            Reader::Segments { .. } => ("temporary Elasticsearch node needs", 768),
            Reader::Scroll { .. } => ("two temporary Elasticsearch nodes need", 1536),
        };
        return vec![Finding::refusal(
            format!("The machine has {} of memory; the {what} {}.", bytes(memory), bytes(needed)),
            format!(
                "Allow less: --memory {}m (at least {least}m), or migrate on a bigger machine.",
                (memory * 3 / 4) >> 20
            ),
        )];
    }
    // A machine sold as 8 GB shows a little less.
    if memory < 15 * GIB / 2 {
        return vec![Finding::warning(
            format!("The machine has {} of memory; ClearML Server asks for 8 GB.", bytes(memory)),
            "The migration works with less; the new server may be slow.",
        )];
    }
    Vec::new()
}

/// Elasticsearch refuses to start below this, when it is reachable from other machines.
const MAP_COUNT: u64 = 262_144;

pub(super) fn map_count(in_virtual_machine: bool) -> Vec<Finding> {
    if in_virtual_machine {
        return Vec::new();
    }
    let text = std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap_or_default();
    match text.trim().parse::<u64>() {
        Ok(count) if count < MAP_COUNT => vec![Finding::refusal(
            format!("The kernel's vm.max_map_count is {count}; Elasticsearch needs {MAP_COUNT}."),
            format!(
                "sudo sysctl -w vm.max_map_count={MAP_COUNT}; to keep it: echo vm.max_map_count={MAP_COUNT} | sudo tee /etc/sysctl.d/99-clearml.conf"
            ),
        )],
        _ => Vec::new(),
    }
}

/// What the plan will write, by the directory it is written to.
struct Need {
    at: PathBuf,
    bytes: u64,
    files: u64,
}

/// Room for what will be written, per file system.
pub(super) async fn space(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let plan = subject.plan;
    let mut needs = Vec::new();
    for one in &plan.replacements {
        let (source, cancel) = (one.source.clone(), subject.cancel.clone());
        if !source.is_dir() {
            continue;
        }
        let size = crate::steps::blocking(move || space::measure(&source, &cancel)).await?;
        needs.extend(needs_of(plan, one, &size));
    }
    for archive in &plan.archives {
        // Already compressed data do not shrink; text does. The archive is taken to be as large as its source.
        needs.push(Need { at: archive.file.clone(), bytes: archive.bytes, files: 1 });
    }
    judge(&needs)
}

fn needs_of(plan: &Plan, one: &crate::plan::Replacement, size: &TreeSize) -> Vec<Need> {
    let target = Need { at: one.target.clone(), bytes: size.apparent, files: size.files };
    if one.role != crate::deployment::Role::Elasticsearch {
        return vec![target];
    }
    // While segments merge, old and new ones are on disk together.
    let target = Need { bytes: size.apparent * 3 / 2, ..target };
    if matches!(plan.elastic.reader, Reader::Segments { .. }) {
        return vec![target];
    }
    let linked = matches!(one.switch, Switch::Retire { .. } | Switch::Swap { .. });
    // Linked files take no space; the translog is copied, and the node may merge a little of what it recovers.
    let clone = if linked { size.apparent / 10 } else { size.apparent };
    vec![target, Need { at: plan.elastic.clone.clone(), bytes: clone, files: size.files }]
}

fn judge(needs: &[Need]) -> Result<Vec<Finding>> {
    let places: Vec<PathBuf> = needs.iter().map(|need| existing(&need.at)).collect();
    let mut findings = Vec::new();
    for system in space::file_systems(&places)? {
        let on_it = needs.iter().zip(&places).filter(|(_, place)| system.paths.contains(place)).map(|(need, _)| need);
        let (bytes_needed, files_needed) =
            on_it.fold((0, 0), |(bytes, files), need| (bytes + need.bytes, files + need.files));
        findings.extend(judge_one(&system, bytes_needed, files_needed));
    }
    Ok(findings)
}

fn judge_one(system: &space::FileSystem, needed: u64, files: u64) -> Option<Finding> {
    let at = system.paths.first().map(|path| path.display().to_string()).unwrap_or_default();
    if system.free_bytes < needed {
        return Some(Finding::refusal(
            format!(
                "The disk of {at} has {} free; the migration will write up to {}.",
                bytes(system.free_bytes),
                bytes(needed)
            ),
            "Free some space, put the backup elsewhere (--backup-dir), or leave it out (--no-backup).",
        ));
    }
    if system.free_inodes.is_some_and(|free| free < files) {
        return Some(Finding::refusal(
            format!(
                "The disk of {at} has room for {} more files; the migration needs {files}.",
                system.free_inodes.unwrap_or_default()
            ),
            "Delete small files that nothing needs, or use a file system with more inodes.",
        ));
    }
    let wanted = needed * 2 + system.total_bytes * 3 / 10;
    (system.free_bytes < wanted).then(|| {
        Finding::warning(
            format!(
                "The disk of {at} has {} free, and this run will write up to {}: it fits.",
                bytes(system.free_bytes),
                bytes(needed)
            ),
            "Upstream advises more: 30 % of the disk plus twice the data.",
        )
    })
}

/// Returns the nearest directory that exists.
fn existing(path: &Path) -> PathBuf {
    path.ancestors().find(|one| one.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

/// Images that are missing can be pulled, if a registry can be reached: that is found out before the old server stops.
pub(super) async fn images(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let mut missing: BTreeMap<&str, ()> = BTreeMap::new();
    for image in &subject.plan.images {
        if subject.docker.image(image).await?.is_none() {
            missing.insert(image, ());
        }
    }
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = missing.into_keys().collect();
    Ok(vec![Finding::warning(
        format!("These images are not on this machine yet: {}.", names.join(", ")),
        "They are pulled before anything is stopped. On a machine without internet: docker save them elsewhere and docker load them here.",
    )])
}
