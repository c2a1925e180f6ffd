//! Packed integers: `org.apache.lucene.util.packed.PackedInts`, format `PACKED`, version 2, without its header, and
//! `org.apache.lucene.util.packed.DirectWriter`.
//!
//! Values of equally many bits, one after another; only the last byte is filled up. Where integers are big-endian the
//! most significant bit of a value comes first, else the least significant one.

use super::Corrupt;
use super::input::{ByteOrder, Input};

/// The only version there is in the files that are read here.
pub const VERSION: u32 = 2;

/// The values of a packed array.
#[derive(Debug, Clone)]
pub struct Packed<'a> {
    bytes: std::slice::Iter<'a, u8>,
    order: ByteOrder,
    bits: u32,
    left: usize,
    /// Bits that were taken from the bytes but not given out: the lowest `held` ones. Above them is nothing, or what was
    /// given out already.
    buffer: u128,
    held: u32,
}

/// Reads `count` values of `bits` bits, from 1 to 64, in the order of the input.
///
/// # Errors
/// Fails if the number of bits is another or the content ends.
pub fn packed<'a>(input: &mut Input<'a>, bits: u32, count: usize) -> Result<Packed<'a>, Corrupt> {
    if !(1..=64).contains(&bits) {
        return Err(input.corrupt("packed integers of an impossible width"));
    }
    let length = (count as u64).saturating_mul(bits.into()).div_ceil(8);
    let bytes = input.bytes(usize::try_from(length).unwrap_or(usize::MAX))?;
    Ok(Packed { bytes: bytes.iter(), order: input.order(), bits, left: count, buffer: 0, held: 0 })
}

impl Iterator for Packed<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.left = self.left.checked_sub(1)?;
        while self.held < self.bits {
            let byte = u128::from(*self.bytes.next()?);
            self.buffer = match self.order {
                ByteOrder::Big => self.buffer << 8 | byte,
                ByteOrder::Little => self.buffer | byte << self.held,
            };
            self.held += 8;
        }
        self.held -= self.bits;
        let mask = u64::MAX >> (64 - self.bits);
        Some(match self.order {
            ByteOrder::Big => (self.buffer >> self.held) as u64 & mask,
            ByteOrder::Little => {
                let value = self.buffer as u64 & mask;
                self.buffer >>= self.bits;
                value
            }
        })
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
            for order in [ByteOrder::Big, ByteOrder::Little] {
                bytes.clear();
                put_packed(&mut bytes, order, bits, &values);
                bytes.push(0x5A);
                let mut input = Input::new(&bytes).ordered(order);
                prop_assert_eq!(&packed(&mut input, bits, values.len()).unwrap().collect::<Vec<_>>(), &values);
                prop_assert_eq!(input.rest(), [0x5A]);
            }
        }
    }

    #[test]
    fn forged_widths_and_counts_are_corrupt() {
        for (bits, count) in [(0, 1), (65, 1), (8, 3), (64, usize::MAX)] {
            assert!(packed(&mut Input::new(&[1, 2]), bits, count).is_err());
        }
    }
}
