//! The machine: memory, kernel settings, disk space.

use super::Subject;
use crate::error::Result;
use crate::files::space::{self, TreeSize};
use crate::findings::Finding;
use crate::message::{About, Code};
use crate::plan::{Placement, Plan, Reader};
use crate::plan::{heap_for, memory_for, memory_needed, peak_bytes};
use crate::role::Role;
use crate::text::bytes;
use std::path::{Path, PathBuf};

const GIB: u64 = 1 << 30;

/// Upstream documents 8 GB; what the plan itself needs is less and is a must.
pub(super) fn memory(plan: &Plan, memory: u64) -> Vec<Finding> {
    let elastic = plan.elastic();
    let needed = elastic.map_or(0, |elastic| memory_needed(elastic.heaps));
    if let Some(elastic) = elastic.filter(|_| memory < needed) {
        let (what, least) = match elastic.reader {
            Reader::Segments { .. } => ("temporary Elasticsearch node needs", 768),
            Reader::Scroll { .. } => ("two temporary Elasticsearch nodes need", 1536),
        };
        return vec![Finding::refusal(
            Code::MemoryTooSmall,
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
            Code::MemoryLow,
            format!("The machine has {} of memory; ClearML Server asks for 8 GB.", bytes(memory)),
            "The migration works with less; the new server may be slow.",
        )];
    }
    Vec::new()
}

/// A node ends for want of memory when a document is too long for its heap, in the middle of the copy.
pub(super) fn longest_document(plan: &Plan, memory: u64) -> Vec<Finding> {
    let Some(elastic) = plan.elastic() else { return Vec::new() };
    let Some(longest) = elastic.longest_document else { return Vec::new() };
    let (heap, needed) = (elastic.heaps.target, heap_for(longest));
    if heap >= needed {
        return Vec::new();
    }
    let allow = memory_for(needed, &elastic.reader);
    let remedy = match allow <= memory {
        true => format!("Allow more: --memory {}m.", allow >> 20),
        false => format!("That wants {} for the migration (--memory): migrate on a bigger machine.", bytes(allow)),
    };
    vec![Finding::refusal(
        Code::DocumentTooLong,
        format!(
            "The longest document in the old data has {}. The temporary Elasticsearch has a heap of {}, and needs {} to write it.",
            bytes(longest),
            bytes(heap),
            bytes(needed)
        ),
        remedy,
    )]
}

/// Elasticsearch refuses to start below this, when it is reachable from other machines.
const MAP_COUNT: u64 = 262_144;

pub(super) fn map_count(in_virtual_machine: bool) -> Vec<Finding> {
    if in_virtual_machine {
        return Vec::new();
    }
    judge_map_count(&std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap_or_default())
}

fn judge_map_count(text: &str) -> Vec<Finding> {
    match text.trim().parse::<u64>() {
        Ok(count) if count < MAP_COUNT => vec![Finding::refusal(
            Code::MapCount,
            format!("The kernel's vm.max_map_count is {count}; Elasticsearch needs {MAP_COUNT}."),
            format!(
                "sudo sysctl -w vm.max_map_count={MAP_COUNT}; to keep it: echo vm.max_map_count={MAP_COUNT} | sudo tee /etc/sysctl.d/99-clearml.conf"
            ),
        )
        .about(About::Setting("vm.max_map_count".to_owned()))],
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
    for one in plan.replacements() {
        let Some(source) = plan.seen_at(&one.source).map(Path::to_owned).filter(|source| source.is_dir()) else {
            continue;
        };
        let cancel = subject.cancel.clone();
        let size = crate::files::blocking(move || space::measure(&source, &cancel)).await?;
        needs.extend(needs_of(plan, one, &size));
    }
    for rescue in &plan.rescues {
        needs.push(Need { at: rescue.to.clone(), bytes: rescue.bytes.unwrap_or_default(), files: 0 });
    }
    for archive in &plan.archives {
        // Already compressed data do not shrink; text does. The archive is taken to be as large as its source.
        needs.push(Need { at: archive.file.clone(), bytes: archive.bytes, files: 1 });
    }
    judge(&needs)
}

fn needs_of(plan: &Plan, one: &crate::plan::Replacement, size: &TreeSize) -> Vec<Need> {
    let target = Need { at: one.target.clone(), bytes: size.apparent, files: size.files };
    let Some(elastic) = plan.elastic().filter(|_| one.role == Role::Elasticsearch) else { return vec![target] };
    let indices = elastic.indices.len() as u64;
    let live = elastic.live_bytes.unwrap_or(size.apparent);
    let target = Need { bytes: peak_bytes(live, indices, elastic.heaps.target), ..target };
    if matches!(elastic.reader, Reader::Segments { .. }) {
        return vec![target];
    }
    let linked = matches!(one.placement, Placement::Retire { .. } | Placement::Swap { .. });
    // Linked files take no space; the translog is copied, and the node may merge a little of what it recovers.
    let clone = if linked { size.apparent / 10 } else { size.apparent };
    vec![target, Need { at: elastic.clone.clone(), bytes: clone, files: size.files }]
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
    let about = About::Path(at.clone());
    if system.free_bytes < needed {
        return Some(
            Finding::refusal(
                Code::DiskSpace,
                format!(
                    "The disk of {at} has {} free; the migration will write up to {}.",
                    bytes(system.free_bytes),
                    bytes(needed)
                ),
                "Free some space, put the backup elsewhere (--backup-dir), or leave it out (--no-backup).",
            )
            .about(about),
        );
    }
    if system.free_inodes.is_some_and(|free| free < files) {
        return Some(
            Finding::refusal(
                Code::DiskFiles,
                format!(
                    "The disk of {at} has room for {} more files; the migration needs {files}.",
                    system.free_inodes.unwrap_or_default()
                ),
                "Delete small files that nothing needs, or use a file system with more inodes.",
            )
            .about(about),
        );
    }
    let wanted = needed * 2 + system.total_bytes * 3 / 10;
    (system.free_bytes < wanted).then(|| {
        Finding::warning(
            Code::DiskTight,
            format!(
                "The disk of {at} has {} free, and this run will write up to {}: it fits.",
                bytes(system.free_bytes),
                bytes(needed)
            ),
            "Upstream advises more: 30 % of the disk plus twice the data.",
        )
        .about(about)
    })
}

/// Returns the nearest directory that exists.
fn existing(path: &Path) -> PathBuf {
    path.ancestors().find(|one| one.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::space::FileSystem;
    use crate::plan::sample;

    const MIB: u64 = 1 << 20;

    /// What was found, each with its severity in front.
    fn shown(findings: impl IntoIterator<Item = Finding>) -> String {
        let line = |one: Finding| format!("{:?}: {}\n  {}\n", one.severity, one.what, one.remedy);
        findings.into_iter().map(line).collect()
    }

    #[test]
    fn less_memory_than_upstream_asks_for_is_a_warning_and_less_than_the_plan_needs_a_refusal() {
        let mut plan = sample::plan();
        let with = |plan: &Plan, bytes: u64| shown(memory(plan, bytes));
        assert_eq!(with(&plan, 8 * GIB), "");
        let needed = memory_needed(plan.elastic().unwrap().heaps);
        assert!(with(&plan, needed).starts_with("Warning"));
        insta::assert_snapshot!(with(&plan, 7 * GIB) + &with(&plan, 2 * GIB), @r"
        Warning: The machine has 7.0 GiB of memory; ClearML Server asks for 8 GB.
          The migration works with less; the new server may be slow.
        Refusal: The machine has 2.0 GiB of memory; the temporary Elasticsearch node needs 3.0 GiB.
          Allow less: --memory 1536m (at least 768m), or migrate on a bigger machine.
        ");
        plan.elastic_mut().unwrap().reader = Reader::Scroll { asked: true, why: String::new() };
        assert!(with(&plan, needed - 1).contains("two temporary Elasticsearch nodes need"));
    }

    #[test]
    fn a_document_that_is_too_long_for_the_heap_is_refused_with_the_memory_that_is_enough() {
        let mut plan = sample::plan();
        let with = |plan: &Plan, memory: u64| shown(longest_document(plan, memory));
        assert_eq!(with(&plan, 8 * GIB), "", "no document is long");
        plan.elastic_mut().unwrap().longest_document = Some(99 * MIB);
        assert_eq!(with(&plan, 8 * GIB), "", "2 GiB are enough");
        plan.elastic_mut().unwrap().heaps.target = 512 * MIB;
        insta::assert_snapshot!(with(&plan, 8 * GIB) + &with(&plan, GIB), @r"
        Refusal: The longest document in the old data has 99 MiB. The temporary Elasticsearch has a heap of 512 MiB, and needs 1.6 GiB to write it.
          Allow more: --memory 2528m.
        Refusal: The longest document in the old data has 99 MiB. The temporary Elasticsearch has a heap of 512 MiB, and needs 1.6 GiB to write it.
          That wants 2.5 GiB for the migration (--memory): migrate on a bigger machine.
        ");
        let told = memory_for(heap_for(99 * MIB), &plan.elastic().unwrap().reader);
        plan.elastic_mut().unwrap().heaps = crate::plan::heaps(8 * GIB, Some(told), &plan.elastic().unwrap().reader);
        assert_eq!(with(&plan, 8 * GIB), "");
    }

    #[test]
    fn a_kernel_that_maps_too_little_is_refused_with_what_to_type() {
        assert_eq!(shown(judge_map_count("262144\n")), "");
        assert_eq!(shown(judge_map_count("")), "", "where it cannot be read, Elasticsearch itself will tell");
        insta::assert_snapshot!(shown(judge_map_count("65530\n")), @r"
        Refusal: The kernel's vm.max_map_count is 65530; Elasticsearch needs 262144.
          sudo sysctl -w vm.max_map_count=262144; to keep it: echo vm.max_map_count=262144 | sudo tee /etc/sysctl.d/99-clearml.conf
        ");
    }

    #[test]
    fn space_and_inodes_are_refused_by_what_will_be_written_and_advised_by_what_upstream_documents() {
        let disk = |free_bytes: u64, free_inodes: Option<u64>| FileSystem {
            device: 1,
            free_bytes,
            free_inodes,
            total_bytes: 1000 * MIB,
            paths: vec!["/opt/trains/data".into()],
        };
        let judged = |free, inodes| shown(judge_one(&disk(free, inodes), 200 * MIB, 300));
        assert_eq!(judged(700 * MIB, Some(300)), "");
        assert_eq!(judged(700 * MIB, None), "", "a file system without a fixed number of inodes");
        let told = [judged(699 * MIB, Some(300)), judged(199 * MIB, Some(1000)), judged(700 * MIB, Some(299))];
        insta::assert_snapshot!(told.concat(), @r"
        Warning: The disk of /opt/trains/data has 699 MiB free, and this run will write up to 200 MiB: it fits.
          Upstream advises more: 30 % of the disk plus twice the data.
        Refusal: The disk of /opt/trains/data has 199 MiB free; the migration will write up to 200 MiB.
          Free some space, put the backup elsewhere (--backup-dir), or leave it out (--no-backup).
        Refusal: The disk of /opt/trains/data has room for 299 more files; the migration needs 300.
          Delete small files that nothing needs, or use a file system with more inodes.
        ");
    }

    #[test]
    fn room_is_asked_for_what_lives_and_not_for_what_was_deleted() {
        let mut plan = sample::plan();
        let size = TreeSize { apparent: 24 * MIB, files: 20, ..TreeSize::default() };
        let needed = |plan: &Plan| {
            let needs = needs_of(plan, &plan.stores[0].places[0], &size);
            needs.iter().map(|need| (need.at.display().to_string(), need.bytes / MIB)).collect::<Vec<_>>()
        };
        let target = "/opt/trains/data/elastic_7".to_owned();
        plan.elastic_mut().unwrap().live_bytes = None;
        assert_eq!(needed(&plan), [(target.clone(), 106)], "where that cannot be told, all may live");
        plan.elastic_mut().unwrap().live_bytes = Some(2 * MIB);
        assert_eq!(needed(&plan), [(target.clone(), 10)]);
        plan.elastic_mut().unwrap().reader = Reader::Scroll { asked: true, why: String::new() };
        assert_eq!(needed(&plan)[1].1, 2, "the node that reads merges a little on its clone");
    }
}
