//! A segment: its files, opened and checked, and the documents in them.

use super::super::Corrupt;
use super::super::commit::Segment as Named;
use super::super::compound::Entries;
use super::super::field_infos::{self, FieldNumbers};
use super::super::header::check_footer;
use super::super::input::Input;
use super::super::live_docs;
use super::super::mapped::{MappedFile, refused};
use super::super::segment_info::{self, Mode};
use super::super::stored::chunk::{ChunkReader, Stored};
use super::super::stored::fields::Fields;
use super::super::stored::index::{Index, Part};
use super::super::stored::{self};
use crate::error::Result;
use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;

/// Codecs whose stored fields are all of one format: Lucene 5.0 to 6.6.
const CODECS: [&str; 5] = ["Lucene50", "Lucene53", "Lucene54", "Lucene60", "Lucene62"];
/// Bytes of stored fields in a unit. It is part of what a unit is: a checkpoint of another size does not fit.
const UNIT_BYTES: usize = 16 << 20;

/// A segment that is ready to be read.
#[derive(Debug)]
pub(super) struct Segment {
    name: String,
    /// The `.fdt` file, or the compound file that it is in.
    file: MappedFile,
    data: Range<usize>,
    live: Option<(MappedFile, Range<usize>)>,
    mode: Mode,
    numbers: FieldNumbers,
    index: Index,
    /// Whether the checksum of the documents is right, once that was asked.
    whole: OnceLock<Result<(), Corrupt>>,
}

/// What a segment has at a number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Slot<'a> {
    /// A document that was deleted.
    Deleted,
    /// A document that is there.
    Live(Fields<'a>),
}

impl Segment {
    /// Opens a segment of the commit in `dir`.
    pub(super) fn open(dir: &Path, named: &Named) -> Result<Self> {
        let path = |extension: &str| dir.join(format!("{}{extension}", named.name));
        let refuse = |extension: &str, why: Corrupt| refused(&path(extension), why);
        let info_file = MappedFile::open(path(".si"))?;
        if !CODECS.contains(&named.codec.as_str()) {
            return Err(refuse(".si", Corrupt::new(format!("its codec {:?} is unknown", named.codec))));
        }
        if named.has_new_field_infos {
            return Err(refuse(".si", Corrupt::new("its fields were changed, which Elasticsearch 5 never does")));
        }
        let info = segment_info::parse(info_file.bytes(), &named.id).map_err(|why| refuse(".si", why))?;
        let live = open_live_docs(dir, named, info.max_doc)?;
        let parse_index = |file: &[u8]| Index::parse(file, &named.id, info.mode, info.max_doc, UNIT_BYTES);
        let (file, data, numbers, index) = if info.is_compound {
            let entries = MappedFile::open(path(".cfe"))?;
            let entries = Entries::parse(entries.bytes(), &named.id).map_err(|why| refuse(".cfe", why))?;
            let file = MappedFile::open(path(".cfs"))?;
            entries.check(file.bytes(), &named.id).map_err(|why| refuse(".cfs", why))?;
            let part = |extension: &str| {
                let range = entries.range(extension);
                range.ok_or_else(|| refuse(".cfe", Corrupt::new(format!("it names no {extension}"))))
            };
            let within =
                |extension: &str, why: Corrupt| refuse(".cfs", Corrupt::new(format!("{extension} in it: {why}")));
            let bytes = |range: Range<usize>| file.bytes().get(range).unwrap_or_default();
            let numbers = field_infos::parse(bytes(part(".fnm")?), &named.id).map_err(|why| within(".fnm", why))?;
            let index = parse_index(bytes(part(".fdx")?)).map_err(|why| within(".fdx", why))?;
            let data = part(".fdt")?;
            (file, data, numbers, index)
        } else {
            let fields = MappedFile::open(path(".fnm"))?;
            let numbers = field_infos::parse(fields.bytes(), &named.id).map_err(|why| refuse(".fnm", why))?;
            let index = MappedFile::open(path(".fdx"))?;
            let index = parse_index(index.bytes()).map_err(|why| refuse(".fdx", why))?;
            let file = MappedFile::open(path(".fdt"))?;
            let data = 0..file.bytes().len();
            (file, data, numbers, index)
        };
        let whole = OnceLock::new();
        let segment = Self { name: named.name.clone(), file, data, live, mode: info.mode, numbers, index, whole };
        let checked = stored::check_frame(segment.data(), &named.id, info.mode, &segment.index);
        checked.map_err(|why| refused(segment.file.path(), why))?;
        Ok(segment)
    }

    /// Returns the name, such as `_1a`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the file in which the documents are.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
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
        let refuse = |why: Corrupt| refused(self.path(), why);
        self.whole.get_or_init(|| check_footer(self.data()).map(drop)).clone().map_err(refuse)?;
        let mut reader = ChunkReader::new(self.mode);
        let mut input = Input::at(self.data().get(..part.end).unwrap_or_default(), part.start);
        let mut next_doc = part.first_doc;
        for _ in part.first_chunk..part.end_chunk {
            let chunk = reader.read(&mut input, next_doc).map_err(refuse)?;
            next_doc = chunk.end_doc();
            for document in chunk.documents() {
                each(self.slot(document).map_err(refuse)?)?;
            }
        }
        if next_doc == part.end_doc && input.rest().is_empty() {
            Ok(())
        } else {
            Err(refuse(input.corrupt(&format!("not the document {} behind the chunks", part.end_doc))))
        }
    }

    fn slot<'a>(&self, stored: Stored<'a>) -> Result<Slot<'a>, Corrupt> {
        let is_live = self.live.as_ref().is_none_or(|(file, words)| {
            live_docs::is_live(file.bytes().get(words.clone()).unwrap_or_default(), stored.doc)
        });
        if !is_live {
            return Ok(Slot::Deleted);
        }
        let named = |why| Corrupt::new(format!("document {}: {why}", stored.doc));
        Fields::parse(stored, &self.numbers).map(Slot::Live).map_err(named)
    }

    /// Returns the whole `.fdt` file.
    fn data(&self) -> &[u8] {
        self.file.bytes().get(self.data.clone()).unwrap_or_default()
    }
}

fn open_live_docs(dir: &Path, named: &Named, max_doc: u32) -> Result<Option<(MappedFile, Range<usize>)>> {
    let deleted = named.deleted.unsigned_abs();
    let Some(generation) = named.delete_generation else {
        if deleted == 0 {
            return Ok(None);
        }
        let why = Corrupt::new(format!("{deleted} documents of {} are deleted, but nothing says which", named.name));
        return Err(refused(dir, why));
    };
    let generation = base36(generation);
    let file = MappedFile::open(dir.join(format!("{}_{generation}.liv", named.name)))?;
    let words = live_docs::check(file.bytes(), &named.id, &generation, max_doc, deleted);
    let words = words.map_err(|why| refused(file.path(), why))?;
    Ok(Some((file, words)))
}

/// Writes a generation as Lucene does in names of files.
fn base36(generation: i64) -> Cow<'static, str> {
    let mut left = generation.unsigned_abs();
    let mut digits = Vec::new();
    loop {
        digits.extend(u32::try_from(left % 36).ok().and_then(|digit| char::from_digit(digit, 36)));
        left /= 36;
        if left == 0 {
            return digits.iter().rev().collect::<String>().into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_are_written_as_in_names_of_files() {
        assert_eq!([0, 1, 35, 36, 1_000_000].map(base36), ["0", "1", "z", "10", "lfls"]);
    }
}
