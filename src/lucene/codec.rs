//! Codecs: what the files of a segment are like, by the name that the commit gives.
//!
//! An index that was upgraded has segments of several codecs, so that the version of Elasticsearch says nothing here.
//!
//! | name in the commit | written by Elasticsearch |
//! |---|---|
//! | `Lucene50`, `53`, `54`, `60`, `62` | 2 and 5 |
//! | `Lucene84` | 7.6 to 7.8 |
//! | `Lucene86` | 7.9 |
//! | `Lucene87` | 7.10 to 7.17 |
//! | `Lucene99` | 8.12 to 8.15 |
//! | `Lucene912` | 8.16 and later, as long as nothing else was asked for |
//! | `Elasticsearch816` | 8.16 and later, `index.codec: best_compression` |
//!
//! Only what was compared with real nodes is here. The codecs in between differ in small things from these; taking them
//! for one another would be a guess. Under two of the names stored fields are of several
//! [formats](super::stored::format), which the files themselves tell.

use super::input::ByteOrder;

/// How a segment was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Lucene 5.0 to 6.6: what matters here did not change in between.
    Lucene6,
    /// Lucene 8.4 and 8.5: sequence numbers and soft deletes came, stored fields stayed; in 8.5 they got another index.
    Lucene84,
    /// Lucene 8.6: what describes a segment is of another version.
    Lucene86,
    /// Lucene 8.7 to 8.11: stored fields have preset dictionaries.
    Lucene87,
    /// Lucene 9.9 to 9.12, which differ in postings only: integers are little-endian.
    Lucene912,
    /// As before, but stored fields are compressed by Zstandard.
    Elasticsearch816,
}

impl Codec {
    /// Returns the codec of this name in data of Elasticsearch 5, if it is one.
    pub fn of_elasticsearch5(name: &str) -> Option<Self> {
        matches!(name, "Lucene50" | "Lucene53" | "Lucene54" | "Lucene60" | "Lucene62").then_some(Self::Lucene6)
    }

    /// Returns the codec of this name in data of Elasticsearch 7 or 8, if it is a known one.
    pub fn of_elasticsearch7_or_8(name: &str) -> Option<Self> {
        match name {
            "Lucene84" => Some(Self::Lucene84),
            "Lucene86" => Some(Self::Lucene86),
            "Lucene87" => Some(Self::Lucene87),
            "Lucene99" | "Lucene912" => Some(Self::Lucene912),
            "Elasticsearch816" => Some(Self::Elasticsearch816),
            _ => None,
        }
    }

    /// Returns the order of integers in all files of the segment, headers and footers apart.
    pub fn order(self) -> ByteOrder {
        match self {
            Self::Lucene6 | Self::Lucene84 | Self::Lucene86 | Self::Lucene87 => ByteOrder::Big,
            Self::Lucene912 | Self::Elasticsearch816 => ByteOrder::Little,
        }
    }
}
