//! A source and a sink in memory. What the sink was not asked to make durable is lost when it crashes.

use super::super::testing::Plain;
use super::super::*;
use crate::error::{Error, Result};
use crate::events::Events;
use serde_json::json;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A collection by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table(pub String);

impl Collection for Table {
    fn name(&self) -> &str {
        &self.0
    }

    fn documents(&self) -> u64 {
        1000
    }

    fn bytes(&self) -> u64 {
        0
    }
}

/// `(id, document)`; of one that is gone, no document.
pub type Changes = Vec<(String, Option<String>)>;

/// Units of collections.
#[derive(Clone, Default)]
pub struct Memory(pub Arc<BTreeMap<String, Vec<Changes>>>);

/// A unit by its collection and number.
pub struct MemoryUnit(String, usize, Changes);

impl Source for Memory {
    type Plan = Table;
    type Unit = MemoryUnit;

    async fn open(&self, plan: &Table) -> Result<Option<Units<MemoryUnit>>> {
        let Some(units) = self.0.get(&plan.0) else { return Ok(None) };
        let unit = |(number, changes): (usize, &Changes)| MemoryUnit(plan.0.clone(), number, changes.clone());
        let parts: Vec<MemoryUnit> = units.iter().enumerate().map(unit).collect();
        let documents = Some(parts.iter().map(Unit::documents).sum());
        Ok(Some(Units { parts, documents, at_once: 2, waits: false }))
    }
}

impl Unit for MemoryUnit {
    fn key(&self) -> Result<Option<UnitKey>> {
        UnitKey::new(&json!({"of": self.0, "number": self.1, "length": self.2.len()})).map(Some)
    }

    fn documents(&self) -> u64 {
        self.2.iter().filter(|(_, source)| source.is_some()).count() as u64
    }

    fn read(&self, _: &CancellationToken, each: &mut impl FnMut(&Change<'_>) -> Result<()>) -> Result<Reading> {
        for (id, source) in &self.2 {
            each(&match source {
                Some(source) => Change::Put(DocumentRef { id, kind: None, routing: None, source: source.as_bytes() }),
                None => Change::Delete(Gone { id, routing: None }),
            })?;
        }
        Ok(Reading { documents: self.documents(), ..Reading::default() })
    }
}

/// What the sink holds of a collection, by id, and what of it is durable.
#[derive(Debug, Clone, Default)]
pub struct Held {
    id: String,
    pub now: BTreeMap<String, String>,
    durable: BTreeMap<String, String>,
}

/// How the sink behaves.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    pub mode: Mode,
    /// It fails at this write, counted from 1.
    pub dies_at: Option<usize>,
    /// How long each write takes.
    pub takes: Duration,
    /// Whether it says that it is busy, each time.
    pub busy: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Self { mode: Mode::Create, dies_at: None, takes: Duration::ZERO, busy: false }
    }
}

/// A sink that refuses documents with `refused` in them, and takes out the word `double `.
#[derive(Clone, Default)]
pub struct MemorySink {
    manner: Manner,
    held: Arc<Mutex<BTreeMap<String, Held>>>,
    pub writes: Arc<AtomicUsize>,
    /// Changes that were written, those of earlier tries included.
    pub written: Arc<AtomicUsize>,
    /// Bytes of each batch in the order in which they came, and of all that were there together.
    pub sizes: Arc<Mutex<Vec<(usize, usize)>>>,
    in_flight: Arc<AtomicUsize>,
}

impl MemorySink {
    /// Returns the same sink in another manner.
    pub fn behaving(&self, manner: Manner) -> Self {
        Self { manner, ..self.clone() }
    }

    pub fn held(&self) -> MutexGuard<'_, BTreeMap<String, Held>> {
        self.held.lock().unwrap()
    }

    /// Returns the sink as it comes up after a crash: without what is not durable, and deaf to whoever wrote before.
    pub fn after_a_crash(&self) -> Self {
        let mut held = self.held().clone();
        held.values_mut().for_each(|held| held.now = held.durable.clone());
        Self { held: Arc::new(Mutex::new(held)), ..Self::default() }
    }

    fn put(&self, held: &mut Held, batch: &Batch, entry: &Entry, resent: bool, answer: &mut Answer) {
        let source = String::from_utf8(batch.source(entry).to_vec()).unwrap();
        let id = batch.id(entry).to_owned();
        let there = held.now.get(&id).is_some_and(|there| !(resent && *there == source));
        if source.contains("refused") || (there && self.manner.mode == Mode::Create) {
            return answer.refused.push(Refused::new(batch, entry, "no".to_owned(), there));
        }
        let after = source.replace("double ", "");
        if after != source {
            let (before, after) = (source.into(), after.clone().into());
            answer.repaired.push(Repaired { id: id.clone(), routing: None, before, after });
        }
        held.now.insert(id, after);
    }
}

impl Encode for MemorySink {
    const FRAME: usize = Plain::FRAME;

    fn encode(&self, line: Line<'_>, body: &mut Vec<u8>) -> Range<usize> {
        Plain.encode(line, body)
    }
}

impl Sink for MemorySink {
    type Plan = Table;

    fn mode(&self) -> Mode {
        self.manner.mode
    }

    fn request_bytes(&self) -> usize {
        10_000
    }

    async fn prepare(&self, plan: &Table, earlier: Option<&str>, _: &Events) -> Result<Prepared> {
        let mut all = self.held();
        let there = all.get(&plan.0).map(|held| held.id.clone());
        if let Some(id) = there.filter(|id| self.manner.mode == Mode::Upsert || Some(id.as_str()) == earlier) {
            return Ok(Prepared { goes_on: Some(id.as_str()) == earlier, id });
        }
        let id = fastrand::u64(..).to_string();
        all.insert(plan.0.clone(), Held { id: id.clone(), ..Held::default() });
        Ok(Prepared { id, goes_on: false })
    }

    async fn write(&self, plan: &Table, batch: Batch, resent: bool, rate: &Rate) -> Result<Answer> {
        let there = self.in_flight.fetch_add(batch.used(), Ordering::SeqCst) + batch.used();
        self.sizes.lock().unwrap().push((batch.used(), there));
        tokio::time::sleep(self.manner.takes).await;
        self.in_flight.fetch_sub(batch.used(), Ordering::SeqCst);
        if self.manner.busy {
            rate.busy();
        }
        rate.answered(batch.used(), self.manner.takes);
        if Some(self.writes.fetch_add(1, Ordering::SeqCst) + 1) == self.manner.dies_at {
            return Err(Error::failed("it died"));
        }
        self.written.fetch_add(batch.entries().len(), Ordering::SeqCst);
        let (mut all, mut answer) = (self.held(), Answer::default());
        let held = all.get_mut(&plan.0).unwrap();
        for entry in batch.entries() {
            match entry.deletes() {
                true => drop(held.now.remove(batch.id(entry))),
                false => self.put(held, &batch, entry, resent, &mut answer),
            }
        }
        Ok(answer)
    }

    async fn flush(&self, plan: &Table) -> Result<()> {
        let mut all = self.held();
        let held = all.get_mut(&plan.0).unwrap();
        held.durable = held.now.clone();
        Ok(())
    }

    async fn nearly_full(&self, _: &Table) -> Result<()> {
        Ok(())
    }

    async fn finish(&self, plan: &Table) -> Result<()> {
        self.flush(plan).await
    }
}

/// What it holds can be read back.
impl Source for MemorySink {
    type Plan = Table;
    type Unit = MemoryUnit;

    async fn open(&self, plan: &Table) -> Result<Option<Units<MemoryUnit>>> {
        let held = self.held().get(&plan.0).cloned();
        let Some(held) = held else { return Ok(None) };
        let all = held.now.into_iter().map(|(id, source)| (id, Some(source))).collect();
        Memory(Arc::new(BTreeMap::from([(plan.0.clone(), vec![all])]))).open(plan).await
    }
}

/// Leaves out what is accepted, writes `old/x` as `x`, and counts by the first word.
#[derive(Debug, Clone, Default)]
pub struct TestRules(pub Arc<Accepted>);

impl Rules for TestRules {
    fn written<'a>(&self, collection: &str, document: &DocumentRef<'a>) -> Option<Written<'a>> {
        if self.0.leaves_out(collection, document, |source| vec![source.into()]) {
            return None;
        }
        let id = document.id.strip_prefix("old/").unwrap_or(document.id).into();
        let word = std::str::from_utf8(document.source).ok().and_then(|text| text.split(' ').next());
        Some(Written { id, keeps_routing: false, source: document.source.into(), group: word.map(Into::into) })
    }

    fn repaired(&self, source: &[u8]) -> Option<bytes::Bytes> {
        let text = std::str::from_utf8(source).unwrap();
        text.contains("double ").then(|| text.replace("double ", "").into())
    }
}
