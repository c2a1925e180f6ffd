//! Chunks of an `.fdt` file: some documents, compressed together.
//!
//! ```text
//! chunk     VInt first document, VInt documents << 1 | sliced, numbers of fields, lengths in bytes, blocks
//! numbers   of one document: VInt;  of more: VInt bits, then one VInt for all if it is 0, else packed integers
//! blocks    one of all documents; sliced: one for each chunk size of raw bytes, none of which refers to another
//! block     LZ4 as in [`lz4`], or VInt length and raw DEFLATE
//! ```

use super::super::input::Input;
use super::super::segment_info::Mode;
use super::super::{Corrupt, lz4, packed};
use flate2::{Decompress, FlushDecompress, Status};

/// A buffer that a huge document made longer than this is not kept for the next chunk.
const KEPT_BUFFER: usize = 4 << 20;
/// What Java can hold in an array: a chunk is never longer.
const MAX_RAW: u64 = i32::MAX.unsigned_abs() as u64;

/// Reads chunks, with buffers that go from one to the next.
#[derive(Debug)]
pub struct ChunkReader {
    mode: Mode,
    fields: Vec<u32>,
    lengths: Vec<u32>,
    buffer: Vec<u8>,
    inflater: Decompress,
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
    /// Returns a reader for segments of this mode.
    pub fn new(mode: Mode) -> Self {
        Self { mode, fields: Vec::new(), lengths: Vec::new(), buffer: Vec::new(), inflater: Decompress::new(false) }
    }

    /// Reads a chunk that must begin with the document `first_doc`.
    ///
    /// # Errors
    /// Fails if it does not, or is broken. What is allocated follows what is really there, not what lengths say.
    pub fn read<'a>(&'a mut self, input: &mut Input<'_>, first_doc: u32) -> Result<Chunk<'a>, Corrupt> {
        if input.natural()? != first_doc {
            return Err(input.corrupt(&format!("no chunk with the document {first_doc} at its beginning")));
        }
        let token = input.natural()?;
        let (documents, sliced) = (token >> 1, token & 1 == 1);
        if !(1..=self.mode.chunk_documents()).contains(&documents) {
            return Err(input.corrupt("an impossible number of documents in a chunk"));
        }
        numbers(input, documents as usize, &mut self.fields)?;
        numbers(input, documents as usize, &mut self.lengths)?;
        if self.fields.iter().zip(&self.lengths).any(|(&fields, &length)| (fields == 0) != (length == 0)) {
            return Err(input.corrupt("a document with fields but without length, or the other way round"));
        }
        let raw: u64 = self.lengths.iter().copied().map(u64::from).sum();
        if raw > MAX_RAW || sliced != (raw >= 2 * u64::from(self.mode.chunk_size())) {
            return Err(input.corrupt("an impossible length of a chunk"));
        }
        let raw = raw as usize;
        self.decompress(input, raw, if sliced { self.mode.chunk_size() as usize } else { raw })?;
        let raw = self.buffer.get(..raw).unwrap_or_default();
        Ok(Chunk { first_doc, fields: &self.fields, lengths: &self.lengths, raw })
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
            let output = self.buffer.get_mut(done..end).unwrap_or_default();
            match self.mode {
                Mode::Fast => {
                    let used = lz4::decompress(input.rest(), output);
                    input.bytes(used.ok_or_else(|| input.corrupt("a broken LZ4 block"))?)?;
                }
                Mode::High => {
                    let length = input.count()?;
                    inflate(&mut self.inflater, input.bytes(length)?, output)
                        .ok_or_else(|| input.corrupt("a broken DEFLATE block ahead"))?;
                }
            }
            done = end;
            if done == raw {
                return Ok(());
            }
        }
    }
}

/// Reads as many numbers as there are documents.
fn numbers(input: &mut Input<'_>, count: usize, out: &mut Vec<u32>) -> Result<(), Corrupt> {
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

/// Fills the output from exactly this block.
fn inflate(inflater: &mut Decompress, block: &[u8], output: &mut [u8]) -> Option<()> {
    if block.is_empty() {
        return output.is_empty().then_some(());
    }
    inflater.reset(false);
    let status = inflater.decompress(block, output, FlushDecompress::Finish).ok()?;
    let whole = inflater.total_in() == block.len() as u64 && inflater.total_out() == output.len() as u64;
    (status == Status::StreamEnd && whole).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
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
            let mut reader = ChunkReader::new(mode);
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
            if let Ok(chunk) = ChunkReader::new(mode).read(&mut Input::new(&bytes), 0) {
                let _ = chunk.documents().count();
            }
        }
    }

    #[test]
    fn nothing_but_nested_documents_is_a_chunk_too() {
        for mode in [Mode::Fast, Mode::High] {
            let mut bytes = Vec::new();
            put_chunk(&mut bytes, mode, 5, &vec![(0, Vec::new()); 128]);
            let mut reader = ChunkReader::new(mode);
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
            let mut reader = ChunkReader::new(mode);
            assert!(reader.read(&mut Input::new(&bytes), 0).is_err());
            assert!(reader.buffer.capacity() < 1 << 20);
        }
    }
}
