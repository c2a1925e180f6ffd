//! A segment: its files, opened and checked, and the documents in them.

mod deletes;
mod files;

use super::Corrupt;
use super::codec::Codec;
use super::commit;
use super::field_infos::{self, FieldNumbers};
use super::header::{check_footer, check_footer_shape};
use super::input::Input;
use super::segment_info;
use super::stored::chunk::{ChunkReader, Stored};
use super::stored::fields::Fields;
use super::stored::index::{ChunkIndex, LONG, Part};
use super::stored::monotonic::{self, Broken, Known};
use super::stored::{self, Format, Layout};
use crate::error::Result;
use deletes::Deletes;
pub(super) use files::base36;
use files::{SegmentFile, SegmentFiles};
use std::path::Path;
use std::sync::OnceLock;

/// Bytes of stored fields in a unit. It is part of what a unit is: a checkpoint of another size does not fit.
const UNIT_BYTES: usize = 16 << 20;

/// A segment that is ready to be read.
#[derive(Debug)]
pub(super) struct Segment {
    name: String,
    max_doc: u32,
    /// Documents that are deleted or marked as deleted, by the commit.
    gone: u32,
    /// The stored fields.
    data: SegmentFile,
    deletes: Deletes,
    format: Format,
    numbers: FieldNumbers,
    index: ChunkIndex,
    /// Whether the checksum of the documents is right, once that was asked.
    whole: OnceLock<Result<(), Corrupt>>,
}

/// What a segment has at a number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Slot<'a> {
    /// A document that was deleted, or written again elsewhere.
    Deleted,
    /// A document that is there.
    Live(Fields<'a>),
}

impl Segment {
    /// Opens a segment of the commit in `dir`; `codec` tells the codec by its name, if it is one that may be there.
    pub(super) fn open(dir: &Path, named: &commit::Segment, codec: fn(&str) -> Option<Codec>) -> Result<Self> {
        let info_file = SegmentFile::open(dir.join(format!("{}.si", named.name)))?;
        let refuse = |why: String| info_file.refused(Corrupt::new(why));
        let codec = codec(&named.codec).ok_or_else(|| refuse(format!("its codec {:?} is unknown", named.codec)))?;
        let info = segment_info::parse(info_file.bytes(), &named.id, codec).map_err(|why| info_file.refused(why))?;
        let files = SegmentFiles::open(dir, named, codec, info.is_compound)?;
        let own_infos = files.file(".fnm")?;
        let own = field_infos::parse(own_infos.bytes(), &named.id, codec, "").map_err(|why| own_infos.refused(why))?;
        // In Elasticsearch 5 it is a field as any other.
        if own.is_time_series && codec != Codec::Lucene6 {
            let why = "it is of a time series: Elasticsearch computes the ids of its documents and stores them nowhere";
            return Err(own_infos.refused(Corrupt::new(why)));
        }
        // Numbers of fields never change, but where their doc values are does.
        let (newest_infos, newest) = match named.field_infos_generation {
            None => (own_infos, own.clone()),
            Some(_) if codec == Codec::Lucene6 => {
                return Err(refuse("its fields were changed, which Elasticsearch 5 never does".to_owned()));
            }
            Some(generation) => {
                let generation = base36(generation);
                let file = files.outside(&format!("_{generation}.fnm"))?;
                let infos = field_infos::parse(file.bytes(), &named.id, codec, &generation);
                let infos = infos.map_err(|why| file.refused(why))?;
                (file, infos)
            }
        };
        let deletes = Deletes::open(&files, named, codec, info.max_doc, (&newest_infos, &newest))?;
        let data = files.file(".fdt")?;
        let written = stored::written_as(data.bytes(), &named.id, info.stored).map_err(|why| data.refused(why))?;
        let (index, format) = open_index(&files, named, codec, (info.max_doc, written), &data)?;
        let checked = stored::check_frame(data.bytes(), &named.id, format, &index);
        checked.map_err(|why| data.refused(why))?;
        Ok(Self {
            name: named.name.clone(),
            max_doc: info.max_doc,
            gone: named.deleted.saturating_add(named.soft_deleted),
            data,
            deletes,
            format,
            numbers: own.numbers,
            index,
            whole: OnceLock::new(),
        })
    }

    /// Returns the name, such as `_1a`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns how many documents there are, deleted and nested ones included.
    pub(super) fn max_doc(&self) -> u32 {
        self.max_doc
    }

    /// Returns how many documents are live by the commit, nested ones included.
    pub(super) fn live_documents(&self) -> u64 {
        u64::from(self.max_doc.saturating_sub(self.gone))
    }

    /// Returns the file in which the documents are.
    pub(super) fn path(&self) -> &Path {
        self.data.path()
    }

    /// Returns the bytes of the longest document, its other stored fields included; nothing if none is long ([`LONG`]).
    /// Only the beginnings of chunks are looked at, and of few: no checksum is.
    ///
    /// # Errors
    /// Refuses chunks that are not as they should be.
    pub(super) fn longest_document(&self) -> Result<Option<u64>> {
        let refuse = |why: Corrupt| self.data.refused(why);
        let mut reader = ChunkReader::new(self.format);
        let mut longest = None;
        for chunk in self.index.wide() {
            let mut input = Input::at(self.data.bytes().get(..chunk.end).unwrap_or_default(), chunk.start);
            let lengths = reader.lengths(&mut input, chunk.first_doc).map_err(refuse)?;
            let mut deletes = self.deletes.from(chunk.first_doc, self.max_doc);
            let live = (chunk.first_doc..).zip(lengths).filter(|(doc, _)| !deletes.is_gone(*doc));
            longest = longest.max(live.map(|(_, length)| u64::from(*length)).filter(|length| *length >= LONG).max());
        }
        Ok(longest)
    }

    /// Returns the parts that can be read alone.
    pub(super) fn parts(&self) -> &[Part] {
        self.index.parts()
    }

    /// Reads a part. The first part that is read of a segment takes a look at all of it: the checksum must be right
    /// before anything is given out.
    ///
    /// # Errors
    /// Refuses documents that are not as they should be. Fails if `each` does.
    pub(super) fn read(&self, part: &Part, mut each: impl FnMut(Slot<'_>) -> Result<()>) -> Result<()> {
        let refuse = |why: Corrupt| self.data.refused(why);
        self.whole.get_or_init(|| check_footer(self.data.bytes()).map(drop)).clone().map_err(refuse)?;
        let mut reader = ChunkReader::new(self.format);
        let mut input = Input::at(self.data.bytes().get(..part.end).unwrap_or_default(), part.start);
        let mut deletes = self.deletes.from(part.first_doc, self.max_doc);
        let mut next_doc = part.first_doc;
        for _ in part.first_chunk..part.end_chunk {
            let chunk = reader.read(&mut input, next_doc).map_err(refuse)?;
            next_doc = chunk.end_doc();
            for document in chunk.documents() {
                if deletes.is_gone(document.doc) {
                    each(Slot::Deleted)?;
                } else {
                    each(Slot::Live(self.fields(document).map_err(refuse)?))?;
                }
            }
        }
        if next_doc == part.end_doc && input.rest().is_empty() {
            Ok(())
        } else {
            Err(refuse(input.corrupt(&format!("not the document {} behind the chunks", part.end_doc))))
        }
    }

    fn fields<'a>(&self, stored: Stored<'a>) -> Result<Fields<'a>, Corrupt> {
        Fields::parse(stored, &self.numbers).map_err(|why| Corrupt::new(format!("document {}: {why}", stored.doc)))
    }
}

fn open_index(
    files: &SegmentFiles<'_>,
    named: &commit::Segment,
    codec: Codec,
    (max_doc, format): (u32, Format),
    data: &SegmentFile,
) -> Result<(ChunkIndex, Format)> {
    let file = files.file(".fdx")?;
    if format.layout() == Layout::Lucene50 {
        let index = ChunkIndex::parse(file.bytes(), &named.id, format.mode(), max_doc, UNIT_BYTES);
        return Ok((index.map_err(|why| file.refused(why))?, format));
    }
    let meta = files.file(".fdm")?;
    let data_end = check_footer_shape(data.bytes()).map_err(|why| data.refused(why))?.len();
    let known = Known { id: &named.id, order: codec.order(), format, max_doc, data_end };
    monotonic::parse(meta.bytes(), file.bytes(), known, UNIT_BYTES).map_err(|broken| match broken {
        Broken::Meta(why) => meta.refused(why),
        Broken::Index(why) => file.refused(why),
    })
}
