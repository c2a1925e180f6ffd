//! `<segment>_<generation>.liv`, which documents are not deleted:
//! `org.apache.lucene.codecs.lucene50.Lucene50LiveDocsFormat`.

use super::Corrupt;
use super::header::{check_footer, index_header};
use super::input::Input;
use std::ops::Range;

/// Checks a whole `.liv` file and returns where its words are.
///
/// `generation` is the part of its name behind the underscore; `max_doc` and `deleted` count the segment's documents.
///
/// # Errors
/// Fails if the checksum is wrong, the file belongs to another segment, or the counts differ.
pub fn check(
    file: &[u8],
    segment_id: &[u8; 16],
    generation: &str,
    max_doc: u32,
    deleted: u32,
) -> Result<Range<usize>, Corrupt> {
    let body = check_footer(file)?;
    let mut input = Input::new(body);
    index_header(&mut input, "Lucene50LiveDocs", 0..=0, generation)?.belongs_to(segment_id)?;
    let words = input.position()..body.len();
    if words.len() as u64 != u64::from(max_doc).div_ceil(64) * 8 {
        return Err(Corrupt::new(format!("it is not for {max_doc} documents")));
    }
    let live: u32 = input.rest().iter().map(|byte| byte.count_ones()).sum();
    // No bit beyond the last document is set, so that the sum says it all.
    let beyond = (max_doc..max_doc.next_multiple_of(64)).any(|doc| is_live(input.rest(), doc));
    if beyond || live.checked_add(deleted) != Some(max_doc) {
        return Err(Corrupt::new(format!("{live} of {max_doc} documents are live, but {deleted} are deleted")));
    }
    Ok(words)
}

/// Tells whether a document is live: big-endian words of 64 documents, the first one in the least significant bit.
#[inline]
pub fn is_live(words: &[u8], doc: u32) -> bool {
    let byte = (doc / 64 * 8 + (7 - doc % 64 / 8)) as usize;
    words.get(byte).is_some_and(|byte| byte >> (doc % 8) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::live_docs;
    use proptest::prelude::*;

    const ID: [u8; 16] = [5; 16];

    proptest! {
        #[test]
        fn every_document_is_told(live in proptest::collection::vec(any::<bool>(), 1..300)) {
            let file = live_docs(ID, "2f", &live);
            let max_doc = u32::try_from(live.len()).unwrap();
            let deleted = u32::try_from(live.iter().filter(|live| !**live).count()).unwrap();
            let words = check(&file, &ID, "2f", max_doc, deleted).unwrap();
            for (doc, live) in (0..).zip(live) {
                prop_assert_eq!(is_live(&file[words.clone()], doc), live);
            }
            prop_assert!(check(&file, &ID, "2f", max_doc, deleted + 1).is_err());
            prop_assert!(check(&file, &ID, "2f", max_doc + 64, deleted).is_err());
            prop_assert!(check(&file, &ID, "2g", max_doc, deleted).is_err());
            prop_assert!(check(&file, &[6; 16], "2f", max_doc, deleted).is_err());
        }
    }

    #[test]
    fn bits_beyond_the_last_document_are_refused() {
        let file = live_docs(ID, "1", &[true, false, true]);
        assert!(check(&file, &ID, "1", 2, 0).is_err());
    }
}
