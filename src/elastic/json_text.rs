//! JSON text as Elasticsearch takes and keeps it: with comments, which no parser of JSON reads.

/// Where a byte of such a text stands, or what follows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// Between tokens, or in a number or a word.
    #[default]
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
