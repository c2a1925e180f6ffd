//! The formats of stored fields.
//!
//! | layout | chunks | index |
//! |---|---|---|
//! | `Lucene50` | LZ4 or DEFLATE | `.fdx`, blocks of averages and differences |
//! | `Lucene87` | LZ4 or DEFLATE, with a dictionary at the beginning | `.fdm` and `.fdx`, monotonic arrays |
//! | `Lucene90` | the same, other numbers ahead | the same, little-endian |
//! | `Zstd814` | Zstandard, numbers as in `Lucene90` | as in `Lucene90` |

use super::super::codec::Codec;

/// How stored fields are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `BEST_SPEED`: LZ4.
    Fast,
    /// `BEST_COMPRESSION`: DEFLATE, or Zstandard where the layout says so.
    High,
}

/// How chunks and their index are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `Lucene50StoredFieldsFormat`.
    Lucene50,
    /// `Lucene87StoredFieldsFormat`.
    Lucene87,
    /// `Lucene90StoredFieldsFormat`.
    Lucene90,
    /// `Zstd814StoredFieldsFormat` of Elasticsearch.
    Zstd814,
}

/// A layout and a mode that go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    layout: Layout,
    mode: Mode,
}

impl Format {
    /// Returns the format of a segment; nothing if this codec does not have this mode.
    pub fn new(codec: Codec, mode: Mode) -> Option<Self> {
        let layout = Layout::of(codec);
        // Fast Zstandard is behind a flag of development builds.
        (layout != Layout::Zstd814 || mode == Mode::High).then_some(Self { layout, mode })
    }

    /// Returns the layout.
    pub fn layout(self) -> Layout {
        self.layout
    }

    /// Returns the mode.
    pub fn mode(self) -> Mode {
        self.mode
    }

    /// Returns how many raw bytes make a chunk full; a document may be longer.
    pub fn chunk_size(self) -> u32 {
        match (self.layout, self.mode) {
            (Layout::Lucene50, Mode::Fast) => 1 << 14,
            (Layout::Lucene50, Mode::High) => 61_440,
            (Layout::Lucene87 | Layout::Lucene90, Mode::Fast) => 10 * 8 * 1024,
            (Layout::Lucene87 | Layout::Lucene90, Mode::High) => 10 * 48 * 1024,
            (Layout::Zstd814, _) => 240 * 1024,
        }
    }

    /// Returns how many documents make a chunk full.
    pub fn chunk_documents(self) -> u32 {
        match (self.layout, self.mode) {
            (Layout::Lucene50, Mode::Fast) => 128,
            (Layout::Lucene50, Mode::High) => 512,
            (Layout::Lucene87 | Layout::Lucene90, Mode::Fast) => 1024,
            (Layout::Lucene87 | Layout::Lucene90, Mode::High) => 4096,
            (Layout::Zstd814, _) => 2048,
        }
    }

    /// Returns what the header of the `.fdt` file says.
    pub fn data_codec(self) -> &'static str {
        match (self.layout, self.mode) {
            (Layout::Lucene50, Mode::Fast) => "Lucene50StoredFieldsFastData",
            (Layout::Lucene50, Mode::High) => "Lucene50StoredFieldsHighData",
            (Layout::Lucene87, Mode::Fast) => "Lucene87StoredFieldsFastData",
            (Layout::Lucene87, Mode::High) => "Lucene87StoredFieldsHighData",
            (Layout::Lucene90, Mode::Fast) => "Lucene90StoredFieldsFastData",
            (Layout::Lucene90, Mode::High) => "Lucene90StoredFieldsHighData",
            (Layout::Zstd814, _) => "ZstdStoredFields814",
        }
    }
}

impl Layout {
    fn of(codec: Codec) -> Self {
        match codec {
            Codec::Lucene6 | Codec::Lucene84 => Self::Lucene50,
            Codec::Lucene87 => Self::Lucene87,
            Codec::Lucene912 => Self::Lucene90,
            Codec::Elasticsearch816 => Self::Zstd814,
        }
    }

    /// Returns the key under which the `.si` file of a codec notes the mode.
    pub fn mode_key(codec: Codec) -> &'static str {
        match Self::of(codec) {
            Self::Lucene50 => "Lucene50StoredFieldsFormat.mode",
            Self::Lucene87 => "Lucene87StoredFieldsFormat.mode",
            Self::Lucene90 => "Lucene90StoredFieldsFormat.mode",
            Self::Zstd814 => "Zstd814StoredFieldsFormat.mode",
        }
    }
}
