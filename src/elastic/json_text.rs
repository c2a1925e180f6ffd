//! JSON text as Elasticsearch takes and keeps it: with comments, which no parser of JSON reads.

/// Where a byte of such a text stands, or what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Between tokens, or in a number or a word.
    Between,
    /// In a string.
    Text,
    /// Behind a backslash in a string.
    Escaped,
    /// Behind what may begin a comment.
    Slash,
    /// In a comment that ends with its line.
    LineComment,
    /// In a comment that has an end of its own.
    Comment,
    /// Behind a star in such a comment.
    Star,
}

/// The comments of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comments {
    /// Those that end with their line.
    OfLines,
    /// All.
    All,
}

impl Place {
    /// Returns where the byte behind `byte` stands, which stands here.
    pub fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Between | Self::Slash, b'"') | (Self::Escaped, _) => Self::Text,
            (Self::Between, b'/') => Self::Slash,
            (Self::Slash, b'/') => Self::LineComment,
            (Self::Slash, b'*') => Self::Comment,
            (Self::Text, b'\\') => Self::Escaped,
            (Self::LineComment, b'\n' | b'\r') | (Self::Text, b'"') | (Self::Star, b'/') | (Self::Slash, _) => {
                Self::Between
            }
            (Self::Comment | Self::Star, b'*') => Self::Star,
            (Self::Star, _) => Self::Comment,
            (place, _) => place,
        }
    }
}

/// Makes spaces of comments. Every other byte stays, where it was.
pub(super) fn blank(text: &mut [u8], comments: Comments) {
    let mut before = Place::Between;
    for at in 0..text.len() {
        let Some(byte) = text.get_mut(at) else { return };
        let after = before.after(*byte);
        let is_comment = match (before, after) {
            (_, Place::LineComment) => true,
            (_, Place::Comment | Place::Star) | (Place::Star, _) => comments == Comments::All,
            _ => false,
        };
        if is_comment {
            *byte = b' ';
            if let (Place::Slash, Some(first)) = (before, text.get_mut(at.wrapping_sub(1))) {
                *first = b' ';
            }
        }
        before = after;
    }
}

/// Returns a text without the mark of UTF-8 that it may begin with; Elasticsearch takes and keeps it.
pub(super) fn without_mark(source: &[u8]) -> &[u8] {
    source.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(source)
}

/// Returns a document without the white space and the comments around it. Elasticsearch keeps and gives both; a comment at
/// the end would take with it what follows.
pub fn without_surroundings(source: &[u8]) -> &[u8] {
    let source = source.trim_ascii();
    let begins_with_comment = source.first() == Some(&b'/');
    if !begins_with_comment && !may_end_with_comment(source) {
        return source;
    }
    // Not on a copy: a document may have 100 MB.
    let (mut start, mut end) = (source.len(), 0);
    let mut keep = |at: usize| (start, end) = (start.min(at), at + 1);
    let mut before = Place::Between;
    for (at, byte) in source.iter().enumerate() {
        let after = before.after(*byte);
        let is_comment = before == Place::Star || matches!(after, Place::LineComment | Place::Comment | Place::Star);
        if before == Place::Slash && !is_comment {
            keep(at - 1);
        }
        if !is_comment && after != Place::Slash && !byte.is_ascii_whitespace() {
            keep(at);
        }
        before = after;
    }
    if before == Place::Slash {
        keep(source.len() - 1);
    }
    source.get(start..end).unwrap_or_default()
}

/// Returns whether a slash follows the end of an object, be it in a string or not: only then is a closer look due.
fn may_end_with_comment(source: &[u8]) -> bool {
    memchr::memchr_iter(b'/', source).any(|at| {
        let front = source.get(..at).unwrap_or_default();
        front.trim_ascii_end().last() == Some(&b'}')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn blanked(text: &str, comments: Comments) -> String {
        let mut text = text.as_bytes().to_vec();
        blank(&mut text, comments);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn comments_become_spaces_and_strings_stay() {
        let text = r#"{"a":"//\"/*",/*"*/"b":[1,/**/2]/*/ { */}"#;
        assert_eq!(blanked(text, Comments::All), r#"{"a":"//\"/*",     "b":[1,    2]        }"#);
        assert_eq!(blanked(text, Comments::OfLines), text);
        for comments in [Comments::OfLines, Comments::All] {
            assert_eq!(blanked("{ // it's \"a\n\"a\": 1 }//\r//", comments), "{           \n\"a\": 1 }  \r  ");
            for same in ["{\"a\\\\\":\"/\",\"b\\\"//\":1}", "/", "1 / 2", ""] {
                assert_eq!(blanked(same, comments), same);
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_left_out_around_a_document_is_what_is_blank_without_comments(text in "[{}/*\"\\\\ \n]{0,14}") {
            let plain = blanked(&text, Comments::All);
            let start = plain.len() - plain.trim_ascii_start().len();
            let expected = text.get(start..start + plain.trim_ascii().len()).unwrap_or_default();
            let found = without_surroundings(text.as_bytes());
            // Where no object ends before a slash, nothing is looked for.
            let is_plain = !text.trim_ascii().starts_with('/') && !may_end_with_comment(text.trim_ascii().as_bytes());
            let expected = if is_plain { text.trim_ascii() } else { expected };
            prop_assert_eq!(std::str::from_utf8(found).unwrap(), expected);
        }
    }

    #[test]
    fn a_document_ends_where_its_object_ends() {
        let document = r#"{"a":"}/ // /*",/* } */"b":{}/**/}"#;
        for (before, behind) in
            [("", ""), (" \n", "\r\n"), ("// {\n/* { */", " // }"), ("", "/* } */ \n// }\n"), ("", "//")]
        {
            let source = format!("{before}{document}{behind}");
            assert_eq!(without_surroundings(source.as_bytes()), document.as_bytes(), "{source}");
        }
        for other in ["", "/", "// a", "[1]"] {
            let expected = if other == "// a" { "" } else { other };
            assert_eq!(without_surroundings(other.as_bytes()), expected.as_bytes());
        }
    }
}
