//! `<segment>.si`: `Lucene50SegmentInfoFormat` and `Lucene62SegmentInfoFormat`. Only the number of documents is read.

use super::Corrupt;
use super::header::{check_footer, index_header};
use super::input::Input;

/// Returns the number of documents in the segment, deleted ones and nested ones included.
///
/// # Errors
/// Fails if the checksum is wrong, the file belongs to another segment or does not fit.
pub fn max_doc(file: &[u8], segment_id: &[u8; 16]) -> Result<i32, Corrupt> {
    let body = check_footer(file)?;
    let mut input = Input::new(body);
    let header = index_header(&mut input, "Lucene62SegmentInfo", 0..=1, "").or_else(|_| {
        input = Input::new(body);
        index_header(&mut input, "Lucene50SegmentInfo", 0..=1, "")
    })?;
    if header.id != *segment_id {
        return Err(Corrupt::new("it belongs to another segment"));
    }
    // The version as three Int32; the format's documentation says String.
    let _lucene = [input.i32()?, input.i32()?, input.i32()?];
    let max_doc = input.i32()?;
    if max_doc < 0 { Err(input.corrupt("a negative number of documents")) } else { Ok(max_doc) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::{TestSegment, segment_info};

    #[test]
    fn the_number_of_documents_is_read_and_the_segment_checked() {
        let segment = TestSegment { name: "_0", max_doc: 42, deleted: 0 };
        let file = segment_info(&segment);
        assert_eq!(max_doc(&file, &segment.id()), Ok(42));
        assert!(max_doc(&file, &[9; 16]).unwrap_err().to_string().contains("another segment"));
        assert!(max_doc(&file[1..], &segment.id()).is_err());
    }
}
