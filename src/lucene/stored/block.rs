//! The compressed bytes of a chunk: one block of all, or one for each chunk size of raw bytes.
//!
//! ```text
//! until 8.6   LZ4 as in [`lz4`](super::super::lz4), or VInt length and raw DEFLATE
//! since 8.7   VInt dictionary's length, VInt sub-block's length, then
//!             LZ4:     VInt length of the compressed dictionary and of each compressed sub-block, dictionary, sub-blocks
//!             DEFLATE: dictionary and sub-blocks, each as VInt length and raw DEFLATE
//! Zstandard   VInt length, one frame; nothing at all where there is nothing
//! ```
//!
//! What is called a dictionary is the beginning of the raw bytes itself. Every sub-block may refer to it as if it stood
//! directly ahead, but not to other sub-blocks.

use super::super::input::Input;
use super::super::{Corrupt, lz4};
use super::{Format, Layout, Mode};
use flate2::{Decompress, FlushDecompress, Status};
use ruzstd::decoding::FrameDecoder;
use std::fmt;

/// Zstandard must not look back further: frames are compressed with their length known, which bounds the window.
const MAX_WINDOW: u64 = 8 << 20;

/// Decompresses blocks of one format.
pub struct Decompressor {
    format: Format,
    inflater: Decompress,
    zstd: FrameDecoder,
}

impl fmt::Debug for Decompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decompressor").field("format", &self.format).finish_non_exhaustive()
    }
}

impl Decompressor {
    /// Returns a decompressor for this format.
    pub fn new(format: Format) -> Self {
        let mut zstd = FrameDecoder::new();
        zstd.set_max_window_size(MAX_WINDOW);
        Self { format, inflater: Decompress::new(false), zstd }
    }

    /// Returns the format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Fills the output from the block at this place.
    ///
    /// # Errors
    /// Fails if the block is broken or does not fill the output exactly.
    pub fn decompress(&mut self, input: &mut Input<'_>, output: &mut [u8]) -> Result<(), Corrupt> {
        match (self.format.layout(), self.format.mode()) {
            (Layout::Lucene50, Mode::Fast) => {
                let used = lz4::decompress(input.rest(), &[], output);
                input.bytes(used.ok_or_else(|| input.corrupt("a broken LZ4 block"))?).map(drop)
            }
            (Layout::Lucene50, Mode::High) => self.inflate(input, &[], output),
            (Layout::Lucene87 | Layout::Lucene90, mode) => self.with_dictionary(mode, input, output),
            (Layout::Zstd814, _) => self.unzstd(input, output),
        }
    }

    fn with_dictionary(&mut self, mode: Mode, input: &mut Input<'_>, output: &mut [u8]) -> Result<(), Corrupt> {
        let dictionary_length = input.natural()? as usize;
        let block_length = input.natural()? as usize;
        let Some((dictionary, rest)) = output.split_at_mut_checked(dictionary_length) else {
            return Err(input.corrupt("a dictionary that is longer than its block"));
        };
        if block_length == 0 && !rest.is_empty() {
            return Err(input.corrupt("sub-blocks without length"));
        }
        // The length matters only where there is something to be cut.
        let block_length = block_length.max(1);
        match mode {
            Mode::Fast => {
                // Lengths come first, and are read a second time beside the blocks: nothing to be kept.
                let mut lengths = input.clone();
                for _ in 0..=rest.len().div_ceil(block_length) {
                    input.natural()?;
                }
                unlz4(&mut lengths, input, &[], dictionary)?;
                rest.chunks_mut(block_length).try_for_each(|block| unlz4(&mut lengths, input, dictionary, block))
            }
            Mode::High => {
                self.inflate(input, &[], dictionary)?;
                rest.chunks_mut(block_length).try_for_each(|block| self.inflate(input, dictionary, block))
            }
        }
    }

    /// Fills the output from exactly one DEFLATE block.
    fn inflate(&mut self, input: &mut Input<'_>, dictionary: &[u8], output: &mut [u8]) -> Result<(), Corrupt> {
        let length = input.count()?;
        let block = input.bytes(length)?;
        let broken = || input.corrupt("a broken DEFLATE block ahead");
        if block.is_empty() {
            return if output.is_empty() { Ok(()) } else { Err(broken()) };
        }
        self.inflater.reset(false);
        if !dictionary.is_empty() {
            self.inflater.set_dictionary(dictionary).map_err(|_| broken())?;
        }
        let status = self.inflater.decompress(block, output, FlushDecompress::Finish).map_err(|_| broken())?;
        let whole = self.inflater.total_in() == block.len() as u64 && self.inflater.total_out() == output.len() as u64;
        if status == Status::StreamEnd && whole { Ok(()) } else { Err(broken()) }
    }

    /// Fills the output from exactly one frame.
    fn unzstd(&mut self, input: &mut Input<'_>, output: &mut [u8]) -> Result<(), Corrupt> {
        if output.is_empty() {
            return Ok(());
        }
        let length = input.count()?;
        let frame = input.bytes(length)?;
        let written = self.zstd.decode_all(frame, output).ok();
        if written == Some(output.len()) && self.zstd.content_size() == output.len() as u64 {
            Ok(())
        } else {
            Err(input.corrupt("a broken Zstandard block ahead"))
        }
    }
}

fn unlz4(lengths: &mut Input<'_>, input: &mut Input<'_>, dictionary: &[u8], output: &mut [u8]) -> Result<(), Corrupt> {
    let length = lengths.natural()? as usize;
    let block = input.bytes(length)?;
    if lz4::decompress(block, dictionary, output) == Some(length) {
        Ok(())
    } else {
        Err(input.corrupt("a broken LZ4 block ahead"))
    }
}
