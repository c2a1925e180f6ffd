//! Where changes come from: collections, each of units that are read by themselves, in any order and several at once.

use super::change::Change;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// A collection that is moved, as source and sink know it.
pub trait Collection: Clone + Send + Sync + 'static {
    /// Its name.
    fn name(&self) -> &str;

    /// Documents to expect, at most.
    fn documents(&self) -> u64;

    /// Bytes to expect: collections that have more are begun earlier.
    fn bytes(&self) -> u64;
}

/// What is read. Cheap to clone.
pub trait Source: Clone + Send + Sync + 'static {
    /// What it knows of a collection.
    type Plan: Collection;
    /// A part of one.
    type Unit: Unit;

    /// Returns all there is to read of a collection; nothing if there is no such collection.
    ///
    /// # Errors
    /// Fails when it cannot be read.
    fn open(&self, plan: &Self::Plan) -> impl Future<Output = Result<Option<Units<Self::Unit>>>> + Send;
}

/// All there is to read of a collection.
#[derive(Debug)]
pub struct Units<U> {
    /// Its parts.
    pub parts: Vec<U>,
    /// Documents in it by the source's own numbers, what is [`Reading::apart`] included; nothing where it does not say.
    pub documents: Option<u64>,
    /// Parts that are read at the same time.
    pub at_once: usize,
    /// Whether a reader mostly waits for somebody else: then it takes the place of none that works.
    pub waits: bool,
}

/// A part of a collection, read on a thread that may block.
pub trait Unit: Send + Sync + 'static {
    /// Returns by what a second reading recognises it; nothing if it cannot.
    ///
    /// # Errors
    /// Fails when the key cannot be written down.
    fn key(&self) -> Result<Option<UnitKey>>;

    /// Returns how many documents there are, at most.
    fn documents(&self) -> u64;

    /// Gives out every change. The bytes last as long as the call. Blocks; ends soon after `stop`.
    ///
    /// # Errors
    /// Fails when it cannot be read whole, and with the error of `each` if that fails.
    fn read(&self, stop: &CancellationToken, each: &mut impl FnMut(&Change<'_>) -> Result<()>) -> Result<Reading>;
}

/// What came out of a unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    /// Documents that were given out.
    pub documents: u64,
    /// Documents that count in [`Units::documents`] and are none of their own, such as parts of others.
    pub apart: u64,
    /// Documents that count in [`Unit::documents`] only: they are deleted.
    pub deleted: u64,
    /// Documents that were given out in another form than they are kept in.
    pub converted: u64,
}

/// By what a unit is recognised, as its source says it. A unit of other data has another key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnitKey(Value);

impl UnitKey {
    /// Returns the key that is made of a value.
    ///
    /// # Errors
    /// Fails if it cannot be written down.
    pub fn new(key: &impl Serialize) -> Result<Self> {
        let key = serde_json::to_value(key);
        key.map(Self).map_err(|cause| Error::internal("The key of a unit cannot be written down.").because(cause))
    }
}
