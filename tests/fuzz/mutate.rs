//! Changes an input a little, at random.

use fastrand::Rng;

/// Numbers at which something tends to go wrong.
const EDGES: [u8; 10] = [0, 1, 0x0F, 0x10, 0x7F, 0x80, 0x81, 0xF0, 0xFE, 0xFF];

/// Changes an input in one to four places; `other` is another input of the same target.
pub fn mutate(random: &mut Rng, input: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..random.usize(1..=4) {
        if input.is_empty() {
            input.push(random.u8(..));
        }
        let place = random.usize(..input.len());
        let end = input.len().min(place + random.usize(1..=16));
        match random.u8(..8) {
            0 => input[place] ^= 1 << random.u8(..8),
            1 => input[place] = EDGES[random.usize(..EDGES.len())],
            2 => input[place..end].iter_mut().for_each(|byte| *byte = random.u8(..)),
            3 => input[place] = input[place].wrapping_add(if random.bool() { 1 } else { 0xFF }),
            4 => drop(input.drain(place..end)),
            5 => {
                let copy = input[place..end].to_vec();
                let at = random.usize(..=input.len());
                input.splice(at..at, copy);
            }
            6 => input.truncate(place),
            _ => {
                let from = random.usize(..=other.len());
                input.truncate(place);
                input.extend(&other[from..]);
            }
        }
    }
}
