//! `.fdm` and `.fdx` since Lucene 8.7: where the chunks of an `.fdt` file are
//! (`org.apache.lucene.codecs.compressing.FieldsIndexWriter`, `org.apache.lucene.util.packed.DirectMonotonicWriter`).
//!
//! ```text
//! .fdm    IndexHeader, VInt chunk size, [VInt packed integers' version in 8.x]
//!         Int32 documents, Int32 block shift, Int32 numbers: one more than chunks
//!         Int64 offset of the documents in the .fdx, blocks, Int64 offset of the pointers, blocks, Int64 their end
//!         Int64 end of the last chunk, VLong chunks, VLong dirty chunks, VLong documents in these, Footer
//! block   Int64 minimum, Int32 average as the bits of a float, Int64 offset, Int8 bits
//! .fdx    IndexHeader, packed differences, Footer
//! ```
//!
//! Number *k* of a block is minimum + average × *k* + difference *k*. The last number stands for what is behind the
//! last chunk.

use super::super::header::{check_footer, index_header};
use super::super::input::{ByteOrder, Input};
use super::super::{Corrupt, packed};
use super::index::{Index, Parts};
use super::{Format, Layout};

/// Numbers in one block are as many as 1 shifted by this (`Lucene87StoredFieldsFormat`).
const BLOCK_SHIFT: i32 = 10;
const BLOCK: usize = 1 << BLOCK_SHIFT;

/// What is known of a segment ahead of its index.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Id of the segment.
    pub id: &'a [u8; 16],
    /// Order of its integers.
    pub order: ByteOrder,
    /// Format of its stored fields.
    pub format: Format,
    /// Documents in it.
    pub max_doc: u32,
    /// Length of its `.fdt` file without the footer.
    pub data_end: usize,
}

/// What is wrong with one of the two files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// With the `.fdm` file.
    Meta(Corrupt),
    /// With the `.fdx` file.
    Index(Corrupt),
}

/// Reads both files and cuts the chunks into parts of about `part_bytes` in the `.fdt` file.
///
/// # Errors
/// Fails if a checksum is wrong, a file belongs to another segment, or the numbers make no sense for this one.
pub fn parse(meta: &[u8], index: &[u8], known: Known<'_>, part_bytes: usize) -> Result<Index, Broken> {
    let meta = Meta::parse(meta, known).map_err(Broken::Meta)?;
    meta.parts(index, known, part_bytes).map_err(Broken::Index)
}

/// A block of numbers.
#[derive(Debug, Clone, Copy)]
struct Block {
    min: i64,
    average: f32,
    offset: i64,
    bits: u8,
}

#[derive(Debug)]
struct Meta {
    numbers: usize,
    docs: Vec<Block>,
    pointers: Vec<Block>,
    docs_start: usize,
    pointers_start: usize,
    pointers_end: usize,
}

impl Meta {
    fn parse(file: &[u8], known: Known<'_>) -> Result<Self, Corrupt> {
        let mut input = Input::new(check_footer(file)?).ordered(known.order);
        let (codec, versions) = match known.format.layout() {
            Layout::Lucene50 => return Err(Corrupt::new("its segment has another kind of index")),
            Layout::Lucene87 => ("Lucene85FieldsIndexMeta", 4..=4),
            Layout::Lucene90 | Layout::Zstd814 => ("Lucene90FieldsIndexMeta", 1..=1),
        };
        index_header(&mut input, codec, versions, "")?.belongs_to(known.id)?;
        if input.natural()? != known.format.chunk_size() {
            return Err(input.corrupt("an unknown size of chunks"));
        }
        if known.format.layout() == Layout::Lucene87 && input.natural()? != packed::VERSION {
            return Err(input.corrupt("an unknown version of packed integers"));
        }
        if u32::try_from(input.i32()?) != Ok(known.max_doc) {
            return Err(input.corrupt("another number of documents than the segment's"));
        }
        if input.i32()? != BLOCK_SHIFT {
            return Err(input.corrupt("blocks of an unknown size"));
        }
        let numbers = usize::try_from(input.i32()?).map_err(|_| input.corrupt("a negative number of chunks"))?;
        // Every chunk has a document at least.
        if numbers == 0 || numbers - 1 > known.max_doc as usize {
            return Err(input.corrupt("an impossible number of chunks"));
        }
        let docs_start = offset(&mut input)?;
        let docs = blocks(&mut input, numbers)?;
        let pointers_start = offset(&mut input)?;
        let pointers = blocks(&mut input, numbers)?;
        let pointers_end = offset(&mut input)?;
        if offset(&mut input)? != known.data_end {
            return Err(input.corrupt("chunks do not end where their file ends"));
        }
        let (chunks, dirty, dirty_docs) = (input.vlong()?, input.vlong()?, input.vlong()?);
        if chunks != numbers as u64 - 1 || dirty > chunks || dirty_docs < dirty || (dirty == 0) != (dirty_docs == 0) {
            return Err(input.corrupt("numbers of chunks that contradict one another"));
        }
        if !input.rest().is_empty() {
            return Err(input.corrupt("there is more than the description of the index"));
        }
        Ok(Self { numbers, docs, pointers, docs_start, pointers_start, pointers_end })
    }

    fn parts(&self, file: &[u8], known: Known<'_>, part_bytes: usize) -> Result<Index, Corrupt> {
        let body = check_footer(file)?;
        let mut input = Input::new(body);
        let codec = match known.order {
            ByteOrder::Big => "Lucene85FieldsIndexIdx",
            ByteOrder::Little => "Lucene90FieldsIndexIdx",
        };
        index_header(&mut input, codec, 0..=0, "")?.belongs_to(known.id)?;
        let in_order = self.docs_start == input.position()
            && self.docs_start <= self.pointers_start
            && self.pointers_start <= self.pointers_end
            && self.pointers_end == body.len();
        if !in_order {
            return Err(Corrupt::new("its numbers are not where its description says"));
        }
        let docs = Series { file: body, start: self.docs_start, end: self.pointers_start, order: known.order };
        let pointers = Series { file: body, start: self.pointers_start, end: self.pointers_end, order: known.order };
        // Of new data nobody asks which documents are long.
        let mut parts = Parts::new(part_bytes, usize::MAX);
        let mut left = self.numbers;
        let mut last = None;
        for (docs_block, pointers_block) in self.docs.iter().zip(&self.pointers) {
            let count = left.min(BLOCK);
            left -= count;
            for (doc, pointer) in docs.values(docs_block, count)?.zip(pointers.values(pointers_block, count)?) {
                let numbers = u32::try_from(doc).ok().zip(usize::try_from(pointer).ok());
                let (doc, pointer) = numbers.ok_or_else(|| Corrupt::new("a chunk is nowhere"))?;
                // One behind, because the last number is not that of a chunk.
                if let Some((doc, pointer)) = last.replace((doc, pointer)) {
                    parts.add(doc, pointer)?;
                }
            }
        }
        if last != Some((known.max_doc, known.data_end)) {
            return Err(Corrupt::new(format!("its chunks are not for {} documents", known.max_doc)));
        }
        parts.finish(known.max_doc, known.data_end)
    }
}

fn offset(input: &mut Input<'_>) -> Result<usize, Corrupt> {
    usize::try_from(input.i64()?).map_err(|_| input.corrupt("a negative offset"))
}

fn blocks(input: &mut Input<'_>, numbers: usize) -> Result<Vec<Block>, Corrupt> {
    (0..numbers.div_ceil(BLOCK))
        .map(|_| {
            let (min, average) = (input.i64()?, f32::from_bits(input.i32()?.cast_unsigned()));
            Ok(Block { min, average, offset: input.i64()?, bits: input.u8()? })
        })
        .collect()
}

/// Where the differences of all blocks of a kind are.
struct Series<'a> {
    file: &'a [u8],
    start: usize,
    end: usize,
    order: ByteOrder,
}

impl<'a> Series<'a> {
    fn values(&self, block: &Block, count: usize) -> Result<impl Iterator<Item = i64> + use<'a>, Corrupt> {
        let mut deltas = None;
        if block.bits > 0 {
            let start = usize::try_from(block.offset).ok().and_then(|offset| self.start.checked_add(offset));
            let start = start.ok_or_else(|| Corrupt::new("a block of its numbers is nowhere"))?;
            let mut input = Input::at(self.file.get(..self.end).unwrap_or_default(), start).ordered(self.order);
            deltas = Some(packed::packed(&mut input, block.bits.into(), count)?);
        }
        let Block { min, average, .. } = *block;
        Ok((0..count).map(move |k| {
            let delta = deltas.as_mut().map_or(0, |deltas| deltas.next().unwrap_or_default());
            // Java multiplies floats and cuts off what is behind the point; so does this.
            min.wrapping_add((average * k as f32) as i64).wrapping_add(delta.cast_signed())
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::codec::Codec;
    use crate::lucene::stored::Mode;
    use crate::lucene::testing::{footer, monotonic_index, put_index_header};
    use proptest::prelude::*;

    const ID: [u8; 16] = [5; 16];

    fn known(codec: Codec, max_doc: u32, data_end: usize) -> Known<'static> {
        let format = Format::new(codec, Mode::High).unwrap();
        Known { id: &ID, order: codec.order(), format, max_doc, data_end }
    }

    fn codec() -> impl Strategy<Value = Codec> {
        prop_oneof![Just(Codec::Lucene87), Just(Codec::Lucene912), Just(Codec::Elasticsearch816)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn parts_cover_all_chunks_without_a_gap(
            codec in codec(),
            chunks in proptest::collection::vec((1_u32..2000, 1_usize..400_000), 1..2500),
            part_bytes in 1_usize..10_000_000,
        ) {
            let (mut doc, mut offset) = (0, 51);
            let mut begins = Vec::new();
            for (docs, bytes) in &chunks {
                begins.push((doc, offset));
                doc += docs;
                offset += bytes;
            }
            let known = known(codec, doc, offset);
            let (meta, file) = monotonic_index(&known, &begins);
            let index = parse(&meta, &file, known, part_bytes).unwrap();
            prop_assert_eq!((index.start(), index.end(), index.chunks() as usize), (51, offset, chunks.len()));
            let mut next = (0, 0, 51);
            for part in index.parts() {
                prop_assert_eq!((part.first_chunk, part.first_doc, part.start), next);
                prop_assert_eq!(begins[part.first_chunk as usize], (part.first_doc, part.start));
                next = (part.end_chunk, part.end_doc, part.end);
            }
            prop_assert_eq!(next, (index.chunks(), doc, offset));
            let others =
                [Known { max_doc: doc + 1, ..known }, Known { data_end: offset + 1, ..known }, Known { id: &[6; 16], ..known }];
            for other in others {
                prop_assert!(parse(&meta, &file, other, part_bytes).is_err());
            }
        }

        #[test]
        fn garbage_with_a_right_checksum_gives_errors(codec in codec(), place in 50_usize..150, garbage: [u8; 5]) {
            let known = known(codec, 5000, 100_000);
            let begins: Vec<_> = (0..2000_u32).map(|k| (k * 2, 51 + k as usize * 40)).collect();
            let (meta, file) = monotonic_index(&known, &begins);
            for damaged in [&meta, &file] {
                let mut body = damaged[..damaged.len() - 16].to_vec();
                body.iter_mut().skip(place).zip(garbage).for_each(|(byte, garbage)| *byte = garbage);
                let body = footer(body);
                let _ = if std::ptr::eq(damaged, &meta) {
                    parse(&body, &file, known, 1000)
                } else {
                    parse(&meta, &body, known, 1000)
                };
            }
        }
    }

    #[test]
    fn forged_counts_allocate_nothing() {
        let known = known(Codec::Lucene912, u32::MAX >> 1, 1 << 40);
        let mut meta = Vec::new();
        put_index_header(&mut meta, "Lucene90FieldsIndexMeta", 1, ID, "");
        meta.extend([0x80, 0x80, 0x1E]);
        [i32::MAX, 10, i32::MAX].into_iter().for_each(|number| meta.extend(number.to_le_bytes()));
        meta.extend([0; 100]);
        assert!(matches!(parse(&footer(meta), &[], known, 1000), Err(Broken::Meta(_))));
    }
}
