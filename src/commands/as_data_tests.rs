//! Whatever a command tells serialises as it is and is read back: another way to show it needs nothing else.

use crate::events::{Event, Unit};
use crate::findings::{Finding, Severity};
use crate::message::{About, Code, Message};
use crate::mongo::{CollectionCompared, ComparedMongo, Later};
use crate::plan::{Plan, sample};
use crate::results::{Change, Comparison, Recorded, Told};
use crate::transfer::{Compared, Discrepancy, Gap, How, Named};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

/// Returns a value as JSON, once it is shown that it is read back from that.
fn read_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Value {
    let json = serde_json::to_value(value).unwrap();
    assert_eq!(serde_json::from_value::<T>(json.clone()).unwrap(), *value);
    json
}

fn lines(values: impl IntoIterator<Item = Value>) -> String {
    values.into_iter().map(|value| format!("{value}\n")).collect()
}

/// A thing of every kind.
fn about() -> Vec<About> {
    let name = || "x".to_owned();
    vec![
        About::path("/opt/trains".as_ref()),
        About::service("mongo"),
        About::container("trains-mongo"),
        About::Image(name()),
        About::Volume(name()),
        About::index("events-log-x"),
        About::field("metric"),
        About::Setting(name()),
        About::Port(8080),
        About::Number(3),
    ]
}

#[test]
fn every_event_serialises() {
    let (step, title) = (|| "copy_elastic".to_owned(), || "Copy Elasticsearch".to_owned());
    let message = Message { about: about(), ..Message::new(Code::IndexThere, "events-log-x is there already") };
    let of_unit = |unit| Event::Progress { task: "events-log-x".into(), done: 5, total: Some(9), unit };
    let mut events = vec![
        Event::StepStarted { step: step(), number: 4, total: 12, title: title() },
        Event::StepFinished { step: step(), summary: "9 documents".into(), elapsed: Duration::from_millis(1_500) },
        Event::StepSkipped { step: step(), number: 4, total: 12, title: title(), reason: "done".into() },
        Event::ProgressEnded { task: "events-log-x".into() },
        Event::Info(message.clone()),
        Event::Detail { text: "for the log".into() },
        Event::Warning(message),
    ];
    events.extend([Unit::Bytes, Unit::Documents, Unit::Items, Unit::Seconds].map(of_unit));
    // Whoever adds an event adds it here.
    let kind = |event: &Event| match event {
        Event::StepStarted { .. } => 0,
        Event::StepFinished { .. } => 1,
        Event::StepSkipped { .. } => 2,
        Event::Progress { .. } => 3,
        Event::ProgressEnded { .. } => 4,
        Event::Info(_) => 5,
        Event::Detail { .. } => 6,
        Event::Warning(_) => 7,
    };
    assert_eq!(events.iter().map(kind).collect::<BTreeSet<_>>().len(), 8);
    insta::assert_snapshot!(lines(events.iter().map(read_back)));
}

#[test]
fn every_finding_serialises() {
    let finding = Finding::refusal(Code::DataInMemory, "It is in memory.", "Copy it.").about(About::service("redis"));
    let lasting = Finding::warning(Code::TakenForEmpty, "It is empty.", "Is it?").lasting();
    insta::assert_snapshot!(lines([&finding, &lasting].map(read_back)));
    for code in Code::ALL {
        let one = Finding { code: *code, about: about(), ..finding.clone() };
        assert_eq!(read_back(&one)["severity"], read_back(&Severity::Refusal), "{code:?}");
    }
}

#[test]
fn every_comparison_serialises() {
    let routing = How::Routing { expected: Some("a".into()), found: None };
    let ways = [How::Missing, How::Extra, How::Altered, routing];
    let named = ways.into_iter().map(|how| Named { id: "x".into(), how }).collect();
    let gaps = [
        Gap::NotCopied,
        Gap::NeverCopied,
        Gap::NotPlanned,
        Gap::NotWritten,
        Gap::NotRead,
        Gap::NeverWritten,
        Gap::Twice,
        Gap::OtherThanPlanned { planned: 1, written: 2 },
        Gap::OtherThanThere { there: 1, read: 2 },
        Gap::OtherThanCopied { read: 3, written: 2, left_out: 2 },
        Gap::OtherDigest { written: 1, digest: 2 },
        Gap::OtherNumber { written: 1, read: 2 },
        Gap::OtherContent,
        Gap::NotCompared,
    ];
    let collection = || "events-log-x".to_owned();
    let compared = || vec![CollectionCompared { rewritten: 1, ..CollectionCompared::default() }];
    let laters = [
        Later::Bytes { different: vec!["WiredTiger.wt".into()], collections: compared() },
        Later::Documents(compared()),
        Later::Nothing("it is gone".into()),
    ];
    let comparison = Comparison {
        source: Some("/data/elastic_migrated".into()),
        target: "/data/elastic_7".into(),
        indices: vec![Compared { collection: collection(), there: true, documents: 4, named, ..Compared::default() }],
        discrepancies: gaps.map(|gap| Discrepancy { collection: collection(), gap }).into(),
        made_since: vec!["worker_stats".into()],
        left_out: 2,
        mongo: laters.map(|found| ComparedMongo { source: "/db".into(), target: "/db.copy".into(), found }).into(),
    };
    let changes = vec![Change { name: "backend.task".into(), before: Some(3), now: None }];
    let recorded = Recorded { elastic: Told::Unknown("it does not run".into()), mongo: Some(Told::Changes(changes)) };
    insta::assert_snapshot!(lines([read_back(&comparison), read_back(&recorded)]));
}

#[test]
fn every_plan_serialises() {
    for plan in [sample::plan(), sample::plan_of_directory()] {
        read_back::<Plan>(&plan);
    }
}
