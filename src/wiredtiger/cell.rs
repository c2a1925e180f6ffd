//! What pages are made of: keys, values, and addresses of other pages (`include/cell.h`, `include/cell_inline.h`).

use super::integers::Reader;
use super::page::{Page, TRUNCATED};
use super::{Corrupt, Result};

/// What a cell is, with its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    /// A key: as many bytes of the key in front of it as `prefix` says, and these.
    Key {
        /// Bytes that are those of the key in front.
        prefix: u8,
        /// What follows them.
        rest: &'a [u8],
    },
    /// A long key; its content is the address of its page.
    LongKey(&'a [u8]),
    /// A value.
    Value {
        /// Its bytes.
        content: &'a [u8],
        /// It was deleted, and is kept for readers of an older state.
        deleted: bool,
    },
    /// A long value; its content is the address of its page.
    LongValue {
        /// The address cookie.
        address: &'a [u8],
        /// As for a value.
        deleted: bool,
    },
    /// The address of another page.
    Child(&'a [u8]),
    /// The address of a page whose rows were all deleted.
    DeletedChild,
}

/// What a second descriptor says about when a cell is seen.
#[derive(Debug, Clone, Copy, Default)]
struct Window {
    ended: bool,
}

const SECOND_DESCRIPTOR: u8 = 0x08;
const REPEATED: u8 = 0x04;
/// Lengths of long cells begin here.
const SHORT: usize = 64;

impl<'a> Cell<'a> {
    /// Reads the cell at the reader's place.
    ///
    /// # Errors
    /// Fails if it is damaged or unknown, and for what a transaction has not yet decided about.
    pub fn read(reader: &mut Reader<'a>, page: &Page<'a>) -> Result<Self> {
        let begin = reader.position();
        let wrong = |what: &str| Corrupt::new(format!("{what} at byte {begin}"));
        let descriptor = reader.u8()?;
        let length = usize::from(descriptor >> 2);
        match descriptor & 3 {
            1 => return Ok(Self::Key { prefix: 0, rest: reader.bytes(length)? }),
            2 => return Ok(Self::Key { prefix: reader.u8()?, rest: reader.bytes(length)? }),
            3 => return Ok(Self::Value { content: reader.bytes(length)?, deleted: false }),
            _ => {}
        }
        let kind = descriptor >> 4;
        let prefix = if kind == 7 { reader.u8()? } else { 0 };
        let second = descriptor & SECOND_DESCRIPTOR != 0;
        let window = match second {
            false => Window::default(),
            true if page.version == 0 => return Err(wrong("a time window on a page that has none")),
            true if !matches!(kind, 0..=3 | 8..=11) => {
                return Err(wrong(&format!("a time window of a cell of type {kind}")));
            }
            true => window(reader)?,
        };
        if kind == 0 && page.flags & TRUNCATED != 0 {
            for _ in ["transaction", "timestamp", "durable timestamp"] {
                reader.packed()?;
            }
        }
        let repeated = if descriptor & REPEATED != 0 { reader.packed()? } else { 0 };
        let length = reader.packed_length()?;
        if kind == 9 {
            return Self::copied(begin, length, window, page);
        }
        let counts_from_short = matches!(kind, 5 | 7) || kind == 8 && repeated == 0 && !second;
        let length = if counts_from_short { length.checked_add(SHORT) } else { Some(length) };
        let content = reader.bytes(length.ok_or_else(|| wrong("an impossible length"))?)?;
        match kind {
            0 => Ok(Self::DeletedChild),
            1..=3 => Ok(Self::Child(content)),
            5 | 7 => Ok(Self::Key { prefix, rest: content }),
            6 => Ok(Self::LongKey(content)),
            8 => Ok(Self::Value { content, deleted: window.ended }),
            10 => Ok(Self::LongValue { address: content, deleted: window.ended }),
            other => Err(wrong(&format!("a cell of type {other}"))),
        }
    }

    /// A value that an earlier cell of the page has too.
    fn copied(begin: usize, distance: usize, window: Window, page: &Page<'a>) -> Result<Self> {
        let wrong = || Corrupt::new(format!("a copy of nothing at byte {begin}"));
        let earlier = begin.checked_sub(distance).filter(|earlier| *earlier < begin).ok_or_else(wrong)?;
        let bytes = page.bytes.get(..begin).ok_or_else(wrong)?;
        // A copy of a copy would be no end.
        let descriptor = *bytes.get(earlier).ok_or_else(wrong)?;
        if descriptor & 3 == 0 && descriptor >> 4 == 9 {
            return Err(wrong());
        }
        match Self::read(&mut Reader::at(bytes, earlier), page)? {
            Self::Value { content, .. } => Ok(Self::Value { content, deleted: window.ended }),
            _ => Err(wrong()),
        }
    }
}

/// Reads a second descriptor and what it announces, in this order.
fn window(reader: &mut Reader<'_>) -> Result<Window> {
    const PREPARED: u8 = 0x01;
    const DURABLE_STOP: u8 = 0x04;
    const STOPS: u8 = 0x10 | 0x40;
    let flags = reader.u8()?;
    if flags & PREPARED != 0 {
        return Err(reader.corrupt("a row that a transaction across servers has not decided about"));
    }
    if flags & 0x80 != 0 {
        return Err(reader.corrupt("an unknown time window"));
    }
    // Start timestamp, start transaction, durable start, stop timestamp, stop transaction, durable stop.
    for bit in [0x08, 0x20, 0x02, 0x10, 0x40, DURABLE_STOP] {
        if flags & bit != 0 {
            reader.packed()?;
        }
    }
    Ok(Window { ended: flags & STOPS != 0 })
}

#[cfg(test)]
mod tests {
    use super::super::page::PageKind;
    use super::*;

    fn page(bytes: &[u8], version: u8) -> Page<'_> {
        Page { kind: PageKind::Leaf, version, entries: 0, flags: 0, bytes }
    }

    fn read(bytes: &[u8], version: u8) -> Result<Cell<'_>> {
        Cell::read(&mut Reader::new(bytes), &page(bytes, version))
    }

    #[test]
    fn short_cells_have_their_length_in_the_first_byte() {
        assert_eq!(read(&[0x05, 0x81], 0).unwrap(), Cell::Key { prefix: 0, rest: &[0x81] });
        assert_eq!(read(&[0x06, 3, 7], 0).unwrap(), Cell::Key { prefix: 3, rest: &[7] });
        assert_eq!(read(&[0x0B, 8, 9], 0).unwrap(), Cell::Value { content: &[8, 9], deleted: false });
        assert!(read(&[0x0B, 8], 0).is_err());
    }

    #[test]
    fn lengths_of_long_values_begin_at_64_but_for_those_with_a_time_window() {
        let mut long = vec![0x80, 0xC1, 0x19];
        long.resize(3 + 409, 7);
        let Cell::Value { content, .. } = read(&long, 0).unwrap() else { panic!() };
        assert_eq!(content.len(), 409);
        // Stop transaction 5: deleted.
        assert_eq!(
            read(&[0x8C, 0x40, 0x85, 0x80, 0x82, 1, 2], 1).unwrap(),
            Cell::Value { content: &[1, 2], deleted: true }
        );
        assert_eq!(
            read(&[0x8C, 0x20, 0x85, 0x80, 0x82, 1, 2], 1).unwrap(),
            Cell::Value { content: &[1, 2], deleted: false }
        );
        assert!(read(&[0x8C, 0x20, 0x85, 0x80, 0x82, 1, 2], 0).is_err(), "pages of before 4.4 have no time windows");
        let prepared = read(&[0x8C, 0x01, 0x80, 0x82, 1, 2], 1).unwrap_err();
        assert!(prepared.to_string().contains("has not decided"), "{prepared}");
    }

    #[test]
    fn addresses_and_copies_are_told_apart() {
        let child = [0x38, 0x00, 0x87, 0x80, 0x81, 0xE4, 0x9A, 0x0C, 0x7A, 0xB0];
        assert_eq!(read(&child, 1).unwrap(), Cell::Child(&child[3..]));
        let twice = [0x0B, 8, 9, 0x05, 0x81, 0x90, 0x85];
        let mut reader = Reader::at(&twice, 5);
        let copy = Cell::read(&mut reader, &page(&twice, 0)).unwrap();
        assert_eq!(copy, Cell::Value { content: &[8, 9], deleted: false });
        for nothing in [[0x90, 0x80], [0x90, 0x81]] {
            assert!(read(&nothing, 0).is_err());
        }
    }
}
