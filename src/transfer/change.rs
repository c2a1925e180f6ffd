//! What is moved: a document as it is, or the word that one is gone.

use std::borrow::Cow;

/// What tells one document of a collection from every other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// Its id, unique among the documents of its kind.
    pub id: String,
    /// Its kind, where the source has several kinds in one collection.
    pub kind: Option<String>,
    /// By what it was placed besides its id, where the source keeps that.
    pub routing: Option<String>,
}

/// A document that is borrowed from wherever it was read.
#[derive(Debug, Clone, Copy)]
pub struct DocumentRef<'a> {
    /// As [`Key::id`].
    pub id: &'a str,
    /// As [`Key::kind`].
    pub kind: Option<&'a str>,
    /// As [`Key::routing`].
    pub routing: Option<&'a str>,
    /// Its bytes, without anything around them.
    pub source: &'a [u8],
}

impl DocumentRef<'_> {
    /// Returns what tells it from every other.
    pub fn key(&self) -> Key {
        Key { id: self.id.to_owned(), kind: self.kind.map(str::to_owned), routing: self.routing.map(str::to_owned) }
    }
}

/// A document that is to be there no more, named as the target has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone<'a> {
    /// The id in the target.
    pub id: &'a str,
    /// The routing in the target.
    pub routing: Option<&'a str>,
}

/// What a source gives. Of one key it gives one change at most: changes of a collection are written in any order.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// The document is to be there as it is here.
    Put(DocumentRef<'a>),
    /// There is to be no such document.
    Delete(Gone<'a>),
}

/// What a sink does with a document whose id is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It never overwrites one: another document of the same id is a collision. The collection is made anew.
    Create,
    /// It puts the new one in its place, and takes away what is gone. The collection stays.
    Upsert,
}

/// A document as the target is to hold it.
#[derive(Debug, Clone)]
pub struct Written<'a> {
    /// Its id there.
    pub id: Cow<'a, str>,
    /// Whether its routing is kept.
    pub keeps_routing: bool,
    /// Its bytes there.
    pub source: Cow<'a, [u8]>,
    /// What it belongs to, where documents are counted by that (see [`super::GroupSample`]).
    pub group: Option<Cow<'a, str>>,
}

impl<'a> Written<'a> {
    /// Returns the routing there of what was `document`.
    pub fn routing(&self, document: &DocumentRef<'a>) -> Option<&'a str> {
        document.routing.filter(|_| self.keeps_routing)
    }
}

/// What becomes of documents on their way: the same whenever they are read.
pub trait Rules: Clone + Send + Sync + 'static {
    /// Returns a document of a collection as the target is to hold it; nothing if it is left out.
    fn written<'a>(&self, collection: &str, document: &DocumentRef<'a>) -> Option<Written<'a>>;

    /// Returns the bytes that a sink may have written instead of `source`, which its target does not take; nothing if
    /// there are none.
    fn repaired(&self, source: &[u8]) -> Option<bytes::Bytes>;
}
