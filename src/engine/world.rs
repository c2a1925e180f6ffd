//! What the engine asks of whatever it migrates: the steps themselves, and what has become of things in between.

use crate::error::{Error, Result};
use crate::events::Events;
use crate::journal::{Record, State};
use crate::plan::Step;
use serde::Serialize;
use serde_json::Value;

/// A machine on which a plan is carried out. The steps act; the engine decides which of them, and when.
///
/// Every step can be applied twice and undone twice, and looks at what is there instead of trusting what it remembers:
/// the engine calls it again after it was cut off anywhere.
#[expect(async_fn_in_trait, reason = "nobody outside this crate calls it, and no future of it is sent anywhere")]
pub trait World {
    /// Returns the steps of the plan, in their order.
    fn steps(&self) -> &[Step];

    /// Looks at what the journal says.
    fn look<T>(&self, at: impl FnOnce(&State) -> T) -> T;

    /// Appends a record; when this returns, it is on disk.
    ///
    /// # Errors
    /// Fails, with nothing recorded, when it cannot be written or cannot follow.
    fn record(&self, record: Record) -> Result<()>;

    /// Returns where is told what happens.
    fn events(&self) -> &Events;

    /// Returns an error if the user wishes to stop.
    ///
    /// # Errors
    /// [`crate::Error::cancelled`].
    fn check_cancelled(&self) -> Result<()>;

    /// Says that everything is taken back from here on.
    fn go_back(&self);

    /// Returns whether the old server stays stopped once all is taken back.
    fn stays_stopped(&self) -> bool;

    /// Does a step, or what is left of it.
    ///
    /// # Errors
    /// As the step; what it has made so far stays for the next try or for [`World::undo`].
    async fn apply(&self, step: &Step) -> Result<Done>;

    /// Takes a step back.
    ///
    /// # Errors
    /// When the old state cannot be reached; the message says what is left to do by hand.
    async fn undo(&self, step: &Step) -> Result<()>;

    /// Removes temporary containers and networks that runs have left.
    ///
    /// # Errors
    /// When that cannot be done.
    async fn remove_leftovers(&self) -> Result<()>;

    /// Returns that the old server runs although it was stopped, with the step that stops it.
    ///
    /// # Errors
    /// When that cannot be told.
    async fn started_again(&self) -> Result<Option<Change>>;

    /// Returns the sources that have changed since a step worked with them, wherever they lie by now.
    ///
    /// # Errors
    /// When one cannot be read.
    async fn changed_sources(&self) -> Result<Vec<Change>>;

    /// Returns what has changed since it was archived. Only asked for before the commit, when all lies where it did.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn changed_archives(&self) -> Result<Vec<Change>>;

    /// Makes sure, right before the commit record, that the switch can be carried out.
    ///
    /// # Errors
    /// Refused or failed, naming what is in the way.
    async fn require_switchable(&self) -> Result<()>;

    /// Makes sure that the old data are there to go back to.
    ///
    /// # Errors
    /// Refused, before anything is changed, when they are not.
    async fn require_old_data(&self) -> Result<()>;

    /// Returns whether a new server that was found wanting works by now.
    ///
    /// # Errors
    /// Only when cancelled.
    async fn new_server_works(&self) -> Result<bool>;
}

/// What a step leaves in the journal when it is done.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// One line for the user.
    pub summary: String,
    /// What later steps and the report need.
    pub output: Value,
}

impl Done {
    /// Returns what a step leaves that later ones and the report need something of.
    ///
    /// # Errors
    /// An internal one where that cannot be written.
    pub fn new(summary: String, output: &impl Serialize) -> Result<Self> {
        let output = serde_json::to_value(output);
        let output =
            output.map_err(|cause| Error::internal("The result of a step cannot be written.").because(cause))?;
        Ok(Self { summary, output })
    }

    /// Returns what a step leaves that has nothing for others.
    pub fn line(summary: impl Into<String>) -> Self {
        Self { summary: summary.into(), output: Value::Null }
    }
}

/// Something that is not any more what a step has worked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is, and how it has changed: `/opt/trains/data/mongo/db (WiredTiger.wt)`.
    pub what: String,
    /// What that means, for people: `changed since it was copied, so it is copied again`.
    pub told: &'static str,
    /// Ids of the steps that must be done again. The one that finds the change again after a cut-off is the last.
    pub again: Vec<String>,
}
