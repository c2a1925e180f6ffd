//! `<segment>_<generation>.liv`, which documents are not deleted: `Lucene50LiveDocsFormat`, `Lucene90LiveDocsFormat`.

use super::Corrupt;
use super::header::{check_footer, index_header};
use super::input::{ByteOrder, Input};
use std::ops::Range;

/// Checks a whole `.liv` file and returns where its words are.
///
/// `order` is that of the segment's codec; `generation` the part of its name behind the underscore; `max_doc` and
/// `deleted` count the segment's documents.
///
/// # Errors
/// Fails if the checksum is wrong, the file belongs to another segment, or the counts differ.
pub fn check(
    file: &[u8],
    segment_id: &[u8; 16],
    order: ByteOrder,
    generation: &str,
    max_doc: u32,
    deleted: u32,
) -> Result<Range<usize>, Corrupt> {
    let body = check_footer(file)?;
    let mut input = Input::new(body);
    let codec = match order {
        ByteOrder::Big => "Lucene50LiveDocs",
        ByteOrder::Little => "Lucene90LiveDocs",
    };
    index_header(&mut input, codec, 0..=0, generation)?.belongs_to(segment_id)?;
    let words = input.position()..body.len();
    if words.len() as u64 != u64::from(max_doc).div_ceil(64) * 8 {
        return Err(Corrupt::new(format!("it is not for {max_doc} documents")));
    }
    let live: u32 = input.rest().iter().map(|byte| byte.count_ones()).sum();
    // No bit beyond the last document is set, so that the sum says it all.
    let beyond = (max_doc..max_doc.next_multiple_of(64)).any(|doc| is_live(input.rest(), order, doc));
    if beyond || live.checked_add(deleted) != Some(max_doc) {
        return Err(Corrupt::new(format!("{live} of {max_doc} documents are live, but {deleted} are deleted")));
    }
    Ok(words)
}

/// Tells whether a document is live: words of 64 documents, the first one in the least significant bit.
#[inline]
pub fn is_live(words: &[u8], order: ByteOrder, doc: u32) -> bool {
    let byte = match order {
        ByteOrder::Big => doc / 64 * 8 + (7 - doc % 64 / 8),
        ByteOrder::Little => doc / 8,
    };
    words.get(byte as usize).is_some_and(|byte| byte >> (doc % 8) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::live_docs;
    use proptest::prelude::*;

    const ID: [u8; 16] = [5; 16];

    proptest! {
        #[test]
        fn every_document_is_told(live in proptest::collection::vec(any::<bool>(), 1..300), little: bool) {
            let order = if little { ByteOrder::Little } else { ByteOrder::Big };
            let file = live_docs(ID, order, "2f", &live);
            let max_doc = u32::try_from(live.len()).unwrap();
            let deleted = u32::try_from(live.iter().filter(|live| !**live).count()).unwrap();
            let words = check(&file, &ID, order, "2f", max_doc, deleted).unwrap();
            for (doc, live) in (0..).zip(live) {
                prop_assert_eq!(is_live(&file[words.clone()], order, doc), live);
            }
            prop_assert!(check(&file, &ID, order, "2f", max_doc, deleted + 1).is_err());
            prop_assert!(check(&file, &ID, order, "2f", max_doc + 64, deleted).is_err());
            prop_assert!(check(&file, &ID, order, "2g", max_doc, deleted).is_err());
            prop_assert!(check(&file, &[6; 16], order, "2f", max_doc, deleted).is_err());
        }
    }

    #[test]
    fn bits_beyond_the_last_document_are_refused() {
        let file = live_docs(ID, ByteOrder::Big, "1", &[true, false, true]);
        assert!(check(&file, &ID, ByteOrder::Big, "1", 2, 0).is_err());
    }
}
