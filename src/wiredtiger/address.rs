//! Where a block is, and what a checkpoint consists of (`block/block_addr.c`, `block/block_ckpt.c`).

use super::integers::Reader;
use super::{Corrupt, Result};

/// The only version of checkpoint cookies there is.
const VERSION: u8 = 1;

/// A block of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// Bytes in front of it.
    pub offset: u64,
    /// Its bytes.
    pub size: u64,
    /// CRC-32C of it.
    pub checksum: u32,
}

impl Address {
    /// Reads an address cookie; nothing where it names no block.
    ///
    /// # Errors
    /// Fails if it is damaged.
    pub fn read(cookie: &mut Reader<'_>, allocation_size: u64) -> Result<Option<Self>> {
        let (offset, size, checksum) = (cookie.packed()?, cookie.packed()?, cookie.packed()?);
        if size == 0 {
            return Ok(None);
        }
        // The file's first unit is its descriptor.
        let offset = offset.checked_add(1).and_then(|offset| offset.checked_mul(allocation_size));
        let size = size.checked_mul(allocation_size);
        match (offset, size, u32::try_from(checksum)) {
            (Some(offset), Some(size), Ok(checksum)) => Ok(Some(Self { offset, size, checksum })),
            _ => Err(cookie.corrupt("an impossible address")),
        }
    }
}

/// What a checkpoint says of its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// The table's root page; nothing if the table is empty.
    pub root: Option<Address>,
    /// When it was taken, in seconds since 1970, if that is noted.
    pub time: Option<u64>,
}

impl Checkpoint {
    /// Reads a checkpoint cookie, in hexadecimal digits as the metadata have it.
    ///
    /// # Errors
    /// Fails if it is damaged or of an unknown version.
    pub fn parse(hex: &str, time: Option<u64>, allocation_size: u64) -> Result<Self> {
        let bytes = from_hex(hex).ok_or_else(|| Corrupt::new("a checkpoint that is not in hexadecimal digits"))?;
        let mut cookie = Reader::new(&bytes);
        let version = cookie.u8()?;
        if version != VERSION {
            return Err(Corrupt::new(format!("a checkpoint of version {version}")));
        }
        let root = Address::read(&mut cookie, allocation_size)?;
        // Lists of free extents, for who writes.
        for _ in ["alloc", "avail", "discard"] {
            Address::read(&mut cookie, allocation_size)?;
        }
        for _ in ["length of the file", "bytes of the checkpoint"] {
            cookie.packed()?;
        }
        if !cookie.is_at_end() {
            return Err(cookie.corrupt("more in a checkpoint than is known"));
        }
        Ok(Self { root, time })
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    let pairs = (0..text.len()).step_by(2).map(|at| text.get(at..at + 2));
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_of_mongodb_3_6_is_read() {
        let cookie = "018181e4d6a3b7cc8281e4f2e09da0808080808080e21fc0cfc0";
        let checkpoint = Checkpoint::parse(cookie, None, 4096).unwrap();
        assert_eq!(checkpoint.root, Some(Address { offset: 8192, size: 4096, checksum: 0xD6A3_D80C }));
        let empty = Checkpoint::parse("018080808080808081e4c6f34932808080e23fc080", None, 4096).unwrap();
        assert_eq!(empty.root, None);
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        for cookie in ["", "01", "0281", "01818", "01818g", "018181e4d6a3b7cc8281e4f2e09da0808080808080e21fc0cfc000"] {
            assert!(Checkpoint::parse(cookie, None, 4096).is_err(), "{cookie}");
        }
        assert!(Checkpoint::parse("01e8ffffffffffffff0081818080808080808080808080", None, 4096).is_err());
    }
}
