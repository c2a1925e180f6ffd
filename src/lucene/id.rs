//! Ids as Elasticsearch stores them since 6.0 (`org.elasticsearch.index.mapper.Uid`).
//!
//! | first byte | id |
//! |---|---|
//! | `FF` | UTF-8 in what follows |
//! | `FE` | two digits in each byte that follows; `F` in place of the last one if their number is odd |
//! | `FD` | the bytes that follow, in URL-safe base64 without padding: they begin with `FD`, `FE` or `FF` |
//! | other | all bytes, in the same base64 |

use super::Corrupt;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const UTF8: u8 = 0xFF;
const DIGITS: u8 = 0xFE;
const ESCAPED: u8 = 0xFD;

/// Returns the id that these bytes stand for. What must be made of them is made in the buffer.
///
/// # Errors
/// Fails if they stand for none.
pub fn decode<'a>(encoded: &'a [u8], buffer: &'a mut String) -> Result<&'a str, Corrupt> {
    buffer.clear();
    match encoded {
        [] => return Err(Corrupt::new("an id is empty")),
        [UTF8, text @ ..] => {
            return std::str::from_utf8(text).map_err(|_| Corrupt::new("an id is not UTF-8"));
        }
        [DIGITS, digits @ ..] => decimal(digits, buffer).ok_or_else(|| Corrupt::new("an id of digits has others"))?,
        [ESCAPED, bytes @ ..] => URL_SAFE_NO_PAD.encode_string(bytes, buffer),
        bytes => URL_SAFE_NO_PAD.encode_string(bytes, buffer),
    }
    Ok(buffer)
}

fn decimal(bytes: &[u8], out: &mut String) -> Option<()> {
    let (last, full) = bytes.split_last()?;
    let mut push = |digit: u8| char::from_digit(digit.into(), 10).map(|digit| out.push(digit));
    for byte in full {
        push(byte >> 4)?;
        push(byte & 0x0F)?;
    }
    push(last >> 4)?;
    match last & 0x0F {
        0x0F => Some(()),
        digit => push(digit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As Elasticsearch encodes.
    fn encode(id: &str) -> Vec<u8> {
        if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) {
            let digits: Vec<u8> = id.bytes().map(|byte| byte - b'0').collect();
            let pairs = digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0x0F));
            return [DIGITS].into_iter().chain(pairs).collect();
        }
        match URL_SAFE_NO_PAD.decode(id) {
            Ok(bytes) if bytes.first().is_some_and(|first| *first >= ESCAPED) => [&[ESCAPED], &*bytes].concat(),
            Ok(bytes) if !bytes.is_empty() => bytes,
            _ => [&[UTF8], id.as_bytes()].concat(),
        }
    }

    proptest! {
        #[test]
        fn ids_come_out_as_they_were_given(id in "[0-9]{1,24}|[A-Za-z0-9_-]{1,30}|[0-9a-f]{32}|\\PC{1,40}") {
            let (encoded, mut buffer) = (encode(&id), String::new());
            prop_assert_eq!(decode(&encoded, &mut buffer), Ok(id.as_str()));
        }

        #[test]
        fn garbage_gives_ids_or_errors(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = decode(&bytes, &mut String::new());
        }
    }

    #[test]
    fn ids_of_all_kinds_are_encoded_as_in_the_files_of_a_node() {
        for (bytes, id) in [
            (&[0xFE, 0x00, 0x7F][..], "007"),
            (&[0xFE, 0x12], "12"),
            (&[0x69, 0xB7, 0x1D], "abcd"),
            (&[0xFD, 0xFF, 0xFF, 0xFF], "____"),
            (&[0xFF, b'a', b'#'], "a#"),
        ] {
            assert_eq!(decode(bytes, &mut String::from("old")), Ok(id));
            assert_eq!(encode(id), bytes);
        }
        for broken in [&[][..], &[0xFE], &[0xFE, 0xA0], &[0xFE, 0x1F, 0x11], &[0xFF, 0xFF]] {
            assert!(decode(broken, &mut String::new()).is_err(), "{broken:?}");
        }
    }
}
