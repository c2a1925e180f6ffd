//! Headers, footers and checksums: `org.apache.lucene.codecs.CodecUtil`. They are big-endian in all versions.
//!
//! ```text
//! Header       Int32 0x3FD76C17, String codec, Int32 version
//! IndexHeader  Header, 16 bytes id, UInt8 length, suffix
//! Footer       Int32 0xC02893E8, Int32 0, Int64 CRC-32 of every byte before it
//! ```

use super::Corrupt;
use super::input::Input;
use std::ops::RangeInclusive;

const HEADER_MAGIC: i32 = 0x3FD7_6C17;
const FOOTER_MAGIC: i32 = !HEADER_MAGIC;
/// Bytes of a footer.
pub const FOOTER_LENGTH: usize = 16;

/// Reads a header of the codec and returns its version.
///
/// # Errors
/// Fails if it is none, of another codec, or of a version out of the range.
pub fn header(input: &mut Input<'_>, codec: &str, versions: RangeInclusive<i32>) -> Result<i32, Corrupt> {
    if i32::from_be_bytes(input.array()?) != HEADER_MAGIC {
        return Err(Corrupt::new("it does not begin as a Lucene file"));
    }
    let found = input.string()?;
    if found != codec {
        return Err(Corrupt::new(format!("its header says {found:?} in place of {codec:?}")));
    }
    let version = i32::from_be_bytes(input.array()?);
    if !versions.contains(&version) {
        return Err(Corrupt::new(format!("its {codec} format {version} is unknown")));
    }
    Ok(version)
}

/// What an index header holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexHeader {
    /// Format version.
    pub version: i32,
    /// Id of the segment, or of the commit.
    pub id: [u8; 16],
}

impl IndexHeader {
    /// Checks that the file is one of the segment or commit with this id.
    ///
    /// # Errors
    /// Fails if it is not.
    pub fn belongs_to(self, id: &[u8; 16]) -> Result<Self, Corrupt> {
        if self.id == *id { Ok(self) } else { Err(Corrupt::new("it belongs to another segment")) }
    }
}

/// Reads an index header of the codec with this suffix.
///
/// # Errors
/// As [`header`], and if the suffix differs.
pub fn index_header(
    input: &mut Input<'_>,
    codec: &str,
    versions: RangeInclusive<i32>,
    suffix: &str,
) -> Result<IndexHeader, Corrupt> {
    let version = header(input, codec, versions)?;
    let id = input.array()?;
    let length = usize::from(input.u8()?);
    let found = input.bytes(length)?;
    if found != suffix.as_bytes() {
        let found = String::from_utf8_lossy(found);
        return Err(Corrupt::new(format!("its header's suffix is {found:?} in place of {suffix:?}")));
    }
    Ok(IndexHeader { version, id })
}

/// Checks that a whole file ends with a footer, but not the checksum in it. Returns what is ahead of the footer.
///
/// # Errors
/// Fails if there is none.
pub fn check_footer_shape(file: &[u8]) -> Result<&[u8], Corrupt> {
    let (body, footer) = file.split_last_chunk::<FOOTER_LENGTH>().ok_or_else(|| Corrupt::new("it is too short"))?;
    let mut input = Input::new(footer);
    if input.i32()? != FOOTER_MAGIC || input.i32()? != 0 {
        return Err(Corrupt::new("it does not end as a Lucene file"));
    }
    Ok(body)
}

/// Checks the footer of a whole file with its checksum and returns what is ahead of it.
///
/// # Errors
/// Fails if there is none or the checksum differs.
pub fn check_footer(file: &[u8]) -> Result<&[u8], Corrupt> {
    let body = check_footer_shape(file)?;
    let (covered, checksum) = file.split_last_chunk::<8>().ok_or_else(|| Corrupt::new("it is too short"))?;
    if u64::from_be_bytes(*checksum) != u64::from(crc32fast::hash(covered)) {
        return Err(Corrupt::new("its checksum is wrong"));
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::{footer, put_header, put_index_header};
    use proptest::prelude::*;

    fn file() -> Vec<u8> {
        let mut bytes = Vec::new();
        put_index_header(&mut bytes, "segments", 6, [7; 16], "1a");
        bytes.extend(b"content");
        footer(bytes)
    }

    #[test]
    fn a_whole_file_gives_header_and_content() {
        let file = file();
        let mut input = Input::new(check_footer(&file).unwrap());
        let header = index_header(&mut input, "segments", 4..=6, "1a").unwrap();
        assert_eq!((header.version, header.id), (6, [7; 16]));
        assert_eq!(input.rest(), b"content");
    }

    #[test]
    fn what_does_not_fit_is_told_by_name() {
        let file = file();
        let told = |codec: &str, versions, suffix: &str| {
            index_header(&mut Input::new(&file), codec, versions, suffix).unwrap_err().to_string()
        };
        assert!(told("state", 1..=1, "1a").contains("\"segments\" in place of \"state\""));
        assert!(told("segments", 7..=9, "1a").contains("format 6"));
        assert!(told("segments", 6..=6, "1b").contains("\"1a\""));
        let mut plain = Vec::new();
        put_header(&mut plain, "ckp", 1);
        assert_eq!(header(&mut Input::new(&plain), "ckp", 1..=1), Ok(1));
    }

    proptest! {
        #[test]
        fn no_flipped_bit_goes_unnoticed(place in 0_usize..500, bit in 0_u8..8) {
            let mut file = file();
            let place = place % file.len();
            file[place] ^= 1 << bit;
            prop_assert!(check_footer(&file).is_err());
        }
    }
}
