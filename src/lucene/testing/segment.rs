//! Whole segments, in the way Lucene fills chunks.

use super::{
    TestSegment, compound, field_infos, fields_index, footer, live_docs, put_chunk, put_index_header, put_text_field,
    put_vint, put_vlong, segment_info_of, write,
};
use crate::lucene::codec::Codec;
use crate::lucene::input::ByteOrder;
use crate::lucene::stored::{Format, Mode};
use std::path::Path;

/// A document of a segment; one without a name is a nested object.
#[derive(Debug, Clone)]
pub(crate) struct TestDocument {
    pub(crate) uid: Option<String>,
    pub(crate) routing: Option<String>,
    pub(crate) source: String,
    pub(crate) live: bool,
}

impl TestDocument {
    fn stored(&self) -> (u32, Vec<u8>) {
        let mut out = Vec::new();
        let Some(uid) = &self.uid else { return (0, out) };
        put_text_field(&mut out, 0, 1, &self.source);
        put_text_field(&mut out, 1, 0, uid);
        self.routing.iter().for_each(|routing| put_text_field(&mut out, 2, 0, routing));
        (2 + u32::from(self.routing.is_some()), out)
    }
}

/// Writes the files of a segment into `dir` and returns what the commit says of it.
pub(crate) fn write_segment(
    dir: &Path,
    name: &'static str,
    mode: Mode,
    is_compound: bool,
    documents: &[TestDocument],
) -> TestSegment {
    let count = |number: usize| i32::try_from(number).unwrap();
    let live: Vec<bool> = documents.iter().map(|document| document.live).collect();
    let deleted = live.iter().filter(|live| !**live).count();
    let segment = TestSegment { name, max_doc: count(documents.len()), deleted: count(deleted) };
    let (codec, mode_name) = match mode {
        Mode::Fast => ("Lucene50StoredFieldsFastData", "BEST_SPEED"),
        Mode::High => ("Lucene50StoredFieldsHighData", "BEST_COMPRESSION"),
    };
    let format = Format::new(Codec::Lucene6, mode).unwrap();
    let mut fdt = Vec::new();
    put_index_header(&mut fdt, codec, 1, segment.id(), "");
    put_vint(&mut fdt, format.chunk_size().cast_signed());
    put_vint(&mut fdt, 2);
    let (mut chunks, mut waiting, mut bytes, mut first) = (Vec::new(), Vec::new(), 0, 0);
    for (number, document) in documents.iter().enumerate() {
        let stored = document.stored();
        bytes += stored.1.len();
        waiting.push(stored);
        let full = bytes >= format.chunk_size() as usize || waiting.len() == format.chunk_documents() as usize;
        if full || number + 1 == documents.len() {
            chunks.push((first, fdt.len()));
            put_chunk(&mut fdt, mode, first, &waiting);
            first += u32::try_from(waiting.len()).unwrap();
            bytes = 0;
            waiting.clear();
        }
    }
    let fdx = fields_index(segment.id(), mode, &chunks, fdt.len());
    put_vlong(&mut fdt, chunks.len() as u64);
    put_vlong(&mut fdt, 0);
    let fdt = footer(fdt);
    let fnm = field_infos(segment.id(), &["_source", "_uid", "_routing"]);
    let put = |extension: &str, bytes: &[u8]| write(&dir.join(format!("{name}{extension}")), bytes);
    put(".si", &segment_info_of(&segment, is_compound, mode_name));
    if is_compound {
        let (cfe, cfs) = compound(segment.id(), ByteOrder::Big, &[(".fdt", &fdt), (".fdx", &fdx), (".fnm", &fnm)]);
        put(".cfe", &cfe);
        put(".cfs", &cfs);
    } else {
        [(".fdt", fdt), (".fdx", fdx), (".fnm", fnm)].iter().for_each(|(extension, bytes)| put(extension, bytes));
    }
    if deleted > 0 {
        put("_1.liv", &live_docs(segment.id(), ByteOrder::Big, "1", &live));
    }
    segment
}
