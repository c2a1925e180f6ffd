//! `<segment>.si`: `Lucene50SegmentInfoFormat` to `Lucene99SegmentInfoFormat`.

use super::Corrupt;
use super::codec::Codec;
use super::header::{check_footer, index_header};
use super::input::Input;
use super::stored::{Format, Layout, Mode};

/// What a segment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Documents, deleted ones and nested ones included.
    pub max_doc: u32,
    /// Most of its files are in a compound file.
    pub is_compound: bool,
    /// How its stored fields are laid out and compressed, as the newest of its codec
    /// ([`written_as`](super::stored::written_as)).
    pub stored: Format,
}

/// What a segment has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Documents, deleted ones and nested ones included.
    pub max_doc: u32,
    /// Names of all its files but those that note deletions, which come later.
    pub files: Vec<String>,
}

/// Returns what a segment of Elasticsearch 5 has.
///
/// # Errors
/// Fails if the checksum is wrong, the file belongs to another segment or does not fit.
pub fn contents(file: &[u8], segment_id: &[u8; 16]) -> Result<Contents, Corrupt> {
    let (mut input, max_doc) = start(file, segment_id, Codec::Lucene6)?;
    let _is_compound = flag(&mut input)?;
    let _diagnostics = input.string_map()?;
    let files = input.strings()?.into_iter().map(str::to_owned).collect();
    Ok(Contents { max_doc: max_doc.unsigned_abs(), files })
}

/// Reads a whole `.si` file.
///
/// # Errors
/// Fails if the checksum is wrong, the file belongs to another segment, or anything does not fit to the codec.
pub fn parse(file: &[u8], segment_id: &[u8; 16], codec: Codec) -> Result<SegmentInfo, Corrupt> {
    let (mut input, max_doc) = start(file, segment_id, codec)?;
    let is_compound = flag(&mut input)?;
    if matches!(codec, Codec::Lucene912 | Codec::Elasticsearch816) {
        let _has_blocks = flag(&mut input)?;
    }
    let _diagnostics = input.string_map()?;
    let _files = input.strings()?;
    let attributes = input.string_map()?;
    // The sort order begins with the number of its fields; older formats have none. Of newer ones nothing depends on it.
    if codec == Codec::Lucene6 && !matches!(input.rest(), [] | [0]) {
        return Err(Corrupt::new("its documents are sorted, which Elasticsearch 5 cannot do"));
    }
    let named = attributes.iter().find(|(key, _)| *key == Layout::mode_key(codec)).map(|(_, mode)| *mode);
    let mode = match named {
        Some("BEST_SPEED") => Some(Mode::Fast),
        Some("BEST_COMPRESSION") => Some(Mode::High),
        _ => None,
    };
    let stored = mode.and_then(|mode| Format::new(codec, mode)).ok_or_else(|| {
        Corrupt::new(format!("its stored fields are compressed in an unknown way: {}", named.unwrap_or("unnamed")))
    })?;
    Ok(SegmentInfo { max_doc: max_doc.unsigned_abs(), is_compound, stored })
}

/// Returns the place behind the number of documents, and that number, which is not negative.
fn start<'a>(file: &'a [u8], segment_id: &[u8; 16], codec: Codec) -> Result<(Input<'a>, i32), Corrupt> {
    let body = check_footer(file)?;
    let mut input = Input::new(body);
    let header = match codec {
        Codec::Lucene6 => index_header(&mut input, "Lucene62SegmentInfo", 0..=1, "").or_else(|_| {
            input = Input::new(body);
            index_header(&mut input, "Lucene50SegmentInfo", 1..=1, "")
        }),
        Codec::Lucene84 => index_header(&mut input, "Lucene70SegmentInfo", 0..=0, ""),
        Codec::Lucene86 | Codec::Lucene87 => index_header(&mut input, "Lucene86SegmentInfo", 0..=0, ""),
        // The name stayed when a byte was added in 9.9.
        Codec::Lucene912 | Codec::Elasticsearch816 => index_header(&mut input, "Lucene90SegmentInfo", 0..=0, ""),
    };
    header?.belongs_to(segment_id)?;
    let mut input = input.ordered(codec.order());
    // The version as three Int32; the format's documentation says String.
    let _lucene = [input.i32()?, input.i32()?, input.i32()?];
    if codec != Codec::Lucene6 {
        match input.u8()? {
            0 => {}
            1 => drop([input.i32()?, input.i32()?, input.i32()?]),
            _ => return Err(input.corrupt("neither with an oldest version nor without")),
        }
    }
    let max_doc = input.i32()?;
    if max_doc < 0 { Err(input.corrupt("a negative number of documents")) } else { Ok((input, max_doc)) }
}

/// Reads what Lucene writes for yes and no.
fn flag(input: &mut Input<'_>) -> Result<bool, Corrupt> {
    match input.u8()? {
        1 => Ok(true),
        0xFF => Ok(false),
        _ => Err(input.corrupt("neither yes nor no")),
    }
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
        let stored = Format::new(Codec::Lucene6, Mode::Fast).unwrap();
        assert_eq!(contents(&file, &SEGMENT.id()), Ok(Contents { max_doc: 42, files: Vec::new() }));
        assert_eq!(
            parse(&file, &SEGMENT.id(), Codec::Lucene6),
            Ok(SegmentInfo { max_doc: 42, is_compound: true, stored })
        );
        assert!(contents(&file, &[9; 16]).unwrap_err().to_string().contains("another segment"));
        assert!(contents(&file[1..], &SEGMENT.id()).is_err());
    }

    #[test]
    fn a_sorted_segment_is_refused() {
        let mut file = segment_info(&SEGMENT);
        file.truncate(file.len() - 17);
        file.push(1);
        assert!(parse(&footer(file), &SEGMENT.id(), Codec::Lucene6).unwrap_err().to_string().contains("sorted"));
    }

    proptest! {
        #[test]
        fn garbage_with_a_right_checksum_gives_errors(keep in 0_usize..120, tail in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut file = segment_info(&SEGMENT);
            file.truncate(keep.min(file.len()));
            file.extend(tail);
            let _ = parse(&footer(file), &SEGMENT.id(), Codec::Lucene6);
        }
    }
}
