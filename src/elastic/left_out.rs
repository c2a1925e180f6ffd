//! Documents that the user accepted to leave out, in whatever form the target had refused them.

use super::document::on_one_line;
use super::repair::without_duplicate_keys;
use crate::transfer::{Accepted, DocumentRef};
use std::borrow::Cow;

/// Returns whether a document is accepted to be left out: as it is; as it is sent, on one line; or as it is sent once more,
/// without the keys that occur twice.
pub(super) fn leaves_out(accepted: &Accepted, index: &str, document: &DocumentRef<'_>) -> bool {
    accepted.leaves_out(index, document, |source| {
        let line = on_one_line(source);
        let repaired = without_duplicate_keys(&line).map(|repaired| Cow::Owned(repaired.to_vec()));
        [Cow::Borrowed(source), line].into_iter().chain(repaired).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_left_out_in_whatever_form_it_was_refused() {
        let source = b"{\"a\":1,\n\"a\":2,\"b\":\"x\"}";
        let document = DocumentRef { id: "a", kind: None, routing: None, source };
        let line = on_one_line(source);
        let repaired = without_duplicate_keys(&line).unwrap();
        for form in [&source[..], &line, &repaired] {
            let mut accepted = Accepted::default();
            accepted.insert("x".into(), document.key(), form);
            assert!(leaves_out(&accepted, "x", &document));
            assert!(!leaves_out(&accepted, "x", &DocumentRef { source: br#"{"a":1,"a":3,"b":"x"}"#, ..document }));
        }
    }
}
