//! `.fdm` and `.fdx` since Lucene 8.5: where the chunks of an `.fdt` file are
//! (`org.apache.lucene.codecs.compressing.FieldsIndexWriter`, `org.apache.lucene.util.packed.DirectMonotonicWriter`).
//!
//! ```text
//! .fdm    IndexHeader, [VInt chunk size since 8.7, VInt packed integers' version from then to 8.11]
//!         Int32 documents, Int32 block shift, Int32 numbers: one more than chunks
//!         Int64 offset of the documents in the .fdx, blocks, Int64 offset of the pointers, blocks, Int64 their end
//!         Int64 end of the last chunk, [VLong chunks since 8.9], [VLong dirty chunks, VLong documents in these since 8.9,
//!         of 8.7 and 8.8 documents that more would have had room for], Footer
//! block   Int64 minimum, Int32 average as the bits of a float, Int64 offset, Int8 bits
//! .fdx    IndexHeader, packed differences, Footer
//! ```
//!
//! Number *k* of a block is minimum + average × *k* + difference *k*. The last number stands for what is behind the
//! last chunk.

use super::super::header::{check_footer, index_header};
use super::super::input::{ByteOrder, Input};
use super::super::{Corrupt, packed};
use super::index::{ChunkIndex, Parts};
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

/// Reads both files and cuts the chunks into parts of about `part_bytes` in the `.fdt` file. Returns the format too, with
/// the size that its chunks really have.
///
/// # Errors
/// Fails if a checksum is wrong, a file belongs to another segment, or the numbers make no sense for this one.
pub fn parse(meta: &[u8], index: &[u8], known: Known<'_>, part_bytes: usize) -> Result<(ChunkIndex, Format), Broken> {
    let meta = Meta::parse(meta, known).map_err(Broken::Meta)?;
    let index = meta.parts(index, known, part_bytes).map_err(Broken::Index)?;
    Ok((index, meta.format))
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
    format: Format,
    numbers: usize,
    docs: Vec<Block>,
    pointers: Vec<Block>,
    docs_start: usize,
    pointers_start: usize,
    pointers_end: usize,
    /// Where the last chunk ends.
    data_end: usize,
}

impl Meta {
    fn parse(file: &[u8], known: Known<'_>) -> Result<Self, Corrupt> {
        let mut input = Input::new(check_footer(file)?).ordered(known.order);
        let (codec, versions) = match known.format.layout() {
            Layout::Lucene50 => return Err(Corrupt::new("its segment has another kind of index")),
            Layout::Lucene85 => ("Lucene85FieldsIndexMeta", 0..=0),
            Layout::Lucene87 => ("Lucene85FieldsIndexMeta", 3..=3),
            Layout::Lucene89 => ("Lucene85FieldsIndexMeta", 4..=4),
            Layout::Lucene90 | Layout::Zstd814 => ("Lucene90FieldsIndexMeta", 1..=1),
        };
        index_header(&mut input, codec, versions, "")?.belongs_to(known.id)?;
        let format = if known.format.frames_data() { known.format } else { chunks_of(&mut input, known.format)? };
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
        let data_end = offset(&mut input)?;
        // The number of chunks may come behind them.
        if data_end > known.data_end || (data_end != known.data_end && !format.frames_data()) {
            return Err(input.corrupt("chunks do not end where their file ends"));
        }
        check_counts(&mut input, format.layout(), numbers as u64 - 1)?;
        if !input.rest().is_empty() {
            return Err(input.corrupt("there is more than the description of the index"));
        }
        Ok(Self { format, numbers, docs, pointers, docs_start, pointers_start, pointers_end, data_end })
    }

    fn parts(&self, file: &[u8], known: Known<'_>, part_bytes: usize) -> Result<ChunkIndex, Corrupt> {
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
        if last != Some((known.max_doc, self.data_end)) {
            return Err(Corrupt::new(format!("its chunks are not for {} documents", known.max_doc)));
        }
        parts.finish(known.max_doc, self.data_end)
    }
}

/// Reads the size of chunks ahead of the description, and returns the format that has it.
fn chunks_of(input: &mut Input<'_>, format: Format) -> Result<Format, Corrupt> {
    let size = input.natural()?;
    let format = format.with_chunks_of(size).ok_or_else(|| input.corrupt("an unknown size of chunks"))?;
    let packs = matches!(format.layout(), Layout::Lucene87 | Layout::Lucene89);
    if packs && input.natural()? != packed::VERSION {
        return Err(input.corrupt("an unknown version of packed integers"));
    }
    Ok(format)
}

/// Reads the numbers behind the description, which must fit to that of chunks.
fn check_counts(input: &mut Input<'_>, layout: Layout, expected: u64) -> Result<(), Corrupt> {
    let fit = match layout {
        // Both are in the `.fdt` file.
        Layout::Lucene50 | Layout::Lucene85 => true,
        // Documents are counted that are not there: of a chunk for which there was no room for more, none are.
        Layout::Lucene87 => {
            let (dirty, _missing) = (input.vlong()?, input.vlong()?);
            dirty <= expected
        }
        Layout::Lucene89 | Layout::Lucene90 | Layout::Zstd814 => {
            let (chunks, dirty, docs) = (input.vlong()?, input.vlong()?, input.vlong()?);
            chunks == expected && dirty <= chunks && docs >= dirty && (dirty == 0) == (docs == 0)
        }
    };
    if fit { Ok(()) } else { Err(input.corrupt("numbers of chunks that contradict one another")) }
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

    fn known((codec, version): (Codec, i32), max_doc: u32, data_end: usize) -> Known<'static> {
        let format = Format::new(codec, Mode::High).unwrap().written_as(version).unwrap();
        Known { id: &ID, order: codec.order(), format, max_doc, data_end }
    }

    /// Codecs, and the versions of their `.fdt` files.
    fn written() -> impl Strategy<Value = (Codec, i32)> {
        let old = prop_oneof![Just((Codec::Lucene84, 2)), Just((Codec::Lucene86, 2)), Just((Codec::Lucene87, 3))];
        let new =
            prop_oneof![Just((Codec::Lucene87, 4)), Just((Codec::Lucene912, 1)), Just((Codec::Elasticsearch816, 1))];
        prop_oneof![old, new]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn parts_cover_all_chunks_without_a_gap(
            written in written(),
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
            let known = known(written, doc, offset);
            let (meta, file) = monotonic_index(&known, &begins);
            let (index, format) = parse(&meta, &file, known, part_bytes).unwrap();
            prop_assert_eq!(format, known.format);
            prop_assert_eq!((index.start(), index.end(), index.chunks() as usize), (51, offset, chunks.len()));
            let mut next = (0, 0, 51);
            for part in index.parts() {
                prop_assert_eq!((part.first_chunk, part.first_doc, part.start), next);
                prop_assert_eq!(begins[part.first_chunk as usize], (part.first_doc, part.start));
                next = (part.end_chunk, part.end_doc, part.end);
            }
            prop_assert_eq!(next, (index.chunks(), doc, offset));
            let others =
                [Known { max_doc: doc + 1, ..known }, Known { data_end: offset - 1, ..known }, Known { id: &[6; 16], ..known }];
            for other in others {
                prop_assert!(parse(&meta, &file, other, part_bytes).is_err());
            }
        }

        #[test]
        fn garbage_with_a_right_checksum_gives_errors(written in written(), place in 50_usize..150, garbage: [u8; 5]) {
            let known = known(written, 5000, 100_000);
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

    /// Only until Lucene 8.6 is there something behind the chunks: their numbers.
    #[test]
    fn chunks_end_where_their_file_ends() {
        for (written, may_end_before) in
            [((Codec::Lucene84, 2), true), ((Codec::Lucene87, 3), false), ((Codec::Lucene87, 4), false)]
        {
            let known = known(written, 10, 1000);
            let (meta, file) = monotonic_index(&known, &[(0, 51), (4, 500)]);
            let longer = parse(&meta, &file, Known { data_end: 1002, ..known }, 1000);
            assert_eq!(longer.is_ok(), may_end_before, "{written:?}");
        }
    }

    /// Lucene 8.9 changed the version, and 8.10 the size.
    #[test]
    fn chunks_are_as_long_as_the_file_says() {
        let fast = |version: i32| Format::new(Codec::Lucene87, Mode::Fast).unwrap().written_as(version).unwrap();
        assert_eq!((fast(3).chunk_size(), fast(4).chunk_size()), (614_400, 81_920));
        for (written, format) in [(3, fast(3)), (4, fast(4)), (4, fast(4).with_chunks_of(614_400).unwrap())] {
            let known = Known { id: &ID, order: ByteOrder::Big, format, max_doc: 10, data_end: 1000 };
            let (meta, file) = monotonic_index(&known, &[(0, 51)]);
            let (_, found) = parse(&meta, &file, Known { format: fast(written), ..known }, 1000).unwrap();
            assert_eq!(found, format);
        }
        assert_eq!(fast(3).with_chunks_of(81_920), None);
        assert_eq!(fast(4).with_chunks_of(491_520), None);
        assert_eq!(Format::new(Codec::Lucene87, Mode::High).unwrap().with_chunks_of(614_400), None);
    }

    #[test]
    fn forged_counts_allocate_nothing() {
        let known = known((Codec::Lucene912, 1), u32::MAX >> 1, 1 << 40);
        let mut meta = Vec::new();
        put_index_header(&mut meta, "Lucene90FieldsIndexMeta", 1, ID, "");
        meta.extend([0x80, 0x80, 0x1E]);
        [i32::MAX, 10, i32::MAX].into_iter().for_each(|number| meta.extend(number.to_le_bytes()));
        meta.extend([0; 100]);
        assert!(matches!(parse(&footer(meta), &[], known, 1000), Err(Broken::Meta(_))));
    }
}
