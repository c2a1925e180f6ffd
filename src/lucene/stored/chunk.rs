//! Chunks of an `.fdt` file: some documents, compressed together.
//!
//! ```text
//! chunk     VInt first document, token, numbers of fields, lengths in bytes, blocks as in [`block`](super::block)
//! token     VInt documents << 1 | sliced;  since 8.9: VInt documents << 2 | dirty << 1 | sliced
//! numbers   of one document: VInt
//!           of more, until 8.11: VInt bits, then one VInt for all if it is 0, else packed integers
//!           of more, since 9: Int8 bits, then one VInt for all if it is 0, else numbers of 8, 16 or 32 bits
//! ```
//!
//! A sliced chunk has a block for each chunk size of raw bytes, none of which refers to another.

use super::super::input::Input;
use super::super::{Corrupt, packed};
use super::block::Decompressor;
use super::{Format, Layout};

/// A buffer that a huge document made longer than this is not kept for the next chunk.
const KEPT_BUFFER: usize = 4 << 20;
/// What Java can hold in an array: a chunk is never longer.
const MAX_RAW: u64 = i32::MAX.unsigned_abs() as u64;

/// Reads chunks, with buffers that go from one to the next.
#[derive(Debug)]
pub struct ChunkReader {
    fields: Vec<u32>,
    lengths: Vec<u32>,
    buffer: Vec<u8>,
    decompressor: Decompressor,
}

/// The documents of a chunk.
#[derive(Debug)]
pub struct Chunk<'a> {
    first_doc: u32,
    fields: &'a [u32],
    lengths: &'a [u32],
    raw: &'a [u8],
}

/// A document of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored<'a> {
    /// Number in the segment.
    pub doc: u32,
    /// Number of its fields.
    pub fields: u32,
    /// The fields.
    pub bytes: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// Returns the number of the document behind the last one.
    pub fn end_doc(&self) -> u32 {
        self.first_doc.saturating_add(u32::try_from(self.lengths.len()).unwrap_or(u32::MAX))
    }

    /// Returns the documents in order.
    pub fn documents(&self) -> impl Iterator<Item = Stored<'a>> + use<'a> {
        let mut rest = self.raw;
        (self.first_doc..).zip(self.fields).zip(self.lengths).map(move |((doc, &fields), &length)| {
            // The lengths add up to what there is.
            let (bytes, after) = rest.split_at_checked(length as usize).unwrap_or((rest, &[]));
            rest = after;
            Stored { doc, fields, bytes }
        })
    }
}

impl ChunkReader {
    /// Returns a reader for segments of this format.
    pub fn new(format: Format) -> Self {
        let decompressor = Decompressor::new(format);
        Self { fields: Vec::new(), lengths: Vec::new(), buffer: Vec::new(), decompressor }
    }

    /// Reads a chunk that must begin with the document `first_doc`.
    ///
    /// # Errors
    /// Fails if it does not, or is broken. What is allocated follows what is really there, not what lengths say.
    pub fn read<'a>(&'a mut self, input: &mut Input<'_>, first_doc: u32) -> Result<Chunk<'a>, Corrupt> {
        let (raw, block) = self.head(input, first_doc)?;
        self.decompress(input, raw, block)?;
        let raw = self.buffer.get(..raw).unwrap_or_default();
        Ok(Chunk { first_doc, fields: &self.fields, lengths: &self.lengths, raw })
    }

    /// Reads only how long the documents of a chunk are, in bytes: the documents themselves are not looked at.
    ///
    /// # Errors
    /// As [`ChunkReader::read`], as far as that shows.
    pub fn lengths(&mut self, input: &mut Input<'_>, first_doc: u32) -> Result<&[u32], Corrupt> {
        self.head(input, first_doc)?;
        Ok(&self.lengths)
    }

    /// Reads what is ahead of the compressed bytes. Returns how many raw bytes there are, and how many to a block.
    fn head(&mut self, input: &mut Input<'_>, first_doc: u32) -> Result<(usize, usize), Corrupt> {
        if input.natural()? != first_doc {
            return Err(input.corrupt(&format!("no chunk with the document {first_doc} at its beginning")));
        }
        let format = self.decompressor.format();
        let token = input.natural()?;
        let flags = if format.marks_dirty_chunks() { 2 } else { 1 };
        let (documents, sliced) = (token >> flags, token & 1 == 1);
        if !(1..=format.chunk_documents()).contains(&documents) {
            return Err(input.corrupt("an impossible number of documents in a chunk"));
        }
        let numbers = match format.layout() {
            Layout::Lucene50 | Layout::Lucene85 | Layout::Lucene87 | Layout::Lucene89 => packed_numbers,
            Layout::Lucene90 | Layout::Zstd814 => lane_numbers,
        };
        numbers(input, documents as usize, &mut self.fields)?;
        numbers(input, documents as usize, &mut self.lengths)?;
        if self.fields.iter().zip(&self.lengths).any(|(&fields, &length)| (fields == 0) != (length == 0)) {
            return Err(input.corrupt("a document with fields but without length, or the other way round"));
        }
        let raw: u64 = self.lengths.iter().copied().map(u64::from).sum();
        if raw > MAX_RAW || sliced != (raw >= 2 * u64::from(format.chunk_size())) {
            return Err(input.corrupt("an impossible length of a chunk"));
        }
        let raw = raw as usize;
        Ok((raw, if sliced { format.chunk_size() as usize } else { raw }))
    }

    /// Decompresses `raw` bytes, block by block, to the beginning of the buffer.
    fn decompress(&mut self, input: &mut Input<'_>, raw: usize, block: usize) -> Result<(), Corrupt> {
        if self.buffer.len() > KEPT_BUFFER {
            self.buffer = Vec::new();
        }
        let mut done = 0;
        loop {
            let end = raw.min(done + block);
            if self.buffer.len() < end {
                self.buffer.resize(end, 0);
            }
            self.decompressor.decompress(input, self.buffer.get_mut(done..end).unwrap_or_default())?;
            done = end;
            if done == raw {
                return Ok(());
            }
        }
    }
}

/// Reads as many numbers as there are documents.
fn packed_numbers(input: &mut Input<'_>, count: usize, out: &mut Vec<u32>) -> Result<(), Corrupt> {
    out.clear();
    if count == 1 {
        out.push(input.natural()?);
        return Ok(());
    }
    match input.natural()? {
        0 => out.resize(count, input.natural()?),
        bits @ 1..=31 => out.extend(packed::packed(input, bits, count)?.map(|value| value as u32)),
        _ => return Err(input.corrupt("numbers of too many bits")),
    }
    Ok(())
}

/// Reads as many numbers as there are documents: groups of 128 as lanes of words, the rest one after another
/// (`org.apache.lucene.codecs.lucene90.compressing.StoredFieldsInts`).
fn lane_numbers(input: &mut Input<'_>, count: usize, out: &mut Vec<u32>) -> Result<(), Corrupt> {
    const GROUP: usize = 128;
    out.clear();
    if count == 1 {
        out.push(input.natural()?);
        return Ok(());
    }
    let bytes = match input.u8()? {
        0 => {
            out.resize(count, input.natural()?);
            return Ok(());
        }
        8 => 1,
        16 => 2,
        32 => 4,
        _ => return Err(input.corrupt("numbers of an unknown width")),
    };
    // The first word of a group has the first number of each lane, the first lane in its most significant bytes.
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte));
    for _ in 0..count / GROUP {
        let words = input.bytes(GROUP * bytes)?;
        for lane in (0..8 / bytes).rev() {
            out.extend(words.chunks_exact(8).filter_map(|word| word.chunks_exact(bytes).nth(lane)).map(number));
        }
    }
    out.extend(input.bytes(count % GROUP * bytes)?.chunks_exact(bytes).map(number));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::codec::Codec;
    use crate::lucene::stored::Mode;
    use crate::lucene::testing::put_chunk;
    use proptest::prelude::*;

    /// Documents of which some are empty, and now and then one is longer than a chunk.
    fn documents() -> impl Strategy<Value = Vec<(u32, Vec<u8>)>> {
        let text = proptest::collection::vec(prop_oneof![Just("step "), Just("loss "), Just("0.125 ")], 1..60);
        let length = prop_oneof![20 => Just(1_usize), 1 => 40_usize..400];
        let document = prop_oneof![
            1 => Just((0, Vec::new())),
            9 => (1_u32..6, text, length).prop_map(|(fields, text, times)| (fields, text.concat().repeat(times).into())),
        ];
        proptest::collection::vec(document, 1..128)
    }

    fn mode() -> impl Strategy<Value = Mode> {
        prop_oneof![Just(Mode::Fast), Just(Mode::High)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn documents_come_out_as_they_went_in(mode in mode(), documents in documents(), first in 0_u32..1000) {
            let mut bytes = Vec::new();
            put_chunk(&mut bytes, mode, first, &documents);
            let length = bytes.len();
            bytes.extend([9; 9]);
            let mut input = Input::new(&bytes);
            let mut reader = ChunkReader::new(Format::new(Codec::Lucene6, mode).unwrap());
            let chunk = reader.read(&mut input, first).unwrap();
            prop_assert_eq!(chunk.end_doc() as usize, first as usize + documents.len());
            let found: Vec<_> = chunk.documents().map(|stored| (stored.fields, stored.bytes.to_vec())).collect();
            prop_assert_eq!(found, documents);
            prop_assert_eq!(input.position(), length);
            prop_assert!(reader.read(&mut Input::new(&bytes), first + 1).is_err());
            prop_assert!(reader.read(&mut Input::new(&bytes[..length - 1]), first).is_err());
        }

        #[test]
        fn garbage_gives_errors(mode in mode(), documents in documents(), place: usize, garbage: [u8; 3], cut: usize) {
            let mut bytes = Vec::new();
            put_chunk(&mut bytes, mode, 0, &documents);
            // The numbers ahead are the more interesting place.
            let place = place % bytes.len().min(200);
            for (byte, garbage) in bytes[place..].iter_mut().zip(garbage) {
                *byte = garbage;
            }
            bytes.truncate(bytes.len().min(cut % 4000));
            if let Ok(chunk) = ChunkReader::new(Format::new(Codec::Lucene6, mode).unwrap()).read(&mut Input::new(&bytes), 0) {
                let _ = chunk.documents().count();
            }
        }
    }

    proptest! {
        #[test]
        fn numbers_come_out_of_their_lanes(
            values in proptest::collection::vec(any::<u32>(), 2..700),
            bytes in prop_oneof![Just(1_usize), Just(2), Just(4)],
        ) {
            let values: Vec<u32> = values.into_iter().map(|value| value >> (32 - bytes * 8)).collect();
            let mut written = vec![bytes as u8 * 8];
            let groups = values.chunks_exact(128);
            let rest = groups.remainder();
            for group in groups {
                let words = 16 * bytes;
                for word in 0..words {
                    let lanes = (0..8 / bytes).map(|lane| u64::from(group[lane * words + word]));
                    let word = lanes.fold(0, |word, value| word << (8 * bytes - 1) << 1 | value);
                    written.extend(word.to_le_bytes());
                }
            }
            rest.iter().for_each(|value| written.extend(&value.to_le_bytes()[..bytes]));
            written.push(0x5A);
            let (mut input, mut found) = (Input::new(&written), Vec::new());
            lane_numbers(&mut input, values.len(), &mut found).unwrap();
            prop_assert_eq!(found, values);
            prop_assert_eq!(input.rest(), [0x5A]);
        }
    }

    #[test]
    fn numbers_that_are_all_the_same_or_alone_take_no_lanes() {
        let mut found = Vec::new();
        lane_numbers(&mut Input::new(&[0, 7]), 300, &mut found).unwrap();
        assert_eq!(found, [7; 300]);
        lane_numbers(&mut Input::new(&[7]), 1, &mut found).unwrap();
        assert_eq!(found, [7]);
        assert!(lane_numbers(&mut Input::new(&[24, 1, 2, 3, 4, 5, 6]), 2, &mut found).is_err());
    }

    #[test]
    fn nothing_but_nested_documents_is_a_chunk_too() {
        for mode in [Mode::Fast, Mode::High] {
            let mut bytes = Vec::new();
            put_chunk(&mut bytes, mode, 5, &vec![(0, Vec::new()); 128]);
            let mut reader = ChunkReader::new(Format::new(Codec::Lucene6, mode).unwrap());
            let chunk = reader.read(&mut Input::new(&bytes), 5).unwrap();
            assert!(chunk.documents().all(|stored| stored.fields == 0 && stored.bytes.is_empty()));
            assert_eq!(chunk.documents().count(), 128);
        }
    }

    #[test]
    fn a_forged_length_allocates_nothing() {
        for mode in [Mode::Fast, Mode::High] {
            // One sliced document of 2 GiB, and nothing behind it.
            let mut bytes = vec![0, 3, 1];
            bytes.extend([0xFF, 0xFF, 0xFF, 0xFF, 0x07]);
            bytes.extend([0; 40]);
            let mut reader = ChunkReader::new(Format::new(Codec::Lucene6, mode).unwrap());
            assert!(reader.read(&mut Input::new(&bytes), 0).is_err());
            assert!(reader.buffer.capacity() < 1 << 20);
        }
    }
}
