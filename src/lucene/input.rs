//! Integers and strings as `org.apache.lucene.store.DataInput` reads them. Lucene 9 turned the bytes of whole integers
//! round, except in headers, footers and commits; lengths of variable size and strings are as they always were.

use super::Corrupt;

type Result<T> = std::result::Result<T, Corrupt>;

/// Which byte of an integer comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    /// The most significant one: until Lucene 8.
    Big,
    /// The least significant one: since Lucene 9.
    Little,
}

/// A place in the bytes of a file.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
    order: ByteOrder,
}

impl<'a> Input<'a> {
    /// Returns the beginning of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::at(bytes, 0)
    }

    /// Returns the place `at` bytes behind the beginning; behind the end there is nothing to read.
    pub fn at(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, order: ByteOrder::Big }
    }

    /// Returns the same place, where integers are in this order from now on.
    #[must_use]
    pub fn ordered(self, order: ByteOrder) -> Self {
        Self { order, ..self }
    }

    /// Returns the order of integers.
    pub fn order(&self) -> ByteOrder {
        self.order
    }

    /// Returns the offset from the beginning, in bytes.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Returns what has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Returns the reason `what` with the place.
    pub fn corrupt(&self, what: &str) -> Corrupt {
        Corrupt::new(format!("{what} at offset {}", self.at))
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

    /// Reads an unsigned byte.
    ///
    /// # Errors
    /// Fails if there is none.
    pub fn u8(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Reads an unsigned `Int16`.
    ///
    /// # Errors
    /// Fails if the content ends.
    pub fn u16(&mut self) -> Result<u16> {
        let bytes = self.array()?;
        Ok(match self.order {
            ByteOrder::Big => u16::from_be_bytes(bytes),
            ByteOrder::Little => u16::from_le_bytes(bytes),
        })
    }

    /// Reads an `Int32`.
    ///
    /// # Errors
    /// Fails if the content ends.
    pub fn i32(&mut self) -> Result<i32> {
        let bytes = self.array()?;
        Ok(match self.order {
            ByteOrder::Big => i32::from_be_bytes(bytes),
            ByteOrder::Little => i32::from_le_bytes(bytes),
        })
    }

    /// Reads an `Int64`.
    ///
    /// # Errors
    /// Fails if the content ends.
    pub fn i64(&mut self) -> Result<i64> {
        let bytes = self.array()?;
        Ok(match self.order {
            ByteOrder::Big => i64::from_be_bytes(bytes),
            ByteOrder::Little => i64::from_le_bytes(bytes),
        })
    }

    /// Reads a `VInt`: groups of 7 bits, least significant first, at most 5 bytes.
    ///
    /// # Errors
    /// Fails if it is longer or the content ends.
    pub fn vint(&mut self) -> Result<i32> {
        // Nearly all are of one byte.
        if let Some(&byte) = self.bytes.get(self.at)
            && byte < 0x80
        {
            self.at += 1;
            return Ok(i32::from(byte));
        }
        let mut value = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.u8()?;
            if shift == 28 && byte & 0xF0 != 0 {
                break;
            }
            value |= u32::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value.cast_signed());
            }
        }
        Err(self.corrupt("a VInt is too long"))
    }

    /// Reads a `VLong`: as a `VInt`, but of at most 9 bytes and never negative.
    ///
    /// # Errors
    /// Fails if it is longer or the content ends.
    pub fn vlong(&mut self) -> Result<u64> {
        let mut value = 0_u64;
        for shift in (0..63).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.corrupt("a VLong is too long"))
    }

    /// Reads a `VInt` that is a number of something, or a length that need not fit into what is left.
    ///
    /// # Errors
    /// Fails if it is negative.
    pub fn natural(&mut self) -> Result<u32> {
        let value = self.vint()?;
        u32::try_from(value).map_err(|_| self.corrupt("a negative number"))
    }

    /// Reads a `VInt` that counts something.
    ///
    /// # Errors
    /// Fails if it is negative, or more than bytes are left: whatever is counted takes at least a byte each.
    pub fn count(&mut self) -> Result<usize> {
        let count = self.vint()?;
        self.fits(count)
    }

    /// Reads an `Int32` that counts something.
    ///
    /// # Errors
    /// As [`Input::count`].
    pub fn count32(&mut self) -> Result<usize> {
        let count = self.i32()?;
        self.fits(count)
    }

    fn fits(&self, count: i32) -> Result<usize> {
        let count = usize::try_from(count).map_err(|_| self.corrupt("a negative count"))?;
        if count > self.rest().len() { Err(self.corrupt("an impossible count")) } else { Ok(count) }
    }

    /// Reads a `String`: the length in bytes as a `VInt`, then UTF-8.
    ///
    /// # Errors
    /// Fails if the content ends or is no UTF-8.
    pub fn string(&mut self) -> Result<&'a str> {
        let length = self.count()?;
        let bytes = self.bytes(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.corrupt("a string is not UTF-8"))
    }

    /// Reads a `SetOfStrings`.
    ///
    /// # Errors
    /// Fails if the content ends or is no UTF-8.
    pub fn strings(&mut self) -> Result<Vec<&'a str>> {
        (0..self.count()?).map(|_| self.string()).collect()
    }

    /// Reads a `MapOfStrings`, in the order of the file.
    ///
    /// # Errors
    /// Fails if the content ends or is no UTF-8.
    pub fn string_map(&mut self) -> Result<Vec<(&'a str, &'a str)>> {
        (0..self.count()?).map(|_| Ok((self.string()?, self.string()?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::{put_string, put_vint, put_vlong};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(value: i32, text: String) {
            let mut bytes = Vec::new();
            put_vint(&mut bytes, value);
            put_string(&mut bytes, &text);
            let mut input = Input::new(&bytes);
            prop_assert_eq!(input.vint().unwrap(), value);
            prop_assert_eq!(input.string().unwrap(), &text);
            prop_assert!(input.rest().is_empty());
        }

        #[test]
        fn a_vlong_is_read_as_written(value in 0..=i64::MAX.cast_unsigned()) {
            let mut bytes = Vec::new();
            put_vlong(&mut bytes, value);
            prop_assert_eq!(Input::new(&bytes).vlong().unwrap(), value);
        }

        #[test]
        fn garbage_gives_errors(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Input::new(&bytes).string_map();
            let _ = Input::new(&bytes).strings();
            let _ = Input::new(&bytes).count32();
        }
    }

    #[test]
    fn integers_come_in_the_order_of_their_lucene() {
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14];
        for (order, expected) in [
            (ByteOrder::Big, (0x0102, 0x0304_0506, 0x0708_090A_0B0C_0D0E)),
            (ByteOrder::Little, (0x0201, 0x0605_0403, 0x0E0D_0C0B_0A09_0807)),
        ] {
            let mut input = Input::new(&bytes).ordered(order);
            assert_eq!((input.u16().unwrap(), input.i32().unwrap(), input.i64().unwrap()), expected);
        }
    }

    #[test]
    fn a_vlong_of_more_than_63_bits_is_corrupt() {
        assert!(Input::new(&[0xFF; 10]).vlong().is_err());
        assert!(Input::new(&[0xFF, 0xFF]).vlong().is_err());
    }

    #[test]
    fn a_vint_of_more_than_32_bits_is_corrupt() {
        assert!(Input::new(&[0xFF, 0xFF, 0xFF, 0xFF, 0x1F]).vint().is_err());
        assert_eq!(Input::new(&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F]).vint(), Ok(-1));
    }
}
