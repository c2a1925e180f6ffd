//! LZ4 as its documentation has it, a byte at a time.

/// Returns how much of the input was used, and what came out; nothing if the block is broken.
pub fn lz4(input: &[u8], dictionary: &[u8], length: usize) -> Option<(usize, Vec<u8>)> {
    let mut out = dictionary.to_vec();
    let end = dictionary.len() + length;
    let mut bytes = input.iter().copied().enumerate();
    loop {
        let (at, token) = bytes.next()?;
        let literals = long(token >> 4, &mut bytes)?;
        for _ in 0..literals {
            out.push(bytes.next()?.1);
            if out.len() > end {
                return None;
            }
        }
        let used = bytes.clone().next().map_or(input.len(), |(at, _)| at);
        if out.len() == end {
            return (token & 15 == 0).then(|| (used.max(at + 1), out.split_off(dictionary.len())));
        }
        let distance = usize::from(bytes.next()?.1) | usize::from(bytes.next()?.1) << 8;
        for _ in 0..long(token & 15, &mut bytes)? + 4 {
            let from = out.len().checked_sub(distance).filter(|_| distance > 0)?;
            out.push(*out.get(from)?);
            if out.len() > end {
                return None;
            }
        }
    }
}

fn long(start: u8, bytes: &mut impl Iterator<Item = (usize, u8)>) -> Option<usize> {
    let mut length = usize::from(start);
    if start == 15 {
        loop {
            let (_, byte) = bytes.next()?;
            length += usize::from(byte);
            if byte != 255 {
                break;
            }
        }
    }
    Some(length)
}
