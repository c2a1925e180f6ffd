//! What is compressed in pages and in the log (`ext/compressors/`).
//!
//! ```text
//! snappy   u64 length  raw snappy of that length
//! zstd     u64 length  one frame of that length
//! zlib     a zlib stream
//! ```
//! Zeros may follow. How long the content is stands elsewhere; memory is only taken where the stream can be as long.

use super::integers::Reader;
use super::{Corrupt, Result};
use std::fmt::Display;
use std::io::Read;

/// The beginning of a zstd frame.
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// Bytes that one byte can become at most: 64 from a copy of three; 258 from two bits; 128 KiB from a block of four.
const MOST_OF_SNAPPY: usize = 22;
const MOST_OF_ZLIB: usize = 1032;
const MOST_OF_ZSTD: usize = 32 << 10;

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compressor {
    /// Not at all.
    None,
    /// Snappy, without frames.
    Snappy,
    /// A zlib stream.
    Zlib,
    /// A Zstandard frame.
    Zstd,
}

impl Compressor {
    /// Returns what `block_compressor` names.
    ///
    /// # Errors
    /// Fails for one that MongoDB does not have.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "" | "none" => Ok(Self::None),
            "snappy" => Ok(Self::Snappy),
            "zlib" | "zlib-noraw" => Ok(Self::Zlib),
            "zstd" => Ok(Self::Zstd),
            other => Err(Corrupt::new(format!("the unknown compressor {other}"))),
        }
    }

    /// Decompresses `stored` into the `length` bytes behind the first `begin` of `out`, which ends there.
    ///
    /// # Errors
    /// Fails if it does not become exactly so many.
    pub fn decompress(self, stored: &[u8], begin: usize, length: usize, out: &mut Vec<u8>) -> Result<()> {
        let failed = |cause: &dyn Display| Corrupt::new(format!("data that cannot be decompressed ({cause})"));
        match self {
            Self::None => Err(Corrupt::new("compressed data in a table without compression")),
            Self::Snappy => {
                let stream = prefixed(stored)?;
                let told = snap::raw::decompress_len(stream).map_err(|cause| failed(&cause))?;
                require(told == length && length / MOST_OF_SNAPPY <= stream.len())?;
                let mut decoder = snap::raw::Decoder::new();
                decoder.decompress(stream, room(out, begin, length)).map_err(|cause| failed(&cause)).map(drop)
            }
            Self::Zstd => {
                let mut stream = prefixed(stored)?;
                require(length / MOST_OF_ZSTD <= stream.len())?;
                let decoder = ruzstd::decoding::StreamingDecoder::new(&mut stream).map_err(|cause| failed(&cause))?;
                fill(decoder, room(out, begin, length)).map_err(|cause| failed(&cause))
            }
            Self::Zlib => {
                require(length / MOST_OF_ZLIB <= stored.len())?;
                fill(flate2::read::ZlibDecoder::new(stored), room(out, begin, length)).map_err(|cause| failed(&cause))
            }
        }
    }
}

/// Decompresses what names no compressor: the beginnings of the three are never the same.
///
/// # Errors
/// As [`Compressor::decompress`].
pub fn decompressed_by_any(stored: &[u8], length: usize) -> Result<Vec<u8>> {
    let compressor = match prefixed(stored) {
        Ok(stream) if stream.starts_with(&ZSTD) => Compressor::Zstd,
        Ok(stream) if snap::raw::decompress_len(stream).is_ok_and(|told| told == length) => Compressor::Snappy,
        _ => Compressor::Zlib,
    };
    let mut content = Vec::new();
    compressor.decompress(stored, 0, length, &mut content)?;
    Ok(content)
}

/// Makes `out` end `length` bytes behind the first `begin`, and returns these bytes.
fn room(out: &mut Vec<u8>, begin: usize, length: usize) -> &mut [u8] {
    out.resize(begin.saturating_add(length), 0);
    out.get_mut(begin..).unwrap_or_default()
}

fn require(possible: bool) -> Result<()> {
    match possible {
        true => Ok(()),
        false => Err(Corrupt::new("data that are decompressed to another length")),
    }
}

/// Reads exactly so many bytes, and makes sure that there are no more.
fn fill(mut decoder: impl Read, target: &mut [u8]) -> std::io::Result<()> {
    decoder.read_exact(target)?;
    match decoder.read(&mut [0])? {
        0 => Ok(()),
        _ => Err(std::io::Error::other("there is more than there should be")),
    }
}

/// Returns the stream behind its length, which stands in eight bytes.
fn prefixed(stored: &[u8]) -> Result<&[u8]> {
    let mut reader = Reader::new(stored);
    let length = reader.u64()?;
    reader.bytes(usize::try_from(length).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snappy(content: &[u8]) -> Vec<u8> {
        let stream = snap::raw::Encoder::new().compress_vec(content).unwrap();
        [&(stream.len() as u64).to_le_bytes()[..], &stream, &[0; 9]].concat()
    }

    #[test]
    fn content_comes_behind_what_is_there_and_has_exactly_the_length_that_was_told() {
        let content = b"abcabcabcabcabcabcabcabcabcabc".repeat(20);
        let stored = snappy(&content);
        let mut out = b"head and what a larger page has left".to_vec();
        Compressor::Snappy.decompress(&stored, 4, content.len(), &mut out).unwrap();
        assert_eq!((&out[..4], &out[4..]), (&b"head"[..], &content[..]));
        for other in [content.len() - 1, content.len() + 1] {
            assert!(Compressor::Snappy.decompress(&stored, 4, other, &mut out).is_err());
        }
        assert!(Compressor::None.decompress(&stored, 4, content.len(), &mut out).is_err());
        assert_eq!(decompressed_by_any(&stored, content.len()).unwrap(), content);
        assert!(Compressor::named("lz4").is_err());
    }

    #[test]
    fn no_memory_is_taken_for_a_length_that_the_stream_cannot_have() {
        // A snappy stream that tells of 4 GiB less one byte and has three bytes.
        let forged = [&8_u64.to_le_bytes()[..], &[0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, b'a', 0]].concat();
        for compressor in [Compressor::Snappy, Compressor::Zlib, Compressor::Zstd] {
            let mut out = Vec::new();
            assert!(compressor.decompress(&forged, 0, u32::MAX as usize, &mut out).is_err());
            assert_eq!(out.capacity(), 0, "{compressor:?}");
        }
    }
}
