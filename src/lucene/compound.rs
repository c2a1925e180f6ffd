//! Compound files: `<segment>.cfs` holds most files of a segment one after another, `<segment>.cfe` says where
//! (`Lucene50CompoundFormat`, `Lucene90CompoundFormat`). Every file in it has a header and footer of its own.

use super::Corrupt;
use super::header::{FOOTER_LENGTH, check_footer, check_footer_shape, index_header};
use super::input::{ByteOrder, Input};
use std::ops::Range;

/// Where files are in a compound file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entries {
    order: ByteOrder,
    files: Vec<(String, Range<usize>)>,
}

impl Entries {
    /// Reads a whole `.cfe` file; `order` is that of the segment's codec.
    ///
    /// # Errors
    /// Fails if the checksum is wrong, the file belongs to another segment, or anything does not fit.
    pub fn parse(file: &[u8], segment_id: &[u8; 16], order: ByteOrder) -> Result<Self, Corrupt> {
        let mut input = Input::new(check_footer(file)?).ordered(order);
        let codec = match order {
            ByteOrder::Big => "Lucene50CompoundEntries",
            ByteOrder::Little => "Lucene90CompoundEntries",
        };
        index_header(&mut input, codec, 0..=0, "")?.belongs_to(segment_id)?;
        let mut entries: Vec<(String, Range<usize>)> = Vec::new();
        for _ in 0..input.count()? {
            let name = input.string()?.to_owned();
            let (start, length) = (usize::try_from(input.i64()?).ok(), usize::try_from(input.i64()?).ok());
            let range = start.zip(length).and_then(|(start, length)| Some(start..start.checked_add(length)?));
            let range = range.ok_or_else(|| input.corrupt("an impossible range"))?;
            if entries.iter().any(|(earlier, _)| *earlier == name) {
                return Err(Corrupt::new(format!("it names {name} twice")));
            }
            entries.push((name, range));
        }
        if !input.rest().is_empty() {
            return Err(input.corrupt("there is more than the entries"));
        }
        Ok(Self { order, files: entries })
    }

    /// Checks that a `.cfs` file holds exactly these files. What is in them has checksums of its own.
    ///
    /// # Errors
    /// Fails if the header or the footer is not as it should be, or the files do not follow one another.
    pub fn check(&self, file: &[u8], segment_id: &[u8; 16]) -> Result<(), Corrupt> {
        check_footer_shape(file)?;
        let mut input = Input::new(file);
        let (codec, alignment) = match self.order {
            ByteOrder::Big => ("Lucene50CompoundData", 1),
            // Since Lucene 9 files begin where whole words do.
            ByteOrder::Little => ("Lucene90CompoundData", 8),
        };
        index_header(&mut input, codec, 0..=0, "")?.belongs_to(segment_id)?;
        let mut ranges: Vec<&Range<usize>> = self.files.iter().map(|(_, range)| range).collect();
        ranges.sort_by_key(|range| (range.start, range.end));
        let mut end = input.position();
        for range in ranges {
            if Some(range.start) != end.checked_next_multiple_of(alignment) {
                return Err(Corrupt::new(format!("no file begins behind offset {end} in it")));
            }
            end = range.end;
        }
        if file.len().checked_sub(FOOTER_LENGTH) == Some(end) {
            Ok(())
        } else {
            Err(Corrupt::new(format!("its length is {} and not {end} and a footer", file.len())))
        }
    }

    /// Returns where a file is, by the part of its name behind the segment's, such as `.fdt`.
    pub fn range(&self, extension: &str) -> Option<Range<usize>> {
        self.files.iter().find(|(name, _)| name == extension).map(|(_, range)| range.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::{compound, footer, put_index_header};
    use proptest::prelude::*;

    const ID: [u8; 16] = [5; 16];

    #[test]
    fn files_are_found_where_they_are() {
        for order in [ByteOrder::Big, ByteOrder::Little] {
            let files: [(&str, &[u8]); 3] = [(".fdt", b"stored fields"), ("_Lucene50_0.doc", b""), (".fnm", b"names")];
            let (cfe, cfs) = compound(ID, order, &files);
            let entries = Entries::parse(&cfe, &ID, order).unwrap();
            entries.check(&cfs, &ID).unwrap();
            assert_eq!(&cfs[entries.range(".fdt").unwrap()], b"stored fields");
            assert_eq!(&cfs[entries.range(".fnm").unwrap()], b"names");
            assert_eq!(entries.range(".liv"), None);
        }
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let (cfe, cfs) = compound(ID, ByteOrder::Big, &[(".fdt", b"stored fields")]);
        let entries = Entries::parse(&cfe, &ID, ByteOrder::Big).unwrap();
        assert!(Entries::parse(&cfe, &[6; 16], ByteOrder::Big).is_err());
        assert!(entries.check(&cfs, &[6; 16]).is_err());
        assert!(entries.check(&cfs[..cfs.len() - 1], &ID).is_err());
        let (_, longer) = compound(ID, ByteOrder::Big, &[(".fdt", b"stored fields and more")]);
        assert!(entries.check(&longer, &ID).unwrap_err().to_string().contains("length"));
    }

    proptest! {
        #[test]
        fn garbage_with_a_right_checksum_gives_errors(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = Vec::new();
            put_index_header(&mut bytes, "Lucene50CompoundEntries", 0, ID, "");
            bytes.extend(tail);
            if let Ok(entries) = Entries::parse(&footer(bytes), &ID, ByteOrder::Big) {
                let _ = entries.check(&[0; 100], &ID);
            }
        }
    }
}
