//! Packed integers: small ones in one byte, and bytes in the order of the numbers (`include/intpack_inline.h`).

use super::{Corrupt, Result};

/// Numbers below are in the first byte.
const ONE_BYTE: u64 = 1 << 6;
/// Numbers below are in two bytes.
const TWO_BYTES: u64 = (1 << 13) + ONE_BYTE;

/// A place in the bytes of a page, a cookie or a record.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Returns the beginning of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::at(bytes, 0)
    }

    /// Returns the place `at` bytes behind the beginning; behind the end there is nothing to read.
    pub fn at(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Returns the offset from the beginning, in bytes.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Returns what has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Returns whether everything has been read.
    pub fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Returns the reason `what` with the place.
    pub fn corrupt(&self, what: &str) -> Corrupt {
        Corrupt::new(format!("{what} at byte {}", self.at))
    }

    /// Reads `length` bytes.
    ///
    /// # Errors
    /// Fails if there are fewer, as do all other readers.
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(length).ok_or_else(|| self.corrupt("an impossible length"))?;
        let bytes = self.bytes.get(self.at..end).ok_or_else(|| self.corrupt("the content ends too early"))?;
        self.at = end;
        Ok(bytes)
    }

    /// Reads exactly as many bytes as the array holds.
    ///
    /// # Errors
    /// Fails if there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.bytes(N)?;
        bytes.try_into().map_err(|_| self.corrupt("the content ends too early"))
    }

    /// Reads a byte.
    ///
    /// # Errors
    /// Fails if there is none.
    pub fn u8(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Reads four bytes, the least significant one first.
    ///
    /// # Errors
    /// Fails if the content ends.
    pub fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Reads eight bytes, the least significant one first.
    ///
    /// # Errors
    /// Fails if the content ends.
    pub fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Reads a length of eight bytes that fits into memory.
    ///
    /// # Errors
    /// Fails if the content ends, or it does not fit.
    pub fn length(&mut self) -> Result<usize> {
        let begun = self.at;
        usize::try_from(self.u64()?).map_err(|_| Corrupt::new(format!("an impossible length at byte {begun}")))
    }

    /// Reads a packed unsigned number.
    ///
    /// # Errors
    /// Fails if what is there is none.
    pub fn packed(&mut self) -> Result<u64> {
        let begun = self.at;
        let first = self.u8()?;
        let wrong = || Corrupt::new(format!("no packed number at byte {begun}"));
        match first >> 4 {
            0x8..=0xB => Ok(u64::from(first & 0x3F)),
            0xC | 0xD => Ok((u64::from(first & 0x1F) << 8 | u64::from(self.u8()?)) + ONE_BYTE),
            0xE => self.big_endian(usize::from(first & 0xF))?.checked_add(TWO_BYTES).ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }

    /// Reads a packed length that fits into memory.
    ///
    /// # Errors
    /// As [`Reader::packed`].
    pub fn packed_length(&mut self) -> Result<usize> {
        let begun = self.at;
        let length = self.packed()?;
        usize::try_from(length).map_err(|_| Corrupt::new(format!("an impossible length at byte {begun}")))
    }

    /// Reads a packed signed number.
    ///
    /// # Errors
    /// As [`Reader::packed`].
    pub fn packed_signed(&mut self) -> Result<i64> {
        let begun = self.at;
        let wrong = || Corrupt::new(format!("no packed number at byte {begun}"));
        let first = *self.bytes.get(self.at).ok_or_else(|| self.corrupt("the content ends too early"))?;
        match first >> 4 {
            0x8..=0xE => i64::try_from(self.packed()?).map_err(|_| wrong()),
            0x4..=0x7 => self.u8().map(|byte| i64::from(byte & 0x3F) - 64),
            0x2 | 0x3 => {
                self.at += 1;
                let second = self.u8()?;
                Ok((i64::from(first & 0x1F) << 8 | i64::from(second)) - 8_256)
            }
            0x1 => {
                self.at += 1;
                let length = 8_usize.checked_sub(usize::from(first & 0xF)).ok_or_else(wrong)?;
                let number = self.big_endian(length)?;
                // The leading bytes that were left out are all ones.
                let ones = if length == 8 { 0 } else { u64::MAX << (8 * length) };
                Ok((number | ones).cast_signed())
            }
            _ => Err(wrong()),
        }
    }

    fn big_endian(&mut self, length: usize) -> Result<u64> {
        if length > 8 {
            return Err(self.corrupt("a packed number of more than eight bytes"));
        }
        Ok(self.bytes(length)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn packed_numbers_are_read_as_the_engine_writes_them() {
        for (bytes, number) in [
            ("80", 0),
            ("81", 1),
            ("bf", 63),
            ("c000", 64),
            ("c119", 345),
            ("dfff", 8_255),
            ("e100", 8_256),
            ("e101", 8_257),
            ("e4d6a3b7cc", 0xD6A3_D80C),
        ] {
            let bytes = hex(bytes);
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.packed().unwrap(), number);
            assert!(reader.is_at_end());
            assert_eq!(Reader::new(&bytes).packed_signed().unwrap(), number.cast_signed());
        }
        for (bytes, number) in [
            ("7f", -1),
            ("40", -64),
            ("3fff", -65),
            ("2000", -8_256),
            ("16defe", -8_450),
            ("108000000000000000", i64::MIN),
        ] {
            assert_eq!(Reader::new(&hex(bytes)).packed_signed().unwrap(), number, "{bytes}");
        }
        for bytes in ["", "00", "0f", "f0", "c0", "e9000000000000000000", "e8ffffffffffffffff", "e2ff"] {
            assert!(Reader::new(&hex(bytes)).packed().is_err(), "{bytes}");
        }
    }
}
