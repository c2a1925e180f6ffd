//! Stored fields: where chunks are, chunks, and the compressed blocks in them.

use super::files::Identity;
use super::{Control, footed, reference};
use clearml_migrate::lucene::codec::Codec;
use clearml_migrate::lucene::field_infos::FieldNumbers;
use clearml_migrate::lucene::input::Input;
use clearml_migrate::lucene::lz4::decompress;
use clearml_migrate::lucene::stored::block::Decompressor;
use clearml_migrate::lucene::stored::chunk::{ChunkReader, Stored};
use clearml_migrate::lucene::stored::fields::Fields;
use clearml_migrate::lucene::stored::index::{ChunkIndex, Part};
use clearml_migrate::lucene::stored::monotonic::{self, Known};
use clearml_migrate::lucene::stored::{self, Format, Layout, Mode};

/// Bytes of a part: small, so that there are several.
const PART_BYTES: usize = 2_000;

/// All formats, in the order in which a control byte names them.
pub fn formats() -> Vec<(Codec, Format)> {
    let written = [
        (Codec::Lucene6, 1),
        (Codec::Lucene87, 4),
        (Codec::Lucene912, 1),
        (Codec::Elasticsearch816, 1),
        (Codec::Lucene84, 2),
        (Codec::Lucene87, 3),
    ];
    let all = written.into_iter().flat_map(|written| [Mode::Fast, Mode::High].map(|mode| (written, mode)));
    let format = |((codec, version), mode)| Some((codec, Format::new(codec, mode)?.written_as(version)?));
    let mut formats: Vec<(Codec, Format)> = all.filter_map(format).collect();
    // What Lucene 8.9 alone has written.
    let large = Format::new(Codec::Lucene87, Mode::Fast).and_then(|format| format.with_chunks_of(614_400));
    formats.extend(large.map(|format| (Codec::Lucene87, format)));
    formats
}

fn format(control: &mut Control<'_>) -> Format {
    let formats = formats();
    formats[usize::from(control.u8()) % formats.len()].1
}

/// The number of documents, the bodies of `.fdx` and `.fdt`.
pub fn stored_until_8_4(input: &[u8]) -> bool {
    let mut control = Control(input);
    let (max_doc, index, data) = (control.u32(), control.piece(), control.rest());
    let id = Identity::of(index).id;
    let mut accepted = false;
    for mode in [Mode::Fast, Mode::High] {
        let format = Format::new(Codec::Lucene6, mode).unwrap();
        if let Ok(index) = ChunkIndex::parse(&footed(index), &id, mode, max_doc, PART_BYTES) {
            accepted |= read_all(&index, &footed(data), &id, format, max_doc);
        }
    }
    accepted
}

/// The number of documents, the bodies of `.fdm`, `.fdx` and `.fdt`.
pub fn stored_since_8_5(input: &[u8]) -> bool {
    let mut control = Control(input);
    let (max_doc, meta, index, data) = (control.u32(), control.piece(), control.piece(), control.rest());
    let id = Identity::of(meta).id;
    let mut accepted = false;
    for (codec, format) in formats().into_iter().filter(|(_, format)| format.layout() != Layout::Lucene50) {
        let known = Known { id: &id, order: codec.order(), format, max_doc, data_end: data.len() };
        if let Ok((index, format)) = monotonic::parse(&footed(meta), &footed(index), known, PART_BYTES) {
            accepted |= read_all(&index, &footed(data), &id, format, max_doc);
        }
    }
    accepted
}

/// Reads all chunks as a segment does, and tells whether all could be read.
fn read_all(index: &ChunkIndex, file: &[u8], id: &[u8; 16], format: Format, max_doc: u32) -> bool {
    let mut next = (0, 0, index.start());
    for part in index.parts() {
        let Part { first_chunk, first_doc, start, end_chunk, end_doc, end } = *part;
        assert_eq!((first_chunk, first_doc, start), next);
        assert!(first_chunk < end_chunk && first_doc < end_doc && start < end);
        next = (end_chunk, end_doc, end);
    }
    assert_eq!(next, (index.chunks(), max_doc, index.end()));
    if stored::check_frame(file, id, format, index).is_err() {
        return false;
    }
    let mut reader = ChunkReader::new(format);
    for part in index.parts() {
        let mut input = Input::at(&file[..part.end], part.start);
        let mut doc = part.first_doc;
        for _ in part.first_chunk..part.end_chunk {
            let Ok(chunk) = reader.read(&mut input, doc) else { return false };
            assert!(chunk.documents().map(|stored| stored.doc).eq(doc..chunk.end_doc()));
            doc = chunk.end_doc();
        }
    }
    true
}

/// The format, then a chunk that begins with the document 0.
pub fn chunk(input: &[u8]) -> bool {
    let mut control = Control(input);
    let mut reader = ChunkReader::new(format(&mut control));
    let bytes = control.rest();
    let mut read = || {
        let chunk = reader.read(&mut Input::new(bytes), 0).ok()?;
        assert_eq!(chunk.documents().count(), chunk.end_doc() as usize);
        Some(chunk.documents().map(|stored| stored.bytes.to_vec()).collect::<Vec<_>>())
    };
    // A reader that has read something else before, perhaps in vain, reads the same.
    let first = read();
    assert_eq!(read(), first);
    first.is_some()
}

/// The format, the raw length, then a block.
pub fn block(input: &[u8]) -> bool {
    let mut control = Control(input);
    let format = format(&mut control);
    let length = usize::from(control.u16());
    let bytes = control.rest();
    let mut decompressor = Decompressor::new(format);
    let mut run = |before: u8| {
        let (mut input, mut output) = (Input::new(bytes), vec![before; length]);
        decompressor.decompress(&mut input, &mut output).ok().map(|()| (input.position(), output))
    };
    // All of the output is written, whatever was in it.
    let first = run(0);
    assert_eq!(run(0xFF), first);
    first.is_some()
}

/// The lengths of the dictionary and of the output, the dictionary, then the block.
pub fn lz4(input: &[u8]) -> bool {
    let mut control = Control(input);
    let (dictionary, length) = (usize::from(control.u8()), usize::from(control.u16() & 0x3FFF));
    let dictionary = control.take(dictionary);
    let block = control.rest();
    let mut output = vec![0xA5; length];
    let used = decompress(block, dictionary, &mut output);
    assert_eq!(used.map(|used| (used, output)), reference::lz4(block, dictionary, length));
    used.is_some()
}

/// The number of fields, then a document in which `_source` is field 0, `_uid` 1, `_id` 2 and `_routing` 3.
pub fn document_fields(input: &[u8]) -> bool {
    const NUMBERS: FieldNumbers = FieldNumbers { source: Some(0), uid: Some(1), id: Some(2), routing: Some(3) };
    let mut control = Control(input);
    let fields = control.u8().into();
    let bytes = control.rest();
    let Ok(found) = Fields::parse(Stored { doc: 0, fields, bytes }, &NUMBERS) else { return false };
    let lengths = [found.uid.map(str::len), found.id.map(str::len), found.source.map(<[u8]>::len)];
    assert!(lengths.into_iter().flatten().sum::<usize>() <= bytes.len());
    true
}
