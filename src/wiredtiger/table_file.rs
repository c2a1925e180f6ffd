//! One file: its descriptor, and its blocks with their checksums (`block/block_open.c`, `block/block_read.c`).

use super::address::Address;
use super::compression::Compressor;
use super::{Corrupt, Result};
use memmap2::Mmap;
use std::fs::File;
use std::io;
use std::path::Path;

/// `WT_BLOCK_MAGIC`.
const MAGIC: u32 = 120_897;
/// Where the checksum of the descriptor is.
const DESCRIPTOR_CHECKSUM: usize = 8;
/// Bytes of a block's two headers: `WT_PAGE_HEADER` and `WT_BLOCK_HEADER`.
pub(super) const HEADERS: usize = 40;
/// Where a block says how long it is, its checksum, and what that covers.
const DISK_SIZE: usize = 28;
const CHECKSUM: usize = 32;
const CHECKSUM_FLAGS: usize = 36;
/// The checksum covers the whole block, not only what is never compressed.
const COVERS_ALL: u8 = 1;
/// Bytes of a block that are never compressed (`WT_BLOCK_COMPRESS_SKIP`).
pub(super) const NEVER_COMPRESSED: usize = 64;

/// A file whose bytes are at hand without being read in.
#[derive(Debug)]
pub struct TableFile {
    map: Mmap,
    allocation_size: u64,
    compressor: Compressor,
}

impl TableFile {
    /// Maps a file that no server has open, and looks at its descriptor.
    ///
    /// # Errors
    /// The outer error is of the operating system; the inner one says why it is no file of WiredTiger's.
    pub fn open(path: &Path, allocation_size: u64, compressor: Compressor) -> io::Result<Result<Self>> {
        let file = File::open(path)?;
        // SAFETY: a map is only unsound if the file changes below it. Whoever opens it here holds the lock that a mongod
        // takes first. The bytes are never taken for valid lengths or text unchecked.
        #[allow(unsafe_code)]
        let map = unsafe { Mmap::map(&file) }?;
        Ok(descriptor(&map, allocation_size).map(|()| Self { map, allocation_size, compressor }))
    }

    /// Returns the length in bytes.
    pub fn size(&self) -> u64 {
        self.map.len() as u64
    }

    /// Returns the unit in which blocks are allocated, in bytes.
    pub fn allocation_size(&self) -> u64 {
        self.allocation_size
    }

    /// Returns how blocks are compressed that are.
    pub fn compressor(&self) -> Compressor {
        self.compressor
    }

    /// Returns a block as it lies there. That its checksum is the one of its address, the one in its header, and the one
    /// of its bytes has been made sure.
    ///
    /// # Errors
    /// Fails if it is not so, and if the file ends in front of the block's end.
    pub fn block(&self, address: Address) -> Result<&[u8]> {
        let wrong = |what: &str| Corrupt::new(format!("{what} of the block at byte {}", address.offset));
        let begin = usize::try_from(address.offset).map_err(|_| wrong("an impossible place"))?;
        let end = address.offset.checked_add(address.size).and_then(|end| usize::try_from(end).ok());
        let block = end.and_then(|end| self.map.get(begin..end));
        let block = block.ok_or_else(|| wrong("the file ends in front of the end"))?;
        let flags = *block.get(CHECKSUM_FLAGS).ok_or_else(|| wrong("no room for the headers"))?;
        if u64::from(number(block, DISK_SIZE)) != address.size {
            return Err(wrong("another length in the header"));
        }
        let covered = if flags & COVERS_ALL == 0 { NEVER_COMPRESSED } else { block.len() };
        if number(block, CHECKSUM) != address.checksum {
            return Err(wrong("another checksum in the header than in the address"));
        }
        let covered = block.get(..covered).ok_or_else(|| wrong("no room for the headers"))?;
        if checksum(covered, CHECKSUM) != address.checksum {
            return Err(wrong("another checksum"));
        }
        Ok(block)
    }
}

fn descriptor(file: &[u8], allocation_size: u64) -> Result<()> {
    let unit = usize::try_from(allocation_size).ok().filter(|unit| *unit >= NEVER_COMPRESSED);
    let unit = unit.ok_or_else(|| Corrupt::new(format!("an allocation size of {allocation_size} bytes")))?;
    let descriptor = file.get(..unit).ok_or_else(|| Corrupt::new("it is shorter than its descriptor"))?;
    if number(descriptor, 0) != MAGIC {
        return Err(Corrupt::new("it does not begin as a file of WiredTiger"));
    }
    let version = number(descriptor, 4);
    if version != 1 {
        return Err(Corrupt::new(format!("the block format {}.{}", version & 0xFFFF, version >> 16)));
    }
    if checksum(descriptor, DESCRIPTOR_CHECKSUM) != number(descriptor, DESCRIPTOR_CHECKSUM) {
        return Err(Corrupt::new("the checksum of its descriptor is wrong"));
    }
    Ok(())
}

/// Returns the CRC-32C of bytes in which the checksum itself, at `at`, counts as zero.
pub fn checksum(bytes: &[u8], at: usize) -> u32 {
    let before = bytes.get(..at).unwrap_or_default();
    let behind = bytes.get(at + 4..).unwrap_or_default();
    crc32c::crc32c_append(crc32c::crc32c_append(crc32c::crc32c(before), &[0; 4]), behind)
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_descriptor_is_the_same_in_all_versions() {
        let mut file = vec![0; 4096];
        file[..16].copy_from_slice(&[0x41, 0xD8, 1, 0, 1, 0, 0, 0, 0xD8, 0x08, 0x23, 0xB7, 0, 0, 0, 0]);
        descriptor(&file, 4096).unwrap();
        for at in [0, 4, 6, 8, 100] {
            let mut other = file.clone();
            other[at] ^= 1;
            assert!(descriptor(&other, 4096).is_err(), "byte {at}");
        }
        assert!(descriptor(&file[..4095], 4096).is_err());
        assert!(descriptor(&file, 0).is_err());
    }
}
