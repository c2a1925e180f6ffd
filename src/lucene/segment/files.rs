//! The files of a segment, wherever they are: each for itself, or most of them in a compound file.

use super::super::Corrupt;
use super::super::codec::Codec;
use super::super::commit;
use super::super::compound::Entries;
use super::super::mapped::{MappedFile, refused};
use crate::error::{Error, Result};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file of a segment, perhaps within another one.
#[derive(Debug)]
pub(super) struct SegmentFile {
    file: Arc<MappedFile>,
    range: Range<usize>,
    /// What it is called within the other one.
    within: Option<String>,
}

impl SegmentFile {
    /// Opens a file that is not within another one.
    pub(super) fn open(path: PathBuf) -> Result<Self> {
        let file = Arc::new(MappedFile::open(path)?);
        Ok(Self { range: 0..file.bytes().len(), file, within: None })
    }

    /// Returns the whole content, with header and footer.
    pub(super) fn bytes(&self) -> &[u8] {
        self.file.bytes().get(self.range.clone()).unwrap_or_default()
    }

    /// Returns the path of the file on disk.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Returns the refusal of this file.
    pub(super) fn refused(&self, why: Corrupt) -> Error {
        let why = match &self.within {
            Some(name) => Corrupt::new(format!("{name} in it: {why}")),
            None => why,
        };
        refused(self.path(), why)
    }
}

/// All files of a segment.
#[derive(Debug)]
pub(super) struct SegmentFiles<'a> {
    dir: &'a Path,
    name: &'a str,
    compound: Option<(Entries, Arc<MappedFile>)>,
}

impl<'a> SegmentFiles<'a> {
    pub(super) fn open(dir: &'a Path, named: &'a commit::Segment, codec: Codec, is_compound: bool) -> Result<Self> {
        let mut files = Self { dir, name: &named.name, compound: None };
        if is_compound {
            let entries = files.outside(".cfe")?;
            let parsed = Entries::parse(entries.bytes(), &named.id, codec.order());
            let parsed = parsed.map_err(|why| entries.refused(why))?;
            let file = files.outside(".cfs")?;
            parsed.check(file.bytes(), &named.id).map_err(|why| file.refused(why))?;
            files.compound = Some((parsed, file.file));
        }
        Ok(files)
    }

    /// Opens a file by what its name has behind the segment's.
    pub(super) fn file(&self, ending: &str) -> Result<SegmentFile> {
        let Some((entries, file)) = &self.compound else { return self.outside(ending) };
        let range = entries.range(ending);
        let range = range.ok_or_else(|| refused(&self.path(".cfe"), Corrupt::new(format!("it names no {ending}"))))?;
        Ok(SegmentFile { file: Arc::clone(file), range, within: Some(ending.to_owned()) })
    }

    /// Opens a file that never is in a compound file.
    pub(super) fn outside(&self, ending: &str) -> Result<SegmentFile> {
        SegmentFile::open(self.path(ending))
    }

    fn path(&self, ending: &str) -> PathBuf {
        self.dir.join(format!("{}{ending}", self.name))
    }
}

/// Writes a generation as Lucene does in names of files.
pub(in crate::lucene) fn base36(generation: i64) -> String {
    let mut left = generation.unsigned_abs();
    let mut digits = Vec::new();
    loop {
        digits.extend(u32::try_from(left % 36).ok().and_then(|digit| char::from_digit(digit, 36)));
        left /= 36;
        if left == 0 {
            return digits.iter().rev().collect();
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
