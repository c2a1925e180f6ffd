//! A machine of a few words, on which every step is some small acts, and which can die, fail or be cancelled between any
//! two of them.

use super::super::{Change, Done, World};
use super::machine::{Machine, Trouble, retired};
use super::plans::{self, archive, copies, made, of_store};
use crate::error::{Error, Kind, Result};
use crate::events::Events;
use crate::journal::{Record, State, Status};
use crate::plan::{Action, Step};
use crate::role::Role;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// One life of the program on a machine.
pub(super) struct Fake<'a> {
    pub machine: &'a RefCell<Machine>,
    steps: &'a [Step],
    /// The journal's lines.
    journal: &'a RefCell<Vec<String>>,
    state: RefCell<State>,
    trouble: Trouble,
    /// Moments so far.
    moments: Cell<u64>,
    dead: Cell<bool>,
    events: Events,
}

impl<'a> Fake<'a> {
    /// Begins a life: reads the journal.
    pub fn new(
        steps: &'a [Step],
        machine: &'a RefCell<Machine>,
        journal: &'a RefCell<Vec<String>>,
        trouble: Trouble,
    ) -> Self {
        let mut state = State::new(crate::journal::sample::opened());
        if journal.borrow().is_empty() {
            let planned = Record::Planned { plan: Value::Null, fingerprints: BTreeMap::new() };
            journal.borrow_mut().push(serde_json::to_string(&planned).unwrap());
        }
        for line in journal.borrow().iter() {
            state.apply(serde_json::from_str(line).unwrap()).unwrap();
        }
        let (moments, dead, state) = (Cell::new(0), Cell::new(false), RefCell::new(state));
        Self { machine, steps, journal, state, trouble, moments, dead, events: Events::silent() }
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
        self.moment()
    }

    /// Where a step, or its undo, ends early.
    fn trouble(&self, here: Trouble) -> Result<()> {
        match &self.trouble {
            planned if *planned != here => Ok(()),
            Trouble::Cancelled(_) => Err(Error::cancelled()),
            Trouble::DiesAhead(_) | Trouble::DiesBehind(_) => {
                self.dead.set(true);
                self.moment()
            }
            _ => Err(Error::failed("as the test wants it")),
        }
    }

    fn troubles_of(&self, step: &Step) -> Result<()> {
        self.trouble(Trouble::Fails(step.id.clone()))?;
        self.trouble(Trouble::Cancelled(step.id.clone()))
    }

    fn note(&self, step: &Step, key: &str, value: &str) -> Result<()> {
        let value = Value::from(value).into();
        self.record(Record::Note { step: step.id.clone(), key: key.into(), value })
    }

    fn noted(&self, step: &Step, key: &str) -> Option<String> {
        self.state.borrow().noted(&step.id, key).unwrap()
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
        assert!(plans::STORES.iter().all(|(_, store)| machine.file(store).is_some()), "{machine:?}");
        assert!(!machine.new_server_runs, "both servers would run");
        self.act(|machine| machine.old_server_runs = true)
    }

    /// The first copy of a store is made of the old data, each further one of the copy before it.
    fn copy(&self, step: &Step, store: Role) -> Result<()> {
        let name = plans::name(store);
        assert!(!self.machine.borrow().old_server_runs, "{name} is copied while the old server runs");
        let before = copies(self.steps, store).take_while(|one| one.id != step.id).last();
        let content = match before {
            None => self.old_data(name),
            Some(before) => self.content(&made(self.steps, before)),
        };
        if before.is_none() {
            self.note(step, "source", &content)?;
        }
        let to = made(self.steps, step);
        self.act(|machine| machine.put(&to, "half"))?;
        self.troubles_of(step)?;
        let wrong = self.trouble == Trouble::CopiesWrongly && store == Role::Elasticsearch;
        let content = if wrong { "something else".to_owned() } else { content };
        self.act(|machine| machine.put(&to, content))
    }

    /// What the new server works with.
    fn newest(&self, store: Role) -> String {
        made(self.steps, copies(self.steps, store).last().unwrap())
    }

    fn act_out(&self, step: &Step) -> Result<()> {
        match step.action {
            Action::PullImages => {
                self.act(|machine| machine.put("images", "there")).and_then(|()| self.troubles_of(step))
            }
            Action::StopStack => {
                self.act(|machine| machine.old_server_runs = false).and_then(|()| self.troubles_of(step))
            }
            Action::Rescue => {
                self.act(|machine| machine.put("rescued", "half"))?;
                self.troubles_of(step)?;
                self.act(|machine| machine.put("rescued", "only here"))
            }
            Action::BackUp => {
                self.note(step, "source", &self.old_data("elastic"))?;
                self.act(|machine| machine.put(&archive(step), "half"))?;
                self.troubles_of(step)?;
                let content = self.old_data("elastic");
                self.act(|machine| machine.put(&archive(step), content))
            }
            Action::CopyDocuments { store } | Action::CopyFiles { store } => self.copy(step, store),
            Action::VerifyDocuments { store } => {
                self.moment()?;
                self.troubles_of(step)?;
                match self.content(&self.newest(store)) == self.old_data(plans::name(store)) {
                    true => Ok(()),
                    false => Err(Error::difference("not what was read")),
                }
            }
            Action::RetireSources => {
                for (number, (_, store)) in plans::stores(self.steps).enumerate() {
                    if self.machine.borrow().file(store).is_some() {
                        self.act(|machine| machine.rename(store, &retired(store)))?;
                    }
                    if number == 0 {
                        self.troubles_of(step)?;
                    }
                }
                Ok(())
            }
            Action::MoveHome => {
                self.act(|machine| machine.put("home", "clearml")).and_then(|()| self.troubles_of(step))
            }
            Action::RewriteCompose => {
                if self.machine.borrow().file("compose of old").is_none() {
                    self.act(|machine| machine.put("compose of old", "the old one"))?;
                }
                self.troubles_of(step)?;
                self.act(|machine| machine.put("compose", "the new one"))
            }
            Action::StartStack => {
                let machine = self.machine.borrow().clone();
                assert_eq!((machine.file("compose"), machine.file("home")), (Some("the new one"), Some("clearml")));
                assert!(!machine.old_server_runs, "both servers would run");
                let elastic = machine.file(&self.newest(Role::Elasticsearch)).map(str::to_owned);
                assert_eq!(elastic.as_deref(), machine.old_data("elastic"), "it starts on what was compared");
                // Its schema migrations work on MongoDB's copy at once.
                self.act(|machine| machine.put(&self.newest(Role::Mongo), "migrated by the new server"))?;
                self.troubles_of(step)?;
                self.act(|machine| machine.new_server_runs = true)
            }
            Action::CheckHealth => {
                self.moment()?;
                self.troubles_of(step)?;
                match self.machine.borrow().new_server_is_well {
                    true => Ok(()),
                    false => Err(Error::failed("the new server does not answer")),
                }
            }
        }
    }

    fn take_back(&self, step: &Step) -> Result<()> {
        let trouble = || self.trouble(Trouble::CannotUndo(step.id.clone()));
        let remove = |name: &str| self.act(|machine| drop(machine.files.remove(name))).and_then(|()| trouble());
        match step.action {
            Action::PullImages | Action::CheckHealth | Action::VerifyDocuments { .. } => trouble(),
            Action::StopStack => self.start_old_server().and_then(|()| trouble()),
            Action::Rescue => remove("rescued"),
            Action::BackUp => remove(&archive(step)),
            Action::CopyDocuments { .. } | Action::CopyFiles { .. } => remove(&made(self.steps, step)),
            Action::RetireSources => {
                for (_, store) in plans::stores(self.steps).rev() {
                    self.act(|machine| machine.rename(&retired(store), store))?;
                    trouble()?;
                }
                Ok(())
            }
            Action::MoveHome => self.act(|machine| machine.put("home", "trains")).and_then(|()| trouble()),
            Action::RewriteCompose => {
                self.act(|machine| machine.put("compose", "the old one"))?;
                trouble()?;
                self.act(|machine| drop(machine.files.remove("compose of old")))
            }
            Action::StartStack => self.act(|machine| machine.new_server_runs = false).and_then(|()| trouble()),
        }
    }

    fn archiving(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.action == Action::BackUp)
    }
}

impl World for Fake<'_> {
    fn steps(&self) -> &[Step] {
        self.steps
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

    async fn apply(&self, step: &Step) -> Result<Done> {
        self.trouble(Trouble::DiesAhead(step.id.clone()))?;
        self.act_out(step)?;
        self.trouble(Trouble::DiesBehind(step.id.clone()))?;
        Ok(Done::line("done"))
    }

    async fn undo(&self, step: &Step) -> Result<()> {
        self.take_back(step)
    }

    async fn remove_leftovers(&self) -> Result<()> {
        if self.dead.get() { Err(Error::failed("dead")) } else { Ok(()) }
    }

    async fn started_again(&self) -> Result<Option<Change>> {
        let mut stops = self.steps.iter().filter(|step| step.action == Action::StopStack);
        let Some(stop) = stops.next() else { return Ok(None) };
        let was_stopped = self.state.borrow().step(&stop.id).status == Status::Finished;
        let change = Change { what: "it".into(), told: "runs", again: vec![stop.id.clone()] };
        Ok((was_stopped && self.machine.borrow().old_server_runs).then_some(change))
    }

    async fn changed_sources(&self) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        for (role, store) in plans::stores(self.steps) {
            let first = copies(self.steps, role).next().unwrap();
            if self.noted(first, "source").is_some_and(|then| then != self.old_data(store)) {
                let archives = self.archiving().filter(|_| role == Role::Elasticsearch);
                let others = of_store(self.steps, role).filter(|step| step.id != first.id).chain(archives);
                let again = others.chain([first]).map(|step| step.id.clone()).collect();
                changes.push(Change { what: store.into(), told: "changed", again });
            }
        }
        Ok(changes)
    }

    async fn changed_archives(&self) -> Result<Vec<Change>> {
        let now =
            self.machine.borrow().file("elastic").map(str::to_owned).expect("the archived data lie where they did");
        let changed = self.archiving().filter(|step| self.noted(step, "source").is_some_and(|then| then != now));
        let change = |step: &Step| Change { what: "archive".into(), told: "changed", again: vec![step.id.clone()] };
        Ok(changed.map(change).collect())
    }

    async fn require_switchable(&self) -> Result<()> {
        for (role, store) in plans::stores(self.steps) {
            assert_eq!(self.content(&self.newest(role)), self.old_data(store), "{store} at the commit");
        }
        for step in self.archiving() {
            assert_eq!(self.content(&archive(step)), self.old_data("elastic"), "what is archived is what is migrated");
        }
        Ok(())
    }

    async fn require_old_data(&self) -> Result<()> {
        match plans::STORES.iter().all(|(_, store)| self.machine.borrow().old_data(store).is_some()) {
            true => Ok(()),
            false => Err(Error::new(Kind::Refused, "the old data are gone")),
        }
    }

    async fn new_server_works(&self) -> Result<bool> {
        let machine = self.machine.borrow();
        Ok(machine.new_server_runs && machine.new_server_is_well)
    }
}
