//! A set of documents: `org.apache.lucene.codecs.lucene80.IndexedDISI` and that of Lucene 9.
//!
//! ```text
//! set     blocks of 65,536 documents that are not empty, ascending; block 0x7FFF with the one document 0xFFFF; jumps
//! block   UInt16 number, UInt16 documents - 1, then
//!         up to 4,095 documents: UInt16 each;  65,536: nothing;  else ranks, if there are any, and 1,024 words of bits
//! jumps   8 bytes each, to be had without reading blocks
//! ```

use super::Corrupt;
use super::input::{ByteOrder, Input};

const BLOCK: u32 = 1 << 16;
/// With more documents a block has a bit for each.
const MAX_SPARSE: u32 = 4095;
/// The block that ends a set.
const END: u16 = 0x7FFF;
const WORD: usize = 8;

/// How a set was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Order of its integers.
    pub order: ByteOrder,
    /// Blocks of bits have a rank for each 1 shifted by this many documents; nothing if they have none.
    pub rank_power: Option<u8>,
    /// Entries in the table of jumps.
    pub jumps: u16,
}

/// The documents of a set, ascending. Whatever is wrong with it comes as an error, and nothing after that.
#[derive(Debug, Clone)]
pub struct Documents<'a> {
    input: Input<'a>,
    shape: Shape,
    from: u32,
    /// The least document that may come next.
    next: u32,
    block: Block<'a>,
    next_block: Option<u16>,
}

#[derive(Debug, Clone)]
enum Block<'a> {
    Numbers { base: u32, left: Input<'a> },
    Bits { base: u32, words: Input<'a>, word: u64 },
    All { next: u32, end: u32 },
}

impl<'a> Documents<'a> {
    /// Returns the documents in the set that these bytes hold, from this one on.
    pub fn new(bytes: &'a [u8], shape: Shape, from: u32) -> Self {
        let block = Block::All { next: 0, end: 0 };
        Self { input: Input::new(bytes).ordered(shape.order), shape, from, next: 0, block, next_block: Some(0) }
    }

    /// Takes the next document of the block that is not ahead of those asked for.
    fn next_in_block(&mut self) -> Result<Option<u32>, Corrupt> {
        for doc in self.block.by_ref() {
            if doc < self.next {
                return Err(self.input.corrupt("documents out of order ahead"));
            }
            self.next = doc.saturating_add(1);
            if doc >= self.from {
                return Ok(Some(doc));
            }
        }
        Ok(None)
    }

    /// Goes to the next block; tells whether there is one.
    fn enter_block(&mut self) -> Result<bool, Corrupt> {
        let Some(least) = self.next_block else { return Ok(false) };
        let number = self.input.u16()?;
        let documents = u32::from(self.input.u16()?) + 1;
        if number == END {
            let is_end = documents == 1 && self.input.u16()? == 0xFFFF;
            let jumps = usize::from(self.shape.jumps) * 8;
            self.next_block = None;
            return if is_end && self.input.rest().len() == jumps {
                Ok(false)
            } else {
                Err(self.input.corrupt("a set of documents that does not end as it should"))
            };
        }
        if number < least || number > END {
            return Err(self.input.corrupt("a block of documents out of order"));
        }
        self.next_block = number.checked_add(1);
        let base = u32::from(number) * BLOCK;
        self.block = match documents {
            BLOCK => Block::All { next: base, end: base + BLOCK },
            1..=MAX_SPARSE => {
                let numbers = self.input.bytes(documents as usize * 2)?;
                Block::Numbers { base, left: Input::new(numbers).ordered(self.shape.order) }
            }
            _ => {
                // A rank of two bytes for each so many documents.
                let ranks = self.shape.rank_power.map_or(0, |power| (BLOCK >> power) as usize * 2);
                self.input.bytes(ranks)?;
                let words = self.input.bytes(BLOCK as usize / 8)?;
                let set: u32 = words.iter().map(|byte| byte.count_ones()).sum();
                if set != documents {
                    return Err(self.input.corrupt("a block with another number of documents than it says"));
                }
                Block::Bits { base, words: Input::new(words).ordered(self.shape.order), word: 0 }
            }
        };
        Ok(true)
    }
}

impl Iterator for Documents<'_> {
    type Item = Result<u32, Corrupt>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let found = match self.next_in_block() {
                Ok(None) => self.enter_block(),
                Ok(Some(doc)) => return Some(Ok(doc)),
                Err(why) => Err(why),
            };
            match found {
                Ok(true) => {}
                Ok(false) => return None,
                Err(why) => {
                    (self.block, self.next_block) = (Block::All { next: 0, end: 0 }, None);
                    return Some(Err(why));
                }
            }
        }
    }
}

impl Iterator for Block<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        match self {
            Self::Numbers { base, left } => left.u16().ok().map(|low| *base + u32::from(low)),
            Self::All { next, end } => (*next < *end).then(|| {
                *next += 1;
                *next - 1
            }),
            Self::Bits { base, words, word } => {
                while *word == 0 {
                    *word = words.i64().ok()?.cast_unsigned();
                }
                let bit = word.trailing_zeros();
                *word &= *word - 1;
                Some(*base + (words.position() / WORD - 1) as u32 * 64 + bit)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::documents_set;
    use proptest::prelude::*;

    fn read(bytes: &[u8], shape: Shape, from: u32) -> Result<Vec<u32>, Corrupt> {
        Documents::new(bytes, shape, from).collect()
    }

    /// Sparse, dense and full blocks, with gaps between them.
    fn documents() -> impl Strategy<Value = Vec<u32>> {
        let block = prop_oneof![
            proptest::collection::btree_set(0_u32..BLOCK, 1..40).prop_map(|low| low.into_iter().collect::<Vec<_>>()),
            (2_u32..14).prop_map(|step| (0..BLOCK).step_by(step as usize).collect()),
            Just((0..BLOCK).collect()),
        ];
        proptest::collection::vec((1_u32..3, block), 0..4).prop_map(|blocks| {
            let mut number = 0;
            let mut all = Vec::new();
            for (gap, low) in blocks {
                all.extend(low.into_iter().map(|low| number * BLOCK + low));
                number += gap;
            }
            all
        })
    }

    fn shape() -> impl Strategy<Value = Shape> {
        (any::<bool>(), proptest::option::of(7_u8..=15), 0_u16..4).prop_map(|(little, rank_power, jumps)| Shape {
            order: if little { ByteOrder::Little } else { ByteOrder::Big },
            rank_power,
            jumps,
        })
    }

    #[test]
    fn numbers_out_of_order_in_a_block_are_told_and_end_the_set() {
        let shape = Shape { order: ByteOrder::Little, rank_power: None, jumps: 0 };
        let mut bytes = documents_set(&[3, 5, 9], shape);
        // 3, 5, 9 become 3, 9, 9.
        bytes[6] = 9;
        let found: Vec<_> = Documents::new(&bytes, shape, 0).map(|doc| doc.ok()).collect();
        assert_eq!(found, [Some(3), Some(9), None]);
        assert!(read(&bytes, shape, 10).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn every_document_of_a_set_is_found(documents in documents(), shape in shape(), from in 0_u32..3 * BLOCK) {
            let bytes = documents_set(&documents, shape);
            prop_assert_eq!(&read(&bytes, shape, 0).unwrap(), &documents);
            let rest: Vec<_> = documents.into_iter().filter(|doc| *doc >= from).collect();
            prop_assert_eq!(read(&bytes, shape, from).unwrap(), rest);
            prop_assert!(read(&bytes[..bytes.len() - 1], shape, 0).is_err());
        }

        #[test]
        fn garbage_ends(shape in shape(), bytes in proptest::collection::vec(any::<u8>(), 0..20_000)) {
            let _ = read(&bytes, shape, 0);
        }
    }
}
