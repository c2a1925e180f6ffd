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
            (Layout::Lucene50 | Layout::Lucene85, Mode::Fast) => {
                let used = lz4::decompress(input.rest(), &[], output);
                input.bytes(used.ok_or_else(|| input.corrupt("a broken LZ4 block"))?).map(drop)
            }
            (Layout::Lucene50 | Layout::Lucene85, Mode::High) => self.inflate(input, &[], output),
            (Layout::Lucene87 | Layout::Lucene89 | Layout::Lucene90, mode) => self.with_dictionary(mode, input, output),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::codec::Codec;
    use crate::lucene::testing::put_block;
    use proptest::prelude::*;

    fn format() -> impl Strategy<Value = Format> {
        let codec =
            prop_oneof![Just(Codec::Lucene6), Just(Codec::Lucene84), Just(Codec::Lucene87), Just(Codec::Lucene912)];
        let mode = prop_oneof![Just(Mode::Fast), Just(Mode::High)];
        prop_oneof![
            6 => (codec, mode).prop_map(|(codec, mode)| Format::new(codec, mode).unwrap()),
            1 => Just(Format::new(Codec::Elasticsearch816, Mode::High).unwrap()),
        ]
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        let word =
            prop_oneof![Just("a"), Just("loss "), Just("{\"iter\":"), Just("0.125,"), Just("zzzzzzzzzzzzzzzzzzzz")];
        proptest::collection::vec(word, 0..400).prop_map(|words| words.concat().into_bytes())
    }

    proptest! {
        #[test]
        fn what_is_compressed_comes_out(format in format(), raw in text()) {
            let mut bytes = Vec::new();
            put_block(&mut bytes, format, &raw);
            let length = bytes.len();
            bytes.extend(b"what follows");
            let mut input = Input::new(&bytes);
            let mut output = vec![0; raw.len()];
            let mut decompressor = Decompressor::new(format);
            decompressor.decompress(&mut input, &mut output).unwrap();
            prop_assert_eq!(&output, &raw);
            prop_assert_eq!(input.position(), length);
            // The same decompressor, after an error in between.
            prop_assume!(!raw.is_empty());
            prop_assert!(decompressor.decompress(&mut Input::new(&bytes[..length - 1]), &mut output).is_err());
            prop_assert!(decompressor.decompress(&mut Input::new(&bytes), &mut vec![0; raw.len() + 1]).is_err());
            decompressor.decompress(&mut Input::new(&bytes), &mut output).unwrap();
            prop_assert_eq!(&output, &raw);
        }

        #[test]
        fn garbage_gives_errors(
            format in format(),
            raw in text(),
            place: usize,
            garbage in proptest::collection::vec(any::<u8>(), 1..6),
        ) {
            let mut bytes = Vec::new();
            put_block(&mut bytes, format, &raw);
            // The lengths ahead are the more interesting place.
            let place = place % (bytes.len() + 1).min(40);
            bytes.iter_mut().skip(place).zip(garbage).for_each(|(byte, garbage)| *byte = garbage);
            let _ = Decompressor::new(format).decompress(&mut Input::new(&bytes), &mut vec![0; raw.len()]);
        }
    }

    #[test]
    fn nothing_is_what_the_nodes_write_for_it() {
        let codecs =
            [(Codec::Lucene87, Mode::Fast), (Codec::Lucene87, Mode::High), (Codec::Elasticsearch816, Mode::High)];
        for ((codec, mode), written) in codecs.into_iter().zip([&[0, 0, 1, 0][..], &[0, 0, 0], &[]]) {
            let mut input = Input::new(written);
            Decompressor::new(Format::new(codec, mode).unwrap()).decompress(&mut input, &mut []).unwrap();
            assert!(input.rest().is_empty());
        }
    }

    #[test]
    fn a_frame_with_a_huge_window_is_refused() {
        // A window of 512 MiB, and a block of one byte 17 times.
        let frame = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 19 << 3, 17 << 3 | 3, 0, 0, b'a'];
        let block: Vec<u8> = [frame.len() as u8].into_iter().chain(frame).collect();
        let format = Format::new(Codec::Elasticsearch816, Mode::High).unwrap();
        assert!(Decompressor::new(format).decompress(&mut Input::new(&block), &mut [0; 17]).is_err());
    }
}
