//! Files of a segment.

use super::{footer, put_index_header, put_string, put_vint, put_vlong};
use crate::lucene::segment_info::Mode;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::collections::HashMap;
use std::io::Write;

pub(crate) fn put_packed(out: &mut Vec<u8>, bits: u32, values: &[u64]) {
    let mut bit_string = Vec::new();
    for value in values {
        bit_string.extend((0..bits).rev().map(|bit| (value >> bit & 1) as u8));
    }
    out.extend(
        bit_string.chunks(8).map(|bits| bits.iter().enumerate().fold(0, |byte, (at, bit)| byte | bit << (7 - at))),
    );
}

/// Compresses as Lucene does, greedily: the last match begins at least 10 bytes ahead of the end.
pub(crate) fn lz4(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut places = HashMap::new();
    let (mut anchor, mut at, mut misses) = (0, 0, 0);
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
pub(crate) fn compound(id: [u8; 16], files: &[(&str, &[u8])]) -> (Vec<u8>, Vec<u8>) {
    let (mut cfe, mut cfs) = (Vec::new(), Vec::new());
    put_index_header(&mut cfe, "Lucene50CompoundEntries", 0, id, "");
    put_index_header(&mut cfs, "Lucene50CompoundData", 0, id, "");
    put_vint(&mut cfe, i32::try_from(files.len()).unwrap());
    for (name, content) in files {
        put_string(&mut cfe, name);
        cfe.extend((cfs.len() as u64).to_be_bytes());
        cfe.extend((content.len() as u64).to_be_bytes());
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
pub(crate) fn live_docs(id: [u8; 16], generation: &str, live: &[bool]) -> Vec<u8> {
    let mut out = Vec::new();
    put_index_header(&mut out, "Lucene50LiveDocs", 0, id, generation);
    for word in live.chunks(64) {
        let word = word.iter().rev().fold(0_u64, |word, live| word << 1 | u64::from(*live));
        out.extend(word.to_be_bytes());
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
    put_packed(out, bits, &deltas);
}

/// A chunk of documents with their number of fields.
pub(crate) fn put_chunk(out: &mut Vec<u8>, mode: Mode, first_doc: u32, documents: &[(u32, Vec<u8>)]) {
    let raw: Vec<u8> = documents.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    let slice = mode.chunk_size() as usize;
    let sliced = raw.len() >= 2 * slice;
    put_vint(out, first_doc.cast_signed());
    put_vint(out, i32::try_from(documents.len()).unwrap() << 1 | i32::from(sliced));
    put_numbers(out, documents.iter().map(|(fields, _)| u64::from(*fields)).collect());
    put_numbers(out, documents.iter().map(|(_, bytes)| bytes.len() as u64).collect());
    let blocks: Vec<&[u8]> = if sliced { raw.chunks(slice).collect() } else { vec![&raw] };
    for block in blocks {
        match mode {
            Mode::Fast => out.extend(lz4(block)),
            Mode::High if block.is_empty() => put_vint(out, 0),
            Mode::High => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(block).unwrap();
                let deflated = encoder.finish().unwrap();
                put_vint(out, i32::try_from(deflated.len()).unwrap());
                out.extend(deflated);
            }
        }
    }
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
        put_packed(out, bits, &values);
    }
}

/// A field of text (kind 0) or bytes (kind 1).
pub(crate) fn put_text_field(out: &mut Vec<u8>, number: u64, kind: u64, text: &str) {
    put_vlong(out, number << 3 | kind);
    put_string(out, text);
}
