//! A machine of a few words, on which every step is some small acts, and which can die, fail or be cancelled between any
//! two of them.

use super::super::{Change, Done, World};
use crate::error::{Error, Kind, Result};
use crate::events::Events;
use crate::journal::{Record, State};
use crate::plan::Step;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// The stores that are copied, and the steps that do it.
pub(super) const STORES: [(Step, &str); 3] =
    [(Step::CopyElastic, "elastic"), (Step::CopyMongo, "mongo"), (Step::CopyRedis, "redis")];

/// What outlives the program: what is on the disk, what runs, and the journal's lines.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Machine {
    /// Contents by name.
    pub files: BTreeMap<String, String>,
    pub old_server_runs: bool,
    pub new_server_runs: bool,
    /// The new server comes up and works.
    pub new_server_is_well: bool,
}

impl Machine {
    /// Returns a machine with an old server that runs.
    pub fn new() -> Self {
        let files = ["elastic", "mongo", "redis"].map(|store| (store.to_owned(), format!("{store} as of old")));
        let compose = [("compose", "the old one"), ("home", "trains"), ("container", "only here")];
        let compose = compose.map(|(name, content)| (name.to_owned(), content.to_owned()));
        Self {
            files: files.into_iter().chain(compose).collect(),
            old_server_runs: true,
            new_server_runs: false,
            new_server_is_well: true,
        }
    }

    pub fn file(&self, name: &str) -> Option<&str> {
        self.files.get(name).map(String::as_str)
    }

    /// Where a store's old data are: under their own name, or retired.
    pub fn old_data(&self, store: &str) -> Option<&str> {
        self.file(&retired(store)).or_else(|| self.file(store))
    }

    /// What somebody does who starts the old server in between.
    pub fn write_to(&mut self, store: &str) {
        for name in [retired(store), store.to_owned()] {
            if let Some(content) = self.files.get_mut(&name) {
                content.push_str(", and more");
                return;
            }
        }
    }

    fn put(&mut self, name: &str, content: impl Into<String>) {
        self.files.insert(name.to_owned(), content.into());
    }

    fn rename(&mut self, from: &str, to: &str) {
        if let Some(content) = self.files.remove(from) {
            assert!(!self.files.contains_key(to), "{to} would be overwritten");
            self.put(to, content);
        }
    }
}

fn retired(store: &str) -> String {
    format!("{store}_migrated")
}

fn copied(store: &str) -> String {
    format!("new {store}")
}

/// What ends a life early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    None,
    /// The program dies at the n-th moment, from 1: ahead of and behind each record and each act.
    Dies(u64),
    /// The step fails after its first act.
    Fails(Step),
    /// The undo of the step fails after its first act.
    CannotUndo(Step),
    /// The user stops it in the step, after its first act.
    Cancelled(Step),
    /// The copy of Elasticsearch is not what was read.
    CopiesWrongly,
}

/// One life of the program on a machine.
pub(super) struct Fake<'a> {
    pub machine: &'a RefCell<Machine>,
    /// The journal's lines.
    journal: &'a RefCell<Vec<String>>,
    state: RefCell<State>,
    trouble: Trouble,
    /// Moments so far.
    moments: Cell<u64>,
    dead: Cell<bool>,
    acts: Cell<u64>,
    events: Events,
}

impl<'a> Fake<'a> {
    /// Begins a life: reads the journal.
    pub fn new(machine: &'a RefCell<Machine>, journal: &'a RefCell<Vec<String>>, trouble: Trouble) -> Self {
        let mut state = State::new(crate::journal::sample::opened());
        if journal.borrow().is_empty() {
            let planned = Record::Planned { plan: Value::Null, fingerprints: BTreeMap::new() };
            journal.borrow_mut().push(serde_json::to_string(&planned).unwrap());
        }
        for line in journal.borrow().iter() {
            state.apply(serde_json::from_str(line).unwrap()).unwrap();
        }
        let (moments, dead, acts) = (Cell::new(0), Cell::new(false), Cell::new(0));
        Self { machine, journal, state: RefCell::new(state), trouble, moments, dead, acts, events: Events::silent() }
    }

    pub fn moments(&self) -> u64 {
        self.moments.get()
    }

    pub fn is_dead(&self) -> bool {
        self.dead.get()
    }

    /// A moment at which the program may die. The dead do nothing.
    fn moment(&self) -> Result<()> {
        self.moments.set(self.moments.get() + 1);
        if self.trouble == Trouble::Dies(self.moments.get()) {
            self.dead.set(true);
        }
        if self.dead.get() { Err(Error::failed("dead")) } else { Ok(()) }
    }

    fn act(&self, change: impl FnOnce(&mut Machine)) -> Result<()> {
        self.moment()?;
        change(&mut self.machine.borrow_mut());
        self.acts.set(self.acts.get() + 1);
        self.moment()
    }

    /// Where a step, or its undo, ends early.
    fn trouble(&self, here: Trouble) -> Result<()> {
        match self.trouble {
            Trouble::Cancelled(_) if here == self.trouble => Err(Error::cancelled()),
            _ if here == self.trouble => Err(Error::failed("as the test wants it")),
            _ => Ok(()),
        }
    }

    fn note(&self, step: Step, key: &str, value: &str) -> Result<()> {
        let value = Value::from(value).into();
        self.record(Record::Note { step: step.name().into(), key: key.into(), value })
    }

    fn noted(&self, step: Step, key: &str) -> Option<String> {
        self.state.borrow().noted(step.name(), key).unwrap()
    }

    fn content(&self, name: &str) -> String {
        self.machine.borrow().file(name).unwrap_or_default().to_owned()
    }

    fn old_data(&self, store: &str) -> String {
        self.machine.borrow().old_data(store).unwrap_or_default().to_owned()
    }

    /// The server must find its own compose file and data, whenever it is started.
    fn start_old_server(&self) -> Result<()> {
        let machine = self.machine.borrow().clone();
        assert_eq!((machine.file("compose"), machine.file("home")), (Some("the old one"), Some("trains")));
        assert!(STORES.iter().all(|(_, store)| machine.file(store).is_some()), "{machine:?}");
        assert!(!machine.new_server_runs, "both servers would run");
        self.act(|machine| machine.old_server_runs = true)
    }

    fn copy(&self, step: Step, store: &str) -> Result<()> {
        assert!(!self.machine.borrow().old_server_runs, "{store} is copied while the old server runs");
        let content = self.old_data(store);
        self.note(step, "source", &content)?;
        self.act(|machine| machine.put(&copied(store), "half"))?;
        self.trouble(Trouble::Fails(step))?;
        self.trouble(Trouble::Cancelled(step))?;
        let wrong = self.trouble == Trouble::CopiesWrongly && step == Step::CopyElastic;
        let content = if wrong { "something else".to_owned() } else { content };
        self.act(|machine| machine.put(&copied(store), content))
    }
}

impl World for Fake<'_> {
    fn steps(&self) -> Vec<Step> {
        Step::ALL.to_vec()
    }

    fn look<T>(&self, at: impl FnOnce(&State) -> T) -> T {
        at(&self.state.borrow())
    }

    fn record(&self, record: Record) -> Result<()> {
        self.moment()?;
        self.journal.borrow_mut().push(serde_json::to_string(&record).unwrap());
        self.state.borrow_mut().apply(record).map_err(|illegal| Error::internal(illegal.to_string()))?;
        self.moment()
    }

    fn events(&self) -> &Events {
        &self.events
    }

    fn check_cancelled(&self) -> Result<()> {
        Ok(())
    }

    fn go_back(&self) {}

    fn stays_stopped(&self) -> bool {
        false
    }

    async fn apply(&self, step: Step) -> Result<Done> {
        let troubles = |acts| {
            self.trouble(Trouble::Fails(step))?;
            self.trouble(Trouble::Cancelled(step))?;
            acts
        };
        match step {
            Step::PullImages => self.act(|machine| machine.put("images", "there")).and_then(|()| troubles(Ok(())))?,
            Step::StopStack => {
                self.act(|machine| machine.old_server_runs = false)?;
                troubles(Ok(()))?;
            }
            Step::Rescue => {
                self.act(|machine| machine.put("rescued", "half"))?;
                troubles(Ok(()))?;
                self.act(|machine| machine.put("rescued", "only here"))?;
            }
            Step::BackUp => {
                self.note(step, "source", &self.old_data("elastic"))?;
                self.act(|machine| machine.put("archive", "half"))?;
                troubles(Ok(()))?;
                let content = self.old_data("elastic");
                self.act(|machine| machine.put("archive", content))?;
            }
            Step::CopyElastic => self.copy(step, "elastic")?,
            Step::CopyMongo => self.copy(step, "mongo")?,
            Step::CopyRedis => self.copy(step, "redis")?,
            Step::VerifyElastic => {
                self.moment()?;
                troubles(Ok(()))?;
                if self.content("new elastic") != self.old_data("elastic") {
                    return Err(Error::difference("not what was read"));
                }
            }
            Step::RetireSources => {
                for (number, (_, store)) in STORES.into_iter().enumerate() {
                    if self.machine.borrow().file(store).is_some() {
                        self.act(|machine| machine.rename(store, &retired(store)))?;
                    }
                    if number == 0 {
                        troubles(Ok(()))?;
                    }
                }
            }
            Step::MoveHome => {
                self.act(|machine| machine.put("home", "clearml"))?;
                troubles(Ok(()))?;
            }
            Step::RewriteCompose => {
                if self.machine.borrow().file("compose of old").is_none() {
                    self.act(|machine| machine.put("compose of old", "the old one"))?;
                }
                troubles(Ok(()))?;
                self.act(|machine| machine.put("compose", "the new one"))?;
            }
            Step::StartStack => {
                let machine = self.machine.borrow().clone();
                assert_eq!((machine.file("compose"), machine.file("home")), (Some("the new one"), Some("clearml")));
                assert!(!machine.old_server_runs, "both servers would run");
                assert_eq!(machine.file("new elastic"), machine.old_data("elastic"), "it starts on what was compared");
                // Its schema migrations work on MongoDB's copy at once.
                self.act(|machine| machine.put("new mongo", "migrated by the new server"))?;
                troubles(Ok(()))?;
                self.act(|machine| machine.new_server_runs = true)?;
            }
            Step::CheckHealth => {
                self.moment()?;
                troubles(Ok(()))?;
                if !self.machine.borrow().new_server_is_well {
                    return Err(Error::failed("the new server does not answer"));
                }
            }
        }
        Ok(Done::line("done"))
    }

    async fn undo(&self, step: Step) -> Result<()> {
        let trouble = || self.trouble(Trouble::CannotUndo(step));
        match step {
            Step::PullImages | Step::CheckHealth | Step::VerifyElastic => trouble(),
            Step::StopStack => self.start_old_server().and_then(|()| trouble()),
            Step::Rescue => self.act(|machine| drop(machine.files.remove("rescued"))).and_then(|()| trouble()),
            Step::BackUp => self.act(|machine| drop(machine.files.remove("archive"))).and_then(|()| trouble()),
            Step::CopyElastic | Step::CopyMongo | Step::CopyRedis => {
                let (_, store) = STORES.into_iter().find(|(copying, _)| *copying == step).unwrap();
                self.act(|machine| drop(machine.files.remove(&copied(store)))).and_then(|()| trouble())
            }
            Step::RetireSources => {
                for (_, store) in STORES.into_iter().rev() {
                    self.act(|machine| machine.rename(&retired(store), store))?;
                    trouble()?;
                }
                Ok(())
            }
            Step::MoveHome => self.act(|machine| machine.put("home", "trains")).and_then(|()| trouble()),
            Step::RewriteCompose => {
                self.act(|machine| machine.put("compose", "the old one"))?;
                trouble()?;
                self.act(|machine| drop(machine.files.remove("compose of old")))
            }
            Step::StartStack => self.act(|machine| machine.new_server_runs = false).and_then(|()| trouble()),
        }
    }

    async fn remove_leftovers(&self) -> Result<()> {
        if self.dead.get() { Err(Error::failed("dead")) } else { Ok(()) }
    }

    async fn old_server_runs(&self) -> Result<bool> {
        Ok(self.machine.borrow().old_server_runs)
    }

    async fn changed_sources(&self) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        for (step, store) in STORES {
            if self.noted(step, "source").is_some_and(|then| then != self.old_data(store)) {
                let first = if step == Step::CopyElastic { &[Step::VerifyElastic, Step::BackUp][..] } else { &[] };
                changes.push(Change { what: store.into(), told: "changed", again: [first, &[step]].concat() });
            }
        }
        Ok(changes)
    }

    async fn changed_archives(&self) -> Result<Vec<Change>> {
        let now =
            self.machine.borrow().file("elastic").map(str::to_owned).expect("the archived data lie where they did");
        let changed = self.noted(Step::BackUp, "source").is_some_and(|then| then != now);
        let change = Change { what: "archive".into(), told: "changed", again: vec![Step::BackUp] };
        Ok(changed.then_some(change).into_iter().collect())
    }

    async fn require_switchable(&self) -> Result<()> {
        for (_, store) in STORES {
            assert_eq!(self.content(&copied(store)), self.old_data(store), "{store} at the commit");
        }
        assert_eq!(self.content("archive"), self.old_data("elastic"), "what is archived is what is migrated");
        Ok(())
    }

    async fn require_old_data(&self) -> Result<()> {
        match STORES.iter().all(|(_, store)| self.machine.borrow().old_data(store).is_some()) {
            true => Ok(()),
            false => Err(Error::new(Kind::Refused, "the old data are gone")),
        }
    }

    async fn new_server_works(&self) -> Result<bool> {
        let machine = self.machine.borrow();
        Ok(machine.new_server_runs && machine.new_server_is_well)
    }
}
