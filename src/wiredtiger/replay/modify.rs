//! Pieces that are written into a value (`support/modify.c`).
//!
//! ```text
//! u64 number of pieces   for each: u64 length, u64 offset, u64 length that is replaced   the pieces' bytes
//! ```

use super::super::Result;
use super::super::integers::Reader;

/// A value that becomes longer is refused: MongoDB keeps documents of 16 MiB and a little.
const LONGEST: usize = 20 << 20;
/// Bytes behind the pieces that may have to be moved, in all: a server writes some dozens of pieces at a time, and the
/// whole document where there would be more.
const MOST_MOVED: usize = 64 * LONGEST;

/// Writes the pieces into a value, one after the other.
///
/// # Errors
/// Fails if they are damaged, or the value becomes longer than any can be.
pub fn modify(value: &mut Vec<u8>, pieces: &[u8]) -> Result<()> {
    let mut reader = Reader::new(pieces);
    let count = reader.u64()?;
    let mut data = reader.clone();
    let lengths = usize::try_from(count).ok().and_then(|count| count.checked_mul(24));
    data.bytes(lengths.ok_or_else(|| reader.corrupt("an impossible number of pieces"))?)?;
    let mut moved = 0;
    for _ in 0..count {
        let [length, offset, replaced] = [reader.length()?, reader.length()?, reader.length()?];
        let piece = data.bytes(length)?;
        let end = offset.checked_add(length).filter(|end| *end <= LONGEST);
        let end = end.ok_or_else(|| reader.corrupt("a piece at an impossible place"))?;
        // As much as there will be: a document of 16 MiB that grew by itself would take twice that.
        value.reserve_exact(end.saturating_sub(value.len()).max(length.saturating_sub(replaced)));
        if value.len() < offset {
            value.resize(offset, 0);
        }
        let behind = offset.saturating_add(replaced).min(value.len());
        if behind - offset != length {
            moved += value.len() - behind;
        }
        if moved > MOST_MOVED {
            return Err(reader.corrupt("more pieces than a server writes"));
        }
        value.splice(offset..behind, piece.iter().copied());
        if value.len() > LONGEST {
            return Err(reader.corrupt("a value that becomes too long"));
        }
    }
    match data.is_at_end() {
        true => Ok(()),
        false => Err(data.corrupt("more than the pieces")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(pieces: &[(u64, u64, &[u8])]) -> Vec<u8> {
        let mut packed = (pieces.len() as u64).to_le_bytes().to_vec();
        for (offset, replaced, data) in pieces {
            for number in [data.len() as u64, *offset, *replaced] {
                packed.extend(number.to_le_bytes());
            }
        }
        packed.extend(pieces.iter().flat_map(|(_, _, data)| data.iter()));
        packed
    }

    fn modified(value: &[u8], all: &[(u64, u64, &[u8])]) -> Vec<u8> {
        let mut value = value.to_vec();
        modify(&mut value, &pieces(all)).unwrap();
        value
    }

    #[test]
    fn pieces_replace_are_inserted_and_are_put_behind_the_end() {
        assert_eq!(modified(b"0123456789", &[(2, 3, b"ab")]), b"01ab56789");
        assert_eq!(modified(b"0123", &[(1, 0, b"xy"), (0, 1, b"")]), b"xy123");
        assert_eq!(modified(b"01", &[(4, 9, b"z")]), b"01\0\0z");
        assert_eq!(modified(b"0123", &[(3, 9, b"z")]), b"012z");
    }

    #[test]
    fn pieces_that_would_move_a_long_value_for_hours_are_refused() {
        let mut value = vec![0; 16 << 20];
        let error = modify(&mut value, &pieces(&vec![(0, 0, &b"z"[..]); 100_000])).unwrap_err();
        assert!(error.to_string().contains("more pieces"), "{error}");
        // As many that leave everything in its place.
        modify(&mut value, &pieces(&vec![(0, 1, &b"z"[..]); 100_000])).unwrap();
    }

    #[test]
    fn forged_pieces_take_no_memory() {
        let mut value = b"0123".to_vec();
        assert!(modify(&mut value, &pieces(&[(1 << 40, 0, b"z")])).is_err());
        assert!(modify(&mut value, &pieces(&[(u64::MAX, 0, b"z")])).is_err());
        assert!(modify(&mut value, &u64::MAX.to_le_bytes()).is_err());
        assert!(modify(&mut value, &[pieces(&[(0, 0, b"z")]), vec![1]].concat()).is_err());
        assert!(value.capacity() < 100);
    }
}
