//! Both readers of old data against each other, and what happens where the one that reads files has to give way.

mod injected;

use crate::harness::deployment::Deployment;
use crate::harness::docker;
use crate::harness::machine::Machine;
use crate::harness::tree::Tree;
use crate::nodes::{LOG_INDEX, OddIndices, Old, Target};
use clearml_migrate::elastic::{
    BulkSink, Client, Copier, CopyOptions, CopyRules, Files, IndexPlan, SecondReading, Source, SourceIndex,
    TargetFiles, Templates, check_served, compare_index, delete_index, flush, indices, verify_index,
};
use clearml_migrate::error::{Kind, Result};
use clearml_migrate::events::{Event, Events, Sink, Unit};
use clearml_migrate::transfer::{Checkpoints, Compared, CopyOutcome, Mode, Partial, RejectLog, Verdict};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const DOCUMENTS: u64 = 5_000;

/// Keeps what a copy reports.
#[derive(Default)]
struct Keep {
    partial: Mutex<Option<Partial>>,
    earlier: Option<Partial>,
    /// Ends the copy once this was kept.
    cancel: Option<CancellationToken>,
}

impl Checkpoints for Keep {
    fn finished(&self, _: &CopyOutcome) -> Result<()> {
        Ok(())
    }

    fn partly(&self, partial: &Partial) -> Result<()> {
        *self.partial.lock().unwrap() = Some(partial.clone());
        self.cancel.iter().for_each(CancellationToken::cancel);
        Ok(())
    }

    fn earlier(&self, index: &str) -> Result<Option<Partial>> {
        Ok(self.earlier.clone().filter(|partial| partial.collection == index))
    }
}

/// Remembers where the progress of copies began.
#[derive(Clone, Default)]
struct Begun(Arc<Mutex<Vec<(String, u64)>>>);

impl Sink for Begun {
    fn event(&self, event: &Event) {
        if let Event::Progress { task, done, unit: Unit::Documents, .. } = event {
            let mut begun = self.0.lock().unwrap();
            if !begun.iter().any(|(known, _)| known == task) {
                begun.push((task.clone(), *done));
            }
        }
    }
}

struct Pair {
    target: Client,
    /// The target's data directory.
    data: PathBuf,
    directory: tempfile::TempDir,
}

impl Pair {
    async fn copy(
        &self,
        source: impl Into<Source>,
        plans: &[IndexPlan],
        keep: &Keep,
        events: Events,
    ) -> Result<Vec<CopyOutcome>> {
        let mut options = CopyOptions::new(RejectLog::new(self.directory.path().join("rejects")));
        options.checkpoint_every = Duration::ZERO;
        let cancel = keep.cancel.clone().unwrap_or_default();
        let sink = BulkSink::new(self.target.clone(), Mode::Create).await.unwrap();
        let copier = Copier::new(source, sink, options, events, cancel);
        let mut outcomes = copier.copy_all(plans.to_vec(), keep).await?;
        outcomes.sort_by(|a, b| a.collection.cmp(&b.collection));
        Ok(outcomes)
    }

    /// Returns both ways to read an index of the target back.
    async fn ways(&self, plan: &IndexPlan) -> [clearml_migrate::elastic::Target; 2] {
        flush(&self.target, &plan.index).await.unwrap();
        [self.target.clone().into(), TargetFiles::open(&self.data).unwrap().into()]
    }

    /// Verifies in both ways, which must come to the same.
    async fn verify(&self, source: &Source, plan: &IndexPlan, outcome: &CopyOutcome) -> Verdict {
        let rules = CopyRules::default();
        let second = SecondReading { source, rules: &rules };
        let (events, cancel) = (Events::silent(), CancellationToken::new());
        let [api, files] = self.ways(plan).await;
        let verify = |target| async move {
            verify_index(target, plan, &outcome.digest, Some(second), &events, &cancel).await.unwrap()
        };
        let (by_node, by_files) = (verify.clone()(&api).await, verify(&files).await);
        match (&by_node, &by_files) {
            (Verdict::Equal(by_node, _), Verdict::Equal(by_files, checks)) => {
                assert_eq!(by_node, by_files);
                let served = check_served(&self.target, plan, by_files.documents, checks).await.unwrap();
                assert_eq!(served, None);
            }
            _ => assert_eq!(by_node, by_files),
        }
        by_files
    }

    /// Compares in both ways, which must come to the same.
    async fn compare(&self, source: &Source, plan: &IndexPlan) -> Compared {
        let (events, cancel, rules) = (Events::silent(), CancellationToken::new(), CopyRules::default());
        let [api, files] = self.ways(plan).await;
        let by_node = compare_index(source, &api, plan, &rules, &events, &cancel).await.unwrap();
        let by_files = compare_index(source, &files, plan, &rules, &events, &cancel).await.unwrap();
        assert_eq!(by_node, by_files);
        by_files
    }
}

fn plans(indices: &[SourceIndex]) -> Vec<IndexPlan> {
    let templates = Templates::release_1_1().unwrap();
    indices.iter().map(|index| IndexPlan::new(index, &templates).unwrap()).collect()
}

async fn described(node: &Client) -> Vec<SourceIndex> {
    let mut closed = Vec::new();
    for listed in indices::list(node).await.unwrap().into_iter().filter(|listed| listed.is_closed()) {
        indices::open(node, &listed.name).await.unwrap();
        closed.push(listed.name);
    }
    assert!(!closed.is_empty());
    let mut all = Vec::new();
    for mut listed in indices::list(node).await.unwrap().into_iter().filter(|listed| listed.is_ours()) {
        listed.was_closed = closed.contains(&listed.name);
        all.push(indices::describe(node, &listed).await.unwrap());
    }
    all
}

/// What both say of an index must be the same; how many documents there are, and on how many bytes, files tell only
/// at most, and about.
fn assert_described_alike(node: &[SourceIndex], files: &[SourceIndex]) {
    assert_eq!(node.len(), files.len());
    for (node, files) in node.iter().zip(files) {
        assert!(files.documents >= node.documents, "{}: {} < {}", node.name, files.documents, node.documents);
        assert_eq!(&SourceIndex { documents: node.documents, bytes: node.bytes, ..files.clone() }, node);
    }
}

#[test]
fn both_readers_find_the_same_in_the_data_of_a_killed_node() {
    let machine = Machine::new();
    let _old = Deployment::with_documents(DOCUMENTS).killed().on(&machine);
    let data = machine.home().join("data/elastic");
    Old::on(&data, |old| old.add(&OddIndices)).killed();
    let clone = machine.path("clone");
    crate::harness::call::tool("cp", &["--archive", &data.display().to_string(), &clone.display().to_string()]);
    let before = Tree::of(&data);
    let target = Target::start(&machine.path("target"));
    Old::on(&clone, |old| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(compare_readers(&old.client(), &data, &target));
    })
    .killed();
    drop(target);
    Tree::of(&data).same_as(&before, "the data that were read");
}

async fn compare_readers(node: &Client, data: &Path, target: &Target) {
    let directory = tempfile::tempdir().unwrap();
    let pair = Pair { target: target.client(), data: target.data.clone(), directory };
    let files = Files::open(data).unwrap();
    let described = described(node).await;
    assert_described_alike(&described, files.indices());
    let (by_node, by_files) = (plans(&described), plans(files.indices()));

    let scrolled = pair.copy(node.clone(), &by_node, &Keep::default(), Events::silent()).await.unwrap();
    let segments = pair.copy(files.clone(), &by_files, &Keep::default(), Events::silent()).await.unwrap();
    let odd = segments.iter().find(|outcome| outcome.collection == OddIndices::INDEX).unwrap();
    assert_eq!((odd.repaired, odd.routing_kept, odd.converted, odd.rejects), (2, 1, 1, 0), "{odd:?}");
    let alike = |outcome: &CopyOutcome| CopyOutcome { converted: 0, ..outcome.clone() };
    assert_eq!(scrolled.iter().map(alike).collect::<Vec<_>>(), segments.iter().map(alike).collect::<Vec<_>>());
    for (plan, outcome) in by_files.iter().zip(&segments) {
        let source = Source::from(files.clone());
        let verdict = pair.verify(&source, plan, outcome).await;
        assert!(matches!(verdict, Verdict::Equal(..)), "{verdict:?}");
        let compared = pair.compare(&source, plan).await;
        assert!(!compared.differs() && compared.added == 0, "{compared:?}");
    }
    injected::every_change_is_found_by_name(&pair, &files.clone().into(), &by_files, &segments).await;
    goes_on_behind_a_checkpoint(&pair, &files, &by_files, &segments).await;
}

async fn goes_on_behind_a_checkpoint(pair: &Pair, files: &Files, plans: &[IndexPlan], whole: &[CopyOutcome]) {
    let plan = plans.iter().max_by_key(|plan| plan.bytes).unwrap();
    let expected = whole.iter().find(|outcome| outcome.collection == plan.index).unwrap();
    delete_index(&pair.target, &plan.index).await.unwrap();
    let first = Keep { cancel: Some(CancellationToken::new()), ..Keep::default() };
    let cut = pair.copy(files.clone(), std::slice::from_ref(plan), &first, Events::silent()).await;
    assert_eq!(cut.unwrap_err().kind(), Kind::Cancelled);
    let kept = first.partial.into_inner().unwrap().unwrap();
    assert!(kept.documents() > 0 && kept.documents() < expected.read, "{} of {}", kept.documents(), expected.read);

    // As a journal keeps it.
    let kept: Partial = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
    let (begun, documents) = (Begun::default(), kept.documents());
    let again = Keep { earlier: Some(kept.clone()), ..Keep::default() };
    let outcomes = pair.copy(files.clone(), std::slice::from_ref(plan), &again, Events::new(begun.clone())).await;
    assert_eq!(&outcomes.unwrap()[0], expected);
    assert_eq!(begun.0.lock().unwrap()[0], (plan.index.clone(), documents), "it begins behind the checkpoint");

    // Of an index that was made anew, the checkpoint says nothing.
    delete_index(&pair.target, &plan.index).await.unwrap();
    let begun = Begun::default();
    let outcomes = pair.copy(files.clone(), std::slice::from_ref(plan), &again, Events::new(begun.clone())).await;
    assert_eq!(&outcomes.unwrap()[0], expected);
    assert_eq!(begun.0.lock().unwrap()[0].1, 0);
}

fn elastic(machine: &Machine, arguments: &[&str]) -> crate::harness::call::Call {
    let [source, target] =
        ["data/elastic", "data/elastic_7"].map(|name| machine.home().join(name).display().to_string());
    machine.migrate(&[&["elastic", "--yes", "-n", "-s", &source, "-t", &target], arguments].concat())
}

#[test]
fn a_copy_from_files_that_is_killed_goes_on_behind_its_last_checkpoint() {
    let machine = Machine::new();
    let old = Deployment::with_documents(DOCUMENTS).killed().on(&machine);
    let total: u64 = old.counts().values().sum();
    let killed = elastic(&machine, &["--reader", "segments"])
        .failpoints("transfer.checkpoint_due=error;transfer.checkpoint=kill")
        .run();
    killed.killed();
    let outcome = elastic(&machine, &[]).run().done();
    let said = outcome.said();
    let (_, behind) = said.split_once("goes on behind ").unwrap_or_else(|| panic!("{outcome}"));
    let behind: u64 = behind.split_once(' ').unwrap().0.parse().unwrap();
    assert!(behind > 0 && behind < total, "{outcome}");
    // No old node, no clone (a time may well be 5.6 s).
    assert!(!said.contains("Elasticsearch 5.6") && !said.contains("elasticsearch:5.6"), "{outcome}");
    let target = Target::start(&machine.home().join("data/elastic_7"));
    for (index, documents) in old.counts() {
        assert_eq!(target.count(&index), documents, "{index}");
    }
    drop(target);
    assert_eq!(docker::left_by_runs(), Vec::<String>::new());
}

#[test]
fn data_that_are_refused_are_read_by_a_node_and_that_is_said_aloud() {
    let machine = Machine::new();
    let old = Deployment::with_documents(DOCUMENTS).killed().on(&machine);
    let data = machine.home().join("data/elastic");
    // Begun with data that can be read, and gone on with when they no longer can: decided once they are at rest.
    elastic(&machine, &[]).failpoints("step.pull_images.started=kill").run().killed();
    Old::on(&data, |node| node.make_filtered_index("events-plot-filtered")).stopped();
    let why = "The index events-plot-filtered does not keep the documents of type event as they were sent";
    elastic(&machine, &[]).failpoints("files.clone.file=kill@9").run().killed();
    let outcome = elastic(&machine, &[]).run().done();
    outcome.saying("are read by a temporary Elasticsearch 5.6, not from their files").saying(why);
    machine.migrate(&["rollback", "--yes", "--source", &data.display().to_string()]).run().done();

    // Known before it begins: in the plan; and refused where nothing else is wished.
    let plan = elastic(&machine, &["--dry-run"]).run().done();
    plan.saying("elasticsearch:5.6.16").saying("read by a temporary Elasticsearch 5.6.16 on a clone").saying(why);
    elastic(&machine, &["--reader", "segments"]).run().refused().saying(why).saying("--reader scroll");
    let outcome = elastic(&machine, &[]).run().done();
    outcome.saying("Please note").saying(why);
    let target = Target::start(&machine.home().join("data/elastic_7"));
    assert_eq!(target.count(LOG_INDEX), old.counts()[LOG_INDEX]);
    assert_eq!(target.count("events-plot-filtered"), 1);
}

#[test]
fn one_id_for_two_documents_is_found_before_anything_is_copied() {
    let machine = Machine::new();
    let _old = Deployment::with_documents(DOCUMENTS).killed().on(&machine);
    Old::on(&machine.home().join("data/elastic"), |node| node.make_collisions("events-log-twice")).killed();
    let outcome = elastic(&machine, &[]).run();
    let outcome =
        outcome.with_code(1).saying("2 documents have an _id that another document of the same index has too");
    let outcome =
        outcome.saying("events-log-twice, same: another document has the same _id").saying("--accept-rejects");
    let said = outcome.said();
    let file = said.split_whitespace().find(|word| word.contains("rejects-") && word.contains(".ndjson")).unwrap();
    let file = file.trim_end_matches([',', '.']);
    let done = elastic(&machine, &["--accept-rejects", file]).run().done().saying("2 documents were left out");
    done.saying("but for 2 documents that were left out");
    {
        let target = Target::start(&machine.home().join("data/elastic_7"));
        assert_eq!(target.count("events-log-twice"), 2);
    }
    // The migration has kept what was accepted, for comparisons; another one asks again, before anything is done.
    let source = machine.home().join("data/elastic").display().to_string();
    let of_migration = |command: &str| machine.migrate(&[command, "--yes", "--source", &source]);
    of_migration("verify").run().done().saying("Not among them: 2 documents that were left out");
    of_migration("status").run().done().saying("Documents are left out, as accepted with --accept-rejects: ");
    let back = of_migration("rollback").run().done().saying("--accept-rejects ");
    let again = elastic(&machine, &[]).run().refused();
    let again = again.saying("In the migration that was taken back, 2 documents were accepted to be left out.");
    let (back, again) = (back.said(), again.said());
    let kept = again.split_whitespace().find(|word| word.contains("accepted-") && word.contains(".ndjson")).unwrap();
    let kept = kept.trim_end_matches(',');
    assert!(back.contains(kept), "{back}");
    elastic(&machine, &["--accept-rejects", kept, "--dry-run"]).run().done();
}

#[test]
fn documents_of_one_id_are_all_copied_where_that_is_asked_for() {
    const PREFIX: [&str; 2] = ["--on-id-collision", "prefix-type"];
    let machine = Machine::new();
    let old = Deployment::with_documents(DOCUMENTS).killed().on(&machine);
    let data = machine.home().join("data/elastic");
    Old::on(&data, |node| node.make_collisions("events-log-twice")).killed();
    elastic(&machine, &[&PREFIX[..], &["--dry-run"]].concat())
        .run()
        .done()
        .saying("all but one get a new one, <type>-<_id>, listed in");
    // Refused first; then, as nothing is copied yet, the same migration goes on with the other choice.
    elastic(&machine, &[]).run().with_code(1).saying("run the same command again with --on-id-collision prefix-type");
    elastic(&machine, &PREFIX)
        .failpoints("transfer.checkpoint_due=error;transfer.checkpoint=kill")
        .run()
        .killed()
        .saying("2 documents share their _id with another and get a new one");
    let late = elastic(&machine, &["--on-id-collision", "refuse"]).run().refused();
    late.saying("Documents were copied with --on-id-collision prefix-type already").saying("Go on with it:");
    let done = elastic(&machine, &[]).run().done();
    let done =
        done.saying("goes on behind ").saying("2 documents had an _id that another document of the same index has too");
    let total: u64 = old.counts().values().sum::<u64>() + 4;
    done.saying(&format!("They are everything that {} held", data.display())).saying(&thousands(total));

    let work = machine.home().join("data/.clearml-migrate");
    let list = std::fs::read_dir(&work).unwrap().map(|entry| entry.unwrap().path());
    let list = list.filter(|path| path.display().to_string().contains("/new-ids-")).collect::<Vec<_>>();
    let list = std::fs::read_to_string(&list[0]).unwrap();
    let lines: Vec<serde_json::Value> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut expected: Vec<String> = lines.iter().map(|line| line["new_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(expected.len(), 2, "{list}");
    assert!(lines.iter().any(|line| line["id"] == "same" && line["type"] == "other" && line["new_id"] == "other-same"));
    let routed = lines.iter().find(|line| line["id"] == "routed").unwrap();
    assert_eq!(routed["new_id"], format!("event-{}-routed", routed["routing"].as_str().unwrap()));
    expected.extend(["same".into(), "routed".into()]);
    expected.sort();

    let verify = || machine.migrate(&["verify", "--source", &data.display().to_string()]).run();
    verify().done().saying("are there, unchanged");
    let target = Target::start(&machine.home().join("data/elastic_7"));
    assert_eq!(target.ids("events-log-twice"), expected);
    target.delete("events-log-twice", "other-same");
    drop(target);
    verify().with_code(4).saying("events-log-twice: other-same is missing");
}

/// A number as the program shows it.
fn thousands(number: u64) -> String {
    format!("{},{:03} documents", number / 1000, number % 1000)
}
