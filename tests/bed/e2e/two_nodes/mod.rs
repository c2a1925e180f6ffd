//! Copies and verifies indices between two real nodes, which `around.sh` brings up and takes away: `CLEARML_TEST_ES5` and
//! `CLEARML_TEST_ES7` hold the addresses of one of Elasticsearch 5.6 and of one of 7.6. Their indices are destroyed.

mod pair;

use clearml_migrate::elastic::{
    BulkSink, CopyOptions, CopyRules, IndexPlan, SecondReading, indices, require_complete, verify_index,
};
use clearml_migrate::error::{Kind, Result};
use clearml_migrate::events::Events;
use clearml_migrate::transfer::{
    Accepted, Change, Checkpoints, Copier, CopyOutcome, Digest, DocumentRef, Gone, How, Mode, Reading, RejectLog,
    Source, Unit, UnitKey, Units, Verdict,
};
use pair::{Bed, stop_at};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

struct Keep(Mutex<Vec<String>>);

impl Checkpoints for Keep {
    fn finished(&self, outcome: &CopyOutcome) -> Result<()> {
        self.0.lock().unwrap().push(outcome.collection.clone());
        Ok(())
    }
}

async fn verify(bed: &Bed, plan: &IndexPlan, outcome: &CopyOutcome, accepted: &Accepted) -> Verdict {
    let source = bed.source.clone().into();
    let rules = CopyRules { accepted: Arc::new(accepted.clone()), ..CopyRules::default() };
    let second = SecondReading { source: &source, rules: &rules };
    let (events, cancel) = (Events::silent(), CancellationToken::new());
    verify_index(&bed.target.clone().into(), plan, &outcome.digest, Some(second), &events, &cancel).await.unwrap()
}

fn log_line(task: &str, n: u32) -> String {
    json!({"@timestamp": "2020-05-04T10:00:00Z", "timestamp": 1_588_586_400_000_u64 + u64::from(n), "type": "log",
        "task": task, "worker": "w", "level": "INFO", "msg": format!("epoch {n} ✓ \"loss\"\n\tdone é")})
    .to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_a_server_writes_arrives_unchanged() {
    let bed = Bed::new("all").await;
    let [log, plot, stats, queue] =
        ["events-log-all", "events-plot-all", "worker_stats_all_2020-05", "queue_metrics_all_2020-05"];
    // Made before 0.13: five shards.
    bed.make(
        log,
        json!({"settings": {"number_of_shards": 5, "refresh_interval": "7s", "number_of_replicas": 1},
        "aliases": {"logs-of-all": {}}}),
    )
    .await;
    let mut lines = Vec::new();
    for n in 0..3000 {
        let task = format!("task{}", n % 7);
        lines.push((format!("log{n}"), Some(task.clone()), log_line(&task, n)));
    }
    bed.index(log, "event", &lines).await;
    // Updated, deleted, written with line ends and odd spacing, routed elsewhere.
    let pretty =
        "{ \"task\" : \"task1\",\r\n  \"msg\":\"two\\nlines\" ,\n\"iter\": 1.0, \"extra\": {\"deep\": [1, 2]}}\n";
    bed.put(log, "event", "log1", "task1", pretty).await;
    bed.put(log, "event", "elsewhere", "somewhere", r#"{"task":"task2","msg":"x"}"#).await;
    bed.delete(log, "event", "log2", "task2").await;

    let big = "p".repeat(1_500_000);
    let plots: Vec<_> = (0..12)
        .map(|n| {
            (format!("plot{n}"), Some("t".to_owned()), json!({"task": "t", "plot_str": big, "iter": n}).to_string())
        })
        .collect();
    bed.index(plot, "event", &plots).await;
    let unrouted = |n: u32, body: Value| (format!("s{n}"), None, body.to_string());
    let body =
        json!({"timestamp": 1_588_586_400_000_u64, "worker": "w", "metric": "cpu", "value": 1.5, "company": "all"});
    bed.index(stats, "stat", &(0..200).map(|n| unrouted(n, body.clone())).collect::<Vec<_>>()).await;
    bed.index(queue, "metrics", &[unrouted(0, json!({"queue": "q", "queue_length": 3}))]).await;
    bed.make(".foreign-all", json!({})).await;

    let listed = indices::list(&bed.source).await.unwrap();
    assert!(listed.iter().any(|index| index.name == ".foreign-all" && !index.is_ours()));
    let ours: Vec<_> = listed.into_iter().filter(|index| index.is_ours() && index.name.contains("all")).collect();
    assert_eq!(ours.len(), 4);
    indices::require_all_shards(&bed.source, &ours).await.unwrap();

    let plans = bed.plans(&[log, plot, stats, queue]).await;
    let copier = bed.copier(Accepted::default()).await;
    // Left by an earlier try, with another mapping.
    bed.target_call("PUT", "/events-plot-all/_doc/old", Some(json!({"plot_str": 1}))).await;
    let keep = Keep(Mutex::default());
    let outcomes = copier.copy_all(plans.clone(), &keep).await.unwrap();
    assert_eq!(keep.0.lock().unwrap().len(), 4);
    require_complete(&outcomes, std::path::Path::new("unused")).unwrap();
    for plan in &plans {
        let outcome = outcomes.iter().find(|outcome| outcome.collection == plan.index).unwrap();
        let verdict = verify(&bed, plan, outcome, &Accepted::default()).await;
        assert!(matches!(verdict, Verdict::Equal(..)), "{verdict:?}");
        assert_eq!(indices::count(&bed.target, &plan.index).await.unwrap(), plan.documents);
    }
    let outcome = outcomes.iter().find(|outcome| outcome.collection == log).unwrap();
    assert_eq!((outcome.read, outcome.written, outcome.routing_kept), (3000, 3000, 1));

    let index = bed.target_call("GET", "/events-log-all", None).await;
    let index = &index["events-log-all"];
    assert_eq!(index["settings"]["index"]["refresh_interval"], "7s");
    assert_eq!(index["settings"]["index"]["number_of_shards"], "1");
    assert_eq!(index["settings"]["index"].get("translog"), None);
    assert_eq!(index["mappings"]["properties"]["task"]["type"], "keyword");
    assert!(index["aliases"].get("logs-of-all").is_some());
    let moved = bed.target_call("GET", "/events-log-all/_doc/elsewhere", None).await;
    assert_eq!(moved["_routing"], "somewhere");
    let one = bed.target_call("GET", "/events-log-all/_doc/log1", None).await;
    assert_eq!(one.get("_routing"), None);
    assert_eq!(one["_source"]["extra"]["deep"], json!([1, 2]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_injected_difference_is_named() {
    let bed = Bed::new("differ").await;
    let index = "events-log-differ";
    bed.make(index, json!({})).await;
    let lines: Vec<_> = (0..500).map(|n| (format!("d{n}"), Some("t".to_owned()), log_line("t", n))).collect();
    bed.index(index, "event", &lines).await;
    let plan = bed.plans(&[index]).await.remove(0);
    let outcome = bed.copied(Accepted::default(), &plan).await;

    bed.target_call("DELETE", "/events-log-differ/_doc/d3", None).await;
    let mut altered: Value = serde_json::from_str(&log_line("t", 7)).unwrap();
    altered["msg"] = json!("epoch 8");
    bed.target_call("PUT", "/events-log-differ/_doc/d7", Some(altered)).await;
    bed.target_call("PUT", "/events-log-differ/_doc/new", Some(json!({"task": "t"}))).await;
    let same: Value = serde_json::from_str(&log_line("t", 9)).unwrap();
    bed.target_call("PUT", "/events-log-differ/_doc/d9?routing=r", Some(same)).await;

    let verdict = verify(&bed, &plan, &outcome, &Accepted::default()).await;
    let Verdict::Different(difference) = verdict.clone() else { panic!("{verdict:?}") };
    let named: Vec<_> = difference.named.iter().map(|named| (named.id.as_str(), named.how.clone())).collect();
    let routing = How::Routing { expected: None, found: Some("r".into()) };
    assert_eq!(named, [("d3", How::Missing), ("d7", How::Altered), ("d9", routing), ("new", How::Extra)]);
    assert_eq!((difference.expected, difference.found, difference.buckets), (500, 500, 4));
    assert_eq!(verdict.require_equal().unwrap_err().kind(), Kind::Difference);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_document_is_kept_whole_and_can_be_given_up() {
    let bed = Bed::new("reject").await;
    let index = "events-log-reject";
    // The new server's mapping has a number there.
    bed.make(index, json!({"mappings": {"event": {"properties": {"iter": {"type": "keyword"}}}}})).await;
    let lines: Vec<_> = (0..50).map(|n| (format!("r{n}"), Some("t".to_owned()), log_line("t", n))).collect();
    bed.index(index, "event", &lines).await;
    bed.put(index, "event", "twice", "t", r#"{"task":"t","msg":"one","msg":"two"}"#).await;
    let odd = r#"{"task":"t","iter":"none","iter":"no number"}"#;
    bed.put(index, "event", "odd", "t", odd).await;
    bed.refresh_source(index).await;
    let plan = bed.plans(&[index]).await.remove(0);
    let copier = bed.copier(Accepted::default()).await;
    let outcome = copier.copy_all(vec![plan.clone()], &()).await.unwrap().remove(0);
    assert_eq!((outcome.read, outcome.written, outcome.rejects, outcome.collisions), (52, 51, 1, 0));
    assert_eq!(outcome.repaired, 1, "a key that occurs twice is no reason to refuse");
    assert!(outcome.named[0].reason.contains("failed to parse field [iter]"), "{:?}", outcome.named);
    let file = bed.rejects();
    assert!(require_complete(&[outcome], &file).is_err());
    let kept: Value = serde_json::from_str(std::fs::read_to_string(&file).unwrap().trim()).unwrap();
    assert_eq!((kept["source"].as_str(), kept["id"].as_str()), (Some(odd), Some("odd")));
    assert_eq!((kept["type"].as_str(), kept["routing"].as_str()), (Some("event"), Some("t")));

    let accepted = Accepted::read(&file).unwrap();
    let outcome = bed.copied(accepted.clone(), &plan).await;
    assert_eq!((outcome.read, outcome.written, outcome.left_out), (52, 51, 1));
    assert!(outcome.is_complete());
    assert!(matches!(verify(&bed, &plan, &outcome, &accepted).await, Verdict::Equal(..)));
    let repaired = bed.target_call("GET", "/events-log-reject/_doc/twice", None).await;
    assert_eq!(repaired["_source"], json!({"task": "t", "msg": "two"}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_id_under_two_types_or_two_routings_is_reported_and_not_overwritten() {
    let bed = Bed::new("twice").await;
    let index = "events-log-twice";
    bed.make(index, json!({"settings": {"number_of_shards": 5}})).await;
    bed.put(index, "event", "same", "t", r#"{"task":"t","msg":"a"}"#).await;
    bed.put(index, "other", "same", "t", r#"{"task":"t","msg":"a"}"#).await;
    for routing in ["t1", "t2", "t3", "t4", "t5", "t6", "t7"] {
        let source = format!(r#"{{"task":"{routing}","msg":"a"}}"#);
        bed.put(index, "event", "routed", routing, &source).await;
    }
    bed.refresh_source(index).await;
    let plan = bed.plans(&[index]).await.remove(0);
    assert_eq!(plan.types.len(), 2);
    assert!(plan.documents > 3, "several shards hold the same _id");
    let outcome = bed.copied(Accepted::default(), &plan).await;
    assert_eq!((outcome.rejects, outcome.written, outcome.collisions), (0, 2, plan.documents - 2));
    let accepted = Accepted::read(&bed.rejects()).unwrap();
    let outcome = bed.copied(accepted.clone(), &plan).await;
    assert!(outcome.is_complete());
    assert!(matches!(verify(&bed, &plan, &outcome, &accepted).await, Verdict::Equal(..)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn huge_documents_among_small_ones_pass() {
    let bed = Bed::new("huge").await;
    let index = "events-plot-huge";
    bed.make(index, json!({})).await;
    let lines: Vec<_> = (0..2000).map(|n| (format!("h{n}"), Some("t".to_owned()), log_line("t", n))).collect();
    bed.index(index, "event", &lines).await;
    // Compressible, so that the index looks small and its documents do not: the worst for a guess of page sizes.
    // A node needs some sixteen times a document's size of heap to take it in.
    let room = usize::try_from(bed.least_heap().await).unwrap() / 16;
    for (name, megabytes) in [("one", 95), ("two", 40), ("three", 20)] {
        let source = json!({"task": "t", "plot_str": "x".repeat(room.min(megabytes * 1_000_000))}).to_string();
        bed.put(index, "event", name, "t", &source).await;
    }
    bed.refresh_source(index).await;
    let plan = bed.plans(&[index]).await.remove(0);
    let outcome = bed.copied(Accepted::default(), &plan).await;
    assert_eq!((outcome.read, outcome.written), (2003, 2003));
    assert!(matches!(verify(&bed, &plan, &outcome, &Accepted::default()).await, Verdict::Equal(..)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_copy_leaves_no_scroll_and_is_made_anew() {
    let bed = Bed::new("cancel").await;
    let index = "events-log-cancel";
    bed.make(index, json!({})).await;
    let lines: Vec<_> = (0..20_000).map(|n| (format!("c{n}"), Some("t".to_owned()), log_line("t", n))).collect();
    bed.index(index, "event", &lines).await;
    let plan = bed.plans(&[index]).await.remove(0);
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let copier = bed.copier_with(Accepted::default(), stop_at(3000, move || stop.cancel()), cancel).await;
    assert_eq!(copier.copy_all(vec![plan.clone()], &()).await.unwrap_err().kind(), Kind::Cancelled);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bed.open_scrolls(index).await, 0);
    let outcome = bed.copied(Accepted::default(), &plan).await;
    assert!(matches!(verify(&bed, &plan, &outcome, &Accepted::default()).await, Verdict::Equal(..)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_index_can_be_opened_and_copied() {
    let bed = Bed::new("closed").await;
    let index = "events-log-closed";
    bed.make(index, json!({})).await;
    bed.index(index, "event", &[("a".into(), Some("t".into()), log_line("t", 1))]).await;
    bed.source_call("POST", "/events-log-closed/_close", None).await;
    let listed = indices::list(&bed.source).await.unwrap();
    assert!(listed.iter().find(|listed| listed.name == index).unwrap().is_closed());
    indices::open(&bed.source, index).await.unwrap();
    let plan = bed.plans(&[index]).await.remove(0);
    assert_eq!(bed.copied(Accepted::default(), &plan).await.written, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pump_is_fast_and_reads_as_fast_back() {
    let bed = Bed::new("speed").await;
    let documents = std::env::var("CLEARML_TEST_DOCUMENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let names = ["events-log-speed", "events-training_stats_scalar-speed"];
    for index in names {
        bed.make(index, json!({})).await;
        let mut n = 0;
        while n < documents / 2 {
            let part: Vec<_> = (n..(n + 10_000).min(documents / 2))
                .map(|n| {
                    (format!("{index}{n:016x}"), Some(format!("t{}", n % 50)), log_line(&format!("t{}", n % 50), n))
                })
                .collect();
            bed.index(index, "event", &part).await;
            n += 10_000;
        }
    }
    let plans = bed.plans(&names).await;
    let copier = bed.copier(Accepted::default()).await;
    for round in 1..=2 {
        let start = Instant::now();
        let outcomes = copier.copy_all(plans.clone(), &Keep(Mutex::default())).await.unwrap();
        let copied = start.elapsed().as_secs_f64();
        let start = Instant::now();
        for plan in &plans {
            let outcome = outcomes.iter().find(|outcome| outcome.collection == plan.index).unwrap();
            assert!(matches!(verify(&bed, plan, outcome, &Accepted::default()).await, Verdict::Equal(..)));
        }
        let verified = start.elapsed().as_secs_f64();
        let read: u64 = outcomes.iter().map(|outcome| outcome.read).sum();
        let rate = |seconds: f64| (read as f64 / seconds) as u64;
        println!("round {round}: {read} documents copied at {}/s, verified at {}/s", rate(copied), rate(verified));
        assert_eq!(read, u64::from(documents / 2) * 2);
    }
}

/// `(id, routing, document)`, without a document where it is gone.
type OneChange = (&'static str, Option<&'static str>, Option<String>);

/// Changes as a source.
#[derive(Clone)]
struct Changes(Arc<Vec<OneChange>>);

impl Source for Changes {
    type Plan = IndexPlan;
    type Unit = Self;

    async fn open(&self, _: &IndexPlan) -> Result<Option<Units<Self>>> {
        Ok(Some(Units { parts: vec![self.clone()], documents: Some(self.documents()), at_once: 1, waits: false }))
    }
}

impl Unit for Changes {
    fn key(&self) -> Result<Option<UnitKey>> {
        Ok(None)
    }

    fn documents(&self) -> u64 {
        self.0.iter().filter(|(.., source)| source.is_some()).count() as u64
    }

    fn read(&self, _: &CancellationToken, each: &mut impl FnMut(&Change<'_>) -> Result<()>) -> Result<Reading> {
        for (id, routing, source) in self.0.iter() {
            each(&match source {
                Some(source) => {
                    Change::Put(DocumentRef { id, kind: None, routing: *routing, source: source.as_bytes() })
                }
                None => Change::Delete(Gone { id, routing: *routing }),
            })?;
        }
        Ok(Reading { documents: self.documents(), ..Reading::default() })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_carried_out_on_an_index_that_is_there() {
    let bed = Bed::new("changes").await;
    let index = "events-log-changes";
    bed.make(index, json!({})).await;
    let lines: Vec<_> = (0..100).map(|n| (format!("c{n}"), Some("t".to_owned()), log_line("t", n))).collect();
    bed.index(index, "event", &lines).await;
    bed.put(index, "event", "routed", "elsewhere", &log_line("t", 500)).await;
    bed.refresh_source(index).await;
    let plan = bed.plans(&[index]).await.remove(0);
    assert_eq!(bed.copied(Accepted::default(), &plan).await.written, 101);

    let changed = || Some(log_line("t", 1000));
    let changes = vec![
        ("c3", None, None),
        ("c7", Some("t"), changed()),
        ("new", None, changed()),
        ("routed", Some("elsewhere"), None),
        ("never there", None, None),
    ];
    let sink = BulkSink::new(bed.target.clone(), Mode::Upsert).await.unwrap();
    let options = CopyOptions::new(RejectLog::new(bed.rejects()));
    let changes = Changes(Arc::new(changes));
    let copier = Copier::<Changes, _, _>::new(changes, sink, options, Events::silent(), CancellationToken::new());
    for _ in 0..2 {
        let outcome = copier.copy_all(vec![plan.clone()], &()).await.unwrap().remove(0);
        assert_eq!((outcome.written, outcome.deleted, outcome.is_complete()), (2, 3, true));
        let mut expected = Digest::new();
        for n in (0..100).filter(|n| *n != 3) {
            let text = if n == 7 { log_line("t", 1000) } else { log_line("t", n) };
            expected.add(&format!("c{n}"), None, text.as_bytes());
        }
        expected.add("new", None, log_line("t", 1000).as_bytes());
        let (target, events, cancel) = (bed.target.clone().into(), Events::silent(), CancellationToken::new());
        let verdict = verify_index(&target, &plan, &expected, None, &events, &cancel).await.unwrap();
        assert_eq!(verdict.require_equal().unwrap().documents, 100);
    }
}

/// Keeps the compiler honest about what callers need: everything is `Send` and can be spawned.
#[test]
fn copies_can_be_spawned() {
    fn sendable<T: Send + Sync>() {}
    sendable::<clearml_migrate::elastic::Copier>();
    sendable::<Arc<dyn Checkpoints>>();
}
