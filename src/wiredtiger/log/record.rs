//! The records of one log file (`log/log.c`: `__wt_log_scan`).
//!
//! ```text
//! u32 length  u32 CRC-32C  u16 flags  u16 0  u32 length in memory  body      each at a multiple of 128 bytes
//! ```

use super::super::compression::decompressed_by_any;
use super::super::integers::Reader;
use super::super::table_file::checksum;
use super::super::{Corrupt, Result};
use std::borrow::Cow;

/// Records begin at multiples of this many bytes.
pub const ALIGNMENT: usize = 128;
const HEADER: usize = 16;
const CHECKSUM: usize = 4;
const FLAGS: usize = 8;
const COMPRESSED: u16 = 1;
const ENCRYPTED: u16 = 2;
/// `WT_LOG_MAGIC`.
const MAGIC: u32 = 0x0010_1064;
/// 1 in MongoDB 3.2 and 3.4, 5 since 4.4.
const VERSIONS: std::ops::RangeInclusive<u16> = 1..=5;
/// A record holds one transaction, which MongoDB keeps below some dozens of megabytes.
const LONGEST: usize = 256 << 20;

/// What there is at a place of a log file.
#[derive(Debug)]
pub enum Found<'a> {
    /// A record whose checksum is right.
    Record(Record<'a>),
    /// Zeros up to the file's end: the log goes on in the next file, if there is one.
    EndOfFile,
    /// A record that was written by halves, or nothing with something behind it: what follows was never acknowledged
    /// to whoever wrote it.
    EndOfLog,
}

/// A record whose checksum is right.
#[derive(Debug)]
pub struct Record<'a> {
    /// All of it.
    bytes: &'a [u8],
    flags: u16,
    size: usize,
}

/// What a log file says at its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Version of the log.
    pub version: u16,
    /// Bytes that the file was made with.
    pub size: u64,
}

/// Returns the header of a log file; nothing where nothing was written yet.
///
/// # Errors
/// Fails if it is no log, or one of an unknown version.
pub fn header(log: &[u8]) -> Result<Option<Header>> {
    if log.iter().take(ALIGNMENT).all(|byte| *byte == 0) {
        return Ok(None);
    }
    let Found::Record(record) = at(log, 0)? else { return Err(Corrupt::new("a damaged header")) };
    let mut header = Reader::at(record.bytes, HEADER);
    let (magic, version) = (header.u32()?, u16::from_le_bytes(header.array()?));
    let _unused = header.array::<2>()?;
    let size = header.u64()?;
    match magic == MAGIC && VERSIONS.contains(&version) {
        true => Ok(Some(Header { version, size })),
        false => Err(Corrupt::new(format!("no log, or one of the unknown version {version},"))),
    }
}

/// Returns what there is at a place.
///
/// # Errors
/// Fails for a record that is damaged and was not cut off. As the engine does: it would ask to be called with `salvage`.
pub fn at(log: &[u8], place: usize) -> Result<Found<'_>> {
    let rest = log.get(place..).unwrap_or_default();
    let mut header = Reader::new(rest);
    let length = if rest.len() < HEADER { 0 } else { header.u32()? as usize };
    if length == 0 {
        let is_empty = rest.iter().all(|byte| *byte == 0);
        return Ok(if is_empty { Found::EndOfFile } else { Found::EndOfLog });
    }
    let expected = header.u32()?;
    let (flags, unused) = (u16::from_le_bytes(header.array()?), u16::from_le_bytes(header.array()?));
    let size = header.u32()? as usize;
    let Some(bytes) = rest.get(..length) else { return Ok(Found::EndOfLog) };
    let wrong = |what: &str| Corrupt::new(format!("{what} of the record at byte {place}"));
    if length <= HEADER || flags & !(COMPRESSED | ENCRYPTED) != 0 || unused != 0 {
        return Err(wrong("a damaged header"));
    }
    if checksum(bytes, CHECKSUM) == expected {
        return Ok(Found::Record(Record { bytes, flags, size }));
    }
    // One that was written to its last byte was not cut off.
    match bytes.last() {
        Some(0) => Ok(Found::EndOfLog),
        _ => Err(wrong("another checksum")),
    }
}

/// Whole records in a log whose end is elsewhere, or which is damaged: at every place where one may begin.
#[derive(Debug)]
pub struct Search<'a> {
    log: &'a [u8],
    at: usize,
    /// Bytes that may still be looked at in vain. Where nothing is damaged, records do not overlap.
    budget: usize,
}

impl<'a> Search<'a> {
    /// Returns a search from a place on.
    pub fn from(log: &'a [u8], place: usize) -> Self {
        Self { log, at: place.next_multiple_of(ALIGNMENT), budget: log.len().saturating_mul(4) }
    }

    /// Returns the next whole record.
    ///
    /// # Errors
    /// Fails where so much looks like the beginning of a record that looking into all of it would take hours.
    pub fn next_record(&mut self) -> Result<Option<Record<'a>>> {
        while let Some(length) = self.log.get(self.at..self.at.saturating_add(4)) {
            let place = self.at;
            self.at += ALIGNMENT;
            let length = length.try_into().map_or(0, u32::from_le_bytes) as usize;
            // Nothing begins with zeros; and what would end behind the file is not read.
            if length <= HEADER || length > self.log.len() - place {
                continue;
            }
            if let Ok(Found::Record(record)) = at(self.log, place) {
                self.at = place + record.stride();
                return Ok(Some(record));
            }
            let looks_whole =
                self.log.get(place + FLAGS..place + FLAGS + 4).is_some_and(|flags| flags.ends_with(&[0; 3]));
            let looked_at = if looks_whole { length } else { 0 };
            self.budget = self.budget.checked_sub(looked_at).ok_or_else(|| {
                Corrupt::new(format!("too much that looks like a record and is none behind byte {place}"))
            })?;
        }
        Ok(None)
    }
}

impl Record<'_> {
    /// Returns how many bytes the record takes in the file.
    pub fn stride(&self) -> usize {
        self.bytes.len().next_multiple_of(ALIGNMENT)
    }

    /// Returns what is in it, decompressed.
    ///
    /// # Errors
    /// Fails if it is encrypted, or cannot be decompressed.
    pub fn body(&self) -> Result<Cow<'_, [u8]>> {
        let stored = self.bytes.get(HEADER..).unwrap_or_default();
        if self.flags & ENCRYPTED != 0 {
            return Err(Corrupt::new("encrypted records"));
        }
        if self.flags & COMPRESSED == 0 {
            return Ok(stored.into());
        }
        let size = self.size.checked_sub(HEADER).filter(|size| *size <= LONGEST);
        let size = size.ok_or_else(|| Corrupt::new("a record of an impossible length"))?;
        // The log has a compressor of its own (`storage.journalCompressor`), which the file does not name.
        decompressed_by_any(stored, size).map(Into::into)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A record as the engine writes it, at a multiple of 128 bytes.
    pub fn record(body: &[u8]) -> Vec<u8> {
        let mut bytes = u32::try_from(HEADER + body.len()).unwrap().to_le_bytes().to_vec();
        bytes.extend([0; 12]);
        bytes.extend(body);
        let checksum = checksum(&bytes, CHECKSUM);
        bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        bytes
    }

    #[test]
    fn records_are_read_up_to_the_zeros_behind_the_last() {
        let log = [record(&[1, 2, 3]), record(&[4; 200]), vec![0; 256]].concat();
        let Found::Record(first) = at(&log, 0).unwrap() else { panic!() };
        assert_eq!((&*first.body().unwrap(), first.stride()), (&[1, 2, 3][..], 128));
        let Found::Record(second) = at(&log, 128).unwrap() else { panic!() };
        assert_eq!((second.body().unwrap().len(), second.stride()), (200, 256));
        assert!(matches!(at(&log, 384).unwrap(), Found::EndOfFile));
        assert!(matches!(at(&log, 640).unwrap(), Found::EndOfFile));
    }

    #[test]
    fn a_record_that_was_cut_off_ends_the_log_and_a_damaged_one_is_refused() {
        let whole = record(&[7; 300]);
        assert!(matches!(at(&whole[..256], 0).unwrap(), Found::EndOfLog), "the file ends in it");
        let mut halved = whole.clone();
        halved[200..].fill(0);
        assert!(matches!(at(&halved, 0).unwrap(), Found::EndOfLog), "its end was not written");
        let mut damaged = whole.clone();
        damaged[100] ^= 1;
        assert!(at(&damaged, 0).unwrap_err().to_string().contains("checksum"));
        let hole = [vec![0; 128], whole].concat();
        assert!(matches!(at(&hole, 0).unwrap(), Found::EndOfLog), "there is something behind the zeros");
        for (place, byte) in [(8, 4), (10, 1), (0, 5)] {
            let mut header = record(&[7; 300]);
            header[..4].copy_from_slice(&if place == 0 { 5_u32 } else { 316 }.to_le_bytes());
            header[place] = byte;
            assert!(at(&header, 0).is_err(), "byte {place}");
        }
    }

    #[test]
    fn whole_records_behind_a_place_are_found() {
        let log = [record(&[1, 2, 3]), vec![7; 128], record(&[4; 200]), vec![0; 256]].concat();
        let lengths = |place| {
            let (mut search, mut found) = (Search::from(&log, place), Vec::new());
            while let Some(record) = search.next_record().unwrap() {
                found.push(record.body().unwrap().len());
            }
            found
        };
        assert_eq!(lengths(0), [3, 200]);
        assert_eq!(lengths(1), [200]);
        assert!(lengths(512).is_empty());
    }

    #[test]
    fn what_looks_like_thousands_of_long_records_is_given_up() {
        // At every place, a record up to the file's end, of another checksum: without a bound, 256 GB to look at.
        let mut log = vec![1; 8 << 20];
        for place in (0..log.len()).step_by(ALIGNMENT) {
            let length = u32::try_from(log.len() - place).unwrap().to_le_bytes();
            let header = [&length[..], &[0; 8], &[0, 1, 0, 0]].concat();
            log[place..place + HEADER].copy_from_slice(&header);
        }
        let error = Search::from(&log, 0).next_record().unwrap_err();
        assert!(error.to_string().contains("looks like a record"), "{error}");
    }

    #[test]
    fn a_log_of_an_unknown_version_is_refused() {
        let header = |version: u8| record(&[0x64, 0x10, 0x10, 0, version, 0, 0, 0, 0, 0, 0x40, 6, 0, 0, 0, 0]);
        assert_eq!(super::header(&header(5)).unwrap(), Some(Header { version: 5, size: 0x0640_0000 }));
        assert_eq!(super::header(&[0; 300]).unwrap(), None);
        assert!(super::header(&header(6)).is_err());
        assert!(super::header(&record(&[1; 16])).is_err());
    }
}
