//! Which documents of a segment are gone: deleted (`.liv`), or marked as deleted by a value in a field (soft deletes),
//! as Elasticsearch 7 and 8 do with whatever is written again or deleted.

use super::super::Corrupt;
use super::super::codec::Codec;
use super::super::commit;
use super::super::doc_values::{self, Presence};
use super::super::documents_set::{Documents, Shape};
use super::super::field_infos::{FieldInfos, SoftDeletesField};
use super::super::header::{check_footer, index_header};
use super::super::input::{ByteOrder, Input};
use super::super::live_docs;
use super::files::{SegmentFile, SegmentFiles, base36};
use crate::error::Result;
use std::iter::Peekable;
use std::ops::Range;

/// Which documents are gone.
#[derive(Debug)]
pub(super) struct Deletes {
    live: Option<LiveDocs>,
    soft: Soft,
}

#[derive(Debug)]
struct LiveDocs {
    file: SegmentFile,
    words: Range<usize>,
    order: ByteOrder,
}

#[derive(Debug)]
enum Soft {
    None,
    All,
    Some { file: SegmentFile, range: Range<usize>, shape: Shape },
}

impl Deletes {
    /// Opens what there is. `infos` are the segment's newest.
    pub(super) fn open(
        files: &SegmentFiles<'_>,
        named: &commit::Segment,
        codec: Codec,
        max_doc: u32,
        infos: (&SegmentFile, &FieldInfos),
    ) -> Result<Self> {
        let live = LiveDocs::open(files, named, codec, max_doc, infos.0)?;
        let mut deletes = Self { live, soft: Soft::None };
        // The number is exact: where it is 0, no mark is on a document that is not deleted anyway.
        if named.soft_deleted > 0 {
            deletes.open_soft(files, named, codec, max_doc, infos)?;
        }
        Ok(deletes)
    }

    fn open_soft(
        &mut self,
        files: &SegmentFiles<'_>,
        named: &commit::Segment,
        codec: Codec,
        max_doc: u32,
        (infos_file, infos): (&SegmentFile, &FieldInfos),
    ) -> Result<()> {
        let refuse = |why: String| infos_file.refused(Corrupt::new(why));
        let marked = named.soft_deleted;
        let Some(field) = &infos.soft_deletes else {
            return Err(refuse(format!("{marked} documents are marked as deleted, but no field says which")));
        };
        if field.format != doc_values::format(codec) {
            return Err(refuse(format!("the marks of deleted documents are of the unknown format {:?}", field.format)));
        }
        let SoftFiles { meta, data, suffix } = SoftFiles::open(files, field)?;
        let found = doc_values::presence(meta.bytes(), &named.id, codec, &suffix, infos, field);
        let (presence, values) = found.map_err(|why| meta.refused(why))?;
        self.soft = match presence {
            Presence::None => Soft::None,
            Presence::All => Soft::All,
            Presence::Some { offset, length, jumps, rank_power } => {
                let end = check_data(data.bytes(), named, codec, &suffix).map_err(|why| data.refused(why))?;
                let range = offset.checked_add(length).map(|end| offset..end).filter(|range| range.end <= end);
                let range =
                    range.ok_or_else(|| meta.refused(Corrupt::new("marks of deleted documents are nowhere")))?;
                Soft::Some { file: data, range, shape: Shape { order: codec.order(), rank_power, jumps } }
            }
        };
        self.check_soft(named, max_doc, values).map_err(|why| match &self.soft {
            Soft::Some { file, .. } => file.refused(why),
            Soft::None | Soft::All => meta.refused(why),
        })
    }

    /// Looks at all marks: they must be for documents that there are, and as many as two others say.
    fn check_soft(&self, named: &commit::Segment, max_doc: u32, values: u64) -> Result<(), Corrupt> {
        let (mut all, mut counted, mut next) = (0, 0_u32, 0);
        for doc in self.marked(0, max_doc) {
            let doc = doc?;
            if doc < next || doc >= max_doc {
                return Err(Corrupt::new("its marks of deleted documents are out of order"));
            }
            next = doc + 1;
            all += 1;
            counted += u32::from(self.is_live(doc));
        }
        if all == values && counted == named.soft_deleted {
            return Ok(());
        }
        let expected = named.soft_deleted;
        Err(Corrupt::new(format!("it marks {counted} of {all} documents as deleted, not {expected} of {values}")))
    }

    /// Returns the documents that are marked as deleted, from this one on.
    fn marked(&self, from: u32, max_doc: u32) -> Marked<'_> {
        match &self.soft {
            Soft::None => Marked::Every(0..0),
            Soft::All => Marked::Every(from..max_doc),
            Soft::Some { file, range, shape } => {
                let bytes = file.bytes().get(range.clone()).unwrap_or_default();
                Marked::Each(Documents::new(bytes, *shape, from))
            }
        }
    }

    fn is_live(&self, doc: u32) -> bool {
        self.live.as_ref().is_none_or(|live| {
            let words = live.file.bytes().get(live.words.clone()).unwrap_or_default();
            live_docs::is_live(words, live.order, doc)
        })
    }

    /// Returns what tells of documents whether they are gone, as long as they are asked for in order from this one on.
    pub(super) fn from(&self, first_doc: u32, max_doc: u32) -> Cursor<'_> {
        Cursor { deletes: self, marked: self.marked(first_doc, max_doc).peekable() }
    }
}

/// Documents that are marked as deleted, ascending.
enum Marked<'a> {
    Every(Range<u32>),
    Each(Documents<'a>),
}

impl Iterator for Marked<'_> {
    type Item = Result<u32, Corrupt>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Every(docs) => docs.next().map(Ok),
            Self::Each(docs) => docs.next(),
        }
    }
}

/// Tells of one document after another whether it is gone.
pub(super) struct Cursor<'a> {
    deletes: &'a Deletes,
    marked: Peekable<Marked<'a>>,
}

impl Cursor<'_> {
    /// Tells whether this document, behind all that were asked for before, is gone.
    pub(super) fn is_gone(&mut self, doc: u32) -> bool {
        // All marks were looked at when the segment was opened: there are no errors among them.
        while self.marked.next_if(|marked| marked.as_ref().is_ok_and(|marked| *marked < doc)).is_some() {}
        self.marked.next_if_eq(&Ok(doc)).is_some() || !self.deletes.is_live(doc)
    }
}

impl LiveDocs {
    fn open(
        files: &SegmentFiles<'_>,
        named: &commit::Segment,
        codec: Codec,
        max_doc: u32,
        infos: &SegmentFile,
    ) -> Result<Option<Self>> {
        let Some(generation) = named.delete_generation else {
            if named.deleted == 0 {
                return Ok(None);
            }
            let why = format!("{} documents of {} are deleted, but nothing says which", named.deleted, named.name);
            return Err(infos.refused(Corrupt::new(why)));
        };
        let generation = base36(generation);
        let file = files.outside(&format!("_{generation}.liv"))?;
        let words = live_docs::check(file.bytes(), &named.id, codec.order(), &generation, max_doc, named.deleted);
        let words = words.map_err(|why| file.refused(why))?;
        Ok(Some(Self { file, words, order: codec.order() }))
    }
}

/// The two files of doc values in which the marks are.
struct SoftFiles {
    meta: SegmentFile,
    data: SegmentFile,
    /// What their names have behind the segment's.
    suffix: String,
}

impl SoftFiles {
    /// Opens those of the field's generation, which hold nothing but this field, or those of the whole segment.
    fn open(files: &SegmentFiles<'_>, field: &SoftDeletesField) -> Result<Self> {
        let name = format!("{}_{}", field.format, field.suffix);
        Ok(match field.generation {
            Some(generation) => {
                let suffix = format!("{}_{name}", base36(generation));
                let open = |kind: &str| files.outside(&format!("_{suffix}.{kind}"));
                Self { meta: open("dvm")?, data: open("dvd")?, suffix }
            }
            None => {
                let open = |kind: &str| files.file(&format!("_{name}.{kind}"));
                Self { meta: open("dvm")?, data: open("dvd")?, suffix: name }
            }
        })
    }
}

/// Checks a whole `.dvd` file and returns where its content ends.
fn check_data(file: &[u8], named: &commit::Segment, codec: Codec, suffix: &str) -> Result<usize, Corrupt> {
    let body = check_footer(file)?;
    let newest = if codec.order() == ByteOrder::Big { 2 } else { 0 };
    let name = format!("{}DocValuesData", doc_values::format(codec));
    index_header(&mut Input::new(body), &name, 0..=newest, suffix)?.belongs_to(&named.id)?;
    Ok(body.len())
}
