//! What every step has at hand: the plan, the seams, the journal, and the wish to stop.

use crate::error::{Error, Result};
use crate::events::Events;
use crate::files::{self, Owned};
use crate::journal::Journal;
use crate::plan::{Action, ElasticPlan, OnIdCollision, Plan, ServerPlan, Verification};
use crate::platform::Platform;
use crate::transfer::Accepted;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// What the command line decides about a run beyond the plan.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Documents that the target refused and that the user, having read why, agrees to leave out.
    pub accepted: Arc<Accepted>,
    /// How the new data are compared, where it is not as the plan says.
    pub verification: Option<Verification>,
    /// On rollback: leave the old server stopped.
    pub no_start: bool,
    /// What becomes of documents that share their `_id`, if it was said in this run.
    pub on_id_collision: Option<OnIdCollision>,
    /// What MongoDB's log has may be known from this program alone, where the old server's image is not to be had.
    pub replay: bool,
    /// How many indices are copied side by side; as many as have proven good if not said.
    pub indices_at_once: Option<usize>,
}

/// A run of a plan.
pub struct Run {
    /// What is to be done.
    pub plan: Plan,
    /// Decisions of the command line.
    pub options: Options,
    /// What the server runs on.
    pub platform: Box<dyn Platform>,
    /// Where to tell.
    pub events: Events,
    /// The wish to stop.
    pub cancel: CancellationToken,
    journal: Mutex<Journal>,
    going_back: AtomicBool,
}

impl Run {
    /// Returns a run of `plan` that writes to `journal`.
    pub fn new(
        plan: Plan,
        options: Options,
        platform: Box<dyn Platform>,
        journal: Journal,
        events: Events,
        cancel: CancellationToken,
    ) -> Self {
        let going_back = AtomicBool::new(false);
        Self { plan, options, platform, events, cancel, journal: Mutex::new(journal), going_back }
    }

    /// Says that everything is taken back from here on, and not only what must be done again.
    pub fn go_back(&self) {
        self.going_back.store(true, Ordering::Relaxed);
    }

    /// Returns whether everything is taken back.
    pub fn is_going_back(&self) -> bool {
        self.going_back.load(Ordering::Relaxed)
    }

    /// Locks the journal. A panic while it was locked cannot leave it half-written: appending is one write.
    pub fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the id of the step that does this, for what others have to know of it.
    ///
    /// # Errors
    /// An internal one where the plan has no such step.
    pub fn id_of(&self, action: Action) -> Result<&str> {
        let none = || Error::internal(format!("The plan has no step \"{}\".", action.about().title));
        self.plan.id_of(action).ok_or_else(none)
    }

    /// Notes something about a step that a later run needs, replacing an earlier note of the same key.
    ///
    /// # Errors
    /// Fails when the note cannot be written.
    pub fn note(&self, step: &str, key: &str, value: &impl Serialize) -> Result<()> {
        self.journal().note(step, key, value)
    }

    /// Returns the latest note of a step under `key`; nothing if there is none.
    ///
    /// # Errors
    /// Fails, naming step and key, where the note is not in the expected form.
    pub fn noted<T: DeserializeOwned>(&self, step: &str, key: &str) -> Result<Option<T>> {
        self.journal().state().noted(step, key)
    }

    /// Returns the output of a finished step; nothing if it is not finished.
    ///
    /// # Errors
    /// Fails, naming the step, where the output is not in the expected form.
    pub fn output<T: DeserializeOwned>(&self, step: &str) -> Result<Option<T>> {
        self.journal().state().output(step)
    }

    /// Claims a path for a step: what is found there later was made by this run and may be removed.
    ///
    /// # Errors
    /// Refuses a path that holds something of the user's.
    pub fn claim(&self, step: &str, path: &Path) -> Result<Owned> {
        let key = claim_key(path);
        if let Some(owned) = self.noted(step, &key)? {
            return Ok(owned);
        }
        let owned = Owned::claim(path)?;
        self.note(step, &key, &owned)?;
        Ok(owned)
    }

    /// Removes what a step made at a path, if the step ever claimed it.
    ///
    /// # Errors
    /// Fails when it cannot be removed.
    pub async fn remove_claimed(&self, step: &str, path: &Path) -> Result<()> {
        match self.noted::<Owned>(step, &claim_key(path))? {
            Some(owned) => files::blocking(move || files::remove_tree(&owned)).await,
            None => Ok(()),
        }
    }

    /// Makes a named volume of this run, for the new server.
    ///
    /// # Errors
    /// Refused when a volume of that name is somebody else's.
    pub async fn ensure_volume(&self, name: &str) -> Result<()> {
        let project = &self.server()?.new_project.name;
        self.platform.make_volume(name, &self.plan.run_id, Some(project)).await.map(drop)
    }

    /// Returns an error if the user wishes to stop.
    ///
    /// # Errors
    /// [`Error::cancelled`].
    pub fn check_cancelled(&self) -> Result<()> {
        if self.cancel.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) }
    }

    /// Returns what a path of the plan is called now: the home may have moved.
    pub fn now(&self, path: &Path) -> PathBuf {
        let moved = self.plan.home.after(path);
        if self.home_has_moved() { moved } else { path.to_owned() }
    }

    /// Returns a path of the plan for people to find it by, when all is done or taken back.
    pub fn told(&self, path: &Path) -> String {
        let after = self.plan.home.after(path);
        match self.is_going_back() || after == path {
            true => path.display().to_string(),
            false => format!("{} ({} once the home has moved)", path.display(), after.display()),
        }
    }

    /// Returns whether the home has its new name. The journal lies in it, so the journal's own file tells.
    pub fn home_has_moved(&self) -> bool {
        self.plan.home.to.as_deref().is_some_and(|to| holds_this_run(to, &self.plan.run_id))
            && !holds_this_run(&self.plan.home.from, &self.plan.run_id)
    }

    /// Returns how the documents of Elasticsearch are copied, for steps that copy or compare them.
    ///
    /// # Errors
    /// An internal one where they are not.
    pub fn elastic(&self) -> Result<&ElasticPlan> {
        self.plan.elastic().ok_or_else(|| Error::internal("The plan copies no documents of Elasticsearch."))
    }

    /// Returns what only the migration of a server has, for steps that only such a migration has.
    ///
    /// # Errors
    /// An internal one where there is no server.
    pub fn server(&self) -> Result<&ServerPlan> {
        self.plan.server().ok_or_else(|| Error::internal("The plan has no server."))
    }
}

fn claim_key(path: &Path) -> String {
    format!("claim {}", path.display())
}

/// Returns whether a home holds the journal directory of this run: each run leaves a file with its name there.
fn holds_this_run(home: &Path, run_id: &str) -> bool {
    crate::plan::work_dir(home).join(format!("{run_id}.run")).exists()
}
