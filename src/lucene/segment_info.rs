//! `<segment>.si`: `Lucene50SegmentInfoFormat` and `Lucene62SegmentInfoFormat`.

use super::Corrupt;
use super::header::{check_footer, index_header};
use super::input::Input;

/// Under this key Lucene notes how stored fields are compressed.
const MODE: &str = "Lucene50StoredFieldsFormat.mode";

/// How stored fields are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `BEST_SPEED`: LZ4.
    Fast,
    /// `BEST_COMPRESSION`: DEFLATE.
    High,
}

/// What a segment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Documents, deleted ones and nested ones included.
    pub max_doc: u32,
    /// Most of its files are in a compound file.
    pub is_compound: bool,
    /// How its stored fields are compressed.
    pub mode: Mode,
}

/// Returns the number of documents in the segment, deleted ones and nested ones included.
///
/// # Errors
/// Fails if the checksum is wrong, the file belongs to another segment or does not fit.
pub fn max_doc(file: &[u8], segment_id: &[u8; 16]) -> Result<i32, Corrupt> {
    start(file, segment_id).map(|(_, max_doc)| max_doc)
}

/// Reads a whole `.si` file.
///
/// # Errors
/// As [`max_doc`], and if there is a sort order, which Elasticsearch 5 does not have.
pub fn parse(file: &[u8], segment_id: &[u8; 16]) -> Result<SegmentInfo, Corrupt> {
    let (mut input, max_doc) = start(file, segment_id)?;
    let is_compound = match input.u8()? {
        1 => true,
        0xFF => false,
        _ => return Err(input.corrupt("neither compound nor not")),
    };
    let _diagnostics = input.string_map()?;
    let _files = input.strings()?;
    let attributes = input.string_map()?;
    // The sort order begins with the number of its fields; older formats have none.
    if !matches!(input.rest(), [] | [0]) {
        return Err(Corrupt::new("its documents are sorted, which Elasticsearch 5 cannot do"));
    }
    let mode = match attributes.iter().find(|(key, _)| *key == MODE).map(|(_, mode)| *mode) {
        Some("BEST_SPEED") => Mode::Fast,
        Some("BEST_COMPRESSION") => Mode::High,
        other => return Err(Corrupt::new(format!("its stored fields are compressed in an unknown way: {other:?}"))),
    };
    Ok(SegmentInfo { max_doc: max_doc.unsigned_abs(), is_compound, mode })
}

fn start<'a>(file: &'a [u8], segment_id: &[u8; 16]) -> Result<(Input<'a>, i32), Corrupt> {
    let body = check_footer(file)?;
    let mut input = Input::new(body);
    index_header(&mut input, "Lucene62SegmentInfo", 0..=1, "")
        .or_else(|_| {
            input = Input::new(body);
            index_header(&mut input, "Lucene50SegmentInfo", 1..=1, "")
        })?
        .belongs_to(segment_id)?;
    // The version as three Int32; the format's documentation says String.
    let _lucene = [input.i32()?, input.i32()?, input.i32()?];
    let max_doc = input.i32()?;
    if max_doc < 0 { Err(input.corrupt("a negative number of documents")) } else { Ok((input, max_doc)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::{TestSegment, footer, segment_info};
    use proptest::prelude::*;

    const SEGMENT: TestSegment = TestSegment { name: "_0", max_doc: 42, deleted: 0 };

    #[test]
    fn the_number_of_documents_is_read_and_the_segment_checked() {
        let file = segment_info(&SEGMENT);
        assert_eq!(max_doc(&file, &SEGMENT.id()), Ok(42));
        assert_eq!(parse(&file, &SEGMENT.id()), Ok(SegmentInfo { max_doc: 42, is_compound: true, mode: Mode::Fast }));
        assert!(max_doc(&file, &[9; 16]).unwrap_err().to_string().contains("another segment"));
        assert!(max_doc(&file[1..], &SEGMENT.id()).is_err());
    }

    #[test]
    fn a_sorted_segment_is_refused() {
        let mut file = segment_info(&SEGMENT);
        file.truncate(file.len() - 17);
        file.push(1);
        assert!(parse(&footer(file), &SEGMENT.id()).unwrap_err().to_string().contains("sorted"));
    }

    proptest! {
        #[test]
        fn garbage_with_a_right_checksum_gives_errors(keep in 0_usize..120, tail in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut file = segment_info(&SEGMENT);
            file.truncate(keep.min(file.len()));
            file.extend(tail);
            let _ = parse(&footer(file), &SEGMENT.id());
        }
    }
}
