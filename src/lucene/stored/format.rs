//! The formats of stored fields.
//!
//! | layout | Lucene | version of `.fdt` | chunks | index |
//! |---|---|---|---|---|
//! | `Lucene50` | 5.0 to 8.4 | 0, 1 | LZ4 or DEFLATE | `.fdx`, blocks of averages and differences |
//! | `Lucene85` | 8.5, 8.6 | 2 | the same | `.fdm` and `.fdx`, monotonic arrays |
//! | `Lucene87` | 8.7, 8.8 | 3 | LZ4 or DEFLATE, with a dictionary at the beginning | the same, with counts |
//! | `Lucene89` | 8.9 to 8.11 | 4 | the same, marked where they are not full | the same, with one count more |
//! | `Lucene90` | 9 | 1 | the same, other numbers ahead | the same, little-endian |
//! | `Zstd814` | 9, in Elasticsearch | 1 | Zstandard, numbers as in `Lucene90` | as in `Lucene90` |
//!
//! The codec's name tells which of them may be: `Lucene84` stayed when `Lucene85` came, `Lucene87` is that of two.

use super::super::codec::Codec;

/// Fast chunks of this many bytes were written until Lucene 8.9 (`Lucene87StoredFieldsFormat`: 10 blocks of 60 KiB).
const FAST_UNTIL_8_9: u32 = 10 * 60 * 1024;

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
    /// The same with the index that came with Lucene 8.5.
    Lucene85,
    /// `Lucene87StoredFieldsFormat`, as it was at first.
    Lucene87,
    /// The same since Lucene 8.9.
    Lucene89,
    /// `Lucene90StoredFieldsFormat`.
    Lucene90,
    /// `Zstd814StoredFieldsFormat` of Elasticsearch.
    Zstd814,
}

/// A layout, a mode and a size of chunks that go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    layout: Layout,
    mode: Mode,
    chunk_size: u32,
}

impl Format {
    /// Returns the newest format of a codec; nothing if it does not have this mode.
    pub fn new(codec: Codec, mode: Mode) -> Option<Self> {
        let layout = Layout::of(codec);
        // Fast Zstandard is behind a flag of development builds.
        (layout != Layout::Zstd814 || mode == Mode::High).then(|| Self::of(layout, mode))
    }

    fn of(layout: Layout, mode: Mode) -> Self {
        let chunk_size = match (layout, mode) {
            (Layout::Lucene50 | Layout::Lucene85, Mode::Fast) => 1 << 14,
            (Layout::Lucene50 | Layout::Lucene85, Mode::High) => 61_440,
            (Layout::Lucene87, Mode::Fast) => FAST_UNTIL_8_9,
            (Layout::Lucene89 | Layout::Lucene90, Mode::Fast) => 10 * 8 * 1024,
            (Layout::Lucene87 | Layout::Lucene89 | Layout::Lucene90, Mode::High) => 10 * 48 * 1024,
            (Layout::Zstd814, _) => 240 * 1024,
        };
        Self { layout, mode, chunk_size }
    }

    /// Returns the format of a `.fdt` file whose header has this version, if the codec of this format has such a one.
    pub fn written_as(self, version: i32) -> Option<Self> {
        let layout = match (self.layout, version) {
            (Layout::Lucene50 | Layout::Lucene85, 0 | 1) => Layout::Lucene50,
            (Layout::Lucene85, 2) => Layout::Lucene85,
            (Layout::Lucene87 | Layout::Lucene89, 3) => Layout::Lucene87,
            (Layout::Lucene89, 4) => Layout::Lucene89,
            (Layout::Lucene90 | Layout::Zstd814, 1) => self.layout,
            _ => return None,
        };
        Some(Self::of(layout, self.mode))
    }

    /// Returns the format with chunks of this size, if it is one that it has had.
    pub fn with_chunks_of(self, size: u32) -> Option<Self> {
        // Lucene 8.9 has the newer version already, and the older size still.
        let other = self.layout == Layout::Lucene89 && self.mode == Mode::Fast && size == FAST_UNTIL_8_9;
        (size == self.chunk_size || other).then_some(Self { chunk_size: size, ..self })
    }

    /// Returns the layout.
    pub fn layout(self) -> Layout {
        self.layout
    }

    /// Returns the mode.
    pub fn mode(self) -> Mode {
        self.mode
    }

    /// Returns whether a chunk says of itself that it is not full.
    pub fn marks_dirty_chunks(self) -> bool {
        !matches!(self.layout, Layout::Lucene50 | Layout::Lucene85 | Layout::Lucene87)
    }

    /// Returns whether the size of chunks is at the beginning of the `.fdt` file, and their number at its end.
    pub fn frames_data(self) -> bool {
        matches!(self.layout, Layout::Lucene50 | Layout::Lucene85)
    }

    /// Returns how many raw bytes make a chunk full; a document may be longer.
    pub fn chunk_size(self) -> u32 {
        self.chunk_size
    }

    /// Returns how many documents make a chunk full.
    pub fn chunk_documents(self) -> u32 {
        match (self.layout, self.mode) {
            (Layout::Lucene50 | Layout::Lucene85, Mode::Fast) => 128,
            (Layout::Lucene50 | Layout::Lucene85, Mode::High) => 512,
            (Layout::Lucene87 | Layout::Lucene89 | Layout::Lucene90, Mode::Fast) => 1024,
            (Layout::Lucene87 | Layout::Lucene89 | Layout::Lucene90, Mode::High) => 4096,
            (Layout::Zstd814, _) => 2048,
        }
    }

    /// Returns what the header of the `.fdt` file says.
    pub fn data_codec(self) -> &'static str {
        match (self.layout, self.mode) {
            (Layout::Lucene50 | Layout::Lucene85, Mode::Fast) => "Lucene50StoredFieldsFastData",
            (Layout::Lucene50 | Layout::Lucene85, Mode::High) => "Lucene50StoredFieldsHighData",
            (Layout::Lucene87 | Layout::Lucene89, Mode::Fast) => "Lucene87StoredFieldsFastData",
            (Layout::Lucene87 | Layout::Lucene89, Mode::High) => "Lucene87StoredFieldsHighData",
            (Layout::Lucene90, Mode::Fast) => "Lucene90StoredFieldsFastData",
            (Layout::Lucene90, Mode::High) => "Lucene90StoredFieldsHighData",
            (Layout::Zstd814, _) => "ZstdStoredFields814",
        }
    }
}

impl Layout {
    /// Returns the newest layout of a codec.
    fn of(codec: Codec) -> Self {
        match codec {
            Codec::Lucene6 => Self::Lucene50,
            Codec::Lucene84 | Codec::Lucene86 => Self::Lucene85,
            Codec::Lucene87 => Self::Lucene89,
            Codec::Lucene912 => Self::Lucene90,
            Codec::Elasticsearch816 => Self::Zstd814,
        }
    }

    /// Returns the key under which the `.si` file of a codec notes the mode.
    pub fn mode_key(codec: Codec) -> &'static str {
        match Self::of(codec) {
            Self::Lucene50 | Self::Lucene85 => "Lucene50StoredFieldsFormat.mode",
            Self::Lucene87 | Self::Lucene89 => "Lucene87StoredFieldsFormat.mode",
            Self::Lucene90 => "Lucene90StoredFieldsFormat.mode",
            Self::Zstd814 => "Zstd814StoredFieldsFormat.mode",
        }
    }
}
