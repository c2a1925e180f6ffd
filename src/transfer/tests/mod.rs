//! The engine by itself: no database, no network, nothing but its own rules.

mod lines;
mod memory;

use super::*;
use crate::error::{Error, Kind, Result};
use crate::events::Events;
use lines::TextFiles;
use memory::{Changes, Manner, Memory, MemorySink, Table, TestRules};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Collections of four units of twenty documents each.
fn source() -> Memory {
    let unit = |table: &str, unit: u32| -> Changes {
        (0..20).map(|n| (format!("{unit}-{n}"), Some(format!("{table}{} of {unit}", n % 3)))).collect()
    };
    let table = |name: &str| (name.to_owned(), (0..4).map(|number| unit(name, number)).collect());
    Memory(Arc::new(BTreeMap::from(["a", "b"].map(table))))
}

fn one(name: &str, units: Vec<Changes>) -> Memory {
    Memory(Arc::new(BTreeMap::from([(name.to_owned(), units)])))
}

fn put(id: &str, source: &str) -> (String, Option<String>) {
    (id.to_owned(), Some(source.to_owned()))
}

fn tables(names: &[&str]) -> Vec<Table> {
    names.iter().map(|name| Table((*name).to_owned())).collect()
}

fn options(directory: &tempfile::TempDir) -> Options<TestRules> {
    let options = Options::new(RejectLog::new(directory.path().join("rejects")));
    // A batch has four documents or so.
    Options { batch_bytes: 500, checkpoint_every: Duration::ZERO, ..options }
}

/// Keeps what a copy reports, like a journal.
#[derive(Default)]
struct Journal {
    partials: Mutex<BTreeMap<String, Partial>>,
    finished: Mutex<BTreeMap<String, CopyOutcome>>,
    reports: Mutex<usize>,
    /// The run is killed when this report comes: before it is kept, or behind that.
    kill: Option<(usize, bool)>,
}

impl Journal {
    fn report(&self, keep: impl FnOnce()) -> Result<()> {
        let mut reports = self.reports.lock().unwrap();
        *reports += 1;
        let killed = self.kill.filter(|(at, _)| at == &*reports);
        if killed.is_none_or(|(_, behind)| behind) {
            keep();
        }
        killed.map_or(Ok(()), |_| Err(Error::failed("killed")))
    }

    fn left(&self, names: &[&str]) -> Vec<Table> {
        let finished = self.finished.lock().unwrap();
        tables(names).into_iter().filter(|table| !finished.contains_key(&table.0)).collect()
    }
}

impl Checkpoints for Journal {
    fn finished(&self, outcome: &CopyOutcome) -> Result<()> {
        self.report(|| drop(self.finished.lock().unwrap().insert(outcome.collection.clone(), outcome.clone())))
    }

    fn partly(&self, partial: &Partial) -> Result<()> {
        self.report(|| drop(self.partials.lock().unwrap().insert(partial.collection.clone(), partial.clone())))
    }

    fn earlier(&self, collection: &str) -> Result<Option<Partial>> {
        Ok(self.partials.lock().unwrap().get(collection).cloned())
    }
}

fn copier<S: Source<Plan = Table>>(
    source: S,
    sink: &MemorySink,
    options: Options<TestRules>,
) -> Copier<S, MemorySink, TestRules> {
    Copier::new(source, sink.clone(), options, Events::silent(), CancellationToken::new())
}

async fn copy_one(source: Memory, sink: &MemorySink, name: &str) -> Result<CopyOutcome> {
    let directory = tempfile::tempdir().unwrap();
    copier(source, sink, options(&directory)).copy_all(tables(&[name]), &()).await.map(|mut all| all.remove(0))
}

/// Returns what the sink holds, compared with the source.
async fn compared<S: Source<Plan = Table>>(source: &S, sink: &MemorySink, name: &str) -> Compared {
    let (rules, events, cancel) = (TestRules::default(), Events::silent(), CancellationToken::new());
    let plan = Table(name.to_owned());
    let sides = Sides { source, target: sink, plan: &plan, rules: &rules, events: &events, cancel: &cancel };
    compare(&sides).await.unwrap()
}

#[tokio::test]
async fn every_document_arrives_once_as_the_rules_have_it() {
    let sink = MemorySink::default();
    let unit =
        |name: &str| vec![put(&format!("old/{name}"), "two words"), put(name.trim_end_matches('1'), "double one")];
    let source = one("a", vec![unit("x1"), unit("y1")]);
    let outcome = copy_one(source.clone(), &sink, "a").await.unwrap();
    assert_eq!((outcome.there, outcome.read, outcome.written, outcome.renamed), (Some(4), 4, 4, 2));
    assert_eq!((outcome.repaired, outcome.is_complete()), (2, true));
    assert_eq!(outcome.samples.groups().map(|(_, documents)| documents).sum::<u64>(), 4);
    let held: Vec<(String, String)> = sink.held()["a"].now.clone().into_iter().collect();
    let expected = [("x", "one"), ("x1", "two words"), ("y", "one"), ("y1", "two words")];
    assert_eq!(held, expected.map(|(id, text)| (id.to_owned(), text.to_owned())));
    let (plan, events, cancel) = (Table("a".into()), Events::silent(), CancellationToken::new());
    let verdict = verify::<Memory, _, TestRules>(&sink, &plan, &outcome.digest, None, &events, &cancel).await.unwrap();
    assert!(matches!(verdict, Verdict::Equal(verified, _) if verified.documents == 4));
}

/// Copies, is killed, and goes on. Returns whether it was killed, and how many documents were written by the second run.
async fn killed_and_gone_on(journal: Journal, sink: MemorySink) -> (bool, usize) {
    let (directory, names, source) = (tempfile::tempdir().unwrap(), ["a", "b"], source());
    let first = copier(source.clone(), &sink, options(&directory)).copy_all(tables(&names), &journal).await;
    let (journal, again) = (Journal { kill: None, ..journal }, sink.after_a_crash());
    let left = journal.left(&names);
    copier(source.clone(), &again, options(&directory)).copy_all(left, &journal).await.unwrap();
    for name in names {
        let outcome = journal.finished.lock().unwrap()[name].clone();
        assert_eq!((outcome.there, outcome.read, outcome.written), (Some(80), 80, 80), "{name}");
        let compared = compared(&source, &again, name).await;
        assert!(!compared.differs() && compared.added == 0, "{compared:?}");
        let target = Digest::sum(
            scan(
                &again,
                &Table(name.into()),
                Task::new(name.into(), None, &Events::silent(), &CancellationToken::new()),
                Digest::new,
                |digest, one| digest.add(one.id, one.routing, one.source),
            )
            .await
            .unwrap(),
        );
        assert_eq!(outcome.digest, target, "{name}");
    }
    (first.is_err(), again.written.load(Ordering::Relaxed))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_killed_at_any_checkpoint_goes_on_behind_the_last_one() {
    for behind in [false, true] {
        let mut fewest = usize::MAX;
        for at in 1.. {
            let journal = Journal { kill: Some((at, behind)), ..Journal::default() };
            let (killed, written) = killed_and_gone_on(journal, MemorySink::default()).await;
            if !killed {
                assert!(at > 4, "there are several checkpoints to be killed at");
                break;
            }
            fewest = fewest.min(written);
        }
        assert!(fewest < 80, "what was durable is not written again: {fewest}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_whose_sink_dies_at_any_write_goes_on() {
    for dies_at in (1..200).step_by(7) {
        let manner = Manner { dies_at: Some(dies_at), ..Manner::default() };
        let (killed, _) = killed_and_gone_on(Journal::default(), MemorySink::default().behaving(manner)).await;
        if !killed {
            assert!(dies_at > 20, "there are many writes to die at");
            return;
        }
    }
    panic!("it never came to its end");
}

#[tokio::test]
async fn a_checkpoint_of_other_data_is_not_gone_on_with() {
    let (directory, sink) = (tempfile::tempdir().unwrap(), MemorySink::default());
    let journal = Journal { kill: Some((1, true)), ..Journal::default() };
    let units =
        |length: u32| (0..4).map(|unit| (0..length).map(|n| put(&format!("{unit}-{n}"), "x")).collect()).collect();
    let copy = async |length, journal: &Journal| {
        copier(one("a", units(length)), &sink, options(&directory)).copy_all(tables(&["a"]), journal).await
    };
    copy(20, &journal).await.unwrap_err();
    let journal = Journal { kill: None, ..journal };
    assert_eq!(journal.partials.lock().unwrap().len(), 1);
    assert_eq!(copy(19, &journal).await.unwrap()[0].read, 76);
    assert_eq!(sink.held()["a"].now.len(), 76, "nothing is left of the other data");
}

#[tokio::test]
async fn a_refused_document_is_kept_whole_and_only_its_unit_is_read_again() {
    let (directory, sink, journal) = (tempfile::tempdir().unwrap(), MemorySink::default(), Journal::default());
    let unit = |unit: u32| {
        (0..10).map(move |n| put(&format!("{unit}-{n}"), if (unit, n) == (1, 5) { "refused" } else { "x" }))
    };
    let source = one("a", (0..3).map(|number| unit(number).collect()).collect());
    let outcomes = copier(source.clone(), &sink, options(&directory)).copy_all(tables(&["a"]), &journal).await.unwrap();
    let [outcome] = &outcomes[..] else { panic!("one collection") };
    assert_eq!((outcome.read, outcome.written, outcome.rejects, outcome.is_complete()), (30, 29, 1, false));
    assert_eq!((outcome.named[0].id.as_str(), outcome.named[0].reason.as_str()), ("1-5", "no"));
    assert_eq!(journal.partials.lock().unwrap()["a"].documents(), 20);

    let sink = sink.after_a_crash();
    let rules = TestRules(Arc::new(Accepted::read(&directory.path().join("rejects")).unwrap()));
    let again = copier(source, &sink, Options { rules, ..options(&directory) });
    let outcome = again.copy_all(tables(&["a"]), &journal).await.unwrap().remove(0);
    assert_eq!((outcome.written, outcome.left_out, outcome.is_complete()), (29, 1, true));
    assert_eq!(sink.written.load(Ordering::Relaxed), 9, "the other two units are not written again");
}

#[tokio::test]
async fn another_document_of_the_same_id_is_a_collision_and_too_large_a_one_is_refused() {
    let sink = MemorySink::default();
    let large = "x".repeat(20_000);
    let units = vec![vec![put("a", "1"), put("large", &large)], vec![put("old/a", "2")]];
    let outcome = copy_one(one("t", units), &sink, "t").await.unwrap();
    assert_eq!((outcome.read, outcome.written, outcome.collisions, outcome.rejects), (3, 1, 1, 1));
    assert_eq!(outcome.digest.documents(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_that_pushes_back_slows_the_source_and_memory_stays_within_its_bounds() {
    let manner = Manner { takes: Duration::from_millis(2), busy: true, ..Manner::default() };
    let (directory, sink) = (tempfile::tempdir().unwrap(), MemorySink::default().behaving(manner));
    let kib = "x".repeat(1024);
    let units = (0..8).map(|unit| (0..400).map(|n| put(&format!("{unit}-{n}"), &kib)).collect()).collect();
    // Room for one batch, although there are two connections.
    let bounds = Options { batch_bytes: 512 * 1024, memory: 600 * 1024, ..options(&directory) };
    let outcome = copier(one("a", units), &sink, bounds).copy_all(tables(&["a"]), &()).await.unwrap().remove(0);
    assert_eq!(outcome.written, 3200);
    let sizes = sink.sizes.lock().unwrap();
    let most = sizes.iter().map(|(_, together)| *together).max().unwrap();
    assert!(most <= 600 * 1024, "{most} bytes at once");
    let (first, last) = (sizes[0].0, sizes[sizes.len() - 10].0);
    assert!(first > 400 * 1024 && last <= 192 * 1024, "batches shrink: {first}, then {last}");
}

#[tokio::test]
async fn changes_take_the_place_of_what_is_there_and_what_is_gone_goes() {
    let sink = MemorySink::default();
    copy_one(one("a", vec![vec![put("same", "1"), put("other", "2"), put("gone", "3")]]), &sink, "a").await.unwrap();
    let upsert = sink.behaving(Manner { mode: Mode::Upsert, ..Manner::default() });
    let changes = vec![put("other", "new"), ("gone".into(), None), put("more", "4"), ("never there".into(), None)];
    for _ in 0..2 {
        let outcome = copy_one(one("a", vec![changes.clone()]), &upsert, "a").await.unwrap();
        assert_eq!((outcome.read, outcome.written, outcome.deleted, outcome.is_complete()), (2, 2, 2, true));
        let held: Vec<String> = sink.held()["a"].now.iter().map(|(id, text)| format!("{id}={text}")).collect();
        assert_eq!(held, ["more=4", "other=new", "same=1"], "the second time comes to the same");
    }
    let error = copy_one(one("a", vec![changes]), &sink, "a").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Internal, "a collection that is made anew has nothing to delete");
}

#[tokio::test]
async fn a_wish_to_stop_ends_the_copy_at_once() {
    let manner = Manner { takes: Duration::from_secs(3600), ..Manner::default() };
    let (directory, cancel) = (tempfile::tempdir().unwrap(), CancellationToken::new());
    let sink = MemorySink::default().behaving(manner);
    let copier = Copier::<Memory, _, _>::new(source(), sink, options(&directory), Events::silent(), cancel.clone());
    let journal = Journal::default();
    let copying = copier.copy_all(tables(&["a"]), &journal);
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        cancel.cancel();
    };
    let (copied, ()) = tokio::join!(copying, stopping);
    assert_eq!(copied.unwrap_err().kind(), Kind::Cancelled);
}

#[tokio::test]
async fn lines_of_text_files_are_copied_compared_and_recognised_like_anything_else() {
    let directory = tempfile::tempdir().unwrap();
    let (texts, sink) = (directory.path().join("texts"), MemorySink::default());
    std::fs::create_dir_all(&texts).unwrap();
    for (file, content) in [("one", "a heading\nk1\talpha\nk2\tbeta\n"), ("two", "k3\tgamma\nk4\tdelta\n")] {
        std::fs::write(texts.join(file), content).unwrap();
    }
    let source = TextFiles(directory.path().to_owned());
    let journal = Journal { kill: Some((1, true)), ..Journal::default() };
    let copy = async |journal: &Journal| {
        copier(source.clone(), &sink, options(&directory)).copy_all(tables(&["texts"]), journal).await
    };
    copy(&journal).await.unwrap_err();
    let journal = Journal { kill: None, ..journal };
    let outcome = copy(&journal).await.unwrap().remove(0);
    assert_eq!((outcome.there, outcome.read, outcome.written), (Some(4), 4, 4), "a heading is no document");
    assert!(!compared(&source, &sink, "texts").await.differs());

    let change = |id: &str, text: Option<&str>| {
        let mut all = sink.held();
        let held = &mut all.get_mut("texts").unwrap().now;
        held.remove(id);
        held.extend(text.map(|text| (id.to_owned(), text.to_owned())));
    };
    change("k1", None);
    change("k3", Some("Gamma"));
    change("k9", Some("new"));
    let found = compared(&source, &sink, "texts").await;
    assert_eq!((found.missing, found.changed, found.added), (1, 1, 1));
    let named: Vec<String> = found.named.iter().map(ToString::to_string).collect();
    assert_eq!(named, ["k1 is missing", "k3 has another content"]);
    assert!(!compared(&source, &MemorySink::default(), "texts").await.there);
}
