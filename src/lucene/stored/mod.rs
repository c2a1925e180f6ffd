//! Stored fields: `.fdt` (data) and `.fdx` (where its chunks are), as
//! `org.apache.lucene.codecs.compressing.CompressingStoredFieldsFormat` of Lucene 5 and 6 writes them.
//!
//! | module | subject |
//! |---|---|
//! | [`index`] | `.fdx`: parts of the `.fdt` that can be read alone |
//! | [`chunk`] | some documents, compressed together |
//! | [`fields`] | the fields of one document |
//!
//! ```text
//! .fdt   IndexHeader, VInt chunk size, VInt packed integers' version, chunks, VLong chunks, VLong dirty chunks, Footer
//! ```

pub mod chunk;
pub mod fields;
pub mod index;

use super::header::{check_footer_shape, index_header};
use super::input::Input;
use super::segment_info::Mode;
use super::{Corrupt, packed};
use index::Index;

impl Mode {
    /// Returns how many raw bytes make a chunk full; a document may be longer.
    pub fn chunk_size(self) -> u32 {
        match self {
            Self::Fast => 1 << 14,
            Self::High => 61_440,
        }
    }

    /// Returns how many documents make a chunk full.
    pub fn chunk_documents(self) -> u32 {
        match self {
            Self::Fast => 128,
            Self::High => 512,
        }
    }

    fn codec(self) -> &'static str {
        match self {
            Self::Fast => "Lucene50StoredFieldsFast",
            Self::High => "Lucene50StoredFieldsHigh",
        }
    }
}

/// Checks what is around the chunks of a whole `.fdt` file against its index. The checksum is not looked at: see
/// [`super::header::check_footer`].
///
/// # Errors
/// Fails if the file belongs to another segment, is of another format, or does not fit to the index.
pub fn check_frame(file: &[u8], segment_id: &[u8; 16], mode: Mode, index: &Index) -> Result<(), Corrupt> {
    let body = check_footer_shape(file)?;
    let mut input = Input::new(body);
    let header = index_header(&mut input, &format!("{}Data", mode.codec()), 0..=1, "")?.belongs_to(segment_id)?;
    if input.natural()? != mode.chunk_size() {
        return Err(input.corrupt("an unknown size of chunks"));
    }
    if input.natural()? != packed::VERSION {
        return Err(input.corrupt("an unknown version of packed integers"));
    }
    if input.position() != index.start() {
        return Err(Corrupt::new(format!("its index says that the first chunk is at offset {}", index.start())));
    }
    let mut input = Input::at(body, index.end());
    // Lucene counts chunks since 5.2.
    if header.version > 0 && (input.vlong()? != u64::from(index.chunks()) || input.vlong()? > index.chunks().into()) {
        return Err(Corrupt::new(format!("its index says that it has {} chunks", index.chunks())));
    }
    if index.end() > body.len() || !input.rest().is_empty() {
        return Err(Corrupt::new(format!("its index says that the last chunk ends at offset {}", index.end())));
    }
    Ok(())
}
