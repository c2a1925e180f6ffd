//! `.fdx` until Lucene 8.6: where the chunks of an `.fdt` file are.
//!
//! ```text
//! IndexHeader, VInt packed integers' version, blocks, VInt 0, VLong end of the last chunk, Footer
//! block        VInt chunks, at most 1024
//!              VInt first document, VInt average documents, VInt bits, packed differences
//!              VLong first offset, VLong average bytes, VInt bits, packed differences
//! ```
//!
//! Chunk *k* of a block begins at first + average × *k* + difference *k*, where differences are zig-zag numbers.
//! Nothing grows with the number of chunks but the parts, each of which is a piece of work to read.

use super::super::header::{check_footer, index_header};
use super::super::input::Input;
use super::super::{Corrupt, packed};
use super::Mode;

/// Chunks in one block (`Lucene50StoredFieldsFormat`).
const BLOCK_CHUNKS: u32 = 1024;

/// Chunks that follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Number of the first chunk in the segment.
    pub first_chunk: u32,
    /// Number of the first document in the segment.
    pub first_doc: u32,
    /// Offset of the first chunk in the `.fdt` file.
    pub start: usize,
    /// Number of the chunk behind the last one.
    pub end_chunk: u32,
    /// Number of the document behind the last one.
    pub end_doc: u32,
    /// Offset behind the last chunk.
    pub end: usize,
}

/// A chunk of so many compressed bytes that it may hold a long document, see [`LONG`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WideChunk {
    /// Number of its first document in the segment.
    pub first_doc: u32,
    /// Offset in the `.fdt` file.
    pub start: usize,
    /// Offset behind it.
    pub end: usize,
}

/// Documents of fewer bytes are not long, and may be overlooked where the longest one is looked for.
pub const LONG: u64 = 8 << 20;

/// Returns the bytes that a chunk with a long document has at least. LZ4 makes at most 255 bytes of one (a length grows by
/// 255 with each byte), DEFLATE 1032 (RFC 1951: 258 bytes for two codes of one bit).
fn wide(mode: Mode) -> usize {
    let most = match mode {
        Mode::Fast => 255,
        Mode::High => 1032,
    };
    (LONG / most) as usize
}

/// The parts of an `.fdt` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkIndex {
    parts: Vec<Part>,
    wide: Vec<WideChunk>,
    start: usize,
    end: usize,
    chunks: u32,
}

impl ChunkIndex {
    /// Reads a whole `.fdx` file and cuts the chunks into parts of about `part_bytes` in the `.fdt` file.
    ///
    /// # Errors
    /// Fails if the checksum is wrong, the file belongs to another segment, or its numbers make no sense for a segment
    /// of `max_doc` documents.
    pub fn parse(
        file: &[u8],
        segment_id: &[u8; 16],
        mode: Mode,
        max_doc: u32,
        part_bytes: usize,
    ) -> Result<Self, Corrupt> {
        let mut input = Input::new(check_footer(file)?);
        let codec = match mode {
            Mode::Fast => "Lucene50StoredFieldsFastIndex",
            Mode::High => "Lucene50StoredFieldsHighIndex",
        };
        index_header(&mut input, codec, 0..=1, "")?.belongs_to(segment_id)?;
        if input.natural()? != packed::VERSION {
            return Err(input.corrupt("an unknown version of packed integers"));
        }
        let mut parts = Parts::new(part_bytes, wide(mode));
        loop {
            let count = input.natural()?;
            match count {
                0 => break,
                1..=BLOCK_CHUNKS => block(&mut input, count, |doc, offset| parts.add(doc, offset))?,
                _ => return Err(input.corrupt("a block of too many chunks")),
            }
        }
        let end = usize::try_from(input.vlong()?).map_err(|_| input.corrupt("an impossible offset"))?;
        if !input.rest().is_empty() {
            return Err(input.corrupt("there is more than the index"));
        }
        parts.finish(max_doc, end)
    }

    /// Returns the parts in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Returns the chunks that may hold long documents, in order.
    pub fn wide(&self) -> &[WideChunk] {
        &self.wide
    }

    /// Returns the offset of the first chunk.
    pub fn start(&self) -> usize {
        self.start
    }

    /// Returns the offset behind the last chunk.
    pub fn end(&self) -> usize {
        self.end
    }

    /// Returns the number of chunks.
    pub fn chunks(&self) -> u32 {
        self.chunks
    }
}

/// Reads the differences of a block and returns what they say.
fn series<'a>(
    input: &mut Input<'a>,
    first: u64,
    average: u64,
    widest: u32,
    count: u32,
) -> Result<impl Iterator<Item = i128> + use<'a>, Corrupt> {
    let bits = input.natural()?;
    if bits > widest {
        return Err(input.corrupt("differences of too many bits"));
    }
    let deltas = packed::packed(input, bits, count as usize)?;
    Ok((0_i128..).zip(deltas).map(move |(k, delta)| {
        let delta = (delta >> 1).cast_signed() ^ -(delta & 1).cast_signed();
        i128::from(first) + i128::from(average) * k + i128::from(delta)
    }))
}

fn block(
    input: &mut Input<'_>,
    count: u32,
    mut chunk: impl FnMut(u32, usize) -> Result<(), Corrupt>,
) -> Result<(), Corrupt> {
    let (first, average) = (input.natural()?, input.natural()?);
    let docs = series(input, first.into(), average.into(), 32, count)?;
    let (first, average) = (input.vlong()?, input.vlong()?);
    let offsets = series(input, first, average, 64, count)?;
    for (doc, offset) in docs.zip(offsets) {
        let numbers = u32::try_from(doc).ok().zip(usize::try_from(offset).ok());
        let (doc, offset) = numbers.ok_or_else(|| input.corrupt("a chunk is nowhere"))?;
        chunk(doc, offset)?;
    }
    Ok(())
}

/// Parts while they are being made.
pub(super) struct Parts {
    done: Vec<Part>,
    /// The part that grows, up to its last chunk's beginning.
    current: Option<Part>,
    chunks: u32,
    part_bytes: usize,
    /// The chunk that is open.
    last: Option<(u32, usize)>,
    wide: Vec<WideChunk>,
    /// Bytes from which on a chunk is wide.
    wide_bytes: usize,
}

impl Parts {
    pub(super) fn new(part_bytes: usize, wide_bytes: usize) -> Self {
        Self { done: Vec::new(), current: None, chunks: 0, part_bytes, last: None, wide: Vec::new(), wide_bytes }
    }

    /// Adds the chunk that begins with this document at this offset.
    pub(super) fn add(&mut self, doc: u32, offset: usize) -> Result<(), Corrupt> {
        let begins = Part {
            first_chunk: self.chunks,
            first_doc: doc,
            start: offset,
            end_chunk: self.chunks,
            end_doc: doc,
            end: offset,
        };
        match &mut self.current {
            None if doc == 0 => self.current = Some(begins),
            Some(part) if part.end_doc < doc && part.end < offset => {
                (part.end_chunk, part.end_doc, part.end) = (self.chunks, doc, offset);
                if offset - part.start >= self.part_bytes {
                    self.done.push(*part);
                    *part = begins;
                }
            }
            _ => return Err(Corrupt::new(format!("chunk {} is not behind the one before it", self.chunks))),
        }
        self.chunks = self.chunks.checked_add(1).ok_or_else(|| Corrupt::new("too many chunks"))?;
        self.close_chunk(offset);
        self.last = Some((doc, offset));
        Ok(())
    }

    /// Keeps the chunk before this offset if it is wide.
    fn close_chunk(&mut self, end: usize) {
        let wide = self.last.filter(|(_, start)| end.saturating_sub(*start) >= self.wide_bytes);
        self.wide.extend(wide.map(|(first_doc, start)| WideChunk { first_doc, start, end }));
    }

    /// Closes the last part, for this number of documents and the offset behind the last chunk.
    pub(super) fn finish(mut self, max_doc: u32, end: usize) -> Result<ChunkIndex, Corrupt> {
        let chunks = self.chunks;
        self.close_chunk(end);
        match self.current {
            Some(part) if part.end_doc < max_doc && part.end < end => {
                self.done.push(Part { end_chunk: chunks, end_doc: max_doc, end, ..part });
            }
            None if max_doc == 0 => {}
            _ => return Err(Corrupt::new(format!("its chunks are not for {max_doc} documents"))),
        }
        let start = self.done.first().map_or(end, |part| part.start);
        Ok(ChunkIndex { parts: self.done, wide: self.wide, start, end, chunks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::{fields_index, footer, put_index_header};
    use proptest::prelude::*;

    const ID: [u8; 16] = [5; 16];

    proptest! {
        #[test]
        fn parts_cover_all_chunks_without_a_gap(
            chunks in proptest::collection::vec((1_u32..129, 1_usize..40_000), 1..2500),
            part_bytes in 1_usize..1_000_000,
        ) {
            let (mut doc, mut offset) = (0, 51);
            let mut begins = Vec::new();
            for (docs, bytes) in &chunks {
                begins.push((doc, offset));
                doc += docs;
                offset += bytes;
            }
            let file = fields_index(ID, Mode::Fast, &begins, offset);
            let index = ChunkIndex::parse(&file, &ID, Mode::Fast, doc, part_bytes).unwrap();
            prop_assert_eq!((index.start(), index.end(), index.chunks() as usize), (51, offset, chunks.len()));
            let mut next = (0, 0, 51);
            for part in index.parts() {
                prop_assert_eq!((part.first_chunk, part.first_doc, part.start), next);
                prop_assert_eq!(begins[part.first_chunk as usize], (part.first_doc, part.start));
                next = (part.end_chunk, part.end_doc, part.end);
            }
            prop_assert_eq!(next, (index.chunks(), doc, offset));
            prop_assert!(index.parts().iter().rev().skip(1).all(|part| part.end - part.start >= part_bytes));
            let ends = begins.iter().skip(1).map(|(_, start)| *start).chain([offset]);
            let all = begins.iter().zip(ends).map(|(&(first_doc, start), end)| WideChunk { first_doc, start, end });
            let wide: Vec<_> = all.filter(|chunk| chunk.end - chunk.start >= wide(Mode::Fast)).collect();
            prop_assert_eq!(index.wide(), wide);
            prop_assert!(ChunkIndex::parse(&file, &ID, Mode::High, doc, part_bytes).is_err());
            prop_assert!(ChunkIndex::parse(&file, &ID, Mode::Fast, begins.last().unwrap().0, part_bytes).is_err());
        }

        #[test]
        fn garbage_with_a_right_checksum_gives_errors(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = Vec::new();
            put_index_header(&mut bytes, "Lucene50StoredFieldsFastIndex", 1, ID, "");
            bytes.push(2);
            bytes.extend(tail);
            let _ = ChunkIndex::parse(&footer(bytes), &ID, Mode::Fast, 100, 1000);
        }
    }

    #[test]
    fn chunks_out_of_order_are_refused() {
        for begins in [[(0, 51), (10, 51)], [(0, 51), (0, 60)], [(1, 51), (2, 60)]] {
            let file = fields_index(ID, Mode::Fast, &begins, 99);
            assert!(ChunkIndex::parse(&file, &ID, Mode::Fast, 20, 1000).is_err(), "{begins:?}");
        }
    }
}
