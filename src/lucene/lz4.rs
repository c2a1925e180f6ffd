//! LZ4 blocks as Lucene writes them (`org.apache.lucene.codecs.compressing.LZ4` of 6.6).
//!
//! ```text
//! sequence   token: literals in the upper 4 bits, match length - 4 in the lower; 15 goes on in bytes until one < 255
//!            literals, UInt16 little-endian distance, match length continued
//! block      sequences; the last one ends behind its literals
//! ```
//!
//! Two things differ from what common libraries expect. The compressed length is stored nowhere: a block ends when
//! the known raw length is reached, so the decoder must tell how much it used. And the last match may begin up to 10
//! bytes ahead of the end, where the LZ4 block format asks for 12: `liblz4` refuses such blocks.

/// Matches are at least this long.
const MIN_MATCH: usize = 4;
/// Short pieces are copied by so many bytes at once where there is room behind them.
const STRIDE: usize = 16;

/// Fills `output` from the block at the beginning of `input` and returns how many bytes of it the block takes; nothing
/// if it is broken. Matches may reach back into the dictionary, as if it stood directly ahead of the output.
pub fn decompress(input: &[u8], dictionary: &[u8], output: &mut [u8]) -> Option<usize> {
    let mut read = 0;
    let mut written = 0;
    loop {
        let token = usize::from(*input.get(read)?);
        read += 1;
        let literals = extended(token >> 4, input, &mut read)?;
        copy_literals(input.get(read..)?, output.get_mut(written..)?, literals)?;
        read += literals;
        written += literals;
        if written == output.len() {
            // A match length behind the last literals would belong to nothing.
            return (token & 0x0F == 0).then_some(read);
        }
        let distance = usize::from(u16::from_le_bytes(*input.get(read..)?.first_chunk()?));
        read += 2;
        let length = extended(token & 0x0F, input, &mut read)?.checked_add(MIN_MATCH)?;
        let from_dictionary = copy_dictionary(dictionary, output, written, distance, length)?;
        written += from_dictionary;
        let length = length - from_dictionary;
        if length > 0 {
            copy_match(output, written, distance, length)?;
            written += length;
        }
    }
}

/// Returns a length of which 4 bits are known.
fn extended(start: usize, input: &[u8], read: &mut usize) -> Option<usize> {
    let mut length = start;
    if start == 15 {
        loop {
            let byte = *input.get(*read)?;
            *read += 1;
            length = length.checked_add(byte.into())?;
            if byte != 255 {
                break;
            }
        }
    }
    Some(length)
}

#[inline]
fn copy_literals(input: &[u8], output: &mut [u8], length: usize) -> Option<()> {
    if length <= STRIDE
        && let (Some(from), Some(to)) = (input.first_chunk::<STRIDE>(), output.first_chunk_mut::<STRIDE>())
    {
        *to = *from;
    } else {
        output.get_mut(..length)?.copy_from_slice(input.get(..length)?);
    }
    Some(())
}

/// Copies the part of a match that lies ahead of the output and returns how long it is.
#[inline]
fn copy_dictionary(
    dictionary: &[u8],
    output: &mut [u8],
    written: usize,
    distance: usize,
    length: usize,
) -> Option<usize> {
    let Some(ahead) = distance.checked_sub(written).filter(|ahead| *ahead > 0) else { return Some(0) };
    let from = dictionary.len().checked_sub(ahead)?;
    let length = length.min(ahead);
    let end = written.checked_add(length)?;
    output.get_mut(written..end)?.copy_from_slice(dictionary.get(from..from + length)?);
    Some(length)
}

/// Repeats `length` bytes from `distance` bytes ahead of `written`. They may overlap with what is being written.
#[inline]
fn copy_match(output: &mut [u8], written: usize, distance: usize, length: usize) -> Option<()> {
    if distance == 0 {
        return None;
    }
    let from = written.checked_sub(distance)?;
    let end = written.checked_add(length)?;
    if distance >= STRIDE && end.checked_add(STRIDE)? <= output.len() {
        // What is written too much is overwritten by what follows: there is room.
        for offset in (0..length).step_by(STRIDE) {
            let piece: [u8; STRIDE] = *output.get(from + offset..)?.first_chunk()?;
            *output.get_mut(written + offset..)?.first_chunk_mut()? = piece;
        }
    } else if distance >= length {
        output.get(..end)?;
        output.copy_within(from..from + length, written);
    } else {
        let (before, after) = output.get_mut(from..end)?.split_at_mut_checked(distance)?;
        let mut period = 0;
        for byte in after {
            *byte = *before.get(period)?;
            period = if period + 1 == distance { 0 } else { period + 1 };
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::lz4;
    use proptest::prelude::*;

    fn round_trip(raw: &[u8]) {
        let mut block = lz4(raw);
        let length = block.len();
        block.extend(b"what follows");
        let mut output = vec![0; raw.len()];
        assert_eq!(decompress(&block, &[], &mut output), Some(length));
        assert_eq!(output, raw);
    }

    /// Text of few words has matches of all distances and lengths.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let word =
            prop_oneof![Just("a"), Just("loss"), Just("{\"iter\":"), Just("zzzzzzzzzzzzzzzzzzzzzzzzzzz"), Just("0")];
        proptest::collection::vec(word, 0..400).prop_map(|words| words.concat().into_bytes())
    }

    proptest! {
        #[test]
        fn what_is_compressed_comes_out(raw in text()) {
            round_trip(&raw);
        }

        #[test]
        fn matches_reach_into_the_dictionary(raw in text(), cut: usize) {
            let (dictionary, block) = raw.split_at(cut % (raw.len() + 1));
            let compressed = crate::lucene::testing::lz4_with_dictionary(dictionary, block);
            let mut output = vec![0; block.len()];
            prop_assert_eq!(decompress(&compressed, dictionary, &mut output), Some(compressed.len()));
            prop_assert_eq!(&output, block);
        }

        #[test]
        fn bytes_without_pattern_come_out(raw in proptest::collection::vec(any::<u8>(), 0..700)) {
            round_trip(&raw);
        }

        #[test]
        fn garbage_neither_panics_nor_reads_behind_the_end(
            block in proptest::collection::vec(any::<u8>(), 0..300),
            dictionary in proptest::collection::vec(any::<u8>(), 0..100),
            raw_length in 0_usize..2000,
        ) {
            let mut output = vec![0; raw_length];
            if let Some(used) = decompress(&block, &dictionary, &mut output) {
                prop_assert!(used <= block.len());
            }
        }

        #[test]
        fn another_length_or_a_cut_block_is_refused(raw in text(), less in 1_usize..20) {
            prop_assume!(raw.len() >= less);
            let block = lz4(&raw);
            prop_assert_eq!(decompress(&block, &[], &mut vec![0; raw.len() + less]), None);
            prop_assert_eq!(decompress(&block[..block.len() - 1], &[], &mut vec![0; raw.len()]), None);
        }
    }

    #[test]
    fn nothing_is_one_token() {
        assert_eq!(decompress(&[0], &[], &mut []), Some(1));
        assert_eq!(decompress(&[], &[], &mut []), None);
    }

    #[test]
    fn a_match_ten_bytes_ahead_of_the_end_is_taken() {
        // Literal "a", 5 times again, then 5 literals: liblz4 wants the last match 12 bytes ahead of the end.
        let block = [0x11, b'a', 1, 0, 0x50, b'b', b'c', b'd', b'e', b'f'];
        let mut output = [0; 11];
        assert_eq!(decompress(&block, &[], &mut output), Some(block.len()));
        assert_eq!(&output, b"aaaaaabcdef");
    }

    #[test]
    fn distances_to_nowhere_are_refused() {
        for distance in [0, 2, 0xFFFF_u16] {
            let [low, high] = distance.to_le_bytes();
            assert_eq!(decompress(&[0x10, b'a', low, high, 0], &[], &mut [0; 30]), None);
        }
    }
}
