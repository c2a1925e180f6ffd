//! Where changes go.

use super::adaptive::Rate;
use super::batch::Batch;
use super::change::{Key, Mode};
use super::encode::Encode;
use super::entry::Entry;
use super::source::Collection;
use crate::error::Result;
use crate::events::Events;
use bytes::Bytes;

/// What is written to. Cheap to clone.
pub trait Sink: Encode + Clone + Send + Sync + 'static {
    /// What it knows of a collection.
    type Plan: Collection;

    /// Returns what it does with documents that are there already.
    fn mode(&self) -> Mode;

    /// Returns the largest request that it takes, in bytes.
    fn request_bytes(&self) -> usize;

    /// Makes a collection ready. That of an earlier try is found again by the id that it had; any other is made anew where
    /// the mode is [`Mode::Create`].
    ///
    /// # Errors
    /// Fails when the target does.
    fn prepare(
        &self,
        plan: &Self::Plan,
        earlier: Option<&str>,
        events: &Events,
    ) -> impl Future<Output = Result<Prepared>> + Send;

    /// Writes each change of a batch exactly once, or says why not. Where `resent`, an earlier try may have written some.
    /// `rate` is told how the target copes.
    ///
    /// # Errors
    /// Fails when the target takes no more.
    fn write(
        &self,
        plan: &Self::Plan,
        batch: Batch,
        resent: bool,
        rate: &Rate,
    ) -> impl Future<Output = Result<Answer>> + Send;

    /// Makes all that was written durable.
    ///
    /// # Errors
    /// Fails when the target does.
    fn flush(&self, plan: &Self::Plan) -> impl Future<Output = Result<()>> + Send;

    /// Hears that most of a large collection is written, while the rest is: so that less is left for the end.
    ///
    /// # Errors
    /// Fails when the target does.
    fn nearly_full(&self, plan: &Self::Plan) -> impl Future<Output = Result<()>> + Send;

    /// Makes a collection durable and visible: everything is written.
    ///
    /// # Errors
    /// Fails when the target does.
    fn finish(&self, plan: &Self::Plan) -> impl Future<Output = Result<()>> + Send;
}

/// A collection that can be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Its id: another one of the same name is not this one.
    pub id: String,
    /// Whether it holds what an earlier try has written.
    pub goes_on: bool,
}

/// What came of a batch. Changes that are in neither list are in the target as they were sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Documents that the target does not hold.
    pub refused: Vec<Refused>,
    /// Documents that it holds in other bytes.
    pub repaired: Vec<Repaired>,
}

/// A document that the target does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What it is called in the source.
    pub key: Key,
    /// The id that it was sent with.
    pub id: String,
    /// The routing that it was sent with.
    pub routing: Option<String>,
    /// Its bytes as they were sent first.
    pub source: Bytes,
    /// Why, in the target's words.
    pub reason: String,
    /// Another document of the same id is in its place.
    pub collision: bool,
}

/// A document that the target holds in other bytes than those that were sent first ([`super::Rules::repaired`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// The id that it was sent with.
    pub id: String,
    /// The routing that it was sent with.
    pub routing: Option<String>,
    /// The bytes that were sent first.
    pub before: Bytes,
    /// The bytes that it holds.
    pub after: Bytes,
}

impl Refused {
    /// Returns the refusal of one of the changes of a batch.
    pub fn new(batch: &Batch, entry: &Entry, reason: String, collision: bool) -> Self {
        let (key, id) = (batch.key(entry), batch.id(entry).to_owned());
        let routing = batch.routing(entry).map(str::to_owned);
        // A copy, so that one refused document does not keep its whole batch in memory.
        Self { key, id, routing, source: Bytes::copy_from_slice(&batch.source(entry)), reason, collision }
    }
}
