//! How changes become requests.

use std::ops::Range;

/// One change as it is sent.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The id that it is sent with.
    pub id: &'a str,
    /// The routing that it is sent with.
    pub routing: Option<&'a str>,
    /// The document; nothing where it is deleted.
    pub source: Option<&'a [u8]>,
}

/// The form in which changes are sent.
pub trait Encode {
    /// Bytes of a request for each change besides its document and its names.
    const FRAME: usize;

    /// Appends a change to a request. Returns where its document is, which stands there byte for byte.
    fn encode(&self, line: Line<'_>, body: &mut Vec<u8>) -> Range<usize>;
}
