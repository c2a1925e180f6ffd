//! Stored fields: `.fdt` (data), `.fdx` and `.fdm` (where its chunks are), as `CompressingStoredFieldsFormat` of Lucene 5
//! to 8, its heir in Lucene 9, and that of Elasticsearch 8 write them.
//!
//! | module | subject |
//! |---|---|
//! | [`format`] | the formats there are |
//! | [`index`] | parts of the `.fdt` that can be read alone, from the index of Lucene 5 to 8.4 |
//! | [`monotonic`] | the same from the index since Lucene 8.5 |
//! | [`chunk`] | some documents, compressed together |
//! | [`block`] | the compressed bytes of a chunk |
//! | [`fields`] | the fields of one document |
//!
//! ```text
//! .fdt   IndexHeader, chunks, Footer; until Lucene 8.6:
//!        IndexHeader, VInt chunk size, VInt packed integers' version, chunks, VLong chunks, VLong dirty chunks, Footer
//! ```

pub mod block;
pub mod chunk;
pub mod fields;
pub mod format;
pub mod index;
pub mod monotonic;

pub use format::{Format, Layout, Mode};

use super::header::{check_footer_shape, index_header};
use super::input::Input;
use super::{Corrupt, packed};
use index::ChunkIndex;

/// Returns the format in which a whole `.fdt` file was written, of those that its codec has had; the size of its chunks is
/// still that of the newest.
///
/// # Errors
/// Fails if the file belongs to another segment or is of another format.
pub fn written_as(file: &[u8], segment_id: &[u8; 16], newest: Format) -> Result<Format, Corrupt> {
    let mut input = Input::new(file);
    let header = index_header(&mut input, newest.data_codec(), 0..=4, "")?.belongs_to(segment_id)?;
    let unknown = || Corrupt::new(format!("its codec has no version {} of stored fields", header.version));
    newest.written_as(header.version).ok_or_else(unknown)
}

/// Checks what is around the chunks of a whole `.fdt` file against its index. The checksum is not looked at: see
/// [`super::header::check_footer`].
///
/// # Errors
/// Fails if the file belongs to another segment, is of another format, or does not fit to the index.
pub fn check_frame(file: &[u8], segment_id: &[u8; 16], format: Format, index: &ChunkIndex) -> Result<(), Corrupt> {
    let body = check_footer_shape(file)?;
    let mut input = Input::new(body);
    let versions = match format.layout() {
        Layout::Lucene50 => 0..=1,
        Layout::Lucene85 => 2..=2,
        Layout::Lucene87 => 3..=3,
        Layout::Lucene89 => 4..=4,
        Layout::Lucene90 | Layout::Zstd814 => 1..=1,
    };
    let header = index_header(&mut input, format.data_codec(), versions, "")?.belongs_to(segment_id)?;
    if format.frames_data() {
        if input.natural()? != format.chunk_size() {
            return Err(input.corrupt("an unknown size of chunks"));
        }
        if input.natural()? != packed::VERSION {
            return Err(input.corrupt("an unknown version of packed integers"));
        }
    }
    if input.position() != index.start() {
        return Err(Corrupt::new(format!("its index says that the first chunk is at offset {}", index.start())));
    }
    let mut input = Input::at(body, index.end());
    // Lucene counts chunks since 5.2, and elsewhere since 8.7.
    let counts = format.frames_data() && header.version > 0;
    if counts && (input.vlong()? != u64::from(index.chunks()) || input.vlong()? > index.chunks().into()) {
        return Err(Corrupt::new(format!("its index says that it has {} chunks", index.chunks())));
    }
    if index.end() > body.len() || !input.rest().is_empty() {
        return Err(Corrupt::new(format!("its index says that the last chunk ends at offset {}", index.end())));
    }
    Ok(())
}
