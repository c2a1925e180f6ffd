//! The indices of the old data: whole, and no more than both nodes can hold.

use crate::elastic::indices::is_ours;
use crate::findings::Finding;
use crate::lucene::data_dir::{self, DataDir, Index, Openness, Problem};
use crate::message::{About, Code};
use crate::text::bytes;
use crate::text::count;
use crate::text::plural;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Elasticsearch 7 makes no index on a node that has this many shards open (`cluster.max_shards_per_node`), and every
/// index has one shard in the new data.
const NEW_SHARDS: usize = 1_000;
/// For what the new server makes itself: an index for each kind of event, and two more each month, for some years.
const FOR_THE_NEW_SERVER: usize = 50;
/// Heap of the old node for each shard that it opens, in bytes. An empty shard takes about a tenth; the cluster's state,
/// which is sent around whole for each change, takes the more the more there are.
const HEAP_OF_A_SHARD: u64 = 512 << 10;

/// Warns of what lies among the indices and is none.
pub(super) fn foreign(data: &DataDir) -> Vec<Finding> {
    let warning = |found: &data_dir::Finding| {
        Finding::warning(
            Code::ForeignEntry,
            format!("{found}."),
            "It stays where it is and is not migrated, as Elasticsearch ignores it.",
        )
        .about(About::path(&found.path))
    };
    data.foreign().map(|found| warning(found).lasting()).collect()
}

/// Refuses indices that are not whole, each once, and says what can be saved.
pub(super) fn whole(data: &DataDir) -> Vec<Finding> {
    let mut by_index: BTreeMap<&str, Vec<&data_dir::Finding>> = BTreeMap::new();
    let mut findings = Vec::new();
    for found in data.blocking() {
        match data.indices.iter().find(|index| dir_of(index, &found.path).is_some()) {
            Some(index) => by_index.entry(&index.name).or_default().push(found),
            None => {
                let usual = || "The old server cannot show these data either. Restore them from a backup.".to_owned();
                let remedy = found.ways_out().unwrap_or_else(usual);
                let finding = Finding::refusal(Code::EntryUnclear, format!("{found}."), remedy);
                findings.push(finding.about(About::path(&found.path)));
            }
        }
    }
    for index in &data.indices {
        if let Some(found) = by_index.get(index.name.as_str()) {
            let others = data.indices.len() - by_index.len();
            findings.push(
                Finding::refusal(
                    Code::IndexDamaged,
                    format!("The index {} is not whole: {}.", index.name, problems(index, found)),
                    ways_out(index, found, others),
                )
                .about(About::index(&index.name)),
            );
        }
    }
    findings
}

fn problems(index: &Index, found: &[&data_dir::Finding]) -> String {
    let one = |found: &&data_dir::Finding| match missing_shard(index, found) {
        Some(shard) => format!("its shard {shard} is missing ({} is not there)", found.path.display()),
        None => found.to_string(),
    };
    found.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn ways_out(index: &Index, found: &[&data_dir::Finding], others: usize) -> String {
    let Some(dir) = found.iter().find_map(|one| dir_of(index, &one.path)) else { return String::new() };
    let mut ways = match found.iter().any(|one| one.problem == Problem::Stale) {
        true => vec![
            "Elasticsearch had several nodes, and another one went on with this index: bring the data directory of that \
             one. If there was never another node, the directory was put together from two backups."
                .to_owned(),
        ],
        false => vec![format!("The old server cannot show these data either. Restore {} from a backup.", dir.display())],
    };
    if let Some(place) = beside_the_data(&dir, &index.name) {
        let rest = match others {
            0 => String::new(),
            1 => "; the other index is whole and is migrated".to_owned(),
            others => format!("; the other {} are whole and are migrated", plural(others as u64, "index", "indices")),
        };
        ways.push(format!("Or do without the index: mv {} {}{rest}.", dir.display(), place.display()));
    }
    let missing: Vec<u32> = found.iter().filter_map(|one| missing_shard(index, one)).collect();
    if missing.len() == found.len() && !index.shards.is_empty() {
        let commands: Vec<String> = missing.iter().map(|shard| empty_shard(&index.name, *shard)).collect();
        ways.push(format!(
            "Or keep what its other {} hold: start the old Elasticsearch alone, let it put an empty shard in the place of \
             what is missing, and stop it again: curl -X POST localhost:9200/_cluster/reroute -H 'Content-Type: \
             application/json' -d '{{\"commands\":[{}]}}'",
            plural(index.shards.len() as u64, "shard", "shards"),
            commands.join(",")
        ));
    }
    ways.join("\n")
}

/// Elasticsearch's own way to give up a shard (5.6 reference, Cluster Reroute).
fn empty_shard(index: &str, shard: u32) -> String {
    format!(
        r#"{{"allocate_empty_primary":{{"index":"{index}","shard":{shard},"node":"_local","accept_data_loss":true}}}}"#
    )
}

/// Returns the number of the shard whose whole directory is missing.
fn missing_shard(index: &Index, found: &data_dir::Finding) -> Option<u32> {
    let dir = dir_of(index, &found.path)?;
    (found.problem == Problem::Missing && found.path.parent() == Some(&dir))
        .then(|| found.path.file_name()?.to_str()?.parse().ok())
        .flatten()
}

/// Returns the index's directory, if a path is in it.
fn dir_of(index: &Index, path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|dir| dir.file_name().is_some_and(|name| name == index.uuid.as_str())).map(Path::to_owned)
}

/// Returns a place outside `<data>/nodes/0/indices/<uuid>`, on the same disk.
fn beside_the_data(index_dir: &Path, name: &str) -> Option<PathBuf> {
    let data = index_dir.ancestors().nth(4)?;
    let mut place = data.file_name()?.to_owned();
    place.push(format!("_without_{name}"));
    Some(data.with_file_name(place))
}

/// Refuses more indices than the nodes can hold. `heap` is that of the node that reads, in bytes; nothing if the files are
/// read without one.
pub(super) fn not_too_many(place: &Path, data: &DataDir, heap: Option<u64>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let open = data.indices.iter().filter(|index| is_ours(&index.name) && index.openness == Openness::Open).count();
    if open > NEW_SHARDS - FOR_THE_NEW_SERVER {
        findings.push(Finding::refusal(
            Code::TooManyIndices,
            format!(
                "{} holds {} open indices of the server ({}). The new Elasticsearch opens {} at most, and the new server needs some for itself.",
                place.display(),
                count(open as u64),
                kinds(data.indices.iter().filter(|index| is_ours(&index.name))),
                count(NEW_SHARDS as u64)
            ),
            "Delete in the old server what nobody needs, such as queue_metrics_ and worker_stats_ of past years (they are load curves of machines, not experiments): curl -X DELETE 'localhost:9200/worker_stats_*_2019-*'. Closed indices do not count.",
        )
        .about(About::path(place)));
    }
    let shards: usize = data.indices.iter().map(|index| index.shards.len()).sum();
    let room = heap.map(|heap| (heap, heap / HEAP_OF_A_SHARD));
    if let Some((heap, room)) = room.filter(|(_, room)| shards as u64 > *room) {
        findings.push(Finding::refusal(
            Code::TooManyShards,
            format!(
                "{} holds {} indices with {} shards ({}). The temporary node that reads them has {} of heap, enough for about {} shards.",
                place.display(),
                count(data.indices.len() as u64),
                count(shards as u64),
                kinds(data.indices.iter()),
                bytes(heap),
                count(room)
            ),
            "Delete in the old server what nobody needs: curl -X DELETE 'localhost:9200/.monitoring-*' for what is not the server's, and load curves of past years.",
        )
        .about(About::path(place)));
    }
    findings
}

/// Counts indices by the beginnings of their names: `events-* 5, worker_stats_* 20, others 3`.
fn kinds<'a>(indices: impl Iterator<Item = &'a Index>) -> String {
    const KINDS: [&str; 4] = ["events-", "queue_metrics_", "worker_stats_", ".monitoring-"];
    const OTHERS: &str = "others";
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for index in indices {
        let kind = KINDS.iter().find(|kind| index.name.starts_with(**kind)).unwrap_or(&OTHERS);
        *counts.entry(kind).or_default() += 1;
    }
    let told =
        |(kind, number): (&str, u64)| format!("{kind}{} {}", if kind == OTHERS { "" } else { "*" }, count(number));
    counts.into_iter().map(told).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::data_dir::{Shard, VersionId};

    fn index(name: &str, shards: u32) -> Index {
        let shard =
            |number| Shard { number, bytes: 1, live_bytes: 1, lucene_documents: Some(0), translog_operations: 0 };
        Index {
            name: name.to_owned(),
            uuid: format!("u-{name}"),
            openness: Openness::Open,
            created: VersionId(5_061_699),
            types: vec!["event".to_owned()],
            shards: (0..shards).map(shard).collect(),
        }
    }

    fn text(findings: &[Finding]) -> String {
        findings.iter().map(|one| format!("{}\n  {}\n", one.what, one.remedy)).collect()
    }

    #[test]
    fn a_hundred_thousand_indices_are_refused_with_what_to_delete() {
        let month = |number: u32| format!("worker_stats_d1bd92a3_{}-{:02}", number / 12, number % 12 + 1);
        let mut indices: Vec<Index> = (0..99_000).map(|number| index(&month(number), 1)).collect();
        indices.extend((0..990).map(|number| index(&format!(".monitoring-es-6-{number}"), 1)));
        indices.extend((0..10).map(|number| index(&format!("events-log-{number}"), 5)));
        let data = DataDir { indices, ..DataDir::default() };
        insta::assert_snapshot!(text(&not_too_many(Path::new("/opt/trains/data/elastic"), &data, Some(2 << 30))));
    }

    #[test]
    fn as_many_as_a_busy_server_has_pass_and_closed_ones_do_not_count() {
        let mut indices: Vec<Index> = (0..950).map(|number| index(&format!("events-log-{number}"), 1)).collect();
        let data = |indices: &[Index]| DataDir { indices: indices.to_vec(), ..DataDir::default() };
        assert_eq!(not_too_many(Path::new("/x"), &data(&indices), Some(1 << 30)), []);
        indices.push(index("events-log-more", 1));
        assert_eq!(not_too_many(Path::new("/x"), &data(&indices), Some(1 << 30)).len(), 1);
        indices.iter_mut().for_each(|index| index.openness = Openness::Closed);
        assert_eq!(not_too_many(Path::new("/x"), &data(&indices), Some(1 << 30)), []);
        assert_eq!(not_too_many(Path::new("/x"), &data(&indices), Some(256 << 20)).len(), 1);
        assert_eq!(not_too_many(Path::new("/x"), &data(&indices), None), []);
    }

    #[test]
    fn damage_is_told_once_for_each_index_with_what_can_be_saved() {
        let finding = |path: &str, problem| data_dir::Finding { path: path.into(), problem };
        let at = |rest: &str| format!("/opt/trains/data/elastic/nodes/0/indices/{rest}");
        let mut five = index("events-log-x", 5);
        five.shards.remove(3);
        let data = DataDir {
            indices: vec![five, index("events-plot-x", 1), index("worker_stats_x_2020-05", 1)],
            findings: vec![
                finding(&at("u-events-log-x/3"), Problem::Missing),
                finding(&at("u-events-plot-x/0/index/segments_4"), Problem::Damaged("its checksum is wrong".into())),
                finding(&at("u-events-plot-x/0/index/corrupted_x"), Problem::MarkedCorrupt),
                finding("/opt/trains/data/elastic/nodes/0/_state", Problem::Missing),
                finding(&at("nobody-s"), Problem::Leftover),
            ],
            ..DataDir::default()
        };
        insta::assert_snapshot!(text(&whole(&data)));
    }

    #[test]
    fn what_other_nodes_or_nobody_knows_is_told() {
        let place = |rest: &str| PathBuf::from(format!("/opt/trains/data/elastic/nodes/0/indices/{rest}"));
        let stale = place("u-events-log-x/0/_state/state-1.st");
        let data = DataDir {
            indices: vec![index("events-log-x", 1), index("events-plot-x", 1)],
            findings: vec![
                data_dir::Finding { path: stale, problem: Problem::Stale },
                data_dir::Finding { path: place("who-knows"), problem: Problem::Nameless },
                data_dir::Finding { path: place("AAAAAAAAAAAAAAAAAAAAAA"), problem: Problem::LeadsNowhere },
                data_dir::Finding { path: place(".DS_Store"), problem: Problem::Foreign },
            ],
            ..DataDir::default()
        };
        insta::assert_snapshot!(text(&[whole(&data), foreign(&data)].concat()));
    }
}
