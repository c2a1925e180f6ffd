//! The engine's rules, on a machine that is not there: whatever happens at whatever moment, the same command goes on to a
//! server that has everything, and a rollback leads back to the old one as it was.

mod fake;
mod golden;
mod machine;
mod plans;

use super::{Failure, Reached, World, execute, roll_back};
use crate::error::{Kind, Result};
use crate::journal::Phase;
use crate::plan::{Action, Stage, Step};
use fake::Fake;
use machine::{Machine, Trouble};
use plans::STORES;
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// A machine with what it remembers from life to life.
struct Story<'a> {
    steps: &'a [Step],
    machine: RefCell<Machine>,
    journal: RefCell<Vec<String>>,
}

impl<'a> Story<'a> {
    fn new(steps: &'a [Step]) -> Self {
        Self { steps, machine: RefCell::new(Machine::new()), journal: RefCell::default() }
    }

    fn life(&self, trouble: Trouble) -> Fake<'_> {
        Fake::new(self.steps, &self.machine, &self.journal, trouble)
    }

    /// Lets a run go on until it ends, or something ends it.
    async fn go_on(&self, trouble: Trouble) -> Result<(), Failure> {
        execute(&self.life(trouble)).await
    }

    /// Lets a run take everything back until that ends, or something ends it.
    async fn go_back(&self, trouble: Trouble) -> Result<()> {
        roll_back(&self.life(trouble)).await
    }

    fn phase(&self) -> Phase {
        self.life(Trouble::None).look(|state| state.phase)
    }

    fn require_migrated(&self, how: &str) {
        let machine = self.machine.borrow();
        assert_eq!(self.phase(), Phase::Completed, "{how}");
        assert!(machine.new_server_runs && !machine.old_server_runs, "{how}: {machine:?}");
        assert_eq!(machine.file("new elastic"), machine.file("elastic_migrated"), "{how}");
        assert_eq!(machine.file("new redis"), machine.file("redis_migrated"), "{how}");
        for step in self.steps.iter().filter(|step| step.action == Action::BackUp) {
            assert_eq!(machine.file(&plans::archive(step)), machine.file("elastic_migrated"), "{how}");
        }
        assert!(STORES.iter().all(|(_, store)| machine.file(store).is_none()), "{how}: {machine:?}");
    }

    fn require_as_it_was(&self, how: &str) {
        self.require_as(&Machine::new(), how);
    }

    fn require_as(&self, before: &Machine, how: &str) {
        let mut machine = self.machine.borrow().clone();
        // The old server does not mind an image.
        machine.files.remove("images");
        assert_eq!(self.phase(), Phase::RolledBack, "{how}");
        assert_eq!(&machine, before, "{how}");
    }

    /// Lets the run end as it will when nothing disturbs it any more.
    async fn require_an_end(&self, goes_on: bool, how: &str) {
        if goes_on {
            self.go_on(Trouble::None).await.unwrap();
            self.require_migrated(how);
        } else {
            self.go_back(Trouble::None).await.unwrap();
            self.require_as_it_was(how);
        }
    }
}

/// Returns how many moments there are in an undisturbed run, and in one that takes it back.
async fn moments(steps: &[Step]) -> (u64, u64) {
    let story = Story::new(steps);
    let there = story.life(Trouble::None);
    execute(&there).await.unwrap();
    story.require_migrated("undisturbed");
    let back = story.life(Trouble::None);
    roll_back(&back).await.unwrap();
    story.require_as_it_was("undisturbed");
    (there.moments(), back.moments())
}

#[tokio::test]
async fn a_run_that_dies_at_any_moment_goes_on_and_can_be_taken_back() {
    for steps in [plans::usual(), plans::with_rungs()] {
        let (there, _) = moments(&steps).await;
        assert!(there > 100, "{there} moments are few");
        for first in 1..=there {
            let how = format!("died at {first} of {there}");
            let story = Story::new(&steps);
            let life = story.life(Trouble::Dies(first));
            execute(&life).await.unwrap_err();
            assert!(life.is_dead(), "{how}");
            story.require_an_end(true, &how).await;
            story.require_an_end(false, &how).await;

            let story = Story::new(&steps);
            story.go_on(Trouble::Dies(first)).await.unwrap_err();
            story.require_an_end(false, &how).await;
        }
    }
}

#[tokio::test]
async fn one_that_dies_again_while_it_goes_on_or_back_still_comes_to_its_end() {
    for steps in [plans::usual(), plans::with_rungs()] {
        let (there, back) = moments(&steps).await;
        for first in 1..=there {
            // Of the second deaths each time another third, so that all are met.
            for second in (1 + first % 3..=there).step_by(3) {
                let how = format!("died at {first}, and going on at {second}");
                let story = Story::new(&steps);
                story.go_on(Trouble::Dies(first)).await.unwrap_err();
                if story.go_on(Trouble::Dies(second)).await.is_err() {
                    story.go_on(Trouble::None).await.unwrap();
                }
                story.require_migrated(&how);
            }
            for second in (1 + first % 3..=back).step_by(3) {
                let how = format!("died at {first}, and going back at {second}");
                let story = Story::new(&steps);
                story.go_on(Trouble::Dies(first)).await.unwrap_err();
                if story.go_back(Trouble::Dies(second)).await.is_err() {
                    story.go_back(Trouble::None).await.unwrap();
                }
                story.require_as_it_was(&how);
            }
        }
    }
}

/// Every step × {fails, is stopped, is killed before it acts, is killed after it} × {the same command, a rollback}.
#[tokio::test]
async fn a_step_that_fails_is_stopped_or_killed_is_done_by_the_same_command_or_taken_back() {
    let begun = Instant::now();
    for steps in [plans::usual(), plans::with_rungs()] {
        for step in &steps {
            let id = || step.id.clone();
            let troubles =
                [Trouble::Fails(id()), Trouble::Cancelled(id()), Trouble::DiesAhead(id()), Trouble::DiesBehind(id())];
            for (trouble, goes_on) in troubles.iter().flat_map(|trouble| [(trouble, true), (trouble, false)]) {
                let how = format!("{trouble:?}");
                let story = Story::new(&steps);
                let failure = story.go_on(trouble.clone()).await.unwrap_err();
                let is_stopped = matches!(trouble, Trouble::Cancelled(_));
                assert_eq!(failure.error.kind() == Kind::Cancelled, is_stopped, "{how}");
                assert_eq!(failure.reached == Reached::NewServer, step.stage == Stage::Serve, "{how}");
                if step.stage == Stage::Switch && matches!(trouble, Trouble::Fails(_)) {
                    assert_eq!(story.phase(), Phase::Preparing, "{how}: a switch that fails is taken back at once");
                    assert!(STORES.iter().all(|(_, store)| story.machine.borrow().file(store).is_some()), "{how}");
                }
                story.require_an_end(goes_on, &how).await;
            }
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_undo_that_fails_is_stuck_until_the_same_rollback_can_do_it() {
    for steps in [plans::usual(), plans::with_rungs()] {
        for step in &steps {
            let story = Story::new(&steps);
            story.go_on(Trouble::None).await.unwrap();
            let error = story.go_back(Trouble::CannotUndo(step.id.clone())).await.unwrap_err();
            assert_eq!((error.kind(), story.phase()), (Kind::Stuck, Phase::Stuck), "{step:?}");
            story.require_an_end(false, &step.id).await;
        }
    }
}

#[tokio::test]
async fn a_source_that_changes_while_nobody_looks_is_copied_again_or_refused_once_the_new_server_was_started() {
    for steps in [plans::usual(), plans::with_rungs()] {
        let (there, _) = moments(&steps).await;
        for first in 1..=there {
            for (_, store) in STORES {
                let how = format!("died at {first}, then {store} changed");
                let story = Story::new(&steps);
                story.go_on(Trouble::Dies(first)).await.unwrap_err();
                if story.phase() == Phase::Completed {
                    continue;
                }
                let started = story.life(Trouble::None).look(|state| !state.step("start_stack").is_clean());
                story.machine.borrow_mut().write_to(store);
                let mut before = Machine::new();
                before.write_to(store);
                if started {
                    let failure = story.go_on(Trouble::None).await.unwrap_err();
                    let told = failure.error.message();
                    assert!(told.contains(&format!("{store} changed")) && told.contains("leave out"), "{how}: {told}");
                    story.go_back(Trouble::None).await.unwrap();
                    story.require_as(&before, &how);
                    continue;
                }
                story.require_an_end(true, &how).await;
                let now = story.machine.borrow().old_data(store).unwrap().to_owned();
                assert!(now.ends_with(", and more"), "{how}");
                story.go_back(Trouble::None).await.unwrap();
                story.require_as(&before, &how);
            }
        }
    }
}

#[tokio::test]
async fn an_old_server_that_was_started_in_between_is_stopped_again_before_its_data_are_copied() {
    let steps = plans::usual();
    for step in ["back_up", "copy_elastic", "copy_mongo", "copy_redis"] {
        let story = Story::new(&steps);
        story.go_on(Trouble::Fails(step.to_owned())).await.unwrap_err();
        story.machine.borrow_mut().old_server_runs = true;
        STORES.iter().for_each(|(_, store)| story.machine.borrow_mut().write_to(store));
        story.require_an_end(true, step).await;
    }
}

#[tokio::test]
async fn a_copy_that_is_not_what_was_read_never_comes_to_the_commit_and_is_made_anew() {
    let steps = plans::usual();
    let story = Story::new(&steps);
    for _ in 0..2 {
        let failure = story.go_on(Trouble::CopiesWrongly).await.unwrap_err();
        assert_eq!((failure.error.kind(), failure.reached), (Kind::Difference, Reached::Preparation));
        assert_eq!(story.phase(), Phase::Preparing);
    }
    story.require_an_end(true, "copied anew").await;
}

#[tokio::test]
async fn a_new_server_that_does_not_come_up_gets_fresh_copies_and_one_that_has_come_round_is_let_work() {
    let switches =
        |story: &Story<'_>| story.journal.borrow().iter().filter(|line| line.contains("uncommitted")).count();
    for steps in [plans::usual(), plans::with_rungs()] {
        let begin = async || {
            let story = Story::new(&steps);
            story.machine.borrow_mut().new_server_is_well = false;
            let failure = story.go_on(Trouble::None).await.unwrap_err();
            assert_eq!((failure.reached, story.phase()), (Reached::NewServer, Phase::Committed));
            story
        };

        let story = begin().await;
        story.machine.borrow_mut().new_server_is_well = true;
        story.require_an_end(true, "it had come round").await;
        assert_eq!(switches(&story), 0);

        let story = begin().await;
        story.go_on(Trouble::None).await.unwrap_err();
        assert_eq!(switches(&story), 1, "the copies that it had worked on were made anew");
        story.go_back(Trouble::None).await.unwrap();
        let before = Machine { new_server_is_well: false, ..Machine::new() };
        story.require_as(&before, "it never came up");
    }
}
