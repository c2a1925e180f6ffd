//! Blocks as pages: the header, and what is compressed behind it (`include/btmem.h`, `btree/bt_io.c`).

use super::address::Address;
use super::compression::Compressor;
use super::integers::Reader;
use super::table_file::{HEADERS, NEVER_COMPRESSED, TableFile};
use super::{Corrupt, Result};

/// Longer pages are refused before there is memory for them: MongoDB has values of up to 64 MiB on pages, and a page holds
/// what it may hold before the last value is put on it.
const LONGEST: usize = (64 << 20) + (1 << 20);

const COMPRESSED: u8 = 0x01;
const ENCRYPTED: u8 = 0x08;
const LOOKASIDE: u8 = 0x10;
/// Address cells of deleted pages say by whom.
pub(super) const TRUNCATED: u8 = 0x20;
/// All that a page may be: values empty or not, compressed, with deleted pages.
const KNOWN: u8 = COMPRESSED | 0x02 | 0x04 | TRUNCATED;

/// What a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageKind {
    /// One long key or value.
    Overflow,
    /// Addresses of other pages.
    Internal,
    /// Rows.
    Leaf,
}

/// A page, as it was in memory when it was written.
#[derive(Debug)]
pub struct Page<'a> {
    /// What it is.
    pub kind: PageKind,
    /// Whether cells may have time windows.
    pub version: u8,
    /// How many cells there are; on an overflow page, bytes.
    pub entries: u32,
    pub(super) flags: u8,
    /// All of it, with its headers: cells count bytes from its beginning.
    pub bytes: &'a [u8],
}

impl<'a> Page<'a> {
    /// Reads the page at an address. What is compressed is decompressed into `buffer`.
    ///
    /// # Errors
    /// Fails if it is damaged, encrypted, or of a kind that no table of MongoDB has.
    pub fn read(file: &'a TableFile, address: Address, buffer: &'a mut Vec<u8>) -> Result<Self> {
        let block = file.block(address)?;
        let wrong = |what: &str| Corrupt::new(format!("{what} in the block at byte {}", address.offset));
        let mut header = Reader::at(block, 16);
        let (size, entries) = (header.u32()?, header.u32()?);
        let [kind, flags, _, version] = header.array()?;
        let kind = match kind {
            5 => PageKind::Overflow,
            6 => PageKind::Internal,
            7 => PageKind::Leaf,
            other => return Err(wrong(&format!("a page of type {other}"))),
        };
        if flags & ENCRYPTED != 0 {
            return Err(wrong("an encrypted page"));
        }
        if flags & LOOKASIDE != 0 {
            return Err(wrong("a page whose rows are partly in the lookaside table"));
        }
        if flags & !KNOWN != 0 || version > 1 {
            return Err(wrong(&format!("a page of version {version} with the flags {flags:#04x}")));
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if !(HEADERS..=LONGEST).contains(&size) {
            return Err(wrong(&format!("a page of {size} bytes")));
        }
        let bytes = match flags & COMPRESSED {
            0 => block.get(..size).ok_or_else(|| wrong("a page that is longer than its block"))?,
            _ => {
                decompress(block, size, file.compressor(), buffer).map_err(|why| wrong(&why.to_string()))?;
                buffer
            }
        };
        Ok(Self { kind, version, entries, flags, bytes })
    }

    /// Returns the long key or value that an overflow page holds.
    ///
    /// # Errors
    /// Fails if it is another page.
    pub fn overflow(&self) -> Result<&'a [u8]> {
        let length = usize::try_from(self.entries).unwrap_or(usize::MAX);
        let content = self.bytes.get(HEADERS..).and_then(|content| content.get(..length));
        match (self.kind, content) {
            (PageKind::Overflow, Some(content)) => Ok(content),
            _ => Err(Corrupt::new("a long value where there is none")),
        }
    }
}

/// Puts a page together: its beginning, which is never compressed, and the rest.
fn decompress(block: &[u8], size: usize, compressor: Compressor, buffer: &mut Vec<u8>) -> Result<()> {
    let beginning = block.get(..NEVER_COMPRESSED).ok_or_else(|| Corrupt::new("a block that is too short"))?;
    let rest = block.get(NEVER_COMPRESSED..).unwrap_or_default();
    let length =
        size.checked_sub(NEVER_COMPRESSED).ok_or_else(|| Corrupt::new("a compressed page that is too short"))?;
    // What an earlier page has left behind the beginning is written over.
    buffer.truncate(size);
    buffer.resize(buffer.len().max(NEVER_COMPRESSED), 0);
    if let Some(head) = buffer.get_mut(..NEVER_COMPRESSED) {
        head.copy_from_slice(beginning);
    }
    compressor.decompress(rest, NEVER_COMPRESSED, length, buffer)
}
