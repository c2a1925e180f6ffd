//! Files of a segment.

use super::{footer, put_index_header, put_string, put_vint, put_vlong};
use crate::lucene::codec::Codec;
use crate::lucene::documents_set::Shape;
use crate::lucene::input::ByteOrder;
use crate::lucene::stored::monotonic::Known;
use crate::lucene::stored::{Format, Layout, Mode};
use flate2::{Compress, Compression, FlushCompress, Status};
use std::collections::HashMap;

pub(crate) fn put_packed(out: &mut Vec<u8>, order: ByteOrder, bits: u32, values: &[u64]) {
    let place = |place: u32, all: u32| if order == ByteOrder::Big { all - 1 - place } else { place };
    let mut bit_string = Vec::new();
    for value in values {
        bit_string.extend((0..bits).map(|bit| (value >> place(bit, bits) & 1) as u8));
    }
    let byte = |bits: &[u8]| (0..).zip(bits).fold(0, |byte, (at, bit)| byte | bit << place(at, 8));
    out.extend(bit_string.chunks(8).map(byte));
}

/// Compresses as Lucene does, greedily: the last match begins at least 10 bytes ahead of the end.
pub(crate) fn lz4(raw: &[u8]) -> Vec<u8> {
    lz4_with_dictionary(&[], raw)
}

/// The same with a dictionary that matches may refer to.
pub(crate) fn lz4_with_dictionary(dictionary: &[u8], block: &[u8]) -> Vec<u8> {
    let raw = [dictionary, block].concat();
    let mut out = Vec::new();
    let mut places = HashMap::new();
    for (at, key) in dictionary.windows(4).enumerate() {
        places.insert(key, at);
    }
    let (mut anchor, mut at, mut misses) = (dictionary.len(), dictionary.len(), 0);
    while at + 10 <= raw.len() {
        let key = &raw[at..at + 4];
        let earlier = places.insert(key, at).filter(|earlier| at - earlier <= 0xFFFF);
        let Some(earlier) = earlier else {
            // Bytes without pattern are passed faster and faster.
            misses += 1;
            at += 1 + misses / 64;
            continue;
        };
        let length =
            (4..raw.len() - 5 - at).take_while(|&length| raw[earlier + length] == raw[at + length]).count() + 4;
        put_sequence(&mut out, &raw[anchor..at], Some((at - earlier, length)));
        at += length;
        (anchor, misses) = (at, 0);
    }
    put_sequence(&mut out, &raw[anchor..], None);
    out
}

fn put_sequence(out: &mut Vec<u8>, literals: &[u8], back: Option<(usize, usize)>) {
    let extend = |out: &mut Vec<u8>, length: usize| {
        if length >= 15 {
            out.extend(std::iter::repeat_n(255, (length - 15) / 255));
            out.push(((length - 15) % 255) as u8);
        }
    };
    let match_length = back.map_or(0, |(_, length)| length - 4);
    out.push((literals.len().min(15) << 4 | match_length.min(15)) as u8);
    extend(out, literals.len());
    out.extend(literals);
    if let Some((distance, _)) = back {
        out.extend(u16::try_from(distance).unwrap().to_le_bytes());
        extend(out, match_length);
    }
}

/// A `.cfe` and a `.cfs` file with these files in it.
pub(crate) fn compound(id: [u8; 16], order: ByteOrder, files: &[(&str, &[u8])]) -> (Vec<u8>, Vec<u8>) {
    let (mut cfe, mut cfs) = (Vec::new(), Vec::new());
    let version = if order == ByteOrder::Big { 50 } else { 90 };
    put_index_header(&mut cfe, &format!("Lucene{version}CompoundEntries"), 0, id, "");
    put_index_header(&mut cfs, &format!("Lucene{version}CompoundData"), 0, id, "");
    put_vint(&mut cfe, i32::try_from(files.len()).unwrap());
    for (name, content) in files {
        if order == ByteOrder::Little {
            cfs.resize(cfs.len().next_multiple_of(8), 0);
        }
        put_string(&mut cfe, name);
        for number in [cfs.len() as u64, content.len() as u64] {
            cfe.extend(if order == ByteOrder::Big { number.to_be_bytes() } else { number.to_le_bytes() });
        }
        cfs.extend(*content);
    }
    (footer(cfe), footer(cfs))
}

/// A `.fnm` file with these fields, numbered from 0; each second one has points.
pub(crate) fn field_infos(id: [u8; 16], names: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    put_index_header(&mut out, "Lucene60FieldInfos", 0, id, "");
    put_vint(&mut out, i32::try_from(names.len()).unwrap());
    for (number, name) in (0..).zip(names) {
        put_string(&mut out, name);
        put_vint(&mut out, number);
        out.extend([2, 1, 0]);
        out.extend((-1_i64).to_be_bytes());
        out.push(0);
        out.extend(if number % 2 == 0 { &[1, 8][..] } else { &[0] });
    }
    footer(out)
}

/// A `.liv` file.
pub(crate) fn live_docs(id: [u8; 16], order: ByteOrder, generation: &str, live: &[bool]) -> Vec<u8> {
    let mut out = Vec::new();
    let codec = if order == ByteOrder::Big { "Lucene50LiveDocs" } else { "Lucene90LiveDocs" };
    put_index_header(&mut out, codec, 0, id, generation);
    for word in live.chunks(64) {
        let word = word.iter().rev().fold(0_u64, |word, live| word << 1 | u64::from(*live));
        out.extend(if order == ByteOrder::Big { word.to_be_bytes() } else { word.to_le_bytes() });
    }
    footer(out)
}

/// A `.fdx` file for chunks that begin with these documents at these offsets.
pub(crate) fn fields_index(id: [u8; 16], mode: Mode, chunks: &[(u32, usize)], end: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let codec = if mode == Mode::Fast { "Lucene50StoredFieldsFastIndex" } else { "Lucene50StoredFieldsHighIndex" };
    put_index_header(&mut out, codec, 1, id, "");
    put_vint(&mut out, 2);
    for block in chunks.chunks(1024) {
        put_vint(&mut out, i32::try_from(block.len()).unwrap());
        put_vint(&mut out, block[0].0.cast_signed());
        put_series(&mut out, block.iter().map(|chunk| u64::from(chunk.0)).collect(), put_vlong);
        put_vlong(&mut out, block[0].1 as u64);
        put_series(&mut out, block.iter().map(|chunk| chunk.1 as u64).collect(), put_vlong);
    }
    put_vint(&mut out, 0);
    put_vlong(&mut out, end as u64);
    footer(out)
}

/// The average step and the packed differences from it.
fn put_series(out: &mut Vec<u8>, values: Vec<u64>, put: impl Fn(&mut Vec<u8>, u64)) {
    let (first, last) = (values[0], values[values.len() - 1]);
    let average = if values.len() == 1 { 0 } else { last.saturating_sub(first) / (values.len() as u64 - 1) };
    put(out, average);
    let deltas = (0..).zip(values).map(|(k, value)| (value.cast_signed()) - (first + average * k).cast_signed());
    let deltas: Vec<u64> = deltas.map(|delta| (delta << 1 ^ delta >> 63).cast_unsigned()).collect();
    let bits = deltas.iter().map(|delta| 64 - delta.leading_zeros()).max().unwrap().max(1);
    put_vint(out, bits.cast_signed());
    put_packed(out, ByteOrder::Big, bits, &deltas);
}

/// A chunk of documents with their number of fields.
pub(crate) fn put_chunk(out: &mut Vec<u8>, mode: Mode, first_doc: u32, documents: &[(u32, Vec<u8>)]) {
    let raw: Vec<u8> = documents.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    let slice = Format::new(Codec::Lucene6, mode).unwrap().chunk_size() as usize;
    let sliced = raw.len() >= 2 * slice;
    put_vint(out, first_doc.cast_signed());
    put_vint(out, i32::try_from(documents.len()).unwrap() << 1 | i32::from(sliced));
    put_numbers(out, documents.iter().map(|(fields, _)| u64::from(*fields)).collect());
    put_numbers(out, documents.iter().map(|(_, bytes)| bytes.len() as u64).collect());
    let format = Format::new(Codec::Lucene6, mode).unwrap();
    let blocks: Vec<&[u8]> = if sliced { raw.chunks(slice).collect() } else { vec![&raw] };
    blocks.into_iter().for_each(|block| put_block(out, format, block));
}

/// A block of compressed bytes in a chunk.
pub(crate) fn put_block(out: &mut Vec<u8>, format: Format, raw: &[u8]) {
    match (format.layout(), format.mode()) {
        (Layout::Lucene50 | Layout::Lucene85, Mode::Fast) => out.extend(lz4(raw)),
        (Layout::Lucene50 | Layout::Lucene85, Mode::High) => put_deflated(out, &[], raw),
        (Layout::Zstd814, _) if raw.is_empty() => {}
        (Layout::Zstd814, _) => {
            let frame = zstd(raw);
            put_vint(out, i32::try_from(frame.len()).unwrap());
            out.extend(frame);
        }
        (Layout::Lucene87 | Layout::Lucene89 | Layout::Lucene90, mode) => {
            let (dictionary, rest) = raw.split_at(raw.len() / 20);
            let block_length = rest.len().div_ceil(10);
            let blocks: Vec<_> = if rest.is_empty() { Vec::new() } else { rest.chunks(block_length).collect() };
            put_vint(out, i32::try_from(dictionary.len()).unwrap());
            put_vint(out, i32::try_from(block_length).unwrap());
            if mode == Mode::High {
                put_deflated(out, &[], dictionary);
                blocks.iter().for_each(|block| put_deflated(out, dictionary, block));
            } else {
                let blocks = blocks.iter().map(|block| lz4_with_dictionary(dictionary, block));
                let all: Vec<_> = [lz4(dictionary)].into_iter().chain(blocks).collect();
                all.iter().for_each(|block| put_vint(out, i32::try_from(block.len()).unwrap()));
                out.extend(all.concat());
            }
        }
    }
}

fn put_deflated(out: &mut Vec<u8>, dictionary: &[u8], raw: &[u8]) {
    let mut deflated = Vec::with_capacity(raw.len() + 100);
    if !raw.is_empty() {
        let mut compress = Compress::new(Compression::default(), false);
        if !dictionary.is_empty() {
            compress.set_dictionary(dictionary).unwrap();
        }
        let status = compress.compress_vec(raw, &mut deflated, FlushCompress::Finish).unwrap();
        assert_eq!(status, Status::StreamEnd);
    }
    put_vint(out, i32::try_from(deflated.len()).unwrap());
    out.extend(deflated);
}

/// A frame that says how long its content is, with blocks that are not compressed.
fn zstd(raw: &[u8]) -> Vec<u8> {
    let mut out = vec![0x28, 0xB5, 0x2F, 0xFD, 0xA0];
    out.extend(u32::try_from(raw.len()).unwrap().to_le_bytes());
    let blocks = raw.chunks(1000);
    let last = blocks.len() - 1;
    for (number, block) in blocks.enumerate() {
        let header = block.len() << 3 | usize::from(number == last);
        out.extend(&header.to_le_bytes()[..3]);
        out.extend(block);
    }
    out
}

fn put_numbers(out: &mut Vec<u8>, values: Vec<u64>) {
    let first = values[0];
    if values.len() == 1 {
        put_vlong(out, first);
    } else if values.iter().all(|value| *value == first) {
        put_vint(out, 0);
        put_vlong(out, first);
    } else {
        let bits = values.iter().map(|value| 64 - value.leading_zeros()).max().unwrap();
        put_vint(out, bits.cast_signed());
        put_packed(out, ByteOrder::Big, bits, &values);
    }
}

/// A field of text (kind 0) or bytes (kind 1).
pub(crate) fn put_text_field(out: &mut Vec<u8>, number: u64, kind: u64, text: &str) {
    put_vlong(out, number << 3 | kind);
    put_string(out, text);
}

/// A set of documents, which are given ascending.
pub(crate) fn documents_set(documents: &[u32], shape: Shape) -> Vec<u8> {
    let mut out = Vec::new();
    let is_big = shape.order == ByteOrder::Big;
    let put = |out: &mut Vec<u8>, value: u32| {
        let value = u16::try_from(value).unwrap();
        out.extend(if is_big { value.to_be_bytes() } else { value.to_le_bytes() });
    };
    for block in documents.chunk_by(|a, b| a >> 16 == b >> 16) {
        put(&mut out, block[0] >> 16);
        put(&mut out, u32::try_from(block.len()).unwrap() - 1);
        match block.len() {
            65_536 => {}
            0..=4095 => block.iter().for_each(|doc| put(&mut out, doc & 0xFFFF)),
            _ => {
                out.extend(vec![7; shape.rank_power.map_or(0, |power| 2 << (16 - power))]);
                let mut words = vec![0_u64; 1024];
                block.iter().for_each(|doc| words[(doc & 0xFFFF) as usize / 64] |= 1 << (doc % 64));
                for word in words {
                    out.extend(if is_big { word.to_be_bytes() } else { word.to_le_bytes() });
                }
            }
        }
    }
    [0x7FFF, 0, 0xFFFF].into_iter().for_each(|value| put(&mut out, value));
    out.extend(vec![9; usize::from(shape.jumps) * 8]);
    out
}

/// A `.fdm` and a `.fdx` file since Lucene 8.5 for chunks that begin with these documents at these offsets.
pub(crate) fn monotonic_index(known: &Known<'_>, chunks: &[(u32, usize)]) -> (Vec<u8>, Vec<u8>) {
    let is_big = known.order == ByteOrder::Big;
    let (mut meta, mut index) = (Vec::new(), Vec::new());
    let put =
        |out: &mut Vec<u8>, value: i64| out.extend(if is_big { value.to_be_bytes() } else { value.to_le_bytes() });
    let put32 =
        |out: &mut Vec<u8>, value: i32| out.extend(if is_big { value.to_be_bytes() } else { value.to_le_bytes() });
    let layout = known.format.layout();
    let (version, format) = match layout {
        Layout::Lucene50 | Layout::Lucene85 => (85, 0),
        Layout::Lucene87 => (85, 3),
        Layout::Lucene89 => (85, 4),
        Layout::Lucene90 | Layout::Zstd814 => (90, 1),
    };
    put_index_header(&mut meta, &format!("Lucene{version}FieldsIndexMeta"), format, *known.id, "");
    put_index_header(&mut index, &format!("Lucene{version}FieldsIndexIdx"), 0, *known.id, "");
    if !known.format.frames_data() {
        put_vint(&mut meta, known.format.chunk_size().cast_signed());
        if is_big {
            put_vint(&mut meta, 2);
        }
    }
    let numbers = i32::try_from(chunks.len()).unwrap() + 1;
    [known.max_doc.cast_signed(), 10, numbers].into_iter().for_each(|number| put32(&mut meta, number));
    let ends = chunks.iter().copied().chain([(known.max_doc, known.data_end)]);
    let (docs, pointers): (Vec<_>, Vec<_>) = ends.map(|(doc, offset)| (i64::from(doc), offset as i64)).unzip();
    for values in [docs, pointers] {
        let start = index.len();
        put(&mut meta, start as i64);
        for block in values.chunks(1024) {
            let average = (block[block.len() - 1] - block[0]) as f32 / block.len() as f32;
            let expected = |k: usize| (average * k as f32) as i64;
            let min = block.iter().enumerate().map(|(k, value)| value - expected(k)).min().unwrap();
            let deltas = block.iter().enumerate().map(|(k, value)| (value - expected(k) - min).cast_unsigned());
            let deltas: Vec<_> = deltas.collect();
            let bits = 64 - deltas.iter().max().unwrap().leading_zeros();
            put(&mut meta, min);
            put32(&mut meta, average.to_bits().cast_signed());
            put(&mut meta, (index.len() - start) as i64);
            meta.push(bits as u8);
            if bits > 0 {
                put_packed(&mut index, known.order, bits, &deltas);
            }
        }
    }
    put(&mut meta, index.len() as i64);
    put(&mut meta, known.data_end as i64);
    let counts = match layout {
        Layout::Lucene50 | Layout::Lucene85 => vec![],
        // A chunk that was not full, and nothing that it would have had room for.
        Layout::Lucene87 => vec![1, 0],
        Layout::Lucene89 | Layout::Lucene90 | Layout::Zstd814 => vec![chunks.len() as u64, 1, 1],
    };
    counts.into_iter().for_each(|number| put_vlong(&mut meta, number));
    (footer(meta), footer(index))
}
