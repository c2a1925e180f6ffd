//! Packed integers: `org.apache.lucene.util.packed.PackedInts`, format `PACKED`, version 2, without its header.
//!
//! Values of equally many bits, most significant bit first, one after another; only the last byte is filled up.

use super::Corrupt;
use super::input::Input;

/// The only version there is in the files that are read here.
pub const VERSION: u32 = 2;

/// The values of a packed array.
#[derive(Debug, Clone)]
pub struct Packed<'a> {
    bytes: std::slice::Iter<'a, u8>,
    bits: u32,
    left: usize,
    /// Bits that were taken from the bytes but not given out: the lowest `held` ones.
    buffer: u128,
    held: u32,
}

/// Reads `count` values of `bits` bits, from 1 to 64.
///
/// # Errors
/// Fails if the number of bits is another or the content ends.
pub fn packed<'a>(input: &mut Input<'a>, bits: u32, count: usize) -> Result<Packed<'a>, Corrupt> {
    if !(1..=64).contains(&bits) {
        return Err(input.corrupt("packed integers of an impossible width"));
    }
    let length = (count as u64).saturating_mul(bits.into()).div_ceil(8);
    let bytes = input.bytes(usize::try_from(length).unwrap_or(usize::MAX))?;
    Ok(Packed { bytes: bytes.iter(), bits, left: count, buffer: 0, held: 0 })
}

impl Iterator for Packed<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.left = self.left.checked_sub(1)?;
        while self.held < self.bits {
            self.buffer = self.buffer << 8 | u128::from(*self.bytes.next()?);
            self.held += 8;
        }
        self.held -= self.bits;
        let mask = u64::MAX >> (64 - self.bits);
        Some((self.buffer >> self.held) as u64 & mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::put_packed;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_packed_comes_out(bits in 1_u32..=64, values in proptest::collection::vec(any::<u64>(), 0..300)) {
            let values: Vec<u64> = values.into_iter().map(|value| value & u64::MAX >> (64 - bits)).collect();
            let mut bytes = Vec::new();
            put_packed(&mut bytes, bits, &values);
            bytes.push(0x5A);
            let mut input = Input::new(&bytes);
            prop_assert_eq!(packed(&mut input, bits, values.len()).unwrap().collect::<Vec<_>>(), values);
            prop_assert_eq!(input.rest(), [0x5A]);
        }
    }

    #[test]
    fn forged_widths_and_counts_are_corrupt() {
        for (bits, count) in [(0, 1), (65, 1), (8, 3), (64, usize::MAX)] {
            assert!(packed(&mut Input::new(&[1, 2]), bits, count).is_err());
        }
    }
}
